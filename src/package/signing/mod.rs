//! The signer's side: private keys, signing and co-signing, succession, edits of the trust store.

mod private_key;
mod sealed;
mod succession;
mod token_uri;
mod trust_edit;

#[cfg(feature = "hardware-key")]
mod token;

use std::path::{Path, PathBuf};

pub use private_key::{KeyFileError, PrivateKey};
pub use sealed::SealError;
pub use succession::{Succession, SuccessionError};
#[cfg(feature = "hardware-key")]
pub use token::{Token, TokenError};
pub use token_uri::{PinSource, TokenUri, UriError};
pub use trust_edit::{Edited, TrustEditError, TrustFile};

use super::key::PublicKey;
use super::signature::{Cosignature, Flaw, MAX_BYTES, MAX_COSIGNATURES, SignatureFile, Signed};
use super::statement::{self, Signer, Statement};
use super::{AdmissionError, AdmittedPlugin, Policy, admit, signature, signature_path};
use crate::file;
use crate::text::Escape as _;

/// Something that signs: a key file or a token.
pub trait SigningKey {
    /// The key others verify with.
    fn public_key(&self) -> PublicKey;
    /// The Ed25519 signature of `message`.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError>;
}

/// Why something was not signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningError {
    /// The plugin cannot be read.
    Plugin(AdmissionError),
    /// The signature file cannot be read or written.
    File {
        /// The signature file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The signature file to be co-signed is not one for this plugin.
    Flawed {
        /// The signature file.
        path: PathBuf,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// A signature in the file to be co-signed does not hold.
    Forged {
        /// The signature file.
        path: PathBuf,
        /// The key that is said to have made it.
        key: PublicKey,
    },
    /// There is no statement to co-sign.
    NoStatement {
        /// The signature file.
        path: PathBuf,
    },
    /// The key signed already.
    SignedAlready {
        /// The signature file.
        path: PathBuf,
        /// The key whose signature is in the file already.
        key: PublicKey,
    },
    /// The file is full.
    TooMany {
        /// The signature file.
        path: PathBuf,
    },
    /// The token refused, or what it gave is no signature of its key.
    Token(String),
    /// A name that cannot stand in a signature file.
    Text {
        /// Which of the texts it is, as it is called in messages.
        what: &'static str,
    },
    /// More signatures required than a file can hold, or none.
    Threshold(u32),
}

impl std::fmt::Display for SigningError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plugin(refusal) => refusal.fmt(f),
            Self::File { path, reason } => write!(f, "{}: {reason}", path.escaped()),
            Self::Flawed { path, flaw } => {
                write!(
                    f,
                    "{}: {flaw}\n  let the first signer sign this build: conductor-sign sign PLUGIN KEY --name NAME --email EMAIL",
                    path.escaped()
                )
            }
            Self::Forged { path, key } => write!(
                f,
                "{}: the signature of key {key} does not hold\n  do not co-sign this; fetch plugin and signature again",
                path.escaped()
            ),
            Self::NoStatement { path } => write!(
                f,
                "{}: there is no statement to co-sign: another program wrote this file\n  let the first signer sign again with conductor-sign sign",
                path.escaped()
            ),
            Self::SignedAlready { path, key } => write!(
                f,
                "{}: the key {key} has signed this already\n  a co-signature takes another person's key",
                path.escaped()
            ),
            Self::TooMany { path } => {
                write!(f, "{}: {MAX_COSIGNATURES} co-signatures, and no more are read", path.escaped())
            }
            Self::Token(reason) => write!(f, "the token did not sign: {}", reason.escaped()),
            Self::Text { what } => {
                write!(f, "the {what} is empty, longer than 256 bytes, or has characters that cannot be printed")
            }
            Self::Threshold(number) => {
                write!(f, "{number} signatures cannot be required: 1 to {} can", MAX_COSIGNATURES + 1)
            }
        }
    }
}

impl std::error::Error for SigningError {}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::Size(size) => write!(f, "the signature is for a file of {size} bytes"),
            Self::Digest(digest) => write!(f, "the signature is for a file with SHA-256 {digest}"),
        }
    }
}

/// A plugin that is about to be signed: read once.
#[derive(Debug)]
pub struct Signing(AdmittedPlugin);

impl Signing {
    /// Reads the plugin at `path`.
    pub fn read(path: &Path) -> Result<Self, SigningError> {
        // The signer's own build: nothing is asked of it but that it can be read.
        admit(path, &Policy::default()).map(Self).map_err(SigningError::Plugin)
    }
    /// The plugin file as it was read: the bytes that are signed.
    #[must_use]
    pub fn plugin(&self) -> &AdmittedPlugin {
        &self.0
    }
    fn size(&self) -> u64 {
        self.0.bytes().len() as u64
    }
    /// Signs it, and writes the signature file beside it, in the place of an older one. Gives the file's path.
    pub fn sign(
        &self,
        key: &dyn SigningKey,
        name: &str,
        email: &str,
        signed_at: crate::time::Timestamp,
        statement: Statement,
    ) -> Result<PathBuf, SigningError> {
        let signer = signer(key, name, email, signed_at)?;
        fits("plugin's name", &statement.plugin, false)?;
        if !(1..=MAX_COSIGNATURES as u32 + 1).contains(&statement.required_signatures) {
            return Err(SigningError::Threshold(statement.required_signatures));
        }
        let message = statement::message(&statement, &signer, self.0.digest(), self.size());
        let signature = SignatureFile {
            digest: self.0.digest(),
            size: self.size(),
            signature: signed(key, self.0.digest().as_bytes())?,
            statement: Some(Signed { signature: signed(key, &message)?, statement, cosignatures: Vec::new() }),
            signer,
        };
        self.write(&signature)
    }
    /// Adds a signature over the statement that is beside it. Gives the file's path, how many signatures it has now, and
    /// how many are required.
    pub fn cosign(
        &self,
        key: &dyn SigningKey,
        name: &str,
        email: &str,
        signed_at: crate::time::Timestamp,
    ) -> Result<(PathBuf, usize, u32), SigningError> {
        let path = signature_path(self.0.path());
        let unusable = |error: std::io::Error| SigningError::File { path: path.clone(), reason: error.to_string() };
        let cosigner = signer(key, name, email, signed_at)?;
        let _lock = file::EditLock::take(&path).map_err(unusable)?;
        let bytes = file::read(&path, MAX_BYTES).map_err(|error| {
            let hint = "\n  the first signer signs with: conductor-sign sign PLUGIN KEY --name NAME --email EMAIL";
            let hint = if error.kind() == std::io::ErrorKind::NotFound { hint } else { "" };
            SigningError::File { path: path.clone(), reason: format!("cannot read the signature: {error}{hint}") }
        })?;
        let mut signature = SignatureFile::read(&bytes, self.size(), self.0.digest())
            .map_err(|flaw| SigningError::Flawed { path: path.clone(), flaw })?;
        if let Some(key) = signature.forged().first() {
            return Err(SigningError::Forged { path, key: *key });
        }
        if signature.signers().any(|signer| signer.key == cosigner.key) {
            return Err(SigningError::SignedAlready { path, key: cosigner.key });
        }
        let Some(stated) = &mut signature.statement else {
            return Err(SigningError::NoStatement { path });
        };
        if stated.cosignatures.len() >= MAX_COSIGNATURES {
            return Err(SigningError::TooMany { path });
        }
        let message = statement::cosigner_message(
            &stated.statement,
            &signature.signer,
            signature.digest,
            signature.size,
            &cosigner,
        );
        stated.cosignatures.push(Cosignature { signature: signed(key, &message)?, signer: cosigner });
        let (now, required) = (stated.cosignatures.len() + 1, stated.statement.required_signatures);
        Ok((self.write(&signature)?, now, required))
    }

    fn write(&self, signature: &SignatureFile) -> Result<PathBuf, SigningError> {
        let path = signature_path(self.0.path());
        file::replace(&path, signature.to_json().as_bytes())
            .map_err(|error| SigningError::File { path: path.clone(), reason: error.to_string() })?;
        Ok(path)
    }
}

fn signer(
    key: &dyn SigningKey,
    name: &str,
    email: &str,
    signed_at: crate::time::Timestamp,
) -> Result<Signer, SigningError> {
    fits("name", name, false)?;
    fits("e-mail address", email, true)?;
    Ok(Signer { key: key.public_key(), name: name.into(), email: email.into(), signed_at: signed_at.to_string() })
}

fn fits(what: &'static str, text: &str, may_be_empty: bool) -> Result<(), SigningError> {
    if signature::fits(text) && (may_be_empty || !text.is_empty()) { Ok(()) } else { Err(SigningError::Text { what }) }
}

/// The signature of `message`, verified: a faulty token or memory must not give away a key or ruin a release.
fn signed(key: &dyn SigningKey, message: &[u8]) -> Result<[u8; 64], SigningError> {
    let signature = key.sign(message)?;
    if key.public_key().verify(message, &signature) {
        Ok(signature)
    } else {
        Err(SigningError::Token("the signature it gave does not hold".into()))
    }
}
