//! Grants are shown, given and taken back on the command line.

use std::path::PathBuf;

use crate::support::{Program, Scratch, bin};

/// Imports a function of every risk.
const ASKS: &str = r#"(module
  (import "conductor" "http_request" (func (param i32 i32 i32 i32) (result i32)))
  (import "conductor" "exec" (func (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#;

/// A home directory with a configuration of one plugin.
struct Home {
    scratch: Scratch,
    plugin: PathBuf,
}

impl Home {
    fn new(settings: &str) -> Self {
        let scratch = Scratch::new();
        let plugin = scratch.file("asks.wasm", wat::parse_str(ASKS).expect("text"));
        std::fs::create_dir(scratch.path().join("conductor")).expect("a directory");
        scratch.file(
            "conductor/config.toml",
            format!("[[modes]]\nname = \"Default\"\n[plugins.asks]\npath = \"{}\"\n{settings}", plugin.display()),
        );
        Self { scratch, plugin }
    }
    fn conductor(&self, line: &str) -> Program {
        bin("conductor").args(line).env("XDG_CONFIG_HOME", self.scratch.path()).hide(self.scratch.path(), "HOME")
    }
    fn store(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("conductor/grants.toml")).unwrap_or_default()
    }
}

#[test]
fn what_is_asked_for_and_missing_is_listed() {
    let home = Home::new("");
    let ran = home.conductor("plugin list").run().exits(1);
    assert_eq!(
        ran.stdout,
        "asks  HOME/asks.wasm  (unsigned)\n  \
         refused: plugin \"asks\": imports conductor.exec, which needs the capability Subprocess; to grant it, in [plugins.asks]: \
         granted_capabilities = [\"Network\", \"Subprocess\"]; or run: conductor plugin grant asks Subprocess\n  \
         Network        granted (automatic); reaches nothing yet; to say what: conductor plugin grant asks --host …\n  \
         Filesystem     asked for, not granted (risk: medium); to grant it: conductor plugin grant asks Filesystem\n  \
         Subprocess     asked for, not granted (risk: high); to grant it: conductor plugin grant asks Subprocess\n"
    );
    let json = home.conductor("plugin list --json").run().exits(1).stdout;
    let list: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(list[0]["missing"], serde_json::json!(["Filesystem", "Subprocess"]));
    assert_eq!(list[0]["granted"], serde_json::json!([{"capability": "Network", "by": "automatic"}]));
}

#[test]
fn what_reaches_nothing_for_want_of_a_scope_is_said_until_there_is_one() {
    let home = Home::new("granted_capabilities = [\"Filesystem\", \"Subprocess\"]\nallowed_commands = [\"git\"]\n");
    let had = home.conductor("plugin grant asks").run().exits(0).stdout;
    assert!(
        had.contains("it has all it asks for\n  Network        reaches nothing yet; to say what: --host\n"),
        "{had}"
    );
    home.conductor("plugin grant asks --host example.com").run().exits(0);
    let listed = home.conductor("plugin list").run().exits(0).stdout;
    assert!(!listed.contains("reaches nothing"), "{listed}");
    assert!(!home.conductor("plugin grant asks").run().exits(0).stdout.contains("reaches nothing"));
}

#[test]
fn a_high_risk_is_granted_only_to_a_yes() {
    let home = Home::new("");
    for answer in ["", "\n", "n\n", "no\n", "maybe\n"] {
        let ran = home.conductor("plugin grant asks").stdin(answer).run().exits(1);
        assert!(ran.stdout.contains("it may start the programs in allowed_commands"), "{}", ran.stdout);
        assert!(ran.stderr.contains("This is a high risk. Grant Subprocess? [y/N]"), "{}", ran.stderr);
        assert!(ran.stderr.contains("where nobody can answer: --yes"), "{}", ran.stderr);
        assert_eq!(home.store(), "", "half of what was asked is not granted either");
    }
    home.conductor("plugin grant asks").stdin("y\n").run().exits(0);
    assert!(home.store().contains("capabilities = [\"Filesystem\", \"Subprocess\"]"), "{}", home.store());
    let listed = home.conductor("plugin list").run().exits(0).stdout;
    assert!(listed.contains("Subprocess     granted (approved)"), "{listed}");
    let again = home.conductor("plugin grant asks").run().exits(0);
    assert!(again.stdout.contains("it has all it asks for"), "{}", again.stdout);
}

#[test]
fn a_medium_risk_needs_no_answer_and_a_headless_box_says_yes() {
    let home = Home::new("");
    let ran = home.conductor("plugin grant asks filesystem").run().exits(0);
    assert!(ran.stdout.ends_with("granted Filesystem to asks\n"), "{}", ran.stdout);
    home.conductor("plugin grant asks --command playerctl --yes").run().exits(0);
    assert!(home.store().contains("commands = [\"playerctl\"]"), "{}", home.store());
    home.conductor("plugin list").run().exits(0);
}

#[test]
fn a_swapped_file_has_to_be_approved_again() {
    let home = Home::new("");
    home.conductor("plugin grant asks --yes").run().exits(0);
    home.conductor("plugin list").run().exits(0);
    std::fs::write(&home.plugin, wat::parse_str(ASKS.replace("i32.const 0", "i32.const 1")).expect("text"))
        .expect("swapped");
    let listed = home.conductor("plugin list").run().exits(1).stdout;
    assert!(listed.contains("Subprocess     asked for, not granted"), "{listed}");
}

#[test]
fn what_was_granted_is_taken_back() {
    let home = Home::new("");
    home.conductor("plugin grant asks --yes").run().exits(0);
    let ran = home.conductor("plugin revoke asks Subprocess").run().exits(0);
    assert_eq!(ran.stdout, "revoked Subprocess from asks\n");
    assert!(home.store().contains("capabilities = [\"Filesystem\"]"), "{}", home.store());
    assert_eq!(home.conductor("plugin revoke asks").run().exits(0).stdout, "revoked Filesystem from asks\n");
    let nothing = home.conductor("plugin revoke asks").run().exits(1);
    assert_eq!(nothing.stderr, "nothing was approved for \"asks\"\n");
}

#[test]
fn the_configurations_grants_are_shown_as_such_and_stay() {
    let home = Home::new("granted_capabilities = [\"Filesystem\", \"Subprocess\", \"Midi\"]\n");
    let listed = home.conductor("plugin list").run().exits(0).stdout;
    assert!(listed.contains("Filesystem     granted (configuration)\n"), "{listed}");
    assert!(listed.contains("Midi           granted (configuration, not asked for); reaches nothing yet"), "{listed}");
    let ran = home.conductor("plugin revoke asks Subprocess").run().exits(1);
    assert!(
        ran.stderr.contains("the configuration grants Subprocess to asks; take it out of granted_capabilities"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_damaged_store_is_an_error_and_not_an_empty_one() {
    let home = Home::new("");
    home.scratch.file("conductor/grants.toml", "version = 1\n[[grants]]\nplugin = 3\n");
    for line in ["plugin list", "plugin grant asks --yes", "plugin revoke asks"] {
        let ran = home.conductor(line).run().exits(2);
        assert!(ran.stderr.contains("HOME/conductor/grants.toml: not a grant store"), "{line}: {}", ran.stderr);
    }
}

#[test]
fn mistakes_are_answered() {
    let home = Home::new("");
    let ran = home.conductor("plugin grant other --yes").run().exits(2);
    assert_eq!(ran.stderr, "the configuration has no plugin \"other\"; it has asks\n");
    assert!(
        home.conductor("plugin grant asks Telepathy").run().exits(2).stderr.contains("there are Network, Filesystem")
    );
    assert!(home.conductor("plugin grant asks --host *").run().exits(2).stderr.contains("a wildcard stands once"));
}
