//! Whatever is read from a file or a command line, reading it ends with a value or an error that can be shown.

#![cfg(feature = "plugin-signing")]

use std::fs;
use std::path::Path;

use crate::support::signing::{SIGNED_AT, Workshop};
use conductor::internals::package::signing::{
    KeyFileError, PrivateKey, Signing, SigningError, SigningKey as _, Succession, TokenUri,
};
use conductor::internals::package::{Policy, PublicKey, Statement, TrustLevel, TrustStore, admit, verdict};
use conductor::internals::text::is_unsafe;
use conductor::internals::time::Timestamp;
use proptest::prelude::*;

/// Text that may be signed, as `pattern` says it: what cannot be seen is refused, and no class of a pattern holds all of that.
fn signable(pattern: &'static str) -> impl Strategy<Value = String> {
    pattern.prop_filter("a character that is unsafe to show", |text| !text.contains(is_unsafe))
}

/// Text that looks enough like the formats to get past their first checks.
fn almost_json() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("\"version\"".to_owned()),
        Just("\"statement\"".to_owned()),
        Just("\"cosignatures\"".to_owned()),
        Just("\"developer\"".to_owned()),
        Just("\"public_key\"".to_owned()),
        Just("\"signature\"".to_owned()),
        Just("\"Ed25519\"".to_owned()),
        Just("1".to_owned()),
        Just("null".to_owned()),
        "\"[0-9a-f]{64}\"",
        "[{}\\[\\]:, ]",
        "\\PC{0,3}",
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_signature_file_is_admitted_by_chance(text in almost_json(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let workshop = Workshop::new();
        workshop.trust(&["ada"]);
        for content in [text.as_bytes(), &bytes] {
            fs::write(workshop.signature(), content).unwrap();
            let refusal = admit(&workshop.plugin, &workshop.strict()).expect_err("refused");
            prop_assert!(!refusal.to_string().is_empty());
            let shown = verdict(&workshop.plugin, &workshop.strict());
            prop_assert!(serde_json::to_string(&shown).is_ok());
            prop_assert!(!shown.to_string().is_empty());
        }
    }

    #[test]
    fn no_text_breaks_a_reader(text in "\\PC{0,80}", uri in "pkcs11:[a-z;=%0-9?&/-]{0,60}", date in "[0-9TZ:. +-]{0,30}") {
        let _ = TrustStore::parse(&text, Path::new("store"));
        let _ = TrustStore::parse(&format!("[[keys]]\n{text}"), Path::new("store"));
        let _ = TokenUri::parse(&text);
        let _ = TokenUri::parse(&uri);
        let _ = PublicKey::parse(&text);
        let _ = Timestamp::parse(&text);
        if let Some(time) = Timestamp::parse(&date) {
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }
    }

    #[test]
    fn no_bytes_are_taken_for_a_key_or_a_record(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        use std::os::unix::fs::PermissionsExt as _;
        prop_assume!(bytes.len() != 32);
        let scratch = crate::support::Scratch::new();
        let file = scratch.file("key.private", &bytes);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let read = PrivateKey::read(&scratch.path().join("key"), |_| -> Result<_, KeyFileError> { unreachable!() });
        prop_assert!(read.is_err());
        prop_assert!(Succession::read(&file).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_can_be_signed_verifies(
        name in signable("[^\\p{C}\\p{Zl}\\p{Zp}]{1,40}"),
        email in signable("[^\\p{C}\\p{Zl}\\p{Zp}]{0,40}"),
        plugin in signable("[^\\p{C}\\p{Zl}\\p{Zp}]{1,40}"),
        version in proptest::option::of((any::<u64>(), any::<u64>(), 0..9_u64)),
        capabilities in prop::sample::subsequence(conductor::internals::capability::Capability::ALL.to_vec(), 0..=6),
        required_signatures in 1..=33_u32,
        expires in proptest::option::of(0..253_402_300_799_u64),
        signed_at in 0..253_402_300_799_u64,
    ) {
        let workshop = Workshop::new();
        workshop.trust(&["ada"]);
        let statement = Statement {
            plugin,
            version: version.map(|(major, minor, patch)| format!("{major}.{minor}.{patch}").parse().unwrap()),
            capabilities,
            required_signatures,
            expires_at: expires.map(Timestamp::from_unix),
        };
        let signing = Signing::read(&workshop.plugin).unwrap();
        let at = Timestamp::from_unix(signed_at);
        signing.sign(&workshop.key("ada"), &name, &email, at, statement.clone()).unwrap();
        let policy = Policy { at: Timestamp::from_unix(0), min_signatures: 1, ..workshop.strict() };
        let shown = verdict(&workshop.plugin, &policy);
        prop_assert!(shown.is_authentic());
        prop_assert_eq!(shown.statement.as_ref(), Some(&statement));
        prop_assert_eq!(&shown.signers[0].signer.name, &name);
        let complete = required_signatures == 1 && expires != Some(0);
        prop_assert_eq!(shown.refusal.is_none(), complete);
        prop_assert_eq!(shown.level == TrustLevel::Trusted, complete);
    }

    #[test]
    fn a_succession_names_the_keys_that_signed_it(
        reason in signable("[^\\p{C}\\p{Zl}\\p{Zp}]{0,60}"),
        days in 0..100_000_u32,
    ) {
        let workshop = Workshop::new();
        let (old, new) = (workshop.key("ada"), workshop.key("bob"));
        let path = workshop.scratch.path().join("record");
        let made = Succession::sign(&old, &new, SIGNED_AT, SIGNED_AT.plus_days(days), &reason, &path).unwrap();
        prop_assert_eq!(&made, &Succession::read(&path).unwrap());
        prop_assert_eq!((made.old, made.new), (old.public_key(), new.public_key()));
    }
}

#[test]
fn text_that_cannot_be_seen_is_not_signed() {
    let workshop = Workshop::new();
    let statement = Statement {
        plugin: "light".to_owned(),
        version: None,
        capabilities: Vec::new(),
        required_signatures: 1,
        expires_at: None,
    };
    let signing = Signing::read(&workshop.plugin).unwrap();
    for hidden in ["Ada\u{180f}", "Ada\u{34f}", "\u{3164}", "Ada\u{202e}", "Ada\n"] {
        let refused = signing.sign(&workshop.key("ada"), hidden, "", SIGNED_AT, statement.clone());
        assert!(matches!(refused, Err(SigningError::Text { what: "name" })), "{hidden:?}: {refused:?}");
    }
}
