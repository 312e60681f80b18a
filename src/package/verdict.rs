//! Everything that was found out about a plugin file, for people and for programs.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::admission_error::AdmissionError;
use super::admit::TrustLevel;
use super::key::PublicKey;
use super::signature::signature_path;
use super::statement::{Signer, Statement};
use super::trust::KeyStanding;
use crate::digest::Digest;
use crate::text::Escape as _;

/// Everything that was found out about a plugin file. Its text is what `conductor plugin inspect` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The plugin.
    pub path: PathBuf,
    /// Whether it could be read; if not, size and digest mean nothing.
    pub read: bool,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Who is said to have signed it, the first signer first; empty when there is no usable signature file.
    pub signers: Vec<SignerVerdict>,
    /// What the first signer states about it.
    pub statement: Option<Statement>,
    /// Keys in the trust store; absent when none was read.
    pub trusted_keys: Option<usize>,
    /// How far its origin is known.
    pub level: TrustLevel,
    /// Why it is not admitted; absent when it is.
    pub refusal: Option<AdmissionError>,
    /// What is wrong with its signature, where the policy does not ask for one.
    pub tolerated: Option<AdmissionError>,
}

/// One signature of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerVerdict {
    /// Who is said to have signed.
    pub signer: Signer,
    /// Whether the signature holds.
    pub holds: bool,
    /// What the trust store says about the key.
    pub standing: KeyStanding,
    /// Whether the trust store asks for a statement of this key, and there is none.
    pub lacks_statement: bool,
    /// The keys that handed over to this one, by the trust store: the nearest first, none that is revoked.
    pub predecessors: Vec<PublicKey>,
}

impl SignerVerdict {
    /// Whether it is a valid signature by a trusted key.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.holds && !self.lacks_statement && matches!(self.standing, KeyStanding::Trusted { .. })
    }
}

impl Verdict {
    /// The verdict about a file that was not read yet.
    pub(super) fn unread(path: &Path) -> Self {
        Self {
            path: path.into(),
            read: false,
            size: 0,
            digest: Digest::from_bytes([0; 32]),
            signers: Vec::new(),
            statement: None,
            trusted_keys: None,
            level: TrustLevel::Unsigned,
            refusal: None,
            tolerated: None,
        }
    }
    /// Whether there are signatures and all of them hold.
    #[must_use]
    pub fn is_authentic(&self) -> bool {
        !self.signers.is_empty() && self.signers.iter().all(|signer| signer.holds)
    }
    /// The keys whose signatures count at this level.
    pub(super) fn counting_signers(&self) -> impl Iterator<Item = PublicKey> {
        self.signers
            .iter()
            .filter(|signer| match self.level {
                TrustLevel::Unsigned => false,
                TrustLevel::SelfSigned => signer.holds,
                TrustLevel::Trusted => signer.counts(),
            })
            .map(|signer| signer.signer.key)
    }
}

impl Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Text::from(self).serialize(serializer)
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.read {
            writeln!(f, "plugin:     {} ({} bytes)", self.path.escaped(), self.size)?;
            writeln!(f, "sha256:     {}", self.digest)?;
        }
        let stated = self.statement.is_some();
        for (index, signature) in self.signers.iter().enumerate() {
            let SignerVerdict { signer, holds, standing, .. } = signature;
            let label = if index == 0 { "signed by:  " } else { "co-signed:  " };
            let claim = if stated && *holds { "" } else { " (a claim: no signature covers the name)" };
            writeln!(f, "{label}{} <{}>{claim}", signer.name.escaped(), signer.email.escaped())?;
            writeln!(f, "            at {}", signer.signed_at.escaped())?;
            let holds = if *holds { "the signature holds" } else { "THE SIGNATURE DOES NOT HOLD" };
            writeln!(f, "            key {}: {standing}; {holds}", signer.key)?;
        }
        if let Some(statement) = self.statement.as_ref().filter(|_| self.is_authentic()) {
            writeln!(f, "states:     {}", statement.to_string().escaped())?;
        }
        writeln!(f, "level:      {}", self.level)?;
        if let Some(tolerated) = &self.tolerated {
            writeln!(f, "tolerated:  {}", indented(&tolerated.to_string()))?;
        }
        match &self.refusal {
            None => write!(f, "verdict:    admitted"),
            Some(refusal) => write!(f, "verdict:    refused: {}", indented(&refusal.to_string())),
        }
    }
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n          ")
}

impl std::fmt::Display for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.plugin)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        f.write_str("; capabilities: ")?;
        match self.capabilities.as_slice() {
            [] => f.write_str("none")?,
            capabilities => {
                let names: Vec<_> = capabilities.iter().map(|capability| capability.name()).collect();
                f.write_str(&names.join(", "))?;
            }
        }
        if self.required_signatures > 1 {
            write!(f, "; {} signatures required", self.required_signatures)?;
        }
        if let Some(at) = self.expires_at {
            write!(f, "; expires {at}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for KeyStanding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Trusted { name } => write!(f, "trusted as {name:?}"),
            Self::Unknown => f.write_str("not trusted"),
            Self::Retired { since, successor: Some(successor) } => {
                write!(f, "replaced on {since} by {successor}")
            }
            Self::Retired { since, successor: None } => write!(f, "trusted until {since}"),
            Self::Revoked { reason } => write!(f, "revoked: {reason}"),
        }
    }
}

#[derive(Serialize)]
struct Text {
    path: String,
    size: Option<u64>,
    sha256: Option<String>,
    signature: String,
    authentic: bool,
    level: String,
    admitted: bool,
    trusted_keys: Option<usize>,
    signers: Vec<SignerText>,
    statement: Option<StatementText>,
    refusal: Option<RefusalText>,
    tolerated: Option<RefusalText>,
}

#[derive(Serialize)]
struct SignerText {
    public_key: String,
    name: String,
    email: String,
    name_is_signed: bool,
    signed_at: String,
    holds: bool,
    standing: &'static str,
    detail: String,
}

#[derive(Serialize)]
struct StatementText {
    plugin: String,
    version: Option<String>,
    capabilities: Vec<&'static str>,
    required_signatures: u32,
    expires_at: Option<String>,
}

#[derive(Serialize)]
struct RefusalText {
    kind: &'static str,
    message: String,
    remedy: String,
}

impl From<&AdmissionError> for RefusalText {
    fn from(refusal: &AdmissionError) -> Self {
        let remedy = refusal.remedy();
        let text = refusal.to_string();
        let message = text.strip_suffix(&remedy).unwrap_or(&text).trim_end().to_owned();
        Self { kind: refusal.kind.word(), message, remedy }
    }
}

impl From<&Verdict> for Text {
    fn from(verdict: &Verdict) -> Self {
        let signers = verdict.signers.iter().map(|SignerVerdict { signer, holds, standing, .. }| SignerText {
            public_key: signer.key.to_string(),
            name: signer.name.clone(),
            email: signer.email.clone(),
            name_is_signed: *holds && verdict.statement.is_some(),
            signed_at: signer.signed_at.clone(),
            holds: *holds,
            standing: match standing {
                KeyStanding::Trusted { .. } => "trusted",
                KeyStanding::Unknown => "unknown",
                KeyStanding::Retired { .. } => "retired",
                KeyStanding::Revoked { .. } => "revoked",
            },
            detail: standing.to_string(),
        });
        let statement = verdict.statement.as_ref().filter(|_| verdict.is_authentic()).map(|statement| StatementText {
            plugin: statement.plugin.clone(),
            version: statement.version.as_ref().map(ToString::to_string),
            capabilities: statement.capabilities.iter().map(|capability| capability.name()).collect(),
            required_signatures: statement.required_signatures,
            expires_at: statement.expires_at.as_ref().map(ToString::to_string),
        });
        Self {
            path: verdict.path.to_string_lossy().into_owned(),
            size: verdict.read.then_some(verdict.size),
            sha256: verdict.read.then(|| verdict.digest.to_string()),
            signature: signature_path(&verdict.path).to_string_lossy().into_owned(),
            authentic: verdict.is_authentic(),
            level: verdict.level.to_string(),
            admitted: verdict.refusal.is_none(),
            trusted_keys: verdict.trusted_keys,
            signers: signers.collect(),
            statement,
            refusal: verdict.refusal.as_ref().map(Into::into),
            tolerated: verdict.tolerated.as_ref().map(Into::into),
        }
    }
}
