//! Events of one plugin that wait to be handed out.

use std::collections::{BTreeMap, VecDeque};

use crate::call::PluginEvent;
use crate::state::StateValue;

/// Bytes that a change can take in an event beside its key: a text whose bytes are all escaped, and what stands around.
const CHANGE_BYTES: usize = 6 * StateValue::MAX_TEXT + 8;

/// Bytes of an event that changes may take.
const MOST_CHANGES: usize = PluginEvent::MAX - 256;

/// Events that wait, in order: a timer of one number once, changes of the state merged with those that wait already.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    events: VecDeque<PluginEvent>,
}

impl Waiting {
    /// Adds `event` at the end.
    pub(super) fn push(&mut self, event: PluginEvent) {
        self.events.push_back(event);
    }

    /// The timer of this number has come.
    pub(super) fn timer(&mut self, id: u8) {
        if !self.events.contains(&PluginEvent::Timer { id }) {
            self.push(PluginEvent::Timer { id });
        }
    }

    /// It was taken back before the plugin was told that it had come.
    pub(super) fn forget_timer(&mut self, id: u8) {
        self.events.retain(|event| *event != PluginEvent::Timer { id });
    }

    /// The named value of `key` has changed.
    pub(super) fn state(&mut self, key: &str, value: Option<StateValue>) {
        let mut all = self.events.iter_mut().filter_map(|event| match event {
            PluginEvent::State { changes } => Some(changes),
            _ => None,
        });
        // Where it waits already it gets its last value; else it joins an event with room.
        let room = |changes: &BTreeMap<String, Option<StateValue>>| {
            let taken: usize = changes.iter().map(|(key, value)| size(key, value.as_ref())).sum();
            taken + size(key, value.as_ref()) <= MOST_CHANGES
        };
        match all.find(|changes| changes.contains_key(key) || room(changes)) {
            Some(changes) => drop(changes.insert(key.to_owned(), value)),
            None => self.push(PluginEvent::State { changes: [(key.to_owned(), value)].into() }),
        }
    }

    /// Whether its start waits.
    pub(super) fn has_start(&self) -> bool {
        self.events.iter().any(|event| matches!(event, PluginEvent::Start { .. }))
    }

    /// Takes the first.
    pub(super) fn pop(&mut self) -> Option<PluginEvent> {
        self.events.pop_front()
    }
}

/// Most bytes that a change takes in an event.
fn size(key: &str, value: Option<&StateValue>) -> usize {
    let text = if let Some(StateValue::Text(_)) = value { CHANGE_BYTES } else { 48 };
    2 * key.len() + text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_wait_once_and_changes_are_merged_with_their_last_values() {
        let mut waiting = Waiting::default();
        waiting.timer(3);
        waiting.state("var.a", Some(StateValue::number(1)));
        waiting.timer(3);
        waiting.timer(4);
        waiting.state("var.b", None);
        waiting.state("var.a", Some(StateValue::number(2)));
        waiting.forget_timer(4);
        assert_eq!(waiting.pop(), Some(PluginEvent::Timer { id: 3 }));
        let changes = [("var.a".to_owned(), Some(StateValue::number(2))), ("var.b".to_owned(), None)];
        assert_eq!(waiting.pop(), Some(PluginEvent::State { changes: changes.into() }));
        assert_eq!(waiting.pop(), None);
    }

    #[test]
    fn more_changes_than_an_event_holds_are_several_events() {
        let mut waiting = Waiting::default();
        let text = StateValue::text(&"\u{1}".repeat(StateValue::MAX_TEXT));
        for number in 0..256 {
            waiting.state(&format!("var.{number}{}", "x".repeat(240)), text.clone());
        }
        let (mut events, mut changes) = (0, 0);
        let mut out = Vec::new();
        while let Some(event) = waiting.pop() {
            event.write(u64::MAX, &mut out);
            assert!(out.len() <= PluginEvent::MAX, "{}", out.len());
            events += 1;
            if let PluginEvent::State { changes: some } = event {
                changes += some.len();
            }
        }
        assert!(events > 1);
        assert_eq!(changes, 256);
    }
}
