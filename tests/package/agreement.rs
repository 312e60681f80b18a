//! `run`, `check --plugins`, `plugin inspect` and `plugin list` decide about a plugin alike, whatever file it is: the verdict, the
//! reason, the exit code.

use crate::support::{Ran, Scratch, bin, repository};

/// A module that is a plugin: a memory, an `execute` with this body, and what else `rest` says.
fn module(rest: &str, body: &str) -> Vec<u8> {
    text(&format!(
        r#"(module {rest} (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) {body} (i32.const 0)))"#
    ))
}

fn text(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// `wasm` with a custom section at its end.
fn with_section(mut wasm: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let length = 1 + name.len() + data.len();
    assert!(name.len() < 128 && length < 128, "one byte each");
    wasm.extend([0, length as u8, name.len() as u8]);
    wasm.extend(name.as_bytes());
    wasm.extend(data);
    wasm
}

/// A home with a configuration of one plugin, which no mapping calls.
struct Home {
    scratch: Scratch,
}

impl Home {
    fn new(wasm: &[u8], settings: &str) -> Self {
        let scratch = Scratch::new();
        scratch.file("it.wasm", wasm);
        let config = format!("[[modes]]\nname = \"Default\"\n[plugins.it]\npath = \"~/it.wasm\"\n{settings}\n");
        scratch.file(".config/conductor/config.toml", config);
        Self { scratch }
    }
    fn conductor(&self, line: &str) -> Ran {
        let home = self.scratch.path();
        bin("conductor").directory(home).env("HOME", home).hide(home, "~").args(line).run()
    }
    /// All four, with what each says.
    fn asked(&self) -> [(&'static str, Ran); 4] {
        let home = self.scratch.path();
        let run = bin("conductor").directory(home).env("HOME", home).hide(home, "~").args("run --dry-run --input");
        [
            ("run", run.arg(repository("fixtures/demo/session.mid")).run()),
            ("check --plugins", self.conductor("check --plugins")),
            ("plugin inspect", self.conductor("plugin inspect it.wasm")),
            ("plugin list", self.conductor("plugin list")),
        ]
    }
}

/// Each refuses `wasm`, for this reason.
#[track_caller]
fn refused(wasm: &[u8], settings: &str, reason: &str) {
    let home = Home::new(wasm, settings);
    for (who, ran) in home.asked() {
        let ran = ran.exits(1);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(reason), "{who} does not say: {reason}\n{said}");
        assert!(said.contains("refused: "), "{who}: {said}");
        assert!(!said.contains("verdict:    admitted"), "{who}: {said}");
    }
    for line in ["check --plugins --json", "plugin inspect it.wasm --json", "plugin list --json"] {
        let said: serde_json::Value = serde_json::from_str(&home.conductor(line).exits(1).stdout).expect("JSON");
        let verdict = match line {
            "plugin list --json" => said[0]["refused"].is_string(),
            "check --plugins --json" => said["plugins"][0]["verdict"]["admitted"] == false,
            _ => said["verdict"]["admitted"] == false,
        };
        assert!(verdict, "{line}: {said}");
    }
}

/// Each takes `wasm`.
#[track_caller]
fn taken(wasm: &[u8], settings: &str) -> [(&'static str, Ran); 4] {
    let asked = Home::new(wasm, settings).asked();
    for (who, ran) in &asked {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(0), "{who}: {said}");
        assert!(!said.contains("refused"), "{who}: {said}");
    }
    asked
}

#[test]
fn what_is_no_module_is_refused_by_all() {
    let whole = module("", "");
    refused(b"", "", "the file is empty");
    refused(b"lights = on\n", "", "not a WebAssembly module");
    refused(b"(module (memory 1))", "", "WebAssembly text, not a module");
    refused(b"\0asm\x0d\0\x01\0", "", "a component, not a core module");
    refused(b"\0asm\x02\0\0\0", "", "version 0x2 of the binary format");
    refused(&whole[..whole.len() - 3], "", "truncated");
    refused(&module("", "(drop (i32.add (i32.const 1) (i32.const 1)))")[..40], "", "truncated");
    // Types that do not meet: only the engine's validation finds it.
    let mut invalid = module("", "(drop (i32.const 7))");
    let place = invalid.windows(3).position(|bytes| bytes == [0x41, 7, 0x1a]).expect("i32.const 7, drop");
    invalid[place] = 0x1a; // a drop of nothing
    invalid[place + 1] = 0x01;
    invalid[place + 2] = 0x01;
    refused(&invalid, "", "not a valid module");
}

#[test]
fn what_breaks_the_contract_is_refused_by_all() {
    let execute = r#"(func (export "execute") (param i32 i32) (result i32) (i32.const 0))"#;
    let memory = r#"(memory (export "memory") 1)"#;
    refused(&text(&format!("(module {memory})")), "", "does not export \"execute\"");
    refused(&text(&format!("(module {execute})")), "", "does not export its memory");
    refused(
        &text(&format!(r#"(module {memory} (func (export "execute") (param i64) (result i32) (i32.const 0)))"#)),
        "",
        "export \"execute\" is a function (i64) -> i32",
    );
    refused(&module(r#"(func (export "alloc") (result i32) (i32.const 0))"#, ""), "", "export \"alloc\" is a function");
    refused(&module("(func $start) (start $start)", ""), "", "has a start function");
    refused(&module(r#"(func (export "_start"))"#, ""), "", "exports _start: a program, not a plugin");
    refused(
        &module(r#"(@custom "conductor.plugin" "no JSON")"#, ""),
        "",
        "its section conductor.plugin cannot be read",
    );
    refused(&with_section(module("", ""), "go:buildid", b"x"), "", "does not export \"alloc\"; it is built by Go");
}

#[test]
fn what_nobody_provides_is_refused_by_all() {
    let import =
        |module: &str, name: &str, what: &str| self::module(&format!(r#"(import "{module}" "{name}" {what})"#), "");
    refused(
        &import("conductor", "midi_sent", "(func)"),
        "",
        "imports conductor.midi_sent, which does not exist; there is midi_send",
    );
    refused(&import("conductor", "log", "(func (param i32))"), "", "imports conductor.log as (i32) -> ()");
    refused(&import("wasi_snapshot_preview1", "fd_wirte", "(func)"), "", "there is fd_write");
    refused(&import("conductor", "secret", "(global i32)"), "", "imports the global conductor.secret");
    refused(&import("env", "sqlite3_open", "(func)"), "", "a symbol was left undefined");
    refused(&import("extism:host/env", "input_length", "(func)"), "", "that is Extism");
    refused(&import("zellij", "host_run_plugin_command", "(func)"), "", "that is Zellij");
    refused(&import("nobody", "knows", "(func)"), "", "imports nobody.knows, and there is no module \"nobody\"");
}

#[test]
fn what_is_not_granted_and_cannot_be_done_without_is_refused_by_all() {
    let exec = module(r#"(import "conductor" "exec" (func (param i32 i32 i32 i32) (result i32)))"#, "");
    refused(&exec, "", "imports conductor.exec, which needs the capability Subprocess; to grant it, in [plugins.it]");
    taken(&exec, "granted_capabilities = [\"Subprocess\"]");
    // What is granted for the asking is no reason.
    taken(&module(r#"(import "conductor" "midi_send" (func (param i32 i32 i32 i32) (result i32)))"#, ""), "");
}

#[test]
fn what_is_over_a_limit_is_refused_by_all() {
    let locals = format!("(local {})", "i64 ".repeat(30_000));
    refused(&module("", &locals), "", "function 0 has 30_000 local variables");
    refused(&module("(table 20000 funcref)", ""), "", "begins with 20_000 table elements, at most 10_000 are allowed");
    taken(&module("(table 20000 funcref)", ""), "max_table_elements = 20000");
    let memory = text(
        r#"(module (memory (export "memory") 4096) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
    );
    refused(&memory, "", "begins with 256 MiB of memory, at most 128 MiB is allowed");
    taken(&memory, "max_memory_bytes = 536870912");
    let branches = "(if (local.get 0) (then) (else))".repeat(20_000);
    refused(&module("", &branches), "max_memory_bytes = 1048576", "its code takes up to");
}

#[test]
fn what_is_off_is_refused_by_all() {
    refused(&module("(memory 1)", ""), "", "declares 2 memories");
    refused(&module("(func (param v128))", ""), "", "uses SIMD");
    let memory64 = text(
        r#"(module (memory (export "memory") i64 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
    );
    refused(&memory64, "", "memory64");
}

#[test]
fn what_does_not_pass_a_gate_that_is_required_is_refused_by_all() {
    let traps = module("", "unreachable");
    refused(&traps, "require_conformance = true", "does not pass the conformance gate");
    taken(&traps, "");
    taken(&module("", ""), "require_conformance = true");
}

#[test]
fn what_is_odd_is_said_by_all_and_refused_by_none() {
    let section = |wasm, json: &str| with_section(wasm, "conductor.plugin", json.as_bytes());
    let twice = section(section(module("", ""), r#"{"name":"first"}"#), r#"{"name":"last"}"#);
    for (who, ran) in taken(&twice, "") {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("has 2 sections conductor.plugin; the last one counts"), "{who}: {said}");
        assert!(who != "plugin inspect" || said.contains("name:       last"), "{said}");
    }
    let unknown = section(module("", ""), r#"{"capabilities":["network","telepathy","\u001b[2J"]}"#);
    for (who, ran) in taken(&unknown, "") {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("asks for \"telepathy\", "), "{who}: {said}");
        assert!(said.contains("which are no capabilities; there are Network, Filesystem"), "{who}: {said}");
        assert!(!said.contains('\u{1b}'), "{who}: {said}");
    }
    let by_running =
        r#"(data (i32.const 16) "[\22telepathy\22]\00") (func (export "capabilities") (result i32) (i32.const 16))"#;
    for (who, ran) in taken(&module(by_running, ""), "") {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("asks for \"telepathy\", which is no capability"), "{who}: {said}");
    }
}

#[test]
fn what_only_running_tells_is_known_to_all() {
    let asks = |body: &str| {
        module(
            &format!(
                r#"(data (i32.const 16) "[\22Subprocess\22]\00") (func (export "capabilities") (result i32) {body})"#
            ),
            "",
        )
    };
    let home = Home::new(&asks("(i32.const 16)"), "");
    let [(_, run), (_, check), (_, inspect), (_, list)] = home.asked();
    assert!(run.exits(0).stderr.contains("asks for Subprocess, which is not granted"));
    assert!(check.exits(0).stdout.contains("verdict:    admitted"));
    let inspect = inspect.exits(0).stdout;
    assert!(inspect.contains("needs:      Subprocess (risk: high; it said so when it was run)"), "{inspect}");
    assert!(list.exits(1).stdout.contains("Subprocess     asked for, not granted"));
    let json = home.conductor("plugin inspect it.wasm --json").exits(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["needs"], serde_json::json!([{"capability": "Subprocess", "risk": "high", "by_running": true}]));
    // What it says cannot be known, and all say that.
    for (who, ran) in Home::new(&asks("unreachable"), "").asked() {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(0), "{who}: {said}");
        assert!(
            said.contains("did not get so far, so that is not known: capabilities: stopped itself"),
            "{who}: {said}"
        );
    }
    // Of what is not admitted nothing runs: its needs stay unknown.
    let unsigned = Home::new(&asks("(i32.const 16)"), "require_signature = true");
    let inspect = unsigned.conductor("plugin inspect it.wasm").exits(1).stdout;
    assert!(inspect.contains("needs:      more, perhaps: it says so only by running"), "{inspect}");
}

#[test]
fn a_plugin_that_is_refused_for_want_of_a_grant_can_be_granted_it_and_no_other() {
    let exec = module(r#"(import "conductor" "exec" (func (param i32 i32 i32 i32) (result i32)))"#, "");
    let home = Home::new(&exec, "");
    home.conductor("plugin list").exits(1);
    home.conductor("plugin grant it --command git --yes").exits(0);
    for (who, ran) in home.asked() {
        assert_eq!(ran.code, Some(0), "{who}: {}{}", ran.stdout, ran.stderr);
    }
    let broken = Home::new(&module("", &format!("(local {})", "i64 ".repeat(30_000))), "");
    let said = broken.conductor("plugin grant it Audio").exits(1).stderr;
    assert!(said.contains("is refused, so nothing is granted to it") && said.contains("local variables"), "{said}");
}

#[test]
fn whatever_is_wrong_with_a_module_for_another_host_its_host_is_told() {
    // Programs, with a start function, without a memory, with imports that are no functions: as their own tools make them.
    for (import, name, told) in [
        ("zellij", "host_run_plugin_command", "that is Zellij"),
        ("extism:host/env", "length", "that is Extism"),
        ("gojs", "runtime.wasmExit", "that is Go for browsers"),
        ("wbg", "__wbindgen_throw", "that is wasm-bindgen"),
        ("wasi:cli/exit@0.2.0", "exit", "that is preview 2 of WASI"),
        ("wasi_unstable", "fd_write", "that is preview 0 of WASI"),
        ("nobody", "knows", "that is of a host that is not known here"),
    ] {
        let odd = format!(
            r#"(module (import "env" "memory" (memory 1)) (import "{import}" "{name}" (func)) (func $f) (start $f)
                 (export "_start" (func $f)) (export "run" (func $f)))"#
        );
        refused(&text(&odd), "", told);
        refused(&text(&odd), "", &format!("there is no module \"{import}\""));
    }
    // What a build has left over is told together with what it is.
    let program =
        text(r#"(module (import "env" "abort" (func)) (memory (export "memory") 1) (func (export "_start")))"#);
    refused(&program, "", "build with --use abort=");
    refused(&program, "", "it exports _start: a program, not a plugin; build it with --exportStart _initialize");
    let many =
        text(r#"(module (import "zellij" "a" (func)) (import "other" "b" (func)) (import "third" "c" (global i32)))"#);
    refused(&many, "", "it also imports from \"other\", \"third\"");
}
