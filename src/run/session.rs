//! The pure middle of the program: messages and time in, steps out.
//!
//! A session knows no thread, no port and no file, so that a live run, a file and a recording go through the very same code.

use std::sync::Arc;

use crate::action::{Cause, ConditionSource, Left, Scheduler, Step, Task};
use crate::config::{Config, DeviceConfig, Mapping};
use crate::gesture::{DeviceId, GestureEvent, Recognizer};
use crate::mapping::Mapper;
use crate::midi::Message;
use crate::time::Micros;

/// Timers handed out in one go, before a caller sees to its input again.
const MAX_TIMERS_PER_CALL: usize = 256;

/// One configuration at work.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    recognizer: Recognizer,
    mapper: Mapper,
    scheduler: Scheduler,
    mode: usize,
    now: Micros,
    gestures: Vec<GestureEvent>,
    steps: Vec<Step>,
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
}

impl SessionEvent<'_> {
    /// When it happens.
    #[must_use]
    pub fn at(&self) -> Micros {
        match self {
            Self::Unmapped { event, .. } => event.t,
            Self::Step { step, .. } => step.at,
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
            scheduler: Scheduler::new(),
            mode: 0,
            now: 0,
            gestures: Vec::new(),
            steps: Vec::new(),
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
        let mut gestures = std::mem::take(&mut self.gestures);
        self.recognizer.feed(self.now, device, message, &mut gestures);
        self.gestures_to_steps(&gestures, facts, say);
        gestures.clear();
        self.gestures = gestures;
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
                self.scheduler.advance(due, self.mode, facts, &mut steps);
                self.hand_out(&mut steps, say);
                self.steps = steps;
            } else {
                let mut gestures = std::mem::take(&mut self.gestures);
                self.recognizer.advance(due, &mut gestures);
                self.gestures_to_steps(&gestures, facts, say);
                gestures.clear();
                self.gestures = gestures;
            }
        }
        false
    }

    /// Time comes to `t`, the session's end, or to what has happened last: what falls due before comes first. Returns that time.
    pub fn end(&mut self, t: Micros, facts: &dyn ConditionSource, say: &mut impl FnMut(SessionEvent<'_>)) -> Micros {
        while !self.advance(t, facts, say) {}
        self.now
    }

    /// Gives up what waits for its time: the session ends. Says how much that was.
    pub fn stop(&mut self) -> Left {
        self.scheduler.stop()
    }

    /// The device is gone at `t`: what falls due before comes first, then whatever it held is let go.
    pub fn device_lost(
        &mut self,
        t: Micros,
        device: DeviceId,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        while !self.advance(t, facts, say) {}
        self.recognizer.release_all(device);
    }

    /// Starts what is mapped to `gestures`, which belong together. A message that leads to nothing is said once.
    fn gestures_to_steps(
        &mut self,
        gestures: &[GestureEvent],
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) {
        let mut mapped = false;
        for event in gestures {
            let Some(found) = self.mapper.find(self.mode, event) else { continue };
            mapped = true;
            let Some(mapping) = self.config.mapping(found) else { continue };
            let cause = Cause { mapping: found, event: event.clone() };
            let mut steps = std::mem::take(&mut self.steps);
            self.scheduler.start(event.t, &mapping.action, cause, self.mode, facts, &mut steps);
            self.hand_out(&mut steps, say);
            self.steps = steps;
        }
        if let (false, Some(event)) = (mapped, gestures.first()) {
            say(SessionEvent::Unmapped { event, mode: self.mode });
        }
    }

    fn hand_out(&mut self, steps: &mut Vec<Step>, say: &mut impl FnMut(SessionEvent<'_>)) {
        for step in steps.drain(..) {
            let went_to = if let Task::Mode(mode) = step.task { Some(mode) } else { None };
            if let Some(mapping) = self.config.mapping(step.cause.mapping) {
                say(SessionEvent::Step { step, mapping, mode: self.mode });
            }
            self.mode = went_to.unwrap_or(self.mode);
        }
    }
}
