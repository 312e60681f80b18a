//! What the scheduler hands out.

use std::sync::Arc;

use super::hold::HoldId;
use super::scheduler::Left;
use crate::config::{MappingId, NumberSource, PluginCall};
use crate::effect::Effect;
use crate::gesture::GestureEvent;
use crate::state::{StateKey, StateValue};
use crate::time::Micros;

/// Why something happens: the mapping and the gesture that set it off. Cheap to clone; every step carries one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The mapping.
    pub mapping: MappingId,
    /// The gesture.
    pub event: GestureEvent,
    /// The hold that it began, where it has an end that something waits for.
    pub hold: Option<HoldId>,
}

/// One thing to do now.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When it was due. A step that is handed out late keeps its time, so that a recorded session and its replay agree.
    pub at: Micros,
    /// The mapping and the gesture that set it off.
    pub cause: Cause,
    /// What is to be done.
    pub task: Task,
    /// Whether it lasts until the hold of its cause ends.
    pub held: bool,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Call a plugin.
    Plugin(Arc<PluginCall>),
    /// Hand an effect to the outside.
    Effect(Effect),
    /// Go to the mode with this index.
    Mode(usize),
    /// Nothing: a named value has this value now.
    State(StateChange),
    /// Nothing: the rest of the action was given up, for the reason told.
    Dropped(Dropped),
}

/// A named value that an action has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// The configuration's name of the action.
    pub action: &'static str,
    /// Its name.
    pub key: StateKey,
    /// The value it has now.
    pub value: StateValue,
}

impl std::fmt::Display for StateChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {}", self.key, self.value)
    }
}

/// Why the rest of an action was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dropped {
    /// Too many actions were waiting for their delays.
    TooManyWaiting {
        /// How many may wait.
        limit: usize,
    },
    /// A part of the action is made of a number that the event did not have, or that is not set.
    NoNumber {
        /// The configuration's name for that part.
        action: &'static str,
        /// Where the number was to come from.
        source: NumberSource,
    },
    /// The session ended while actions waited for their delays.
    AtEnd(Left),
}

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManyWaiting { limit } => write!(
                f,
                "the rest of the action was dropped: {limit} actions wait for their delays already; shorten the delays \
                 or trigger them less often"
            ),
            Self::NoNumber { action, source: source @ NumberSource::Event(_) } => {
                write!(f, "{action} was left out: the event has no `{source}`")
            }
            Self::NoNumber { action, source } => write!(f, "{action} was left out: `{source}` is no number now"),
            Self::AtEnd(left) => write!(f, "the session ended: {left} dropped"),
        }
    }
}

impl std::error::Error for Dropped {}
