//! The conformance gate tells a plugin that behaves from one that does not, before anything is granted to it.

use crate::support::{Scratch, bin, repository};
use conductor::config::PluginConfig;
use conductor::host;
use conductor::package::{Policy, admit};
use conductor::sandbox::{CheckName, Conformance, conformance};

fn gate(wasm: &[u8]) -> Conformance {
    let scratch = Scratch::new();
    let file = scratch.file("plugin.wasm", wasm);
    let admitted = admit(&file, &Policy { name: "test".into(), ..Policy::default() }).expect("admitted");
    conformance(&admitted, &PluginConfig::new(file), host::TABLE)
}

/// A plugin whose `execute` does `body`, with a counter that survives calls and whatever else `rest` says.
fn plugin(body: &str, rest: &str) -> Conformance {
    let text = format!(
        r#"(module {rest}
          (memory (export "memory") 2)
          (global $count (mut i32) (i32.const 0))
          (func (export "execute") (param $ptr i32) (param $len i32) (result i32) {body}))"#
    );
    gate(&wat::parse_str(text).expect("text"))
}

#[track_caller]
fn fails(gate: &Conformance, expected: &[CheckName]) {
    let failed: Vec<_> = gate.checks.iter().filter(|check| !check.passed).map(|check| check.name).collect();
    assert_eq!(failed, expected, "{gate}");
    assert_eq!(gate.checks.len(), CheckName::ALL.len());
}

#[test]
fn a_plugin_that_behaves_passes() {
    fails(&plugin("(i32.const 0)", ""), &[]);
    let committed = |name| gate(&std::fs::read(repository("fixtures/plugins").join(name)).expect(name));
    for name in ["note_logger.wasm", "json_probe.wasm"] {
        fails(&committed(name), &[]);
    }
    // The documentation's own example unwraps what it is given.
    fails(&committed("plain_example.wasm"), &[CheckName::EmptyParams, CheckName::MalformedParams]);
}

#[test]
fn what_traps_fails_where_it_traps() {
    fails(
        &plugin("(unreachable)", ""),
        &[CheckName::EmptyParams, CheckName::OrdinaryParams, CheckName::HugeParams, CheckName::MalformedParams],
    );
    fails(&plugin("(i32.const 0)", r#"(func (export "shutdown") (unreachable))"#), &[CheckName::Shutdown]);
    // Only for what a careless parser reads beyond.
    fails(
        &plugin("(if (i32.lt_u (local.get $len) (i32.const 2)) (then (unreachable))) (i32.const 0)", ""),
        &[CheckName::MalformedParams],
    );
    fails(
        &plugin("(if (i32.gt_u (local.get $len) (i32.const 100000)) (then (unreachable))) (i32.const 0)", ""),
        &[CheckName::HugeParams],
    );
}

#[test]
fn what_cannot_begin_is_not_called() {
    let after_init = &CheckName::ALL[4..10];
    let init = plugin("(i32.const 0)", r#"(func (export "init") (unreachable))"#);
    assert!(after_init.iter().all(|name| init.checks.iter().any(|check| check.name == *name && !check.passed)));
    assert!(init.checks[3].detail.contains("init"), "{init}");
    assert!(!gate(b"\0asm\x01\0\0\0").passed());
    let text = gate(b"(module)");
    assert!(!text.checks[0].passed && text.checks[1].detail == "not reached");
    let command = wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "_start")))"#).expect("text");
    let command = gate(&command);
    assert!(command.checks[0].passed && !command.checks[1].passed, "{command}");
}

#[test]
fn what_does_not_end_reaches_its_limit() {
    let endless = plugin("(loop $again (br $again)) (unreachable)", "");
    assert!(!endless.checks[10].passed && endless.checks[10].detail.contains("max_fuel"), "{endless}");
}

#[test]
fn the_same_twice_is_asked_of_random_and_of_state_alike() {
    // Randomness is seeded, so a plugin that returns it still passes.
    fails(
        &plugin(
            "(drop (call $random (i32.const 0) (i32.const 4))) (i32.load (i32.const 0))",
            r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#,
        ),
        &[],
    );
}

#[test]
fn the_gate_has_a_limit_of_its_own() {
    let scratch = Scratch::new();
    let text = r#"(module (memory (export "memory") 1)
      (func (export "execute") (param i32 i32) (result i32) (loop $ever (br $ever)) unreachable))"#;
    let file = scratch.file("plugin.wasm", wat::parse_str(text).expect("text"));
    let admitted = admit(&file, &Policy { name: "test".into(), ..Policy::default() }).expect("admitted");
    let mut settings = PluginConfig::new(file);
    settings.wasm.max_fuel = u64::MAX;
    let gate = conformance(&admitted, &settings, host::TABLE);
    let detail = |name| &gate.checks.iter().find(|check| check.name == name).expect("each is there").detail;
    assert!(detail(CheckName::EmptyParams).contains("fuel limit 1_000_000_000 reached"), "{gate}");
    assert!(detail(CheckName::Limits).contains("fuel limit 1_000_000_000 reached"), "{gate}");
    // Each of the steps alone would be within it.
    settings.wasm.max_fuel = 400_000_000;
    let gate = conformance(&admitted, &settings, host::TABLE);
    let detail = |name| &gate.checks.iter().find(|check| check.name == name).expect("each is there").detail;
    assert!(detail(CheckName::Limits).ends_with("all steps together used more than 1_000_000_000 fuel"), "{gate}");
    assert_eq!(detail(CheckName::HugeParams), "not reached");
}

#[test]
fn a_plugin_cannot_tell_the_gate_from_a_session() {
    // Neither the date of sessions from files, nor randomness from nothing, nor a word that says what this is.
    let asks = r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
      (global $before (mut i64) (i64.const 0))"#;
    let body = r"(local $i i32)
      (drop (call $time (i32.const 0) (i64.const 0) (i32.const 0)))
      (if (i64.lt_u (i64.load (i32.const 0)) (i64.const 1700000000000000000)) (then unreachable))
      (if (i64.le_u (i64.load (i32.const 0)) (global.get $before)) (then unreachable)) ;; time stands still
      (global.set $before (i64.load (i32.const 0)))
      (local.set $i (local.get $ptr))
      (loop $next (if (i32.lt_u (local.get $i) (i32.add (local.get $ptr) (local.get $len))) (then
        (if (i32.eq (i32.load (local.get $i)) (i32.const 0x666e6f63)) (then unreachable)) ;; conf
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))
      (drop (call $random (i32.const 8) (i32.const 4)))
      (i32.load (i32.const 8))";
    let text = format!(
        r#"(module {asks} (memory (export "memory") 16) (func (export "execute") (param $ptr i32) (param $len i32) (result i32) {body}))"#
    );
    let wasm = wat::parse_str(text).expect("text");
    let codes = || {
        let gate = gate(&wasm);
        fails(&gate, &[]);
        gate.checks.into_iter().find(|check| check.name == CheckName::OrdinaryParams).expect("checked").detail
    };
    assert_ne!(codes(), codes(), "each has a seed of its own");
}

#[test]
fn what_tries_more_than_nothing_is_denied_and_told() {
    let tried = plugin(
        "(call $exec (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
        r#"(import "conductor" "exec" (func $exec (param i32 i32 i32 i32) (result i32)))"#,
    );
    fails(&tried, &[]);
    assert_eq!(tried.checks[12].detail, "denied: exec");
}

#[test]
fn one_that_behaves_only_while_it_is_watched_is_held_by_the_sandbox_all_the_same() {
    // It counts its calls and misbehaves in the one after the gate would have ended.
    let text = r#"(module
      (import "conductor" "exec" (func $exec (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 2)
      (global $count (mut i32) (i32.const 0))
      (func (export "execute") (param i32 i32) (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (if (result i32) (i32.gt_u (global.get $count) (i32.const 20))
          (then (call $exec (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
          (else (i32.const 0)))))"#;
    let wasm = wat::parse_str(text).expect("text");
    assert!(gate(&wasm).passed());
    let scratch = Scratch::new();
    let file = scratch.file("plugin.wasm", &wasm);
    let admitted = admit(&file, &Policy { name: "test".into(), ..Policy::default() }).expect("admitted");
    let refused = conductor::sandbox::Plugin::load(
        &admitted,
        &PluginConfig::new(file),
        conductor::grant::Grant::none(),
        host::TABLE,
    );
    assert!(refused.expect_err("not linked").to_string().contains("Subprocess"));
}

#[test]
fn the_command_prints_a_table_and_its_exit_code_is_the_verdict() {
    let scratch = Scratch::new();
    let good = repository("fixtures/plugins/note_logger.wasm");
    let bad = scratch.file(
        "bad.wasm",
        wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) unreachable))"#)
            .expect("text"),
    );
    let ran = bin("conductor").args("plugin conformance").arg(&good).run().exits(0);
    assert!(
        ran.stdout.lines().count() == 13 && ran.stdout.lines().all(|line| line.starts_with("pass  ")),
        "{}",
        ran.stdout
    );
    let ran = bin("conductor").args("plugin conformance").arg(&bad).run().exits(1);
    assert!(ran.stdout.contains("FAIL  empty params"), "{}", ran.stdout);
    let ran = bin("conductor").args("plugin conformance --json").arg(&bad).run().exits(1);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(report["passed"], false);
    assert_eq!(report["checks"].as_array().map(Vec::len), Some(13));
    bin("conductor").args("plugin conformance /nonexistent.wasm").run().exits(2);
}

#[test]
fn a_configuration_can_make_it_a_condition_of_loading() {
    let scratch = Scratch::new();
    scratch.file(
        "bad.wasm",
        wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) unreachable))"#)
            .expect("text"),
    );
    let config = |require: bool| {
        scratch.file(
            "config.toml",
            format!("[wasm]\nrequire_conformance = {require}\n[[modes]]\nname = \"Default\"\n[plugins.bad]\npath = \"bad.wasm\"\n"),
        )
    };
    let session = repository("fixtures/demo").join("session.mid");
    let run = |require| {
        bin("conductor").args("run --dry-run --config").arg(config(require)).arg("--input").arg(&session).run()
    };
    run(false).exits(0);
    let refused = run(true).exits(1);
    assert!(refused.stderr.contains("does not pass the conformance gate: empty params:"), "{}", refused.stderr);
    assert!(refused.stderr.contains("conductor plugin conformance"), "{}", refused.stderr);
}
