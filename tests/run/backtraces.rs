//! Every fault of a plugin says which of its functions were running, by the names their author gave them, and what it said last.

use std::path::PathBuf;

use crate::support::{Ran, Scratch, bin};
use serde_json::Value;

/// A plugin whose `execute` calls `outer`, which calls `inner`, which does `body`.
fn nested(scratch: &Scratch, body: &str) -> PathBuf {
    let text = format!(
        r#"(module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))
          (import "conductor" "log" (func $log (param i32 i32 i32)))
          (memory (export "memory") 1) (table 1 funcref)
          (data (i32.const 0) "on my way")
          (func $inner {body})
          (func $deep (call $deep))
          (func $outer (call $log (i32.const 5) (i32.const 0) (i32.const 9)) (call $inner))
          (func (export "execute") (param i32 i32) (result i32) (call $outer) (i32.const 0)))"#
    );
    scratch.file("nested.wasm", wat::parse_str(text).unwrap_or_else(|error| panic!("{body}: {error}")))
}

fn backtrace(ran: &Ran) -> Vec<String> {
    let line: Value = serde_json::from_str(ran.stdout.lines().next().expect("a line")).expect("JSON");
    let names = line["backtrace"].as_array().unwrap_or_else(|| panic!("no backtrace: {}", ran.stdout));
    names.iter().map(|name| name.as_str().expect("text").to_owned()).collect()
}

#[test]
fn every_way_to_be_stopped_says_where() {
    let scratch = Scratch::new();
    for (body, options, reason) in [
        ("unreachable", "", "stopped itself"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "", "divided an integer by zero"),
        ("(drop (i32.load (i32.const 0x7fffffff)))", "", "accessed memory outside its own"),
        ("(call_indirect (i32.const 9))", "", "accessed a table outside"),
        ("(loop (br 0))", "--fuel 1000000", "fuel limit 1_000_000 reached"),
        // Within a host function.
        ("(call $exit (i32.const 3))", "", "exited with code 3"),
        ("(drop (call $raise (i32.const 6)))", "", "raised signal 6"),
        ("(loop (call $log (i32.const 5) (i32.const 0) (i32.const 9)) (br 0))", "--fuel 100000", "fuel limit"),
        (
            "(if (i32.eq (memory.grow (i32.const 2000)) (i32.const -1)) (then unreachable))",
            "--memory 1000000",
            "memory limit",
        ),
    ] {
        let ran = bin("conductor").args("plugin run --json").args(options).arg(nested(&scratch, body)).run().exits(1);
        assert!(ran.stderr.contains(reason), "{body}: {}", ran.stderr);
        assert_eq!(backtrace(&ran), ["inner", "outer", "execute"], "{body}");
        assert!(ran.stderr.contains("  0: inner\n  1: outer\n  2: execute\n"), "{body}: {}", ran.stderr);
    }
    let ran = bin("conductor").args("plugin run --json").arg(nested(&scratch, "(call $deep)")).run().exits(1);
    assert!(ran.stderr.contains("recursion limit"), "{}", ran.stderr);
    assert_eq!(backtrace(&ran), vec!["deep"; 32]);
    assert!(ran.stderr.contains("… and 9"), "some ten thousand more: {}", ran.stderr);
}

#[test]
fn a_call_that_succeeds_or_fails_by_its_own_word_has_no_backtrace() {
    let scratch = Scratch::new();
    let ran = bin("conductor").args("plugin run --json").arg(nested(&scratch, "nop")).run().exits(0);
    assert!(ran.stdout.contains("\"backtrace\":null"), "{}", ran.stdout);
}

#[test]
fn init_and_shutdown_say_so_too_and_functions_without_names_have_numbers() {
    let scratch = Scratch::new();
    let run = |name: &str, init: &str, shutdown: &str| {
        let text = format!(
            r#"(module (memory (export "memory") 1)
              (func unreachable)
              (func (export "init") {init})
              (func (export "shutdown") {shutdown})
              (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#
        );
        let file = scratch.file(name, wat::parse_str(text).expect("text"));
        bin("conductor").args("plugin run --json").arg(file).run()
    };
    assert_eq!(backtrace(&run("init.wasm", "(call 0)", "").exits(1)), ["function 0", "init"]);
    let ran = run("shutdown.wasm", "", "(call 0)").exits(0);
    assert!(ran.stderr.contains("shutdown: stopped itself"), "{}", ran.stderr);
    assert!(ran.stderr.contains("  0: function 0\n  1: shutdown\n"), "{}", ran.stderr);
}

/// A module with the name section `names` for its functions, which have none in the text.
fn named(names: &[&str]) -> Vec<u8> {
    let text = r#"(module (memory (export "memory") 1)
      (func unreachable) (func (call 0)) (func (call 1))
      (func (export "execute") (param i32 i32) (result i32) (call 2) (i32.const 0)))"#;
    let mut module = wat::parse_str(text).expect("text");
    let leb = |out: &mut Vec<u8>, mut value: usize| {
        while value >= 0x80 {
            out.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
            value >>= 7;
        }
        out.push(u8::try_from(value).expect("seven bits"));
    };
    let mut map = Vec::new();
    leb(&mut map, names.len());
    for (number, name) in names.iter().enumerate() {
        leb(&mut map, number);
        leb(&mut map, name.len());
        map.extend_from_slice(name.as_bytes());
    }
    let mut content = b"\x04name\x01".to_vec();
    leb(&mut content, map.len());
    content.extend_from_slice(&map);
    module.push(0);
    leb(&mut module, content.len());
    module.extend_from_slice(&content);
    module
}

#[test]
fn names_of_rust_are_demangled_and_no_name_reaches_the_terminal_as_it_is() {
    let scratch = Scratch::new();
    let long = "x".repeat(100_000);
    let names =
        ["_ZN4core9panicking5panic17h0123456789abcdefE", "_RNvNtCsdpW95EuuObJ_5lamps4fade2to", "\x1b[31m\u{202e}red\n"];
    let file = scratch.file("names.wasm", named(&[names[0], names[1], names[2], &long]));
    let ran = bin("conductor").args("plugin run").arg(file).run().exits(1);
    assert!(ran.stderr.contains("  0: core::panicking::panic\n  1: lamps::fade::to\n"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(['\x1b', '\u{202e}']), "{}", ran.stderr.escape_debug());
    assert!(ran.stderr.lines().all(|line| line.len() < 400), "long names are cut");
}

/// A session of one press, of a plugin that says `lines` and stops.
fn session(scratch: &Scratch, log: &str, lines: u32) -> Ran {
    let text = format!(
        r#"(module
          (import "conductor" "log" (func $log (param i32 i32 i32)))
          (memory (export "memory") 1) (data (i32.const 0) "line 000")
          (func $fails (param $left i32)
            (loop $again
              (if (i32.eqz (local.get $left)) (then unreachable))
              (local.set $left (i32.sub (local.get $left) (i32.const 1)))
              ;; Its number, counted down.
              (i32.store8 (i32.const 5) (i32.add (i32.const 48) (i32.div_u (local.get $left) (i32.const 100))))
              (i32.store8 (i32.const 6) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $left) (i32.const 10)) (i32.const 10))))
              (i32.store8 (i32.const 7) (i32.add (i32.const 48) (i32.rem_u (local.get $left) (i32.const 10))))
              (call $log (i32.const 4) (i32.const 0) (i32.const 8))
              (br $again)))
          (func (export "execute") (param i32 i32) (result i32) (call $fails (i32.const {lines})) (i32.const 0)))"#
    );
    scratch.file("p.wasm", wat::parse_str(text).expect("text"));
    let config = format!(
        "[logging]\nlevel = \"{log}\"\n[plugins.p]\npath = \"p.wasm\"\n[[global_mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\n\
         action = {{ WasmPlugin = {{ plugin = \"p\" }} }}\n"
    );
    let config = scratch.file("config.toml", config);
    let track = [0, 0x90, 60, 100, 0, 0xff, 0x2f, 0];
    let smf = [b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x08".as_slice(), &track].concat();
    let input = scratch.file("in.mid", smf);
    let transcript = scratch.path().join("t.jsonl");
    let run = bin("conductor").args("run --config").arg(config).arg("--input").arg(input);
    run.arg("--transcript").arg(&transcript).run().exits(0)
}

#[test]
fn a_run_logs_where_a_plugin_was_and_what_it_said_last_whatever_is_logged_otherwise() {
    let scratch = Scratch::new();
    let ran = session(&scratch, "warn", 3);
    assert!(ran.stderr.contains("p/default: stopped in  0: fails\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("  1: execute\n"), "{}", ran.stderr);
    for line in ["line 002", "line 001", "line 000"] {
        let said = format!("p/default: before it was stopped: {line}\n");
        assert_eq!(ran.stderr.matches(&said).count(), 1, "{}", ran.stderr);
    }
    // Where its lines are logged in any case they are not said twice.
    let ran = session(&scratch, "debug", 3);
    assert_eq!(ran.stderr.matches("line 000").count(), 1, "{}", ran.stderr);
}

#[test]
fn of_a_plugin_that_says_much_the_last_lines_are_not_those_that_are_dropped() {
    let scratch = Scratch::new();
    let ran = session(&scratch, "warn", 300);
    let said = |number: u32| ran.stderr.contains(&format!("before it was stopped: line {number:03}\n"));
    assert_eq!([5, 4, 3, 2, 1, 0].map(said), [false, true, true, true, true, true], "{}", ran.stderr);
    let transcript = std::fs::read_to_string(scratch.path().join("t.jsonl")).expect("a transcript");
    let line: Value = serde_json::from_str(transcript.lines().next().expect("a line")).expect("JSON");
    let logs = line["logs"].as_array().expect("lines");
    // The first hundred, a mark for those in between, and the last five.
    assert_eq!(logs.len(), 106);
    assert_eq!(logs[100][1], "195 more lines dropped: a call may write 100");
    assert_eq!(logs[105][1], "line 000");
}
