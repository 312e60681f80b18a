//! Only code whose origin is known runs, and what was checked is what runs.

#![cfg(feature = "plugin-signing")]

use std::fs;
use std::path::Path;

use crate::support::signing::{NOW, SIGNED_AT, SMALL_PLUGIN, Workshop};
use conductor::internals::config::{PluginConfig, WasmConfig};
use conductor::internals::digest::Digest;
use conductor::internals::package::signing::SigningKey as _;
use conductor::internals::package::{
    AdmissionError, AdmissionErrorKind, AdmittedPlugin, Policy, RequiredBy, TrustErrorKind, TrustLevel, admit, verdict,
};
use conductor::internals::time::Timestamp;

#[track_caller]
fn refused(path: &Path, policy: &Policy) -> AdmissionError {
    let refusal = admit(path, policy).expect_err("refused");
    assert_eq!(verdict(path, policy).refusal.as_ref(), Some(&refusal), "verdict and admission agree");
    assert!(!refusal.remedy().is_empty());
    assert!(refusal.to_string().contains(&refusal.remedy()), "{refusal}");
    refusal
}

#[track_caller]
fn admitted(path: &Path, policy: &Policy) -> AdmittedPlugin {
    let plugin = admit(path, policy).unwrap_or_else(|refusal| panic!("{refusal}"));
    let verdict = verdict(path, policy);
    assert_eq!(verdict.refusal, None, "verdict and admission agree");
    assert_eq!(&verdict, plugin.verdict());
    plugin
}

#[test]
fn level_1_needs_no_signature() {
    let workshop = Workshop::new();
    let plugin = admitted(&workshop.plugin, &Policy::default());
    assert_eq!((plugin.level(), plugin.bytes()), (TrustLevel::Unsigned, SMALL_PLUGIN));
    assert_eq!(plugin.signers().count(), 0);
}

#[test]
fn level_1_says_what_is_wrong_with_a_signature_nobody_asked_for() {
    let workshop = Workshop::new();
    workshop.sign("ada");
    fs::write(&workshop.plugin, [SMALL_PLUGIN, b"\0"].concat()).unwrap();
    let plugin = admitted(&workshop.plugin, &Policy::default());
    assert_eq!(plugin.level(), TrustLevel::Unsigned);
    assert!(matches!(plugin.verdict().tolerated, Some(AdmissionError { kind: AdmissionErrorKind::Size { .. }, .. })));
}

#[test]
fn level_2_takes_any_valid_signature() {
    let workshop = Workshop::new();
    let policy = Policy { allow_self_signed: true, ..workshop.strict() };
    assert!(matches!(refused(&workshop.plugin, &policy).kind, AdmissionErrorKind::Unsigned { .. }));
    workshop.sign("eve");
    let plugin = admitted(&workshop.plugin, &policy);
    assert_eq!(plugin.level(), TrustLevel::SelfSigned);
    assert_eq!(plugin.signers().collect::<Vec<_>>(), [workshop.key("eve").public_key()]);
    workshop.trust(&["eve"]);
    assert_eq!(admitted(&workshop.plugin, &policy).level(), TrustLevel::Trusted);
}

#[test]
fn level_3_takes_trusted_keys_only() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    assert!(matches!(refused(&workshop.plugin, &workshop.strict()).kind, AdmissionErrorKind::Unsigned { .. }));
    workshop.sign("eve");
    let eve = workshop.key("eve").public_key();
    assert!(
        matches!(refused(&workshop.plugin, &workshop.strict()).kind, AdmissionErrorKind::Untrusted { key, .. } if key == eve)
    );
    workshop.sign("ada");
    let plugin = admitted(&workshop.plugin, &workshop.strict());
    assert_eq!(plugin.level(), TrustLevel::Trusted);
    assert_eq!(plugin.digest(), Digest::of(SMALL_PLUGIN));
    assert_eq!(plugin.statement().unwrap().plugin, "lights");
}

#[test]
fn the_pin_holds_at_every_level() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    workshop.sign("ada");
    for policy in [Policy::default(), workshop.strict()] {
        let pinned = |bytes: &[u8]| Policy { sha256: Some(*Digest::of(bytes).as_bytes()), ..policy.clone() };
        admitted(&workshop.plugin, &pinned(SMALL_PLUGIN));
        assert!(matches!(refused(&workshop.plugin, &pinned(b"another")).kind, AdmissionErrorKind::Pin { .. }));
    }
}

#[test]
fn what_was_read_is_what_was_checked_and_what_runs() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    workshop.sign("ada");
    let plugin = admitted(&workshop.plugin, &workshop.strict());
    // File, signature and trust change while it runs: it stays what it was, until the next load.
    fs::write(&workshop.plugin, b"something else").unwrap();
    fs::remove_file(workshop.signature()).unwrap();
    workshop.trust(&[]);
    assert_eq!(plugin.bytes(), SMALL_PLUGIN);
    assert_eq!(Digest::of(plugin.bytes()), plugin.digest());
    assert_eq!(plugin.level(), TrustLevel::Trusted);
    assert!(matches!(refused(&workshop.plugin, &workshop.strict()).kind, AdmissionErrorKind::Unsigned { .. }));
}

#[test]
fn strict_mode_fails_closed_on_what_it_cannot_read() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    workshop.sign("ada");
    let strict = workshop.strict();
    for (policy, undecided) in [
        (Policy { trusted_keys: Some("/".into()), ..strict.clone() }, "unreadable-trust-store"),
        (
            Policy { trusted_keys: Some("/nowhere".into()), trusted_keys_must_exist: true, ..strict.clone() },
            "no-trust-store",
        ),
        (Policy { history: Some("/".into()), ..strict.clone() }, "unreadable-history"),
    ] {
        let refusal = refused(&workshop.plugin, &policy);
        assert_eq!((refusal.kind.word(), refusal.kind.is_undecided()), (undecided, true), "{refusal}");
    }
    workshop.trust_line("[[keys]]");
    assert!(matches!(
        refused(&workshop.plugin, &strict).kind,
        AdmissionErrorKind::TrustStore(TrustErrorKind::Toml { .. })
    ));
    workshop.trust(&["ada", "ada"]);
    assert!(matches!(
        refused(&workshop.plugin, &strict).kind,
        AdmissionErrorKind::TrustStore(TrustErrorKind::Twice { .. })
    ));
    workshop.trust(&["ada"]);
    fs::remove_file(workshop.signature()).unwrap();
    fs::create_dir(workshop.signature()).unwrap();
    assert!(matches!(refused(&workshop.plugin, &strict).kind, AdmissionErrorKind::SignatureUnreadable { .. }));
    assert!(matches!(refused(Path::new("/nowhere.wasm"), &strict).kind, AdmissionErrorKind::Unreadable { .. }));
    // No store at all trusts nobody.
    fs::remove_dir(workshop.signature()).unwrap();
    workshop.sign("ada");
    let nobody = Policy { trusted_keys: None, ..strict };
    assert!(matches!(refused(&workshop.plugin, &nobody).kind, AdmissionErrorKind::Untrusted { .. }));
}

#[test]
fn files_are_read_up_to_a_cap() {
    let workshop = Workshop::new();
    let file = fs::File::create(&workshop.plugin).unwrap();
    file.set_len((32 << 20) + 1).unwrap(); // sparse
    let refusal = refused(&workshop.plugin, &Policy::default());
    assert!(matches!(refusal.kind, AdmissionErrorKind::TooLarge) && !refusal.kind.is_undecided());
    file.set_len(0).unwrap();
    fs::File::create(workshop.signature()).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(
        refused(&workshop.plugin, &workshop.strict()).kind,
        AdmissionErrorKind::SignatureUnreadable { .. }
    ));
}

#[test]
fn pipes_and_devices_are_no_plugins_and_nobody_waits_for_them() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    let pipe = workshop.scratch.path().join("pipe.wasm");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    for path in [pipe.clone(), workshop.signature()] {
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }
    for path in [pipe.as_path(), Path::new("/dev/zero"), workshop.scratch.path()] {
        let refusal = refused(path, &workshop.strict());
        assert!(
            matches!(&refusal.kind, AdmissionErrorKind::Unreadable { reason, .. } if reason == "not a regular file"),
            "{refusal}"
        );
    }
    assert!(matches!(
        refused(&workshop.plugin, &workshop.strict()).kind,
        AdmissionErrorKind::SignatureUnreadable { .. }
    ));
    let store = Policy { trusted_keys: Some(pipe), ..workshop.strict() };
    fs::remove_file(workshop.signature()).unwrap();
    workshop.sign("ada");
    assert!(matches!(
        refused(&workshop.plugin, &store).kind,
        AdmissionErrorKind::TrustStore(TrustErrorKind::Unreadable { .. })
    ));
}

#[test]
fn signatures_expire_at_the_second_they_name() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    let until = Timestamp::from_unix(NOW.unix() + 1);
    workshop.sign_with("ada", |statement| statement.expires_at = Some(until));
    admitted(&workshop.plugin, &workshop.strict());
    for allow_self_signed in [false, true] {
        let policy = Policy { at: until, allow_self_signed, ..workshop.strict() };
        assert!(
            matches!(refused(&workshop.plugin, &policy).kind, AdmissionErrorKind::Expired { at, .. } if at == until)
        );
    }
    let forgotten = Policy { at: Policy::default().at, ..workshop.strict() };
    assert!(
        matches!(refused(&workshop.plugin, &forgotten).kind, AdmissionErrorKind::Expired { .. }),
        "no time given is the end of time"
    );
    assert_eq!(admitted(&workshop.plugin, &Policy::default()).verdict().tolerated, None, "nobody asked, at no time");
    let lax = Policy { require_signature: false, at: until, ..workshop.strict() };
    let plugin = admitted(&workshop.plugin, &lax);
    assert!(matches!(
        plugin.verdict().tolerated,
        Some(AdmissionError { kind: AdmissionErrorKind::Expired { .. }, .. })
    ));
    assert_eq!(plugin.level(), TrustLevel::Unsigned);
}

#[test]
fn a_threshold_in_the_statement_counts_trusted_keys() {
    let workshop = Workshop::new();
    workshop.trust(&["ada", "bob"]);
    workshop.sign_with("ada", |statement| statement.required_signatures = 2);
    let too_few = |refusal: AdmissionError| {
        let AdmissionErrorKind::TooFewSignatures { found, required, required_by, .. } = refusal.kind else {
            panic!("{refusal}");
        };
        (found, required, required_by)
    };
    let strict = workshop.strict();
    assert_eq!(too_few(refused(&workshop.plugin, &strict)), (1, 2, RequiredBy::Statement));
    let stripped = workshop.signature_json();
    workshop.cosign("bob");
    let plugin = admitted(&workshop.plugin, &strict);
    assert_eq!(plugin.signers().count(), 2);
    // Whoever strips the co-signature is back where it began.
    workshop.write_signature(&stripped);
    refused(&workshop.plugin, &strict);
    // A stranger's co-signature does not stand in for it.
    workshop.cosign("eve");
    assert_eq!(too_few(refused(&workshop.plugin, &strict)), (1, 2, RequiredBy::Statement));
    // At level 2 any two keys will do, because any key does.
    admitted(&workshop.plugin, &Policy { allow_self_signed: true, ..strict });
}

#[test]
fn the_user_can_require_more_signatures_and_whose() {
    let workshop = Workshop::new();
    workshop.trust(&["ada", "bob"]);
    workshop.sign("ada");
    let bob = *workshop.key("bob").public_key().as_bytes();
    // Either of the two asks for a signature by itself.
    let two = Policy { require_signature: false, min_signatures: 2, ..workshop.strict() };
    let whose = Policy { require_signature: false, required_signers: vec![bob], ..workshop.strict() };
    assert!(matches!(
        refused(&workshop.plugin, &two).kind,
        AdmissionErrorKind::TooFewSignatures { found: 1, required: 2, required_by: RequiredBy::User, .. }
    ));
    assert!(
        matches!(refused(&workshop.plugin, &whose).kind, AdmissionErrorKind::MissingSigner { key, .. } if *key.as_bytes() == bob)
    );
    workshop.cosign("bob");
    admitted(&workshop.plugin, &two);
    admitted(&workshop.plugin, &whose);
    let nonsense = Policy { required_signers: vec![[0; 32]], ..workshop.strict() };
    assert!(matches!(refused(&workshop.plugin, &nonsense).kind, AdmissionErrorKind::BadRequiredSigner { .. }));
}

#[test]
fn one_trusted_signature_is_enough_when_nobody_requires_more() {
    let workshop = Workshop::new();
    workshop.trust(&["bob"]);
    workshop.sign("ada");
    workshop.cosign("bob");
    let plugin = admitted(&workshop.plugin, &workshop.strict());
    assert_eq!(plugin.signers().collect::<Vec<_>>(), [workshop.key("bob").public_key()], "only the trusted one counts");
    let by_hand = Policy { require_every_signature: true, ..workshop.strict() };
    assert!(matches!(
        refused(&workshop.plugin, &by_hand).kind,
        AdmissionErrorKind::TooFewSignatures { found: 1, required: 2, required_by: RequiredBy::Presence, .. }
    ));
}

#[test]
fn a_revoked_key_is_refused_at_every_level_with_its_reason() {
    let workshop = Workshop::new();
    workshop.trust(&["ada", "bob"]);
    workshop.sign("ada");
    workshop.cosign("bob");
    let key = workshop.key("bob").public_key();
    workshop
        .trust_line(&format!("[[revoked]]\npublic_key = \"{key}\"\nreason = \"stolen\"\nrevoked_at = \"{SIGNED_AT}\""));
    for (require_signature, allow_self_signed) in [(true, false), (true, true), (false, false)] {
        let policy = Policy { require_signature, allow_self_signed, ..workshop.strict() };
        let refusal = refused(&workshop.plugin, &policy);
        assert!(
            matches!(&refusal.kind, AdmissionErrorKind::Revoked { key: found, reason, .. } if *found == key && reason == "stolen")
        );
    }
}

#[test]
fn a_replaced_key_counts_until_the_transition_ends() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    workshop.sign("ada");
    let successor = workshop.key("bob").public_key();
    workshop.trust_line(&format!("valid_until = \"{NOW}\"\nsucceeded_by = \"{successor}\""));
    let before = Policy { at: Timestamp::from_unix(NOW.unix() - 1), ..workshop.strict() };
    admitted(&workshop.plugin, &before);
    assert!(matches!(
        refused(&workshop.plugin, &workshop.strict()).kind,
        AdmissionErrorKind::Retired { since: NOW, successor: Some(key), .. } if key == successor
    ));
}

#[test]
fn a_plugin_by_another_program_is_admitted_and_its_developers_name_is_a_claim() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    workshop.sign("ada");
    let mut json = workshop.signature_json();
    for key in ["statement", "cosignatures"] {
        json.as_object_mut().unwrap().remove(key);
    }
    json["developer"]["name"] = "Mallory".into();
    workshop.write_signature(&json);
    let plugin = admitted(&workshop.plugin, &workshop.strict());
    assert_eq!(plugin.statement(), None);
    let text = plugin.verdict().to_string();
    assert!(text.contains("Mallory <ada@example.com> (a claim: no signature covers the name)"), "{text}");
    // A user who knows that this key always makes statements can say so, and so can one who wants two signatures.
    workshop.trust_line("require_statement = true");
    assert!(matches!(refused(&workshop.plugin, &workshop.strict()).kind, AdmissionErrorKind::NoStatement { .. }));
}

#[test]
fn an_older_version_than_the_last_admitted_one_is_refused() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    let history = workshop.scratch.path().join("state/conductor/admitted.json");
    let policy = Policy { history: Some(history.clone()), ..workshop.strict() };
    let build = |bytes: &str, version: Option<&str>, day: u64| {
        fs::write(&workshop.plugin, [SMALL_PLUGIN, bytes.as_bytes()].concat()).unwrap();
        let at = Timestamp::from_unix(SIGNED_AT.unix() + day * 86_400);
        workshop.sign_at("ada", at, |statement| statement.version = version.map(|version| version.parse().unwrap()));
    };
    build("a", Some("1.2.3"), 0);
    admitted(&workshop.plugin, &policy);
    let recorded = fs::read_to_string(&history).unwrap();
    admitted(&workshop.plugin, &policy);
    assert_eq!(fs::read_to_string(&history).unwrap(), recorded);
    build("b", Some("1.10.0"), 0);
    // A look does not count as an admission.
    assert_eq!(verdict(&workshop.plugin, &policy).refusal, None);
    assert_eq!(fs::read_to_string(&history).unwrap(), recorded);
    admitted(&workshop.plugin, &policy);

    for (bytes, version, day) in [
        ("a", Some("1.2.3"), 0),       // older by its number
        ("a", Some("1.9.9"), 9),       // … however late it was signed
        ("a", Some("1.10.0-rc.1"), 0), // a candidate comes before its release
        ("c", None, 9),                // a version no longer stated
    ] {
        build(bytes, version, day);
        let refusal = refused(&workshop.plugin, &policy);
        let AdmissionErrorKind::Downgrade { admitted, .. } = &refusal.kind else { panic!("{version:?}: {refusal}") };
        assert_eq!(admitted, "lights 1.10.0, signed 2025-11-19T08:59:12Z");
        assert!(refusal.remedy().contains("[plugins.lights] dangerous_allow_downgrade = true"));
    }
    // The same version built again is fine when it is newer, and not when it is older.
    build("d", Some("1.10.0"), 1);
    admitted(&workshop.plugin, &policy);
    build("b", Some("1.10.0"), 0);
    assert!(matches!(refused(&workshop.plugin, &policy).kind, AdmissionErrorKind::Downgrade { .. }));
    // The signature file of another program states nothing.
    build("e", Some("2.0.0"), 2);
    let mut json = workshop.signature_json();
    json.as_object_mut().unwrap().retain(|key, _| key != "statement" && key != "cosignatures");
    workshop.write_signature(&json);
    assert!(matches!(refused(&workshop.plugin, &policy).kind, AdmissionErrorKind::Downgrade { .. }));

    build("a", Some("1.2.3"), 0);
    admitted(&workshop.plugin, &Policy { dangerous_allow_downgrade: true, ..policy.clone() });
    admitted(&workshop.plugin, &policy);
    admitted(&workshop.plugin, &Policy { name: "other".into(), ..policy });
}

#[test]
fn another_plugin_under_the_same_path_is_refused() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    let history = workshop.scratch.path().join("admitted.json");
    let policy = Policy { history: Some(history), ..workshop.strict() };
    workshop.sign("ada");
    admitted(&workshop.plugin, &policy);
    fs::write(&workshop.plugin, [SMALL_PLUGIN, b"x"].concat()).unwrap();
    workshop.sign_with("ada", |statement| statement.plugin = "shutdown".into());
    assert!(matches!(refused(&workshop.plugin, &policy).kind, AdmissionErrorKind::Substituted { .. }));
    // Where the user points the configuration at another file, that is the user's choice.
    let moved = workshop.scratch.path().join("shutdown.wasm");
    fs::rename(&workshop.plugin, &moved).unwrap();
    fs::rename(workshop.signature(), conductor::internals::package::signature_path(&moved)).unwrap();
    admitted(&moved, &policy);
}

#[test]
fn a_damaged_record_is_not_taken_for_an_empty_one() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    workshop.sign("ada");
    for text in ["", "{}", "{\"version\": 2, \"plugins\": {}}", "{\"version\": 1, \"plugins\": {}, \"plugins\": {}}"] {
        let history = workshop.scratch.file("admitted.json", text);
        let policy = Policy { history: Some(history.clone()), ..workshop.strict() };
        assert!(matches!(refused(&workshop.plugin, &policy).kind, AdmissionErrorKind::History { .. }), "{text}");
        assert_eq!(fs::read_to_string(&history).unwrap(), text, "it is left for a human to look at");
        // At the development level it is no reason to stop.
        let lax = Policy { require_signature: false, ..policy };
        let plugin = admit(&workshop.plugin, &lax).unwrap();
        assert!(matches!(
            plugin.verdict().tolerated,
            Some(AdmissionError { kind: AdmissionErrorKind::History { .. }, .. })
        ));
    }
}

#[test]
fn the_policy_comes_from_the_configuration() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    workshop.sign("ada");
    let plugin = PluginConfig {
        sha256: Some([1; 32]),
        required_signers: vec![[2; 32]],
        dangerous_allow_downgrade: true,
        wasm: WasmConfig {
            require_signature: true,
            allow_self_signed: true,
            min_signatures: 3,
            ..WasmConfig::default()
        },
        ..PluginConfig::new(workshop.plugin.clone())
    };
    let usual = Path::new("/usual/trusted_keys.toml");
    let policy = Policy::from_config("lights", &plugin, usual, Some(Path::new("/state")), NOW);
    let expected = Policy {
        name: "lights".into(),
        sha256: Some([1; 32]),
        require_signature: true,
        allow_self_signed: true,
        min_signatures: 3,
        require_every_signature: false,
        required_signers: vec![[2; 32]],
        trusted_keys: Some(usual.into()),
        trusted_keys_must_exist: false,
        history: Some("/state".into()),
        dangerous_allow_downgrade: true,
        at: NOW,
    };
    assert_eq!(policy, expected);
    let named = PluginConfig {
        wasm: WasmConfig { trusted_keys_path: Some("/named.toml".into()), ..plugin.wasm.clone() },
        ..plugin
    };
    let policy = Policy::from_config("lights", &named, usual, None, NOW);
    assert_eq!((policy.trusted_keys, policy.trusted_keys_must_exist), (Some("/named.toml".into()), true));
}

#[test]
fn the_verdict_shows_everything() {
    let workshop = Workshop::new();
    workshop.trust(&["ada"]);
    workshop.sign_with("ada", |statement| statement.required_signatures = 2);
    workshop.cosign("bob");
    let show = |policy: &Policy| {
        let verdict = verdict(&workshop.plugin, policy);
        let directory = workshop.scratch.path().display().to_string();
        let json = serde_json::to_string_pretty(&verdict).expect("texts and numbers");
        format!("{verdict}\n\n{json}\n\n").replace(&directory, "~")
    };
    let mut text = show(&workshop.strict());
    text += &show(&Policy { allow_self_signed: true, ..workshop.strict() });
    text += &show(&Policy::default());
    fs::write(&workshop.plugin, b"x").unwrap();
    text += &show(&Policy::default());
    fs::remove_file(&workshop.plugin).unwrap();
    text += &show(&workshop.strict());
    crate::support::golden("fixtures/golden/signing/verdicts.txt", &text);
}
