//! Carries out steps, and says what came of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::context::context;
use super::session::Happening;
use super::told::Told;
use crate::action::{Origin, Outside, Step, Task};
use crate::clock::Micros;
use crate::config::{Config, PluginCall};
use crate::journal::{Entry, Line, Recorder, Turned, What};
use crate::sandbox::{Context, Done, InlinePool, Job, Outcome, Pool, Rejection, Status, Stops};

/// Where calls of plugins go.
#[derive(Debug)]
pub(super) enum Calls {
    /// Carried out at once, on this thread.
    Inline(InlinePool),
    /// Handed to workers, which report through [`Report::Done`].
    Workers(Pool),
}

/// What is reported.
#[derive(Debug)]
pub(super) enum Report {
    /// Something happened.
    Entry(Entry),
    /// A call with this token was handed to the workers; its entry lacks only what came of it.
    Pending(u64, Entry),
    /// A call is done.
    Done(Done),
}

/// Carries out steps.
pub(super) struct Dispatch {
    calls: Calls,
    refused: BTreeMap<String, Arc<str>>,
    outside: Arc<dyn Outside>,
    /// The same as `outside`, when this is a dry run.
    told: Option<Arc<Told>>,
    epoch: u64,
    /// Number of the last call, counted from 1 in the order of events; what journals call it by.
    token: u64,
    recorder: Option<Arc<Recorder>>,
    replayed: Option<Replayed>,
}

/// What happened to calls of a recorded session because of timing, by their numbers.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Calls that were not accepted.
    pub rejected: HashMap<u64, Turned>,
    /// Calls the wall clock stopped: while starting or not, and the fuel used.
    pub deadlines: HashMap<u64, (bool, u64)>,
    /// Where the coming call is told so.
    pub stops: Arc<Stops>,
}

impl Dispatch {
    pub(super) fn new(
        calls: Calls,
        refused: BTreeMap<String, Arc<str>>,
        outside: Arc<dyn Outside>,
        told: Option<Arc<Told>>,
        epoch: u64,
    ) -> Self {
        Self { calls, refused, outside, told, epoch, token: 0, recorder: None, replayed: None }
    }

    /// Calls that are turned away because of timing are recorded.
    pub(super) fn recorded(mut self, recorder: Option<Arc<Recorder>>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Calls meet the fate they had in the recorded session.
    pub(super) fn replayed(mut self, replayed: Option<Replayed>) -> Self {
        self.replayed = replayed;
        self
    }

    /// The plugins, when no more steps come.
    pub(super) fn into_calls(self) -> Calls {
        self.calls
    }

    /// Lets instances go whose time is up at `now`.
    pub(super) fn expire(&self, now: Micros) {
        if let Calls::Workers(pool) = &self.calls {
            pool.expire(now);
        }
    }

    /// Does what `happening` asks for and reports it.
    pub(super) fn handle(&mut self, config: &Arc<Config>, happening: Happening<'_>, report: &mut impl FnMut(Report)) {
        match happening {
            Happening::Unmapped { event, mode } => {
                let entry = Entry {
                    config: Arc::clone(config),
                    t: event.t,
                    event: event.clone(),
                    mapping: None,
                    mode,
                    what: What::Unmapped,
                };
                report(Report::Entry(entry));
            }
            Happening::Step { step: Step { at, cause, task }, mapping, mode } => {
                let entry = |what| Entry {
                    config: Arc::clone(config),
                    t: at,
                    event: cause.event.clone(),
                    mapping: Some(cause.mapping),
                    mode,
                    what,
                };
                match task {
                    Task::Plugin(call) => {
                        let context = context(&cause.event, mapping, mode, self.epoch, at);
                        self.call(call, context, at, entry, report);
                    }
                    Task::Effect(effect) => {
                        let result = self.outside.perform(&effect, Origin::Mapping).map(|_| ());
                        report(Report::Entry(entry(What::Effect { effect, result, dry_run: self.told.is_some() })));
                    }
                    Task::Mode(mode) => report(Report::Entry(entry(What::Mode(mode)))),
                    Task::Dropped(dropped) => report(Report::Entry(entry(What::Dropped(dropped)))),
                }
            }
        }
    }

    fn call(
        &mut self,
        call: Arc<PluginCall>,
        context: Context,
        at: Micros,
        entry: impl Fn(What) -> Entry,
        report: &mut impl FnMut(Report),
    ) {
        if let Some(reason) = self.refused.get(&call.plugin) {
            return report(Report::Entry(entry(What::Refused { call, reason: Arc::clone(reason) })));
        }
        self.token += 1;
        match &mut self.calls {
            Calls::Inline(pool) => {
                let recorded = self.replayed.as_ref().and_then(|replayed| {
                    replayed.stops.set(replayed.deadlines.get(&self.token).copied());
                    replayed.rejected.get(&self.token)
                });
                let outcome = match recorded {
                    Some(turned) => pool.reject(&call, at, turned.rejection(&call, pool)),
                    None => pool.call(&call, &context, at),
                };
                if let (Some(recorder), Status::Rejected(rejection)) = (&self.recorder, &outcome.status)
                    && let Some(reason) = turned(rejection)
                {
                    recorder.line(Line::Rejected { call: self.token, reason });
                }
                let effects = self.told.as_ref().map(|told| told.take(&call.plugin, &call.tenant));
                report(Report::Entry(entry(What::Call { call, outcome: Box::new(outcome) })));
                for effect in effects.into_iter().flatten() {
                    report(Report::Entry(entry(effect.into())));
                }
            }
            Calls::Workers(pool) => {
                let job = Job { call: Arc::clone(&call), context, at, token: self.token };
                match pool.submit(job) {
                    // The call is on its way before anybody is told of it.
                    Ok(()) => report(Report::Pending(self.token, entry(What::Unmapped))),
                    Err(rejection) => {
                        if let (Some(recorder), Some(reason)) = (&self.recorder, turned(&rejection)) {
                            recorder.line(Line::Rejected { call: self.token, reason });
                        }
                        let outcome = Box::new(Outcome::rejected(rejection));
                        report(Report::Entry(entry(What::Call { call, outcome })));
                    }
                }
            }
        }
    }
}

/// Why a call was turned away, where the reason lies in timing. What lies in the session's own events comes about again by
/// itself.
pub(super) fn turned(rejection: &Rejection) -> Option<Turned> {
    match rejection {
        Rejection::QueueFull { .. } => Some(Turned::QueueFull),
        Rejection::Closed { .. } => Some(Turned::Closed),
        Rejection::Distrusted { .. } => Some(Turned::Distrusted),
        Rejection::Params { .. } | Rejection::Quarantined { .. } | Rejection::Unknown { .. } => None,
    }
}

impl Turned {
    /// The rejection again, of `call`.
    fn rejection(self, call: &PluginCall, pool: &InlinePool) -> Rejection {
        let plugin = call.plugin.clone();
        let settings = pool.plugin(&plugin).map(|plugin| plugin.settings());
        match self {
            Self::QueueFull => Rejection::QueueFull { limit: settings.map_or(0, |settings| settings.queue), plugin },
            Self::Closed => Rejection::Closed { plugin },
            Self::Distrusted => Rejection::Distrusted { plugin },
        }
    }
}
