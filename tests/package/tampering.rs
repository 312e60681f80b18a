//! Whatever is changed about a signed plugin, it is not admitted.

#![cfg(feature = "plugin-signing")]

use std::fs;
use std::path::Path;

use crate::support::signing::{SMALL_PLUGIN, Workshop};
use conductor::internals::package::{AdmissionError, AdmissionErrorKind, Policy, admit, signature_path};
use serde_json::{Value, json};

/// Everything that can be signed about a plugin, by two trusted keys.
fn signed() -> (Workshop, Policy) {
    let workshop = Workshop::new();
    workshop.trust(&["ada", "bob"]);
    workshop.sign_with("ada", |statement| {
        statement.capabilities = vec![
            conductor::internals::capability::Capability::Network,
            conductor::internals::capability::Capability::Midi,
        ];
        statement.required_signatures = 2;
        statement.expires_at = conductor::internals::time::Timestamp::parse("2030-01-01T00:00:00Z");
    });
    workshop.cosign("bob");
    let policy = workshop.strict();
    admit(&workshop.plugin, &policy).expect("admitted as it was signed");
    (workshop, policy)
}

/// A new file in the place of the old one: truncating it would make some file systems wait for the disk each time.
fn overwrite(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::remove_file(path).expect("the old file");
    fs::write(path, bytes).expect("the new file");
}

#[track_caller]
fn refused(path: &Path, policy: &Policy, what: &str) -> AdmissionError {
    match admit(path, policy) {
        Ok(_) => panic!("admitted: {what}"),
        Err(refusal) => refusal,
    }
}

#[test]
fn no_flipped_bit_of_the_plugin_is_admitted() {
    let (workshop, policy) = signed();
    for at in 0..SMALL_PLUGIN.len() {
        for bit in 0..8 {
            let mut bytes = SMALL_PLUGIN.to_vec();
            bytes[at] ^= 1 << bit;
            overwrite(&workshop.plugin, bytes);
            let refusal = refused(&workshop.plugin, &policy, &format!("byte {at}, bit {bit}"));
            assert!(matches!(refusal.kind, AdmissionErrorKind::Digest { .. }), "{refusal}");
        }
    }
    for bytes in [&SMALL_PLUGIN[..7], b"", &[SMALL_PLUGIN, b"\0"].concat()] {
        overwrite(&workshop.plugin, bytes);
        assert!(matches!(refused(&workshop.plugin, &policy, "another length").kind, AdmissionErrorKind::Size { .. }));
    }
}

#[test]
fn no_flipped_bit_of_the_signature_file_is_admitted() {
    let (workshop, policy) = signed();
    let original = fs::read(workshop.signature()).unwrap();
    let meaning: Value = serde_json::from_slice(&original).unwrap();
    let lower = |value: &Value| value.to_string().to_ascii_lowercase();
    let mut same = 0;
    for at in 0..original.len() {
        for bit in 0..8 {
            let mut bytes = original.clone();
            bytes[at] ^= 1 << bit;
            overwrite(&workshop.signature(), &bytes);
            if admit(&workshop.plugin, &policy).is_ok() {
                // Hexadecimal digits in upper case say the same; nothing else may pass.
                let file: Value = serde_json::from_slice(&bytes).expect("admitted files are JSON");
                assert_eq!(lower(&file), lower(&meaning), "byte {at}, bit {bit}");
                assert_eq!(bytes[at], original[at].to_ascii_uppercase(), "byte {at}, bit {bit}");
                assert!(original[at].is_ascii_hexdigit(), "byte {at}, bit {bit}");
                same += 1;
            }
        }
    }
    // The letters among the digits of digest, two keys and four signatures' worth of hexadecimal.
    assert!(same > 0 && same < 3 * 64 + 3 * 128, "{same}");
    for length in 0..original.len() - 1 {
        overwrite(&workshop.signature(), &original[..length]);
        refused(&workshop.plugin, &policy, &format!("the first {length} bytes"));
    }
}

/// Every path to a key of an object in `value`.
fn keys(value: &Value, path: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = format!("{path}/{key}");
                keys(value, &path, into);
                into.push(path);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                keys(value, &format!("{path}/{index}"), into);
            }
        }
        _ => {}
    }
}

#[test]
fn no_dropped_key_is_admitted() {
    let (workshop, policy) = signed();
    let original = workshop.signature_json();
    let mut paths = Vec::new();
    keys(&original, "", &mut paths);
    assert!(paths.len() >= 24, "{paths:?}");
    for path in paths {
        let mut json = original.clone();
        let (parent, key) = path.rsplit_once('/').unwrap();
        json.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).expect("the key");
        workshop.write_signature(&json);
        let refusal = refused(&workshop.plugin, &policy, &path);
        // `version` and `expires_at` may be absent: then the statement is another one.
        assert!(
            matches!(refusal.kind, AdmissionErrorKind::Malformed { .. } | AdmissionErrorKind::BadSignature { .. }),
            "{path}: {refusal}"
        );
    }
}

#[test]
fn no_key_that_stands_twice_is_admitted() {
    let (workshop, policy) = signed();
    let text = fs::read_to_string(workshop.signature()).unwrap();
    let mut doubled = 0;
    for line in text.lines().filter(|line| line.contains("\": ") && !line.ends_with(['{', '['])) {
        let twice = format!("{},\n{}", line.trim_end_matches(','), line);
        overwrite(&workshop.signature(), text.replacen(line, &twice, 1));
        let refusal = refused(&workshop.plugin, &policy, line);
        assert!(refusal.to_string().contains("stands twice"), "{line}: {refusal}");
        doubled += 1;
    }
    assert!(doubled >= 18, "{doubled}");
    // Also where no reader looks.
    overwrite(&workshop.signature(), text.replacen('{', "{ \"note\": {\"a\": 1, \"a\": 2},", 1));
    assert!(refused(&workshop.plugin, &policy, "a note").to_string().contains("`a` stands twice"));
}

#[test]
fn no_changed_field_is_admitted() {
    let (workshop, policy) = signed();
    let original = workshop.signature_json();
    let eve = workshop.key("eve");
    let eve = conductor::internals::package::signing::SigningKey::public_key(&eve).to_string();
    for (path, value) in [
        ("/version", json!(2)),
        ("/version", json!("1")),
        ("/algorithm", json!("none")),
        ("/algorithm", json!("ed25519")),
        ("/plugin_hash", json!("00".repeat(32))),
        ("/plugin_size", json!(9)),
        ("/plugin_size", json!(-8)),
        ("/public_key", json!(eve)),
        ("/public_key", json!("01".to_owned() + &"00".repeat(31))),
        ("/signature", json!("00".repeat(64))),
        ("/signature", original["statement"]["signature"].clone()),
        ("/signed_at", json!("2025-11-19T08:59:13Z")),
        ("/signed_at", json!("2025-11-19T08:59:12+00:00")),
        ("/developer/name", json!("Mallory")),
        ("/developer/name", json!("ada\u{1b}[2J")),
        ("/developer/name", json!("ada\u{202e}")),
        ("/developer/name", json!("a".repeat(257))),
        ("/developer/email", json!("mallory@example.com")),
        ("/statement", Value::Null),
        ("/statement/plugin", json!("shutdown")),
        ("/statement/plugin", json!("")),
        ("/statement/version", json!("9.9.9")),
        ("/statement/version", Value::Null),
        ("/statement/version", json!("latest")),
        ("/statement/capabilities", json!([])),
        ("/statement/capabilities", json!(["Midi", "Network"])),
        ("/statement/capabilities", json!(["Network", "Network"])),
        ("/statement/capabilities", json!(["Network", "Midi", "Subprocess"])),
        ("/statement/capabilities", json!(["network", "midi"])),
        ("/statement/required_signatures", json!(1)),
        ("/statement/required_signatures", json!(0)),
        ("/statement/required_signatures", json!(34)),
        ("/statement/expires_at", Value::Null),
        ("/statement/expires_at", json!("2031-01-01T00:00:00Z")),
        ("/statement/expires_at", json!("2030-01-01T00:00:00.0Z")),
        ("/statement/signature", original["signature"].clone()),
        ("/statement/signature", original["cosignatures"][0]["signature"].clone()),
        ("/cosignatures", json!([])),
        ("/cosignatures", Value::Null),
        ("/cosignatures/0/public_key", json!(eve)),
        ("/cosignatures/0/public_key", original["public_key"].clone()),
        ("/cosignatures/0/signature", original["signature"].clone()),
        ("/cosignatures/0/signature", original["statement"]["signature"].clone()),
        ("/cosignatures/0/signed_at", json!("2025-11-19T08:59:13Z")),
        ("/cosignatures/0/developer/name", json!("Mallory")),
        ("/cosignatures/0/developer/email", json!("mallory@example.com")),
    ] {
        let mut json = original.clone();
        *json.pointer_mut(path).expect("the field") = value;
        workshop.write_signature(&json);
        refused(&workshop.plugin, &policy, &format!("{path} = {}", json.pointer(path).unwrap()));
    }
}

#[test]
fn nothing_can_be_added_where_it_would_look_signed() {
    let (workshop, policy) = signed();
    let original = workshop.signature_json();
    for parent in ["/statement", "/cosignatures/0", "/cosignatures/0/developer"] {
        let mut json = original.clone();
        json.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert("audited".into(), json!(true));
        workshop.write_signature(&json);
        assert!(matches!(refused(&workshop.plugin, &policy, parent).kind, AdmissionErrorKind::Malformed { .. }));
    }
    // Elsewhere other programs may put what they like: it is not shown as anything.
    let mut json = original;
    json.as_object_mut().unwrap().insert("note".into(), json!("hello"));
    workshop.write_signature(&json);
    admit(&workshop.plugin, &policy).expect("keys of others are ignored");
}

#[test]
fn a_signature_counts_once_however_often_it_is_listed() {
    let (workshop, policy) = signed();
    let original = workshop.signature_json();
    let bob = original["cosignatures"][0].clone();
    let mut json = original.clone();
    json["cosignatures"] = json!([bob.clone(), bob.clone()]);
    workshop.write_signature(&json);
    assert!(matches!(refused(&workshop.plugin, &policy, "the same twice").kind, AdmissionErrorKind::Malformed { .. }));
    let mut json = original.clone();
    json["cosignatures"] = Value::Array(vec![bob; 10_000]);
    overwrite(&workshop.signature(), json.to_string());
    refused(&workshop.plugin, &policy, "ten thousand of them");
    // The first signer cannot be their own witness.
    let mut json = original.clone();
    json["cosignatures"][0]["public_key"] = original["public_key"].clone();
    json["cosignatures"][0]["signature"] = original["statement"]["signature"].clone();
    workshop.write_signature(&json);
    refused(&workshop.plugin, &policy, "one's own witness");
}

#[test]
fn a_cut_out_statement_leaves_too_little_for_whoever_requires_more() {
    let (workshop, policy) = signed();
    let mut json = workshop.signature_json();
    json.as_object_mut().unwrap().retain(|key, _| key != "statement" && key != "cosignatures");
    workshop.write_signature(&json);
    // What is left is just what another program writes. Three ways to insist on more:
    let two = Policy { min_signatures: 2, ..policy.clone() };
    assert!(matches!(
        refused(&workshop.plugin, &two, "min_signatures").kind,
        AdmissionErrorKind::TooFewSignatures { .. }
    ));
    let bob = conductor::internals::package::signing::SigningKey::public_key(&workshop.key("bob"));
    let whose = Policy { required_signers: vec![*bob.as_bytes()], ..policy.clone() };
    assert!(matches!(
        refused(&workshop.plugin, &whose, "required_signers").kind,
        AdmissionErrorKind::MissingSigner { .. }
    ));
    workshop.trust(&["ada"]);
    workshop.trust_line("require_statement = true");
    assert!(matches!(
        refused(&workshop.plugin, &policy, "require_statement").kind,
        AdmissionErrorKind::NoStatement { .. }
    ));
}

#[test]
fn signatures_do_not_move_between_plugins() {
    let (one, policy) = signed();
    let other = one.scratch.file("other.wasm", [SMALL_PLUGIN, b"\0\x01\0"].concat());
    // A file of the same size, too.
    let twin = one.scratch.file("twin.wasm", b"\0asm\x01\0\0\x01");
    for path in [&other, &twin] {
        fs::copy(one.signature(), signature_path(path)).unwrap();
        refused(path, &policy, "another plugin's signature");
    }
    // Nor does a statement, from a plugin signed by the same people.
    let second = Workshop { plugin: twin.clone(), store: one.store.clone(), scratch: crate::support::Scratch::new() };
    second.sign_with("ada", |statement| statement.required_signatures = 2);
    second.cosign("bob");
    admit(&twin, &policy).expect("properly signed");
    let mut json = second.signature_json();
    for part in ["statement", "cosignatures"] {
        let mut mixed = json.clone();
        mixed[part] = one.signature_json()[part].clone();
        second.write_signature(&mixed);
        refused(&twin, &policy, part);
    }
    json["statement"] = one.signature_json()["statement"].clone();
    json["cosignatures"] = one.signature_json()["cosignatures"].clone();
    second.write_signature(&json);
    refused(&twin, &policy, "statement and co-signature of another plugin");
}

#[test]
fn a_strangers_statement_with_a_trusted_co_signature_is_not_admitted() {
    // Eve signs the same plugin with the same words, and takes Bob's co-signature of Ada's statement along.
    let (workshop, policy) = signed();
    let bobs = workshop.signature_json()["cosignatures"].clone();
    workshop.sign_with("eve", |statement| {
        statement.capabilities = vec![
            conductor::internals::capability::Capability::Network,
            conductor::internals::capability::Capability::Midi,
        ];
        statement.required_signatures = 2;
        statement.expires_at = conductor::internals::time::Timestamp::parse("2030-01-01T00:00:00Z");
    });
    let mut json = workshop.signature_json();
    json["cosignatures"] = bobs;
    workshop.write_signature(&json);
    assert!(matches!(refused(&workshop.plugin, &policy, "Eve's").kind, AdmissionErrorKind::BadSignature { .. }));
}

#[test]
fn what_is_no_signature_file_is_refused_without_harm() {
    let (workshop, policy) = signed();
    for (bytes, what) in [
        (b"".to_vec(), "nothing"),
        (b"null".to_vec(), "null"),
        (b"[]".to_vec(), "a list"),
        (b"{}".to_vec(), "an empty object"),
        (b"\xff\xfe".to_vec(), "no text"),
        (vec![b'['; 200_000], "deep nesting"),
        (b"{\"version\": 1e400}".to_vec(), "a number beyond all"),
        (b"{\"version\": 18446744073709551616}".to_vec(), "a number too large"),
        (b"{\"version\": 3}".to_vec(), "a version to come"),
        (b"{\"version\": 1, \"algorithm\": \"\\u001b]0;x\\u0007\"}".to_vec(), "escapes for the terminal"),
        (fs::read(workshop.signature()).unwrap().repeat(2), "two files in one"),
        (vec![b' '; 300 << 10], "more than is read"),
    ] {
        overwrite(&workshop.signature(), bytes);
        let refusal = refused(&workshop.plugin, &policy, what);
        let text = refusal.to_string();
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{what}: {text:?}");
    }
}
