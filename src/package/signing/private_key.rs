//! Private key files: 32 raw bytes, or sealed under a passphrase.

use std::fs::File;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::sealed::{self, SealError};
use super::{SigningError, SigningKey};
use crate::file;
use crate::package::key::PublicKey;
use crate::text::Escape as _;
use crate::text::shell::word;
use crate::time::SystemEntropy;

/// Largest private key file that is read, in bytes.
const MAX_BYTES: u64 = 4096;

/// An Ed25519 private key in memory; wiped when dropped.
pub struct PrivateKey {
    pair: ed25519_compact::KeyPair,
    public: PublicKey,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey of {}", self.public)
    }
}

/// Why a private key cannot be used or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFileError {
    /// There is no such file.
    NotFound {
        /// The names that were tried.
        tried: [PathBuf; 2],
    },
    /// The file cannot be read or written.
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// Others than its owner can read the file.
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds a public key.
    IsPublic {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The file is sealed, and was not opened.
    Sealed {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: SealError,
    },
    /// A key file would be overwritten.
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gave no randomness.
    Entropy(String),
}

impl std::fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound { tried: [first, second] } => write!(
                f,
                "there is no private key {} or {}\n  make one with: conductor-sign generate-key {}",
                first.escaped(),
                second.escaped(),
                word(second)
            ),
            Self::Io { path, reason } => write!(f, "{}: {reason}", path.escaped()),
            Self::Exposed { path, mode } => write!(
                f,
                "{}: others can read this private key (mode {mode:04o})\n  chmod 600 {}; if others may have read it, make a new one and rotate",
                path.escaped(),
                word(path)
            ),
            Self::IsPublic { path } => {
                write!(f, "{}: this is a public key; signing takes the private one beside it", path.escaped())
            }
            Self::NotAKey { path } => write!(
                f,
                "{}: not a private key: neither 32 raw bytes nor a file that generate-key --passphrase made",
                path.escaped()
            ),
            Self::Sealed { path, error } => write!(f, "{}: {error}", path.escaped()),
            Self::Exists { path } => write!(
                f,
                "{}: this file exists, and a lost key cannot be made again\n  choose another name, or move the old key away",
                path.escaped()
            ),
            Self::Entropy(reason) => write!(f, "the operating system gives no randomness: {reason}"),
        }
    }
}

impl std::error::Error for KeyFileError {}

/// `path` with `suffix` appended to its name.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

impl PrivateKey {
    /// A new key.
    pub fn generate() -> Result<Self, KeyFileError> {
        let seed = SystemEntropy::bytes().map_err(|error| KeyFileError::Entropy(error.to_string()))?;
        Self::from_seed(&Zeroizing::new(seed)).ok_or_else(|| KeyFileError::Entropy("only zeros".into()))
    }

    /// The key of a seed. All zeros is the mark of an empty file or of broken randomness, and no key.
    pub(super) fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        let mut wiped = ed25519_compact::Seed::new(*seed);
        let pair = ed25519_compact::KeyPair::try_from_seed(wiped);
        wiped.wipe_mut();
        let pair = pair.ok()?;
        let public = PublicKey::from_bytes(*pair.pk).ok()?;
        Some(Self { pair, public })
    }

    fn seed(&self) -> Zeroizing<[u8; 32]> {
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(&self.pair.sk[..32]); // a secret key is seed and public key, 64 bytes
        seed
    }

    /// Reads `<path>.private`, or else `path`. `passphrase` is asked for one when the file is sealed.
    pub fn read<E: From<KeyFileError>>(
        path: &Path,
        passphrase: impl FnOnce(&Path) -> Result<Zeroizing<String>, E>,
    ) -> Result<Self, E> {
        let tried = [with_suffix(path, ".private"), path.to_owned()];
        for path in &tried {
            match File::open(path) {
                Ok(file) => return Self::read_open(path, &file, passphrase),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(KeyFileError::Io { path: path.clone(), reason: error.to_string() }.into()),
            }
        }
        Err(KeyFileError::NotFound { tried }.into())
    }

    fn read_open<E: From<KeyFileError>>(
        path: &Path,
        file: &File,
        passphrase: impl FnOnce(&Path) -> Result<Zeroizing<String>, E>,
    ) -> Result<Self, E> {
        let io = |error: std::io::Error| KeyFileError::Io { path: path.into(), reason: error.to_string() };
        let bytes = Zeroizing::new(file::read_open(file, MAX_BYTES).map_err(io)?);
        let digits = bytes.trim_ascii();
        // Before the permissions: those of a public key are as they should be.
        if digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(KeyFileError::IsPublic { path: path.into() }.into());
        }
        // Asked of the open file, so that it is this one's permissions.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().map_err(io)?.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(KeyFileError::Exposed { path: path.into(), mode }.into());
            }
        }
        let not_a_key = || KeyFileError::NotAKey { path: path.into() };
        let seed: Zeroizing<[u8; 32]> = if bytes.len() == 32 {
            let mut seed = Zeroizing::new([0; 32]);
            seed.copy_from_slice(&bytes); // the length was just compared
            seed
        } else {
            let sealed = sealed::Sealed::parse(&bytes).ok_or_else(not_a_key)?;
            let failed = |error| KeyFileError::Sealed { path: path.into(), error };
            sealed.check().map_err(failed)?;
            let passphrase = passphrase(path)?;
            sealed.open(&passphrase).map_err(failed)?
        };
        Ok(Self::from_seed(&seed).ok_or_else(not_a_key)?)
    }

    /// Writes `<path>.private`, for its owner alone, and `<path>.public`. Overwrites neither. Directories that are
    /// missing are made, for their owner alone. Gives both paths.
    pub fn write(&self, path: &Path, passphrase: Option<&str>) -> Result<[PathBuf; 2], KeyFileError> {
        let [private, public] = [with_suffix(path, ".private"), with_suffix(path, ".public")];
        for path in [&private, &public] {
            if path.symlink_metadata().is_ok() {
                return Err(KeyFileError::Exists { path: path.clone() });
            }
        }
        let content = match passphrase {
            None => Zeroizing::new(self.seed().to_vec()),
            Some(passphrase) => {
                let sealed = sealed::Sealed::seal(&self.seed(), self.public, passphrase)
                    .map_err(|error| KeyFileError::Sealed { path: private.clone(), error })?;
                Zeroizing::new(sealed.to_json().into_bytes())
            }
        };
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => KeyFileError::Exists { path },
                _ => KeyFileError::Io { path, reason: error.to_string() },
            }
        };
        file::create_directory(&private).map_err(io(&private))?;
        file::create(&private, &content, 0o600).map_err(io(&private))?;
        file::create(&public, self.public.to_string().as_bytes(), 0o644).map_err(io(&public))?;
        Ok([private, public])
    }
}

impl SigningKey for PrivateKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }
    /// Deterministic, as RFC 8032 has it: the same message gives the same signature.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        Ok(*self.pair.sk.sign(message, None))
    }
}
