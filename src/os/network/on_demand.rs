//! The network, set up when a plugin first asks for something on it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::super::process::Environment;
use super::{AuthorityError, Network};
use crate::effect::{EffectError, NetworkRequest, Origin, Response, SocketEvents};
use crate::time::SystemClock;

/// A network that costs nothing until it is used: reading the authorities takes longer than starting.
#[derive(Debug)]
pub(in crate::os) struct NetworkOnDemand {
    clock: Arc<SystemClock>,
    network: OnceLock<Result<Network, AuthorityError>>,
    events: Arc<SocketEvents>,
}

impl NetworkOnDemand {
    pub(in crate::os) fn new(clock: &Arc<SystemClock>) -> Self {
        Self { clock: Arc::clone(clock), network: OnceLock::new(), events: Arc::default() }
    }

    /// Where what arrives on connections of resident plugins waits.
    pub(in crate::os) fn socket_events(&self) -> Arc<SocketEvents> {
        Arc::clone(&self.events)
    }

    /// Carries `request` out and waits for it, at most `limit`.
    pub(in crate::os) fn request(
        &self,
        request: &NetworkRequest,
        origin: Origin<'_>,
        limit: Duration,
        environment: &Environment,
    ) -> Result<Response, EffectError> {
        if matches!(request, NetworkRequest::SocketCloseAll) && self.network.get().is_none() {
            return Ok(Response::Done); // nothing was ever opened
        }
        let network = self.network.get_or_init(|| {
            let network = Network::of(Arc::<SystemClock>::clone(&self.clock), environment);
            network.map(|network| network.with_events(Arc::clone(&self.events)))
        });
        match network {
            Ok(network) => network.request(request, origin, limit).result,
            Err(error) => Err(EffectError::Failed(error.to_string())),
        }
    }
}
