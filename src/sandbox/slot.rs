//! Where the calls of one plugin and tenant are carried out, one after the other: the instance, its successors after
//! faults and evictions, and the record of faults.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::instance::{Instance, Making};
use super::outcome::{Outcome, Rejection, Status};
use super::plugin::Plugin;
use super::pool::Job;
use super::quarantine::Record;
use super::request::{Context, Request};
use super::services::Services;
use crate::clock::Micros;
use crate::config::{Isolation, Params};
use crate::grant::GrantView;
use crate::text::Escape as _;

/// The place of one plugin and tenant. Everything that happens to its instances happens here, in order.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) plugin: Arc<Plugin>,
    pub(super) tenant: Arc<str>,
    /// What waits to be done.
    queue: Mutex<Queue>,
    /// Locked by the one thread that runs it; `Queue::scheduled` keeps others away, so it is never waited for.
    work: Mutex<Work>,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    calls: usize,
    /// Whether the slot waits for a worker or is with one.
    scheduled: bool,
}

/// Something to be done.
#[derive(Debug)]
pub(super) enum Item {
    /// A call.
    Call(Job),
    /// The instance goes; event time.
    Close(Micros),
}

#[derive(Debug)]
struct Work {
    /// What the plugin may do: looked at once before each call, so that all of the call runs under the same.
    grant: GrantView,
    instance: Option<Instance>,
    record: Record,
    /// Of the next instance.
    generation: u64,
}

impl Slot {
    /// A slot without an instance; its first will be `generation`.
    pub(super) fn new(plugin: &Arc<Plugin>, tenant: &str, generation: u64) -> Self {
        Self {
            plugin: Arc::clone(plugin),
            tenant: tenant.into(),
            queue: Mutex::default(),
            work: Mutex::new(Work {
                grant: plugin.grant_view(),
                instance: None,
                record: Record::default(),
                generation,
            }),
            closed: AtomicBool::new(false),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call. `Ok(true)`: the slot has to be handed to a worker.
    pub(super) fn push_call(&self, job: Job) -> Result<bool, Rejection> {
        let limit = self.plugin.settings().queue;
        let mut queue = self.queue();
        if self.closed.load(Ordering::Relaxed) {
            return Err(Rejection::Closed { plugin: self.plugin.name().to_owned() });
        }
        if queue.calls >= limit as usize {
            return Err(Rejection::QueueFull { plugin: self.plugin.name().to_owned(), limit });
        }
        queue.calls += 1;
        queue.items.push_back(Item::Call(job));
        Ok(!std::mem::replace(&mut queue.scheduled, true))
    }

    /// Lets the instance go after what already waits. `true`: the slot has to be handed to a worker.
    pub(super) fn push_close(&self, at: Micros) -> bool {
        let mut queue = self.queue();
        queue.items.push_back(Item::Close(at));
        !std::mem::replace(&mut queue.scheduled, true)
    }

    /// Takes no more calls, and gives back those that wait.
    pub(super) fn refuse_calls(&self) -> Vec<Job> {
        let mut queue = self.queue();
        self.closed.store(true, Ordering::Relaxed);
        queue.calls = 0;
        queue
            .items
            .drain(..)
            .filter_map(|item| match item {
                Item::Call(job) => Some(job),
                Item::Close(_) => None,
            })
            .collect()
    }

    /// What is to be done next, for the worker that has the slot.
    pub(super) fn next(&self) -> Option<Item> {
        let mut queue = self.queue();
        let item = queue.items.pop_front();
        if let Some(Item::Call(_)) = &item {
            queue.calls = queue.calls.saturating_sub(1);
        }
        item
    }

    /// Whether anything waits; if not, the worker has given the slot back.
    pub(super) fn has_more(&self) -> bool {
        let mut queue = self.queue();
        if queue.items.is_empty() {
            queue.scheduled = false;
        }
        queue.scheduled
    }

    /// Carries out a call of the event at `at`.
    pub(super) fn call(&self, services: &Arc<Services>, params: &Params, context: &Context, at: Micros) -> Outcome {
        let mut work = self.work();
        if let Some(state) = work.record.blocks(at) {
            let rejection = Rejection::Quarantined { plugin: self.plugin.name().to_owned(), state };
            self.plugin.counters().rejected(&rejection);
            return Outcome::rejected(rejection);
        }
        if work.grant.is_distrusted() {
            // Its instance is not told that it goes: nothing of it runs any more.
            work.instance = None;
            return Outcome::rejected(Rejection::Distrusted { plugin: self.plugin.name().to_owned() });
        }
        self.look(&mut work, services);
        let at_ns = services.clock.epoch().saturating_add(at).saturating_mul(1_000);
        let mut outcome = match self.instance(&mut work, services, at_ns) {
            Ok(instance) => instance.call(&Request { params, context, at_ns }),
            Err(outcome) => *outcome,
        };
        match outcome.status {
            Status::Fault(_) => {
                work.instance = None;
                outcome.quarantined = work.record.faulted(at);
            }
            Status::Rejected(_) => {} // nothing of it ran
            Status::Ok | Status::Failed(_) => work.record.succeeded(),
        }
        if self.plugin.settings().isolation == Isolation::Call
            && let Some(instance) = work.instance.take()
        {
            outcome.logs.extend(instance.shutdown(at_ns));
        }
        outcome
    }

    /// Turns a call away, as `rejection` says. A plugin that is no longer trusted has no instance any more.
    pub(super) fn reject(&self, rejection: Rejection) -> Outcome {
        if matches!(rejection, Rejection::Distrusted { .. }) {
            self.work().instance = None;
        }
        Outcome::rejected(rejection)
    }

    /// The plugin is about to run: looks what it may do now, and tells its instance.
    fn look(&self, work: &mut Work, services: &Services) {
        let Work { grant, instance, .. } = work;
        grant.begin_call();
        if let Some(approvals) = &services.approvals {
            grant.allow(approvals.begins(self.plugin.name(), &self.tenant, grant.approval()));
        }
        if let Some(instance) = instance {
            instance.give(grant);
        }
    }

    fn instance<'a>(
        &self,
        work: &'a mut Work,
        services: &Arc<Services>,
        at_ns: u64,
    ) -> Result<&'a mut Instance, Box<Outcome>> {
        let mut before = work.instance.take();
        if let Some(outdated) = before.take_if(Instance::outdated) {
            self.let_go(outdated, at_ns);
        }
        let instance = match before {
            Some(instance) => instance,
            None => {
                let generation = work.generation;
                work.generation = generation.saturating_add(1);
                let Self { plugin, tenant, .. } = self;
                Instance::of(Making { plugin, tenant, services, generation, at_ns, grant: Some(&work.grant) })?
            }
        };
        Ok(work.instance.insert(instance))
    }

    /// Lets the instance go, having told it. What it still logs goes to the log.
    pub(super) fn close(&self, services: &Services, at: Micros) {
        let mut work = self.work();
        if work.instance.is_none() {
            return;
        }
        self.look(&mut work, services);
        let Some(instance) = work.instance.take() else { return };
        self.let_go(instance, services.clock.epoch().saturating_add(at).saturating_mul(1_000));
    }

    fn let_go(&self, instance: Instance, at_ns: u64) {
        for line in instance.shutdown(at_ns) {
            log::log!(line.level.level(), "plugin \"{}\" (shutdown): {}", self.plugin.name().escaped(), line.text);
        }
    }
}
