//! Plugins at work: in order for each plugin and tenant, in parallel across them, with bounded queues that reject at once,
//! so that a slow plugin delays nobody but itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::outcome::{Outcome, Rejection};
use super::plugin::Plugin;
use super::request::Context;
use super::services::Services;
use super::slot::{Item, Slot};
use super::table::Table;
use super::worker::Workers;
use crate::clock::Micros;
use crate::config::{PluginCall, WasmConfig};

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
    /// What came of it.
    pub outcome: Outcome,
}

/// Plugins at work on threads of their own.
#[derive(Debug)]
pub struct Pool {
    services: Arc<Services>,
    table: Mutex<Table>,
    workers: Workers,
    report: Report,
    closed: AtomicBool,
}

/// Who is told of each call that is done. Shared by all workers.
#[derive(Clone)]
struct Report(Arc<dyn Fn(Done) + Send + Sync>);

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Report")
    }
}

impl Pool {
    /// A pool of `plugins`, under `max_instances` and `instance_ttl_s` of `settings`. `report` is told of each call that
    /// was accepted, once, on the worker's thread; calls of one plugin and tenant in their order.
    ///
    /// The error is the system's, when it has no thread left.
    pub fn start(
        services: Arc<Services>,
        settings: &WasmConfig,
        plugins: Vec<Arc<Plugin>>,
        report: impl Fn(Done) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let report = Report(Arc::new(report));
        let mut table = Table::new(settings);
        table.replace(plugins);
        let handler = {
            let (services, report) = (Arc::clone(&services), report.clone());
            move |slot: &Slot, item: Item| carry_out(slot, item, &services, &report)
        };
        let workers = Workers::start(settings.max_instances, Box::new(handler))?;
        Ok(Self { services, table: Mutex::new(table), workers, report, closed: AtomicBool::new(false) })
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
        let at = job.at;
        self.close_slots(route.leave, at);
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

    /// Lets instances go whose time is up at `now`. Calls do this by themselves; a quiet daemon does it now and then.
    pub fn expire(&self, now: Micros) {
        let leave = self.table().expire(now);
        self.close_slots(leave, now);
    }

    /// Puts `plugins` in the place of those there were, for calls from now on. What was accepted is carried out by the plugin that
    /// was there; one that stays the same keeps its instances.
    pub fn replace(&self, plugins: Vec<Arc<Plugin>>, at: Micros) {
        let leave = self.table().replace(plugins);
        self.close_slots(leave, at);
    }

    fn close_slots(&self, slots: Vec<Arc<Slot>>, at: Micros) {
        for slot in slots {
            if slot.push_close(at) {
                self.workers.schedule(slot);
            }
        }
    }

    /// All plugins, in no order.
    pub fn plugins(&self) -> Vec<Arc<Plugin>> {
        self.table().plugins().cloned().collect()
    }

    /// Waits until every accepted call is done.
    pub fn wait_idle(&self) {
        self.workers.wait_idle();
    }

    /// Threads there are at the moment.
    pub fn workers(&self) -> usize {
        self.workers.count()
    }

    /// Takes no more calls, reports those that wait as rejected, waits for those at work (their limits bound that), and
    /// tells every instance that it goes.
    pub fn close(&self, at: Micros) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let slots = self.table().slots();
        for slot in &slots {
            for job in slot.refuse_calls() {
                let rejection = Rejection::Closed { plugin: slot.plugin.name().to_owned() };
                (self.report.0)(Done { job, outcome: Outcome::rejected(rejection) });
            }
        }
        self.close_slots(slots, at);
        self.workers.stop();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close(self.services.clock.now());
    }
}

fn carry_out(slot: &Slot, item: Item, services: &Arc<Services>, report: &Report) {
    match item {
        Item::Call(job) => {
            let outcome = slot.call(services, &job.call.params, &job.context, job.at);
            (report.0)(Done { job, outcome });
        }
        Item::Close(at) => slot.close(services, at),
    }
}
