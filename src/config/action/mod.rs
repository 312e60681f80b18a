//! What a mapping does.

pub(in crate::config) mod network_action;
pub(in crate::config) mod number;
pub(in crate::config) mod template;

use std::sync::Arc;

pub use crate::call::{Params, PluginCall};
use crate::config::action::network_action::{HttpAction, OscAction};
use crate::config::action::number::{Number, ValueOf};
use crate::config::action::template::Template;
use crate::config::condition::Condition;
use crate::effect::{Keystroke, MidiOut, MouseButton, VolumeOperation};
use crate::state::{StateKey, StateValue};

/// An action as configured.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Call a plugin. Shared, so that a call can be handed to a worker without copying its parameters.
    WasmPlugin {
        /// The call, where nothing is laid over its parameters.
        call: Arc<PluginCall>,
        /// What is laid over the parameters' JSON when the call is made, where there is anything.
        values: Option<Box<ParamValues>>,
    },
    /// Press and release keys, or press them until what set it off ends.
    Keystroke {
        /// The keys, with their modifiers.
        keystroke: Keystroke,
        /// Pressed until then.
        hold: bool,
    },
    /// Type text.
    Text(Template),
    /// Start a program and leave it running.
    Launch(String),
    /// Run a line in `/bin/sh`.
    Shell(String),
    /// Start each action in turn.
    Sequence(Vec<Action>),
    /// Let time pass before what follows in the sequence, in milliseconds.
    Delay(Number),
    /// Click, or press a button until what set it off ends.
    MouseClick {
        /// Which button.
        button: MouseButton,
        /// Where, when given: pixels from the left.
        x: Option<Number>,
        /// Where, when given: pixels from the top.
        y: Option<Number>,
        /// Pressed until then.
        hold: bool,
    },
    /// Turn the mouse's wheels.
    MouseScroll {
        /// Notches to the right.
        x: Number,
        /// Notches up.
        y: Number,
    },
    /// Move the pointer from where it is.
    MouseMove {
        /// Pixels to the right.
        x: Number,
        /// Pixels down.
        y: Number,
    },
    /// Change the system's volume.
    VolumeControl {
        /// What to do.
        operation: VolumeOperation,
        /// Per cent: the level for Set (required there), the step for Up and Down.
        value: Option<Number>,
    },
    /// Go to another mode.
    ModeChange {
        /// The mode to go to, by its place or by a word.
        to: ModeTarget,
        /// Only until what set it off ends.
        while_held: bool,
    },
    /// Do an action several times.
    Repeat {
        /// What to do.
        action: Box<Action>,
        /// How often; bounded by the configuration loader.
        count: Number,
        /// Pause between two rounds, in milliseconds.
        delay_ms: Number,
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
        value: SetValue,
    },
    /// Send a message to a MIDI output port.
    SendMidi {
        /// The message and the port.
        out: MidiOut,
        /// What is put into the message when it is sent, in the place of what stands there.
        filled: Box<[(MidiField, ValueOf)]>,
        /// A note on: its note off is sent when what set it off ends.
        hold: bool,
    },
    /// Ask a server for something, and do not wait for the answer. Shared, since it is large.
    Http(Arc<HttpAction>),
    /// Send an Open Sound Control message.
    Osc(Arc<OscAction>),
}

/// A field of a message that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MidiField {
    /// Channel, from 1.
    Channel,
    /// Note number.
    Note,
    /// Velocity of a note on or off, 0–127.
    Velocity,
    /// Controller number.
    Controller,
    /// Controller value.
    Value,
    /// Number of the upper controller of a pair.
    UpperController,
    /// Value with 14 bits, of a pair or a parameter.
    WideValue,
    /// Number of a parameter.
    Parameter,
    /// Song position.
    Position,
    /// Program number.
    Program,
    /// Pitch bend, 0 at rest.
    Pitch,
    /// Pressure of a note or a channel, 0–127.
    Pressure,
}

impl MidiField {
    /// What it takes.
    #[must_use]
    pub const fn range(self) -> std::ops::RangeInclusive<i64> {
        match self {
            Self::Channel => 1..=16,
            Self::Pitch => -8192..=8191,
            Self::UpperController => 0..=31,
            Self::WideValue | Self::Position => 0..=16_383,
            Self::Parameter => 0..=16_382, // the last one is none
            Self::Note | Self::Velocity | Self::Controller | Self::Value | Self::Program | Self::Pressure => 0..=127,
        }
    }
}

/// What a named value is set to.
#[derive(Debug, Clone, PartialEq)]
pub enum SetValue {
    /// As written.
    Fixed(StateValue),
    /// Made of a number that is known when the action runs.
    Of(Box<ValueOf>),
}

/// The mode that a mode change goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeTarget {
    /// The one with this index in [`crate::config::Config::modes`].
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
            Self::WasmPlugin { .. }
            | Self::Keystroke { .. }
            | Self::Text(_)
            | Self::Launch(_)
            | Self::Shell(_)
            | Self::Delay(_)
            | Self::MouseClick { .. }
            | Self::MouseScroll { .. }
            | Self::MouseMove { .. }
            | Self::VolumeControl { .. }
            | Self::Set { .. }
            | Self::ModeChange { .. }
            | Self::SendMidi { .. }
            | Self::Http(_)
            | Self::Osc(_) => Vec::new(),
        }
    }
}

/// The JSON of a call's parameters with numbers in it that are known when the call is made.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamValues {
    /// Numbers, each with the JSON before it and its key.
    pub numbers: Vec<(String, String, ValueOf)>,
    /// The JSON after the last.
    pub rest: String,
}
