//! Why a plugin is not admitted, and what to do about it.

use std::path::PathBuf;

use super::admit::MAX_PLUGIN_BYTES;
use super::key::PublicKey;
use super::signature::Malformed;
use super::trust::TrustError;
use crate::digest::Digest;
use crate::text::Escape as _;
use crate::text::literal;
use crate::text::shell::word;
use crate::time::Timestamp;

/// Why a plugin is not admitted. The text of each says what happened, to which file or key, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
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
    /// A signature is required and there is none.
    Unsigned {
        /// The plugin.
        path: PathBuf,
        /// Where the signature would be.
        signature: PathBuf,
    },
    /// The signature file is there and cannot be read.
    SignatureUnreadable {
        /// The signature file.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// The signature file is not one.
    Malformed {
        /// The signature file.
        path: PathBuf,
        /// What is wrong with it.
        reason: Malformed,
    },
    /// The signature is for a file of another size.
    Size {
        /// The plugin.
        path: PathBuf,
        /// Bytes the signature is for.
        expected: u64,
        /// Bytes the plugin has.
        actual: u64,
    },
    /// The signature is for a file with another digest.
    Digest {
        /// The plugin.
        path: PathBuf,
        /// The digest the signature is for.
        expected: Digest,
        /// The digest the plugin has.
        actual: Digest,
    },
    /// A signature does not hold.
    BadSignature {
        /// The signature file.
        path: PathBuf,
        /// The key that is said to have made it.
        key: PublicKey,
    },
    /// No signature is by a trusted key.
    Untrusted {
        /// The plugin.
        path: PathBuf,
        /// The first signer's key.
        key: PublicKey,
        /// The name that goes with it.
        name: String,
    },
    /// A key that signed was replaced by another one.
    Retired {
        /// The plugin.
        path: PathBuf,
        /// The key.
        key: PublicKey,
        /// When it stopped to count.
        since: Timestamp,
        /// The key that took over.
        successor: Option<PublicKey>,
    },
    /// A key that signed was revoked.
    Revoked {
        /// The plugin.
        path: PathBuf,
        /// The key.
        key: PublicKey,
        /// Why.
        reason: String,
    },
    /// The signatures no longer hold.
    Expired {
        /// The plugin.
        path: PathBuf,
        /// Since when.
        at: Timestamp,
    },
    /// Fewer signatures count than are required.
    TooFewSignatures {
        /// The plugin.
        path: PathBuf,
        /// How many count.
        found: u32,
        /// How many are required.
        required: u32,
        /// Who requires that many.
        required_by: RequiredBy,
    },
    /// A key the configuration names did not sign.
    MissingSigner {
        /// The plugin.
        path: PathBuf,
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
        /// The plugin.
        path: PathBuf,
        /// The key.
        key: PublicKey,
    },
    /// An older version than the one last admitted.
    Downgrade {
        /// The plugin.
        path: PathBuf,
        /// The plugin's name in the configuration.
        name: String,
        /// What was last admitted.
        admitted: String,
        /// What is there now.
        found: String,
    },
    /// The file is now another plugin, signed as such.
    Substituted {
        /// The plugin.
        path: PathBuf,
        /// The plugin's name in the configuration.
        name: String,
        /// The signed name last admitted from there.
        admitted: String,
        /// The signed name now.
        found: String,
    },
    /// Whom the user trusts cannot be known.
    Trust(TrustError),
    /// The trust store the configuration names does not exist.
    NoTrustStore {
        /// Where it should be.
        path: PathBuf,
    },
    /// What was admitted before cannot be known, or not be kept.
    History {
        /// The state file.
        path: PathBuf,
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

impl Refusal {
    /// Whether nothing was found out about the plugin, rather than something that speaks against it.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        matches!(
            self,
            Self::Unreadable { .. }
                | Self::SignatureUnreadable { .. }
                | Self::BadRequiredSigner { .. }
                | Self::Trust(_)
                | Self::NoTrustStore { .. }
                | Self::History { .. }
        )
    }

    /// A word for programs, one per variant.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::TooLarge { .. } => "too-large",
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
            Self::Trust(_) => "unreadable-trust-store",
            Self::NoTrustStore { .. } => "no-trust-store",
            Self::History { .. } => "unreadable-history",
            Self::Unusable { .. } => "unusable",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check the path and the file's permissions".into(),
            Self::TooLarge { .. } => "strip debug information from the plugin (wasm-opt --strip-debug)".into(),
            Self::Pin { actual, .. } => format!("if the change is wanted: sha256 = \"{actual}\""),
            Self::Unsigned { path, .. } => format!(
                "ask the developer for the signature file; sign a plugin of your own with: conductor-sign sign {} KEY",
                word(path)
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
            Self::Trust(_) => "repair the file, or restore it from a backup".into(),
            Self::NoTrustStore { .. } => {
                "check trusted_keys_path, or add a first key: conductor-sign trust add KEY NAME --trusted-keys FILE"
                    .into()
            }
            Self::History { path, .. } => format!(
                "check the permissions of {}; removing the file forgets which versions were admitted",
                path.escaped()
            ),
            // It stands in the reason.
            Self::Unusable { .. } => String::new(),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { path, reason } => write!(f, "{}: cannot read the plugin: {reason}", path.escaped()),
            Self::TooLarge { path } => {
                write!(f, "{}: larger than {} MiB; no plugin may be", path.escaped(), MAX_PLUGIN_BYTES >> 20)
            }
            Self::Pin { path, expected, actual } => write!(
                f,
                "{}: not the file the configuration pins\n  expected: {expected}\n  actual:   {actual}",
                path.escaped()
            ),
            Self::Unsigned { path, signature } => {
                write!(f, "{}: not signed: there is no {}", path.escaped(), signature.escaped())
            }
            Self::SignatureUnreadable { path, reason } => {
                write!(f, "{}: cannot read the signature: {reason}", path.escaped())
            }
            Self::Malformed { path, reason } => {
                write!(f, "{}: malformed signature file: {}", path.escaped(), reason.to_string().escaped())
            }
            Self::Size { path, expected, actual } => {
                write!(f, "{}: {actual} bytes, but the signature is for {expected}", path.escaped())
            }
            Self::Digest { path, expected, actual } => {
                write!(f, "{}: not the file that was signed\n  signed: {expected}\n  actual: {actual}", path.escaped())
            }
            Self::BadSignature { path, key } => {
                write!(f, "{}: the signature of key {key} does not hold", path.escaped())
            }
            Self::Untrusted { path, key, name } => {
                write!(f, "{}: signed by a key that is not trusted: {key} ({})", path.escaped(), name.escaped())
            }
            Self::Retired { path, key, since, .. } => {
                write!(f, "{}: signed by the key {key}, which was replaced on {since}", path.escaped())
            }
            Self::Revoked { path, key, reason } => {
                write!(f, "{}: signed by the key {key}, which is revoked: {}", path.escaped(), reason.escaped())
            }
            Self::Expired { path, at } => write!(f, "{}: the signature expired on {at}", path.escaped()),
            Self::TooFewSignatures { path, found, required, required_by } => {
                let by = match required_by {
                    RequiredBy::Statement => "the signer",
                    RequiredBy::User => "the user",
                    RequiredBy::Presence => {
                        return write!(
                            f,
                            "{}: {required} signatures are there, and only {found} by trusted keys\n  {}",
                            path.escaped(),
                            self.remedy()
                        );
                    }
                };
                write!(f, "{}: {found} of {required} signatures that {by} requires", path.escaped())
            }
            Self::MissingSigner { path, key } => {
                write!(f, "{}: the key {key}, one of required_signers, did not sign", path.escaped())
            }
            Self::BadRequiredSigner { name, key } => {
                write!(f, "[plugins.{}] required_signers: {key} is not a public key", literal::shown_key(name))
            }
            Self::NoStatement { path, key } => write!(
                f,
                "{}: no statement in the signature, and the trust store requires one from the key {key}",
                path.escaped()
            ),
            Self::Downgrade { path, name, admitted, found } => write!(
                f,
                "{}: older than what was last admitted as {}\n  admitted: {}\n  found:    {}",
                path.escaped(),
                name.escaped(),
                admitted.escaped(),
                found.escaped()
            ),
            Self::Substituted { path, name, admitted, found } => {
                write!(f, "{}: {} was the plugin {admitted:?}, and now is {found:?}", path.escaped(), name.escaped())
            }
            Self::Trust(error) => error.fmt(f),
            Self::NoTrustStore { path } => write!(f, "{}: there is no such trust store", path.escaped()),
            Self::History { path, reason } => {
                write!(f, "{}: the record of admitted versions: {}", path.escaped(), reason.escaped())
            }
            Self::Unusable { reason } => return f.write_str(reason),
        }?;
        write!(f, "\n  {}", self.remedy())
    }
}

impl std::error::Error for Refusal {}
