//! What a plugin did and what was done to it, counted without a lock on the way of a call.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::sandbox::info::denials::Denials;
use crate::sandbox::outcome::{Outcome, Rejection, Status};

/// Counters of one plugin, over all its tenants and instances.
#[derive(Debug, Default)]
pub struct Counters {
    calls: AtomicU64,
    failed: AtomicU64,
    fuel: AtomicU64,
    instances: AtomicU64,
    shutdowns: AtomicU64,
    evicted: AtomicU64,
    queue_full: AtomicU64,
    quarantined: AtomicU64,
    /// By kind. Rare, so a lock is no harm.
    faults: Mutex<BTreeMap<&'static str, u64>>,
    denials: Denials,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CounterValues {
    /// Calls that ran, whatever came of them.
    pub calls: u64,
    /// Of these, how many returned something else than 0.
    pub failed: u64,
    /// Fuel they used, and `shutdown` used.
    pub fuel: u64,
    /// Instances that were made.
    pub instances: u64,
    /// Instances whose `shutdown` ran, whatever came of it.
    pub shutdowns: u64,
    /// Instances that were dropped to make room or because nobody used them.
    pub evicted: u64,
    /// Calls rejected because too many were waiting.
    pub queue_full: u64,
    /// Calls rejected because the plugin rests.
    pub quarantined: u64,
    /// Faults by kind, as [`crate::sandbox::FaultKind::name`] has it.
    pub faults: BTreeMap<&'static str, u64>,
    /// Denials by function and reason.
    pub denials: BTreeMap<(&'static str, &'static str), u64>,
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

fn count<K: Ord>(map: &Mutex<BTreeMap<K, u64>>, key: K) {
    *map.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
}

impl Counters {
    /// Those of a plugin that is being tried out: what it is denied is no news.
    pub(in crate::sandbox) fn untold() -> Self {
        Self { denials: Denials::untold(), ..Self::default() }
    }

    pub(in crate::sandbox) fn instance_made(&self) {
        add(&self.instances, 1);
    }

    pub(in crate::sandbox) fn evicted(&self) {
        add(&self.evicted, 1);
    }

    /// What it was denied.
    pub(in crate::sandbox) fn denials(&self) -> &Denials {
        &self.denials
    }

    pub(in crate::sandbox) fn rejected(&self, rejection: &Rejection) {
        match rejection {
            Rejection::QueueFull { .. } => add(&self.queue_full, 1),
            Rejection::Quarantined { .. } => add(&self.quarantined, 1),
            Rejection::Params { .. }
            | Rejection::Unknown { .. }
            | Rejection::Closed { .. }
            | Rejection::NotRunning { .. }
            | Rejection::Distrusted { .. } => {}
        }
    }

    pub(in crate::sandbox) fn ran(&self, outcome: &Outcome) {
        add(&self.calls, 1);
        add(&self.fuel, outcome.fuel.saturating_add(outcome.init_fuel));
        match &outcome.status {
            Status::Ok | Status::Rejected(_) => {}
            Status::Failed(_) => add(&self.failed, 1),
            Status::Fault(fault) => {
                count(&self.faults, fault.kind.name());
            }
        }
    }

    pub(in crate::sandbox) fn shut_down(&self, outcome: &Outcome) {
        add(&self.shutdowns, 1);
        add(&self.fuel, outcome.fuel);
        if let Status::Fault(fault) = &outcome.status {
            count(&self.faults, fault.kind.name());
        }
    }

    /// What it was denied, by reason and by what it asked for: the first 64 things.
    #[must_use]
    pub fn denied(&self) -> Vec<(&'static str, String)> {
        self.denials.named()
    }

    /// The counters now.
    #[must_use]
    pub fn values(&self) -> CounterValues {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CounterValues {
            calls: get(&self.calls),
            failed: get(&self.failed),
            fuel: get(&self.fuel),
            instances: get(&self.instances),
            shutdowns: get(&self.shutdowns),
            evicted: get(&self.evicted),
            queue_full: get(&self.queue_full),
            quarantined: get(&self.quarantined),
            faults: self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            denials: self.denials.counts(),
        }
    }
}
