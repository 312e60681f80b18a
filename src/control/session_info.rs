//! What is around a session that its clients may ask about: the plugins, the configuration's file, the journal.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::watchers::Watchers;
use crate::capability::Capability;
use crate::config::Environment;
use crate::plugins::PluginSet;
use crate::run::Desk;
use crate::sandbox::Plugin;

/// What is around a session.
#[derive(Debug)]
pub struct SessionInfo {
    /// The way to the session.
    pub desk: Arc<Desk>,
    /// Those who follow it.
    pub watchers: Arc<Watchers>,
    /// The configuration that is at work.
    pub config: PathBuf,
    /// Where it looks for files.
    pub environment: Environment,
    /// The journal that is written, if one is.
    pub journal: Option<PathBuf>,
    /// Plugins that can be called.
    pub plugins: Vec<Arc<Plugin>>,
    /// By name: why one cannot be.
    pub refused: BTreeMap<String, Arc<str>>,
}

/// How a plugin does.
#[derive(Debug, Serialize)]
pub struct PluginReport {
    /// Its name in the configuration.
    pub plugin: String,
    /// Why it cannot be called; `null` where it can.
    pub refused: Option<String>,
    /// SHA-256 of its file, in hexadecimal; `null` where it is refused.
    pub digest: Option<String>,
    /// The capabilities it has now.
    pub granted: Vec<&'static str>,
    /// Those it asks for and has not.
    pub missing: Vec<&'static str>,
    /// Calls that ran.
    pub calls: u64,
    /// Of these, those that returned something else than 0.
    pub failed: u64,
    /// Fuel they used.
    pub fuel: u64,
    /// Instances that were made.
    pub instances: u64,
    /// Calls turned away because too many waited, or because the plugin rests.
    pub turned_away: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Denials by function and reason.
    pub denials: BTreeMap<String, u64>,
}

impl SessionInfo {
    /// What is around a session with these plugins.
    #[must_use]
    pub fn new(plugins: &PluginSet, config: PathBuf, environment: Environment, journal: Option<PathBuf>) -> Self {
        Self {
            desk: Arc::default(),
            watchers: Arc::default(),
            config,
            environment,
            journal,
            plugins: plugins.plugins.clone(),
            refused: plugins.refused.clone(),
        }
    }

    /// How each plugin does, by name.
    pub(super) fn plugins(&self) -> Vec<PluginReport> {
        let refused = self.refused.iter().map(|(name, reason)| PluginReport::refused(name, reason));
        let mut reports: Vec<_> = self.plugins.iter().map(|plugin| PluginReport::of(plugin)).chain(refused).collect();
        reports.sort_by(|one, other| one.plugin.cmp(&other.plugin));
        reports
    }
}

impl PluginReport {
    fn of(plugin: &Plugin) -> Self {
        let (counted, grant) = (plugin.counters().values(), plugin.grant());
        let (granted, missing) = Capability::ALL
            .into_iter()
            .filter(|capability| grant.has(*capability) || plugin.needs().contains(capability))
            .partition::<Vec<_>, _>(|capability| grant.has(*capability));
        let names = |list: Vec<Capability>| list.into_iter().map(Capability::name).collect();
        Self {
            plugin: plugin.name().to_owned(),
            refused: None,
            digest: Some(plugin.digest().to_string()),
            granted: names(granted),
            missing: names(missing),
            calls: counted.calls,
            failed: counted.failed,
            fuel: counted.fuel,
            instances: counted.instances,
            turned_away: counted.queue_full.saturating_add(counted.quarantined),
            faults: counted.faults,
            denials: counted
                .denials
                .into_iter()
                .map(|((function, reason), count)| (format!("{function}: {reason}"), count))
                .collect(),
        }
    }

    fn refused(name: &str, reason: &str) -> Self {
        Self {
            plugin: name.to_owned(),
            refused: Some(reason.to_owned()),
            digest: None,
            granted: Vec::new(),
            missing: Vec::new(),
            calls: 0,
            failed: 0,
            fuel: 0,
            instances: 0,
            turned_away: 0,
            faults: BTreeMap::new(),
            denials: BTreeMap::new(),
        }
    }
}
