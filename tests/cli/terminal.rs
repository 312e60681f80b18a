//! What plugins and files from elsewhere say reaches a terminal as text: nothing that it would obey.

use crate::support::{Scratch, bin};

/// Whether `text` has anything in it that a terminal obeys, but for line ends.
fn obeyed(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}'))
}

#[test]
fn a_plugins_output_is_shown_as_text() {
    let scratch = Scratch::new();
    // JSON allows every control character from U+007F on: U+009B begins what ESC [ begins.
    let text = r#"(module
      (import "conductor" "output_set" (func $output (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 64) "\22\c2\9b2J\7f\e2\80\aeold\22")
      (func (export "execute") (param i32 i32) (result i32) (call $output (i32.const 64) (i32.const 13))))"#;
    let plugin = scratch.file("painter.wasm", wat::parse_str(text).expect("a module"));
    let ran = bin("conductor").arg("plugin").arg("run").arg(&plugin).run().exits(0);
    assert!(ran.stdout.contains("old"), "{}", ran.transcript());
    assert!(!obeyed(&ran.stdout), "{:?}", ran.stdout);

    let config = format!(
        "[plugins.painter]\npath = {:?}\n[[modes]]\nname = \"m\"\n[[modes.mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\n\
         action = {{ WasmPlugin = {{ plugin = \"painter\" }} }}\n",
        plugin.display().to_string()
    );
    let config = scratch.file("config.toml", config);
    let session = scratch.file("session.raw", [0x90, 60, 100]);
    let ran = bin("conductor").arg("replay").arg(&session).arg("--config").arg(&config).run().exits(0);
    assert!(ran.stdout.contains("painter: ok") && ran.stdout.contains("old"), "{}", ran.transcript());
    assert!(!obeyed(&ran.stdout), "{:?}", ran.stdout);
}

#[test]
fn what_differs_in_a_transcript_from_elsewhere_is_shown_as_text() {
    let scratch = Scratch::new();
    let expected = scratch.file("evil.transcript.jsonl", "\u{1b}[2J\u{9b}31mgone\u{7}\n");
    let ran = bin("conductor")
        .args("replay fixtures/sessions/limits/session.mid --config fixtures/sessions/limits/config.toml --expect")
        .arg(expected)
        .run()
        .exits(1);
    assert!(ran.stdout.contains("gone"), "{}", ran.transcript());
    assert!(!obeyed(&ran.stdout) && !obeyed(&ran.stderr), "{:?}", ran.stdout);
}

#[test]
fn what_is_wrong_with_a_file_from_elsewhere_is_said_as_text() {
    let scratch = Scratch::new();
    let budget = scratch.file("budget.toml", "\u{9b}2J = 1\n\"\u{9b}31m\" = 2\n");
    let ran = bin("conductor")
        .args("replay fixtures/sessions/limits/session.mid --config fixtures/sessions/limits/config.toml --budget")
        .arg(budget)
        .run()
        .exits(2);
    assert!(!obeyed(&ran.stderr), "{:?}", ran.stderr);
}
