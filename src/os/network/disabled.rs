//! The network of a build that has none: there is nothing to close, and everything else says which features are missing.

use std::sync::Arc;
use std::time::Duration;

use super::process::Environment;
use crate::config::Config;
use crate::effect::{EffectError, HttpOut, NetworkRequest, Origin, Response};
use crate::time::SystemClock;

#[derive(Debug)]
pub(super) struct NetworkOnDemand;

impl NetworkOnDemand {
    pub(super) const fn new(_: &Arc<SystemClock>) -> Self {
        Self
    }

    #[allow(clippy::unused_self)] // as where there is a network
    pub(super) fn request(
        &self,
        request: &NetworkRequest,
        _: Origin<'_>,
        _: Duration,
        _: &Environment,
    ) -> Result<Response, EffectError> {
        if matches!(request, NetworkRequest::SocketCloseAll) {
            return Ok(Response::Done);
        }
        Err(EffectError::Unsupported(
            "this build has no network; build it with: cargo build --features http,websocket".to_owned(),
        ))
    }
}

/// Sends nothing.
#[derive(Debug)]
pub(super) struct HttpSender;

#[allow(clippy::unused_self)] // as where there is a network
impl HttpSender {
    pub(super) const fn new(_: &Arc<SystemClock>, _: &Arc<NetworkOnDemand>) -> Self {
        Self
    }

    pub(super) const fn prepare(&self, _: &Config) {}

    pub(super) fn send(
        &self,
        _: &HttpOut,
        _: &Environment,
        _: impl FnOnce(Result<(), EffectError>) + Send + 'static,
    ) -> Result<(), EffectError> {
        Err(EffectError::Unsupported("this build has no HTTP; build it with: cargo build --features http".to_owned()))
    }

    pub(super) const fn has_room(&self) -> bool {
        true
    }

    pub(super) const fn drain(&self, _: Duration) -> bool {
        true
    }
}
