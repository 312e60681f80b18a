//! What a plugin declares only by running: by what `init` returns, or by its export `capabilities`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::function::HostFunction;
use super::instance::Instance;
use super::metadata::Metadata;
use super::plugin::Plugin;
use super::services::Services;
use crate::action::{Answer, Effect, EffectError, Origin, Outside, Reply, Request};
use crate::clock::{FILE_EPOCH_US, VirtualClock};
use crate::config::{Capability, PluginConfig};
use crate::package::AdmittedPlugin;

/// Fuel a declaration may use: some milliseconds.
const MAX_FUEL: u64 = 5_000_000;

/// Memory it may use, in bytes: what the linker's default stack and some more need.
const MAX_MEMORY: u64 = 32 << 20;

/// The capabilities an admitted plugin declares by running, under an empty grant, in virtual time, with small limits and no
/// files. Empty when a section says it already, so that nothing has to run, and when the plugin does not get that far.
#[must_use]
pub fn declared(admitted: &AdmittedPlugin, functions: &'static [HostFunction]) -> BTreeSet<Capability> {
    let mut settings = PluginConfig::new(admitted.path().to_owned());
    (settings.wasm.max_fuel, settings.wasm.max_memory_bytes) = (MAX_FUEL, MAX_MEMORY);
    let Ok(plugin) = Plugin::load_ungranted(admitted, &settings, functions) else { return BTreeSet::new() };
    let asks = plugin.exports().iter().any(|export| export.name == "capabilities" || export.name == "init");
    if plugin.metadata().is_some() || !asks {
        return BTreeSet::new();
    }
    let services = Arc::new(Services {
        clock: Arc::new(VirtualClock::new(FILE_EPOCH_US)),
        outside: Arc::new(Nowhere),
        seed: [0; 32],
        data_root: None,
        live: false,
        trace: false,
        stops: None,
    });
    let at_ns = FILE_EPOCH_US * 1_000;
    match Instance::new(&plugin, "probe", &services, 0, at_ns) {
        Err(outcome) => {
            log::debug!("what it declares is not known: {}", outcome.error().unwrap_or_default());
            BTreeSet::new()
        }
        Ok(mut instance) => {
            let mut declared: BTreeSet<_> =
                instance.metadata().map(Metadata::capabilities).unwrap_or_default().into_iter().collect();
            match instance.capabilities(at_ns) {
                Ok(names) => declared.extend(names),
                Err(fault) => log::debug!("{fault}"),
            }
            declared
        }
    }
}

/// A world that does nothing.
struct Nowhere;

impl Outside for Nowhere {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        Err(EffectError::NotPermitted("nothing is granted".to_owned()))
    }
    fn request(&self, _: &Request, _: Origin<'_>, _: Duration) -> Answer {
        Answer { result: Err(EffectError::NotPermitted("nothing is granted".to_owned())), waited: Duration::ZERO }
    }
}
