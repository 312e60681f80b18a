//! What a mapping does.

use std::sync::Arc;

use super::condition::Condition;
pub use crate::call::{Params, PluginCall};
use crate::effect::{Keystroke, MidiOut, MouseClick, Volume};

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
