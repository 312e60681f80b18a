//! Names of values.

use crate::midi::Channel;

/// The name of a value. Devices are named as triggers name them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateKey {
    /// `mode`: the name of the current mode.
    Mode,
    /// `pressed.NOTE`: whether the note is held on any channel of any device.
    Pressed(u8),
    /// `pressed.DEVICE.CHANNEL.NOTE`: whether it is held there.
    PressedOn {
        /// The device.
        device: Box<str>,
        /// The channel.
        channel: Channel,
        /// The note.
        note: u8,
    },
    /// `midi.DEVICE.CHANNEL.…`: what a device sent last.
    Midi {
        /// The device.
        device: Box<str>,
        /// The channel.
        channel: Channel,
        /// Of what.
        of: MidiValue,
    },
    /// `device.DEVICE.connected`.
    Connected(Box<str>),
    /// `toggle.NAME`.
    Toggle(Box<str>),
    /// `cycle.NAME`: the number of the action that ran last, from 1.
    Cycle(Box<str>),
    /// `var.NAME`.
    Var(Box<str>),
    /// `plugin.NAME.KEY`, or `tenant.TENANT.NAME.KEY`: set by a plugin.
    Plugin {
        /// For this tenant; absent for `default`.
        tenant: Option<Box<str>>,
        /// The plugin.
        plugin: Box<str>,
        /// The rest, as it is written.
        key: Box<str>,
    },
}

/// What of a channel a value is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MidiValue {
    /// A controller's value.
    Cc(u8),
    /// A note's velocity; 0 when it was let go.
    Note(u8),
    /// Pitch bend, 8192 at rest.
    Bend,
    /// Pressure of the channel.
    Pressure,
    /// Program.
    Program,
}

/// What values a key can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// Any of them.
    Any,
}

impl StateKey {
    /// Longest key, in bytes.
    pub const MAX: usize = 256;

    /// What values it can have.
    #[must_use]
    pub const fn kind(&self) -> ValueKind {
        match self {
            Self::Mode => ValueKind::Text,
            Self::Pressed(_) | Self::PressedOn { .. } | Self::Connected(_) | Self::Toggle(_) => ValueKind::Flag,
            Self::Midi { .. } | Self::Cycle(_) => ValueKind::Number,
            Self::Var(_) | Self::Plugin { .. } => ValueKind::Any,
        }
    }

    /// The device it is of, as triggers call it.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::PressedOn { device, .. } | Self::Midi { device, .. } | Self::Connected(device) => Some(device),
            _ => None,
        }
    }
}
