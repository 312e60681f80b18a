//! What devices show.

use std::cell::Cell;

use super::{Session, SessionEvent};
use crate::action::ConditionSource;
use crate::config::MappingId;
use crate::effect::{FeedbackOut, FeedbackPort};
use crate::feedback::{Panel, Telling};
use crate::gesture::{DeviceId, GestureEvent};
use crate::state::StateTable;
use crate::time::Micros;

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

    /// Tells devices what is due, when all that belongs to this moment has happened.
    pub(super) fn show(&mut self, say: &mut impl FnMut(SessionEvent<'_>)) {
        if self.panel.is_none() || self.work_due().is_some_and(|due| due <= self.now) {
            return;
        }
        let (now, mode) = (self.now, self.mode.index);
        self.with_panel(say, |panel, session, send| panel.tell(now, mode, &session.state, send));
    }

    /// Tells devices that the session ends.
    pub(super) fn stop_showing(&mut self, say: &mut impl FnMut(SessionEvent<'_>)) {
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
