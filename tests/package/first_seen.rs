//! The first sight of a signed plugin is told: from then on a downgrade is noticed, and before it is not.

#![cfg(feature = "plugin-signing")]

use std::path::PathBuf;

use crate::support::signing::Workshop;
use crate::support::{Program, bin};
use conductor::internals::package::signing::SigningKey as _;

/// A home with a plugin that Ada signed, whom its owner trusts.
fn home() -> Workshop {
    let mut workshop = Workshop::new();
    let text =
        r#"(module (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#;
    workshop.plugin = workshop.scratch.file("lights.wasm", wat::parse_str(text).expect("a module"));
    workshop.sign("ada");
    workshop.scratch.file(".config/conductor/config.toml", "[plugins.lights]\npath = \"~/lights.wasm\"\n");
    workshop.store = workshop.scratch.path().join(".config/conductor/trusted_keys.toml");
    workshop.trust(&["ada"]);
    workshop
}

fn conductor(workshop: &Workshop, line: &str) -> Program {
    let home = workshop.scratch.path();
    bin("conductor").directory(home).env("HOME", home).args(line)
}

fn run(workshop: &Workshop) -> String {
    let input = workshop.scratch.file("press.raw", [0x90, 60, 100]);
    conductor(workshop, "run --input").arg(input).run().exits(0).stderr
}

fn record(workshop: &Workshop) -> PathBuf {
    workshop.scratch.path().join(".local/state/conductor/admitted.json")
}

#[test]
fn the_first_sight_is_told_once_by_run_and_until_then_by_a_look() {
    let workshop = home();
    let seen =
        format!("first seen: lights 1.2.3, signed 2025-11-19T08:59:12Z, by {} (ada)", workshop.key("ada").public_key());
    let file = record(&workshop).display().to_string();
    for words in ["plugin inspect lights.wasm", "check --plugins"] {
        let ran = conductor(&workshop, words).run().exits(0);
        let line = format!("history:    {seen}; `conductor run` records it in {file}\n");
        assert!(ran.stdout.contains(&line), "{}", ran.transcript());
    }
    let json = conductor(&workshop, "plugin inspect lights.wasm --json").run().exits(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(json["history"].as_str().is_some_and(|text| text.starts_with(&seen)), "{json}");

    let said = run(&workshop);
    assert!(said.contains(&format!("info: plugin lights: {seen}; recorded in {file}\n")), "{said}");
    let again = run(&workshop);
    assert!(!again.contains("first seen"), "{again}");
    let ran = conductor(&workshop, "plugin inspect lights.wasm").run().exits(0);
    assert!(!ran.stdout.contains("history:"), "{}", ran.transcript());
}

#[test]
fn a_record_that_is_gone_is_noticed_by_what_was_left_behind() {
    let workshop = home();
    run(&workshop);
    std::fs::remove_file(record(&workshop)).expect("a record");
    // A log is there from the first start on, and says nothing.
    workshop.scratch.file(".local/state/conductor/conductor.log", "");
    let said = run(&workshop);
    assert!(said.contains("info: plugin lights: first seen") && !said.contains("warn"), "{said}");

    std::fs::remove_file(record(&workshop)).expect("a record");
    workshop.scratch.file(".local/state/conductor/plugins.lock", "");
    let ran = conductor(&workshop, "plugin inspect lights.wasm").run().exits(0);
    assert!(ran.stdout.contains("though plugins.lock is beside it"), "{}", ran.transcript());
    let said = run(&workshop);
    assert!(said.contains("warn: plugin lights: first seen") && said.contains("somebody removed the record"), "{said}");

    // One name missing among others is a new plugin, unless it has run before.
    let text = std::fs::read_to_string(record(&workshop)).expect("a record").replace("\"lights\": {", "\"other\": {");
    std::fs::write(record(&workshop), text).expect("a record");
    let said = run(&workshop);
    assert!(said.contains("info: plugin lights: first seen") && !said.contains("warn"), "{said}");
    workshop.scratch.file(".local/share/conductor/plugin-data/lights/default/notes.txt", "");
    let text = std::fs::read_to_string(record(&workshop)).expect("a record").replace("\"lights\": {", "\"third\": {");
    std::fs::write(record(&workshop), text).expect("a record");
    let said = run(&workshop);
    assert!(said.contains("warn: plugin lights: it has run here before"), "{said}");
}

#[test]
fn a_damaged_record_is_never_taken_for_an_empty_one() {
    let workshop = home();
    run(&workshop);
    std::fs::write(record(&workshop), "{\"version\":1,\"plugins\":{").expect("a record");
    let said = run(&workshop);
    assert!(said.contains("the record of admitted versions: ") && !said.contains("first seen"), "{said}");
    let config = "[plugins.lights]\npath = \"~/lights.wasm\"\nrequire_signature = true\n";
    workshop.scratch.file(".config/conductor/config.toml", config);
    let ran = conductor(&workshop, "check --plugins").run().exits(1);
    assert!(
        ran.stdout.contains("refused: ") && ran.stdout.contains("the record of admitted versions: "),
        "{}",
        ran.transcript()
    );
}
