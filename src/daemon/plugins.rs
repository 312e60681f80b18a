//! Which of a configuration's plugins may run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{Config, Environment, PluginConfig, paths};
use crate::grant::Grant;
use crate::host;
use crate::package::{AdmittedPlugin, Policy, Timestamp, admit};
use crate::sandbox::{LoadError, Plugin};

/// Where plugins' things are.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The trust store, where the configuration names none.
    pub trusted_keys: PathBuf,
    /// The record of admitted versions.
    pub history: Option<PathBuf>,
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
        for (name, plugin) in &config.plugins {
            let policy = Policy::from_config(name, plugin, &places.trusted_keys, places.history.as_deref(), at);
            let loaded = admit(&plugin.path, &policy).map_err(|refusal| refusal.to_string()).and_then(|admitted| {
                let grant = Grant::from_config(plugin);
                Plugin::load(&admitted, plugin, grant, host::TABLE).map_err(|error| error.to_string())
            });
            match loaded {
                Ok(plugin) => set.plugins.push(plugin),
                Err(reason) => {
                    set.refused.insert(name.clone(), reason.into());
                }
            }
        }
        set
    }

    /// Loads a plugin for a replay: with what the configuration grants it, and nothing else.
    pub fn load_granted(admitted: &AdmittedPlugin, settings: &PluginConfig) -> Result<Arc<Plugin>, LoadError> {
        Plugin::load(admitted, settings, Grant::from_config(settings), host::TABLE)
    }
}
