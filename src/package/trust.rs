//! The trust store `trusted_keys.toml`: whose signatures count, and whose no longer do.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::key::{KeyError, PublicKey};
use super::signature::is_printable;
use crate::file;
use crate::text::Escape as _;
use crate::text::toml_error;
use crate::time::Timestamp;

/// Largest trust store that is read, in bytes: some thousands of keys.
pub(super) const MAX_BYTES: u64 = 1 << 20;

/// Trusted and revoked keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustStore {
    keys: Vec<TrustedKey>,
    revoked: Vec<RevokedKey>,
}

/// One `[[keys]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// Who it belongs to, in the user's words.
    pub name: String,
    /// Their e-mail address; may be empty.
    pub email: String,
    /// The key.
    pub key: PublicKey,
    /// When the user added it.
    pub added_at: String,
    /// Until when it is accepted, where a successor has taken over.
    pub valid_until: Option<Timestamp>,
    /// The key that took over.
    pub succeeded_by: Option<PublicKey>,
    /// Whether its signatures count only with an authenticated statement.
    pub require_statement: bool,
}

/// One `[[revoked]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedKey {
    /// The key.
    pub key: PublicKey,
    /// The reason as the user wrote it; may be empty.
    pub reason: String,
    /// When the user revoked it.
    pub revoked_at: String,
}

/// What the trust store says about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStanding {
    /// It is trusted.
    Trusted {
        /// Whose it is.
        name: String,
    },
    /// Nobody vouched for it.
    Unknown,
    /// It was trusted until its successor took over.
    Retired {
        /// When that was.
        since: Timestamp,
        /// The key that took over.
        successor: Option<PublicKey>,
    },
    /// It is refused.
    Revoked {
        /// The reason that stands beside the key.
        reason: String,
    },
}

/// Why a trust store cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustError {
    /// The file.
    pub subject: PathBuf,
    /// What is wrong with it.
    pub kind: TrustErrorKind,
}

/// What is wrong with a trust store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustErrorKind {
    /// It cannot be read.
    Unreadable {
        /// What the operating system said.
        reason: String,
    },
    /// It is no TOML of the expected shape.
    Toml {
        /// What is wrong, and where.
        reason: String,
    },
    /// A key in it is none.
    Key {
        /// The text that stands there.
        text: String,
        /// What is wrong.
        error: KeyError,
    },
    /// A date in it is none.
    Date {
        /// The text that stands there.
        text: String,
    },
    /// A text in it could not be printed.
    Text {
        /// The key it belongs to.
        key: PublicKey,
    },
    /// A key stands in it twice.
    Twice {
        /// The key.
        key: PublicKey,
    },
}

impl TrustErrorKind {
    /// The error of the trust store at `subject`.
    pub(super) fn of(self, subject: &Path) -> TrustError {
        TrustError { subject: subject.to_owned(), kind: self }
    }
}

impl std::fmt::Display for TrustErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { reason } => write!(f, "cannot read the trust store: {reason}"),
            Self::Toml { reason } => write!(f, "not a trust store: {reason}"),
            Self::Key { text, error } => write!(f, "public_key = {text:?}: {error}"),
            Self::Date { text } => write!(f, "valid_until = {text:?}: not a date like 2030-01-31T00:00:00Z"),
            Self::Text { key } => {
                write!(f, "the name, e-mail or reason of {key} has characters that cannot be printed")
            }
            Self::Twice { key } => write!(f, "the key {key} stands there twice"),
        }
    }
}

impl std::fmt::Display for TrustError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.subject.escaped(), self.kind)
    }
}

impl std::error::Error for TrustError {}

/// Other writers' extra keys are ignored, as they ignore ours.
#[derive(Deserialize)]
struct StoreText {
    #[serde(default)]
    keys: Vec<KeyText>,
    #[serde(default)]
    revoked: Vec<RevokedText>,
}

#[derive(Deserialize)]
struct KeyText {
    name: String,
    email: String,
    public_key: String,
    added_at: DateText,
    valid_until: Option<String>,
    succeeded_by: Option<String>,
    #[serde(default)]
    require_statement: bool,
}

#[derive(Deserialize)]
struct RevokedText {
    public_key: String,
    reason: String,
    revoked_at: DateText,
}

/// A date as a TOML string or as a TOML date.
#[derive(Deserialize)]
#[serde(untagged)]
enum DateText {
    Text(String),
    Date(toml::value::Datetime),
}

impl From<DateText> for String {
    fn from(date: DateText) -> Self {
        match date {
            DateText::Text(text) => text,
            DateText::Date(date) => date.to_string(),
        }
    }
}

impl TrustStore {
    /// Reads the store at `path`. A file that does not exist is an empty store.
    #[cfg(feature = "plugin-signing")]
    pub fn load(path: &Path) -> Result<Self, TrustError> {
        match Self::load_existing(path) {
            Ok(None) => Ok(Self::default()),
            Ok(Some(store)) => Ok(store),
            Err(error) => Err(error),
        }
    }

    /// Reads the store at `path`, if there is one.
    pub(crate) fn load_existing(path: &Path) -> Result<Option<Self>, TrustError> {
        let unreadable = |reason: String| TrustErrorKind::Unreadable { reason }.of(path);
        let bytes = match file::read(path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
        Self::parse(&text, path).map(Some)
    }

    /// Reads the text of a store; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, TrustError> {
        let text: StoreText =
            toml::from_str(text).map_err(|error| TrustErrorKind::Toml { reason: toml_error(&error) }.of(path))?;
        let key = |text: &str| {
            PublicKey::parse(text).map_err(|error| TrustErrorKind::Key { text: text.into(), error }.of(path))
        };
        let printable = |key: PublicKey, texts: &[&String]| {
            let fine = texts.iter().all(|text| is_printable(text));
            if fine { Ok(()) } else { Err(TrustErrorKind::Text { key }.of(path)) }
        };
        let mut store = Self::default();
        for entry in text.keys {
            let valid_until = match entry.valid_until {
                Some(date) => {
                    Some(Timestamp::parse(&date).ok_or_else(|| TrustErrorKind::Date { text: date.clone() }.of(path))?)
                }
                None => None,
            };
            let entry = TrustedKey {
                key: key(&entry.public_key)?,
                name: entry.name,
                email: entry.email,
                added_at: entry.added_at.into(),
                valid_until,
                succeeded_by: entry.succeeded_by.as_deref().map(key).transpose()?,
                require_statement: entry.require_statement,
            };
            printable(entry.key, &[&entry.name, &entry.email, &entry.added_at])?;
            if store.find(entry.key).is_some() {
                return Err(TrustErrorKind::Twice { key: entry.key }.of(path));
            }
            store.keys.push(entry);
        }
        for entry in text.revoked {
            let key = key(&entry.public_key)?;
            let entry = RevokedKey { key, reason: entry.reason, revoked_at: entry.revoked_at.into() };
            printable(key, &[&entry.reason, &entry.revoked_at])?;
            store.revoked.push(entry);
        }
        Ok(store)
    }

    /// The trusted keys, in the file's order.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }
    /// The revoked keys, in the file's order.
    #[cfg(feature = "plugin-signing")]
    pub fn revoked(&self) -> &[RevokedKey] {
        &self.revoked
    }
    /// The entry of `key` among the trusted ones. It may be retired or revoked all the same: ask [`Self::standing`].
    pub fn find(&self, key: PublicKey) -> Option<&TrustedKey> {
        self.keys.iter().find(|entry| entry.key == key)
    }
    /// The keys that handed over to `key`, and to those in turn: the nearest first, none that is revoked.
    pub fn predecessors(&self, key: PublicKey) -> Vec<PublicKey> {
        let mut found = vec![key];
        let mut at = 0;
        while let Some(&successor) = found.get(at) {
            at += 1;
            for entry in self.keys.iter().filter(|entry| entry.succeeded_by == Some(successor)) {
                let revoked = self.revoked.iter().any(|revoked| revoked.key == entry.key);
                if !revoked && !found.contains(&entry.key) {
                    found.push(entry.key);
                }
            }
        }
        found.remove(0);
        found
    }
    /// What the store says about `key` at the time `at`. A revocation outweighs everything else.
    pub fn standing(&self, key: PublicKey, at: Timestamp) -> KeyStanding {
        if let Some(entry) = self.revoked.iter().find(|entry| entry.key == key) {
            return KeyStanding::Revoked { reason: entry.reason.clone() };
        }
        match self.find(key) {
            None => KeyStanding::Unknown,
            Some(TrustedKey { valid_until: Some(until), succeeded_by, .. }) if *until <= at => {
                KeyStanding::Retired { since: *until, successor: *succeeded_by }
            }
            Some(entry) => KeyStanding::Trusted { name: entry.name.clone() },
        }
    }
}
