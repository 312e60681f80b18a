//! MIDI 1.0: bytes ↔ [`Message`], Standard MIDI Files, and what ports are called. Pure; no input or output.

mod message;
mod parser;
pub(crate) mod controller;
mod encode;
mod numbers;
mod outgoing;
mod smf;
mod sysex;
mod kind;
mod port;

pub use kind::{Beginning, Kind, NotMidi};
pub use message::{Channel, Message, SystemMessage};
pub use numbers::{Channels, Numbers};
pub use outgoing::Outgoing;
pub use parser::{Dropped, Parser};
pub(crate) use port::find_port;
pub use port::{Address, Port};
pub use smf::{BadEvent, Place, Remark, Riff, RiffError, Smf, SmfError};
pub use sysex::{MAX_SYSEX, SysExTextError, sysex_payload, sysex_prefix};
