//! What happens without a message: times that come, and modes that go by what has changed.

use std::sync::Arc;

use super::{AppAnswers, CurrentMode, MAX_MODE_CHAIN, Session, SessionEvent};
use crate::action::ConditionSource;
use crate::config::{ConditionOf, MappingId};
use crate::gesture::{Gesture, GestureEvent, SessionPoint, Trigger};
use crate::state::{StateKey, StateValue};
use crate::time::Micros;

impl Session {
    /// The time of the `Every` or `At` of `mapping` came, as a recording has it.
    pub fn clock(
        &mut self,
        t: Micros,
        mapping: MappingId,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        self.settle(t, facts, say);
        self.timer(mapping, facts, say);
        self.look_at_changes(facts, say);
    }

    /// This condition changed, as a recording has it, and at `next` one changes with nothing between.
    pub fn when(
        &mut self,
        t: Micros,
        of: ConditionOf,
        holds: bool,
        next: Option<Micros>,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        self.settle(t, facts, say);
        self.condition_changed(of, holds, facts, say);
        self.told_next = next;
        self.look_at_changes(facts, say);
    }

    /// The next that a recording has is a condition that changes at this time, or it is something else. What happens at that time before
    /// was shown only when the condition had changed.
    pub fn expect_when(&mut self, t: Option<Micros>) {
        self.told_next = t;
    }

    /// These are the answers, at `t`, about the programs that conditions of modes ask for.
    pub fn apps_changed(
        &mut self,
        t: Micros,
        apps: AppAnswers,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        self.settle(t, facts, say);
        // What has happened already has been shown, and a recording must tell it from what is to come.
        self.now = self.now.saturating_add(1);
        self.conditions.set_apps(apps);
        self.look_at_changes(facts, say);
    }

    /// A plugin has set these of its named values; that takes effect now, at `t`.
    pub fn plugin_set(
        &mut self,
        t: Micros,
        values: impl IntoIterator<Item = (StateKey, Option<StateValue>)>,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        self.settle(t, facts, say);
        for (key, value) in values {
            self.state.set(&key, value);
        }
        self.look_at_changes(facts, say);
    }

    /// What has changed is no news any more: whoever wants to know has it.
    fn settle_changes(&mut self) {
        if self.watched {
            let known = std::mem::take(&mut self.known);
            let changes = self.state.changes().map(|(key, value)| (key.clone(), value.cloned()));
            self.changed.extend(changes.filter(|change| !known.contains(change)));
        }
        self.state.settle();
    }

    /// The timer of `mapping` fires, unless the mapping is one of another mode.
    pub(super) fn timer(
        &mut self,
        mapping: MappingId,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        let config = Arc::clone(&self.config);
        let timer = match config.mapping(mapping).map(|mapping| &mapping.trigger.trigger) {
            Some(Trigger::Every { timer, .. } | Trigger::At { timer, .. }) => *timer,
            _ => return,
        };
        if config.mode_of(mapping).is_some_and(|mode| mode != self.mode.index) {
            return;
        }
        say(SessionEvent::Clock { t: self.now, mapping });
        self.gestures_to_steps(&[GestureEvent::of_session(self.now, Gesture::Timer { timer })], false, facts, say);
    }

    /// Looks at what has changed in the table, when all that belongs to this moment has happened: conditions of modes may say another mode
    /// then. Whoever else wants to know what has changed looks here, before it is settled.
    pub(super) fn look_at_changes(&mut self, facts: &dyn ConditionSource, say: &mut impl FnMut(SessionEvent<'_>)) {
        self.look_at_conditions(facts, say);
        self.show(say);
    }

    fn look_at_conditions(&mut self, facts: &dyn ConditionSource, say: &mut impl FnMut(SessionEvent<'_>)) {
        for _ in 0..MAX_MODE_CHAIN {
            if !(self.state.has_changed() || self.conditions.ask) || self.work_due().is_some_and(|due| due <= self.now)
            {
                return;
            }
            let asked = self.conditions.ask || self.state.changes().any(|(key, _)| self.conditions.ask_for(key));
            self.note_changes();
            self.settle_changes();
            let Some(calendar) = self.calendar.clone().filter(|_| asked) else {
                self.conditions.ask = false;
                return;
            };
            for (of, holds) in self.conditions.changed(self.now, self.mode.index, &self.state, &*calendar) {
                self.condition_changed(of, holds, facts, say);
            }
        }
        log::warn!(
            "conditions of modes changed {MAX_MODE_CHAIN} times at once, and are looked at again at the next change: what `on_enter` and \
             `on_leave` set makes a circle with `when`"
        );
        self.note_changes();
        self.settle_changes();
        self.conditions.ask = false;
    }

    /// This condition changed. Of those of modes the first that holds says the mode.
    fn condition_changed(
        &mut self,
        of: ConditionOf,
        holds: bool,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        say(SessionEvent::When { t: self.now, of, holds });
        self.conditions.set(of, holds);
        if let ConditionOf::Feedback(number) = of {
            if let Some(panel) = &mut self.panel {
                panel.condition_changed(number, holds);
            }
            return;
        }
        let CurrentMode { index: from, last, .. } = self.mode;
        let Some(to) = self.conditions.mode(from, last) else { return };
        if to == from {
            // The mode is there for the condition now: a layer that led to it and ends does not take it away.
            self.mode.changes += 1;
            return;
        }
        self.enter_mode(to, facts, say);
    }

    /// The mode changes, though no mapping says so.
    pub(super) fn enter_mode(
        &mut self,
        to: usize,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        let from = self.mode.index;
        let event = GestureEvent::of_session(self.now, Gesture::Session(SessionPoint::ModeEntered(to)));
        say(SessionEvent::Mode { event: &event, from, to });
        self.set_mode(to);
        self.run_mode_hooks(facts, say);
    }
}
