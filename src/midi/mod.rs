//! MIDI 1.0: bytes ↔ [`Message`], and Standard MIDI Files. Pure; no input or output.

mod message;

pub use message::{Channel, Message, SystemMessage};
