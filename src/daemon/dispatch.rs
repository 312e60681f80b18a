//! Carries out steps, and says what came of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::context;
use super::session::Happening;
use super::told::Told;
use crate::action::{Origin, Outside, Step, Task};
use crate::clock::Micros;
use crate::config::{Config, PluginCall};
use crate::journal::{Entry, What};
use crate::sandbox::{Context, Done, InlinePool, Job, Outcome, Pool};

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
    token: u64,
}

impl Dispatch {
    pub(super) fn new(
        calls: Calls,
        refused: BTreeMap<String, Arc<str>>,
        outside: Arc<dyn Outside>,
        told: Option<Arc<Told>>,
        epoch: u64,
    ) -> Self {
        Self { calls, refused, outside, told, epoch, token: 0 }
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
        match &mut self.calls {
            Calls::Inline(pool) => {
                let outcome = pool.call(&call, &context, at);
                let effects = self.told.as_ref().map(|told| told.take(&call.plugin, &call.tenant));
                report(Report::Entry(entry(What::Call { call, outcome: Box::new(outcome) })));
                for effect in effects.into_iter().flatten() {
                    report(Report::Entry(entry(effect.into())));
                }
            }
            Calls::Workers(pool) => {
                self.token += 1;
                let job = Job { call: Arc::clone(&call), context, at, token: self.token };
                match pool.submit(job) {
                    // The call is on its way before anybody is told of it.
                    Ok(()) => report(Report::Pending(self.token, entry(What::Unmapped))),
                    Err(rejection) => {
                        let outcome = Box::new(Outcome::rejected(rejection));
                        report(Report::Entry(entry(What::Call { call, outcome })));
                    }
                }
            }
        }
    }
}
