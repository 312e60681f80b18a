//! What `conductor run` asks of a plugin's file, and decides about it.

use std::path::Path;
use std::sync::Arc;

use super::Failure;
use super::output::say;
use crate::config::{Config, Environment, LoadError, PluginConfig, paths};
use crate::grant::LiveGrants;
use crate::package::Policy;
use crate::plugins::{Outlook, Places};
use crate::text::Escape as _;
use crate::text::literal;
use crate::time::SystemClock;
use crate::time::Timestamp;

/// The policy that holds for a file, and where it comes from.
pub(super) struct RunPolicy {
    /// The settings' name, for people.
    pub(super) settings: String,
    /// The plugin's section in the configuration, if that names the file.
    #[cfg_attr(not(feature = "plugin-signing"), expect(dead_code, reason = "only signing tells what to write where"))]
    pub(super) section: Option<String>,
    /// The settings.
    pub(super) plugin: PluginConfig,
    pub(super) policy: Policy,
    places: Places,
}

impl RunPolicy {
    /// The settings of the plugin whose `path` is `file`, in the configuration at `config` or at its usual place; where none names
    /// the file, the default ones.
    pub(super) fn of(file: &Path, config: Option<&Path>, environment: &Environment) -> Result<Self, Failure> {
        let wanted = config.is_some();
        // Without a home there is no usual place, and no configuration in it.
        let config = config.map(Path::to_owned).or_else(|| paths::config_file(environment).ok());
        let loaded = match config.as_ref().map(|config| Config::load(config, environment)) {
            None => None,
            Some(Ok(loaded)) => Some(loaded),
            Some(Err(LoadError::Missing { .. })) if !wanted => None,
            Some(Err(error)) => return Err(Failure::operation(error.to_string())),
        };
        let (places, at) = (Places::of(environment), Timestamp::now(&SystemClock::start()));
        if let (Some(loaded), Some(config)) = (loaded, config)
            && let Some((name, plugin)) = find(&loaded.config, file)
        {
            let section = format!("[plugins.{}]", literal::shown_key(name));
            return Ok(Self {
                settings: format!("{section} of {}", config.escaped()),
                section: Some(section),
                plugin: PluginConfig { path: file.to_owned(), ..plugin.clone() },
                policy: Policy::from_config(name, plugin, &places.trusted_keys, places.history.as_deref(), at),
                places,
            });
        }
        let name = file.file_stem().map_or_else(|| "plugin".into(), |stem| stem.to_string_lossy().into_owned());
        Ok(Self {
            settings: "default (no configuration names this file)".into(),
            section: None,
            plugin: PluginConfig::new(file.to_owned()),
            policy: Policy { name, trusted_keys: Some(places.trusted_keys.clone()), at, ..Policy::default() },
            // What was approved under a name was approved for the plugin of the configuration that has it.
            places: Places { grants: None, ..places },
        })
    }

    /// What `run` would decide about the file. Nothing is recorded.
    pub(super) fn outlook(&self) -> Outlook {
        Outlook::of(&self.plugin, &self.policy, grants(&self.places).as_ref())
    }
}

/// What was approved; where that cannot be read `run` grants nothing of it, and says so, too.
pub(super) fn grants(places: &Places) -> Option<Arc<LiveGrants>> {
    places.open_grants().unwrap_or_else(|error| {
        say(&format!("{error}; until it can be read, plugins have only what the configuration grants"));
        None
    })
}

/// The plugin whose file `path` is.
fn find<'a>(config: &'a Config, path: &Path) -> Option<(&'a String, &'a PluginConfig)> {
    let same = std::fs::canonicalize(path).ok()?;
    config.plugins.iter().find(|(_, plugin)| std::fs::canonicalize(&plugin.path).is_ok_and(|path| path == same))
}
