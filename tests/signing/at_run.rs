//! `verify`, `cosign` and `sign` say what `run` will make of the signatures.

#![cfg(feature = "plugin-signing")]

use crate::support::signing::{RUNNING_PLUGIN, Workshop, key_file};
use crate::support::{Program, bin};

fn program(workshop: &Workshop, name: &str, line: &str) -> Program {
    let home = workshop.scratch.path();
    bin(name).directory(home).env("HOME", home).env("XDG_CONFIG_HOME", home).hide(home, "HOME").args(line)
}

/// A home whose configuration has the plugin under these settings; nobody is trusted yet.
fn home(settings: &str) -> Workshop {
    let mut workshop = Workshop::new();
    workshop.plugin = workshop.scratch.file("lights.wasm", RUNNING_PLUGIN);
    workshop
        .scratch
        .file("conductor/config.toml", format!("[plugins.lights]\npath = \"../lights.wasm\"\n{settings}\n"));
    workshop.store = workshop.scratch.path().join("conductor/trusted_keys.toml");
    workshop
}

#[test]
fn verify_says_what_run_would_decide() {
    let workshop = home("require_signature = true");
    workshop.sign("ada");
    workshop.cosign("bob");
    workshop.trust(&["ada"]);
    // Both signatures are there and one is by a stranger: too few for a person, enough for a run.
    let ran = program(&workshop, "conductor-sign", "verify lights.wasm").run().exits(1);
    let line = "conductor run: admitted; settings: [plugins.lights] of HOME/conductor/config.toml; 1 of its 2 signatures would do, so \
                the others can be cut out: to require all, min_signatures = 2 under [plugins.lights]\n";
    assert!(ran.stdout.ends_with(line), "{}", ran.transcript());
    let json = program(&workshop, "conductor-sign", "verify lights.wasm --json").run().exits(1).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["admitted"], &json["run"]["admitted"]), (&false.into(), &true.into()), "{json}");

    // With what it says to write, it is refused there, too; and with both trusted admitted.
    let text = "[plugins.lights]\npath = \"../lights.wasm\"\nrequire_signature = true\nmin_signatures = 2\n";
    workshop.scratch.file("conductor/config.toml", text);
    let ran = program(&workshop, "conductor-sign", "verify lights.wasm").run().exits(1);
    assert!(
        ran.stdout.contains(
            "conductor run: refused: HOME/conductor/../lights.wasm: 1 of 2 signatures that the user requires"
        ) || ran.stdout.contains("conductor run: refused: lights.wasm: 1 of 2 signatures that the user requires"),
        "{}",
        ran.transcript()
    );
    workshop.trust(&["ada", "bob"]);
    let ran = program(&workshop, "conductor-sign", "verify lights.wasm").run().exits(0);
    let line = "conductor run: admitted; settings: [plugins.lights] of HOME/conductor/config.toml\n";
    assert!(ran.stdout.ends_with(line), "{}", ran.transcript());

    workshop.scratch.file("conductor/config.toml", "[plugins");
    let ran = program(&workshop, "conductor-sign", "verify lights.wasm").run().exits(0);
    assert!(ran.stdout.contains("conductor run: what it would decide cannot be told: "), "{}", ran.transcript());
    std::fs::remove_file(workshop.scratch.path().join("conductor/config.toml")).expect("removed");
    let ran = program(&workshop, "conductor-sign", "verify lights.wasm").run().exits(0);
    let line =
        "conductor run: admitted; settings: default (no configuration names this file); 1 of its 2 signatures would do";
    assert!(ran.stdout.contains(line), "{}", ran.transcript());
}

#[test]
fn cosign_says_what_makes_the_second_signature_count() {
    let workshop = home("");
    let (ada, bob) = (key_file(workshop.scratch.path(), "ada"), key_file(workshop.scratch.path(), "bob"));
    let sign = |more: &str| {
        program(&workshop, "conductor-sign", "sign lights.wasm")
            .arg(&ada)
            .args("--name Ada --email a@example.com")
            .args(more)
            .run()
    };
    let cosign = || {
        program(&workshop, "conductor-sign", "cosign lights.wasm")
            .arg(&bob)
            .args("--name Bob --email b@example.com")
            .run()
            .exits(0)
    };
    sign("--plugin-version 1.0.0").exits(0);
    let ran = cosign();
    assert!(ran.stderr.contains("--require 2") && ran.stderr.contains("min_signatures = 2"), "{}", ran.transcript());
    sign("--plugin-version 1.0.0 --require 2").exits(0);
    let ran = cosign();
    assert_eq!(ran.stderr, "", "{}", ran.transcript());
}

#[test]
fn signing_without_a_version_and_over_a_signature_is_said() {
    let workshop = home("");
    let ada = key_file(workshop.scratch.path(), "ada");
    let sign = |more: &str| {
        let sign = program(&workshop, "conductor-sign", "sign lights.wasm").arg(&ada);
        sign.args("--name Ada --email a@example.com").args(more).run().exits(0).stderr
    };
    let unversioned = "no version is stated, so an older release cannot be told from a newer one; to state it: --plugin-version 1.2.3\n";
    assert_eq!(sign(""), unversioned);
    let replaced = "the signature that was in lights.wasm.sig, by Ada <a@example.com>, is replaced; to add one to it: conductor-sign cosign lights.wasm KEY --name NAME --email EMAIL\n";
    assert_eq!(sign("--plugin-version 1.0.0"), replaced);
    assert_eq!(sign(""), format!("{replaced}{unversioned}"));
    std::fs::write(workshop.signature(), "{").expect("a file that is none");
    let replaced = "the signature that was in lights.wasm.sig, is replaced; to add one to it: conductor-sign cosign lights.wasm KEY --name NAME --email EMAIL\n";
    assert_eq!(sign("--plugin-version 1.0.0"), replaced.replace("sig,", "sig"));
}

#[test]
fn a_need_that_only_running_tells_is_attested_and_said_to_come_from_there() {
    let workshop = home("");
    let ada = key_file(workshop.scratch.path(), "ada");
    let sign = |body: &str, more: &str| {
        let text = format!(
            r#"(module (memory (export "memory") 1) (data (i32.const 16) "[\22Subprocess\22]\00")
              (func (export "capabilities") (result i32) {body})
              (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#
        );
        workshop.scratch.file("lights.wasm", wat::parse_str(text).expect("text"));
        let _ = std::fs::remove_file(workshop.signature());
        let sign = program(&workshop, "conductor-sign", "sign lights.wasm").arg(&ada);
        sign.args("--name Ada --email a@example.com --plugin-version 1.0.0").args(more).run().exits(0)
    };
    let asks = "(i32.const 16)";
    let ran = sign(asks, "");
    assert!(ran.stdout.contains("States: lights 1.0.0; capabilities: Subprocess\n"), "{}", ran.transcript());
    assert_eq!(ran.stderr, "only running the plugin told that it asks for Subprocess\n");
    // What the signer names is stated, and what that leaves out is said.
    let ran = sign(asks, "--capability Network");
    assert!(ran.stdout.contains("capabilities: Network\n"), "{}", ran.transcript());
    assert_eq!(ran.stderr, "the plugin also needs Subprocess, and the statement does not say so\n");
    // What could not be learnt is not attested to be nothing without a word.
    let ran = sign("unreachable", "");
    assert!(ran.stdout.contains("capabilities: none\n"), "{}", ran.transcript());
    assert!(
        ran.stderr.contains("did not get so far, so that is not known: capabilities: stopped itself"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("to state them: --capability NAME"), "{}", ran.stderr);
    // A statement is made of the plugin, and not of the one that was there before.
    sign(asks, "");
    workshop.scratch.file("lights.wasm", RUNNING_PLUGIN);
    let again = program(&workshop, "conductor-sign", "sign lights.wasm").arg(&ada);
    let again = again.args("--name Ada --email a@example.com --plugin-version 1.0.1").run().exits(0);
    assert!(again.stdout.contains("capabilities: none\n"), "{}", again.transcript());
    workshop.scratch.file("lights.wasm", "(module)");
    let ran = program(&workshop, "conductor-sign", "sign lights.wasm").arg(&ada);
    let ran = ran.args("--name Ada --email a@example.com --plugin-version 1.0.2").run().exits(0);
    assert!(ran.stderr.contains("conductor will not run this file: WebAssembly text"), "{}", ran.stderr);
}

#[test]
fn verify_says_of_a_module_that_cannot_be_loaded_that_run_refuses_it() {
    let workshop = home("require_signature = true");
    let start = r#"(module (memory (export "memory") 1) (func $f) (start $f)
      (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#;
    workshop.scratch.file("lights.wasm", wat::parse_str(start).expect("text"));
    workshop.sign("ada");
    workshop.trust(&["ada"]);
    // The signature is good; what it is of is none of its business.
    let ran = program(&workshop, "conductor-sign", "verify lights.wasm").run().exits(0);
    assert!(
        ran.stdout.contains("conductor run: refused: plugin \"lights\": has a start function"),
        "{}",
        ran.transcript()
    );
}
