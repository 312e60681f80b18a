//! Plugins cannot take the descriptors that the user's own actions need, and programs find the limit this one was started with.
#![cfg(target_os = "linux")]

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use support::{Ran, Scratch, bin};

/// Opens one file over and over until it gets no more, and returns how often it did.
const GREEDY: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "f")
  (func (export "alloc") (param i32) (result i32) (i32.const 128))
  (func (export "execute") (param i32 i32) (result i32) (local $opened i32)
    (loop $more
      (if (i32.eqz (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 1)
            (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 32)))
        (then (local.set $opened (i32.add (local.get $opened) (i32.const 1))) (br $more))))
    (local.get $opened)))"#;

/// Twenty tenants of a plugin that keeps all the descriptors it gets, and then a line for the shell that writes `made`.
fn session(scratch: &Scratch, line: &str) -> (PathBuf, PathBuf) {
    let wasm = scratch.file("greedy.wasm", wat::parse_str(GREEDY).expect("text"));
    let mut text = format!(
        "[plugins.greedy]\npath = \"{}\"\ngranted_capabilities = [\"Filesystem\"]\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 100 }} }}\naction = {{ Shell = {{ command = {line:?} }} }}\n",
        wasm.display()
    );
    for note in 0..20 {
        let _ = writeln!(
            text,
            "[[global_mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ WasmPlugin = {{ plugin = \"greedy\", tenant = \"t{note}\" }} }}"
        );
    }
    let bytes: Vec<u8> = (0..20).chain([100]).flat_map(|note| [0x90, note, 100]).collect();
    (scratch.file("config.toml", text), scratch.file("session.bin", bytes))
}

#[track_caller]
fn run(scratch: &Scratch, line: &str, limit: &str) -> Ran {
    let (config, session) = session(scratch, line);
    let program = bin("conductor").args("run --force --input").arg(&session).arg("--config").arg(&config);
    let program = program.arg("--data").arg(scratch.path().join("data"));
    let program = program.arg("--record").arg(scratch.path().join("a.journal.jsonl"));
    program.arg("--transcript").arg(scratch.path().join("a.transcript.jsonl")).limited(limit).run().exits(0)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| format!("{}: {error}", path.display()))
}

/// Waits for what the shell writes: a run waits until it was started, and not until it ends.
fn wait_for(path: &Path, text: &str) {
    while read(path) != text {
        std::thread::yield_now();
    }
}

#[test]
fn plugins_that_keep_all_descriptors_leave_those_of_the_users_own_actions() {
    let scratch = Scratch::new();
    let made = scratch.path().join("made");
    let ran = run(&scratch, &format!("echo fine > {}", made.display()), "-n 1024");
    wait_for(&made, "fine\n");
    assert!(
        ran.stderr.contains("warn: max_instances is 6 and not 64: this process may have 1024 files open, of which 256")
    );
    // Each got the same number, wherever it stood.
    let transcript = read(&scratch.path().join("a.transcript.jsonl"));
    let calls: Vec<&str> = transcript.lines().filter(|line| line.contains("\"plugin\":\"greedy\"")).collect();
    assert_eq!(calls.len(), 20);
    let code = |line: &str| line.split("\"code\":").nth(1).and_then(|rest| rest.split(',').next()).map(str::to_owned);
    let codes: std::collections::BTreeSet<_> = calls.iter().map(|line| code(line)).collect();
    assert_eq!(codes.len(), 1, "{codes:?}");
    // What was in force is in the journal, and a replay with more descriptors comes to the same.
    let journal = scratch.path().join("a.journal.jsonl");
    assert!(read(&journal).lines().next().is_some_and(|header| header.contains("\"max_instances\":6}")));
    let replay = bin("conductor").arg("replay").arg(&journal);
    replay.arg("--expect").arg(scratch.path().join("a.transcript.jsonl")).run().exits(0);
}

#[test]
fn the_soft_limit_is_raised_and_programs_find_the_one_there_was() {
    let scratch = Scratch::new();
    let made = scratch.path().join("made");
    // Given back right after the start: the shell looks until it has it.
    let line = format!("while [ $(ulimit -Sn) != 300 ]; do :; done; ulimit -Hn > {}", made.display());
    let ran = run(&scratch, &line, "-Hn 20000 && ulimit -Sn 300");
    assert!(!ran.stderr.contains("max_instances"), "{}", ran.transcript());
    wait_for(&made, "20000\n");
}
