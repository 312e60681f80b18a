//! What a mapping does.

use std::sync::Arc;

use super::condition::Condition;
pub use crate::call::{Params, PluginCall};
use crate::effect::{Keystroke, MidiOut, MouseClick, MouseMotion, Volume};
use crate::state::{StateKey, StateValue};

/// An action as configured.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Call a plugin. Shared, so that a call can be handed to a worker without copying its parameters.
    WasmPlugin(Arc<PluginCall>),
    /// Press and release keys, or press them until what set it off ends.
    Keystroke {
        /// Which.
        keystroke: Keystroke,
        /// Pressed until then.
        hold: bool,
    },
    /// Type text.
    Text(String),
    /// Start a program and leave it running.
    Launch(String),
    /// Run a line in `/bin/sh`.
    Shell(String),
    /// Start each action in turn.
    Sequence(Vec<Action>),
    /// Let time pass before what follows in the sequence, in milliseconds.
    Delay(u32),
    /// Click, or press a button until what set it off ends.
    MouseClick {
        /// Which button, and where.
        click: MouseClick,
        /// Pressed until then.
        hold: bool,
    },
    /// Turn the mouse's wheels.
    MouseScroll(MouseMotion),
    /// Move the pointer from where it is.
    MouseMove(MouseMotion),
    /// Change the system's volume.
    VolumeControl(Volume),
    /// Go to another mode.
    ModeChange {
        /// Which.
        to: ModeTarget,
        /// Only until what set it off ends.
        while_held: bool,
    },
    /// Do an action several times.
    Repeat {
        /// What to do.
        action: Box<Action>,
        /// How often; bounded by the configuration loader.
        count: u32,
        /// Pause between two rounds, in milliseconds.
        delay_ms: u32,
    },
    /// Do one thing or another.
    Conditional {
        /// What is asked, at the moment the action starts.
        condition: Condition,
        /// When it holds.
        then_action: Box<Action>,
        /// When it does not.
        else_action: Option<Box<Action>>,
    },
    /// Do one thing and another in turn, and remember which.
    Toggle {
        /// Where that is remembered: true after `on`.
        key: StateKey,
        /// What is done first.
        on: Option<Box<Action>>,
        /// What is done next.
        off: Option<Box<Action>>,
    },
    /// Do several things in turn, and remember which.
    Cycle {
        /// Where the number of the last one is remembered, from 1.
        key: StateKey,
        /// Never empty.
        actions: Vec<Action>,
    },
    /// Give a named value.
    Set {
        /// The name.
        key: StateKey,
        /// The value.
        value: StateValue,
    },
    /// Send a message to a MIDI output port.
    SendMidi {
        /// The message and the port.
        out: MidiOut,
        /// A note on: its note off is sent when what set it off ends.
        hold: bool,
    },
}

/// The mode that a mode change goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeTarget {
    /// The one with this index in [`super::Config::modes`].
    Index(usize),
    /// The next one without a condition in the order of the configuration, after the last the first.
    Next,
    /// The one without a condition before it in the order of the configuration, before the first the last.
    Previous,
    /// The one that was current before this one.
    Last,
}

impl Action {
    /// Whether a part of it lasts until what set it off ends.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self {
            Self::Keystroke { hold, .. } | Self::MouseClick { hold, .. } | Self::SendMidi { hold, .. } => *hold,
            Self::ModeChange { while_held, .. } => *while_held,
            _ => self.parts().iter().any(|part| part.holds()),
        }
    }

    /// The actions inside it, in the order written.
    #[must_use]
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Sequence(actions) | Self::Cycle { actions, .. } => actions.iter().collect(),
            Self::Toggle { on, off, .. } => on.as_deref().into_iter().chain(off.as_deref()).collect(),
            Self::Repeat { action, .. } => vec![action],
            Self::Conditional { then_action, else_action, .. } => {
                std::iter::once(&**then_action).chain(else_action.as_deref()).collect()
            }
            Self::WasmPlugin(_)
            | Self::Keystroke { .. }
            | Self::Text(_)
            | Self::Launch(_)
            | Self::Shell(_)
            | Self::Delay(_)
            | Self::MouseClick { .. }
            | Self::MouseScroll(_)
            | Self::MouseMove(_)
            | Self::VolumeControl(_)
            | Self::Set { .. }
            | Self::ModeChange { .. }
            | Self::SendMidi { .. } => Vec::new(),
        }
    }
}
