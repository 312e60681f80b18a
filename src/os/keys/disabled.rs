//! Keyboard and mouse in a build that has none: whatever is to be typed or clicked says which feature is missing.

use std::time::Duration;

use super::not_built;
use super::process::Environment;
use super::requirements::Requirements;
use super::revoked::Permit;
use crate::effect::{EffectError, InputEffect};

#[derive(Debug)]
pub(super) struct Typist;

#[allow(clippy::unused_self)] // as where there are keys
impl Typist {
    pub(super) const fn new() -> Self {
        Self
    }

    /// Nothing is missed before it is used: it may never be.
    pub(super) const fn prepare(&self, _: &Requirements, _: &Environment) -> Vec<EffectError> {
        Vec::new()
    }

    pub(super) fn submit(
        &self,
        _: InputEffect<'_>,
        _: &Environment,
        _: Option<Permit>,
        _: impl FnOnce(Result<(), EffectError>),
    ) -> Result<(), EffectError> {
        Err(not_built("keys and clicks", "keys"))
    }

    pub(super) const fn has_room(&self) -> bool {
        true
    }

    pub(super) const fn drain(&self, _: Duration) -> bool {
        true
    }
}
