//! Named values of a session, in one table: what toggles, cycles and variables are, what is held, which devices are there.
//!
//! A key is written like a dotted key of TOML (`toggle.mic`, `device."Mikro MK3".connected`) and read once, when the configuration is
//! loaded. The session owns the table and changes it in the order of its events; conditions see it as it stands when their step
//! starts. `mode`, `pressed` and `device` always have a value, everything else is absent until it is set, and equal to nothing then.

mod json;
mod key;
mod key_text;
mod pattern;
mod prefix;
mod table;
mod value;
mod watch;

pub use key::{MidiValue, StateKey, ValueKind};
pub(crate) use key_text::KINDS;
pub use key_text::KeyFault;
pub use pattern::StatePattern;
pub use prefix::StatePrefix;
pub use table::{Place, StateTable};
pub use value::{StateNumber, StateTest, StateValue};
pub use watch::Watch;
