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
mod serve;
#[cfg(feature = "websocket")]
mod socket;
mod tls;
mod wire;
#[cfg(feature = "websocket")]
mod sockets;
#[cfg(feature = "http")]
mod tokens;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(super) use http_sender::HttpSender;
pub use names::{Lookup, SystemLookup};
pub(super) use on_demand::NetworkOnDemand;
pub use tls::AuthorityError;
#[cfg(feature = "http")]
pub use tokens::{Login, Loopback, Returned, Token, TokenStore, WaitError};

use super::process::Environment;
#[cfg(feature = "http")]
use crate::effect::HttpRequest;
use crate::effect::{Answer, EffectError, NetworkRequest, Origin, Response, SocketEvents};
#[cfg(feature = "websocket")]
use crate::effect::{OAuthClient, SocketOpen};
use crate::time::Clock;
use deadline::Deadline;
use dial::Dialer;

/// The network as plugins see it.
pub struct Network {
    clock: Arc<dyn Clock>,
    dialer: Dialer,
    #[cfg(feature = "http")]
    tokens: tokens::Tokens,
    #[cfg(feature = "websocket")]
    sockets: sockets::Sockets,
    /// Where what arrives for resident plugins waits.
    #[cfg(feature = "websocket")]
    events: Arc<SocketEvents>,
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
        let dialer = Dialer::new(lookup, tls::client_config(authorities)?);
        Ok(Self {
            #[cfg(feature = "http")]
            tokens: tokens::Tokens::new(Arc::clone(&clock), dialer.clone(), TokenStore::nowhere()),
            clock,
            dialer,
            #[cfg(feature = "websocket")]
            sockets: sockets::Sockets::default(),
            #[cfg(feature = "websocket")]
            events: Arc::default(),
        })
    }

    /// The network of a program with this environment.
    pub fn of(clock: Arc<dyn Clock>, environment: &Environment) -> Result<Self, AuthorityError> {
        let authorities = environment.get("SSL_CERT_FILE");
        let network = Self::new(clock, Arc::new(SystemLookup), authorities.as_deref().map(Path::new))?;
        #[cfg(feature = "http")]
        let network = network.with_tokens(TokenStore::of(environment));
        Ok(network)
    }

    /// Tokens for the headers of requests are those of `store`; without there are none.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn with_tokens(self, store: TokenStore) -> Self {
        let tokens = tokens::Tokens::new(Arc::clone(&self.clock), self.dialer.clone(), store);
        Self { tokens, ..self }
    }

    /// What arrives for resident plugins waits in `events`.
    #[must_use]
    pub fn with_events(self, events: Arc<SocketEvents>) -> Self {
        #[cfg(feature = "websocket")]
        return Self { events, ..self };
        #[cfg(not(feature = "websocket"))]
        {
            drop(events); // nothing ever arrives
            self
        }
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
            NetworkRequest::SocketSendPieces { socket, pieces, secrets } => {
                self.sockets.send_pieces(origin, *socket, pieces, secrets)
            }
            #[cfg(feature = "websocket")]
            NetworkRequest::SocketReceive { socket } => self.sockets.receive(origin, *socket, &deadline),
            #[cfg(feature = "websocket")]
            NetworkRequest::SocketClose { socket } => self.sockets.close(origin, *socket),
            #[cfg(feature = "websocket")]
            NetworkRequest::SocketCloseAll => {
                self.sockets.close_all(origin, &self.events);
                Ok(Response::Done)
            }
            #[cfg(not(feature = "websocket"))]
            NetworkRequest::SocketCloseAll => Ok(Response::Done),
            #[cfg(not(feature = "websocket"))]
            NetworkRequest::SocketOpen(_)
            | NetworkRequest::SocketSend { .. }
            | NetworkRequest::SocketSendPieces { .. }
            | NetworkRequest::SocketReceive { .. }
            | NetworkRequest::SocketClose { .. } => Err(missing("WebSocket", "websocket")),
        };
        Answer { result, waited: deadline.waited() }
    }
    #[cfg(feature = "http")]
    fn http(&self, request: &HttpRequest, origin: Origin<'_>, deadline: &Deadline) -> Result<Response, EffectError> {
        let mut refused = None;
        loop {
            let mut used = None;
            let (headers, filled) = headers::fill(&request.headers, &request.secrets, &mut |client| {
                let token = self.tokens.access(client, refused.as_deref(), deadline)?;
                used = Some(token.clone());
                Ok(token)
            })?;
            let connection = self.dialer.dial(&request.url, &request.reach, origin, deadline)?;
            let mut response = http::exchange(connection, request, &headers, deadline)?;
            // The token ended before its time, or the clock here is wrong: with a new one, once.
            if response.status == 401 && used.is_some() && refused.is_none() {
                refused = used;
                continue;
            }
            filled.scrub(&mut response);
            return Ok(Response::Http(response));
        }
    }

    /// The tokens of logins.
    #[cfg(feature = "http")]
    fn tokens(&self) -> &tokens::Tokens {
        &self.tokens
    }

    /// The access token that a connection is opened with.
    #[cfg(feature = "websocket")]
    fn token(&self, client: &Arc<OAuthClient>, deadline: &Deadline) -> Result<String, EffectError> {
        #[cfg(feature = "http")]
        return self.tokens.access(client, None, deadline);
        #[cfg(not(feature = "http"))]
        {
            let (_, _) = (client, deadline);
            Err(missing("tokens of logins", "http"))
        }
    }
    #[cfg(feature = "websocket")]
    fn open(&self, open: &SocketOpen, origin: Origin<'_>, deadline: &Deadline) -> Result<Response, EffectError> {
        let slot = self.sockets.reserve(origin)?;
        let (headers, filled) =
            headers::fill(&open.headers, &open.secrets, &mut |client| self.token(client, deadline))?;
        if let Some(limit) = open.events {
            let deadline = Deadline::after(Arc::clone(&self.clock), limit);
            return slot.open_with_events((&self.dialer, &self.events), open, headers, filled, deadline);
        }
        let connection = self.dialer.dial(&open.url, &open.reach, origin, deadline)?;
        slot.open(socket::Socket::open(connection, &open.url, &headers, filled, deadline)?)
    }
}

#[cfg(not(all(feature = "http", feature = "websocket")))]
fn missing(what: &str, feature: &str) -> EffectError {
    EffectError::Unsupported(format!("this build has no {what}; build it with the cargo feature {feature}"))
}
