//! Open Sound Control of a build that has none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::not_built;
use crate::effect::{EffectError, OscOut, UdpTarget};
use crate::text::Repeats;

#[derive(Debug)]
pub(super) struct OscSender;

#[allow(clippy::unused_self)] // as where there is one
impl OscSender {
    #[allow(clippy::needless_pass_by_value)] // as where there is one
    pub(super) fn new(_: Arc<Repeats>) -> Self {
        Self
    }

    pub(super) fn prepare(&self, targets: &BTreeSet<UdpTarget>) -> Vec<EffectError> {
        if targets.is_empty() { Vec::new() } else { vec![not_built("OSC", "osc")] }
    }

    pub(super) fn send(&self, _: &OscOut) -> Result<(), EffectError> {
        Err(not_built("OSC", "osc"))
    }

    pub(super) const fn drain(&self, _: Duration) -> bool {
        true
    }
}
