//! The plugins of the configuration, and what they ask for and have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{Failure, run};
use crate::clock::SystemClock;
use crate::config::{Capability, Config, Environment, PluginConfig, paths};
use crate::daemon::{Places, needs};
use crate::grant::{Grant, GrantStore, Identity};
use crate::host;
use crate::package::{AdmittedPlugin, Policy, Timestamp, TrustLevel, admit};
use crate::sandbox::{Description, Plugin};
use crate::text::Escape as _;

/// Where approvals are kept.
pub(super) fn store_path(environment: &Environment) -> Result<PathBuf, Failure> {
    paths::grants_file(environment).map_err(|error| Failure::operation(error.to_string()))
}

/// The configuration, and everything that decides about its plugins.
pub(super) struct Known {
    pub(super) config: Config,
    pub(super) store: GrantStore,
    places: Places,
    at: Timestamp,
}

impl Known {
    /// Reads configuration and grant store. A store that cannot be read is an error, never an empty one.
    pub(super) fn read(config: Option<&Path>, environment: &Environment) -> Result<Self, Failure> {
        let config = run::load(config, environment)?.config;
        let store =
            GrantStore::load(&store_path(environment)?).map_err(|error| Failure::operation(error.to_string()))?;
        Ok(Self { config, store, places: Places::of(environment), at: Timestamp::now(&SystemClock::start()) })
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

    /// Reads the plugin's file and says what it asks for and has. The error is why it is not admitted.
    pub(super) fn standing(&self, name: &str, plugin: &PluginConfig) -> Result<Standing, String> {
        // Asking is no admission: nothing is recorded.
        let policy = Policy::from_config(name, plugin, &self.places.trusted_keys, None, self.at);
        let admitted = admit(&plugin.path, &policy).map_err(|refusal| refusal.to_string())?;
        Description::read(admitted.bytes(), host::TABLE).map_err(|reason| reason.to_string())?;
        let needs = needs(&admitted);
        let signers: Vec<[u8; 32]> = admitted.signers().map(|key| *key.as_bytes()).collect();
        let predecessors: Vec<[u8; 32]> = admitted.predecessors().map(|key| *key.as_bytes()).collect();
        let known = [&signers[..], &predecessors].concat();
        let approval = self.store.find(name, admitted.digest(), &known);
        Ok(Standing {
            grant: Grant::settle(plugin, &needs, approval),
            approved_elsewhere: self.store.other(name, admitted.digest(), &known),
            predecessors,
            identity: signers.first().map_or(Identity::Digest(admitted.digest()), |key| Identity::Signer(*key)),
            needs,
            admitted,
        })
    }

    /// Loads the plugin with the grant it has now. The error is why it is refused.
    pub(super) fn load(&self, name: &str, plugin: &PluginConfig) -> Result<Arc<Plugin>, String> {
        let Standing { admitted, grant, .. } = self.standing(name, plugin)?;
        Plugin::load(&admitted, plugin, grant, host::TABLE).map_err(|error| error.to_string())
    }
}

/// What an admitted plugin asks for and has.
pub(super) struct Standing {
    pub(super) admitted: AdmittedPlugin,
    pub(super) needs: BTreeSet<Capability>,
    pub(super) grant: Grant,
    /// What an approval is bound to.
    pub(super) identity: Identity,
    /// The keys that handed over to its signers.
    pub(super) predecessors: Vec<[u8; 32]>,
    /// Whose approval there is under its name, while it has none itself.
    pub(super) approved_elsewhere: Option<Identity>,
}

impl Standing {
    /// How far its origin is known, for people.
    pub(super) fn level(&self) -> &'static str {
        match self.admitted.level() {
            TrustLevel::Unsigned => "unsigned",
            TrustLevel::SelfSigned => "self-signed",
            TrustLevel::Trusted => "signed by a trusted key",
        }
    }
    /// The option of `conductor plugin grant` that says what `capability` reaches, while its scope is empty.
    pub(super) fn option_for_scope(&self, capability: Capability) -> Option<&'static str> {
        let (reaches, option) = match capability {
            Capability::Network => (self.grant.reaches_hosts(), "--host"),
            Capability::Subprocess => (self.grant.runs_programs(), "--command"),
            Capability::Midi => (self.grant.reaches_ports(), "--port"),
            Capability::Filesystem | Capability::Audio | Capability::SystemControl => return None,
        };
        (!reaches).then_some(option)
    }
    /// What was granted and reaches nothing for want of a scope, each with the option that gives it one.
    pub(super) fn without_scope(&self) -> Vec<(Capability, &'static str)> {
        let held = self.grant.held().map(|(capability, _)| capability);
        held.filter_map(|capability| Some((capability, self.option_for_scope(capability)?))).collect()
    }
    /// What it asks for and has not.
    pub(super) fn missing(&self) -> Vec<Capability> {
        self.needs.iter().copied().filter(|capability| !self.grant.has(*capability)).collect()
    }
}
