//! The pure middle of the program: messages and time in, steps out.
//!
//! A session knows no thread, no port and no file, so that a live run, a file and a recording go through the very same code.

mod changes;
mod event;
mod feedback;
mod mode_conditions;
mod routes;
mod steps;
mod timers;

use std::sync::Arc;

use crate::action::{ConditionSource, Holds, Left, Scheduler, Step};
use crate::config::{Config, DeviceConfig};
use crate::feedback::{Panel, Takeover};
use crate::gesture::{DeviceId, Gesture, GestureEvent, Recognizer, SessionPoint};
use crate::mapping::{Mapper, Router};
use crate::midi::Message;
use crate::state::{StateKey, StateTable, StateValue, Watch};
use crate::time::{Calendar, Micros};
pub use event::SessionEvent;
use mode_conditions::ModeConditions;
pub use mode_conditions::{AppAnswers, AppQuestion};
use steps::view;
use timers::Timers;

/// Timers handed out in one go, before a caller sees to its input again.
const MAX_TIMERS_PER_CALL: usize = 256;

/// Runs of an encoder's action for one message.
const MAX_ENCODER_RUNS: u16 = 256;

/// Mode changes that may set each other off at one time. More is a circle of `on_enter` and `on_leave`.
const MAX_MODE_CHAIN: usize = 16;

/// One configuration at work.
pub struct Session {
    config: Arc<Config>,
    recognizer: Recognizer,
    mapper: Mapper,
    router: Router,
    scheduler: Scheduler,
    holds: Holds,
    mode: CurrentMode,
    now: Micros,
    gestures: Vec<GestureEvent>,
    steps: Vec<Step>,
    /// Mode changes whose hooks are still to run.
    entered: Vec<SessionPoint>,
    /// Mode changes that have set each other off so far.
    chain: usize,
    /// Named values.
    state: StateTable,
    /// Keeps those that are of messages; absent where nobody asks for one.
    watch: Option<Watch>,
    /// Which devices are there.
    connected: Vec<bool>,
    conditions: ModeConditions,
    /// What devices show; absent where they show nothing.
    panel: Option<Panel>,
    /// Faders that are taken over; absent where none is.
    takeover: Option<Takeover>,
    /// Triggers of time, and what they go by; absent where it is told when they fire and when conditions of modes change.
    calendar: Option<Arc<dyn Calendar>>,
    timers: Timers,
    /// No input comes any more.
    input_over: bool,
    /// Somebody wants to know what changes.
    watched: bool,
    /// What had changed before anybody wanted to know, and has not been looked at yet.
    known: Vec<(StateKey, Option<StateValue>)>,
    /// What has changed since that was asked for, in the order in which it did.
    changed: Vec<(StateKey, Option<StateValue>)>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("mode", &self.mode).field("now", &self.now).finish_non_exhaustive()
    }
}

/// The mode a session is in.
#[derive(Debug, Clone, Copy, Default)]
struct CurrentMode {
    /// Index of the mode among those of the configuration, in the order written.
    index: usize,
    /// Index of the one before.
    last: usize,
    /// Mode changes so far, those to the same mode included.
    changes: u64,
}

impl Session {
    /// A session at time zero in the first mode of `config`. It is told when its triggers of time fire and when conditions of modes
    /// change, as a recording has it.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        let names: Vec<&str> = config.devices.iter().map(DeviceConfig::called).collect();
        let recognizer = Recognizer::new(config.mappings().map(|mapping| &mapping.trigger), &names);
        let mapper = Mapper::new(&config);
        let mut state = StateTable::default();
        state.set(&StateKey::Mode, config.modes.first().and_then(|mode| StateValue::text(&mode.name)));
        for name in &names {
            state.set(&StateKey::Connected((*name).into()), Some(StateValue::Flag(false)));
        }
        let called = |wanted: &str| {
            let numbered = (0..=u16::MAX).zip(&names);
            numbered.filter(|(_, name)| **name == wanted).map(|(number, _)| DeviceId(number)).collect()
        };
        let watch = Watch::of(config.state_keys.iter(), called, &mut state);
        Self {
            connected: vec![false; names.len()],
            panel: Panel::of(&config, &mut state),
            takeover: Takeover::of(&config),
            state,
            watch,
            conditions: ModeConditions::of(&config),
            calendar: None,
            timers: Timers::default(),
            input_over: false,
            watched: false,
            known: Vec::new(),
            changed: Vec::new(),
            recognizer,
            mapper,
            router: Router::new(&config),
            scheduler: Scheduler::new(),
            holds: Holds::default(),
            mode: CurrentMode::default(),
            now: 0,
            gestures: Vec::new(),
            steps: Vec::new(),
            entered: Vec::new(),
            chain: 0,
            config,
        }
    }

    /// Triggers of time fire by `calendar`, counted from now, and conditions of modes are looked at.
    #[must_use]
    pub fn timed(mut self, calendar: Arc<dyn Calendar>) -> Self {
        self.timers = Timers::of(&self.config, self.now, &*calendar);
        self.calendar = Some(calendar);
        self
    }

    /// What changes of the named values is kept from now on, until [`Session::take_changes`] takes it.
    pub fn watch_state(&mut self) {
        self.watched = true;
        self.known = self.state.changes().map(|(key, value)| (key.clone(), value.cloned())).collect();
    }

    /// What has changed of the named values, each with its value then, in order.
    pub fn take_changes(&mut self) -> Vec<(StateKey, Option<StateValue>)> {
        std::mem::take(&mut self.changed)
    }

    /// The time a message counts as received that is stamped `t`: never before what has happened already.
    #[must_use]
    pub fn arrival(&self, t: Micros) -> Micros {
        self.now.max(t)
    }

    /// The time up to which everything has happened.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.now
    }

    /// The session begins: what is to be done at its start is done.
    pub fn begin(&mut self, facts: &dyn ConditionSource, say: &mut impl FnMut(SessionEvent<'_>)) {
        self.point(SessionPoint::Start, facts, say);
        self.look_at_changes(facts, say);
    }

    /// Takes a message received at `t`. What fell due before it comes first. A time before the latest one known counts as
    /// that one, since devices have threads of their own.
    pub fn feed(
        &mut self,
        t: Micros,
        device: DeviceId,
        message: &Message,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        while !self.advance(t, facts, say) {}
        self.now = self.arrival(t);
        if let Some(panel) = &mut self.panel
            && panel.is_echo(self.now, device, self.mode.index, message)
        {
            return;
        }
        if let Some(watch) = &mut self.watch {
            watch.message(device, message, &mut self.state);
        }
        let routed = self.route(device, message, facts, say);
        self.recognize(routed, facts, say, |recognizer, now, gestures| recognizer.feed(now, device, message, gestures));
        self.look_at_changes(facts, say);
    }

    /// When something falls due without a message, if anything does. A time that has passed means at once.
    #[must_use]
    pub fn next_due(&self) -> Option<Micros> {
        let shown = self.panel.as_ref().and_then(Panel::next_due);
        let work = self.work_due().into_iter().chain(shown).min();
        if self.input_over && !self.has_work_of_input() {
            return work;
        }
        [work, self.timers.next_due(), self.conditions.next_due()].into_iter().flatten().min()
    }

    /// When a gesture or a step falls due that has begun.
    fn work_due(&self) -> Option<Micros> {
        match (self.recognizer.next_due(), self.scheduler.next_due()) {
            (Some(gesture), Some(step)) => Some(gesture.min(step)),
            (gesture, step) => gesture.or(step),
        }
    }

    /// No input comes any more: triggers of time go on only for as long as something waits that the input set off.
    pub fn input_over(&mut self) {
        self.input_over = true;
        if let Some(panel) = &mut self.panel {
            panel.input_over();
        }
    }

    fn has_work_of_input(&self) -> bool {
        self.recognizer.next_due().is_some() || self.scheduler.has_work_of_input()
    }

    /// Lets time come to `t`: whatever falls due happens in order of time, and at one time what has begun before what a clock sets off.
    /// `false` means that there is more and the caller should see to its input before it calls again.
    pub fn advance(&mut self, t: Micros, facts: &dyn ConditionSource, say: &mut impl FnMut(SessionEvent<'_>)) -> bool {
        for _ in 0..MAX_TIMERS_PER_CALL {
            if self.input_over && !self.has_work_of_input() {
                self.timers.stop();
                self.conditions.stop();
            }
            let Some(due) = self.next_due().filter(|due| *due <= t) else {
                self.now = self.now.max(t);
                return true;
            };
            self.now = self.now.max(due);
            if self.scheduler.next_due().is_some_and(|step| step <= due) {
                let mut steps = std::mem::take(&mut self.steps);
                let view = view(&self.config, self.mode, &self.holds, &mut self.state, facts);
                self.scheduler.advance(due, view, &mut steps);
                self.hand_out(&mut steps, say);
                self.steps = steps;
                self.run_mode_hooks(facts, say);
            } else if self.recognizer.next_due().is_some_and(|gesture| gesture <= due) {
                self.recognize(false, facts, say, |recognizer, _, gestures| recognizer.advance(due, gestures));
            } else if self.panel.as_ref().and_then(Panel::next_due).is_some_and(|shown| shown <= due) {
                self.show(say);
            } else if let Some(calendar) = self.calendar.clone() {
                if self.timers.next_due().is_some_and(|timer| timer <= due) {
                    if let Some(mapping) = self.timers.take(due, t, &*calendar) {
                        self.timer(mapping, facts, say);
                    }
                } else {
                    self.conditions.ask = true;
                }
            }
            self.look_at_changes(facts, say);
        }
        false
    }

    /// Time comes to `t`, or to what has happened last: what falls due before comes first. Returns that time.
    pub fn settle(&mut self, t: Micros, facts: &dyn ConditionSource, say: &mut impl FnMut(SessionEvent<'_>)) -> Micros {
        while !self.advance(t, facts, say) {}
        self.now
    }

    /// The session ends at `t`, or at what has happened last: what is held is let go, and what is to be done at the end is done.
    /// Returns that time, and what is given up because it still waits for its own.
    pub fn end(
        &mut self,
        t: Micros,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) -> (Micros, Left) {
        let t = self.settle(t, facts, say);
        self.release_routed(None, say);
        while let Some(hold) = self.holds.take(None) {
            let event = hold.stand_in(t);
            self.let_go(hold, &event, facts, say);
        }
        self.point(SessionPoint::Stop, facts, say);
        self.stop_showing(say);
        (t, self.scheduler.stop(&self.state))
    }

    /// The device has connected at `t`.
    pub fn device_found(
        &mut self,
        t: Micros,
        device: DeviceId,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        self.settle(t, facts, say);
        self.set_connected(device, true);
        if let Some(panel) = &mut self.panel {
            panel.found(device);
        }
        self.point(SessionPoint::Connected(device), facts, say);
        self.look_at_changes(facts, say);
    }

    /// The device is gone at `t`: what falls due before comes first, then whatever it held is let go.
    pub fn device_lost(
        &mut self,
        t: Micros,
        device: DeviceId,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        let t = self.settle(t, facts, say);
        self.set_connected(device, false);
        if let Some(panel) = &mut self.panel {
            panel.lost(device);
        }
        if let Some(watch) = &mut self.watch {
            watch.lost(device, &mut self.state);
        }
        self.release_routed(Some(device), say);
        self.recognize(false, facts, say, |recognizer, now, gestures| recognizer.release_all(now, device, gestures));
        while let Some(hold) = self.holds.take(Some(device)) {
            let event = hold.stand_in(t);
            self.let_go(hold, &event, facts, say);
        }
        self.point(SessionPoint::Disconnected(device), facts, say);
        self.look_at_changes(facts, say);
    }

    /// Somebody changes to the mode with this name at `t`, which counts as a `ModeChange` of a mapping does. Says which mode was current
    /// before; nothing where none has the name.
    pub fn change_mode(
        &mut self,
        t: Micros,
        name: &str,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) -> Option<usize> {
        let to = self.config.modes.iter().position(|mode| mode.name == name)?;
        self.settle(t, facts, say);
        let from = self.mode.index;
        self.enter_mode(to, facts, say);
        self.look_at_changes(facts, say);
        Some(from)
    }

    /// Whether the device is there.
    #[must_use]
    pub fn is_connected(&self, device: DeviceId) -> bool {
        self.connected.get(usize::from(device.0)).is_some_and(|connected| *connected)
    }

    /// The device is there, or is not. Of several with one name, one is enough for the name.
    fn set_connected(&mut self, device: DeviceId, connected: bool) {
        let Some(known) = self.connected.get_mut(usize::from(device.0)) else { return };
        *known = connected;
        let Some(name) = self.config.devices.get(usize::from(device.0)).map(DeviceConfig::called) else { return };
        let called = self.config.devices.iter().zip(&self.connected).filter(|(device, _)| device.called() == name);
        let any = called.into_iter().any(|(_, connected)| *connected);
        self.state.set(&StateKey::Connected(name.into()), Some(StateValue::Flag(any)));
    }

    /// Has `by` recognise gestures, which belong together, and starts what is mapped to them. What was `routed` has led to something
    /// already.
    fn recognize(
        &mut self,
        routed: bool,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
        by: impl FnOnce(&mut Recognizer, Micros, &mut Vec<GestureEvent>),
    ) {
        let mut gestures = std::mem::take(&mut self.gestures);
        by(&mut self.recognizer, self.now, &mut gestures);
        self.gestures_to_steps(&gestures, routed, facts, say);
        gestures.clear();
        self.gestures = gestures;
    }

    /// The session has come to a point of its own.
    fn point(&mut self, point: SessionPoint, facts: &dyn ConditionSource, say: &mut impl FnMut(SessionEvent<'_>)) {
        if !self.config.hooks.is_empty() {
            self.gestures_to_steps(&[GestureEvent::of_session(self.now, Gesture::Session(point))], false, facts, say);
        }
    }
}
