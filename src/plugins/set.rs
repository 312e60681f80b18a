//! Which of a configuration's plugins may run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Places;
use super::status::{PluginStatus, other_approval};
use crate::config::{Config, PluginConfig};
use crate::grant::{Approval, GrantCell, LiveGrants};
use crate::host;
use crate::package::{AdmittedPlugin, Policy, admit, reconsider};
use crate::sandbox::{LoadOptions, Manifest, Plugin, PluginError, data_directory};
use crate::text::Escape as _;
use crate::time::Clock;
use crate::time::Timestamp;

/// The plugins of a configuration: those that may run, and why the others may not.
#[derive(Debug, Default)]
pub struct PluginSet {
    /// Ready to be called.
    pub plugins: Vec<Arc<Plugin>>,
    /// By name: why it is not, and what to do.
    pub refused: BTreeMap<String, Arc<str>>,
}

impl PluginSet {
    /// Admits and loads every plugin of `config`. Each file is read once. Of a plugin runs what only running tells: what it needs, and
    /// whether it passes the conformance gate where that is required; both in the sandbox, with nothing granted.
    #[must_use]
    pub fn load(config: &Config, places: &Places, clock: &dyn Clock) -> Self {
        let mut set = Self::default();
        let at = Timestamp::now(clock);
        let grants = places.open_grants().unwrap_or_else(|error| {
            log::error!("{error}; until it can be read, plugins have only what the configuration grants");
            None
        });
        for (name, plugin) in &config.plugins {
            let policy = Policy::from_config(name, plugin, &places.trusted_keys, places.history.as_deref(), at);
            let loaded = admit(&plugin.path, &policy)
                .map_err(|refusal| refusal.to_string())
                .inspect(|admitted| tell_forgotten(admitted, places.data_root.as_deref()))
                .and_then(|admitted| load(&admitted, plugin, &policy, grants.as_ref()));
            match loaded {
                Ok(plugin) => set.plugins.push(plugin),
                Err(reason) => {
                    set.refused.insert(name.clone(), reason.into());
                }
            }
        }
        set
    }

    /// Loads a plugin for a replay: with what the configuration grants it, what is granted for the asking, what was approved, and
    /// nothing else.
    pub fn load_granted(
        admitted: &AdmittedPlugin,
        settings: &PluginConfig,
        approval: Option<Approval>,
    ) -> Result<Arc<Plugin>, PluginError> {
        let manifest = Manifest::read(admitted, host::TABLE)?;
        let grant = GrantCell::approved(settings, manifest.needs().clone(), approval);
        Plugin::load(&manifest, LoadOptions::from(settings).grant(grant))
    }

    /// Loads a plugin for a replay, made to tell where its fuel goes. Telling costs fuel, too, so the limit is out of the way.
    pub fn load_profiled(
        admitted: &AdmittedPlugin,
        settings: &PluginConfig,
        approval: Option<Approval>,
    ) -> Result<Arc<Plugin>, PluginError> {
        let manifest = Manifest::read(admitted, host::TABLE)?;
        let grant = GrantCell::approved(settings, manifest.needs().clone(), approval);
        let mut options = LoadOptions::from(settings).grant(grant).profiled();
        options.limits.max_fuel = options.limits.max_fuel.saturating_mul(4);
        Plugin::load(&manifest, options)
    }
}

/// Says where nothing is recorded of a plugin that has left files in an earlier session.
fn tell_forgotten(admitted: &AdmittedPlugin, data_root: Option<&Path>) {
    let Some(data_root) = data_root.filter(|_| admitted.first_seen()) else { return };
    let directory = data_directory(data_root, admitted.name(), "default");
    if let Some(directory) = directory.parent().filter(|directory| directory.exists()) {
        log::warn!(
            "plugin {}: it has run here before ({} is there), and no version of it is recorded: it was not signed then, or \
             somebody removed the record",
            admitted.name().escaped(),
            directory.escaped()
        );
    }
}

/// Loads an admitted plugin, and says what is odd about it. It is looked at again when the trust store changes.
fn load(
    admitted: &AdmittedPlugin,
    config: &PluginConfig,
    policy: &Policy,
    grants: Option<&Arc<LiveGrants>>,
) -> Result<Arc<Plugin>, String> {
    let name = admitted.name().escaped();
    let status = PluginStatus::settle(admitted, config, grants).map_err(|unusable| unusable.to_string())?;
    for remark in status.manifest.remarks() {
        log::warn!("plugin \"{name}\": {remark}");
    }
    if let Some(identity) = status.approved_elsewhere {
        log::warn!("plugin \"{name}\": {}", other_approval(identity));
    }
    if let Some(store) = &policy.trusted_keys {
        let (admitted, policy) = (admitted.clone(), policy.clone());
        status.cell.watch_trust(store, move || reconsider(&admitted, &policy).map(|refusal| refusal.to_string()));
    }
    for (entry, fault) in status.grant.faults() {
        log::warn!("plugin \"{name}\": allowed_hosts: \"{}\" allows nothing: {fault}", entry.escaped());
    }
    status.loaded.map_err(|unusable| unusable.to_string())
}
