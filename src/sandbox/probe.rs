//! What a plugin declares only by running: by what `init` returns, or by its export `capabilities`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::description::Description;
use super::function::HostFunction;
use super::instance::Instance;
use super::metadata::Metadata;
use super::module::{Export, ExportKind};
use super::plugin::Plugin;
use super::walls::{TENANT, Walls};
use crate::config::{Capability, PluginConfig};
use crate::package::AdmittedPlugin;

/// Fuel a declaration may use: some milliseconds.
const MAX_FUEL: u64 = 5_000_000;

/// Memory it may use, in bytes: what the linker's default stack and some more need.
const MAX_MEMORY: u64 = 32 << 20;

/// Real time it may take: that fuel takes a hundredth of it on a slow machine.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The capabilities an admitted plugin declares by running, under an empty grant, in virtual time, with small limits and no
/// files. Empty when `description` says that nothing has to run, and when the plugin does not get that far.
#[must_use]
pub fn declared(
    admitted: &AdmittedPlugin,
    description: &Description,
    functions: &'static [HostFunction],
) -> BTreeSet<Capability> {
    if description.metadata.is_some() || !description.exports.iter().any(declares) {
        return BTreeSet::new();
    }
    let mut settings = PluginConfig::new(admitted.path().to_owned());
    (settings.wasm.max_fuel, settings.wasm.max_memory_bytes) = (MAX_FUEL, MAX_MEMORY);
    let Ok(plugin) = Plugin::load_ungranted(admitted, &settings, functions) else { return BTreeSet::new() };
    // The same on every machine, so that a replay finds what the session found.
    let walls = Walls::of_file(admitted.digest(), MAX_TIME);
    let mut events = walls.events();
    match Instance::new(&plugin, TENANT, &walls.services, 0, events.next()) {
        Err(outcome) => {
            log::debug!("what it declares is not known: {}", outcome.error().unwrap_or_default());
            BTreeSet::new()
        }
        Ok(mut instance) => {
            let mut declared: BTreeSet<_> =
                instance.metadata().map(Metadata::capabilities).unwrap_or_default().into_iter().collect();
            match instance.capabilities(events.next()) {
                Ok(names) => declared.extend(names),
                Err(fault) => log::debug!("{fault}"),
            }
            declared
        }
    }
}

/// Whether calling it can declare anything: `capabilities`, or an `init` that returns metadata.
fn declares(export: &Export) -> bool {
    match (export.name.as_str(), &export.kind) {
        ("capabilities", ExportKind::Function(_)) => true,
        ("init", ExportKind::Function(signature)) => !signature.results.is_empty(),
        _ => false,
    }
}
