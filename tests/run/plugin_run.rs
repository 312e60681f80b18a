//! `conductor plugin run` and `--dry-run` can try everything a plugin does, without a controller and without doing it.

use std::path::PathBuf;

use crate::support::{Program, Scratch, bin};

/// Hands its parameters to a host function that takes a head and a body, and makes the answer its output.
fn asks(function: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
  (import "conductor" "{function}" (func $ask (param i32 i32 i32 i32) (result i32)))
  (import "conductor" "response_read" (func $read (param i32 i32) (result i32)))
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 4)
  (func (export "execute") (param $ptr i32) (param $len i32) (result i32) (local $code i32)
    (local.set $code (call $ask (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 0)))
    (if (i32.lt_s (local.get $code) (i32.const 0)) (then (return (local.get $code))))
    (call $log (i32.const 3) (i32.const 1024) (call $read (i32.const 1024) (i32.const 2000)))
    (i32.const 0)))"#
    );
    wat::parse_str(text).expect("a module")
}

/// Logs what `config_get` says of the key that its parameters are.
const CONFIG: &str = r#"(module
  (import "conductor" "config_get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 4)
  (func (export "execute") (param $ptr i32) (param $len i32) (result i32) (local $count i32)
    (local.set $count (call $get (i32.add (local.get $ptr) (i32.const 1)) (i32.sub (local.get $len) (i32.const 2)) (i32.const 1024) (i32.const 200)))
    (if (i32.ge_s (local.get $count) (i32.const 0)) (then (call $log (i32.const 3) (i32.const 1024) (local.get $count))))
    (i32.const 0)))"#;

/// Logs its context.
const CONTEXT: &str = r#"(module
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 4)
  (func (export "execute") (param i32 i32) (result i32) (i32.const 1))
  (func (export "execute_with_context") (param i32 i32 i32 i32) (result i32)
    (call $log (i32.const 3) (local.get 2) (local.get 3))
    (i32.const 0)))"#;

struct Bench(Scratch);

impl Bench {
    fn new() -> Self {
        Self(Scratch::new())
    }
    fn plugin(&self, wasm: &[u8]) -> PathBuf {
        self.0.file("lights.wasm", wasm)
    }
    fn run(&self, line: &str) -> Program {
        bin("conductor").directory(self.0.path()).env("HOME", self.0.path()).args("plugin run").args(line)
    }
}

const GET: &str = r#"{"url":"https://api.example.com/v1/lamps"}"#;

#[test]
fn what_is_not_performed_is_said_and_answered_as_a_success() {
    let bench = Bench::new();
    bench.plugin(&asks("http_request"));
    let ran = bench.run("lights.wasm --host api.example.com --params").arg(GET).run().exits(0);
    assert!(ran.stderr.contains("would do: GET https://api.example.com/v1/lamps\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("{\"status\":200"), "{}", ran.stderr);
}

#[test]
fn a_file_of_answers_stands_for_the_world_in_turn() {
    let bench = Bench::new();
    bench.plugin(&asks("http_request"));
    bench.0.file(
        "answers.toml",
        "[[answer]]\nto = \"GET https://api.example.com/*\"\nstatus = 401\n\n\
         [[answer]]\nto = \"GET https://api.example.com/*\"\nheaders = { Content-Type = \"text/plain\" }\nbody = \"on\"\n",
    );
    let ran = bench.run("lights.wasm --host api.example.com --answer answers.toml --repeat 3 --json --params").arg(GET);
    let ran = ran.run().exits(0);
    let logs: Vec<String> = ran.stdout.lines().map(log).collect();
    assert!(logs[0].contains("\"status\":401"), "{logs:?}");
    for line in &logs[1..] {
        assert!(line.contains("\"status\":200") && line.contains("[\"content-type\",\"text/plain\"]"), "{logs:?}");
        assert!(line.ends_with("on"), "{logs:?}");
    }
    let wrong = bench.0.file("wrong.toml", "[[answer]]\nto = \"*\"\n");
    let ran = bench.run("lights.wasm --answer wrong.toml").hide(&wrong, "wrong.toml").run().exits(2);
    assert!(ran.stderr.contains("wrong.toml: answer 1 (to *): it says no answer"), "{}", ran.stderr);
    let ran = bench.run("lights.wasm --answer wrong.toml --perform").run().exits(2);
    assert!(ran.stderr.contains("--perform"), "{}", ran.stderr);
}

/// The first log line of a call, from its line of JSON.
fn log(line: &str) -> String {
    let call: serde_json::Value = serde_json::from_str(line).expect("JSON");
    call["logs"][0].as_str().unwrap_or_default().to_owned()
}

#[test]
fn settings_secrets_and_the_event_reach_the_plugin() {
    let bench = Bench::new();
    bench.plugin(&wat::parse_str(CONFIG).expect("a module"));
    let ran = bench.run("lights.wasm --set market=DE --set empty= --json --params").arg("\"market\"").run().exits(0);
    assert!(log(&ran.stdout).ends_with("DE"), "{}", ran.stdout);
    let ran = bench.run("lights.wasm --set market").run().exits(2);
    assert!(ran.stderr.contains("\"market\" is not NAME=VALUE"), "{}", ran.stderr);

    bench.plugin(&wat::parse_str(CONTEXT).expect("a module"));
    let ran = bench.run("lights.wasm --event note=60,velocity=100,channel=10,gesture=long_press --json").run().exits(0);
    let line = log(&ran.stdout);
    for part in ["\"note\":60", "\"velocity\":100", "\"channel\":10", "\"gesture\":\"long_press\"", "\"bend\":null"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let ran = bench.run("lights.wasm --event note=200").run().exits(2);
    assert!(ran.stderr.contains("note=200: it is a number from 0 to 127"), "{}", ran.stderr);

    bench.plugin(&asks("http_request"));
    let head = r#"{"url":"https://api.example.com/","headers":[["authorization","Bearer {{secret:token}}"]]}"#;
    let run = || bench.run("lights.wasm --host api.example.com --secret token=LIGHTS_TOKEN --params").arg(head);
    let ran = run().env("LIGHTS_TOKEN", "hush").run().exits(0);
    assert!(ran.stderr.contains("; authorization: Bearer {{secret:token}}"), "{}", ran.stderr);
    assert!(!ran.transcript().contains("hush") && !ran.stderr.contains("has no value"), "{}", ran.transcript());
    let ran = run().run().exits(0);
    assert!(ran.stderr.contains("LIGHTS_TOKEN is not set"), "{}", ran.stderr);
}

#[test]
fn a_program_is_run_only_with_perform_and_only_when_it_is_named() {
    let bench = Bench::new();
    bench.plugin(&asks("exec"));
    let made = bench.0.path().join("made");
    let head = format!(r#"{{"program":"touch","arguments":["{}"]}}"#, made.display());
    let ran = bench.run("lights.wasm --command touch --params").arg(&head).run().exits(0);
    assert!(ran.stderr.contains("would do: run touch ") && !made.exists(), "{}", ran.stderr);
    bench.run("lights.wasm --command true --perform --params").arg(&head).run().exits(1);
    assert!(!made.exists());
    bench.run("lights.wasm --command touch --perform --params").arg(&head).run().exits(0);
    assert!(made.exists());
}

#[test]
fn a_plugin_runs_with_what_its_configuration_gives_it() {
    let bench = Bench::new();
    bench.plugin(&wat::parse_str(CONFIG).expect("a module"));
    bench.0.file(
        "config.toml",
        "[plugins.lamp]\npath = \"lights.wasm\"\nconfig = { market = \"AT\" }\n\n[[modes]]\nname = \"Default\"\n",
    );
    let ran = bench.run("--config config.toml lamp --json --params").arg("\"market\"").run().exits(0);
    assert!(log(&ran.stdout).ends_with("AT"), "{}", ran.stdout);
    let ran = bench.run("--config config.toml lamp --set market=CH --json --params").arg("\"market\"").run().exits(0);
    assert!(log(&ran.stdout).ends_with("CH"), "{}", ran.stdout);
    let ran = bench.run("--config config.toml lights").run().exits(2);
    assert!(ran.stderr.contains("the configuration has no plugin \"lights\"; it has lamp"), "{}", ran.stderr);
    let strict =
        "[wasm]\nrequire_signature = true\n[plugins.lamp]\npath = \"lights.wasm\"\n[[modes]]\nname = \"Default\"\n";
    bench.0.file("strict.toml", strict);
    let ran = bench.run("--config strict.toml lamp").run().exits(1);
    assert!(ran.stderr.contains("refused: "), "{}", ran.stderr);
}

#[test]
fn a_dry_run_tells_and_answers_what_plugins_ask() {
    let bench = Bench::new();
    bench.plugin(&asks("http_request"));
    bench.0.file(
        "config.toml",
            "[plugins.lamp]\npath = \"lights.wasm\"\nallowed_hosts = [\"api.example.com\"]\n\n[[modes]]\nname = \"Default\"\n\
             [[modes.mappings]]\ntrigger = { Note = { note = 60 } }\n\
             action = { WasmPlugin = { plugin = \"lamp\", params = { url = \"https://api.example.com/v1\" } } }\n",
    );
    bench.0.file("session.raw", [0x90, 60, 100]);
    bench.0.file("answers.toml", "[[answer]]\nto = \"*\"\nerror = \"timed_out\"\n");
    let run = || {
        let program = bin("conductor").directory(bench.0.path()).env("HOME", bench.0.path());
        program.args("run --config config.toml --input session.raw --dry-run")
    };
    let ran = run().run().exits(0);
    assert!(ran.stdout.contains("lamp would do: GET https://api.example.com/v1"), "{}", ran.transcript());
    assert!(ran.stdout.contains("lamp: ok"), "{}", ran.transcript());
    let ran = run().args("--answer answers.toml").run().exits(0);
    assert!(ran.stdout.contains("lamp: failed"), "{}", ran.transcript());
    let live = bin("conductor").directory(bench.0.path()).args("run --config config.toml --answer answers.toml");
    assert!(live.run().exits(2).stderr.contains("--dry-run"));
}

#[test]
fn what_was_denied_or_limited_is_said_with_the_option_of_this_command() {
    let bench = Bench::new();
    bench.plugin(&asks("http_request"));
    let ran = bench.run("lights.wasm --params").arg(GET).run().exits(1);
    let hint = "denied: api.example.com (host); only if you expect this: --host api.example.com\n";
    assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    bench.plugin(&asks("exec"));
    let ran = bench.run("lights.wasm --grant Subprocess --params").arg(r#"{"program":"my tool"}"#).run().exits(1);
    assert!(ran.stderr.contains("only if you expect this: --command 'my tool'\n"), "{}", ran.stderr);
    let spin = r#"(module (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) (loop (br 0)) (i32.const 0)))"#;
    bench.plugin(&wat::parse_str(spin).expect("a module"));
    let ran = bench.run("lights.wasm --fuel 1000000").run().exits(1);
    assert!(ran.stderr.contains("\n  (here: --fuel 2000000)\n"), "{}", ran.stderr);
    let big = r#"(module (memory (export "memory") 400) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#;
    bench.plugin(&wat::parse_str(big).expect("a module"));
    let ran = bench.run("lights.wasm --memory 1048576").run().exits(1);
    assert!(ran.stderr.contains("--memory 26279936"), "{}", ran.transcript());
}
