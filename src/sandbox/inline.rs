//! Calls carried out at once, on the caller's thread: for sessions played from a file, and for replays.

use std::sync::Arc;

use super::outcome::{Outcome, Rejection};
use super::plugin::Plugin;
use super::request::Context;
use super::services::Services;
use super::slot::Slot;
use super::table::Table;
use crate::clock::Micros;
use crate::config::{PluginCall, WasmConfig};

/// Plugins whose calls are carried out at once. Same decisions as [`super::Pool`], same outcomes; but no queue, so nothing is
/// ever rejected for being one too many.
#[derive(Debug)]
pub struct InlinePool {
    services: Arc<Services>,
    table: Table,
}

impl InlinePool {
    /// A pool of `plugins`, under `max_instances` and `instance_ttl_s` of `settings`.
    #[must_use]
    pub fn new(services: Arc<Services>, settings: &WasmConfig, plugins: Vec<Arc<Plugin>>) -> Self {
        let mut table = Table::new(settings);
        table.replace(plugins);
        Self { services, table }
    }

    /// Puts `plugins` in the place of those there were; one that stays the same keeps its instances.
    pub fn replace(&mut self, plugins: Vec<Arc<Plugin>>, at: Micros) {
        for slot in self.table.replace(plugins) {
            slot.close(&self.services, at);
        }
    }

    /// Carries out `call` for an event at `at` (session time).
    pub fn call(&mut self, call: &PluginCall, context: &Context, at: Micros) -> Outcome {
        match self.table.route(&call.plugin, &call.tenant, at) {
            Ok(route) => {
                self.let_go(route.leave, at);
                route.slot.call(&self.services, &call.params, context, at)
            }
            Err(rejection) => Outcome::rejected(rejection),
        }
    }

    /// Does what a call at `at` does to the instances around it, but turns the call away as `rejection` says: the recorded
    /// session had no room for it.
    pub fn reject(&mut self, call: &PluginCall, at: Micros, rejection: Rejection) -> Outcome {
        match self.table.route(&call.plugin, &call.tenant, at) {
            Ok(route) => {
                self.let_go(route.leave, at);
                route.slot.reject(rejection)
            }
            Err(rejection) => Outcome::rejected(rejection),
        }
    }

    /// Lets instances go that make room for the coming call. Where the wall clock stopped that call is no business of theirs.
    fn let_go(&self, leave: Vec<Arc<Slot>>, at: Micros) {
        let stops = self.services.stops.as_ref();
        let stop = stops.and_then(|stops| stops.take());
        for slot in leave {
            slot.close(&self.services, at);
        }
        if let Some(stops) = stops {
            stops.set(stop);
        }
    }

    /// The plugin of this name.
    pub fn plugin(&self, name: &str) -> Option<&Arc<Plugin>> {
        self.table.plugins().find(|plugin| plugin.name() == name)
    }

    /// All plugins, in no order.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.table.plugins()
    }

    /// Tells every instance that it goes, at the session's end.
    pub fn close(mut self, at: Micros) {
        for slot in self.table.slots() {
            slot.close(&self.services, at);
        }
    }
}
