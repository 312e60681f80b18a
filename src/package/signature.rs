//! The signature file `<plugin>.wasm.sig`: version 1, with an authenticated statement and co-signatures where there are some.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::key::{KeyError, PublicKey};
use super::statement::{Signer, Statement};
use super::{json, statement};
use crate::capability::Capability;
use crate::digest::Digest;
use crate::text::hex::{self, HexError};
use crate::text::{clean_name, is_unsafe, json_error};
use crate::time::Timestamp;

/// Largest signature file that is read, in bytes: 32 co-signatures and a statement fit ten times over.
pub(super) const MAX_BYTES: u64 = 256 << 10;
/// Most co-signatures of one file. Each costs two verifications at admission.
pub(crate) const MAX_COSIGNATURES: usize = 32;
/// Longest name, address or date, in bytes.
const MAX_TEXT: usize = 256;

/// Longest text of a malformed file that a message shows, in bytes.
const MAX_SHOWN: usize = 64;

/// Where the signature of the plugin at `plugin` is: the same name with `.sig` appended.
#[must_use]
pub fn signature_path(plugin: &Path) -> PathBuf {
    let mut path = plugin.as_os_str().to_owned();
    path.push(".sig");
    path.into()
}

/// The signature file of a plugin: well-formed and for this plugin, nothing verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignatureFile {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) signer: Signer,
    pub(crate) signature: [u8; 64],
    pub(crate) statement: Option<Signed>,
}

/// A statement with its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) statement: Statement,
    pub(crate) signature: [u8; 64],
    pub(crate) cosignatures: Vec<Cosignature>,
}

/// One more signature over the same statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cosignature {
    pub(crate) signer: Signer,
    pub(crate) signature: [u8; 64],
}

/// Why a signature file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Malformed {
    /// Not JSON of the expected shape, in words that can be shown.
    Json(String),
    /// Another format version.
    Version(u64),
    /// Another signature algorithm.
    Algorithm(String),
    /// A field that should be hexadecimal is not.
    Hex {
        /// The key in the file.
        field: &'static str,
        /// What is wrong.
        error: HexError,
    },
    /// A public key that is none.
    Key {
        /// The key in the file.
        field: &'static str,
        /// What is wrong.
        error: KeyError,
    },
    /// A date that is not RFC 3339 in UTC, or a text that is empty, long or not printable.
    Text {
        /// The key in the file.
        field: &'static str,
    },
    /// A statement whose version is not a semantic version.
    PluginVersion(String),
    /// A capability that does not exist, stands twice, or is out of order.
    Capabilities,
    /// `required_signatures` is 0 or above what a file can hold.
    RequiredSignatures(u32),
    /// `statement` without `cosignatures` or the other way round: something was cut out.
    Cut,
    /// More co-signatures than a file may hold.
    TooMany(usize),
    /// One key signed twice.
    SignedTwice(PublicKey),
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(error) => f.write_str(error),
            Self::Version(version) => write!(f, "version is {version}, only 1 is known"),
            Self::Algorithm(name) => write!(f, "algorithm is {name:?}, only \"Ed25519\" is known"),
            Self::Hex { field, error } => write!(f, "{field}: {error}"),
            Self::Key { field, error } => write!(f, "{field}: {error}"),
            Self::Text { field } => write!(f, "{field}: empty, too long, not printable, or not a date in UTC"),
            Self::PluginVersion(version) => write!(f, "statement.version: {version:?} is not a semantic version"),
            Self::Capabilities => f.write_str("statement.capabilities: an unknown name, one twice, or out of order"),
            Self::RequiredSignatures(number) => write!(f, "statement.required_signatures: {number} is out of range"),
            Self::Cut => f.write_str("`statement` and `cosignatures` belong together, one of them is missing"),
            Self::TooMany(number) => write!(f, "{number} co-signatures, at most {MAX_COSIGNATURES} are read"),
            Self::SignedTwice(key) => write!(f, "the key {key} signed twice"),
        }
    }
}

impl std::error::Error for Malformed {}

#[derive(Serialize, Deserialize)]
struct FileText {
    version: u64,
    algorithm: String,
    plugin_hash: String,
    plugin_size: u64,
    public_key: String,
    signature: String,
    signed_at: String,
    developer: DeveloperText,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<StatementText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cosignatures: Option<Vec<CosignatureText>>,
}

#[derive(Serialize, Deserialize)]
struct DeveloperText {
    name: String,
    email: String,
}

/// Only the known keys: another one here would look as if a signature covered it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementText {
    plugin: String,
    version: Option<String>,
    capabilities: Vec<String>,
    required_signatures: u32,
    expires_at: Option<String>,
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CosignatureText {
    public_key: String,
    signature: String,
    signed_at: String,
    developer: CosignerText,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CosignerText {
    name: String,
    email: String,
}

/// Why a signature file is not one for a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// It is no signature file.
    Malformed(Malformed),
    /// It is for a file of this size in bytes.
    Size(u64),
    /// It is for a file with this digest.
    Digest(Digest),
}

impl From<Malformed> for Flaw {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl SignatureFile {
    /// Reads the signature file of a plugin of `plugin_size` bytes with `plugin_digest`: version, algorithm, shape, size,
    /// digest and encodings, in this order. Nothing is verified yet.
    pub(crate) fn read(bytes: &[u8], plugin_size: u64, plugin_digest: Digest) -> Result<Self, Flaw> {
        /// Read first, so that a file of another version is called that and not misshapen.
        #[derive(Deserialize)]
        struct Kind {
            version: u64,
            algorithm: Option<String>,
        }
        let kind: Kind = json::parse(bytes).map_err(|error| Malformed::Json(json_error(&error)))?;
        if kind.version != 1 {
            return Err(Malformed::Version(kind.version).into());
        }
        if let Some(algorithm) = kind.algorithm.filter(|name| name != "Ed25519") {
            return Err(Malformed::Algorithm(clean_name(&algorithm, MAX_SHOWN)).into());
        }
        let file: FileText = serde_json::from_slice(bytes).map_err(|error| Malformed::Json(json_error(&error)))?;
        if file.plugin_size != plugin_size {
            return Err(Flaw::Size(file.plugin_size));
        }
        let digest = Digest::from_bytes(from_hex("plugin_hash", &file.plugin_hash)?);
        if digest != plugin_digest {
            return Err(Flaw::Digest(digest));
        }
        let signer =
            Signer::parse("public_key", &file.public_key, file.signed_at, file.developer.name, file.developer.email)?;
        let signature = from_hex("signature", &file.signature)?;
        let statement = match (file.statement, file.cosignatures) {
            (None, None) => None,
            (Some(statement), Some(cosignatures)) => Some(Signed::parse(statement, cosignatures, signer.key)?),
            _ => return Err(Malformed::Cut.into()),
        };
        Ok(Self { digest, size: file.plugin_size, signer, signature, statement })
    }

    /// The file's text, pretty-printed, keys in the order of the format, with a newline at the end.
    #[cfg(feature = "plugin-signing")]
    pub(crate) fn to_json(&self) -> String {
        let cosigned = |cosignature: &Cosignature| CosignatureText {
            public_key: cosignature.signer.key.to_string(),
            signature: hex::encode(&cosignature.signature),
            signed_at: cosignature.signer.signed_at.clone(),
            developer: CosignerText { name: cosignature.signer.name.clone(), email: cosignature.signer.email.clone() },
        };
        let text = FileText {
            version: 1,
            algorithm: "Ed25519".into(),
            plugin_hash: self.digest.to_string(),
            plugin_size: self.size,
            public_key: self.signer.key.to_string(),
            signature: hex::encode(&self.signature),
            signed_at: self.signer.signed_at.clone(),
            developer: DeveloperText { name: self.signer.name.clone(), email: self.signer.email.clone() },
            statement: self.statement.as_ref().map(|signed| StatementText {
                plugin: signed.statement.plugin.clone(),
                version: signed.statement.version.as_ref().map(ToString::to_string),
                capabilities: signed.statement.capabilities.iter().map(ToString::to_string).collect(),
                required_signatures: signed.statement.required_signatures,
                expires_at: signed.statement.expires_at.as_ref().map(ToString::to_string),
                signature: hex::encode(&signed.signature),
            }),
            cosignatures: self.statement.as_ref().map(|signed| signed.cosignatures.iter().map(cosigned).collect()),
        };
        // Texts, numbers and lists of them: nothing here that JSON could not hold.
        let mut json = serde_json::to_string_pretty(&text).unwrap_or_default();
        json.push('\n');
        json
    }

    /// Who signed: the first signer, then the co-signers.
    pub(crate) fn signers(&self) -> impl Iterator<Item = &Signer> {
        let cosignatures = self.statement.iter().flat_map(|signed| &signed.cosignatures);
        std::iter::once(&self.signer).chain(cosignatures.map(|cosignature| &cosignature.signer))
    }

    /// The keys whose signatures do not hold; the file is authentic when there are none.
    pub(crate) fn forged(&self) -> Vec<PublicKey> {
        let mut forged = Vec::new();
        let first = self.signer.key;
        let mut holds = first.verify(self.digest.as_bytes(), &self.signature);
        if let Some(signed) = &self.statement {
            let message = statement::message(&signed.statement, &self.signer, self.digest, self.size);
            holds = holds && first.verify(&message, &signed.signature);
        }
        if !holds {
            forged.push(first);
        }
        for (signed, cosignature) in self
            .statement
            .iter()
            .flat_map(|signed| signed.cosignatures.iter().map(move |cosignature| (signed, cosignature)))
        {
            let signer = &cosignature.signer;
            let message = statement::cosigner_message(&signed.statement, &self.signer, self.digest, self.size, signer);
            if !signer.key.verify(&message, &cosignature.signature) {
                forged.push(signer.key);
            }
        }
        forged
    }
}

impl Signed {
    fn parse(text: StatementText, cosignatures: Vec<CosignatureText>, first: PublicKey) -> Result<Self, Malformed> {
        if cosignatures.len() > MAX_COSIGNATURES {
            return Err(Malformed::TooMany(cosignatures.len()));
        }
        let version = match text.version {
            Some(version) => {
                let parsed = semver::Version::parse(&version).ok().filter(|_| version.len() <= MAX_TEXT);
                Some(parsed.ok_or_else(|| Malformed::PluginVersion(clean_name(&version, MAX_SHOWN)))?)
            }
            None => None,
        };
        let capabilities: Vec<_> = text
            .capabilities
            .iter()
            .map(|name| Capability::ALL.into_iter().find(|capability| capability.name() == name))
            .collect::<Option<_>>()
            .ok_or(Malformed::Capabilities)?;
        if !capabilities.is_sorted_by(|a, b| a < b) {
            return Err(Malformed::Capabilities);
        }
        if !(1..=MAX_COSIGNATURES as u32 + 1).contains(&text.required_signatures) {
            return Err(Malformed::RequiredSignatures(text.required_signatures));
        }
        let expires_at = match text.expires_at {
            Some(date) => {
                // One spelling only, because it is the spelling that is signed.
                let time = Timestamp::parse(&date).filter(|time| time.to_string() == date);
                Some(time.ok_or(Malformed::Text { field: "statement.expires_at" })?)
            }
            None => None,
        };
        let statement = Statement {
            plugin: checked("statement.plugin", text.plugin)?,
            version,
            capabilities,
            required_signatures: text.required_signatures,
            expires_at,
        };
        let signature = from_hex("statement.signature", &text.signature)?;
        let mut signers = vec![first];
        let mut read = Vec::with_capacity(cosignatures.len());
        for text in cosignatures {
            let CosignerText { name, email } = text.developer;
            let signer = Signer::parse("cosignatures.public_key", &text.public_key, text.signed_at, name, email)?;
            if signers.contains(&signer.key) {
                return Err(Malformed::SignedTwice(signer.key));
            }
            signers.push(signer.key);
            read.push(Cosignature { signer, signature: from_hex("cosignatures.signature", &text.signature)? });
        }
        Ok(Self { statement, signature, cosignatures: read })
    }
}

impl Signer {
    fn parse(
        field: &'static str,
        key: &str,
        signed_at: String,
        name: String,
        email: String,
    ) -> Result<Self, Malformed> {
        let key = PublicKey::parse(key).map_err(|error| Malformed::Key { field, error })?;
        if signed_at.len() > MAX_TEXT || Timestamp::parse(&signed_at).is_none() {
            return Err(Malformed::Text { field: "signed_at" });
        }
        Ok(Self { key, name: claimed("developer.name", name)?, email: claimed("developer.email", email)?, signed_at })
    }
}

fn from_hex<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], Malformed> {
    hex::decode(text).map_err(|error| Malformed::Hex { field, error })
}

/// Whether `text` may go to a terminal as it is.
pub(crate) fn is_printable(text: &str) -> bool {
    !text.contains(is_unsafe)
}

/// Whether `text` may be a name, an address or a reason: at most 256 bytes, printable. May be empty.
pub(crate) fn fits(text: &str) -> bool {
    text.len() <= MAX_TEXT && is_printable(text)
}

fn claimed(field: &'static str, text: String) -> Result<String, Malformed> {
    if fits(&text) { Ok(text) } else { Err(Malformed::Text { field }) }
}

fn checked(field: &'static str, text: String) -> Result<String, Malformed> {
    if text.is_empty() { Err(Malformed::Text { field }) } else { claimed(field, text) }
}
