//! What an action or a plugin does to the world, as a value.

use std::fmt::{self, Display, Formatter};

use super::text::{Brief, OneLine, click_text, keystroke_text, volume_text};
use super::{Command, FeedbackOut, HttpOut, Keystroke, MidiOut, MouseClick, MouseMotion, OscOut, Volume};
use crate::capability::Capability;

/// One thing done to the world outside the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A message to a MIDI output port.
    Midi(MidiOut),
    /// A message to a device, for it to show something; from the session only.
    Feedback(FeedbackOut),
    /// A line for `/bin/sh`, from the configuration only: no plugin can make one.
    Shell(Command),
    /// A program started and left running, from the configuration only.
    Launch(Command),
    /// A change of the system's volume.
    Volume(Volume),
    /// Keys pressed together.
    Keystroke(Keystroke),
    /// Text typed.
    Text(String),
    /// A mouse button pressed and released, where the pointer is or at a place on the screen.
    MouseClick(MouseClick),
    /// Notches of the mouse's wheels.
    MouseScroll(MouseMotion),
    /// Pixels, or what the desktop makes of them, that the pointer goes.
    MouseMove(MouseMotion),
    /// A request to a server, from the configuration only: what a plugin asks of one is answered.
    Http(Box<HttpOut>),
    /// An Open Sound Control message, from the configuration only.
    Osc(Box<OscOut>),
}

impl Effect {
    /// The configuration's name for the action behind it.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Midi(_) => "SendMidi",
            Self::Feedback(_) => "Feedback",
            Self::Shell(_) => "Shell",
            Self::Launch(_) => "Launch",
            Self::Volume(_) => "VolumeControl",
            Self::Keystroke(_) => "Keystroke",
            Self::Text(_) => "Text",
            Self::MouseClick(_) => "MouseClick",
            Self::MouseScroll(_) => "MouseScroll",
            Self::MouseMove(_) => "MouseMove",
            Self::Http(_) => "Http",
            Self::Osc(_) => "Osc",
        }
    }

    /// What a plugin needs to be allowed it.
    #[must_use]
    pub const fn capability(&self) -> Capability {
        match self {
            Self::Keystroke(_) | Self::Text(_) | Self::MouseClick(_) | Self::MouseScroll(_) | Self::MouseMove(_) => {
                Capability::SystemControl
            }
            Self::Volume(_) => Capability::Audio,
            Self::Midi(_) | Self::Feedback(_) => Capability::Midi,
            Self::Shell(_) | Self::Launch(_) => Capability::Subprocess,
            Self::Http(_) | Self::Osc(_) => Capability::Network,
        }
    }

    /// About how many bytes of memory it holds beside its own size.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match self {
            Self::Midi(MidiOut { port, message }) => port.len() + message.held_bytes(),
            Self::Feedback(out) => out.message.held_bytes(),
            Self::Shell(command) | Self::Launch(command) => command.line.len(),
            Self::Text(text) => text.len(),
            Self::Http(out) => size_of::<HttpOut>() + out.held_bytes(),
            Self::Osc(out) => size_of::<OscOut>() + out.held_bytes(),
            Self::Volume(_) | Self::Keystroke(_) | Self::MouseClick(_) | Self::MouseScroll(_) | Self::MouseMove(_) => 0, // a few names
        }
    }
}

impl Display for Effect {
    /// For example `midi Synth: note on ch 1 60:100`, `shell: make lights`, `keys ctrl+c`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Midi(out) => write!(f, "midi {}: {}", OneLine(&out.port), Brief(&out.message)),
            Self::Feedback(out) => out.fmt(f),
            Self::Shell(command) => write!(f, "shell: {}", OneLine(&command.line)),
            Self::Launch(command) => write!(f, "launch: {}", OneLine(&command.line)),
            Self::Volume(volume) => volume_text(volume, f),
            Self::Keystroke(keystroke) => keystroke_text(keystroke, f),
            Self::Text(text) => write!(f, "type: {}", OneLine(text)),
            Self::MouseClick(click) => click_text(click, f),
            Self::MouseScroll(MouseMotion { x, y }) => write!(f, "scroll {x},{y}"),
            Self::MouseMove(MouseMotion { x, y }) => write!(f, "move {x},{y}"),
            Self::Http(out) => out.fmt(f),
            Self::Osc(out) => out.fmt(f),
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
