//! What devices show.

use std::cell::Cell;

use super::{Session, SessionEvent};
use crate::action::ConditionSource;
use crate::config::MappingId;
use crate::effect::{FeedbackOut, FeedbackPort};
use crate::feedback::{Panel, Telling};
use crate::gesture::{DeviceId, GestureEvent};
use crate::state::{StateKey, StateTable, StateValue};
use crate::time::Micros;

/// How long devices are still told things at the end, in microseconds.
const LONGEST_LEAVE: Micros = 2_000_000;

impl Session {
    /// Devices that show something; none where none does.
    pub fn shown_devices(&self) -> Vec<DeviceId> {
        self.panel.iter().flat_map(Panel::devices).collect()
    }

    /// Index of the current mode.
    #[must_use]
    pub fn mode(&self) -> usize {
        self.mode.index
    }

    /// Named values.
    pub fn state(&self) -> &StateTable {
        &self.state
    }

    /// Tells devices everything anew at `t`: all that are there, or these, which count as there from here on.
    pub fn refresh(
        &mut self,
        t: Micros,
        devices: &[DeviceId],
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        self.settle(t, facts, say);
        if let Some(panel) = &mut self.panel {
            if devices.is_empty() {
                panel.refresh();
            }
            for device in devices {
                panel.found(*device);
            }
        }
        self.look_at_changes(facts, say);
    }

    /// Takes in what has changed, before that is settled.
    pub(super) fn note_changes(&mut self) {
        if let Some(panel) = &mut self.panel {
            panel.note_changes(&self.state);
        }
    }

    /// When devices are to be told something without anything having changed. What a condition changes that a recording has at that time
    /// comes before.
    pub(super) fn show_due(&self) -> Option<Micros> {
        let due = self.panel.as_ref()?.next_due()?;
        Some(due).filter(|due| self.told_next != Some(self.now.max(*due)))
    }

    /// Tells devices what is due, when all that belongs to this moment has happened.
    pub(super) fn show(&mut self, say: &mut impl FnMut(SessionEvent<'_>)) {
        let is_due = |due: Option<Micros>| due.is_some_and(|due| due <= self.now);
        if self.panel.is_none()
            || is_due(self.work_due())
            || is_due(self.conditions.next_due())
            || self.told_next == Some(self.now)
        {
            return;
        }
        let (now, mode) = (self.now, self.mode.index);
        self.with_panel(say, |panel, session, send| panel.tell(now, mode, &session.state, send));
    }

    /// These are the last values that calls have set, after the session has ended: nothing but what devices show goes by them.
    pub fn set_last(&mut self, values: impl IntoIterator<Item = (StateKey, Option<StateValue>)>) {
        for (key, value) in values {
            self.state.set(&key, value);
        }
    }

    /// Devices are told how things are in the end, and then that it is the end. Where one takes only so many messages in a time, `wait`
    /// lets it pass until there, a little while at most.
    pub fn take_leave(&mut self, mut wait: impl FnMut(Micros), say: &mut impl FnMut(SessionEvent<'_>)) {
        self.note_changes();
        self.state.settle();
        let Some(panel) = &mut self.panel else { return };
        panel.finish();
        let last = self.now.saturating_add(LONGEST_LEAVE);
        while let Some(due) = self.panel.as_ref().and_then(Panel::next_due).filter(|due| *due <= last) {
            wait(due);
            self.now = self.now.max(due);
            let (now, mode) = (self.now, self.mode.index);
            self.with_panel(say, |panel, session, send| panel.tell(now, mode, &session.state, send));
        }
        self.with_panel(say, |panel, _, send| panel.stop(send));
    }

    fn with_panel(
        &mut self,
        say: &mut impl FnMut(SessionEvent<'_>),
        tell: impl FnOnce(&mut Panel, &Self, &mut dyn FnMut(Telling<'_>) -> bool),
    ) {
        let Some(mut panel) = self.panel.take() else { return };
        let (t, mode) = (self.now, self.mode.index);
        let mut send = |Telling { device, name, port, message }: Telling<'_>| {
            let port = match (port, self.config.devices.get(usize::from(device.0))) {
                (Some(port), _) => port.clone(),
                (None, Some(config)) => config.name.as_str().into(),
                (None, None) => name.clone(), // there is no device without a configuration
            };
            let out = FeedbackOut { device: name.clone(), port: FeedbackPort::Named(port), message };
            let failed = Cell::new(false);
            say(SessionEvent::Feedback { t, device, out, mode, failed: &failed });
            !failed.get()
        };
        tell(&mut panel, self, &mut send);
        self.panel = Some(panel);
    }

    /// Whether `mapping` may fire for `event`: a fader that is to be picked up has been.
    pub(super) fn is_taken_over(&mut self, mapping: MappingId, event: &GestureEvent) -> bool {
        let Self { takeover, state, .. } = self;
        takeover.as_mut().is_none_or(|takeover| takeover.allows(mapping, event, state))
    }

    /// Faders stand where the last gestures say.
    pub(super) fn faders_moved(&mut self, gestures: &[GestureEvent]) {
        if let Some(takeover) = &mut self.takeover {
            for event in gestures {
                takeover.moved(event);
            }
        }
    }
}
