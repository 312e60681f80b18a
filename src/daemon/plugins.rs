//! Which of a configuration's plugins may run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{Capability, Config, Environment, PluginConfig, paths};
use crate::grant::{Approval, Grant, GrantCell, Identity, LiveGrants};
use crate::host;
use crate::package::{AdmittedPlugin, Policy, Timestamp, admit, hex, reconsider};
use crate::sandbox::{Description, LoadError, Plugin, conformance, data_directory, declared};
use crate::text::Escape as _;
use crate::text::shell::word;

/// Where plugins' things are.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The trust store, where the configuration names none.
    pub trusted_keys: PathBuf,
    /// The record of admitted versions.
    pub history: Option<PathBuf>,
    /// The grant store; none where nothing is approved beyond the configuration.
    pub grants: Option<PathBuf>,
    /// Directory of the plugins' directories.
    pub data_root: Option<PathBuf>,
}

impl Places {
    /// The usual places of a user. Where there is no home directory there is no record and no data.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        Self {
            trusted_keys: paths::trusted_keys_file(environment).unwrap_or_default(),
            history: paths::state_directory(environment).ok().map(|directory| directory.join("admitted.json")),
            grants: paths::grants_file(environment).ok(),
            data_root: paths::plugin_data_directory(environment).ok(),
        }
    }
}

/// The plugins of a configuration: those that may run, and why the others may not.
#[derive(Debug, Default)]
pub struct PluginSet {
    /// Ready to be called.
    pub plugins: Vec<Arc<Plugin>>,
    /// By name: why it is not, and what to do.
    pub refused: BTreeMap<String, Arc<str>>,
}

impl PluginSet {
    /// Admits and loads every plugin of `config`. Each file is read once; nothing of any plugin runs.
    #[must_use]
    pub fn load(config: &Config, places: &Places, clock: &dyn Clock) -> Self {
        let mut set = Self::default();
        let at = Timestamp::now(clock);
        let grants = places.grants.as_deref().and_then(|path| match LiveGrants::open(path) {
            Ok(grants) => Some(grants),
            Err(error) => {
                log::error!("{error}; until it can be read, plugins have only what the configuration grants");
                None
            }
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
    ) -> Result<Arc<Plugin>, LoadError> {
        let grant = GrantCell::approved(settings, needs(admitted), approval);
        Plugin::load(admitted, settings, grant, host::TABLE)
    }

    /// The same, made to tell where its fuel goes. Telling costs fuel, too, so the limit is out of the way.
    pub fn load_profiled(
        admitted: &AdmittedPlugin,
        settings: &PluginConfig,
        approval: Option<Approval>,
    ) -> Result<Arc<Plugin>, LoadError> {
        let mut settings = settings.clone();
        settings.wasm.max_fuel = settings.wasm.max_fuel.saturating_mul(4);
        let grant = GrantCell::approved(&settings, needs(admitted), approval);
        Plugin::load_profiled(admitted, &settings, grant, host::TABLE)
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

/// Settles what the plugin may do, holds it against the conformance gate where that is asked for, and loads it.
fn load(
    admitted: &AdmittedPlugin,
    config: &PluginConfig,
    policy: &Policy,
    grants: Option<&Arc<LiveGrants>>,
) -> Result<Arc<Plugin>, String> {
    let name = admitted.name();
    if config.wasm.require_conformance {
        let gate = conformance(admitted, config, host::TABLE);
        if !gate.passed() {
            return Err(format!(
                "plugin \"{}\": does not pass the conformance gate: {}\n  all of it: conductor plugin conformance {}",
                name.escaped(),
                gate.to_string().escaped(),
                word(&config.path)
            ));
        }
    }
    let needs = needs(admitted);
    let grant: Arc<GrantCell> = match grants {
        None => Grant::settle(config, &needs, None).into(),
        Some(grants) => {
            let keys = admitted.signers().chain(admitted.predecessors());
            let signers: Vec<[u8; 32]> = keys.map(|key| *key.as_bytes()).collect();
            if let Some(identity) = grants.other(name, admitted.digest(), &signers) {
                log::warn!("plugin \"{}\": {}", name.escaped(), other_approval(identity));
            }
            grants.cell(name, config, needs, admitted.digest(), signers)
        }
    };
    if let Some(store) = &policy.trusted_keys {
        let (admitted, policy) = (admitted.clone(), policy.clone());
        grant.watch_trust(store, move || reconsider(&admitted, &policy).map(|refusal| refusal.to_string()));
    }
    for (entry, fault) in grant.current().faults() {
        log::warn!("plugin \"{}\": allowed_hosts: \"{}\" allows nothing: {fault}", name.escaped(), entry.escaped());
    }
    Plugin::load(admitted, config, grant, host::TABLE).map_err(|error| error.to_string())
}

/// That there is an approval under a plugin's name which does not hold for it.
pub(crate) fn other_approval(identity: Identity) -> String {
    match identity {
        Identity::Digest(digest) => {
            format!("approved for another build (digest {digest}); what was approved does not hold for this one")
        }
        Identity::Signer(key) => format!(
            "approved as signed by the key {}; what was approved does not hold for another signer's, or without a signature",
            hex::encode(&key)
        ),
    }
}

/// What a plugin asks for: in its sections, by its imports, in the statement its signer made; and where no section says it, by
/// what it declares in a probe under an empty grant.
pub(crate) fn needs(admitted: &AdmittedPlugin) -> BTreeSet<Capability> {
    let mut needs = BTreeSet::new();
    // A module that cannot be described cannot be loaded either, and loading says why.
    if let Ok(description) = Description::read(admitted.bytes(), host::TABLE) {
        needs.extend(declared(admitted, &description, host::TABLE));
        needs.extend(description.needs);
    }
    needs.extend(admitted.statement().iter().flat_map(|statement| &statement.capabilities));
    needs
}
