//! Why a plugin is not admitted, and what to do about it.

use std::path::{Path, PathBuf};

use super::admit::MAX_PLUGIN_BYTES;
use super::key::PublicKey;
use super::signature::Malformed;
use super::trust::TrustErrorKind;
use crate::digest::Digest;
use crate::text::Escape as _;
use crate::text::literal;
use crate::text::shell::word;
use crate::time::Timestamp;

/// Why a plugin is not admitted. The text of each says what happened, to which file or key, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionError {
    /// The file it lies with: the plugin, or its signature, the trust store, the record of what was admitted.
    pub subject: PathBuf,
    /// What is wrong with it.
    pub kind: AdmissionErrorKind,
}

/// What speaks against a plugin, or what is not known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdmissionErrorKind {
    /// The file cannot be read.
    Unreadable {
        /// What the operating system said.
        reason: String,
    },
    /// The file is larger than any plugin may be.
    TooLarge,
    /// The file is not the one the configuration pins.
    Pin {
        /// The digest the configuration wants.
        expected: Digest,
        /// The digest it has.
        actual: Digest,
    },
    /// A signature is required and there is none.
    Unsigned {
        /// Where the signature would be.
        signature: PathBuf,
    },
    /// The signature file is there and cannot be read.
    SignatureUnreadable {
        /// What the operating system said.
        reason: String,
    },
    /// The signature file is not one.
    Malformed {
        /// What is wrong with it.
        reason: Malformed,
    },
    /// The signature is for a file of another size.
    Size {
        /// Bytes the signature is for.
        expected: u64,
        /// Bytes the plugin has.
        actual: u64,
    },
    /// The signature is for a file with another digest.
    Digest {
        /// The digest the signature is for.
        expected: Digest,
        /// The digest the plugin has.
        actual: Digest,
    },
    /// A signature does not hold.
    BadSignature {
        /// The key that is said to have made it.
        key: PublicKey,
    },
    /// No signature is by a trusted key.
    Untrusted {
        /// The first signer's key.
        key: PublicKey,
        /// The name that goes with it.
        name: String,
    },
    /// A key that signed was replaced by another one.
    Retired {
        /// The key.
        key: PublicKey,
        /// When it stopped to count.
        since: Timestamp,
        /// The key that took over.
        successor: Option<PublicKey>,
    },
    /// A key that signed was revoked.
    Revoked {
        /// The key.
        key: PublicKey,
        /// The reason that the trust store gives for the revocation.
        reason: String,
    },
    /// The signatures no longer hold.
    Expired {
        /// Since when.
        at: Timestamp,
    },
    /// Fewer signatures count than are required.
    TooFewSignatures {
        /// How many count.
        found: u32,
        /// How many are required.
        required: u32,
        /// Who requires that many.
        required_by: RequiredBy,
    },
    /// A key the configuration names did not sign.
    MissingSigner {
        /// The key.
        key: PublicKey,
    },
    /// A key the configuration names is none.
    BadRequiredSigner {
        /// The plugin's name.
        name: String,
        /// What stands there, in hexadecimal.
        key: String,
    },
    /// A signer whose signatures always come with a statement, and here there is none.
    NoStatement {
        /// The key.
        key: PublicKey,
    },
    /// An older version than the one last admitted.
    Downgrade {
        /// The plugin's name in the configuration.
        name: String,
        /// What was last admitted.
        admitted: String,
        /// What is there now.
        found: String,
    },
    /// The file is now another plugin, signed as such.
    Substituted {
        /// The plugin's name in the configuration.
        name: String,
        /// The signed name last admitted from there.
        admitted: String,
        /// The signed name now.
        found: String,
    },
    /// Whom the user trusts cannot be known.
    TrustStore(TrustErrorKind),
    /// The trust store the configuration names does not exist.
    NoTrustStore,
    /// What was admitted before cannot be known, or not be kept.
    History {
        /// What is wrong.
        reason: String,
    },
    /// Its origin speaks for it, and yet it cannot run: it is no module that can be loaded, or lacks what it needs for that.
    Unusable {
        /// Why, and what to do.
        reason: String,
    },
}

/// Who requires a number of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequiredBy {
    /// The signer, in the statement.
    Statement,
    /// The user.
    User,
    /// Whoever verifies by hand: every signature that is there has to count.
    Presence,
}

impl AdmissionErrorKind {
    /// The error, which lies with the file at `subject`.
    pub(crate) fn of(self, subject: &Path) -> AdmissionError {
        AdmissionError { subject: subject.to_owned(), kind: self }
    }

    /// Whether nothing was found out about the plugin, rather than something that speaks against it.
    #[must_use]
    pub const fn is_undecided(&self) -> bool {
        matches!(
            self,
            Self::Unreadable { .. }
                | Self::SignatureUnreadable { .. }
                | Self::BadRequiredSigner { .. }
                | Self::TrustStore(_)
                | Self::NoTrustStore
                | Self::History { .. }
        )
    }

    /// Whether its origin speaks for the plugin, which cannot run all the same.
    #[must_use]
    pub const fn is_unusable(&self) -> bool {
        matches!(self, Self::Unusable { .. })
    }

    /// A word for programs, one per variant.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::TooLarge => "too-large",
            Self::Pin { .. } => "pin",
            Self::Unsigned { .. } => "unsigned",
            Self::SignatureUnreadable { .. } => "signature-unreadable",
            Self::Malformed { .. } => "malformed-signature",
            Self::Size { .. } => "size",
            Self::Digest { .. } => "digest",
            Self::BadSignature { .. } => "bad-signature",
            Self::Untrusted { .. } => "untrusted-key",
            Self::Retired { .. } => "retired-key",
            Self::Revoked { .. } => "revoked-key",
            Self::Expired { .. } => "expired",
            Self::TooFewSignatures { .. } => "too-few-signatures",
            Self::MissingSigner { .. } => "missing-signer",
            Self::BadRequiredSigner { .. } => "bad-required-signer",
            Self::NoStatement { .. } => "no-statement",
            Self::Downgrade { .. } => "downgrade",
            Self::Substituted { .. } => "substituted",
            Self::TrustStore(_) => "unreadable-trust-store",
            Self::NoTrustStore => "no-trust-store",
            Self::History { .. } => "unreadable-history",
            Self::Unusable { .. } => "unusable",
        }
    }

    /// What to do about it, where it lies with the file at `subject`.
    fn remedy(&self, subject: &Path) -> String {
        match self {
            Self::Unreadable { .. } => "check the path and the file's permissions".into(),
            Self::TooLarge => "strip debug information from the plugin (wasm-opt --strip-debug)".into(),
            Self::Pin { actual, .. } => format!("if the change is wanted: sha256 = \"{actual}\""),
            Self::Unsigned { .. } => format!(
                "ask the developer for the signature file; sign a plugin of your own with: conductor-sign sign {} KEY",
                word(subject)
            ),
            Self::SignatureUnreadable { .. } => "check the file's permissions".into(),
            Self::Malformed { .. } => "fetch plugin and signature again from the developer".into(),
            Self::Size { .. } | Self::Digest { .. } => {
                "the plugin was changed after it was signed: fetch both files again, or sign the new build".into()
            }
            Self::BadSignature { .. } => {
                "plugin or signature was tampered with: do not use it; fetch both files again from the developer".into()
            }
            Self::Untrusted { key, name, .. } => format!(
                "compare the key with the one the developer publishes; if it is theirs: conductor-sign trust add {key} {}",
                word(name)
            ),
            Self::Retired { successor, .. } => match successor {
                Some(successor) => format!("get a release signed by its successor {successor}"),
                None => "get a release signed by a key that is still trusted".into(),
            },
            Self::Revoked { .. } => "do not use it; get a release signed by another key of the developer".into(),
            Self::Expired { .. } => "get a newer release, or ask the developer to sign this one again".into(),
            Self::TooFewSignatures { required_by: RequiredBy::Statement, .. } => {
                "trust the co-signers' keys, too (conductor-sign trust add), or fetch the complete signature file"
                    .into()
            }
            Self::TooFewSignatures { required_by: RequiredBy::User, .. } => {
                "trust the co-signers' keys, too, have it co-signed (conductor-sign cosign), or lower min_signatures"
                    .into()
            }
            Self::TooFewSignatures { required_by: RequiredBy::Presence, found, .. } => format!(
                "trust the co-signers' keys, too (conductor-sign trust add), or be content with fewer: --min-signatures {found}"
            ),
            Self::MissingSigner { key, .. } => {
                format!("have it co-signed by that key, or take {key} out of required_signers")
            }
            Self::BadRequiredSigner { .. } => "give 64 hexadecimal digits as conductor-sign prints them".into(),
            Self::NoStatement { .. } => {
                "fetch the developer's own signature file: a part of it was cut out, or it is by another program".into()
            }
            Self::Downgrade { name, .. } => {
                format!(
                    "if the older version is wanted: [plugins.{}] dangerous_allow_downgrade = true",
                    literal::shown_key(name)
                )
            }
            Self::Substituted { name, .. } => format!(
                "put the plugin back, or give the new one its own path; to accept it here: [plugins.{}] dangerous_allow_downgrade = true",
                literal::shown_key(name)
            ),
            Self::TrustStore(_) => "repair the file, or restore it from a backup".into(),
            Self::NoTrustStore => {
                "check trusted_keys_path, or add a first key: conductor-sign trust add KEY NAME --trusted-keys FILE"
                    .into()
            }
            Self::History { .. } => format!(
                "check the permissions of {}; removing the file forgets which versions were admitted",
                subject.escaped()
            ),
            // It stands in the reason.
            Self::Unusable { .. } => String::new(),
        }
    }
}

impl std::fmt::Display for AdmissionErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { reason } => write!(f, "cannot read the plugin: {reason}"),
            Self::TooLarge => write!(f, "larger than {} MiB; no plugin may be", MAX_PLUGIN_BYTES >> 20),
            Self::Pin { expected, actual } => {
                write!(f, "not the file the configuration pins\n  expected: {expected}\n  actual:   {actual}")
            }
            Self::Unsigned { signature } => write!(f, "not signed: there is no {}", signature.escaped()),
            Self::SignatureUnreadable { reason } => write!(f, "cannot read the signature: {reason}"),
            Self::Malformed { reason } => write!(f, "malformed signature file: {}", reason.to_string().escaped()),
            Self::Size { expected, actual } => write!(f, "{actual} bytes, but the signature is for {expected}"),
            Self::Digest { expected, actual } => {
                write!(f, "not the file that was signed\n  signed: {expected}\n  actual: {actual}")
            }
            Self::BadSignature { key } => write!(f, "the signature of key {key} does not hold"),
            Self::Untrusted { key, name } => {
                write!(f, "signed by a key that is not trusted: {key} ({})", name.escaped())
            }
            Self::Retired { key, since, .. } => write!(f, "signed by the key {key}, which was replaced on {since}"),
            Self::Revoked { key, reason } => {
                write!(f, "signed by the key {key}, which is revoked: {}", reason.escaped())
            }
            Self::Expired { at } => write!(f, "the signature expired on {at}"),
            Self::TooFewSignatures { found, required, required_by } => {
                let by = match required_by {
                    RequiredBy::Statement => "the signer",
                    RequiredBy::User => "the user",
                    RequiredBy::Presence => {
                        return write!(f, "{required} signatures are there, and only {found} by trusted keys");
                    }
                };
                write!(f, "{found} of {required} signatures that {by} requires")
            }
            Self::MissingSigner { key } => write!(f, "the key {key}, one of required_signers, did not sign"),
            Self::BadRequiredSigner { name, key } => {
                write!(f, "[plugins.{}] required_signers: {key} is not a public key", literal::shown_key(name))
            }
            Self::NoStatement { key } => {
                write!(f, "no statement in the signature, and the trust store requires one from the key {key}")
            }
            Self::Downgrade { name, admitted, found } => write!(
                f,
                "older than what was last admitted as {}\n  admitted: {}\n  found:    {}",
                name.escaped(),
                admitted.escaped(),
                found.escaped()
            ),
            Self::Substituted { name, admitted, found } => {
                write!(f, "{} was the plugin {admitted:?}, and now is {found:?}", name.escaped())
            }
            Self::TrustStore(kind) => kind.fmt(f),
            Self::NoTrustStore => f.write_str("there is no such trust store"),
            Self::History { reason } => write!(f, "the record of admitted versions: {}", reason.escaped()),
            Self::Unusable { reason } => f.write_str(reason),
        }
    }
}

impl AdmissionError {
    /// What to do about it; empty where the text says it.
    #[must_use]
    pub fn remedy(&self) -> String {
        self.kind.remedy(&self.subject)
    }
}

impl std::fmt::Display for AdmissionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            AdmissionErrorKind::Unusable { reason } => return f.write_str(reason),
            // It lies with the configuration.
            kind @ AdmissionErrorKind::BadRequiredSigner { .. } => kind.fmt(f)?,
            kind => write!(f, "{}: {kind}", self.subject.escaped())?,
        }
        write!(f, "\n  {}", self.remedy())
    }
}

impl std::error::Error for AdmissionError {}
