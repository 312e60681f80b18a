//! What plugins ask for and wait for, done for real.

use std::sync::Arc;
#[cfg(any(feature = "http", feature = "websocket"))]
use std::sync::OnceLock;
use std::time::Duration;

#[cfg(any(feature = "http", feature = "websocket"))]
use super::network::{AuthorityError, Network, SystemLookup};
use super::process::Environment;
use super::volume::Mixer;
use super::{exec, system};
use crate::effect::{Answer, EffectError, Origin, Request, Response};
use crate::time::{Clock, SystemClock};

/// Carries requests out, on the thread that asks.
#[derive(Debug)]
pub(super) struct Requests {
    clock: Arc<SystemClock>,
    /// Made when it is first needed: reading the authorities takes longer than starting.
    #[cfg(any(feature = "http", feature = "websocket"))]
    network: OnceLock<Result<Network, AuthorityError>>,
}

impl Requests {
    pub(super) fn new() -> Self {
        Self {
            clock: Arc::new(SystemClock::start()),
            #[cfg(any(feature = "http", feature = "websocket"))]
            network: OnceLock::new(),
        }
    }

    /// Carries `request` out and waits for it, at most `limit`.
    pub(super) fn answer(
        &self,
        request: &Request,
        origin: Origin<'_>,
        limit: Duration,
        environment: &Environment,
        mixer: &Mixer,
    ) -> Answer {
        let start = self.clock.now();
        let result = match request {
            Request::Program(program) => exec::exec(environment, program, limit).map(Response::Program),
            Request::Audio(volume) => mixer.apply(volume, environment, limit).map(|()| Response::Done),
            Request::System(system) => system::apply(system, environment, limit).map(|()| Response::Done),
            Request::SocketCloseAll if !self.connected() => Ok(Response::Done),
            Request::Http(_)
            | Request::SocketOpen(_)
            | Request::SocketSend { .. }
            | Request::SocketReceive { .. }
            | Request::SocketClose { .. }
            | Request::SocketCloseAll => self.network(request, origin, limit, environment),
        };
        Answer { result, waited: Duration::from_micros(self.clock.now().saturating_sub(start)) }
    }

    #[cfg(any(feature = "http", feature = "websocket"))]
    fn network(
        &self,
        request: &Request,
        origin: Origin<'_>,
        limit: Duration,
        environment: &Environment,
    ) -> Result<Response, EffectError> {
        let network = self.network.get_or_init(|| {
            let authorities = environment.get("SSL_CERT_FILE");
            let clock = Arc::clone(&self.clock);
            Network::new(clock, Arc::new(SystemLookup), authorities.as_deref().map(std::path::Path::new))
        });
        match network {
            Ok(network) => network.request(request, origin, limit).result,
            Err(error) => Err(EffectError::Failed(error.to_string())),
        }
    }

    #[cfg(not(any(feature = "http", feature = "websocket")))]
    #[allow(clippy::unused_self)] // the other build's twin uses it
    fn network(&self, _: &Request, _: Origin<'_>, _: Duration, _: &Environment) -> Result<Response, EffectError> {
        Err(EffectError::Unsupported(
            "this build has no network; build it with: cargo build --features http,websocket".to_owned(),
        ))
    }

    /// Whether anything was ever asked of the network.
    #[cfg(any(feature = "http", feature = "websocket"))]
    fn connected(&self) -> bool {
        self.network.get().is_some()
    }
    #[cfg(not(any(feature = "http", feature = "websocket")))]
    #[allow(clippy::unused_self)] // the other build's twin uses it
    fn connected(&self) -> bool {
        false
    }
}
