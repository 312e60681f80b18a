//! HTTP and WebSocket for plugins: every connection goes to an address that was checked, and to no other.

mod deadline;
mod dial;
mod headers;
#[cfg(feature = "http")]
mod http;
mod names;
#[cfg(feature = "websocket")]
mod socket;
mod tls;
mod wire;
#[cfg(feature = "websocket")]
mod sockets;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use names::{Lookup, SystemLookup};
pub use tls::AuthorityError;

use crate::effect::{Answer, EffectError, HttpRequest, Origin, Request, Response, SocketOpen};
use crate::time::Clock;
use deadline::Deadline;
use dial::Dialer;

/// The network as plugins see it.
pub struct Network {
    clock: Arc<dyn Clock>,
    dialer: Dialer,
    #[cfg(feature = "websocket")]
    sockets: sockets::Sockets,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("dialer", &self.dialer).finish_non_exhaustive()
    }
}

impl Network {
    /// A network whose names are looked up by `lookup`, and that trusts Mozilla's certificate authorities and those in the
    /// PEM file `authorities`, if there is one. `clock` has to be a real one.
    pub fn new(
        clock: Arc<dyn Clock>,
        lookup: Arc<dyn Lookup>,
        authorities: Option<&Path>,
    ) -> Result<Self, AuthorityError> {
        Ok(Self {
            clock,
            dialer: Dialer::new(lookup, tls::client_config(authorities)?),
            #[cfg(feature = "websocket")]
            sockets: sockets::Sockets::default(),
        })
    }
    /// Carries out a request that needs the network, within `limit`.
    pub fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        let deadline = Deadline::after(Arc::clone(&self.clock), limit);
        let result = match request {
            Request::Http(request) => self.http(request, origin, &deadline),
            Request::SocketOpen(open) => self.open(open, origin, &deadline),
            #[cfg(feature = "websocket")]
            Request::SocketSend { socket, message } => self.sockets.send(origin, *socket, message.clone()),
            #[cfg(feature = "websocket")]
            Request::SocketReceive { socket } => self.sockets.receive(origin, *socket, &deadline),
            #[cfg(feature = "websocket")]
            Request::SocketClose { socket } => self.sockets.close(origin, *socket),
            #[cfg(feature = "websocket")]
            Request::SocketCloseAll => {
                self.sockets.close_all(origin);
                Ok(Response::Done)
            }
            #[cfg(not(feature = "websocket"))]
            Request::SocketSend { .. } | Request::SocketReceive { .. } | Request::SocketClose { .. } => {
                Err(missing("WebSocket", "websocket"))
            }
            #[cfg(not(feature = "websocket"))]
            Request::SocketCloseAll => Ok(Response::Done),
            Request::Program(_) | Request::Audio(_) | Request::System(_) => {
                Err(EffectError::Unsupported("this needs no network".to_owned()))
            }
        };
        Answer { result, waited: deadline.waited() }
    }
    #[cfg(feature = "http")]
    fn http(&self, request: &HttpRequest, origin: Origin<'_>, deadline: &Deadline) -> Result<Response, EffectError> {
        let (headers, filled) = headers::fill(&request.headers, &request.secrets)?;
        let connection = self.dialer.dial(&request.url, &request.reach, origin, deadline)?;
        let mut response = http::exchange(connection, request, &headers, deadline)?;
        filled.scrub(&mut response);
        Ok(Response::Http(response))
    }
    #[cfg(not(feature = "http"))]
    #[allow(clippy::unused_self)] // the other build's twin uses it
    fn http(&self, _: &HttpRequest, _: Origin<'_>, _: &Deadline) -> Result<Response, EffectError> {
        Err(missing("HTTP", "http"))
    }
    #[cfg(feature = "websocket")]
    fn open(&self, open: &SocketOpen, origin: Origin<'_>, deadline: &Deadline) -> Result<Response, EffectError> {
        let slot = self.sockets.reserve(origin)?;
        let (headers, filled) = headers::fill(&open.headers, &open.secrets)?;
        let connection = self.dialer.dial(&open.url, &open.reach, origin, deadline)?;
        slot.open(socket::Socket::open(connection, &open.url, &headers, filled, deadline)?)
    }
    #[cfg(not(feature = "websocket"))]
    #[allow(clippy::unused_self)] // the other build's twin uses it
    fn open(&self, _: &SocketOpen, _: Origin<'_>, _: &Deadline) -> Result<Response, EffectError> {
        Err(missing("WebSocket", "websocket"))
    }
}

#[cfg(not(all(feature = "http", feature = "websocket")))]
fn missing(what: &str, feature: &str) -> EffectError {
    EffectError::Unsupported(format!("this build has no {what}; build it with the cargo feature {feature}"))
}
