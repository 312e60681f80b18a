//! The one way in for plugin code.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::digest::Digest;

/// Largest plugin file that is read, in bytes.
pub(super) const MAX_PLUGIN_BYTES: u64 = 32 << 20;

/// A plugin whose bytes were read once and found acceptable. Only [`admit`] makes one.
#[derive(Debug, Clone)]
pub struct AdmittedPlugin {
    name: String,
    path: PathBuf,
    bytes: Arc<[u8]>,
    digest: Digest,
    level: TrustLevel,
}

impl AdmittedPlugin {
    /// The name the configuration gives it.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// The bytes that were checked, and that run.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// Their digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }
    /// How far its origin is known.
    pub fn level(&self) -> TrustLevel {
        self.level
    }
}

/// How far a plugin's origin is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustLevel {
    /// No signature.
    Unsigned,
    /// A valid signature by a key nobody vouched for.
    SelfSigned,
    /// A valid signature by a trusted key.
    Trusted,
}

/// What is asked of a plugin file.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Name under which it runs.
    pub name: String,
    /// Expected digest.
    pub sha256: Option<[u8; 32]>,
}

/// Why a plugin is not admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file is larger than any plugin may be.
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not the one the configuration pins.
    Pin {
        /// The file.
        path: PathBuf,
        /// The digest the configuration wants.
        expected: Digest,
        /// The digest it has.
        actual: Digest,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { path, reason } => write!(f, "{}: cannot read the plugin: {reason}", path.display()),
            Self::TooLarge { path } => {
                write!(f, "{}: larger than {} MiB; no plugin may be", path.display(), MAX_PLUGIN_BYTES >> 20)
            }
            Self::Pin { path, expected, actual } => write!(
                f,
                "{}: not the file the configuration pins\n  expected: {expected}\n  actual:   {actual}\n  if the change is wanted: sha256 = \"{actual}\"",
                path.display()
            ),
        }
    }
}

impl std::error::Error for Refusal {}

/// Reads the plugin at `path` once and holds it against `policy`.
pub fn admit(path: &Path, policy: &Policy) -> Result<AdmittedPlugin, Refusal> {
    let unreadable = |error: std::io::Error| Refusal::Unreadable { path: path.into(), reason: error.to_string() };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_PLUGIN_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_PLUGIN_BYTES {
        return Err(Refusal::TooLarge { path: path.into() });
    }
    let digest = Digest::of(&bytes);
    if let Some(expected) = policy.sha256.map(Digest::from_bytes).filter(|expected| *expected != digest) {
        return Err(Refusal::Pin { path: path.into(), expected, actual: digest });
    }
    Ok(AdmittedPlugin {
        name: policy.name.clone(),
        path: path.into(),
        bytes: bytes.into(),
        digest,
        level: TrustLevel::Unsigned,
    })
}
