//! What a mapping does.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::condition::Condition;
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

/// A plugin call.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginCall {
    /// Key of [`super::Config::plugins`].
    pub plugin: String,
    /// Whose instance is called; default `"default"`.
    pub tenant: String,
    /// What it is told.
    pub params: Params,
}

/// Parameters of a plugin call, in the forms the two ABI dialects want, made once when the configuration is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params {
    /// The whole table as compact JSON, keys in the order written; `{}` when absent. What the plain dialect gets.
    pub json: String,
    /// `params.action` (`""` when absent), for the wide dialect.
    pub action: String,
    /// `params.parameters`, positional; numbers and booleans as their text.
    pub parameters: Vec<String>,
    /// Every other string-valued key.
    pub metadata: BTreeMap<String, String>,
}

impl Params {
    /// Parameters from JSON, kept as they are; what the wide dialect wants is taken from an object's keys as from a mapping's
    /// `params`.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        use serde_json::Value;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut params = Self { json: json.trim().to_owned(), ..Self::default() };
        let Value::Object(keys) = serde_json::from_str(json)? else { return Ok(params) };
        for (key, value) in keys {
            match (key.as_str(), value) {
                ("action", value) => params.action = text(&value),
                ("parameters", Value::Array(items)) => params.parameters = items.iter().map(text).collect(),
                ("parameters", value) => params.parameters = vec![text(&value)],
                (_, Value::String(value)) => {
                    params.metadata.insert(key, value);
                }
                _ => {}
            }
        }
        Ok(params)
    }
}
