//! The grant store, `grants.toml`: what was approved on the command line.
//!
//! An approval is bound to the plugin's name and to who signed it, or to its digest when nobody did. A file that was swapped
//! for another inherits nothing.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Capability;
use super::host::{HostRule, RuleFault};
use crate::digest::Digest;
use crate::file;
use crate::text::Escape as _;
use crate::text::hex;
use crate::text::literal;
use crate::text::toml_error;

/// Largest store that is read, in bytes: room for thousands of approvals.
const MAX_BYTES: u64 = 1 << 20;
/// Most approvals in one store; more were not made by hand.
const MAX_APPROVALS: usize = 4096;
/// Most entries in one scope of one approval.
const MAX_ENTRIES: usize = 4096;
/// The version this build reads and writes.
const VERSION: u32 = 1;

/// What an approval is bound to besides the plugin's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Whoever holds this key; the plugin may be updated by them.
    Signer([u8; 32]),
    /// These very bytes.
    Digest(Digest),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signer(key) => write!(f, "signer {}", hex::encode(key)),
            Self::Digest(digest) => write!(f, "sha256 {digest}"),
        }
    }
}

/// What was approved for one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The plugin's name in the configuration.
    pub plugin: String,
    /// Whose approval it is.
    pub identity: Identity,
    /// What it may do.
    pub capabilities: Vec<Capability>,
    /// Scope of Network, as in `allowed_hosts`.
    pub hosts: Vec<String>,
    /// Scope of Subprocess, as in `allowed_commands`.
    pub commands: Vec<String>,
    /// Scope of Midi, as in `allowed_ports`.
    pub ports: Vec<String>,
    /// When it was last changed: RFC 3339, UTC.
    pub approved_at: String,
}

/// All approvals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantStore {
    approvals: Vec<Approval>,
}

/// Why the store cannot be used. It is never taken for an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// The store.
    pub subject: PathBuf,
    /// What is wrong with it.
    pub kind: StoreErrorKind,
}

/// What is wrong with a grant store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Reading, locking or replacing the file failed.
    File {
        /// What failed: `read`, `lock` or `write`.
        doing: &'static str,
        /// What the system says about it.
        reason: String,
    },
    /// It is not a grant store.
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// It was written by another version of this program.
    Version {
        /// The version it states.
        found: u32,
    },
    /// More approvals, or more entries in one, than any store holds.
    TooMany,
    /// An entry of `hosts` is no rule.
    Rule {
        /// The entry.
        entry: String,
        /// What is wrong with it.
        fault: RuleFault,
    },
}

impl StoreErrorKind {
    fn of(self, subject: &Path) -> StoreError {
        StoreError { subject: subject.to_owned(), kind: self }
    }
}

impl fmt::Display for StoreErrorKind {
    /// What is wrong, and what to do about it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { doing, reason } => write!(f, "cannot {doing} the grant store: {reason}"),
            Self::Malformed { reason } => write!(
                f,
                "not a grant store: {reason}\n  mend it, or remove it and approve again with: conductor plugin grant NAME"
            ),
            Self::Version { found } => write!(
                f,
                "grant store version {found}; this build knows version {VERSION}. Use the build that wrote it, or remove it \
                 and approve again"
            ),
            Self::TooMany => write!(
                f,
                "more than {MAX_APPROVALS} approvals or {MAX_ENTRIES} entries in one; revoke what is no longer used"
            ),
            Self::Rule { entry, fault } => write!(f, "hosts: \"{}\": {fault}", entry.escaped()),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject.escaped(), self.kind)
    }
}

impl std::error::Error for StoreError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default)]
    grants: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    plugin: String,
    signer: Option<String>,
    sha256: Option<String>,
    capabilities: Vec<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    commands: Vec<String>,
    #[serde(default)]
    ports: Vec<String>,
    approved_at: String,
}

impl GrantStore {
    /// Reads the store at `path`. A file that does not exist is an empty store; one that cannot be read is an error.
    pub fn load(path: &Path) -> Result<Self, StoreError> {
        match file::read(path, MAX_BYTES) {
            Ok(bytes) => Self::parse(&bytes, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(failed(path, "read", &error)),
        }
    }
    /// Reads the text of a store; `path` is for messages.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, StoreError> {
        let malformed = |reason: String| StoreErrorKind::Malformed { reason }.of(path);
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
        let document: Document = toml::from_str(text).map_err(|error| malformed(toml_error(&error)))?;
        if document.version != VERSION {
            return Err(StoreErrorKind::Version { found: document.version }.of(path));
        }
        let crowded = |record: &Record| {
            [&record.hosts, &record.commands, &record.ports].iter().any(|list| list.len() > MAX_ENTRIES)
        };
        if document.grants.len() > MAX_APPROVALS || document.grants.iter().any(crowded) {
            return Err(StoreErrorKind::TooMany.of(path));
        }
        let approvals = document.grants.into_iter().map(|record| approval(record, path)).collect::<Result<_, _>>()?;
        Ok(Self { approvals })
    }
    /// The approval for the plugin called `name` with this digest, signed by `signers`: their keys, and after them those that
    /// handed over to them. The first key with an approval decides.
    pub fn find(&self, name: &str, digest: Digest, signers: &[[u8; 32]]) -> Option<&Approval> {
        let of =
            |identity| self.approvals.iter().find(|approval| approval.plugin == name && approval.identity == identity);
        match signers {
            // Once a plugin is signed its signer is its identity, so an approval from before does not count.
            [] => of(Identity::Digest(digest)),
            signers => signers.iter().find_map(|key| of(Identity::Signer(*key))),
        }
    }
    /// Whose approval there is under the name of a plugin that has none: of another build, or of another signer.
    pub fn other(&self, name: &str, digest: Digest, signers: &[[u8; 32]]) -> Option<Identity> {
        if self.find(name, digest, signers).is_some() {
            return None;
        }
        self.approvals.iter().rfind(|approval| approval.plugin == name).map(|approval| approval.identity)
    }
    /// Moves what was approved for the plugin called `name` by the keys `predecessors` to the signer that took over from them.
    pub fn succeed(&mut self, name: &str, predecessors: &[[u8; 32]], signer: [u8; 32]) {
        let handed_over =
            |identity| matches!(identity, Identity::Signer(key) if key != signer && predecessors.contains(&key));
        let (moved, kept) = std::mem::take(&mut self.approvals)
            .into_iter()
            .partition(|approval: &Approval| approval.plugin == name && handed_over(approval.identity));
        self.approvals = kept;
        for approval in moved {
            self.approve(Approval { identity: Identity::Signer(signer), ..approval });
        }
    }
    /// Adds what `approval` allows to what its plugin and identity have.
    pub fn approve(&mut self, approval: Approval) {
        let same = |other: &&mut Approval| other.plugin == approval.plugin && other.identity == approval.identity;
        match self.approvals.iter_mut().find(same) {
            None => self.approvals.push(approval),
            Some(held) => {
                add(&mut held.capabilities, approval.capabilities);
                add(&mut held.hosts, approval.hosts);
                add(&mut held.commands, approval.commands);
                add(&mut held.ports, approval.ports);
                held.approved_at = approval.approved_at;
            }
        }
    }
    /// Takes `capabilities` back from every approval of the plugin called `name`, or all of it when none are named. A
    /// scope goes with its capability. Tells what was taken.
    pub fn revoke(&mut self, name: &str, capabilities: &[Capability]) -> Vec<Capability> {
        let mut taken = Vec::new();
        for approval in self.approvals.iter_mut().filter(|approval| approval.plugin == name) {
            approval.capabilities.retain(|held| {
                let goes = capabilities.is_empty() || capabilities.contains(held);
                if goes {
                    add(&mut taken, vec![*held]);
                }
                !goes
            });
            let held = |capability| approval.capabilities.contains(&capability);
            let (network, subprocess, midi) =
                (held(Capability::Network), held(Capability::Subprocess), held(Capability::Midi));
            approval.hosts.retain(|_| network);
            approval.commands.retain(|_| subprocess);
            approval.ports.retain(|_| midi);
        }
        self.approvals.retain(|approval| !approval.capabilities.is_empty());
        taken
    }
    /// Changes the store at `path` while no other process does, and replaces it as a whole.
    pub fn edit<T>(path: &Path, change: impl FnOnce(&mut Self) -> T) -> Result<T, StoreError> {
        file::create_directory(path).map_err(|error| failed(path, "write", &error))?;
        let _lock = file::EditLock::take(path).map_err(|error| failed(path, "lock", &error))?;
        let before = Self::load(path)?;
        let mut after = before.clone();
        let result = change(&mut after);
        if after != before {
            let text = after.text(path)?;
            file::replace(path, text.as_bytes()).map_err(|error| failed(path, "write", &error))?;
        }
        Ok(result)
    }
    /// The store as it stands in the file. What could not be read back is not written.
    fn text(&self, path: &Path) -> Result<String, StoreError> {
        let mut text = format!(
            "# Approvals for plugins. Change it with: conductor plugin grant, conductor plugin revoke\nversion = {VERSION}\n"
        );
        for approval in &self.approvals {
            record(approval, &mut text);
        }
        if text.len() as u64 > MAX_BYTES {
            return Err(StoreErrorKind::TooMany.of(path));
        }
        Self::parse(text.as_bytes(), path).map(|_| text)
    }
}

/// Adds `more` to `list`, each entry once.
fn add<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>) {
    for entry in more {
        if !list.contains(&entry) {
            list.push(entry);
        }
    }
}

fn failed(path: &Path, doing: &'static str, error: &io::Error) -> StoreError {
    StoreErrorKind::File { doing, reason: error.to_string() }.of(path)
}

fn approval(record: Record, path: &Path) -> Result<Approval, StoreError> {
    let malformed = |reason: String| StoreErrorKind::Malformed { reason }.of(path);
    let key = |what: &str, text: &str| hex::decode(text).map_err(|error| malformed(format!("{what}: {error}")));
    let identity = match (&record.signer, &record.sha256) {
        (Some(signer), None) => Identity::Signer(key("signer", signer)?),
        (None, Some(digest)) => Identity::Digest(Digest::from_bytes(key("sha256", digest)?)),
        _ => {
            return Err(malformed(format!("grant of \"{}\": needs either signer or sha256", record.plugin.escaped())));
        }
    };
    let capability = |name: &String| Capability::named(name).map_err(malformed);
    for entry in &record.hosts {
        HostRule::parse(entry).map_err(|fault| StoreErrorKind::Rule { entry: entry.clone(), fault }.of(path))?;
    }
    Ok(Approval {
        capabilities: record.capabilities.iter().map(capability).collect::<Result<_, _>>()?,
        plugin: record.plugin,
        identity,
        hosts: record.hosts,
        commands: record.commands,
        ports: record.ports,
        approved_at: record.approved_at,
    })
}

fn record(approval: &Approval, text: &mut String) {
    let mut line = |key: &str, value: String| text.extend(["\n", key, " = ", &value]);
    line("[[grants]]\nplugin", literal::string(&approval.plugin));
    match approval.identity {
        Identity::Signer(key) => line("signer", literal::string(&hex::encode(&key))),
        Identity::Digest(digest) => line("sha256", literal::string(&digest.to_string())),
    }
    let capabilities: Vec<_> = approval.capabilities.iter().map(|capability| capability.name().to_owned()).collect();
    line("capabilities", literal::array(&capabilities));
    for (scope, entries) in [("hosts", &approval.hosts), ("commands", &approval.commands), ("ports", &approval.ports)] {
        if !entries.is_empty() {
            line(scope, literal::array(entries));
        }
    }
    line("approved_at", literal::string(&approval.approved_at) + "\n");
}
