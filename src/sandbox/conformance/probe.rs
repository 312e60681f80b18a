//! What a plugin declares only by running: by what `init` returns, or by its export `capabilities`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::capability::Capability;
use crate::config::PluginConfig;
use crate::sandbox::conformance::closed_world::{TENANT, Walls};
use crate::sandbox::instance::Instance;
use crate::sandbox::instance::outcome::Status;
use crate::sandbox::module::description::unknown_capabilities;
use crate::sandbox::module::manifest::Manifest;
use crate::sandbox::module::metadata::Metadata;
use crate::sandbox::plugin::Plugin;

/// Fuel a declaration may use: three times what the start of a plugin built by Go takes, and less than a second.
const MAX_FUEL: u64 = 50_000_000;

/// Memory it may use, in bytes: what the linker's default stack and some more need.
const MAX_MEMORY: u64 = 32 << 20;

/// Real time it may take: that fuel takes a hundredth of it on a slow machine.
const MAX_TIME: Duration = Duration::from_secs(10);

/// What a plugin declared when it ran.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probed {
    /// The metadata that `init` returned.
    pub metadata: Option<Metadata>,
    /// The capabilities in that metadata, and those that `capabilities` returned.
    pub capabilities: BTreeSet<Capability>,
    /// What is odd about it.
    pub remarks: Vec<String>,
    /// Why it did not get to the end: what it declares is then not known.
    pub failure: Option<String>,
}

impl Probed {
    fn failed(failure: String) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

/// Has an admitted plugin declare what it needs, under an empty grant, in virtual time, with small limits and no files.
pub(in crate::sandbox) fn probe(manifest: &Arc<Manifest>) -> Probed {
    let admitted = manifest.admitted();
    let mut settings = PluginConfig::new(admitted.path().to_owned());
    (settings.wasm.max_fuel, settings.wasm.max_memory_bytes) = (MAX_FUEL, MAX_MEMORY);
    let plugin = match Plugin::load_ungranted(manifest, &settings) {
        Ok(plugin) => plugin,
        Err(error) => return Probed::failed(error.reason.to_string()),
    };
    // The same on every machine, so that a replay finds what the session found.
    let walls = Walls::of_file(admitted.digest(), MAX_TIME);
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
