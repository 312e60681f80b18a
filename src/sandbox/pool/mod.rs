//! Plugins at work: in order for each plugin and tenant, in parallel across them, with bounded queues that reject at once,
//! so that a slow plugin delays nobody but itself.

pub(super) mod capacity;
pub(super) mod inline;
pub(super) mod router;
pub(super) mod slot;
pub(super) mod workers;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::call::{Limits, PluginCall};
use crate::sandbox::outcome::leaving::{Carried, Leaving, Shutdown};
use crate::sandbox::outcome::{Outcome, Rejection};
use crate::sandbox::plugin::Plugin;
use crate::sandbox::pool::router::{Leave, Table};
use crate::sandbox::pool::slot::{Item, Slot};
use crate::sandbox::pool::workers::Workers;
use crate::sandbox::store::confinement::confinement;
use crate::sandbox::store::request::Context;
use crate::sandbox::store::services::Services;
use crate::time::{Alarm, Micros};

/// A call to be carried out.
#[derive(Debug)]
pub struct Job {
    /// What the mapping says.
    pub call: Arc<PluginCall>,
    /// What the event says.
    pub context: Context,
    /// When the event happened, in session time.
    pub at: Micros,
    /// Whatever tells the caller which call this was.
    pub token: u64,
}

/// A call that was carried out, or that was rejected when its turn came.
#[derive(Debug)]
pub struct Done {
    /// The call.
    pub job: Job,
    /// Instances of the plugin that went before it.
    pub before: Vec<Shutdown>,
    /// What came of it.
    pub outcome: Outcome,
    /// Its own instance, where each lives for one call.
    pub after: Option<Shutdown>,
}

/// Who is told what becomes of calls and instances.
pub trait PoolObserver: Send + Sync {
    /// A call that was accepted is done. Told once for each, on the worker's thread; calls of one plugin and tenant in their order.
    fn done(&self, done: Done);
    /// An instance that wants to be told so will go. Told when that is decided, by the thread that submits, before the call behind it.
    fn leaving(&self, leaving: Leaving) {
        let _ = leaving;
    }
    /// The instance of this number is gone; nothing ran when there was none any more. Told once for each, on the worker's thread.
    fn ended(&self, number: u64, ended: Option<Shutdown>) {
        let _ = (number, ended);
    }
}

/// Plugins at work on threads of their own.
#[derive(Debug)]
pub struct Pool {
    services: Arc<Services>,
    table: Mutex<Table>,
    workers: Workers,
    observer: Observer,
    /// Of the instance that goes next.
    number: AtomicU64,
    closed: AtomicBool,
}

/// Shared by all workers.
#[derive(Clone)]
struct Observer(Arc<dyn PoolObserver>);

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}

impl Pool {
    /// A pool of `plugins`, under `max_instances` of `limits`. `observer` is told what becomes of calls and
    /// instances.
    ///
    /// The error is the system's, when it has no thread left.
    pub fn observed(
        services: Arc<Services>,
        limits: &Limits,
        plugins: Vec<Arc<Plugin>>,
        observer: Arc<dyn PoolObserver>,
    ) -> std::io::Result<Self> {
        Alarm::start_watchdog();
        let observer = Observer(observer);
        let table = Table::new(limits, plugins);
        let handler = {
            let (services, observer) = (Arc::clone(&services), observer.clone());
            move |slot: &Slot, item: Item| carry_out(slot, item, &services, &*observer.0)
        };
        let workers = Workers::start(limits.max_instances, confinement(limits, &services, true), Box::new(handler))?;
        let (number, closed) = (AtomicU64::new(0), AtomicBool::new(false));
        Ok(Self { services, table: Mutex::new(table), workers, observer, number, closed })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts a call, or rejects it at once; then nobody is told but the caller.
    pub fn submit(&self, job: Job) -> Result<(), Rejection> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Rejection::Closed { plugin: job.call.plugin.clone() });
        }
        let route = self.table().route(&job.call.plugin, &job.call.tenant, job.at)?;
        self.let_go(route.leave);
        match route.slot.push_call(job) {
            Ok(true) => self.workers.schedule(route.slot),
            Ok(false) => {}
            Err(rejection) => {
                route.slot.plugin.counters().rejected(&rejection);
                return Err(rejection);
            }
        }
        Ok(())
    }

    /// Whether no instance has more than half of the calls waiting that may: whoever can wait does, while there is no room.
    pub fn has_room(&self) -> bool {
        self.table().has_room()
    }

    /// Lets instances go whose time is up at `now`, each at its own time. Calls do this by themselves; a quiet daemon does it now and
    /// then.
    pub fn expire(&self, now: Micros) {
        let leave = self.table().expire(now);
        self.let_go(leave);
    }

    fn let_go(&self, leave: Vec<Leave>) {
        for Leave { slot, at } in leave {
            let number = slot.plugin.may_leave_something().then(|| {
                let number = self.number.fetch_add(1, Ordering::Relaxed);
                let (plugin, tenant) = (slot.plugin.name().to_owned(), slot.tenant.to_string());
                self.observer.0.leaving(Leaving { number, plugin, tenant, at });
                number
            });
            if slot.push_close(at, number) {
                self.workers.schedule(slot);
            }
        }
    }

    /// Waits until every accepted call is done.
    pub fn wait_idle(&self) {
        self.workers.wait_idle();
    }

    /// Reports calls that wait as rejected, without what resident plugins are told.
    pub fn turn_away(&self) {
        let slots = self.table().slots();
        for slot in &slots {
            self.refuse(slot, slot.take_calls());
        }
    }

    fn refuse(&self, slot: &Slot, jobs: Vec<Job>) {
        for job in jobs {
            let outcome = Outcome::rejected(Rejection::Closed { plugin: slot.plugin.name().to_owned() });
            self.observer.0.done(Done { job, before: Vec::new(), outcome, after: None });
        }
    }

    /// Takes no more calls, reports those that wait as rejected, waits for those at work (their limits bound that), and
    /// tells every instance that it goes: at `at`, the end of the session, those whose time was up before at their own.
    pub fn close(&self, at: Micros) {
        self.close_with(at, Vec::new());
    }

    /// [`Pool::close`], with `last` carried out before the instances go: what resident plugins are told of the end.
    pub fn close_with(&self, at: Micros, last: Vec<Job>) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let slots = self.table().slots();
        for slot in &slots {
            self.refuse(slot, slot.refuse_calls());
        }
        for job in last {
            let slot =
                slots.iter().find(|slot| slot.plugin.name() == job.call.plugin && *slot.tenant == *job.call.tenant);
            match slot {
                Some(slot) if slot.push_last(job) => self.workers.schedule(Arc::clone(slot)),
                _ => {}
            }
        }
        let leave = self.table().close(at);
        self.let_go(leave);
        self.workers.stop();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close(self.services.clock.now());
    }
}

fn carry_out(slot: &Slot, item: Item, services: &Arc<Services>, observer: &dyn PoolObserver) {
    match item {
        Item::Call(job) => {
            let Carried { before, outcome, after } = slot.call(services, &job.call.params, &job.context, job.at, None);
            observer.done(Done { job, before, outcome, after });
        }
        Item::Close { at, number } => {
            let ended = slot.close(services, at);
            if let Some(number) = number {
                observer.ended(number, ended);
            }
        }
    }
}
