//! HTTP and WebSocket for plugins: every connection goes to an address that was checked, and to no other.

mod deadline;
mod dial;
mod headers;
#[cfg(feature = "http")]
mod http;
mod http_sender;
mod names;
mod on_demand;
#[cfg(feature = "websocket")]
mod socket;
mod tls;
mod wire;
#[cfg(feature = "websocket")]
mod sockets;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(super) use http_sender::HttpSender;
pub use names::{Lookup, SystemLookup};
pub(super) use on_demand::NetworkOnDemand;
pub use tls::AuthorityError;

#[cfg(feature = "http")]
use crate::effect::HttpRequest;
#[cfg(feature = "websocket")]
use crate::effect::SocketOpen;
use crate::effect::{Answer, EffectError, NetworkRequest, Origin, Response};
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
    /// Carries out `request` within `limit`.
    pub fn request(&self, request: &NetworkRequest, origin: Origin<'_>, limit: Duration) -> Answer {
        let deadline = Deadline::after(Arc::clone(&self.clock), limit);
        let result = match request {
            #[cfg(feature = "http")]
            NetworkRequest::Http(request) => self.http(request, origin, &deadline),
            #[cfg(not(feature = "http"))]
            NetworkRequest::Http(_) => Err(missing("HTTP", "http")),
            #[cfg(feature = "websocket")]
            NetworkRequest::SocketOpen(open) => self.open(open, origin, &deadline),
            #[cfg(feature = "websocket")]
            NetworkRequest::SocketSend { socket, message } => self.sockets.send(origin, *socket, message.clone()),
            #[cfg(feature = "websocket")]
            NetworkRequest::SocketReceive { socket } => self.sockets.receive(origin, *socket, &deadline),
            #[cfg(feature = "websocket")]
            NetworkRequest::SocketClose { socket } => self.sockets.close(origin, *socket),
            #[cfg(feature = "websocket")]
            NetworkRequest::SocketCloseAll => {
                self.sockets.close_all(origin);
                Ok(Response::Done)
            }
            #[cfg(not(feature = "websocket"))]
            NetworkRequest::SocketCloseAll => Ok(Response::Done),
            #[cfg(not(feature = "websocket"))]
            NetworkRequest::SocketOpen(_)
            | NetworkRequest::SocketSend { .. }
            | NetworkRequest::SocketReceive { .. }
            | NetworkRequest::SocketClose { .. } => Err(missing("WebSocket", "websocket")),
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
    #[cfg(feature = "websocket")]
    fn open(&self, open: &SocketOpen, origin: Origin<'_>, deadline: &Deadline) -> Result<Response, EffectError> {
        let slot = self.sockets.reserve(origin)?;
        let (headers, filled) = headers::fill(&open.headers, &open.secrets)?;
        let connection = self.dialer.dial(&open.url, &open.reach, origin, deadline)?;
        slot.open(socket::Socket::open(connection, &open.url, &headers, filled, deadline)?)
    }
}

#[cfg(not(all(feature = "http", feature = "websocket")))]
fn missing(what: &str, feature: &str) -> EffectError {
    EffectError::Unsupported(format!("this build has no {what}; build it with the cargo feature {feature}"))
}
