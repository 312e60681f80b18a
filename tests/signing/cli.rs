//! `conductor-sign`, command by command, in the order in which a developer and then a user meets them.

#![cfg(feature = "plugin-signing")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::signing::{RUNNING_PLUGIN, key_file};
use crate::support::{Program, Ran, Scratch, bin, golden};

/// A developer's and user's machine: a home of its own, signatures at a fixed time.
struct Desk(Scratch);

impl Desk {
    fn new() -> Self {
        let scratch = Scratch::new();
        scratch.file("my_plugin.wasm", RUNNING_PLUGIN);
        Self(scratch)
    }
    /// With key files `key1` (Ada's) and `key2` (Bob's) where the documentation has them.
    fn with_keys() -> Self {
        let desk = Self::new();
        let directory = desk.0.path().join(".conductor");
        fs::create_dir(&directory).unwrap();
        for (from, to) in [("ada", "key1"), ("bob", "key2"), ("eve", "key3")] {
            let key = key_file(&directory, from);
            fs::rename(key.with_extension("private"), directory.join(format!("{to}.private"))).unwrap();
        }
        desk
    }
    fn command(&self, line: &str) -> Program {
        let home = self.0.path();
        let program = bin("conductor-sign").directory(home).env("HOME", home).env("SOURCE_DATE_EPOCH", "1763542752");
        line.split('|').fold(program, Program::arg).hide(home, "~")
    }
    /// Runs `line`, arguments separated by `|`.
    #[track_caller]
    fn run(&self, line: &str) -> Ran {
        self.command(line).run()
    }
    fn transcript(&self, lines: &[&str]) -> String {
        lines.iter().map(|line| self.run(line).transcript()).collect::<Vec<_>>().join("\n")
    }
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }
}

const ADA: &str = "869e92a2650f8318480088a886b78edc16526e5d7adb9a9fd4b55c980b33ce61";
const BOB: &str = "979602a6c736a5da8ac6fd415ff21a932f5b8479ab045804d3388f1c6c94b43c";

#[test]
fn generate_key_makes_a_pair_for_its_owner_alone() {
    let desk = Desk::new();
    let ran = desk.run("generate-key|.conductor/my-plugin-key").exits(0);
    let public = desk.text(".conductor/my-plugin-key.public");
    assert_eq!(public.len(), 64, "64 digits and no newline");
    golden("fixtures/golden/signing/generate_key.txt", &ran.transcript().replace(&public, "PUBLIC"));
    let mode = |name: &str| fs::metadata(desk.0.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(".conductor/my-plugin-key.private"), 0o600);
    assert_eq!(mode(".conductor"), 0o700);
    assert_eq!(fs::metadata(desk.0.path().join(".conductor/my-plugin-key.private")).unwrap().len(), 32);
    let other = desk.run("generate-key|.conductor/other").exits(0);
    assert!(!other.stdout.contains(&public), "two keys are two keys");
}

#[test]
fn generate_key_overwrites_nothing() {
    for suffix in ["private", "public"] {
        let desk = Desk::new();
        let file = desk.0.file(&format!("key.{suffix}"), "precious");
        let ran = desk.run("generate-key|key").exits(2);
        golden(&format!("fixtures/golden/signing/generate_key_exists_{suffix}.txt"), &ran.transcript());
        assert_eq!(fs::read_to_string(file).unwrap(), "precious");
        assert_eq!(fs::read_dir(desk.0.path()).unwrap().count(), 2, "nothing else was written");
    }
}

#[test]
fn the_documented_workflow_from_a_new_key_to_tampering() {
    let desk = Desk::new();
    let generated = desk.run("generate-key|.conductor/my-plugin-key").exits(0);
    let public = desk.text(".conductor/my-plugin-key.public");
    let add = format!("trust|add|{public}|Official Plugin");
    let remove = format!("trust|remove|{}...", &public[..8]);
    let mut transcript = generated.transcript() + "\n";
    transcript += &desk.transcript(&[
        "sign|my_plugin.wasm|.conductor/my-plugin-key|--name|Your Name|--email|you@example.com",
        "verify|my_plugin.wasm",
        add.as_str(),
        "trust|list",
        "verify|my_plugin.wasm",
        "verify|my_plugin.wasm|--json",
    ]);
    let mut tampered = RUNNING_PLUGIN.to_vec();
    tampered[4] = 2;
    desk.0.file("my_plugin.wasm", tampered);
    transcript += &desk.transcript(&["verify|my_plugin.wasm"]);
    desk.0.file("my_plugin.wasm", [RUNNING_PLUGIN, b"\0"].concat());
    transcript += &desk.transcript(&["verify|my_plugin.wasm"]);
    desk.0.file("my_plugin.wasm", RUNNING_PLUGIN);
    transcript += &desk.transcript(&["verify|my_plugin.wasm", remove.as_str(), "verify|my_plugin.wasm"]);
    fs::remove_file(desk.0.path().join("my_plugin.wasm.sig")).unwrap();
    transcript += &desk.transcript(&["verify|my_plugin.wasm", "verify|no_plugin.wasm"]);
    // The key is a new one each time.
    let transcript = transcript.replace(&public, "PUBLIC").replace(&public[..8], "PUB");
    golden("fixtures/golden/signing/workflow.txt", &transcript);
}

#[test]
fn the_files_are_as_documented() {
    let desk = Desk::with_keys();
    desk.run("sign|my_plugin.wasm|.conductor/key1|--name|Your Name|--email|you@example.com").exits(0);
    golden("fixtures/golden/signing/my_plugin.wasm.sig", &desk.text("my_plugin.wasm.sig"));
    desk.run(&format!("trust|add|{ADA}|Official Plugin")).exits(0);
    golden("fixtures/golden/signing/trusted_keys.toml", &desk.text(".config/conductor/trusted_keys.toml"));
}

#[test]
fn the_lines_scripts_look_for_are_there() {
    let desk = Desk::with_keys();
    let lines = |ran: &Ran| ran.stdout.lines().map(str::to_owned).collect::<Vec<_>>();
    let has = |ran: Ran, wanted: &[&str]| {
        for line in wanted {
            assert!(lines(&ran).iter().any(|found| found.starts_with(line)), "{line}\n{}", ran.transcript());
        }
    };
    has(desk.run("generate-key|k").exits(0), &["✓ Keypair generated successfully!", "Public key (hex): "]);
    has(
        desk.run("sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com").exits(0),
        &["✓ Plugin signed successfully!", "Signature file: my_plugin.wasm.sig"],
    );
    let untrusted = desk.run("verify|my_plugin.wasm").exits(1);
    has(
        untrusted,
        &["Trusted keys: 0", "✓ Signature verified successfully!", "⚠️  Signature is valid but key is not trusted"],
    );
    desk.run(&format!("trust|add|{ADA}|A")).exits(0);
    let trusted = desk.run("verify|my_plugin.wasm").exits(0);
    has(trusted, &["Trusted keys: 1", "✓ Signature verified successfully!", "✓ Plugin signed by trusted key"]);
}

#[test]
fn signing_and_co_signing_take_two_steps_and_verification_requires_both() {
    let desk = Desk::with_keys();
    let (ada, bob) = (format!("trust|add|{ADA}|Developer 1"), format!("trust|add|{BOB}|Developer 2"));
    let transcript = desk.transcript(&[
        "sign|my_plugin.wasm|.conductor/key1|--name|Developer 1|--email|dev1@example.com|--require|2",
        ada.as_str(),
        "verify|my_plugin.wasm",
        "cosign|my_plugin.wasm|.conductor/key2|--name|Developer 2|--email|dev2@example.com",
        "cosign|my_plugin.wasm|.conductor/key2|--name|Developer 2|--email|dev2@example.com",
        "verify|my_plugin.wasm",
        bob.as_str(),
        "verify|my_plugin.wasm",
    ]);
    golden("fixtures/golden/signing/cosign.txt", &transcript);
}

#[test]
fn without_a_threshold_every_signature_that_is_there_is_required() {
    let desk = Desk::with_keys();
    desk.run("sign|my_plugin.wasm|.conductor/key1|--name|Developer 1|--email|dev1@example.com").exits(0);
    desk.run("cosign|my_plugin.wasm|.conductor/key2|--name|Developer 2|--email|dev2@example.com").exits(0);
    desk.run(&format!("trust|add|{ADA}|Developer 1")).exits(0);
    let ran = desk.run("verify|my_plugin.wasm").exits(1);
    assert!(ran.stderr.contains("2 signatures are there, and only 1 by trusted keys"), "{}", ran.transcript());
    desk.run("verify|my_plugin.wasm|--min-signatures|1").exits(0);
    desk.run(&format!("trust|add|{BOB}|Developer 2")).exits(0);
    desk.run("verify|my_plugin.wasm").exits(0);
}

#[test]
fn a_developers_name_that_no_signature_covers_is_a_claim() {
    let desk = Desk::with_keys();
    desk.run("sign|my_plugin.wasm|.conductor/key1|--name|Ada|--email|ada@example.com").exits(0);
    desk.run(&format!("trust|add|{ADA}|Ada")).exits(0);
    // Another program's file: version 1 and nothing else, with a name anybody can write into it.
    let mut json: serde_json::Value = serde_json::from_str(&desk.text("my_plugin.wasm.sig")).unwrap();
    json.as_object_mut().unwrap().retain(|key, _| key != "statement" && key != "cosignatures");
    json["developer"]["name"] = "$(reboot) 'Official'".into();
    desk.0.file("my_plugin.wasm.sig", json.to_string());
    let mut transcript =
        desk.transcript(&["verify|my_plugin.wasm", "cosign|my_plugin.wasm|.conductor/key2|--name|B|--email|"]);
    desk.run("trust|remove|869e").exits(0);
    transcript += &desk.transcript(&["verify|my_plugin.wasm"]);
    golden("fixtures/golden/signing/claims.txt", &transcript);
}

#[test]
fn a_key_others_can_read_is_refused_with_the_remedy() {
    let desk = Desk::with_keys();
    let sign = "sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com";
    for mode in [0o640, 0o604, 0o660, 0o601] {
        let key = desk.0.path().join(".conductor/key1.private");
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let ran = desk.run(sign).exits(2);
        assert!(ran.stderr.contains("chmod 600 .conductor/key1.private"), "{}", ran.transcript());
        assert!(!desk.0.path().join("my_plugin.wasm.sig").exists());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    }
    desk.run(sign).exits(0);
}

#[test]
fn what_is_no_private_key_is_named() {
    let desk = Desk::with_keys();
    let private = |name: &str, bytes: &[u8]| {
        let file = desk.0.file(name, bytes);
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    desk.0.file("key.public", ADA);
    private("short.private", &[7; 31]);
    private("zero.private", &[0; 32]);
    let sign = |key: &str| format!("sign|my_plugin.wasm|{key}|--name|A|--email|a@example.com");
    let lines = [sign("nowhere"), sign("key.public"), sign("short"), sign("zero")];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    golden("fixtures/golden/signing/bad_keys.txt", &desk.transcript(&lines));
}

#[test]
fn the_key_is_found_with_and_without_its_suffix() {
    let desk = Desk::with_keys();
    desk.run("sign|my_plugin.wasm|.conductor/key1.private|--name|A|--email|a@example.com").exits(0);
    desk.run("sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com").exits(0);
}

#[test]
fn a_sealed_key_opens_with_its_passphrase_alone() {
    let desk = Desk::new();
    let with = |line: &str, passphrase: &str| desk.command(line).env("CONDUCTOR_SIGN_PASSPHRASE", passphrase).run();
    with("generate-key|key|--passphrase", "correct horse").exits(0);
    let file = desk.text("key.private");
    assert!(file.contains("\"argon2id\"") && file.contains("\"xchacha20poly1305\""), "{file}");
    let sign = "sign|my_plugin.wasm|key|--name|A|--email|a@example.com";
    let wrong = with(sign, "wrong horse").exits(2);
    assert!(wrong.stderr.contains("the passphrase is wrong, or the file was changed"), "{}", wrong.stderr);
    // Nobody to ask: the message names the variable.
    let nobody = desk.run(sign).exits(2);
    assert!(nobody.stderr.contains("set CONDUCTOR_SIGN_PASSPHRASE"), "{}", nobody.stderr);
    with(sign, "correct horse").exits(0);
    let public = desk.text("key.public");
    assert!(desk.text("my_plugin.wasm.sig").contains(&public));
    with("generate-key|empty|--passphrase", "").exits(2);
}

#[test]
fn a_changed_sealed_key_or_one_that_costs_too_much_is_refused() {
    let desk = Desk::new();
    let with = |line: &str| desk.command(line).env("CONDUCTOR_SIGN_PASSPHRASE", "p").run();
    with("generate-key|key|--passphrase").exits(0);
    let good = desk.text("key.private");
    for (from, to, message) in [
        ("\"iterations\": 3", "\"iterations\": 2", "was changed"),
        ("\"memory_kib\": 65536", "\"memory_kib\": 4294967295", "at a cost it does not accept"),
        ("\"memory_kib\": 65536", "\"memory_kib\": 0", "at a cost it does not accept"),
        ("\"version\": 1", "\"version\": 2", "does not know"),
        ("\"kdf\": \"argon2id\"", "\"kdf\": \"none\"", "does not know"),
        ("\"version\": 1", "\"version\": 1, \"version\": 1", "not a private key"),
    ] {
        assert!(good.contains(from), "{from}");
        desk.0.file("key.private", good.replace(from, to));
        let ran = with("sign|my_plugin.wasm|key|--name|A|--email|a@example.com").exits(2);
        assert!(ran.stderr.contains(message), "{to}: {}", ran.stderr);
    }
}

#[test]
fn what_is_stated_comes_from_the_plugin_or_from_the_command_line() {
    let desk = Desk::with_keys();
    desk.0.file("note_logger.wasm", fs::read(crate::support::repository("fixtures/plugins/note_logger.wasm")).unwrap());
    let transcript = desk.transcript(&[
        "sign|note_logger.wasm|.conductor/key1|--name|A|--email|a@example.com",
        "sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com|--plugin-name|lights|--plugin-version|1.2.3|--capability|network|--capability|Midi|--require|3|--expires|30d",
        "sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com|--plugin-version|one",
        "sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com|--capability|everything",
        "sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com|--expires|2001-02-03",
        "sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com|--expires|soon",
        "sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com|--require|0",
        "sign|my_plugin.wasm|.conductor/key1|--name||--email|a@example.com",
        "sign|my_plugin.wasm|--name|A|--email|a@example.com",
        "sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com|--hardware-key|pkcs11:object=k",
        "sign|my_plugin.wasm|--hardware-key|/dev/yubikey|--name|Your Name|--email|you@example.com",
    ]);
    golden("fixtures/golden/signing/statements.txt", &transcript);
}

#[test]
fn a_signature_comes_out_the_same_when_it_is_made_again() {
    let (one, other) = (Desk::with_keys(), Desk::with_keys());
    for desk in [&one, &other] {
        desk.run("sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com").exits(0);
        desk.run("cosign|my_plugin.wasm|.conductor/key2|--name|B|--email|b@example.com").exits(0);
    }
    assert_eq!(one.text("my_plugin.wasm.sig"), other.text("my_plugin.wasm.sig"));
    let wrong = one
        .command("sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com")
        .env("SOURCE_DATE_EPOCH", "yesterday")
        .run()
        .exits(2);
    assert!(wrong.stderr.contains("not a number of seconds"), "{}", wrong.stderr);
}

#[test]
fn trust_moves_to_a_new_key_and_both_are_accepted_for_a_while() {
    let desk = Desk::with_keys();
    let add = format!("trust|add|{ADA}|Ada|--email|ada@example.com");
    let mut transcript = desk.transcript(&[
        add.as_str(),
        "rotate|.conductor/key1|.conductor/key2|--reason|a new machine|--transition-days|30000",
        "rotate|.conductor/key1|.conductor/key2",
        "rotate|.conductor/key1|.conductor/key1|--output|same",
        "trust|add|--succession|.conductor/key2.succession",
        "trust|add|--succession|.conductor/key2.succession",
        "trust|list",
        "sign|my_plugin.wasm|.conductor/key1|--name|Ada|--email|ada@example.com",
        "verify|my_plugin.wasm",
        "sign|my_plugin.wasm|.conductor/key2|--name|Ada|--email|ada@example.com",
        "verify|my_plugin.wasm",
        "rotate|.conductor/key1|.conductor/key3|--output|second",
        "trust|add|--succession|second",
        "trust|revoke|869e|stolen with a laptop",
        "trust|list",
        "sign|my_plugin.wasm|.conductor/key1|--name|Ada|--email|ada@example.com",
        "verify|my_plugin.wasm",
        add.as_str(),
        "trust|revoke|869e92a2650f8318480088a886b78edc16526e5d7adb9a9fd4b55c980b33ce61|again",
    ]);
    golden("fixtures/golden/signing/key2.succession", &desk.text(".conductor/key2.succession"));
    let forged = desk.text(".conductor/key2.succession").replace("\"a new machine\"", "\"a new owner\"");
    desk.0.file("forged", forged);
    transcript += &desk.transcript(&["trust|add|--succession|forged", "trust|list|--json"]);
    golden("fixtures/golden/signing/rotate.txt", &transcript);
}

#[test]
fn after_the_transition_only_the_new_key_is_accepted() {
    let desk = Desk::with_keys();
    desk.run(&format!("trust|add|{ADA}|Ada")).exits(0);
    // Signed in 2025 for one day: over by the time anybody verifies.
    desk.run("rotate|.conductor/key1|.conductor/key2|--transition-days|1").exits(0);
    desk.run("trust|add|--succession|.conductor/key2.succession").exits(0);
    desk.run("sign|my_plugin.wasm|.conductor/key1|--name|Ada|--email|ada@example.com").exits(0);
    let old = desk.run("verify|my_plugin.wasm").exits(1);
    assert!(old.stderr.contains("which was replaced on 2025-11-20T08:59:12Z"), "{}", old.transcript());
    assert!(old.stderr.contains(&format!("its successor {BOB}")), "{}", old.transcript());
    desk.run("sign|my_plugin.wasm|.conductor/key2|--name|Ada|--email|ada@example.com").exits(0);
    desk.run("verify|my_plugin.wasm").exits(0);
}

#[test]
fn an_expired_signature_is_not_accepted() {
    let desk = Desk::with_keys();
    desk.run(&format!("trust|add|{ADA}|Ada")).exits(0);
    // Signed in 2025 for one day.
    desk.run("sign|my_plugin.wasm|.conductor/key1|--name|Ada|--email|ada@example.com|--expires|1d").exits(0);
    let ran = desk.run("verify|my_plugin.wasm").exits(1);
    assert!(ran.stderr.contains("the signature expired on 2025-11-20T08:59:12Z"), "{}", ran.transcript());
}

#[test]
fn what_is_wrong_with_a_trust_store_cannot_be_decided() {
    let desk = Desk::with_keys();
    desk.run("sign|my_plugin.wasm|.conductor/key1|--name|A|--email|a@example.com").exits(0);
    let mut transcript = String::new();
    for store in [
        "[[keys]]\nname = \"A\"\n",
        "[[keys]]\nname = \"A\"\nemail = \"\"\npublic_key = \"00\"\nadded_at = \"2025-11-19T08:59:12Z\"\n",
        "keys = [",
    ] {
        desk.0.file("store.toml", store);
        transcript += &desk.transcript(&[
            "verify|my_plugin.wasm|--trusted-keys|store.toml",
            "trust|list|--trusted-keys|store.toml",
            "trust|add|869e92a2650f8318480088a886b78edc16526e5d7adb9a9fd4b55c980b33ce61|A|--trusted-keys|store.toml",
        ]);
        assert_eq!(desk.text("store.toml"), store, "what cannot be read is left alone");
    }
    transcript += &desk.transcript(&["verify|my_plugin.wasm|--trusted-keys|missing.toml"]);
    golden("fixtures/golden/signing/bad_stores.txt", &transcript);
}

#[test]
fn trusting_and_removing_name_what_is_wrong() {
    let desk = Desk::new();
    let (ada, bob) = (format!("trust|add|{ADA}|Ada"), format!("trust|add|{}|Bob", BOB.to_uppercase()));
    let transcript = desk.transcript(&[
        ada.as_str(),
        ada.as_str(),
        bob.as_str(),
        "trust|add|869e92|Short",
        "trust|add|0000000000000000000000000000000000000000000000000000000000000000|Weak",
        "trust|add|zz9e92a2650f8318480088a886b78edc16526e5d7adb9a9fd4b55c980b33ce61|Letters",
        "trust|add",
        "trust|remove|77",
        "trust|remove|xyz",
        "trust|remove|",
        "trust|remove|979602A6",
        "trust|list",
    ]);
    golden("fixtures/golden/signing/trust.txt", &transcript);
}

#[test]
fn every_command_explains_itself() {
    let mut transcript = String::new();
    for line in [
        "--help",
        "generate-key|--help",
        "sign|--help",
        "cosign|--help",
        "verify|--help",
        "rotate|--help",
        "trust|--help",
        "trust|add|--help",
        "trust|list|--help",
        "trust|remove|--help",
        "trust|revoke|--help",
        "",
        "notarize",
        "sign",
        "verify",
    ] {
        let program = bin("conductor-sign");
        let program = line.split('|').filter(|argument| !argument.is_empty()).fold(program, Program::arg);
        transcript += &program.run().transcript();
        transcript.push('\n');
    }
    golden("fixtures/golden/signing/help.txt", &transcript);
}
