//! MIDI that is sent.

use crate::midi::Outgoing;

/// A message for a MIDI output port, or several that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MidiOut {
    /// Name, prefix or `client:port` of the output port.
    pub port: String,
    /// The message, complete and valid.
    pub message: Outgoing,
}
