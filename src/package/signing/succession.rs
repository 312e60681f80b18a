//! The record with which an old key hands over to a new one: both sign the same bytes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::{SigningError, SigningKey, signed};
use crate::file;
use crate::package::key::PublicKey;
use crate::package::{json, signature};
use crate::text::hex;
use crate::text::{Escape as _, json_error};
use crate::time::Timestamp;

/// Begins what both keys sign.
const CONTEXT: &[u8] = b"conductor-key-succession-v1\0";
/// What the file calls itself.
const KIND: &str = "conductor-key-succession";
/// Largest record that is read, in bytes.
const MAX_BYTES: u64 = 16 << 10;

/// A verified record: the owner of `old` says that `new` is theirs, too, and `old` ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    /// The key that ends.
    pub old: PublicKey,
    /// The key that takes over.
    pub new: PublicKey,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Until when signatures by both are accepted.
    pub transition_until: Timestamp,
    /// Why, in the owner's words; may be empty.
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordText {
    #[serde(rename = "type")]
    kind: String,
    version: u32,
    old_key: String,
    new_key: String,
    issued_at: String,
    transition_until: String,
    reason: String,
    old_signature: String,
    new_signature: String,
}

/// Why a succession record cannot be used or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuccessionError {
    /// The file cannot be read or written.
    Io {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file is no succession record.
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// One of its two signatures does not hold.
    Forged {
        /// The file.
        path: PathBuf,
        /// The key that is said to have made it.
        key: PublicKey,
    },
    /// A key cannot succeed itself.
    SameKey(PublicKey),
    /// The reason is too long or cannot be printed.
    Reason,
    /// It could not be signed.
    Signing(SigningError),
}

impl std::fmt::Display for SuccessionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { path, reason } => write!(f, "{}: {reason}", path.escaped()),
            Self::Malformed { path, reason } => write!(f, "{}: not a succession record: {reason}", path.escaped()),
            Self::Forged { path, key } => write!(
                f,
                "{}: the signature of key {key} does not hold\n  do not trust the new key; ask the developer through another channel",
                path.escaped()
            ),
            Self::SameKey(key) => write!(f, "old and new key are the same: {key}"),
            Self::Reason => f.write_str("the reason is longer than 256 bytes or has characters that cannot be printed"),
            Self::Signing(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SuccessionError {}

impl Succession {
    /// The 60 bytes both keys sign.
    fn message(&self) -> Vec<u8> {
        let mut body = [*self.old.as_bytes(), *self.new.as_bytes()].concat();
        for text in [&self.issued_at.to_string(), &self.transition_until.to_string(), &self.reason] {
            body.extend_from_slice(&(text.len() as u32).to_le_bytes()); // each is below a kilobyte
            body.extend_from_slice(text.as_bytes());
        }
        [CONTEXT, &sha2::Sha256::digest(body)].concat()
    }

    /// Signs with both keys, and writes the record to `path`, which must not exist yet.
    pub fn sign(
        old: &dyn SigningKey,
        new: &dyn SigningKey,
        issued_at: Timestamp,
        transition_until: Timestamp,
        reason: &str,
        path: &Path,
    ) -> Result<Self, SuccessionError> {
        let record =
            Self { old: old.public_key(), new: new.public_key(), issued_at, transition_until, reason: reason.into() };
        if record.old == record.new {
            return Err(SuccessionError::SameKey(record.old));
        }
        if !signature::fits(reason) {
            return Err(SuccessionError::Reason);
        }
        let message = record.message();
        let sign = |key: &dyn SigningKey| {
            signed(key, &message).map(|signature| hex::encode(&signature)).map_err(SuccessionError::Signing)
        };
        let text = RecordText {
            kind: KIND.into(),
            version: 1,
            old_key: record.old.to_string(),
            new_key: record.new.to_string(),
            issued_at: issued_at.to_string(),
            transition_until: transition_until.to_string(),
            reason: reason.into(),
            old_signature: sign(old)?,
            new_signature: sign(new)?,
        };
        let io = |reason: String| SuccessionError::Io { path: path.into(), reason };
        let mut json = serde_json::to_vec_pretty(&text).map_err(|error| io(error.to_string()))?;
        json.push(b'\n');
        file::create(path, &json, 0o644).map_err(|error| {
            let taken = error.kind() == std::io::ErrorKind::AlreadyExists;
            io(if taken { "this file exists; choose another name with --output".into() } else { error.to_string() })
        })?;
        Ok(record)
    }

    /// Reads the record at `path` and verifies both signatures.
    pub fn read(path: &Path) -> Result<Self, SuccessionError> {
        let malformed = |reason: String| SuccessionError::Malformed { path: path.into(), reason };
        let bytes = file::read(path, MAX_BYTES)
            .map_err(|error| SuccessionError::Io { path: path.into(), reason: error.to_string() })?;
        let text: RecordText = json::parse(&bytes).map_err(|error| malformed(json_error(&error)))?;
        if text.kind != KIND || text.version != 1 {
            return Err(malformed(format!("it is not {KIND:?}, version 1")));
        }
        let key = |text: &str| PublicKey::parse(text).map_err(|error| malformed(error.to_string()));
        let date = |text: &str| {
            let time = Timestamp::parse(text).filter(|time| time.to_string() == text);
            time.ok_or_else(|| malformed(format!("{text:?} is not a date")))
        };
        let record = Self {
            old: key(&text.old_key)?,
            new: key(&text.new_key)?,
            issued_at: date(&text.issued_at)?,
            transition_until: date(&text.transition_until)?,
            reason: text.reason,
        };
        if record.old == record.new {
            return Err(SuccessionError::SameKey(record.old));
        }
        if !signature::fits(&record.reason) {
            return Err(SuccessionError::Reason);
        }
        let message = record.message();
        for (key, signature) in [(record.old, &text.old_signature), (record.new, &text.new_signature)] {
            let signature = hex::decode(signature).map_err(|error| malformed(error.to_string()))?;
            if !key.verify(&message, &signature) {
                return Err(SuccessionError::Forged { path: path.into(), key });
            }
        }
        Ok(record)
    }
}
