//! What is approved for plugins before a session, and changed beside it while it goes on.

use std::path::Path;

use conductor::internals::capability::Capability;
use conductor::internals::digest::Digest;
use conductor::internals::grant::{Approval, GrantStore, Identity};

/// From some time on, this is approved for a plugin and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Microseconds since the session began; 0 is before it.
    pub(crate) t: u64,
    pub(crate) plugin: String,
    pub(crate) capabilities: Vec<Capability>,
}

impl Change {
    /// As a line of a case.
    pub(crate) fn line(&self) -> String {
        let names: Vec<&str> = self.capabilities.iter().map(|capability| capability.name()).collect();
        format!("{} {} {}\n", self.t, self.plugin, names.join(" "))
    }

    pub(crate) fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let t = words.next().and_then(|t| t.parse().ok()).expect("a time");
        let plugin = words.next().expect("a plugin").to_owned();
        let capability = |name| Capability::from_name(name).expect("a capability");
        Self { t, plugin, capabilities: words.map(capability).collect() }
    }

    /// Has it so in the store at `store`, for the plugin's file in `directory`.
    pub(crate) fn make(&self, store: &Path, directory: &Path) {
        let file = std::fs::read(directory.join(format!("{}.wasm", self.plugin))).expect("a plugin");
        let scope = |capability, entry: &str| {
            self.capabilities.contains(&capability).then(|| entry.to_owned()).into_iter().collect()
        };
        let approval = Approval {
            plugin: self.plugin.clone(),
            identity: Identity::Digest(Digest::of(&file)),
            capabilities: self.capabilities.clone(),
            hosts: scope(Capability::Network, "api.example.com"),
            commands: scope(Capability::Subprocess, "tool"),
            ports: scope(Capability::Midi, "out"),
            approved_at: "2026-01-01T00:00:00Z".to_owned(),
        };
        let change = |grants: &mut GrantStore| {
            grants.revoke(&self.plugin, &[]);
            if !self.capabilities.is_empty() {
                grants.approve(approval);
            }
        };
        GrantStore::edit(store, change).expect("the store is changed");
    }
}
