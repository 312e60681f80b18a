//! From gestures to steps, and what a step does to the session itself.

use std::sync::Arc;

use super::{CurrentMode, MAX_ENCODER_RUNS, MAX_MODE_CHAIN, Session, SessionEvent};
use crate::action::{Cause, ConditionSource, Hold, Holds, Step, Task, Undo, View};
use crate::config::{Action, Config, MappingId};
use crate::gesture::{EncoderStep, Gesture, GestureEvent, SessionPoint, Trigger, acceleration_factor};
use crate::mapping::Found;
use crate::state::{StateKey, StateTable, StateValue};
use crate::time::Micros;

impl Session {
    /// Starts what is mapped to `gestures`, which belong together. A message that leads to nothing is said once; one that was `routed`
    /// has led to something.
    pub(super) fn gestures_to_steps(
        &mut self,
        gestures: &[GestureEvent],
        routed: bool,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        let mut mapped = routed;
        for event in gestures {
            while !self.holds.is_empty()
                && let Some(hold) = self.holds.take_ended(event)
            {
                self.let_go(hold, event, facts, say);
            }
            let view = view(&self.config, self.mode, &self.holds, &mut self.state, facts);
            match self.mapper.find(self.mode.index, event, &mut |condition| view.holds(condition)) {
                Some(Found::Fires(mapping)) => {
                    mapped = true;
                    if self.is_taken_over(mapping, event) {
                        self.fire(mapping, event, facts, say);
                    }
                }
                Some(Found::Takes(_)) => mapped = true,
                None => {}
            }
        }
        self.faders_moved(gestures);
        if let (false, Some(event)) = (mapped, gestures.first())
            && event.gesture.is_told_unmapped()
        {
            say(SessionEvent::Unmapped { event, mode: self.mode.index });
        }
    }

    /// Starts the action of `mapping`, which `event` set off; that of an encoder as often as it says.
    fn fire(
        &mut self,
        id: MappingId,
        event: &GestureEvent,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        let config = Arc::clone(&self.config);
        let Some(mapping) = config.mapping(id) else { return };
        let (Gesture::Encoder { steps, since, .. }, Trigger::EncoderTurn { step, acceleration, .. }) =
            (&event.gesture, &mapping.trigger.trigger)
        else {
            let range = if let Trigger::Control { range, .. } = mapping.trigger.trigger { Some(range) } else { None };
            let hold = mapping.is_held().then(|| self.holds.begin(id, mapping.release.as_ref(), event, range));
            let cause = Cause { mapping: id, event: event.clone(), hold: hold.flatten() };
            return self.start(event.t, &mapping.action, cause, facts, say);
        };
        let delta = steps.saturating_mul(acceleration_factor(*since, *acceleration));
        let (runs, each) = match step {
            EncoderStep::Once => (1, delta),
            EncoderStep::Each => (delta.unsigned_abs().min(MAX_ENCODER_RUNS), delta.signum()),
        };
        let mut event = event.clone();
        if let Gesture::Encoder { steps, .. } = &mut event.gesture {
            *steps = each;
        }
        for _ in 0..runs {
            let cause = Cause { mapping: id, event: event.clone(), hold: None };
            self.start(event.t, &mapping.action, cause, facts, say);
        }
    }

    /// What `hold` kept down is let go, last first, and its action for the release is started. `event` ended it.
    pub(super) fn let_go(
        &mut self,
        hold: Hold,
        event: &GestureEvent,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        let Hold { mapping, release, undo, .. } = hold;
        let cause = Cause { mapping, event: event.clone(), hold: None };
        let changes = self.mode.changes;
        let mut steps = std::mem::take(&mut self.steps);
        steps.extend(undo.into_iter().rev().filter_map(|undo| {
            let task = match undo {
                Undo::Effect(effect) => Task::Effect(effect),
                Undo::Mode { to, changes: then } if then == changes => Task::Mode(to),
                Undo::Mode { .. } => return None,
            };
            Some(Step { at: event.t, cause: cause.clone(), task, held: false })
        }));
        self.hand_out(&mut steps, say);
        self.steps = steps;
        self.run_mode_hooks(facts, say);
        if let Some(release) = release {
            self.start(event.t, &release, cause, facts, say);
        }
    }

    fn start(
        &mut self,
        at: Micros,
        action: &Arc<Action>,
        cause: Cause,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        let mut steps = std::mem::take(&mut self.steps);
        let view = view(&self.config, self.mode, &self.holds, &mut self.state, facts);
        self.scheduler.start(at, action, cause, view, &mut steps);
        self.hand_out(&mut steps, say);
        self.steps = steps;
        self.run_mode_hooks(facts, say);
    }

    pub(super) fn hand_out(&mut self, steps: &mut Vec<Step>, say: &mut impl FnMut(SessionEvent<'_>)) {
        for step in steps.drain(..) {
            let before = self.mode.index;
            if let Task::Mode(to) = step.task {
                self.set_mode(to);
            }
            if step.held
                && let Some(hold) = step.cause.hold.and_then(|hold| self.holds.get_mut(hold))
            {
                let undo = match &step.task {
                    Task::Mode(_) => Some(Undo::Mode { to: before, changes: self.mode.changes }),
                    Task::Effect(effect) => Undo::of(effect),
                    Task::Plugin(_) | Task::State(_) | Task::Dropped(_) => None,
                };
                match undo {
                    // It is down already, by a message before.
                    Some(undo @ Undo::Effect(_)) if hold.undo.contains(&undo) => continue,
                    undo => hold.undo.extend(undo),
                }
            }
            if let Some(mapping) = self.config.mapping(step.cause.mapping) {
                say(SessionEvent::Step { step, mapping, mode: before });
            }
        }
    }

    /// Makes the mode with index `to` the current one.
    pub(super) fn set_mode(&mut self, to: usize) {
        let CurrentMode { index: before, last, changes } = self.mode;
        let last = if to == before { last } else { before };
        self.mode = CurrentMode { index: to, last, changes: changes + 1 };
        if to != before {
            self.entered.extend([SessionPoint::ModeLeft(before), SessionPoint::ModeEntered(to)]);
        }
        if let Some(mode) = self.config.modes.get(to) {
            self.state.set(&StateKey::Mode, StateValue::text(&mode.name));
        }
    }

    /// Runs what is to be done when modes are left and entered.
    pub(super) fn run_mode_hooks(&mut self, facts: &dyn ConditionSource, say: &mut impl FnMut(SessionEvent<'_>)) {
        if self.entered.is_empty() || self.config.hooks.is_empty() {
            return self.entered.clear();
        }
        if self.chain >= MAX_MODE_CHAIN {
            log::warn!(
                "{MAX_MODE_CHAIN} mode changes set each other off, and the next is not followed: `on_enter` and `on_leave` of the modes \
                 make a circle"
            );
            return self.entered.clear();
        }
        self.chain += 1;
        for point in std::mem::take(&mut self.entered) {
            self.point(point, facts, say);
        }
        self.chain -= 1;
    }
}

/// What actions see of a session of `config` in `mode`.
pub(super) fn view<'a>(
    config: &'a Config,
    mode: CurrentMode,
    holds: &'a Holds,
    state: &'a mut StateTable,
    world: &'a dyn ConditionSource,
) -> View<'a> {
    View { world, modes: &config.modes, mode: mode.index, last_mode: mode.last, holds, state }
}
