//! The outside of a session that is recorded: everything goes through, and what came of it is written down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::answer::{Failure, RecordedAnswer};
use super::header::ApprovalRecord;
use super::line::Line;
use super::recorder::Recorder;
use crate::action::ConditionSource;
use crate::effect::{Answer, Effect, EffectError, EffectHandler, Origin, Reply, Request};
use crate::effect::{SentMidi, SocketEvents};
use crate::grant::{Approval, Approvals};

/// An outside whose answers are recorded.
pub struct RecordedHandler {
    inner: Arc<dyn EffectHandler>,
    recorder: Arc<Recorder>,
}

impl std::fmt::Debug for RecordedHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordedOutside").field("recorder", &self.recorder).finish_non_exhaustive()
    }
}

impl RecordedHandler {
    /// `inner`, recorded by `recorder`.
    #[must_use]
    pub fn new(inner: Arc<dyn EffectHandler>, recorder: Arc<Recorder>) -> Self {
        Self { inner, recorder }
    }
}

/// Plugin and tenant, where a plugin asks.
pub(super) fn asker(origin: Origin<'_>) -> (Option<String>, Option<String>) {
    match origin {
        Origin::Mapping => (None, None),
        Origin::Plugin { plugin, tenant } => (Some(plugin.to_owned()), Some(tenant.to_owned())),
    }
}

impl EffectHandler for RecordedHandler {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        let result = self.inner.perform(effect, origin);
        let (plugin, tenant) = asker(origin);
        let error = result.as_ref().err().map(Failure::from);
        self.recorder.line(Line::Effect { plugin, tenant, what: effect.to_string(), error });
        result
    }

    fn stays_inside(&self) -> bool {
        self.inner.stays_inside()
    }

    fn has_room(&self) -> bool {
        self.inner.has_room() && self.recorder.has_room()
    }

    fn socket_events(&self) -> Option<Arc<SocketEvents>> {
        self.inner.socket_events()
    }

    fn sent_midi(&self) -> Option<Arc<SentMidi>> {
        self.inner.sent_midi()
    }

    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        let answer = self.inner.request(request, origin, limit);
        if let Origin::Plugin { plugin, tenant } = origin {
            self.recorder.line(Line::Answer {
                plugin: plugin.to_owned(),
                tenant: tenant.to_owned(),
                what: request.fingerprint(),
                waited_ns: u64::try_from(answer.waited.as_nanos()).unwrap_or(u64::MAX),
                result: RecordedAnswer::of(&answer.result),
            });
        }
        answer
    }
}

/// The grant store's approvals, whose changes are recorded where a plugin first runs with them.
#[derive(Debug)]
pub struct RecordedApprovals {
    recorder: Arc<Recorder>,
    /// By plugin and tenant.
    runs: Mutex<HashMap<String, HashMap<String, Runs>>>,
}

/// How often a plugin has run for a tenant, and with what.
#[derive(Debug)]
struct Runs {
    count: u64,
    /// What it ran with last, as the store had it.
    seen: Option<Arc<Approval>>,
    /// What it ran with last, as the journal has it.
    recorded: Option<ApprovalRecord>,
}

impl RecordedApprovals {
    /// Changes are recorded by `recorder`, from what its header says on.
    #[must_use]
    pub fn new(recorder: Arc<Recorder>) -> Self {
        Self { recorder, runs: Mutex::default() }
    }
}

impl Approvals for RecordedApprovals {
    fn begins(&self, plugin: &str, tenant: &str, now: Option<&Arc<Approval>>) -> Option<Arc<Approval>> {
        let mut all = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.get(plugin).is_some_and(|tenants| tenants.contains_key(tenant)) {
            let recorded = self.recorder.approved(plugin).cloned();
            all.entry(plugin.to_owned())
                .or_default()
                .insert(tenant.to_owned(), Runs { count: 0, seen: None, recorded });
        }
        let runs = all.get_mut(plugin).and_then(|tenants| tenants.get_mut(tenant));
        let Some(runs) = runs else { return now.cloned() }; // inserted just above
        runs.count += 1;
        if runs.count > 1 && runs.seen.as_ref().map(Arc::as_ptr) == now.map(Arc::as_ptr) {
            return now.cloned(); // the very same one: what nearly every run sees
        }
        runs.seen = now.cloned();
        let approved = now.map(|approval| ApprovalRecord::new(approval));
        if approved != runs.recorded {
            runs.recorded.clone_from(&approved);
            let (plugin, tenant, run) = (plugin.to_owned(), tenant.to_owned(), runs.count);
            self.recorder.line(Line::Grant { plugin, tenant, run, approved });
        }
        now.cloned()
    }
}

/// Facts whose answers are recorded.
pub struct RecordedConditions<'a> {
    inner: &'a (dyn ConditionSource + Sync),
    recorder: Arc<Recorder>,
}

impl std::fmt::Debug for RecordedConditions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordedFacts").field("recorder", &self.recorder).finish_non_exhaustive()
    }
}

impl<'a> RecordedConditions<'a> {
    /// `inner`, recorded by `recorder`.
    #[must_use]
    pub fn new(inner: &'a (dyn ConditionSource + Sync), recorder: Arc<Recorder>) -> Self {
        Self { inner, recorder }
    }

    fn record(&self, ask: &str, about: Option<&str>, value: u16) -> u16 {
        self.recorder.line(Line::Fact { ask: ask.to_owned(), about: about.map(str::to_owned), value });
        value
    }
}

impl ConditionSource for RecordedConditions<'_> {
    fn minute_of_day(&self) -> u16 {
        self.record("minute_of_day", None, self.inner.minute_of_day())
    }
    fn weekday(&self) -> u8 {
        let day = self.inner.weekday();
        self.record("weekday", None, day.into());
        day
    }
    fn app_running(&self, name: &str) -> bool {
        self.record("app_running", Some(name), self.inner.app_running(name).into()) != 0
    }
    fn app_frontmost(&self, name: &str) -> bool {
        self.record("app_frontmost", Some(name), self.inner.app_frontmost(name).into()) != 0
    }
}
