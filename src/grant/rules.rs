//! What one plugin may do.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::host::{HostRule, HostRules, RuleFault};
use super::{Approval, Capability, Denied, Risk};
use crate::config::{PathScope, PluginConfig};
use crate::effect::{Reach, Url};

/// The capabilities a plugin was granted, with their scopes. Grants nothing unless told so.
///
/// Every question is a hash lookup: it costs the same among one rule and a thousand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    held: BTreeMap<Capability, Source>,
    hosts: HostRules,
    /// The entries `hosts` was read from, as they were written.
    written_hosts: Vec<String>,
    commands: HashSet<String>,
    ports: HashSet<String>,
    paths: PathScope,
    faults: Vec<(String, RuleFault)>,
}

/// Who granted a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `granted_capabilities` in the configuration.
    Configuration,
    /// An approval in the grant store.
    Approval,
    /// Low risk, and requested.
    Automatic,
    /// The program that embeds the plugin.
    Embedder,
}

impl Source {
    /// As it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Approval => "approved",
            Self::Automatic => "automatic",
            Self::Embedder => "embedder",
        }
    }
}

/// Programs that run whatever line they are given. A rule for one would be a rule for everything.
const SHELLS: [&str; 14] =
    ["sh", "bash", "rbash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "busybox", "pwsh", "nu"];

impl Grant {
    /// No capability at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
    /// It, and `capability`. Network, Subprocess and Midi still reach nothing: each has a scope of its own.
    #[must_use]
    pub fn with(mut self, capability: Capability) -> Self {
        self.held.insert(capability, Source::Embedder);
        self
    }
    /// It, with files below `prefix` of the plugin's directory and, once this was called, no others: `/data` covers `/data/x` and
    /// not `/database`. Grants Filesystem.
    #[must_use]
    pub fn with_path_prefix(mut self, prefix: &str) -> Self {
        if self.paths == PathScope::default() {
            self.paths = PathScope { read: Vec::new(), write: Vec::new() };
        }
        self.paths.read.push(prefix.to_owned());
        self.paths.write.push(prefix.to_owned());
        self.with(Capability::Filesystem)
    }
    /// It, with the hosts that `rule` covers, written as in `allowed_hosts`: `api.example.com`, `*.example.com:8443`,
    /// `http://hue.lan`. Grants Network.
    ///
    /// # Errors
    ///
    /// When that is no such rule.
    pub fn with_host(mut self, rule: &str) -> Result<Self, RuleFault> {
        self.hosts.insert(HostRule::parse(rule)?);
        self.written_hosts.push(rule.to_owned());
        Ok(self.with(Capability::Network))
    }
    /// It, with the program `command`: a name, or an absolute path. Grants Subprocess.
    #[must_use]
    pub fn with_command(mut self, command: &str) -> Self {
        self.commands.insert(command.to_owned());
        self.with(Capability::Subprocess)
    }
    /// It, with the MIDI output port `port`. Grants Midi.
    #[must_use]
    pub fn with_port(mut self, port: &str) -> Self {
        self.ports.insert(port.to_owned());
        self.with(Capability::Midi)
    }
    /// What the configuration grants.
    #[must_use]
    pub fn from_config(plugin: &PluginConfig) -> Self {
        Self::settle(plugin, &BTreeSet::new(), None)
    }
    /// What a plugin holds that asks for `requested`: what the configuration grants it, what was approved, and what is
    /// granted for the asking because its risk is low.
    #[must_use]
    pub fn settle(plugin: &PluginConfig, requested: &BTreeSet<Capability>, approval: Option<&Approval>) -> Self {
        let mut held = BTreeMap::new();
        let low = requested.iter().filter(|capability| Risk::of(**capability) == Risk::Low);
        held.extend(low.map(|capability| (*capability, Source::Automatic)));
        held.extend(approval.iter().flat_map(|approval| &approval.capabilities).map(|name| (*name, Source::Approval)));
        held.extend(plugin.granted_capabilities.iter().map(|capability| (*capability, Source::Configuration)));
        let mut grant = Self { held, paths: plugin.allowed_paths.clone(), ..Self::default() };
        for entry in plugin.allowed_hosts.iter().chain(approval.iter().flat_map(|approval| &approval.hosts)) {
            match HostRule::parse(entry) {
                Ok(rule) => {
                    grant.hosts.insert(rule);
                    grant.written_hosts.push(entry.clone());
                }
                Err(fault) => grant.faults.push((entry.clone(), fault)),
            }
        }
        let approved = |list: fn(&Approval) -> &Vec<String>| approval.into_iter().flat_map(list).cloned();
        grant.commands =
            plugin.allowed_commands.iter().cloned().chain(approved(|approval| &approval.commands)).collect();
        grant.ports = plugin.allowed_ports.iter().cloned().chain(approved(|approval| &approval.ports)).collect();
        grant
    }
    /// Whether `capability` is granted at all.
    pub fn has(&self, capability: Capability) -> bool {
        self.held.contains_key(&capability)
    }
    /// Who granted `capability`.
    pub fn source(&self, capability: Capability) -> Option<Source> {
        self.held.get(&capability).copied()
    }
    /// Every capability that is granted, and by whom.
    pub fn held(&self) -> impl Iterator<Item = (Capability, Source)> + '_ {
        self.held.iter().map(|(capability, source)| (*capability, *source))
    }
    /// What of `requested` is not granted.
    pub fn missing(&self, requested: &BTreeSet<Capability>) -> Vec<Denied> {
        requested.iter().filter_map(|capability| self.check(*capability).err()).collect()
    }
    /// Entries of `allowed_hosts` that are no rules, and so allow nothing.
    pub fn faults(&self) -> &[(String, RuleFault)] {
        &self.faults
    }
    /// The hosts that Network reaches, as they were written.
    pub fn written_hosts(&self) -> &[String] {
        &self.written_hosts
    }
    /// The programs that Subprocess may start, sorted.
    pub fn commands(&self) -> Vec<String> {
        sorted(&self.commands)
    }
    /// The ports that Midi may send to, sorted.
    pub fn ports(&self) -> Vec<String> {
        sorted(&self.ports)
    }
    /// Whether Network reaches any host.
    pub fn reaches_hosts(&self) -> bool {
        self.has(Capability::Network) && !self.hosts.is_empty()
    }
    /// Whether Subprocess starts any program.
    pub fn runs_programs(&self) -> bool {
        self.has(Capability::Subprocess) && !self.commands.is_empty()
    }
    /// Whether Midi reaches any port.
    pub fn reaches_ports(&self) -> bool {
        self.has(Capability::Midi) && !self.ports.is_empty()
    }
    /// The paths inside the sandbox directory.
    pub fn paths(&self) -> &PathScope {
        &self.paths
    }
    /// Whether it allows all that `other` does. Both are grants of one plugin under one configuration, which differ in what was approved.
    pub fn covers(&self, other: &Self) -> bool {
        let hosts: HashSet<&String> = self.written_hosts.iter().collect();
        other.held.keys().all(|capability| self.has(*capability))
            && other.written_hosts.iter().all(|host| hosts.contains(host))
            && other.commands.is_subset(&self.commands)
            && other.ports.is_subset(&self.ports)
    }
    /// Holds `capability` against the grant.
    pub fn check(&self, capability: Capability) -> Result<(), Denied> {
        if self.has(capability) {
            Ok(())
        } else {
            Err(Denied::Capability { missing: capability, held: self.held.keys().copied().collect() })
        }
    }
    /// Holds a connection to `url` against the grant, and says which addresses its host may have.
    pub fn url(&self, url: &Url) -> Result<Reach, Denied> {
        self.check(Capability::Network)?;
        self.hosts.reach(url).ok_or_else(|| Denied::Host { origin: url.origin() })
    }
    /// Holds running `program` against the grant. A rule that is a name allows that name, a path that path.
    pub fn command(&self, program: &str) -> Result<(), Denied> {
        self.check(Capability::Subprocess)?;
        let name = program.rsplit('/').next().unwrap_or(program);
        if SHELLS.contains(&name) {
            return Err(Denied::Shell { command: program.to_owned() });
        }
        // A relative path would be looked up from wherever the process happens to stand.
        let well_formed = !program.is_empty() && (program.starts_with('/') || !program.contains('/'));
        if well_formed && self.commands.contains(program) {
            Ok(())
        } else {
            Err(Denied::Command { command: program.to_owned() })
        }
    }
    /// Holds sending to the MIDI output `port` against the grant.
    pub fn port(&self, port: &str) -> Result<(), Denied> {
        self.check(Capability::Midi)?;
        if self.ports.contains(port) { Ok(()) } else { Err(Denied::Port { port: port.to_owned() }) }
    }
}

fn sorted(entries: &HashSet<String>) -> Vec<String> {
    let mut entries: Vec<String> = entries.iter().cloned().collect();
    entries.sort_unstable();
    entries
}
