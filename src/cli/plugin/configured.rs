//! The plugins of the configuration, and what they ask for and have.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{Failure, run};
use crate::capability::Capability;
use crate::config::{Config, Environment, PluginConfig, paths};
use crate::grant::{Identity, LiveGrants};
use crate::package::{AdmittedPlugin, Policy, TrustLevel};
use crate::plugins::{Outlook, Places, PluginStatus};
use crate::sandbox::Plugin;
use crate::text::Escape as _;
use crate::time::SystemClock;
use crate::time::Timestamp;

/// Where approvals are kept.
pub(super) fn store_path(environment: &Environment) -> Result<PathBuf, Failure> {
    paths::grants_file(environment).map_err(|error| Failure::operation(error.to_string()))
}

/// The configuration, and everything that decides about its plugins.
pub(super) struct ConfiguredPlugins {
    pub(super) config: Config,
    grants: Option<Arc<LiveGrants>>,
    places: Places,
    at: Timestamp,
}

impl ConfiguredPlugins {
    /// Reads configuration and grant store. A store that cannot be read is an error, never an empty one.
    pub(super) fn read(config: Option<&Path>, environment: &Environment) -> Result<Self, Failure> {
        let config = run::load(config, environment)?.config;
        let places = Places { grants: Some(store_path(environment)?), ..Places::of(environment) };
        let grants = places.open_grants().map_err(|error| Failure::operation(error.to_string()))?;
        Ok(Self { config, grants, places, at: Timestamp::now(&SystemClock::start()) })
    }

    /// Today, as approvals are dated.
    pub(super) fn today(&self) -> String {
        self.at.to_string()
    }

    /// The plugin called `name`.
    pub(super) fn plugin(&self, name: &str) -> Result<&PluginConfig, Failure> {
        self.config.plugins.get(name).ok_or_else(|| {
            let names: Vec<_> = self.config.plugins.keys().map(String::as_str).collect();
            let known = if names.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {}", names.join(", ").escaped())
            };
            Failure::operation(format!("the configuration has no plugin \"{}\"; {known}", name.escaped()))
        })
    }

    /// Reads the plugin's file and says what it asks for and has. The error is why it is no plugin that could be granted anything.
    pub(super) fn standing(&self, name: &str, plugin: &PluginConfig) -> Result<ConfiguredPlugin, String> {
        let history = self.places.history.as_deref();
        let policy = Policy::from_config(name, plugin, &self.places.trusted_keys, history, self.at);
        let Outlook { verdict, status, .. } = Outlook::of(plugin, &policy, self.grants.as_ref());
        let refusal = verdict.refusal.map(|refusal| refusal.to_string());
        let Some(status) = status else { return Err(refusal.unwrap_or_default()) };
        Ok(ConfiguredPlugin { status, refusal })
    }

    /// Loads the plugin with the grant it has now. The error is why it is refused.
    pub(super) fn load(&self, name: &str, plugin: &PluginConfig) -> Result<Arc<Plugin>, String> {
        let ConfiguredPlugin { status, refusal } = self.standing(name, plugin)?;
        status.loaded.map_err(|unusable| refusal.unwrap_or_else(|| unusable.to_string()))
    }
}

/// What an admitted plugin asks for and has.
pub(super) struct ConfiguredPlugin {
    pub(super) status: PluginStatus,
    /// Why it cannot be loaded with what it has.
    pub(super) refusal: Option<String>,
}

impl ConfiguredPlugin {
    pub(super) fn admitted(&self) -> &AdmittedPlugin {
        self.status.manifest.admitted()
    }
    /// What an approval is bound to.
    pub(super) fn identity(&self) -> Identity {
        let admitted = self.admitted();
        admitted.signers().next().map_or(Identity::Digest(admitted.digest()), |key| Identity::Signer(*key.as_bytes()))
    }
    /// The keys that handed over to its signers.
    pub(super) fn predecessors(&self) -> Vec<[u8; 32]> {
        self.admitted().predecessors().map(|key| *key.as_bytes()).collect()
    }
    /// How far its origin is known, for people.
    pub(super) fn level(&self) -> &'static str {
        match self.admitted().level() {
            TrustLevel::Unsigned => "unsigned",
            TrustLevel::SelfSigned => "self-signed",
            TrustLevel::Trusted => "signed by a trusted key",
        }
    }
    /// The option of `conductor plugin grant` that says what `capability` reaches, while its scope is empty.
    pub(super) fn option_for_scope(&self, capability: Capability) -> Option<&'static str> {
        let (reaches, option) = match capability {
            Capability::Network => (self.status.grant.reaches_hosts(), "--host"),
            Capability::Subprocess => (self.status.grant.runs_programs(), "--command"),
            Capability::Midi => (self.status.grant.reaches_ports(), "--port"),
            Capability::Filesystem | Capability::Audio | Capability::SystemControl => return None,
        };
        (!reaches).then_some(option)
    }
    /// What was granted and reaches nothing for want of a scope, each with the option that gives it one.
    pub(super) fn without_scope(&self) -> Vec<(Capability, &'static str)> {
        let held = self.status.grant.held().map(|(capability, _)| capability);
        held.filter_map(|capability| Some((capability, self.option_for_scope(capability)?))).collect()
    }
    /// What it asks for and has not.
    pub(super) fn missing(&self) -> Vec<Capability> {
        let needs = self.status.manifest.needs().iter().copied();
        needs.filter(|capability| !self.status.grant.has(*capability)).collect()
    }
}
