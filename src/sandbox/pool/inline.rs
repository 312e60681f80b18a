//! Calls carried out at once, on the caller's thread: for sessions played from a file, and for replays.

use std::sync::Arc;

use crate::call::{Limits, PluginCall};
use crate::sandbox::engine::meter::FuelStop;
use crate::sandbox::outcome::leaving::{Carried, Shutdown};
use crate::sandbox::outcome::{Outcome, Rejection};
use crate::sandbox::plugin::Plugin;
use crate::sandbox::pool::router::{Leave, Table};
use crate::sandbox::store::request::Context;
use crate::sandbox::store::services::Services;
use crate::time::Micros;

/// Plugins whose calls are carried out at once. Same decisions as [`super::Pool`], same outcomes; but no queue, so nothing is
/// ever rejected for being one too many.
#[derive(Debug)]
pub struct InlinePool {
    services: Arc<Services>,
    table: Table,
}

impl InlinePool {
    /// A pool of `plugins`, under `max_instances` of `limits`.
    #[must_use]
    pub fn new(services: Arc<Services>, limits: &Limits, plugins: Vec<Arc<Plugin>>) -> Self {
        Self { services, table: Table::new(limits, plugins) }
    }

    /// Lets instances go whose time is up at `now`, each at its own time. Calls do this by themselves.
    pub fn expire(&mut self, now: Micros) -> Vec<Shutdown> {
        let leave = self.table.expire(now);
        self.let_go(leave)
    }

    /// Carries out `call` for an event at `at` (session time), and says which instances went for it. Time stops it at `stop`, where it
    /// did when this was recorded.
    pub fn carry_out(&mut self, call: &PluginCall, context: &Context, at: Micros, stop: Option<FuelStop>) -> Carried {
        match self.table.route(&call.plugin, &call.tenant, at) {
            Ok(route) => {
                let mut before = self.let_go(route.leave);
                let mut carried = route.slot.call(&self.services, &call.params, context, at, stop);
                before.append(&mut carried.before);
                Carried { before, ..carried }
            }
            Err(rejection) => Carried { before: Vec::new(), outcome: Outcome::rejected(rejection), after: None },
        }
    }

    /// Does what a call at `at` does to the instances around it, but turns the call away as `rejection` says: the recorded
    /// session had no room for it.
    pub fn reject(&mut self, call: &PluginCall, at: Micros, rejection: Rejection) -> Carried {
        let (before, outcome) = match self.table.route(&call.plugin, &call.tenant, at) {
            Ok(route) => (self.let_go(route.leave), route.slot.reject(rejection, &self.services)),
            Err(rejection) => (Vec::new(), Outcome::rejected(rejection)),
        };
        Carried { before, outcome, after: None }
    }

    fn let_go(&self, leave: Vec<Leave>) -> Vec<Shutdown> {
        leave.into_iter().filter_map(|Leave { slot, at }| slot.close(&self.services, at)).collect()
    }

    /// The plugin of this name.
    pub fn plugin(&self, name: &str) -> Option<&Arc<Plugin>> {
        self.table.plugins().find(|plugin| plugin.name() == name)
    }

    /// Tells every instance that it goes: at `at`, the end of the session, those whose time was up before at their own.
    pub fn close(&mut self, at: Micros) -> Vec<Shutdown> {
        let leave = self.table.close(at);
        self.let_go(leave)
    }
}
