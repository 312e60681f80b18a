//! The pure middle of the program: messages and time in, steps out.
//!
//! A session knows no thread, no port and no file, so that a live run, a file and a recording go through the very same code.

mod routes;

use std::sync::Arc;

use crate::action::{Cause, ConditionSource, Hold, Holds, Left, Scheduler, Step, Task, Undo, View};
use crate::config::{Action, Config, DeviceConfig, Mapping, MappingId, RouteId};
use crate::effect::MidiOut;
use crate::gesture::{
    DeviceId, EncoderStep, Gesture, GestureEvent, Recognizer, SessionPoint, Trigger, acceleration_factor,
};
use crate::mapping::{Found, Mapper, Router};
use crate::midi::Message;
use crate::time::Micros;

/// Timers handed out in one go, before a caller sees to its input again.
const MAX_TIMERS_PER_CALL: usize = 256;

/// Runs of an encoder's action for one message.
const MAX_ENCODER_RUNS: u16 = 256;

/// Mode changes that may set each other off at one time. More is a circle of `on_enter` and `on_leave`.
const MAX_MODE_CHAIN: usize = 16;

/// One configuration at work.
#[derive(Debug)]
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

/// What a session has to say.
#[derive(Debug)]
pub enum SessionEvent<'a> {
    /// A message completed a gesture, and nothing is mapped to it.
    Unmapped {
        /// The gesture.
        event: &'a GestureEvent,
        /// Index of the current mode.
        mode: usize,
    },
    /// Something is to be done now.
    Step {
        /// What, when and why.
        step: Step,
        /// The mapping behind it.
        mapping: &'a Mapping,
        /// Index of the mode current before the step.
        mode: usize,
    },
    /// A message is to be passed on now, without a mapping.
    Routed {
        /// When.
        t: Micros,
        /// The route.
        route: RouteId,
        /// What goes where.
        out: MidiOut,
        /// Index of the current mode.
        mode: usize,
    },
}

impl SessionEvent<'_> {
    /// When it happens.
    #[must_use]
    pub fn at(&self) -> Micros {
        match self {
            Self::Unmapped { event, .. } => event.t,
            Self::Step { step, .. } => step.at,
            Self::Routed { t, .. } => *t,
        }
    }
}

impl Session {
    /// A session at time zero in the first mode of `config`.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        let names: Vec<&str> = config.devices.iter().map(DeviceConfig::called).collect();
        let recognizer = Recognizer::new(config.mappings().map(|mapping| &mapping.trigger), &names);
        let mapper = Mapper::new(&config);
        Self {
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
        let routed = self.route(device, message, facts, say);
        self.recognize(routed, facts, say, |recognizer, now, gestures| recognizer.feed(now, device, message, gestures));
    }

    /// When something falls due without a message, if anything does. A time that has passed means at once.
    #[must_use]
    pub fn next_due(&self) -> Option<Micros> {
        match (self.recognizer.next_due(), self.scheduler.next_due()) {
            (Some(gesture), Some(step)) => Some(gesture.min(step)),
            (gesture, step) => gesture.or(step),
        }
    }

    /// Lets time come to `t`: whatever falls due happens in order of time. `false` means that there is more and the
    /// caller should see to its input before it calls again.
    pub fn advance(&mut self, t: Micros, facts: &dyn ConditionSource, say: &mut impl FnMut(SessionEvent<'_>)) -> bool {
        for _ in 0..MAX_TIMERS_PER_CALL {
            let Some(due) = self.next_due().filter(|due| *due <= t) else {
                self.now = self.now.max(t);
                return true;
            };
            self.now = self.now.max(due);
            if self.scheduler.next_due().is_some_and(|step| step <= due) {
                let mut steps = std::mem::take(&mut self.steps);
                let view = view(&self.config, self.mode, &self.holds, facts);
                self.scheduler.advance(due, view, &mut steps);
                self.hand_out(&mut steps, say);
                self.steps = steps;
                self.run_mode_hooks(facts, say);
            } else {
                self.recognize(false, facts, say, |recognizer, _, gestures| recognizer.advance(due, gestures));
            }
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
        (t, self.scheduler.stop())
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
        self.point(SessionPoint::Connected(device), facts, say);
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
        self.release_routed(Some(device), say);
        self.recognize(false, facts, say, |recognizer, now, gestures| recognizer.release_all(now, device, gestures));
        while let Some(hold) = self.holds.take(Some(device)) {
            let event = hold.stand_in(t);
            self.let_go(hold, &event, facts, say);
        }
        self.point(SessionPoint::Disconnected(device), facts, say);
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

    /// Starts what is mapped to `gestures`, which belong together. A message that leads to nothing is said once.
    fn gestures_to_steps(
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
            let view = view(&self.config, self.mode, &self.holds, facts);
            match self.mapper.find(self.mode.index, event, &mut |condition| view.holds(condition)) {
                Some(Found::Fires(mapping)) => {
                    mapped = true;
                    self.fire(mapping, event, facts, say);
                }
                Some(Found::Takes(_)) => mapped = true,
                None => {}
            }
        }
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
    fn let_go(
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
        let view = view(&self.config, self.mode, &self.holds, facts);
        self.scheduler.start(at, action, cause, view, &mut steps);
        self.hand_out(&mut steps, say);
        self.steps = steps;
        self.run_mode_hooks(facts, say);
    }

    fn hand_out(&mut self, steps: &mut Vec<Step>, say: &mut impl FnMut(SessionEvent<'_>)) {
        for step in steps.drain(..) {
            let CurrentMode { index: before, last, changes } = self.mode;
            if let Task::Mode(to) = step.task {
                let last = if to == before { last } else { before };
                self.mode = CurrentMode { index: to, last, changes: changes + 1 };
                if to != before {
                    self.entered.extend([SessionPoint::ModeLeft(before), SessionPoint::ModeEntered(to)]);
                }
            }
            if step.held
                && let Some(hold) = step.cause.hold.and_then(|hold| self.holds.get_mut(hold))
            {
                let undo = match &step.task {
                    Task::Mode(_) => Some(Undo::Mode { to: before, changes: self.mode.changes }),
                    Task::Effect(effect) => Undo::of(effect),
                    Task::Plugin(_) | Task::Dropped(_) => None,
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

    /// Runs what is to be done when modes are left and entered.
    fn run_mode_hooks(&mut self, facts: &dyn ConditionSource, say: &mut impl FnMut(SessionEvent<'_>)) {
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
fn view<'a>(config: &'a Config, mode: CurrentMode, holds: &'a Holds, world: &'a dyn ConditionSource) -> View<'a> {
    View { world, modes: &config.modes, mode: mode.index, last_mode: mode.last, holds }
}
