//! Where the calls of one plugin and tenant are carried out, one after the other: the instance, its successors after
//! faults and evictions, and the record of faults.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::call::{Isolation, Params, PluginEvent};
use crate::effect::Origin;
use crate::effect::Released;
use crate::grant::{Approval, GrantView};
use crate::sandbox::engine::meter::{FuelStop, StopPlace};
use crate::sandbox::instance::{Instance, InstanceSpec};
use crate::sandbox::outcome::leaving::{Carried, Shutdown};
use crate::sandbox::outcome::quarantine::Record;
use crate::sandbox::outcome::session_requests::SessionRequests;
use crate::sandbox::outcome::{Outcome, Rejection, Status};
use crate::sandbox::plugin::Plugin;
use crate::sandbox::pool::Job;
use crate::sandbox::store::request::{Context, Request};
use crate::sandbox::store::services::Services;
use crate::time::{EventTime, Micros};

/// The place of one plugin and tenant. Everything that happens to its instances happens here, in order.
#[derive(Debug)]
pub(in crate::sandbox) struct Slot {
    pub(in crate::sandbox) plugin: Arc<Plugin>,
    pub(in crate::sandbox) tenant: Arc<str>,
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
pub(in crate::sandbox) enum Item {
    /// A call to be carried out, in its turn.
    Call(Job),
    /// The instance goes.
    Close {
        /// When, in session time.
        at: Micros,
        /// Its number, where somebody waits to hear what came of it.
        number: Option<u64>,
    },
}

#[derive(Debug)]
struct Work {
    /// What the plugin may do: looked at once before each call, so that all of the call runs under the same.
    grant: GrantView,
    instance: Option<Instance>,
    record: Record,
    /// What was approved when it was last looked at.
    approved: Option<Arc<Approval>>,
    /// Of the next instance.
    generation: u64,
}

impl Queue {
    /// Takes the calls that wait and of which `which` holds.
    fn take_calls(&mut self, which: impl Fn(&Job) -> bool) -> Vec<Job> {
        let (mut calls, mut others) = (Vec::new(), VecDeque::new());
        for item in self.items.drain(..) {
            match item {
                Item::Call(job) if which(&job) => calls.push(job),
                item => others.push_back(item),
            }
        }
        self.items = others;
        self.calls = self.calls.saturating_sub(calls.len());
        calls
    }
}

impl Slot {
    /// A slot without an instance.
    pub(in crate::sandbox) fn new(plugin: &Arc<Plugin>, tenant: &str) -> Self {
        Self {
            plugin: Arc::clone(plugin),
            tenant: tenant.into(),
            queue: Mutex::default(),
            work: Mutex::new(Work {
                grant: plugin.grant_view(),
                instance: None,
                record: Record::default(),
                approved: None,
                generation: 0,
            }),
            closed: AtomicBool::new(false),
        }
    }

    /// Whether its instance stays, whoever uses it.
    pub(in crate::sandbox) fn is_kept(&self) -> bool {
        self.plugin.is_kept_for(&self.tenant)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call. `Ok(true)`: the slot has to be handed to a worker.
    pub(in crate::sandbox) fn push_call(&self, job: Job) -> Result<bool, Rejection> {
        let limit = self.plugin.limits().queue;
        let mut queue = self.queue();
        if self.closed.load(Ordering::Relaxed) {
            return Err(Rejection::Closed { plugin: self.plugin.name().to_owned() });
        }
        // Of events there is one at a time.
        if queue.calls >= limit as usize && job.context.resident.is_none() {
            return Err(Rejection::QueueFull { plugin: self.plugin.name().to_owned(), limit });
        }
        queue.calls += 1;
        queue.items.push_back(Item::Call(job));
        Ok(!std::mem::replace(&mut queue.scheduled, true))
    }

    /// Adds a call to one that takes no more. `true`: the slot has to be handed to a worker.
    pub(in crate::sandbox) fn push_last(&self, job: Job) -> bool {
        let mut queue = self.queue();
        queue.calls += 1;
        queue.items.push_back(Item::Call(job));
        !std::mem::replace(&mut queue.scheduled, true)
    }

    /// Whether less than half of the calls wait that may.
    pub(in crate::sandbox) fn has_room(&self) -> bool {
        self.queue().calls as u64 * 2 <= u64::from(self.plugin.limits().queue.saturating_sub(1))
    }

    /// Lets the instance go after what already waits. `true`: the slot has to be handed to a worker.
    pub(in crate::sandbox) fn push_close(&self, at: Micros, number: Option<u64>) -> bool {
        let mut queue = self.queue();
        queue.items.push_back(Item::Close { at, number });
        !std::mem::replace(&mut queue.scheduled, true)
    }

    /// Takes no more calls, and gives back those that wait. Instances that wait to go still go.
    pub(in crate::sandbox) fn refuse_calls(&self) -> Vec<Job> {
        let mut queue = self.queue();
        self.closed.store(true, Ordering::Relaxed);
        queue.take_calls(|_| true)
    }

    /// Gives back the calls that wait, without what a resident plugin is told.
    pub(in crate::sandbox) fn take_calls(&self) -> Vec<Job> {
        self.queue().take_calls(|job| job.context.resident.is_none())
    }

    /// What is to be done next, for the worker that has the slot.
    pub(in crate::sandbox) fn next(&self) -> Option<Item> {
        let mut queue = self.queue();
        let item = queue.items.pop_front();
        if let Some(Item::Call(_)) = &item {
            queue.calls = queue.calls.saturating_sub(1);
        }
        item
    }

    /// Whether anything waits; if not, the worker has given the slot back.
    pub(in crate::sandbox) fn has_more(&self) -> bool {
        let mut queue = self.queue();
        if queue.items.is_empty() {
            queue.scheduled = false;
        }
        queue.scheduled
    }

    /// Carries out a call of the event at `at`. Time stops it at `stop`, where it did when this was recorded.
    pub(in crate::sandbox) fn call(
        &self,
        services: &Arc<Services>,
        params: &Params,
        context: &Context,
        at: Micros,
        stop: Option<FuelStop>,
    ) -> Carried {
        let mut work = self.work();
        let kept = self.plugin.is_kept_for(&self.tenant);
        let event = context.resident.as_ref().map(|event| &event.event);
        // Only its start makes an instance of a resident plugin: what it has to know of the session it asks for then.
        if kept
            && work.instance.is_none()
            && !matches!(event, Some(PluginEvent::Start { .. }))
            && !work.grant.is_distrusted()
        {
            let rejection = Rejection::NotRunning { plugin: self.plugin.name().to_owned() };
            self.plugin.counters().rejected(&rejection);
            return Carried { before: Vec::new(), outcome: Outcome::rejected(rejection), after: None };
        }
        if let Some(state) = work.record.blocks(at).filter(|_| !kept) {
            let rejection = Rejection::Quarantined { plugin: self.plugin.name().to_owned(), state };
            self.plugin.counters().rejected(&rejection);
            return Carried { before: Vec::new(), outcome: Outcome::rejected(rejection), after: None };
        }
        if work.grant.is_distrusted() {
            let rejection = Rejection::Distrusted { plugin: self.plugin.name().to_owned() };
            let outcome = self.distrusted(&mut work, rejection, services);
            return Carried { before: Vec::new(), outcome, after: None };
        }
        let lost = self.look(&mut work, services);
        let outdated = work.instance.take_if(|instance| !kept && instance.outdated());
        let before = outdated.and_then(|instance| self.let_go(&mut work, instance, services, at));
        let ends = matches!(event, Some(PluginEvent::Stop { .. }));
        let event = EventTime::of(&*services.clock, at);
        let mut outcome = match self.instance(&mut work, services, event, stop.and_then(FuelStop::at_start)) {
            Ok(instance) => instance.call(&Request { params, context, at: event, stop }),
            Err(outcome) => *outcome,
        };
        outcome.released = lost;
        if matches!(outcome.status, Status::Fault(_)) {
            outcome.released.extend(self.release(services));
        }
        match outcome.status {
            // A plugin that found the machine full has done nothing wrong.
            Status::Fault(ref fault) if fault.is_the_machines() => work.instance = None,
            Status::Fault(_) if kept => work.instance = None, // it starts again later
            Status::Fault(_) => {
                work.instance = None;
                outcome.quarantined = work.record.faulted(at);
            }
            Status::Rejected(_) => {} // nothing of it ran
            Status::Ok | Status::Failed(_) => work.record.succeeded(at),
        }
        let after = match self.plugin.limits().isolation {
            Isolation::Tenant if !ends => None,
            _ => {
                let instance = work.instance.take();
                instance.and_then(|instance| self.let_go(&mut work, instance, services, at))
            }
        };
        Carried { before: before.into_iter().collect(), outcome, after }
    }

    /// Turns a call away, as `rejection` says. A plugin that is no longer trusted has no instance any more.
    pub(in crate::sandbox) fn reject(&self, rejection: Rejection, services: &Services) -> Outcome {
        self.plugin.counters().rejected(&rejection);
        if matches!(rejection, Rejection::Distrusted { .. }) {
            return self.distrusted(&mut self.work(), rejection, services);
        }
        Outcome::rejected(rejection)
    }

    /// The plugin is no longer trusted, as `rejection` says. Its instance is not told that it goes: nothing of it runs any more. What a
    /// resident one has set is none any more.
    fn distrusted(&self, work: &mut Work, rejection: Rejection, services: &Services) -> Outcome {
        work.instance = None;
        let released = self.release(services);
        let kept = self.plugin.is_kept_for(&self.tenant);
        let asked = if kept {
            SessionRequests::removal(self.plugin.take_own_keys(&self.tenant))
        } else {
            SessionRequests::default()
        };
        Outcome { released, asked, ..Outcome::rejected(rejection) }
    }

    fn origin(&self) -> Origin<'_> {
        Origin::Plugin { plugin: self.plugin.name(), tenant: &self.tenant }
    }

    /// Lets go what the plugin has pressed for this tenant.
    fn release(&self, services: &Services) -> Vec<Released> {
        services.outside.release(self.origin(), &|_| false)
    }

    /// The plugin is about to run: looks what it may do now, and tells its instance. What it has pressed and may not let go any more
    /// is let go.
    fn look(&self, work: &mut Work, services: &Services) -> Vec<Released> {
        let Work { grant, instance, approved, .. } = work;
        grant.begin_call();
        if let Some(approvals) = &services.approvals {
            grant.allow(approvals.begins(self.plugin.name(), &self.tenant, grant.approval()));
        }
        if let Some(instance) = instance {
            instance.give(grant);
        }
        if approved.as_ref().map(Arc::as_ptr) == grant.approval().map(Arc::as_ptr) {
            return Vec::new(); // the very same: what nearly every run sees
        }
        *approved = grant.approval().cloned();
        let grant = grant.get();
        services.outside.release(self.origin(), &|port| grant.port(port).is_ok())
    }

    fn instance<'a>(
        &self,
        work: &'a mut Work,
        services: &Arc<Services>,
        at: EventTime,
        stop: Option<StopPlace>,
    ) -> Result<&'a mut Instance, Box<Outcome>> {
        let instance = match work.instance.take() {
            Some(instance) => instance,
            None => {
                let generation = work.generation;
                work.generation = generation.saturating_add(1);
                let Self { plugin, tenant, .. } = self;
                let grant = Some(&work.grant);
                Instance::of(InstanceSpec { plugin, tenant, services, generation, at, stop, grant })?
            }
        };
        Ok(work.instance.insert(instance))
    }

    /// Lets the instance go, having told it; what came of that, where there was one that wanted to be told.
    pub(in crate::sandbox) fn close(&self, services: &Services, at: Micros) -> Option<Shutdown> {
        let mut work = self.work();
        work.instance.as_ref()?;
        let lost = self.look(&mut work, services);
        let instance = work.instance.take()?;
        let gone = self.let_go(&mut work, instance, services, at);
        if lost.is_empty() {
            return gone;
        }
        let mut gone = gone.unwrap_or_else(|| self.gone(at, Outcome::empty(Status::Ok)));
        gone.outcome.released.splice(0..0, lost);
        Some(gone)
    }

    fn let_go(&self, work: &mut Work, instance: Instance, services: &Services, at: Micros) -> Option<Shutdown> {
        let generation = instance.generation();
        let mut ended = instance.end(EventTime::of(&*services.clock, at));
        let mut faulted = false;
        if let Some(outcome) = &mut ended
            && let Status::Fault(fault) = &outcome.status
        {
            faulted = true;
            if !fault.is_the_machines() {
                outcome.quarantined = work.record.faulted(at);
            }
        }
        // Nobody knows any more what it holds, unless it never did: one that lives for a single call leaves that to the next.
        if faulted || self.plugin.limits().isolation == Isolation::Tenant {
            let released = self.release(services);
            if !released.is_empty() {
                let silent = || Outcome { generation, ..Outcome::empty(Status::Ok) };
                ended.get_or_insert_with(silent).released = released;
            }
        }
        ended.map(|outcome| self.gone(at, outcome))
    }

    fn gone(&self, at: Micros, outcome: Outcome) -> Shutdown {
        Shutdown { plugin: self.plugin.name().to_owned(), tenant: self.tenant.to_string(), at, outcome }
    }
}
