//! Signature files of an independent implementation (OpenSSL) verify here, and ours verify there.

#![cfg(feature = "plugin-signing")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::missing;
use crate::support::signing::{SMALL_PLUGIN, Workshop};
use conductor::internals::digest::Digest;
use conductor::internals::package::signing::SigningKey as _;
use conductor::internals::package::{PublicKey, admit};

/// DER before the 32 bytes of an Ed25519 private key (RFC 8410).
const PRIVATE: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// DER before the 32 bytes of an Ed25519 public key.
const PUBLIC: &[u8] = &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// Runs OpenSSL in `directory`; none when there is no OpenSSL 3.
fn openssl(directory: &Path, arguments: &[&str]) -> Option<(bool, Vec<u8>)> {
    let version = Command::new("openssl").arg("version").output().ok()?;
    if !version.stdout.starts_with(b"OpenSSL 3") {
        return None;
    }
    let output = Command::new("openssl").args(arguments).current_dir(directory).output().ok()?;
    Some((output.status.success(), output.stdout))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("below 16");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[test]
fn a_signature_file_by_openssl_is_admitted_here() {
    let workshop = Workshop::new();
    let directory = workshop.scratch.path();
    // The key is OpenSSL's own.
    let Some((true, _)) = openssl(directory, &["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]) else {
        missing::present(false, "signing_interop", "openssl");
        return;
    };
    let (_, der) = openssl(directory, &["pkey", "-in", "key.pem", "-pubout", "-outform", "DER"]).unwrap();
    let public: [u8; 32] = der.strip_prefix(PUBLIC).expect("an Ed25519 key").try_into().unwrap();
    let (_, digest) = openssl(directory, &["dgst", "-sha256", "-binary", "lights.wasm"]).unwrap();
    workshop.scratch.file("digest", &digest);
    let sign = ["pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "digest"];
    let (signed, signature) = openssl(directory, &sign).unwrap();
    assert!(signed);
    let file = serde_json::json!({
        "version": 1,
        "algorithm": "Ed25519",
        "plugin_hash": hex(&digest),
        "plugin_size": SMALL_PLUGIN.len(),
        "public_key": hex(&public),
        "signature": hex(&signature),
        "signed_at": "2025-11-19T08:59:12.345678901+00:00",
        "developer": {"name": "Grace", "email": "grace@example.com"},
    });
    workshop.write_signature(&file);
    let key = PublicKey::from_bytes(public).unwrap();
    workshop.trust(&[]);
    workshop.trust_line(&format!(
        "[[keys]]\nname = \"Grace\"\nemail = \"grace@example.com\"\npublic_key = \"{key}\"\nadded_at = 2025-11-19T08:59:12Z"
    ));
    let plugin = admit(&workshop.plugin, &workshop.strict()).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(plugin.signers().collect::<Vec<_>>(), [key]);
}

#[test]
fn our_signatures_verify_with_openssl() {
    let workshop = Workshop::new();
    let directory = workshop.scratch.path();
    workshop.sign("ada");
    workshop.cosign("bob");
    let json = workshop.signature_json();
    let bytes = |value: &serde_json::Value| -> Vec<u8> {
        let digits = value.as_str().expect("hexadecimal");
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    };
    // The statement's bytes put together from the documentation alone.
    let text = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let digest = Digest::of(SMALL_PLUGIN);
    let body = [
        &bytes(&json["public_key"])[..],
        digest.as_bytes(),
        &(SMALL_PLUGIN.len() as u64).to_le_bytes(),
        &text("2025-11-19T08:59:12Z"),
        &text("ada"),
        &text("ada@example.com"),
        &text("lights"),
        &text("1.2.3"),
        &0_u32.to_le_bytes(),
        &1_u32.to_le_bytes(),
        &text(""),
    ]
    .concat();
    let body = Digest::of(&body);
    let statement = [&b"conductor-plugin-statement-v1\0"[..], body.as_bytes()].concat();
    let cosigner = &json["cosignatures"][0];
    let own =
        [&bytes(&cosigner["public_key"])[..], &text("2025-11-19T08:59:12Z"), &text("bob"), &text("bob@example.com")]
            .concat();
    let cosigned = [&b"conductor-plugin-cosignature-v1\0"[..], body.as_bytes(), Digest::of(&own).as_bytes()].concat();
    for (key, signature, message) in [
        (&json["public_key"], &json["signature"], digest.as_bytes().to_vec()),
        (&json["public_key"], &json["statement"]["signature"], statement),
        (&cosigner["public_key"], &cosigner["signature"], cosigned),
    ] {
        workshop.scratch.file("key.der", [PUBLIC, &bytes(key)].concat());
        workshop.scratch.file("signature", bytes(signature));
        workshop.scratch.file("message", &message);
        let verify = [
            "pkeyutl",
            "-verify",
            "-pubin",
            "-keyform",
            "DER",
            "-inkey",
            "key.der",
            "-rawin",
            "-in",
            "message",
            "-sigfile",
            "signature",
        ];
        let Some((holds, _)) = openssl(directory, &verify) else {
            missing::present(false, "signing_interop", "openssl");
            return;
        };
        assert!(holds, "{signature}");
    }
}

#[test]
fn our_private_keys_are_openssls() {
    let workshop = Workshop::new();
    let directory = workshop.scratch.path();
    let key = workshop.key("ada");
    let seed = fs::read(directory.join("ada.private")).unwrap();
    workshop.scratch.file("key.der", [PRIVATE, &seed].concat());
    let show = ["pkey", "-inform", "DER", "-in", "key.der", "-pubout", "-outform", "DER"];
    let Some((true, public)) = openssl(directory, &show) else {
        missing::present(false, "signing_interop", "openssl");
        return;
    };
    assert_eq!(public.strip_prefix(PUBLIC), Some(key.public_key().as_bytes().as_slice()));
}
