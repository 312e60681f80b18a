//! What a mapping does.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::condition::Condition;
use crate::midi::Message;

/// An action as configured.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Call a plugin. Shared, so that a call can be handed to a worker without copying its parameters.
    WasmPlugin(Arc<PluginCall>),
    /// Press and release keys.
    Keystroke(Keystroke),
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
    /// Click.
    MouseClick(MouseClick),
    /// Change the system's volume.
    VolumeControl(Volume),
    /// Go to the mode with this index in [`super::Config::modes`].
    ModeChange(usize),
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
    /// Send a message to a MIDI output port.
    SendMidi(MidiOut),
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

/// Keys to press together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keystroke {
    /// One of [`super::KEYS`], for example `"space"`, `"f5"` or `"a"`; the loader translates other spellings.
    pub keys: String,
    /// Held meanwhile.
    pub modifiers: Vec<KeyModifier>,
}

/// A modifier key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyModifier {
    /// Command, Super, Windows.
    Cmd,
    /// Shift.
    Shift,
    /// Alt, Option.
    Alt,
    /// Control.
    Ctrl,
    /// The right Command, Super, Windows.
    RightCmd,
    /// The right Shift.
    RightShift,
    /// The right Alt, which is Alt Gr on many keyboards.
    RightAlt,
    /// The right Control.
    RightCtrl,
}

impl KeyModifier {
    /// Every modifier. The first four are the left ones.
    pub const ALL: [Self; 8] = [
        Self::Cmd,
        Self::Shift,
        Self::Alt,
        Self::Ctrl,
        Self::RightCmd,
        Self::RightShift,
        Self::RightAlt,
        Self::RightCtrl,
    ];

    /// Its key, as one of [`super::KEYS`].
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Cmd => "cmd",
            Self::Shift => "shift",
            Self::Alt => "alt",
            Self::Ctrl => "ctrl",
            Self::RightCmd => "rightcmd",
            Self::RightShift => "rightshift",
            Self::RightAlt => "rightalt",
            Self::RightCtrl => "rightctrl",
        }
    }
}

/// A mouse click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MouseClick {
    /// Which button.
    pub button: MouseButton,
    /// Where, when given: pixels from the left.
    pub x: Option<i32>,
    /// Where, when given: pixels from the top.
    pub y: Option<i32>,
}

/// A mouse button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MouseButton {
    /// Left.
    Left,
    /// Right.
    Right,
    /// Middle.
    Middle,
}

/// A change of the system's volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// What to do.
    pub operation: VolumeOperation,
    /// Per cent, 0–100: the level for Set (required there), the step for Up and Down (default 5).
    pub value: Option<u8>,
}

/// What to do with the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeOperation {
    /// Louder.
    Up,
    /// Softer.
    Down,
    /// Silent.
    Mute,
    /// Audible again.
    Unmute,
    /// To a level.
    Set,
}

/// A message for a MIDI output port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MidiOut {
    /// Name, prefix or `client:port` of the output port.
    pub port: String,
    /// The message, complete and valid.
    pub message: Message,
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
