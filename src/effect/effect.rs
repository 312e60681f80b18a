//! What an action or a plugin does to the world, as a value.

use serde::{Deserialize, Serialize};

use super::{Keystroke, MidiOut, MouseClick, MouseMotion, Volume};

/// One thing done to the world outside the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A message to a MIDI output port.
    Midi(MidiOut),
    /// A line for `/bin/sh`, from the configuration only: no plugin can make one.
    Shell(String),
    /// A program started and left running, from the configuration only.
    Launch(String),
    /// A change of the system's volume.
    Volume(Volume),
    /// Keys pressed together.
    Keystroke(Keystroke),
    /// Text typed.
    Text(String),
    /// A mouse click.
    MouseClick(MouseClick),
    /// Notches of the mouse's wheels.
    MouseScroll(MouseMotion),
    /// Pixels, or what the desktop makes of them, that the pointer goes.
    MouseMove(MouseMotion),
}

impl Effect {
    /// The configuration's name for the action behind it.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Midi(_) => "SendMidi",
            Self::Shell(_) => "Shell",
            Self::Launch(_) => "Launch",
            Self::Volume(_) => "VolumeControl",
            Self::Keystroke(_) => "Keystroke",
            Self::Text(_) => "Text",
            Self::MouseClick(_) => "MouseClick",
            Self::MouseScroll(_) => "MouseScroll",
            Self::MouseMove(_) => "MouseMove",
        }
    }

    /// About how many bytes of memory it holds beside its own size.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match self {
            Self::Midi(MidiOut { port, message }) => port.len() + message.held_bytes(),
            Self::Shell(text) | Self::Launch(text) | Self::Text(text) => text.len(),
            Self::Volume(_) | Self::Keystroke(_) | Self::MouseClick(_) | Self::MouseScroll(_) | Self::MouseMove(_) => 0, // a few names
        }
    }
}

/// Who wants an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// The user's own configuration.
    Mapping,
    /// A plugin, through a host function that has checked its grant.
    Plugin {
        /// Its name.
        plugin: &'a str,
        /// Whose instance.
        tenant: &'a str,
    },
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Done; there is nothing to tell.
    Done,
}

/// Why an effect did not happen. The text is for people and says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectError {
    /// There is no such port, program, mixer or device.
    NotFound(String),
    /// The system does not permit it.
    NotPermitted(String),
    /// It was tried and failed.
    Failed(String),
    /// This build or this machine cannot do it.
    Unsupported(String),
    /// Too many effects are waiting already.
    Busy(String),
    /// The time given to it ran out.
    TimedOut(String),
    /// An address or program that the grant does not cover, found out only while trying.
    Denied(String),
}

/// The variants of [`EffectError`] without their words, by the names that files have for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // explained at EffectError's variants
pub enum EffectErrorKind {
    NotFound,
    NotPermitted,
    Failed,
    Unsupported,
    Busy,
    TimedOut,
    Denied,
}

impl EffectErrorKind {
    /// The error of this kind with the words `text`.
    #[must_use]
    pub const fn with(self, text: String) -> EffectError {
        match self {
            Self::NotFound => EffectError::NotFound(text),
            Self::NotPermitted => EffectError::NotPermitted(text),
            Self::Failed => EffectError::Failed(text),
            Self::Unsupported => EffectError::Unsupported(text),
            Self::Busy => EffectError::Busy(text),
            Self::TimedOut => EffectError::TimedOut(text),
            Self::Denied => EffectError::Denied(text),
        }
    }
}

impl EffectError {
    /// Which it is.
    #[must_use]
    pub const fn kind(&self) -> EffectErrorKind {
        match self {
            Self::NotFound(_) => EffectErrorKind::NotFound,
            Self::NotPermitted(_) => EffectErrorKind::NotPermitted,
            Self::Failed(_) => EffectErrorKind::Failed,
            Self::Unsupported(_) => EffectErrorKind::Unsupported,
            Self::Busy(_) => EffectErrorKind::Busy,
            Self::TimedOut(_) => EffectErrorKind::TimedOut,
            Self::Denied(_) => EffectErrorKind::Denied,
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::NotFound(text)
            | Self::NotPermitted(text)
            | Self::Failed(text)
            | Self::Unsupported(text)
            | Self::Busy(text)
            | Self::TimedOut(text)
            | Self::Denied(text) => text,
        }
    }

    /// How many bytes of memory it holds beside its own size.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.text().len()
    }
}

impl std::fmt::Display for EffectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for EffectError {}
