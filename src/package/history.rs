//! The record of what was last admitted under each name, so that an older version is noticed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::admission_error::{AdmissionError, AdmissionErrorKind};
use super::json;
use super::statement::{Signer, Statement};
use crate::digest::Digest;
use crate::file;
use crate::text::{Escape as _, json_error};
use crate::time::Timestamp;

/// Largest record that is read, in bytes: thousands of plugins.
const MAX_BYTES: u64 = 1 << 20;

/// Everything that was admitted, by the plugin's name in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History {
    version: u32,
    plugins: BTreeMap<String, Admitted>,
}

/// What was last admitted under a name: what its statement says, when that was signed, the file's digest, and where it lay. A plugin
/// without a statement is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Admitted {
    path: String,
    plugin: String,
    version: Option<semver::Version>,
    signed_at: String,
    digest: String,
}

impl Admitted {
    pub(crate) fn new(path: &Path, statement: &Statement, signer: &Signer, digest: Digest) -> Self {
        Self {
            path: path.to_string_lossy().into_owned(),
            plugin: statement.plugin.clone(),
            version: statement.version.clone(),
            signed_at: signer.signed_at.clone(),
            digest: digest.to_string(),
        }
    }

    /// Refuses `now` when it is older than this or another plugin; `now` is absent when nothing is stated any more.
    fn allows(&self, name: &str, path: &Path, now: Option<&Self>) -> Result<(), AdmissionError> {
        let Some(now) = now else {
            return Err(AdmissionErrorKind::Downgrade {
                name: name.into(),
                admitted: self.to_string(),
                found: "a signature that states no version".into(),
            }
            .of(path));
        };
        if now.digest == self.digest {
            return Ok(());
        }
        if now.plugin != self.plugin {
            // Another path is another choice of the user's; under the same path somebody swapped the file.
            if now.path != self.path {
                return Ok(());
            }
            return Err(AdmissionErrorKind::Substituted {
                name: name.into(),
                admitted: self.plugin.clone(),
                found: now.plugin.clone(),
            }
            .of(path));
        }
        let by_version = match (&now.version, &self.version) {
            (Some(now), Some(last)) => now.cmp_precedence(last),
            // A version that is no longer stated counts as older than any.
            (now, last) => now.is_some().cmp(&last.is_some()),
        };
        let by_date = || Timestamp::parse(&now.signed_at).cmp(&Timestamp::parse(&self.signed_at));
        if by_version.then_with(by_date).is_lt() {
            return Err(AdmissionErrorKind::Downgrade {
                name: name.into(),
                admitted: self.to_string(),
                found: now.to_string(),
            }
            .of(path));
        }
        Ok(())
    }
}

/// A plugin of which no version was admitted before, as far as the record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstSeen {
    /// The plugin, its version and when it was signed.
    stated: String,
    /// By whom.
    signer: String,
    /// The file that admitted versions are remembered in.
    record: PathBuf,
    /// What lies where the record should, although there is none.
    trace: Option<OsString>,
}

impl FirstSeen {
    /// Whether the record is gone from a directory that has been in use.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.trace.is_some()
    }
    /// In words; `recorded` is what becomes of it, and the name of the record follows.
    #[must_use]
    pub fn text(&self, recorded: &str) -> String {
        let Self { stated, signer, record, trace } = self;
        let (stated, signer, record) = (stated.escaped(), signer.escaped(), record.escaped());
        let lost = trace.as_ref().map(|trace| {
            format!(
                "\n  {record} was not there, though {} is beside it: if plugins were admitted here before, somebody removed the \
                 record, and an older version is not noticed",
                trace.escaped()
            )
        });
        format!("first seen: {stated}, by {signer}; {recorded} {record}{}", lost.unwrap_or_default())
    }
}

/// The name of something beside `record` that Conductor leaves in its state directory only when it has run; logs, and
/// what a start makes itself, are nothing of the kind.
fn trace(record: &Path) -> Option<OsString> {
    let directory = record.parent()?;
    let starts_with_it = |name: &std::ffi::OsStr| {
        name == "run" || Some(name) == record.file_name() || Path::new(name).extension().is_some_and(|end| end == "log")
    };
    let mut names: Vec<_> = std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.file_name()).collect();
    names.retain(|name| !starts_with_it(name));
    names.into_iter().min()
}

impl std::fmt::Display for Admitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.plugin)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        write!(f, ", signed {}", self.signed_at)
    }
}

impl History {
    /// Reads the record at `path`. A file that does not exist is an empty record.
    pub(crate) fn load(path: &Path) -> Result<Self, AdmissionError> {
        let unusable = |reason: String| AdmissionErrorKind::History { reason }.of(path);
        let bytes = match file::read(path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { version: 1, plugins: BTreeMap::new() });
            }
            Err(error) => return Err(unusable(error.to_string())),
        };
        let history: Self = json::parse(&bytes).map_err(|error| unusable(json_error(&error)))?;
        if history.version == 1 { Ok(history) } else { Err(unusable(format!("version {}", history.version))) }
    }

    /// Holds `now`, which is to be admitted as `name` from `path`, against what was admitted before.
    pub(crate) fn check(&self, name: &str, path: &Path, now: Option<&Admitted>) -> Result<(), AdmissionError> {
        self.plugins.get(name).map_or(Ok(()), |last| last.allows(name, path, now))
    }

    /// Describes the first admission of `name`, or `None` when an earlier one is in the record at `path`.
    pub(crate) fn first_seen(&self, path: &Path, name: &str, now: &Admitted, signer: &Signer) -> Option<FirstSeen> {
        (!self.plugins.contains_key(name)).then(|| FirstSeen {
            stated: now.to_string(),
            signer: format!("{} ({})", signer.key, signer.name),
            record: path.into(),
            trace: if path.exists() { None } else { trace(path) },
        })
    }

    /// Records at `path` that `now` was admitted as `name`; a record that says so already is left alone. With
    /// `check`, holds it against the newest record once more, in case another process admitted something meanwhile.
    pub(crate) fn record(
        path: &Path,
        name: &str,
        plugin: &Path,
        now: &Admitted,
        check: bool,
    ) -> Result<(), AdmissionError> {
        let unusable = |error: std::io::Error| AdmissionErrorKind::History { reason: error.to_string() }.of(path);
        if Self::load(path)?.plugins.get(name) == Some(now) {
            return Ok(());
        }
        file::create_directory(path).map_err(unusable)?;
        let _lock = file::EditLock::take(path).map_err(unusable)?;
        let mut history = Self::load(path)?;
        if check {
            history.check(name, plugin, Some(now))?;
        }
        history.plugins.insert(name.into(), now.clone());
        let mut json = serde_json::to_vec_pretty(&history).map_err(|error| unusable(error.into()))?;
        json.push(b'\n');
        file::replace(path, &json).map_err(unusable)
    }
}
