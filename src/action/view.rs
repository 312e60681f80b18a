//! What actions see of the session they run in.

use super::hold::Holds;
use super::step::{StateChange, Task};
use crate::config::{Condition, Mode, ModeTarget};
use crate::mapping::{ConditionSource, holds};
use crate::state::{StateKey, StateNumber, StateTable, StateValue};

/// What actions see of the session they run in, and the values that they set.
pub struct View<'a> {
    /// What conditions can ask about the world.
    pub world: &'a dyn ConditionSource,
    /// Modes of the configuration.
    pub modes: &'a [Mode],
    /// Index of the current mode.
    pub mode: usize,
    /// Index of the mode that was current before it.
    pub last_mode: usize,
    /// What is held.
    pub holds: &'a Holds,
    /// Named values.
    pub state: &'a mut StateTable,
}

impl View<'_> {
    /// Whether `condition` holds now.
    #[must_use]
    pub fn holds(&self, condition: &Condition) -> bool {
        holds(condition, self.mode, self.state, self.world)
    }

    /// The index of the mode that `target` means now.
    pub(super) fn mode_of(&self, target: ModeTarget) -> usize {
        let count = self.modes.len().max(1);
        // Modes that are entered and left by a condition are passed over.
        let is_free = |mode: &usize| self.modes.get(*mode).is_none_or(|mode| mode.when.is_none());
        let round = (1..count).map(|steps| (self.mode + steps) % count);
        match target {
            ModeTarget::Index(mode) => mode,
            ModeTarget::Next => round.into_iter().find(is_free).unwrap_or(self.mode),
            ModeTarget::Previous => round.rev().find(is_free).unwrap_or(self.mode),
            ModeTarget::Last => self.last_mode,
        }
    }

    /// Gives `key` this value, and says so.
    pub(super) fn set(&mut self, action: &'static str, key: &StateKey, value: StateValue) -> Task {
        self.state.set(key, Some(value.clone()));
        Task::State(StateChange { action, key: key.clone(), value })
    }

    /// The place of the action of a cycle of `count` whose turn it is, by the number of the last one, which `key` has.
    pub(super) fn next_of_cycle(&self, key: &StateKey, count: usize) -> usize {
        let Some(StateValue::Number(last)) = self.state.get(key) else { return 0 };
        let next = (0..count).find(|part| u32::try_from(*part).is_ok_and(|part| *last == StateNumber::from(part)));
        // After the last one, and after a number of another configuration, it begins anew.
        next.unwrap_or(0)
    }
}
