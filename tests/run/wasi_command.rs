//! `conductor wasi` runs any preview1 program with what it is given and nothing else, and says how it ended.

use std::fs;
use std::path::PathBuf;

use crate::support::{Program, Ran, Scratch, bin, golden, repository};

fn conformance() -> PathBuf {
    repository("wasi-shim/tests/guests/wasm/conformance.wasm")
}

fn wasi() -> Program {
    bin("conductor").arg("wasi")
}

/// A module in text, as a file.
fn module(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    scratch.file(name, wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[test]
fn every_case_holds_for_the_command() {
    let listed = wasi().arg(conformance()).arg("list").run().exits(0);
    let cases: Vec<&str> = listed.stdout.lines().collect();
    assert!(cases.len() > 200, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| !case.starts_with("limits/")) {
        let scratch = Scratch::new();
        let root = format!("{}::/", scratch.path().display());
        let mut program =
            wasi().arg("--dir").arg(root).arg("--env").arg("GREETING=hello world").arg("--env").arg("EMPTY=");
        program = program.arg(conformance()).arg(case).stdin("line one\nline two\n");
        let code = match *case {
            "process/arguments_come_in_order" => {
                program = program.arg("second").arg("").arg("third with spaces");
                0
            }
            "process/exits_with_33" => 33,
            "process/panics_on_purpose" => 134,
            _ => 0,
        };
        let ran = program.run();
        if ran.code != Some(code) {
            wrong.push(ran.transcript());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_inherited() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (drop (call $environ (i32.const 0) (i32.const 4)))
            (drop (call $args (i32.const 8) (i32.const 12)))
            ;; environment + 10 × arguments + 100 × the errno of the first directory
            (call $exit (i32.add (i32.load (i32.const 0)) (i32.add (i32.mul (i32.load (i32.const 8)) (i32.const 10))
                (i32.mul (call $prestat (i32.const 3) (i32.const 16)) (i32.const 20)))))))"#;
    let scratch = Scratch::new();
    // No variable, one argument (the program's name), EBADF (8) for the first directory.
    wasi().arg(module(&scratch, "nothing.wasm", text)).env("SECRET", "x").run().exits(10 + 8 * 20);
}

#[test]
fn a_directory_is_known_by_the_name_it_is_given() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path().join("data")).expect("a directory");
    let case = "paths/directories_are_made_and_removed";
    wasi().directory(scratch.path()).args("--dir data::/").arg(conformance()).arg(case).run().exits(0);
    assert!(scratch.path().join("data/f").is_file());
    // Without `::` the name is the same on both sides, so there is no `/`.
    let ran = wasi().directory(scratch.path()).args("--dir data").arg(conformance()).arg(case).run().exits(134);
    assert!(ran.stderr.contains("a directory preopened at /"), "{}", ran.stderr);
}

#[test]
fn a_deterministic_run_repeats_to_the_byte() {
    // The time, after work, after a sleep, and sixteen random bytes.
    let text = r#"(module
        (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 200) "\00\02\00\00\40\00\00\00")
        (data (i32.const 208) "\00\03\00\00\20\00\00\00")
        (func (export "_start")
            (drop (call $time (i32.const 0) (i64.const 1) (i32.const 512)))
            (i64.store offset=24 (i32.const 0) (i64.const 3000000000))
            (i32.store offset=16 (i32.const 0) (i32.const 1))
            (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
            (drop (call $time (i32.const 1) (i64.const 1) (i32.const 520)))
            (drop (call $random (i32.const 528) (i32.const 16)))
            (drop (call $read (i32.const 0) (i32.const 208) (i32.const 1) (i32.const 544)))
            (drop (call $write (i32.const 1) (i32.const 200) (i32.const 1) (i32.const 220)))))"#;
    let scratch = Scratch::new();
    let file = module(&scratch, "clock.wasm", text);
    let began = std::time::Instant::now();
    let run = || wasi().arg("--deterministic").arg(&file).stdin("a few bytes").run().exits(0);
    let (first, second) = (run(), run());
    assert_eq!(first.stdout, second.stdout);
    assert!(first.stdout.len() >= 32);
    assert!(began.elapsed().as_secs() < 3, "three seconds of sleep do not pass for real");
}

/// How each way to be stopped reads.
#[test]
fn a_stopped_program_tells_why_and_where() {
    let scratch = Scratch::new();
    let bodies = [
        ("unreachable", "unreachable", ""),
        ("divided", "(drop (i32.div_u (i32.const 1) (i32.const 0)))", ""),
        ("overflow", "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", ""),
        ("conversion", "(drop (i32.trunc_f64_s (f64.const nan)))", ""),
        ("memory", "(drop (i32.load (i32.const 0x7fffffff)))", ""),
        ("table", "(call_indirect (i32.const 9))", ""),
        ("null", "(call_indirect (i32.const 1))", ""),
        ("type", "(drop (call_indirect (result i32) (i32.const 0)))", ""),
        ("recursion", "(call $deep)", ""),
        ("fuel", "(loop (br 0))", "--fuel 100000"),
        ("block", "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0x40000000))", ""),
    ];
    let mut transcript = String::new();
    for (name, body, options) in bodies {
        let text = format!(
            r#"(module (memory (export "memory") 1) (table 2 funcref) (elem (i32.const 0) $other)
                (func $other)
                (func $inner {body})
                (func $deep (call $deep))
                (func $outer (call $inner))
                (func (export "_start") (call $outer)))"#
        );
        let file = module(&scratch, &format!("{name}.wasm"), &text);
        let ran: Ran = wasi().args(options).arg(file).hide(scratch.path(), "DIR").run().exits(134);
        transcript.push_str(&ran.transcript());
    }
    golden("fixtures/wasi/stopped.txt", &transcript);
}

#[test]
fn what_cannot_be_started_is_told_in_words() {
    let scratch = Scratch::new();
    let files = [
        module(&scratch, "library.wasm", r#"(module (memory (export "memory") 1) (func (export "_initialize")))"#),
        module(&scratch, "no_memory.wasm", r#"(module (func (export "_start")))"#),
        module(
            &scratch,
            "odd_start.wasm",
            r#"(module (memory (export "memory") 1) (func (export "_start") (param i32)))"#,
        ),
        module(
            &scratch,
            "foreign.wasm",
            r#"(module (import "env" "print" (func)) (memory (export "memory") 1) (func (export "_start")))"#,
        ),
        module(
            &scratch,
            "odd_type.wasm",
            r#"(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64))) (memory (export "memory") 1) (func (export "_start")))"#,
        ),
        module(
            &scratch,
            "segment.wasm",
            r#"(module (memory (export "memory") 1) (data (i32.const 70000) "x") (func (export "_start")))"#,
        ),
        module(
            &scratch,
            "start.wasm",
            r#"(module (memory (export "memory") 1) (func $loop (loop (br 0))) (start $loop) (func (export "_start")))"#,
        ),
        module(&scratch, "memory64.wasm", r#"(module (memory (export "memory") i64 1) (func (export "_start")))"#),
        scratch.file("text.wasm", "(module)"),
        scratch.file("empty.wasm", ""),
        scratch.path().join("missing.wasm"),
    ];
    let mut transcript = String::new();
    for file in files {
        transcript.push_str(&wasi().arg(file).hide(scratch.path(), "DIR").run().exits(2).transcript());
    }
    let file = module(&scratch, "fine.wasm", r#"(module (memory (export "memory") 1) (func (export "_start")))"#);
    wasi().arg(&file).run().exits(0);
    for options in
        ["--dir missing::/", "--dir missing", "--dir ::/", "--env NOVALUE", "--env =x", "--fuel many", "--frobnicate"]
    {
        let ran = wasi().args(options).arg(&file).hide(scratch.path(), "DIR").run().exits(2);
        transcript.push_str(&ran.transcript());
    }
    transcript.push_str(&wasi().run().exits(2).transcript());
    golden("fixtures/wasi/refused.txt", &transcript);
}

/// A guest that says one byte, and ends when its input does.
#[cfg(target_pointer_width = "64")]
const WAITS: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") PAGES)
    (data (i32.const 16) "\20\00\00\00\01\00\00\00")
    (data (i32.const 32) "x")
    (func (export "_start")
        (if (i32.ne (memory.size) (i32.const PAGES)) (then (call $exit (i32.const 3))))
        (if (i32.load (i32.const 0xff0000)) (then (call $exit (i32.const 4))))
        (i32.store8 (i32.sub (i32.mul (i32.const PAGES) (i32.const 65536)) (i32.const 1)) (i32.const 1))
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))
        (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 8)))))"#;

#[test]
#[cfg(target_pointer_width = "64")]
fn memory_that_is_only_declared_is_not_touched() {
    use std::io::Read;
    use std::process::{Command, Stdio};
    let scratch = Scratch::new();
    let pages = "65536";
    let file = module(&scratch, "waits.wasm", &WAITS.replace("PAGES", pages));
    let start = crate::support::start("conductor");
    let (program, before) = start.split_first().expect("a program");
    let mut child = Command::new(program)
        .args(before)
        .arg("wasi")
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut said = [0];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut said).expect("it runs");
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it is there");
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the most it had");
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(kib < 200 << 10, "{pages} pages: {kib} KiB were resident");
}

#[test]
fn a_program_may_hop_from_function_to_function_without_end() {
    let scratch = Scratch::new();
    let text = r#"(module
        (memory (export "memory") 1)
        (func $odd (param i32) (if (local.get 0) (then (return_call $even (i32.sub (local.get 0) (i32.const 1))))) unreachable)
        (func $even (param i32) (if (local.get 0) (then (return_call $odd (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "_start") (call $even (i32.const 1000000)) (call $even (i32.const 3))))"#;
    let ran = wasi().arg(module(&scratch, "hops.wasm", text)).run().exits(134);
    // A million hops have left nothing behind, and the last ones no more than where they stand.
    let frames: Vec<&str> = ran.stderr.lines().skip(1).map(str::trim).collect();
    assert_eq!(frames, ["0: odd", "1: _start"], "{}", ran.stderr);
}

#[test]
fn memory_that_the_machine_does_not_have_is_answered_and_ends_nothing() {
    use conductor::internals::sandbox::{Command, Ended};
    let text = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (if (i32.ne (memory.grow (i32.const 16)) (i32.const -1)) (then (call $exit (i32.const 1))))
            (if (i32.ne (memory.grow (i32.const 15)) (i32.const 1)) (then (call $exit (i32.const 2))))))"#;
    let command = Command { max_memory_bytes: Some(1 << 20), ..Command::default() };
    assert_eq!(command.run(&wat::parse_str(text).expect("text")), Ok(Ended::Exit(0)));
}
