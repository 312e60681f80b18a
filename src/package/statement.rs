//! What a signer says about a plugin, and the bytes that are signed for it.
//!
//! `docs/signing.md` specifies these bytes for other implementations; a test there and here keeps the two together.

use sha2::Digest as _;

use super::key::PublicKey;
use crate::capability::Capability;
use crate::digest::Digest;
use crate::time::Timestamp;

/// Begins what a plugin's first signer signs.
const STATEMENT: &[u8] = b"conductor-plugin-statement-v1\0";
/// Begins what a co-signer signs.
const COSIGNATURE: &[u8] = b"conductor-plugin-cosignature-v1\0";

/// What the signature file's `statement` adds to the version 1 keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The plugin's own name.
    pub plugin: String,
    /// The plugin's version, by which an older build is told from a newer one; absent when its signer states none.
    pub version: Option<semver::Version>,
    /// Capabilities it asks for, in the order of [`Capability::ALL`], each once.
    pub capabilities: Vec<Capability>,
    /// Signatures, the first signer's included, without which the plugin is not complete; at least 1.
    pub required_signatures: u32,
    /// When the signatures stop to hold.
    pub expires_at: Option<Timestamp>,
}

/// Who signed, as they name themselves, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Their key.
    pub key: PublicKey,
    /// What they call themselves: a claim, unless a statement's signature covers it.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// When they signed, as they wrote it.
    pub signed_at: String,
}

/// The message of the statement's signature: 62 bytes that depend on everything `signer` states about the plugin.
pub(crate) fn message(statement: &Statement, signer: &Signer, digest: Digest, size: u64) -> Vec<u8> {
    [STATEMENT, &sha2::Sha256::digest(body(statement, signer, digest, size))].concat()
}

/// The message of a co-signature: 96 bytes that depend on the same, and on what `cosigner` says of themselves.
pub(crate) fn cosigner_message(
    statement: &Statement,
    signer: &Signer,
    digest: Digest,
    size: u64,
    cosigner: &Signer,
) -> Vec<u8> {
    let statement = sha2::Sha256::digest(body(statement, signer, digest, size));
    let mut own = Vec::new();
    own.extend_from_slice(cosigner.key.as_bytes());
    text(&mut own, &cosigner.signed_at);
    text(&mut own, &cosigner.name);
    text(&mut own, &cosigner.email);
    [COSIGNATURE, &statement, &sha2::Sha256::digest(own)].concat()
}

/// The canonical bytes of a statement.
fn body(statement: &Statement, signer: &Signer, digest: Digest, size: u64) -> Vec<u8> {
    let mut body = Vec::with_capacity(256);
    body.extend_from_slice(signer.key.as_bytes());
    body.extend_from_slice(digest.as_bytes());
    body.extend_from_slice(&size.to_le_bytes());
    text(&mut body, &signer.signed_at);
    text(&mut body, &signer.name);
    text(&mut body, &signer.email);
    text(&mut body, &statement.plugin);
    text(&mut body, &statement.version.as_ref().map(ToString::to_string).unwrap_or_default());
    body.extend_from_slice(&(statement.capabilities.len() as u32).to_le_bytes()); // there are six capabilities
    for capability in &statement.capabilities {
        text(&mut body, capability.name());
    }
    body.extend_from_slice(&statement.required_signatures.to_le_bytes());
    text(&mut body, &statement.expires_at.as_ref().map(ToString::to_string).unwrap_or_default());
    body
}

/// A text with its length in bytes before it, so that no two lists of texts have the same bytes.
fn text(body: &mut Vec<u8>, text: &str) {
    // Texts come from files far below 4 GiB.
    body.extend_from_slice(&(text.len() as u32).to_le_bytes());
    body.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hex;

    fn signer(seed: u8) -> Signer {
        let pair = ed25519_compact::KeyPair::from_seed([seed; 32].into());
        Signer {
            key: PublicKey::from_bytes(*pair.pk).unwrap(),
            name: "Ada".into(),
            email: "ada@example.com".into(),
            signed_at: "2025-11-19T08:59:12Z".into(),
        }
    }

    fn statement() -> Statement {
        Statement {
            plugin: "lights".into(),
            version: Some(semver::Version::new(1, 2, 3)),
            capabilities: vec![Capability::Network, Capability::Midi],
            required_signatures: 2,
            expires_at: Timestamp::parse("2030-01-01T00:00:00Z"),
        }
    }

    #[test]
    fn the_canonical_bytes_are_the_documented_ones() {
        // The example of docs/signing.md: a change of either needs a new version of the statement.
        let body = hex::encode(&body(&statement(), &signer(7), Digest::of(b"plugin"), 6));
        let documentation = include_str!("../../docs/signing.md");
        let example: String = documentation
            .split("<!-- canonical bytes -->")
            .nth(1)
            .expect("the example")
            .lines()
            .filter(|line| line.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .collect();
        assert_eq!(body, example);
    }

    #[test]
    fn messages_differ_in_length_from_each_other_and_from_a_digest() {
        let (digest, first) = (Digest::of(b"plugin"), signer(7));
        assert_eq!(message(&statement(), &first, digest, 6).len(), 62);
        assert_eq!(cosigner_message(&statement(), &first, digest, 6, &signer(8)).len(), 96);
    }
}
