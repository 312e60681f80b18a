//! What one plugin may do.

use std::collections::BTreeSet;

use super::Capability;
use crate::config::{PathScope, PluginConfig};

/// The capabilities a plugin was granted, with their scopes. Grants nothing unless told so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    capabilities: BTreeSet<Capability>,
    ports: Vec<String>,
    paths: PathScope,
}

impl Grant {
    /// No capability at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
    /// What the configuration grants.
    #[must_use]
    pub fn from_config(plugin: &PluginConfig) -> Self {
        Self {
            capabilities: plugin.granted_capabilities.iter().copied().collect(),
            ports: plugin.allowed_ports.clone(),
            paths: plugin.allowed_paths.clone(),
        }
    }
    /// Whether `capability` is granted at all.
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
    /// Whether MIDI may be sent to `port`. A grant without ports reaches none.
    pub fn allows_port(&self, port: &str) -> bool {
        self.has(Capability::Midi) && self.ports.iter().any(|allowed| allowed == port)
    }
    /// The paths inside the sandbox directory.
    pub fn paths(&self) -> &PathScope {
        &self.paths
    }
}
