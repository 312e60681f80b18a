//! The conformance gate tells a plugin that behaves from one that does not, before anything is granted to it.

use crate::support::{Scratch, bin, repository, start};
use conductor::internals::config::PluginConfig;
use conductor::internals::host;
use conductor::internals::package::{AdmittedPlugin, Policy, admit};
use conductor::internals::sandbox::{Check, CheckName, Conformance, LoadOptions, Manifest, conformance};

fn gate(wasm: &[u8]) -> Conformance {
    let scratch = Scratch::new();
    let file = scratch.file("plugin.wasm", wasm);
    let admitted = admit(&file, &Policy { name: "test".into(), ..Policy::default() }).expect("admitted");
    held(&admitted, &PluginConfig::new(file))
}

fn held(admitted: &AdmittedPlugin, settings: &PluginConfig) -> Conformance {
    match Manifest::read(admitted, host::TABLE) {
        Ok(manifest) => conformance(&manifest, LoadOptions::from(settings)),
        Err(error) => Conformance::refused(&error),
    }
}

fn check(gate: &Conformance, name: CheckName) -> &Check {
    gate.checks.iter().find(|check| check.name == name).expect("each is there")
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
    // The documentation's own example unwraps what it is given: a mapping without an action, or with a number for one, is enough.
    fails(&committed("plain_example.wasm"), &[CheckName::EmptyParams, CheckName::UnexpectedParams]);
}

#[test]
fn what_traps_fails_where_it_traps() {
    fails(
        &plugin("(unreachable)", ""),
        &[CheckName::EmptyParams, CheckName::OrdinaryParams, CheckName::UnexpectedParams, CheckName::HugeParams],
    );
    fails(&plugin("(i32.const 0)", r#"(func (export "shutdown") (unreachable))"#), &[CheckName::Shutdown]);
    fails(
        &plugin("(if (i32.gt_u (local.get $len) (i32.const 100000)) (then (unreachable))) (i32.const 0)", ""),
        &[CheckName::HugeParams],
    );
}

/// A plugin that says this of itself, with an `execute` that does `body`.
fn declaring(metadata: &str, body: &str) -> Conformance {
    let json = metadata.replace('\n', " ").replace('"', "\\22");
    plugin(body, &format!(r#"(@custom "conductor.plugin" "{json}")"#))
}

const STRICT: &str = r#"{"params_schema":{"type":"object","required":["action","level"],"additionalProperties":false,
  "properties":{"action":{"enum":["dim"]},"level":{"type":"integer","minimum":1000,"maximum":1001}}}}"#;

#[test]
fn parameters_fit_what_a_plugin_declares_so_that_no_schema_keeps_the_gate_out() {
    let traps = declaring(STRICT, "(unreachable)");
    fails(&traps, &[CheckName::OrdinaryParams]);
    let ordinary = check(&traps, CheckName::OrdinaryParams);
    assert_eq!(ordinary.trials[0].input, br#"{"action":"dim","level":1000}"#);
    fails(&declaring(STRICT, "(i32.const 0)"), &[]);
    // Only for one of the values that fit.
    let bound =
        r"(if (i32.eq (i32.load8_u (i32.add (local.get $ptr) (i32.const 27))) (i32.const 0x31)) (then (unreachable)))";
    let gate = declaring(STRICT, &format!("{bound} (i32.const 0)"));
    fails(&gate, &[CheckName::OrdinaryParams]);
    assert_eq!(check(&gate, CheckName::OrdinaryParams).trials[0].input, br#"{"action":"dim","level":1001}"#);
}

#[test]
fn each_declared_action_is_tried_with_what_it_takes() {
    let actions = r#"{"actions":[{"name":"on","parameters":[]},{"name":"off","parameters":["a","b"]}]}"#;
    // The second action only.
    let body =
        r"(if (i32.eq (i32.load8_u (i32.add (local.get $ptr) (i32.const 12))) (i32.const 0x66)) (then (unreachable)))";
    let gate = declaring(actions, &format!("{body} (i32.const 0)"));
    fails(&gate, &[CheckName::OrdinaryParams]);
    let trial = &check(&gate, CheckName::OrdinaryParams).trials[0];
    assert_eq!(trial.input, br#"{"action":"off","parameters":["1","2"]}"#);
    assert_eq!((trial.number, trial.of), (3, 4), "the first twice, the second, and what any mapping may have");
    // With a schema beside, an action has what that requires; one that does not fit is a remark.
    let both = STRICT.replacen('{', r#"{"actions":[{"name":"dim"},{"name":"flash"}],"#, 1);
    let gate = declaring(&both, "(i32.const 0)");
    fails(&gate, &[]);
    assert_eq!(
        check(&gate, CheckName::OrdinaryParams).remarks,
        ["its params_schema turns away its own action \"flash\""]
    );
}

#[test]
fn a_plugin_whose_execute_never_ran_does_not_pass() {
    for schema in [r#"{"type":"string"}"#, r#"{"required":["a"],"additionalProperties":false}"#] {
        let gate = declaring(&format!(r#"{{"params_schema":{schema}}}"#), "(i32.const 0)");
        fails(&gate, &[CheckName::OrdinaryParams]);
        let detail = &check(&gate, CheckName::OrdinaryParams).detail;
        assert_eq!(detail, "execute never ran: no parameters fit its params_schema");
    }
    let full = wat::parse_str(
        r#"(module (memory (export "memory") 1 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
    );
    let full = gate(&full.expect("text"));
    fails(&full, &[CheckName::OrdinaryParams]);
    assert_eq!(check(&full, CheckName::OrdinaryParams).detail, "execute never ran: no room for them");
}

#[test]
fn what_a_mapping_can_have_fails_the_gate_and_what_only_a_broken_host_hands_over_is_a_remark() {
    // It traps unless the parameters begin like an object and end like one.
    let object = r"(if (i32.lt_u (local.get $len) (i32.const 2)) (then (unreachable)))
      (if (i32.ne (i32.load8_u (local.get $ptr)) (i32.const 0x7b)) (then (unreachable)))
      (if (i32.ne (i32.load8_u (i32.sub (i32.add (local.get $ptr) (local.get $len)) (i32.const 1))) (i32.const 0x7d))
        (then (unreachable)))
      (i32.const 0)";
    let gate = plugin(object, "");
    fails(&gate, &[]);
    let malformed = check(&gate, CheckName::MalformedParams);
    assert_eq!((malformed.detail.as_str(), malformed.trials.len()), ("stopped (9 times)", 5));
    assert_eq!(malformed.trials[0].input, br#"{"action":"pla"#);
    // Neither are its limits what a broken host makes of them.
    let endless = r"(loop $ever (br_if $ever (i32.ne (i32.load8_u (local.get $ptr)) (i32.const 0x7b)))) (i32.const 0)";
    fails(&plugin(endless, ""), &[]);
    // A schema is no excuse for a host that does not ask it.
    fails(&declaring(STRICT, object), &[]);
    // A request of the wide dialect is JSON whatever a mapping has: its action can be any text.
    let wide = |body: &str| {
        let text = format!(
            r#"(module (memory (export "memory") 16) (func (export "init") (result i64) (i64.const 0))
              (func (export "execute") (param $ptr i32) (param $len i32) (result i32) {body}))"#
        );
        self::gate(&wat::parse_str(&text).expect("text"))
    };
    // {"action":"[1,2"
    let list =
        r"(if (i32.eq (i32.load8_u (i32.add (local.get $ptr) (i32.const 11))) (i32.const 0x5b)) (then (unreachable)))";
    let gate = wide(&format!("{list} (i32.const 0)"));
    assert!(!check(&gate, CheckName::MalformedParams).passed, "{gate}");
    fails(&wide(object), &[]);
}

#[test]
fn what_failed_is_shown_with_its_number_its_bytes_and_the_log_and_can_be_repeated() {
    let scratch = Scratch::new();
    let text = r#"(module (import "conductor" "log" (func $log (param i32 i32 i32)))
      (memory (export "memory") 1) (data (i32.const 8) "what is that?")
      (func (export "execute") (param $ptr i32) (param $len i32) (result i32)
        (call $log (i32.const 1) (i32.const 8) (i32.const 13))
        (if (i32.eq (i32.load8_u (i32.add (local.get $ptr) (i32.const 10))) (i32.const 0x35)) (then (unreachable)))
        (i32.const 0)))"#;
    let file = scratch.file("it's.wasm", wat::parse_str(text).expect("text"));
    let conductor = |line: &str| bin("conductor").directory(scratch.path()).args(line);
    let ran = conductor("plugin conformance").arg(&file).args("--inputs inputs").run().exits(1);
    let name = file.display().to_string().replace('\'', r"'\''");
    let shown = format!(
        "      input 1 of 10: {{\"action\":5}}\n        log: what is that?\n        to repeat it: conductor plugin run '{name}' \
         --params-raw inputs/unexpected-params-1\n"
    );
    assert!(ran.stdout.contains(&shown), "{}", ran.stdout);
    let again = conductor("plugin run").arg(&file).args("--params-raw inputs/unexpected-params-1").run().exits(1);
    assert!(again.stderr.contains("stopped itself") && again.stderr.contains("what is that?"), "{}", again.stderr);
    // Without a directory the bytes stand in the command.
    let ran = conductor("plugin conformance").arg(&file).run().exits(1);
    let line = ran.stdout.lines().find_map(|line| line.split_once("to repeat it: conductor ")).expect("a command").1;
    assert!(line.ends_with(r#"--params-raw <(printf %s '{"action":5}')"#), "{line}");
    let words: Vec<_> = start("conductor").iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let pasted = std::process::Command::new("bash").arg("-c").arg(format!("{} {line}", words.join(" "))).output();
    let pasted = pasted.expect("a shell");
    assert!(String::from_utf8_lossy(&pasted.stderr).contains("what is that?"), "{pasted:?}");
    assert_eq!(pasted.status.code(), Some(1));
    let json = conductor("plugin conformance --json").arg(&file).run().exits(1);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    let input = &json["checks"][7]["inputs"][0];
    assert_eq!(
        (&input["number"], &input["input"], &input["logs"]),
        (&1.into(), &r#"{"action":5}"#.into(), &serde_json::json!(["what is that?"])),
        "{json}"
    );
}

#[test]
fn bytes_are_handed_over_as_they_are() {
    let scratch = Scratch::new();
    // It answers with the first byte, or 200 where there is none.
    let body = r"(if (i32.eqz (local.get $len)) (then (return (i32.const 200)))) (i32.load8_u (local.get $ptr))";
    let plain = format!(
        r#"(module (memory (export "memory") 1) (func (export "execute") (param $ptr i32) (param $len i32) (result i32) {body}))"#
    );
    let wide = plain.replacen("(func ", r#"(func (export "init") (result i64) (i64.const 0)) (func "#, 1);
    let strict = plain.replacen(
        "(func ",
        r#"(@custom "conductor.plugin" "{\22params_schema\22:{\22required\22:[\22a\22]}}") (func "#,
        1,
    );
    for text in [plain, wide, strict] {
        let file = scratch.file("plugin.wasm", wat::parse_str(&text).expect("text"));
        for (bytes, code) in [(&b"\xff\0{"[..], 255), (b"\x07", 7), (b"", 200)] {
            let raw = scratch.file("raw", bytes);
            let ran = bin("conductor").args("plugin run").arg(&file).arg("--params-raw").arg(raw).run();
            assert!(ran.stdout.contains(&format!("code         {code}\n")), "{text}\n{}", ran.transcript());
        }
    }
    let run = |line: &str| bin("conductor").directory(scratch.path()).args("plugin run plugin.wasm").args(line).run();
    let both = run("--params 1 --params-raw raw").exits(2);
    assert!(both.stderr.contains("give one"), "{}", both.stderr);
    let missing = run("--params-raw nowhere").exits(2);
    assert!(missing.stderr.contains("--params-raw: cannot read nowhere"), "{}", missing.stderr);
    scratch.file("large", vec![b' '; (1 << 20) + 1]);
    let large = run("--params-raw large").exits(1);
    assert!(large.stderr.contains("at most 1 MiB are sent"), "{}", large.stderr);
}

#[test]
fn what_cannot_begin_is_not_called() {
    let after_init = &CheckName::ALL[4..11];
    let init = plugin("(i32.const 0)", r#"(func (export "init") (unreachable))"#);
    assert!(after_init.iter().all(|name| init.checks.iter().any(|check| check.name == *name && !check.passed)));
    assert!(check(&init, CheckName::Init).detail.contains("init"), "{init}");
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
    let limits = check(&endless, CheckName::Limits);
    assert!(!limits.passed && limits.detail.contains("max_fuel"), "{endless}");
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
    let gate = held(&admitted, &settings);
    let detail = |name| &gate.checks.iter().find(|check| check.name == name).expect("each is there").detail;
    assert!(detail(CheckName::EmptyParams).contains("fuel limit 1_000_000_000 reached"), "{gate}");
    assert!(detail(CheckName::Limits).contains("fuel limit 1_000_000_000 reached"), "{gate}");
    // Each of the steps alone would be within it.
    settings.wasm.max_fuel = 400_000_000;
    let gate = held(&admitted, &settings);
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
    assert_eq!(check(&tried, CheckName::Contained).detail, "denied: exec");
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
        (if (result i32) (i32.gt_u (global.get $count) (i32.const 40))
          (then (call $exec (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
          (else (i32.const 0)))))"#;
    let wasm = wat::parse_str(text).expect("text");
    assert!(gate(&wasm).passed());
    let scratch = Scratch::new();
    let file = scratch.file("plugin.wasm", &wasm);
    let admitted = admit(&file, &Policy { name: "test".into(), ..Policy::default() }).expect("admitted");
    let manifest = Manifest::read(&admitted, host::TABLE).expect("read");
    let refused = conductor::internals::sandbox::Plugin::load(
        &manifest,
        LoadOptions::from(&PluginConfig::new(file)).grant(conductor::internals::grant::Grant::none()),
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
        ran.stdout.lines().count() == 14 && ran.stdout.lines().all(|line| line.starts_with("pass  ")),
        "{}",
        ran.stdout
    );
    let ran = bin("conductor").args("plugin conformance").arg(&bad).run().exits(1);
    assert!(ran.stdout.contains("FAIL  empty params"), "{}", ran.stdout);
    let ran = bin("conductor").args("plugin conformance --json").arg(&bad).run().exits(1);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(report["passed"], false);
    assert_eq!(report["checks"].as_array().map(Vec::len), Some(14));
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
