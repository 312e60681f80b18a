//! Edits of `trusted_keys.toml`. Comments, order and keys of other programs stay as they are.

use std::path::{Path, PathBuf};

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::succession::Succession;
use crate::file;
use crate::package::key::PublicKey;
use crate::package::signature;
use crate::package::trust::{self, KeyStanding, TrustError, TrustErrorKind, TrustStore};
use crate::text::Escape as _;
use crate::time::Timestamp;

/// A trust store that is being edited; other editors wait.
#[derive(Debug)]
pub struct TrustFile {
    path: PathBuf,
    document: DocumentMut,
    store: TrustStore,
    _lock: file::EditLock,
}

/// What an edit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The key that was added, revoked or replaced.
    pub key: PublicKey,
    /// Whose it is.
    pub name: String,
    /// Trusted keys now.
    pub trusted: usize,
}

/// Why the trust store was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustEditError {
    /// It cannot be used as it is.
    Store(TrustError),
    /// It cannot be written.
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// Its `keys` or `revoked` is written in a way that cannot be edited.
    Layout {
        /// The file.
        path: PathBuf,
        /// Which of the two.
        table: &'static str,
    },
    /// The key is trusted already.
    TrustedAlready {
        /// The key that is in the store already.
        key: PublicKey,
        /// Under which name.
        name: String,
    },
    /// The key was revoked.
    Revoked {
        /// The trust store.
        path: PathBuf,
        /// The key that stands among the revoked ones.
        key: PublicKey,
        /// Why it was revoked, in the user's words.
        reason: String,
    },
    /// No trusted key begins like that.
    NoSuchKey(String),
    /// Several trusted keys begin like that.
    Ambiguous {
        /// What was given.
        prefix: String,
        /// All trusted keys that begin like that.
        keys: Vec<PublicKey>,
    },
    /// What was given is no beginning of a key.
    NotAPrefix(String),
    /// The key that hands over is not trusted.
    OldKeyUnknown(PublicKey),
    /// The key that hands over was replaced before.
    OldKeyReplaced {
        /// The key that was to hand over.
        key: PublicKey,
        /// By which key, where that is known.
        successor: Option<PublicKey>,
    },
    /// A name, address or reason that cannot be printed, or no name.
    Text(&'static str),
}

impl std::fmt::Display for TrustEditError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => write!(f, "{error}\n  nothing was changed: repair the file first"),
            Self::Io { path, reason } => write!(f, "{}: cannot write the trust store: {reason}", path.escaped()),
            Self::Layout { path, table } => {
                write!(f, "{}: `{table}` is an inline list\n  write it as [[{table}]] tables", path.escaped())
            }
            Self::TrustedAlready { key, name } => write!(f, "the key {key} is trusted already, as {name:?}"),
            Self::Revoked { path, key, reason } => write!(
                f,
                "the key {key} is revoked: {reason}\n  if that was a mistake, remove its [[revoked]] entry from {}",
                path.escaped()
            ),
            Self::NoSuchKey(prefix) => {
                write!(f, "no trusted key begins with {}\n  see: conductor-sign trust list", prefix.escaped())
            }
            Self::Ambiguous { prefix, keys } => {
                write!(f, "{} trusted keys begin with {prefix}; give more digits:", keys.len())?;
                keys.iter().try_for_each(|key| write!(f, "\n  {key}"))
            }
            Self::NotAPrefix(text) => {
                write!(f, "{text:?} is not the beginning of a key: hexadecimal digits, at most 64")
            }
            Self::OldKeyUnknown(key) => write!(
                f,
                "the succession is from the key {key}, which is not trusted here\n  if the new key is the developer's, add it by itself: conductor-sign trust add KEY NAME"
            ),
            Self::OldKeyReplaced { key, successor: Some(successor) } => {
                write!(f, "the key {key} was replaced already, by {successor}")
            }
            Self::OldKeyReplaced { key, successor: None } => write!(f, "the key {key} is no longer trusted"),
            Self::Text(what) => write!(f, "the {what} is empty, longer than 256 bytes, or cannot be printed"),
        }
    }
}

impl std::error::Error for TrustEditError {}

fn fits(what: &'static str, text: &str, may_be_empty: bool) -> Result<(), TrustEditError> {
    if signature::fits(text) && (may_be_empty || !text.is_empty()) { Ok(()) } else { Err(TrustEditError::Text(what)) }
}

impl TrustFile {
    /// Opens the store at `path` for an edit. A file that does not exist is made when something is added.
    pub fn open(path: &Path) -> Result<Self, TrustEditError> {
        let io = |error: std::io::Error| TrustEditError::Io { path: path.into(), reason: error.to_string() };
        file::create_directory(path).map_err(io)?;
        let lock = file::EditLock::take(path).map_err(io)?;
        let unreadable = |reason: String| TrustEditError::Store(TrustErrorKind::Unreadable { reason }.of(path));
        let text = match file::read(path, trust::MAX_BYTES) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let store = TrustStore::parse(&text, path).map_err(TrustEditError::Store)?;
        let document = text.parse().map_err(|error: toml_edit::TomlError| {
            TrustEditError::Store(TrustErrorKind::Toml { reason: error.to_string() }.of(path))
        })?;
        Ok(Self { path: path.into(), document, store, _lock: lock })
    }

    /// Trusts `key`.
    pub fn add(
        mut self,
        key: PublicKey,
        name: &str,
        email: &str,
        require_statement: bool,
        at: Timestamp,
    ) -> Result<Edited, TrustEditError> {
        fits("name", name, false)?;
        fits("e-mail address", email, true)?;
        self.addable(key)?;
        let mut entry = entry(key, name, email, at);
        if require_statement {
            entry.insert("require_statement", value(true));
        }
        self.tables("keys")?.push(entry);
        self.save(key, name)
    }

    /// Moves trust from the old key to the new one; until the end of the transition both are accepted. The new entry
    /// takes over the old one's name and address.
    pub fn succeed(mut self, record: &Succession, at: Timestamp) -> Result<Edited, TrustEditError> {
        if let KeyStanding::Revoked { reason } = self.store.standing(record.old, at) {
            return Err(TrustEditError::Revoked { path: self.path, key: record.old, reason });
        }
        let old = self.store.find(record.old).ok_or(TrustEditError::OldKeyUnknown(record.old))?.clone();
        // Once replaced, a key has no say in who is trusted: whoever found it later must not add a key of their own.
        if old.valid_until.is_some() {
            return Err(TrustEditError::OldKeyReplaced { key: record.old, successor: old.succeeded_by });
        }
        self.addable(record.new)?;
        let position = self.store.keys().iter().position(|entry| entry.key == record.old);
        let tables = self.tables("keys")?;
        if let Some(table) = position.and_then(|position| tables.get_mut(position)) {
            table.insert("valid_until", value(record.transition_until.to_string()));
            table.insert("succeeded_by", value(record.new.to_string()));
        }
        let mut entry = entry(record.new, &old.name, &old.email, at);
        entry.insert("succeeds", value(record.old.to_string()));
        if old.require_statement {
            entry.insert("require_statement", value(true));
        }
        tables.push(entry);
        self.save(record.new, &old.name)
    }

    /// No longer trusts the one key that begins with `prefix`.
    pub fn remove(mut self, prefix: &str) -> Result<Edited, TrustEditError> {
        let position = self.position(prefix)?;
        let removed = self.store.keys().get(position).cloned();
        self.take_out(position)?;
        match removed {
            Some(removed) => self.save(removed.key, &removed.name),
            None => Err(TrustEditError::NoSuchKey(prefix.into())),
        }
    }

    /// Refuses from now on whatever the key signed, trusted before or not: `key` is a whole key or the beginning of a
    /// trusted one.
    pub fn revoke(mut self, key: &str, reason: &str, at: Timestamp) -> Result<Edited, TrustEditError> {
        fits("reason", reason, false)?;
        let trusted = self.position(key).ok();
        let (key, name) = match trusted.and_then(|position| self.store.keys().get(position)) {
            Some(entry) => (entry.key, entry.name.clone()),
            None => match PublicKey::parse(key) {
                Ok(key) => (key, String::new()),
                Err(_) => return self.position(key).and(Err(TrustEditError::NoSuchKey(key.into()))),
            },
        };
        if let KeyStanding::Revoked { reason } = self.store.standing(key, at) {
            return Err(TrustEditError::Revoked { path: self.path, key, reason });
        }
        if let Some(position) = trusted {
            self.take_out(position)?;
        }
        let mut entry = Table::new();
        if !name.is_empty() {
            entry.insert("name", value(&name));
        }
        entry.insert("public_key", value(key.to_string()));
        entry.insert("reason", value(reason));
        entry.insert("revoked_at", value(at.to_string()));
        self.tables("revoked")?.push(entry);
        self.save(key, &name)
    }

    /// Takes out the `[[keys]]` at `position`. A comment right above it goes with it; what stands further up, past an empty
    /// line, belongs to the file and stays.
    fn take_out(&mut self, position: usize) -> Result<(), TrustEditError> {
        let tables = self.tables("keys")?;
        let above =
            tables.get(position).and_then(|table| table.decor().prefix()?.as_str()).unwrap_or_default().to_owned();
        tables.remove(position);
        let Some((kept, _)) = above.rsplit_once("\n\n").filter(|(kept, _)| !kept.trim().is_empty()) else {
            return Ok(());
        };
        if let Some(next) = tables.get_mut(position) {
            let below = next.decor().prefix().and_then(toml_edit::RawString::as_str).unwrap_or_default();
            let joined = format!("{kept}\n\n{}", below.trim_start_matches('\n'));
            next.decor_mut().set_prefix(joined);
        } else {
            let below = self.document.trailing().as_str().unwrap_or_default();
            let joined = format!("{}\n{below}", kept.trim_end());
            self.document.set_trailing(joined);
        }
        Ok(())
    }

    fn addable(&self, key: PublicKey) -> Result<(), TrustEditError> {
        if let Some(revoked) = self.store.revoked().iter().find(|entry| entry.key == key) {
            return Err(TrustEditError::Revoked { path: self.path.clone(), key, reason: revoked.reason.clone() });
        }
        match self.store.find(key) {
            Some(entry) => Err(TrustEditError::TrustedAlready { key, name: entry.name.clone() }),
            None => Ok(()),
        }
    }

    /// Where the one trusted key that begins with `prefix` stands. Dots at the end, as in a shortened key, are ignored.
    fn position(&self, prefix: &str) -> Result<usize, TrustEditError> {
        let digits = prefix.trim_end_matches(['.', '…']).to_ascii_lowercase();
        if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(TrustEditError::NotAPrefix(prefix.into()));
        }
        let matching: Vec<_> = self
            .store
            .keys()
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.key.to_string().starts_with(&digits))
            .collect();
        match matching.as_slice() {
            [] => Err(TrustEditError::NoSuchKey(digits)),
            [(position, _)] => Ok(*position),
            several => Err(TrustEditError::Ambiguous {
                prefix: digits,
                keys: several.iter().map(|(_, entry)| entry.key).collect(),
            }),
        }
    }

    fn tables(&mut self, name: &'static str) -> Result<&mut ArrayOfTables, TrustEditError> {
        let layout = TrustEditError::Layout { path: self.path.clone(), table: name };
        let item = self.document.entry(name).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        // An empty inline list says the same as no table at all.
        if item.as_array().is_some_and(toml_edit::Array::is_empty) {
            *item = Item::ArrayOfTables(ArrayOfTables::new());
        }
        item.as_array_of_tables_mut().ok_or(layout)
    }

    /// Writes the file, after a look at whether what was written is a store.
    fn save(self, key: PublicKey, name: &str) -> Result<Edited, TrustEditError> {
        let text = self.document.to_string();
        let store = TrustStore::parse(&text, &self.path).map_err(TrustEditError::Store)?;
        file::replace(&self.path, text.as_bytes())
            .map_err(|error| TrustEditError::Io { path: self.path.clone(), reason: error.to_string() })?;
        Ok(Edited { key, name: name.into(), trusted: store.keys().len() })
    }
}

fn entry(key: PublicKey, name: &str, email: &str, at: Timestamp) -> Table {
    let mut entry = Table::new();
    entry.insert("name", value(name));
    entry.insert("email", value(email));
    entry.insert("public_key", value(key.to_string()));
    entry.insert("added_at", value(at.to_string()));
    entry
}
