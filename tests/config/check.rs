//! `conductor check`: its verdict is its exit code, it never creates a file, and it prints what a person or a program reads.

use std::fs;

use crate::support::{Scratch, bin, golden};

const WIDE: &str = "fixtures/configs/wide.toml";

#[test]
fn a_valid_file_is_summed_up_and_its_warnings_are_told() {
    let ran = bin("conductor").args("check").arg(WIDE).env("HOME", "/home/ada").env("KEYS", "/keys").run().exits(0);
    golden("fixtures/cli/check-valid.txt", &ran.transcript());
}

#[test]
fn an_invalid_file_is_exit_1_with_every_error() {
    let ran = bin("conductor").args("check fixtures/configs/broken/key-missing.toml").run().exits(1);
    golden("fixtures/cli/check-invalid.txt", &ran.transcript());
}

#[test]
fn a_program_reads_one_json_object() {
    let ran =
        bin("conductor").args("check --json").arg(WIDE).env("HOME", "/home/ada").env("KEYS", "/keys").run().exits(0);
    golden("fixtures/cli/check-json-valid.txt", &ran.transcript());
    let ran = bin("conductor").args("check --json fixtures/configs/broken/key-missing.toml").run().exits(1);
    golden("fixtures/cli/check-json-invalid.txt", &ran.transcript());
}

#[test]
fn a_missing_file_is_exit_2_and_is_not_created() {
    let scratch = Scratch::new();
    let file = scratch.path().join("config.toml");
    let ran = bin("conductor").args("check").arg(&file).hide(scratch.path(), "DIR").run().exits(2);
    golden("fixtures/cli/check-missing.txt", &ran.transcript());
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "nothing was created");
    // Nor is the default one, nor its directory.
    let ran = bin("conductor").args("check").env("XDG_CONFIG_HOME", scratch.path()).run().exits(2);
    assert!(ran.stderr.contains("conductor/config.toml: there is no such configuration"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "nothing was created");
}

#[test]
fn the_default_file_is_where_xdg_says() {
    let scratch = Scratch::new();
    scratch.file("conductor/config.toml", "[device]\nname = \"a\"\n");
    let ran = bin("conductor")
        .args("check")
        .env("XDG_CONFIG_HOME", scratch.path())
        .hide(scratch.path(), "XDG_CONFIG_HOME")
        .run()
        .exits(0);
    assert_eq!(ran.stdout, "XDG_CONFIG_HOME/conductor/config.toml: valid: 1 device, 1 mode, 0 mappings, 0 plugins\n");
    scratch.file(".config/conductor/config.toml", "");
    let ran = bin("conductor").args("check").env("HOME", scratch.path()).hide(scratch.path(), "HOME").run().exits(0);
    assert_eq!(ran.stdout, "HOME/.config/conductor/config.toml: valid: 0 devices, 1 mode, 0 mappings, 0 plugins\n");
    let ran = bin("conductor").args("check").env("HOME", "").run().exits(2);
    assert_eq!(ran.stderr, "neither HOME nor XDG_CONFIG_HOME is set to an absolute path; set one, or name the file\n");
}

#[test]
fn what_cannot_be_read_is_exit_2_and_what_is_too_large_is_refused_unread() {
    let scratch = Scratch::new();
    let ran = bin("conductor").args("check").arg(scratch.path()).hide(scratch.path(), "DIR").run().exits(2);
    assert!(ran.stderr.starts_with("DIR: cannot read the configuration: "), "{}", ran.stderr);
    let large = scratch.file("large.toml", " ".repeat((1 << 20) + 1));
    let ran = bin("conductor").args("check").arg(&large).hide(scratch.path(), "DIR").run().exits(1);
    assert_eq!(ran.stderr, "DIR/large.toml: larger than 1024 KiB; no configuration may be\n");
    let endless = bin("conductor").args("check /dev/zero").run().exits(1);
    assert_eq!(endless.stderr, "/dev/zero: larger than 1024 KiB; no configuration may be\n");
    let full = scratch.file("full.toml", " ".repeat(1 << 20));
    bin("conductor").args("check").arg(&full).run().exits(0);
}

/// A plugin that says what parameters it accepts, and a configuration with mappings that mostly have others.
fn with_lights(mappings: &str) -> Scratch {
    let schema = r#"{"type":"object","required":["action"],"additionalProperties":false,"properties":{
        "action":{"type":"string","enum":["on","off"]},"level":{"type":"integer","minimum":0,"maximum":100},
        "lamp":{"type":"string","maxLength":20},"fade":{"type":"number","minimum":0}}}"#;
    let metadata = format!(
        r#"{{"name":"lights","version":"1.0.0","description":"","author":"","license":"MIT","type":"action","params_schema":{schema}}}"#
    );
    let module = format!(
        r#"(module (@custom "conductor.plugin" "{}") (memory (export "memory") 1)
          (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
        metadata.replace('"', "\\22").replace('\n', " ")
    );
    let scratch = Scratch::new();
    scratch.file("lights.wasm", wat::parse_str(module).expect("a module"));
    scratch.file("config.toml", format!("[plugins.lights]\npath = \"lights.wasm\"\n{mappings}"));
    scratch
}

fn check_plugins(scratch: &Scratch, more: &str, code: i32) -> crate::support::Ran {
    let line = format!("check --plugins {more} config.toml");
    bin("conductor")
        .directory(scratch.path())
        .env("HOME", scratch.path())
        .hide(scratch.path(), "~")
        .args(&line)
        .run()
        .exits(code)
}

#[test]
fn parameters_that_a_plugin_would_not_take_are_found_where_they_stand() {
    let scratch = with_lights(
        r#"
[[global_mappings]]
trigger = { Note = { note = 36 } }
action = { WasmPlugin = { plugin = "lights", params = { action = "onn", level = 120, colour = "red" } } }

[[global_mappings]]
trigger = { Note = { note = 37 } }
action = { Sequence = { actions = [
    { Delay = { ms = 5 } },
    { WasmPlugin = { plugin = "lights", params = { levle = 3 } } },
] } }
release = { WasmPlugin = { plugin = "lights" } }

[[global_mappings]]
trigger = { CC = { cc = 7 } }
action = { WasmPlugin = { plugin = "lights", params = { action = "on", level = 900 }, values = { level = { from = "value" }, lamp = { from = "cc" } } } }

[[global_mappings]]
trigger = { Note = { note = 38 } }
action = { WasmPlugin = { path = "lights.wasm", params = { action = "off", fade = -0.5, lamp = 3 } } }
"#,
    );
    let mut text = check_plugins(&scratch, "", 1).transcript();
    text += &check_plugins(&scratch, "--json", 1).transcript();
    golden("fixtures/cli/check-params.txt", &text);
    let ran = bin("conductor").directory(scratch.path()).args("check config.toml").run().exits(0);
    assert!(ran.stdout.contains("valid"), "without the plugin nobody knows: {}", ran.stdout);
}

#[test]
fn parameters_that_a_plugin_takes_are_not_found() {
    let scratch = with_lights(
        r#"
[[global_mappings]]
trigger = { CC = { cc = 7 } }
action = { WasmPlugin = { plugin = "lights", params = { action = "on", lamp = "desk", fade = 1 }, values = { level = { from = "value" } } } }
"#,
    );
    let ran = check_plugins(&scratch, "", 0);
    assert!(ran.stdout.starts_with("config.toml: valid: "), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[test]
fn help_ends_with_examples_and_exit_codes() {
    let ran = bin("conductor").args("check --help").run().exits(0);
    golden("fixtures/cli/check-help.txt", &ran.transcript());
    bin("conductor").args("check --jsno").run().exits(2);
}
