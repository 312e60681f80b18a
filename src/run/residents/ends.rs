//! What of the end of a call the session has to know.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::call::{DEFAULT_TENANT, Owner};
use crate::config::Config;
use crate::sandbox::{Done, Outcome, Rejection, SessionRequests, Status};
use crate::state::{StateKey, StateValue};
use crate::time::Micros;

/// The end of a call, or of an event of a resident plugin, that the session has to know of.
#[derive(Debug, Clone)]
pub(in crate::run) struct CallEnd {
    /// Whose.
    pub(in crate::run) owner: Owner,
    /// Its number.
    pub(in crate::run) token: u64,
    /// Whether it was an event.
    pub(in crate::run) event: bool,
    /// When what it was for happened.
    pub(in crate::run) at: Micros,
    /// What became of the instance.
    pub(in crate::run) fate: Fate,
    /// What it asks of the session.
    pub(in crate::run) asked: SessionRequests,
}

/// What a call did to its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Fate {
    /// Nothing: it has ended.
    Done,
    /// It was ended by a fault.
    Faulted,
    /// It is gone, because its plugin is no longer trusted.
    Distrusted,
    /// There will be none any more.
    Gone,
    /// Nothing ran.
    NotRun,
}

impl CallEnd {
    /// What the session has to know of a call with this `outcome`; nothing of most.
    pub(in crate::run) fn of(
        config: &Config,
        owner: Owner,
        (token, event, at): (u64, bool, Micros),
        outcome: &Outcome,
    ) -> Option<Self> {
        let resident = owner.tenant == DEFAULT_TENANT
            && config.plugins.get(&owner.plugin).is_some_and(|settings| settings.resident);
        let fate = match &outcome.status {
            Status::Ok | Status::Failed(_) => Fate::Done,
            Status::Fault(_) => Fate::Faulted,
            Status::Rejected(Rejection::Distrusted { .. }) => Fate::Distrusted,
            Status::Rejected(Rejection::Closed { .. }) => Fate::Gone,
            Status::Rejected(_) => Fate::NotRun,
        };
        let ended = matches!(fate, Fate::Faulted | Fate::Distrusted | Fate::Gone);
        let matters = event || !outcome.asked.is_empty() || (resident && ended);
        matters.then(|| Self { owner, token, event, at, fate, asked: outcome.asked.clone() })
    }

    /// What it has set of named values.
    pub(in crate::run) fn values(&self) -> impl Iterator<Item = (StateKey, Option<StateValue>)> {
        let Owner { plugin, tenant } = &self.owner;
        let values = self.asked.state.iter();
        values.map(move |(key, value)| (StateKey::set_by(tenant, plugin, key), value.clone()))
    }

    /// [`CallEnd::of`] a call that workers have done.
    pub(in crate::run) fn of_done(config: &Config, done: &Done) -> Option<Self> {
        let job = &done.job;
        let owner = Owner::new(&*job.call.plugin, &*job.call.tenant);
        Self::of(config, owner, (job.token, job.context.resident.is_some(), job.at), &done.outcome)
    }
}

/// Ends that wait until the session takes them in. There are never more than calls that were accepted and have not been taken in.
#[derive(Debug, Default, Clone)]
pub(in crate::run) struct Ends(Arc<Inbox>);

#[derive(Debug, Default)]
struct Inbox {
    ends: Mutex<VecDeque<CallEnd>>,
    /// How many there are, for who only wants to know whether there is one.
    count: AtomicUsize,
}

impl Ends {
    fn lock(&self) -> MutexGuard<'_, VecDeque<CallEnd>> {
        self.0.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one.
    pub(in crate::run) fn push(&self, end: CallEnd) {
        let mut ends = self.lock();
        ends.push_back(end);
        self.0.count.store(ends.len(), Ordering::Release);
    }

    /// Takes the first.
    pub(in crate::run) fn take(&self) -> Option<CallEnd> {
        if self.is_empty() {
            return None;
        }
        let mut ends = self.lock();
        let end = ends.pop_front();
        self.0.count.store(ends.len(), Ordering::Release);
        end
    }

    /// Whether none waits.
    pub(in crate::run) fn is_empty(&self) -> bool {
        self.0.count.load(Ordering::Acquire) == 0
    }
}
