//! MIDI 1.0: bytes ↔ [`Message`], and Standard MIDI Files. Pure; no input or output.

mod message;
mod parser;
mod encode;
mod smf;

pub use message::{Channel, Message, SystemMessage};
pub use parser::{Dropped, Parser};
pub use smf::{BadEvent, Smf, SmfError};
