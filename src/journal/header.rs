//! The first line of a journal: what has to be the same for a replay to come to the same.

use serde::{Deserialize, Serialize};

use super::answer::unhex;
use crate::capability::Capability;
use crate::digest::Digest;
use crate::grant::{Approval, Identity};
use crate::sandbox::cost_table_digest;

/// Version of the format. A reader refuses any other.
pub(super) const VERSION: u32 = 2;

/// The engine and its version. Fuel depends on it.
const ENGINE: &str = "wasmi 2.0.0";

/// The first line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of the format: 2.
    pub conductor_journal: u32,
    /// The engine and its version.
    pub engine: String,
    /// Digest of the fuel cost table, hexadecimal.
    pub cost_table: String,
    /// Unix time of the session's beginning, in microseconds.
    pub epoch_us: u64,
    /// The session's seed, hexadecimal.
    pub seed: String,
    /// What was taken from the machine, which a replay uses in place of its own.
    pub limits: LimitsRecord,
    /// The configuration.
    pub config: ConfigRecord,
    /// The plugins that were admitted, by name.
    pub plugins: Vec<PluginRecord>,
}

/// The version of a journal, which stands first in its header, whatever else does.
#[derive(Debug, Deserialize)]
pub(super) struct Version {
    conductor_journal: u32,
}

impl Version {
    /// When it is not the version that is read here: what differs, in the journal, here.
    pub(super) fn foreign(&self) -> Option<(&'static str, String, String)> {
        let Self { conductor_journal } = self;
        (*conductor_journal != VERSION).then(|| ("journal version", conductor_journal.to_string(), VERSION.to_string()))
    }
}

/// Limits of a session that depend on the machine it ran on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsRecord {
    /// Memory of all instances together, in bytes.
    pub max_total_memory_bytes: u64,
    /// Instances alive at once: what the configuration says, or fewer where the machine has too few descriptors.
    pub max_instances: u32,
}

/// The configuration of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigRecord {
    /// What messages call it.
    pub name: String,
    /// The directory that relative paths in it start at.
    pub directory: String,
    /// SHA-256 of the text, hexadecimal.
    pub digest: String,
    /// The text, in full. Secrets are only ever names of environment variables in it.
    pub text: String,
    /// The profiles it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileRecord>,
}

/// A profile of a device of a session: those built in may be others in another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileRecord {
    /// What the configuration calls it.
    pub profile: String,
    /// What messages call its file.
    pub name: String,
    /// SHA-256 of the text, hexadecimal.
    pub digest: String,
    /// The text, in full.
    pub text: String,
}

/// A plugin of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginRecord {
    /// Its name in the configuration.
    pub name: String,
    /// SHA-256 of its file, hexadecimal; absent when it was refused.
    pub digest: Option<String>,
    /// Why it was refused.
    pub refused: Option<String>,
    /// Digest of its data directory at the start, hexadecimal; absent when there is none.
    pub data: Option<String>,
    /// What was approved for it beyond the configuration when the session began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<ApprovalRecord>,
}

/// What was approved for a plugin beyond the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRecord {
    /// Names of capabilities.
    pub capabilities: Vec<String>,
    /// As in `allowed_hosts`.
    pub hosts: Vec<String>,
    /// As in `allowed_commands`.
    pub commands: Vec<String>,
    /// As in `allowed_ports`.
    pub ports: Vec<String>,
}

impl PluginRecord {
    /// Digest of its file; absent when it was refused, or what stands there is none.
    pub(super) fn digest(&self) -> Option<Digest> {
        let bytes = unhex(self.digest.as_deref()?)?;
        bytes.try_into().ok().map(Digest::from_bytes)
    }
}

impl ApprovalRecord {
    /// The record of `approval`. Whose it is does not matter to a replay: the plugin's digest is recorded.
    #[must_use]
    pub fn new(approval: &Approval) -> Self {
        Self {
            capabilities: approval.capabilities.iter().map(|capability| capability.name().to_owned()).collect(),
            hosts: approval.hosts.clone(),
            commands: approval.commands.clone(),
            ports: approval.ports.clone(),
        }
    }

    /// The approval again, of the plugin called `plugin` with this digest.
    ///
    /// The error says which name is no capability's.
    pub fn approval(&self, plugin: &str, digest: Digest) -> Result<Approval, String> {
        Ok(Approval {
            plugin: plugin.to_owned(),
            identity: Identity::Digest(digest),
            capabilities: self.capabilities.iter().map(|name| Capability::named(name)).collect::<Result<_, _>>()?,
            hosts: self.hosts.clone(),
            commands: self.commands.clone(),
            ports: self.ports.clone(),
            approved_at: String::new(), // not recorded; it allows nothing
        })
    }
}

impl Header {
    /// The header of a session on this engine.
    #[must_use]
    pub fn new(
        epoch_us: u64,
        seed: &[u8; 32],
        limits: LimitsRecord,
        config: ConfigRecord,
        plugins: Vec<PluginRecord>,
    ) -> Self {
        Self {
            conductor_journal: VERSION,
            engine: ENGINE.to_owned(),
            cost_table: cost_table_digest().to_string(),
            epoch_us,
            seed: Digest::from_bytes(*seed).to_string(),
            limits,
            config,
            plugins,
        }
    }

    /// What of the engine is not as it is here: name, in the journal, here.
    pub(super) fn foreign(&self) -> Option<(&'static str, String, String)> {
        let here = cost_table_digest().to_string();
        if self.engine != ENGINE {
            return Some(("engine", self.engine.clone(), ENGINE.to_owned()));
        }
        (self.cost_table != here).then(|| ("fuel cost table", self.cost_table.clone(), here))
    }
}

impl ConfigRecord {
    /// The record of `text`, which messages call `name` and whose relative paths start at `directory`.
    #[must_use]
    pub fn new(name: &str, directory: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            directory: directory.to_owned(),
            digest: Digest::of(text.as_bytes()).to_string(),
            text: text.to_owned(),
            profiles: Vec::new(),
        }
    }

    /// It, with the profiles that it names.
    #[must_use]
    pub fn with_profiles(self, profiles: Vec<ProfileRecord>) -> Self {
        Self { profiles, ..self }
    }
}

impl ProfileRecord {
    /// The record of `text`, which the configuration calls `profile` and messages call `name`.
    #[must_use]
    pub fn new(profile: &str, name: &str, text: &str) -> Self {
        Self {
            profile: profile.to_owned(),
            name: name.to_owned(),
            digest: Digest::of(text.as_bytes()).to_string(),
            text: text.to_owned(),
        }
    }
}
