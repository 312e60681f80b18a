//! `conductor check --plugins`, `conductor plugin inspect` and `conductor run` say the same about a plugin.

#![cfg(feature = "plugin-signing")]

use std::fs;

use crate::support::signing::Workshop;
use crate::support::{Program, bin, golden, repository};

/// A plugin that says what it is, needs Midi, and does nothing.
const PLUGIN: &str = r#"(module
  (import "conductor" "midi_send" (func (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (memory (export "memory") 1)
  (func (export "init"))
  (func (export "execute") (param i32 i32) (result i32) i32.const 0)
  (@custom "conductor.plugin" "{\"name\":\"lights\",\"version\":\"1.2.3\",\"description\":\"Turns lights \\u001b[31mon\",\"author\":\"Ada\",\"license\":\"MIT\",\"type\":\"action\",\"capabilities\":[\"network\"],\"actions\":[{\"name\":\"on\",\"description\":\"One lamp\",\"parameters\":[\"lamp\"]}]}"))"#;

/// A home with a configuration in production mode and a plugin that Ada signed.
fn home() -> Workshop {
    let mut workshop = Workshop::new();
    workshop.plugin = workshop.scratch.file("lights.wasm", wat::parse_str(PLUGIN).expect("a module"));
    workshop.sign("ada");
    let config = r#"
[wasm]
require_signature = true

[plugins.lights]
path = "~/lights.wasm"

[[modes]]
name = "Default"
[[modes.mappings]]
trigger = { Note = { note = 60 } }
action = { WasmPlugin = { plugin = "lights" } }
"#;
    workshop.scratch.file(".config/conductor/config.toml", config);
    workshop.store = workshop.scratch.path().join(".config/conductor/trusted_keys.toml");
    workshop
}

fn conductor(workshop: &Workshop, line: &str) -> Program {
    let home = workshop.scratch.path();
    bin("conductor").directory(home).env("HOME", home).hide(home, "~").args(line)
}

#[test]
fn inspect_shows_the_verdict_the_needs_and_the_contents() {
    let workshop = home();
    let mut text = conductor(&workshop, "plugin inspect lights.wasm").run().exits(1).transcript();
    workshop.trust(&["ada"]);
    text += &conductor(&workshop, "plugin inspect lights.wasm").run().exits(0).transcript();
    text += &conductor(&workshop, "plugin inspect lights.wasm --json").run().exits(0).transcript();
    workshop.scratch.file("text.wasm", "(module)");
    text += &conductor(&workshop, "plugin inspect text.wasm").run().exits(1).transcript();
    text += &conductor(&workshop, "plugin inspect nowhere.wasm").run().exits(2).transcript();
    text += &conductor(&workshop, "plugin inspect lights.wasm --config nowhere.toml").run().exits(2).transcript();
    text += &conductor(&workshop, "plugin inspect --help").run().exits(0).transcript();
    golden("fixtures/golden/signing/inspect.txt", &text);
}

#[test]
fn check_shows_the_verdict_of_every_plugin() {
    let workshop = home();
    let mut text = conductor(&workshop, "check").run().exits(0).transcript();
    text += &conductor(&workshop, "check --plugins").run().exits(1).transcript();
    workshop.trust(&["ada"]);
    text += &conductor(&workshop, "check --plugins").run().exits(0).transcript();
    let json = conductor(&workshop, "check --plugins --json").run().exits(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["plugins"][0]["plugin"], "lights");
    assert_eq!(json["plugins"][0]["verdict"]["level"], "trusted");
    golden("fixtures/golden/signing/check.txt", &text);
    let state = workshop.scratch.path().join(".local/state/conductor/admitted.json");
    assert!(!state.exists(), "a look is no admission");
}

#[test]
fn run_refuses_with_the_same_words() {
    let workshop = home();
    let inspected = conductor(&workshop, "plugin inspect lights.wasm").run().exits(1).stdout;
    let refusal = inspected.split("refused: ").nth(1).expect("a refusal").lines().next().unwrap().to_owned();
    let refusal = refusal.replace("~/", "").trim_start_matches("lights.wasm").to_owned();
    let ran = conductor(&workshop, "run --input").arg(repository("fixtures/demo/session.mid")).run();
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains(&refusal), "{refusal}\n{}", ran.transcript());
    workshop.trust(&["ada"]);
    let ran = conductor(&workshop, "run --input").arg(repository("fixtures/demo/session.mid")).run();
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(&refusal), "{}", ran.transcript());
    let state = workshop.scratch.path().join(".local/state/conductor/admitted.json");
    assert!(fs::read_to_string(state).unwrap().contains("\"lights\""), "what ran is remembered");
}
