//! What a plugin declares only by running: by what `init` returns, or by its export `capabilities`.

use std::sync::Arc;
use std::time::Duration;

use crate::call::Limits;
use crate::capability::Capability;
use crate::package::AdmittedPlugin;
use crate::sandbox::conformance::closed_world::{ClosedWorld, TENANT};
use crate::sandbox::instance::Instance;
use crate::sandbox::module::description::unknown_capabilities;
use crate::sandbox::module::error::PluginError;
use crate::sandbox::outcome::Status;
use crate::sandbox::plugin::Plugin;
use crate::sandbox::plugin::manifest::Manifest;
use crate::sandbox::plugin::options::LoadOptions;
use crate::sandbox::plugin::probed::Probed;
use crate::sandbox::store::host_function::HostFunction;

/// Fuel a declaration may use: three times what the start of a plugin built by Go takes, and less than a second.
const MAX_FUEL: u64 = 50_000_000;

/// Memory it may use, in bytes: what the linker's default stack and some more need.
const MAX_MEMORY: u64 = 32 << 20;

/// Real time it may take: that fuel takes a hundredth of it on a slow machine.
const MAX_TIME: Duration = Duration::from_secs(10);

impl Manifest {
    /// Reads the sections of the bytes that were admitted, and holds imports and exports against the contract; `functions` are those
    /// that can be imported. Nothing of the plugin runs.
    pub fn read(admitted: &AdmittedPlugin, functions: &'static [HostFunction]) -> Result<Arc<Self>, PluginError> {
        Self::read_with(admitted, functions, probe)
    }
}

/// Has an admitted plugin declare what it needs, under an empty grant, in virtual time, with small limits and no files.
fn probe(manifest: &Arc<Manifest>) -> Probed {
    let admitted = manifest.admitted();
    let limits = Limits { max_fuel: MAX_FUEL, max_memory_bytes: MAX_MEMORY, ..Limits::default() };
    let plugin = match Plugin::load(manifest, LoadOptions { limits, ..LoadOptions::default() }) {
        Ok(plugin) => plugin,
        Err(error) => return Probed::failed(error.reason.to_string()),
    };
    // The same on every machine, so that a replay finds what the session found.
    let walls = ClosedWorld::of_file(admitted.digest(), MAX_TIME);
    let mut events = walls.events();
    let mut instance = match Instance::new(&plugin, TENANT, &walls.services, 0, events.next()) {
        Ok(instance) => instance,
        Err(outcome) => {
            return Probed::failed(match outcome.status {
                Status::Fault(fault) => format!("{}: {}", fault.function, fault.kind),
                _ => outcome.error().unwrap_or_default(),
            });
        }
    };
    let mut probed = Probed { metadata: instance.metadata().cloned(), ..Probed::default() };
    let mut names = probed.metadata.as_ref().map(|metadata| metadata.capability_names.clone()).unwrap_or_default();
    match instance.capability_names(events.next()) {
        Ok(more) => names.extend(more),
        Err(fault) => probed.failure = Some(format!("{}: {}", fault.function, fault.kind)),
    }
    probed.capabilities = names.iter().filter_map(|name| Capability::from_name(name)).collect();
    names.sort_unstable();
    names.dedup();
    probed.remarks.extend(unknown_capabilities(&names));
    probed
}
