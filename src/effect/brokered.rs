//! Effects of threads that are confined.

use std::sync::Arc;
use std::time::Duration;

use super::{Answer, Effect, EffectError, Origin, Outside, Reply, Request};
use crate::confine::{is_confined, unconfined};

/// The way out of the process for any thread: what a confined one may not do itself is done by another, for which it waits.
#[derive(Clone, Copy)]
pub struct Brokered<'a>(pub &'a Arc<dyn Outside>);

/// An [`Origin`] that can go to another thread.
enum OwnedOrigin {
    Mapping,
    Plugin { plugin: String, tenant: String },
}

impl From<Origin<'_>> for OwnedOrigin {
    fn from(origin: Origin<'_>) -> Self {
        match origin {
            Origin::Mapping => Self::Mapping,
            Origin::Plugin { plugin, tenant } => Self::Plugin { plugin: plugin.to_owned(), tenant: tenant.to_owned() },
        }
    }
}

impl OwnedOrigin {
    fn borrow(&self) -> Origin<'_> {
        match self {
            Self::Mapping => Origin::Mapping,
            Self::Plugin { plugin, tenant } => Origin::Plugin { plugin, tenant },
        }
    }
}

impl Outside for Brokered<'_> {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        if !is_confined() || self.0.stays_inside() {
            return self.0.perform(effect, origin);
        }
        let (outside, effect, origin) = (Arc::clone(self.0), effect.clone(), OwnedOrigin::from(origin));
        unconfined(move || outside.perform(&effect, origin.borrow()))
    }

    fn stays_inside(&self) -> bool {
        true
    }

    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        if !is_confined() || self.0.stays_inside() {
            return self.0.request(request, origin, limit);
        }
        let (outside, request, origin) = (Arc::clone(self.0), request.clone(), OwnedOrigin::from(origin));
        unconfined(move || outside.request(&request, origin.borrow(), limit))
    }
}
