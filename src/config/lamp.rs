//! What the controls of devices show, and how faders are taken over.

use std::sync::Arc;

use super::action::number::Scaling;
use super::condition::Condition;
use crate::gesture::DeviceId;
use crate::midi::{Channel, Message, Outgoing};
use crate::state::StateKey;

/// What a control of a device shows: `feedback` of a mapping, or `[[feedback]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// In this mode only, by its index; in every mode where nothing of the mode shows something there.
    pub mode: Option<usize>,
    /// The device.
    pub device: DeviceId,
    /// Where on it.
    pub lamp: Lamp,
    /// What.
    pub shows: Shows,
    /// Line in the configuration file, from 1.
    pub line: u32,
}

/// A lamp, a ring or a motor fader: what a device shows something at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lamp {
    /// That of a note.
    Note {
        /// Channel that it is told on.
        channel: Channel,
        /// Number.
        note: u8,
    },
    /// That of a controller.
    Cc {
        /// Channel that it is told on.
        channel: Channel,
        /// Number.
        controller: u8,
    },
    /// That of a pair of controllers with 14 bits.
    Cc14 {
        /// Channel that it is told on.
        channel: Channel,
        /// Number of the upper one.
        controller: u8,
    },
    /// A fader that speaks pitch bend.
    Bend {
        /// Channel that it is told on.
        channel: Channel,
    },
}

impl Lamp {
    /// Greatest value; the least is 0.
    #[must_use]
    pub const fn scale(self) -> u16 {
        match self {
            Self::Note { .. } | Self::Cc { .. } => 127,
            Self::Cc14 { .. } | Self::Bend { .. } => 16_383,
        }
    }

    /// Whether it is one of those that are faders, so that 0 is a place and not off.
    #[must_use]
    pub const fn is_fader(self) -> bool {
        matches!(self, Self::Cc14 { .. } | Self::Bend { .. })
    }

    /// Its number, where it has one.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Note { note, .. } => note,
            Self::Cc { controller, .. } | Self::Cc14 { controller, .. } => controller,
            Self::Bend { .. } => 0,
        }
    }

    /// What tells it `value`, on `channel` where that is not its own.
    #[must_use]
    pub fn message(self, value: u16, on: Option<Channel>) -> Outgoing {
        let value = value.min(self.scale());
        let byte = u8::try_from(value).unwrap_or(127);
        let message = match self {
            Self::Note { channel, note } => Message::NoteOn { channel: on.unwrap_or(channel), note, velocity: byte },
            Self::Cc { channel, controller } => {
                Message::ControlChange { channel: on.unwrap_or(channel), controller, value: byte }
            }
            Self::Cc14 { channel, controller } => {
                return Outgoing::Cc14 { channel: on.unwrap_or(channel), controller, value };
            }
            Self::Bend { channel } => Message::PitchBend { channel: on.unwrap_or(channel), value },
        };
        message.into()
    }
}

impl std::fmt::Display for Lamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Note { note, .. } => write!(f, "note {note}"),
            Self::Cc { controller, .. } => write!(f, "controller {controller}"),
            Self::Cc14 { controller, .. } => write!(f, "the pair of controller {controller}"),
            Self::Bend { .. } => f.write_str("pitch bend"),
        }
    }
}

/// What is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Shows {
    /// One of two things.
    Lamp {
        /// While this holds, `on`.
        when: Arc<Condition>,
        /// What is sent then.
        on: Outgoing,
        /// What is sent else.
        off: Outgoing,
    },
    /// A number.
    Value {
        /// The named value that it is made of.
        key: StateKey,
        /// How.
        scaling: Scaling,
    },
}

/// A fader that does nothing until it has passed the value it should stand at.
#[derive(Debug, Clone, PartialEq)]
pub struct Pickup {
    /// The named value that it should stand at.
    pub key: StateKey,
    /// What that is on the fader's scale.
    pub scaling: Scaling,
}
