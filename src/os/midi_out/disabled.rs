//! MIDI output in a build that has none: a message says which feature is missing.

use std::sync::Arc;

use super::not_built;
use crate::effect::{EffectError, FeedbackOut, MidiOut, SentMidi};

#[derive(Debug, Default)]
pub(super) struct MidiOutput {}

#[allow(clippy::unused_self, clippy::unnecessary_wraps)] // as where there is MIDI output
impl MidiOutput {
    pub(super) fn send(&self, _: &MidiOut) -> Result<(), EffectError> {
        Err(not_built("MIDI output", "alsa"))
    }

    pub(super) fn tell(&self, _: &FeedbackOut) -> Result<(), EffectError> {
        Err(not_built("MIDI output", "alsa"))
    }

    /// Nothing is missed before it is used: it may never be.
    pub(super) const fn prepare(&self, _: &str) -> Result<(), EffectError> {
        Ok(())
    }

    pub(super) const fn sent(&self) -> Option<Arc<SentMidi>> {
        None
    }
}
