//! What plugins ask for and wait for, done for real.

use std::sync::Arc;
use std::time::Duration;

use super::network::{HttpSender, NetworkOnDemand};
use super::process::Environment;
use super::volume::Mixer;
use super::{exec, system};
use crate::effect::{Answer, Origin, Request, Response};
use crate::time::{Clock, SystemClock};

/// Carries requests out, on the thread that asks.
#[derive(Debug)]
pub(super) struct Requests {
    clock: Arc<SystemClock>,
    network: Arc<NetworkOnDemand>,
}

impl Requests {
    pub(super) fn new() -> Self {
        let clock = Arc::new(SystemClock::start());
        Self { network: Arc::new(NetworkOnDemand::new(&clock)), clock }
    }

    /// What sends requests whose answers nobody waits for, over the same network.
    pub(super) fn http_sender(&self) -> HttpSender {
        HttpSender::new(&self.clock, &self.network)
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
            Request::Network(request) => self.network.request(request, origin, limit, environment),
            Request::Program(program) => exec::exec(environment, program, limit).map(Response::Program),
            Request::Mixer(volume) => mixer.apply(volume, environment, limit).map(|()| Response::Done),
            Request::System(system) => system::apply(system, environment, limit).map(|()| Response::Done),
        };
        Answer { result, waited: Duration::from_micros(self.clock.now().saturating_sub(start)) }
    }
}
