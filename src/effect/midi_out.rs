//! MIDI that is sent.

use crate::midi::Message;

/// A message for a MIDI output port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MidiOut {
    /// Name, prefix or `client:port` of the output port.
    pub port: String,
    /// The message, complete and valid.
    pub message: Message,
}
