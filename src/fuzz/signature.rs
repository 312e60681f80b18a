//! A signature file, under a fuzzer.

use std::sync::LazyLock;

use ed25519_compact::KeyPair;

use super::scratch::with_file;
use super::shown;
use crate::capability::Capability;
use crate::digest::Digest;
use crate::package::inside::{Cosignature, MAX_COSIGNATURES, SignatureFile, Signed, cosigner_message, fits, message};
use crate::package::{Flaw, Policy, PublicKey, Signer, Statement, TrustLevel, admit, signature_path, verdict};
use crate::time::Timestamp;

/// The plugin that is signed.
pub(super) const PLUGIN: &[u8] = b"\0asm\x01\0\0\0";

/// What was signed, by two keys of which nobody else can have anything signed.
pub(super) static GENUINE: LazyLock<SignatureFile> = LazyLock::new(|| {
    let (digest, size) = (Digest::of(PLUGIN), PLUGIN.len() as u64);
    let [ada, bob] = [7, 8].map(|seed: u8| KeyPair::from_seed([seed; 32].into()));
    let signer = |pair: &KeyPair, name: &str| Signer {
        key: PublicKey::from_bytes(*pair.pk).expect("a key"),
        name: name.to_owned(),
        email: format!("{name}@example.com"),
        signed_at: "2025-11-19T08:59:12Z".to_owned(),
    };
    let statement = Statement {
        plugin: "lights".to_owned(),
        version: Some(semver::Version::new(1, 2, 3)),
        capabilities: vec![Capability::Network, Capability::Midi],
        required_signatures: 2,
        expires_at: Timestamp::parse("2030-01-01T00:00:00Z"),
    };
    let (first, second) = (signer(&ada, "ada"), signer(&bob, "bob"));
    let signature = *ada.sk.sign(message(&statement, &first, digest, size), None);
    let cosignature = *bob.sk.sign(cosigner_message(&statement, &first, digest, size, &second), None);
    SignatureFile {
        digest,
        size,
        signature: *ada.sk.sign(digest.as_bytes(), None),
        signer: first,
        statement: Some(Signed {
            statement,
            signature,
            cosignatures: vec![Cosignature { signer: second, signature: cosignature }],
        }),
    }
});

/// A signature file is refused, or is the same when it is written and read again; signatures hold for nothing but what was signed; and
/// without a trusted key no file opens a door that asks for one.
pub fn signature(data: &[u8]) {
    match SignatureFile::read(data, PLUGIN.len() as u64, Digest::of(PLUGIN)) {
        Ok(file) => read(&file),
        Err(Flaw::Malformed(malformed)) => shown(&malformed),
        Err(Flaw::Size(_) | Flaw::Digest(_)) => {}
    }
    with_file("lights.wasm", PLUGIN, |plugin| {
        let signature = signature_path(plugin);
        let name = signature.file_name().and_then(std::ffi::OsStr::to_str).expect("a name");
        with_file(name, data, |_| {
            let trusting = Policy { name: "lights".to_owned(), require_signature: true, ..Policy::default() };
            let refusal = admit(plugin, &trusting).expect_err("nobody's key is trusted");
            shown(&refusal);
            let anybody = Policy { allow_self_signed: true, at: Timestamp::from_unix(1_763_542_752), ..trusting };
            let verdict = verdict(plugin, &anybody);
            shown(&verdict);
            assert!(serde_json::to_string(&verdict).is_ok());
            assert!(verdict.level < TrustLevel::Trusted);
            assert_eq!(verdict.refusal.is_none(), verdict.level == TrustLevel::SelfSigned, "{verdict}");
            assert!(verdict.refusal.is_some() || verdict.is_authentic());
        });
    });
}

fn read(file: &SignatureFile) {
    for Signer { name, email, signed_at, .. } in file.signers() {
        assert!(fits(name) && fits(email) && Timestamp::parse(signed_at).is_some());
    }
    if let Some(Signed { statement, cosignatures, .. }) = &file.statement {
        assert!(cosignatures.len() <= MAX_COSIGNATURES);
        assert!((1..=MAX_COSIGNATURES as u32 + 1).contains(&statement.required_signatures));
        assert!(statement.capabilities.is_sorted_by(|a, b| a < b));
        assert!(fits(&statement.plugin) && !statement.plugin.is_empty());
    }
    #[cfg(feature = "plugin-signing")]
    {
        let again = SignatureFile::read(file.to_json().as_bytes(), file.size, file.digest);
        assert_eq!(again.as_ref(), Ok(file));
    }
    if !file.forged().is_empty() {
        return;
    }
    let (first, genuine) = (&file.signer, &*GENUINE);
    assert_eq!(first.key, genuine.signer.key);
    if let (Some(signed), Some(genuine_signed)) = (&file.statement, &genuine.statement) {
        assert_eq!((first, &signed.statement), (&genuine.signer, &genuine_signed.statement));
        for Cosignature { signer, .. } in &signed.cosignatures {
            assert!(genuine_signed.cosignatures.iter().any(|cosignature| cosignature.signer == *signer));
        }
    }
}
