//! What the wall clock stops is stopped there again in a replay: calls, and what instances do when they go, which is in the transcript
//! and comes back like any call.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::support::{Ran, Scratch, bin};
use serde_json::Value;

/// Sends a note when it is called; when it goes it sends notes for ever, or one if `busy` is not there.
fn plugin(scratch: &Scratch, name: &str, busy: bool) -> PathBuf {
    let ever = if busy { "(br $ever)" } else { "" };
    let text = format!(
        r#"(module
  (import "conductor" "midi_send" (func $send (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "out")
  (data (i32.const 16) "\90\3c\40")
  (func $note (drop (call $send (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 3))))
  (func (export "execute") (param i32 i32) (result i32) (call $note) (i32.const 0))
  (func (export "shutdown") (local $i i32) (loop $ever
    (call $note)
    (local.set $i (i32.const 0))
    (loop $busy (br_if $busy (i32.lt_u
      (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
    {ever})))"#
    );
    scratch.file(&format!("{name}.wasm"), wat::parse_str(text).expect("text"))
}

/// Notes 60 and 61 call the plugin for two tenants, of which there is room for one; 62 calls one that is made anew for each call.
fn config(scratch: &Scratch, busy: bool, wasm: &str) -> PathBuf {
    let (shared, single) = (plugin(scratch, "shared", busy), plugin(scratch, "single", busy));
    let settings = "granted_capabilities = [\"Midi\"]\nallowed_ports = [\"out\"]\nmax_fuel = 1_000_000_000_000\nmax_execution_ms = 15\n";
    let mut text = format!(
        "[wasm]\n{wasm}\n[plugins.shared]\npath = \"{}\"\n{settings}[plugins.single]\npath = \"{}\"\n{settings}isolation = \"call\"\n\
         [[modes]]\nname = \"Default\"\n",
        shared.display(),
        single.display()
    );
    for (note, plugin, tenant) in [(60, "shared", "left"), (61, "shared", "right"), (62, "single", "default")] {
        let _ = write!(
            text,
            "[[modes.mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ WasmPlugin = {{ plugin = \"{plugin}\", \
             tenant = \"{tenant}\", params = {{ action = \"log\" }} }} }}\n"
        );
    }
    scratch.file("config.toml", text)
}

const SECOND: u64 = 1_000_000;

fn record(scratch: &Scratch, config: &Path, notes: &[u8]) -> (Ran, PathBuf, PathBuf) {
    let (journal, transcript) = (scratch.path().join("s.journal.jsonl"), scratch.path().join("s.transcript.jsonl"));
    let bytes: Vec<u8> = notes.iter().flat_map(|note| [0x90, *note, 100]).collect();
    let ran = bin("conductor")
        .arg("record")
        .arg(&journal)
        .arg("--transcript")
        .arg(&transcript)
        .args("--dry-run --json --input - --config")
        .arg(config)
        .stdin(bytes)
        .run()
        .exits(0);
    (ran, journal, transcript)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn read(path: &Path) -> Vec<Value> {
    lines(&std::fs::read_to_string(path).expect("the file"))
}

#[test]
fn a_shutdown_that_the_wall_clock_stopped_is_told_counted_and_stopped_there_again() {
    let scratch = Scratch::new();
    let config = config(&scratch, true, "max_instances = 1");
    let (account, journal, transcript) = record(&scratch, &config, &[60, 61, 62, 60]);
    // left makes room for right, single goes after its call, right makes room for left, left goes at the end.
    let shutdowns: Vec<Value> = read(&transcript).into_iter().filter(|line| line["event"] == "shutdown").collect();
    let who = |line: &Value| format!("{} {} {}", line["plugin"], line["tenant"], line["generation"]).replace('"', "");
    assert_eq!(
        shutdowns.iter().map(who).collect::<Vec<_>>(),
        ["shared left 0", "single default 0", "shared right 0", "shared left 1"]
    );
    for line in &shutdowns {
        assert_eq!((&line["status"], &line["gesture"]), (&Value::from("fault"), &Value::Null), "{line}");
        let error = line["error"].as_str().expect("an error");
        assert!(error.contains(": shutdown: time limit 15 ms reached after "), "{error}");
        assert!(line["fuel"].as_u64() > Some(10_000) && line["host_calls"].as_array().expect("calls").len() > 1);
    }
    let told: Vec<Value> = lines(&account.stdout).into_iter().filter(|line| line["action"] == "Shutdown").collect();
    let fuel = |lines: &[Value]| {
        let mut fuel: Vec<_> = lines.iter().map(|line| line["fuel"].as_u64().expect("fuel")).collect();
        fuel.sort_unstable();
        fuel
    };
    assert_eq!(fuel(&told), fuel(&shutdowns), "the account tells the same");
    // Each is in the journal with its place.
    let deadlines: Vec<Value> = read(&journal).into_iter().filter(|line| line["k"] == "deadline").collect();
    assert_eq!(fuel(&deadlines), fuel(&shutdowns));
    for line in &deadlines {
        assert!(line["call"].is_null() && line["shutdown"]["plugin"].is_string(), "{line}");
        assert!(line["host_calls"].as_u64() > Some(1), "{line}");
    }
    for _ in 0..3 {
        let ran = bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
        assert!(ran.stdout.starts_with("identical: 8 lines"), "{}", ran.transcript());
    }
}

/// Counts its rounds in what it puts out, and in each asks for random bytes, sends a note, and computes for as long as the bytes say.
const ROUNDS: &str = r#"(module
  (import "conductor" "output_set" (func $out (param i32 i32) (result i32)))
  (import "conductor" "midi_send" (func $send (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "out")
  (data (i32.const 16) "\90\3c\40")
  (data (i32.const 32) "100000000")
  (func $bump (local $p i32)
    (local.set $p (i32.const 40))
    (loop $l
      (if (i32.eq (i32.load8_u (local.get $p)) (i32.const 57))
        (then (i32.store8 (local.get $p) (i32.const 48)) (local.set $p (i32.sub (local.get $p) (i32.const 1))) (br $l))
        (else (i32.store8 (local.get $p) (i32.add (i32.load8_u (local.get $p)) (i32.const 1)))))))
  (func (export "execute") (param i32 i32) (result i32) (local $i i32)
    (loop $e
      (call $bump)
      (drop (call $out (i32.const 32) (i32.const 9)))
      (drop (call $random (i32.const 64) (i32.const 8)))
      (drop (call $send (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 3)))
      (local.set $i (i32.const 0))
      (loop $b (br_if $b (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.load16_u (i32.const 64)))))
      (br $e)) (unreachable)))"#;

#[test]
fn calls_that_the_wall_clock_stopped_come_to_the_same_number_of_effects() {
    let scratch = Scratch::new();
    let wasm = scratch.file("rounds.wasm", wat::parse_str(ROUNDS).expect("text"));
    let mut text = format!(
        "[plugins.rounds]\npath = \"{}\"\ngranted_capabilities = [\"Midi\"]\nallowed_ports = [\"out\"]\n\
         max_fuel = 1_000_000_000_000\nmax_execution_ms = 4\n[[modes]]\nname = \"Default\"\n",
        wasm.display()
    );
    let notes: Vec<u8> = (40..60).collect();
    for note in &notes {
        let _ = writeln!(
            text,
            "[[modes.mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ WasmPlugin = {{ plugin = \"rounds\", tenant = \"t{note}\" }} }}"
        );
    }
    let config = scratch.file("config.toml", text);
    let (_, journal, transcript) = record(&scratch, &config, &[notes.as_slice(), &notes].concat());
    let deadlines = read(&journal).into_iter().filter(|line| line["k"] == "deadline").count();
    assert_eq!(deadlines, 40);
    let ran = bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
    assert!(ran.stdout.starts_with("identical: 40 lines"), "{}", ran.transcript());
}

/// A journal like this one, with these times in the place of those of its messages and of its end.
fn retimed(scratch: &Scratch, journal: &Path, times: &[u64]) -> PathBuf {
    let mut times = times.iter();
    let text = std::fs::read_to_string(journal).expect("the journal");
    let lines = text.lines().map(|line| {
        if !line.starts_with("{\"k\":\"in\"") && !line.starts_with("{\"k\":\"end\"") {
            return line.to_owned() + "\n";
        }
        let start = line.find("\"t\":").expect("a time") + 4;
        let rest = line[start..].trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{}{}{rest}\n", &line[..start], times.next().expect("a time"))
    });
    let text = lines.collect::<String>();
    assert!(times.next().is_none());
    scratch.file("retimed.journal.jsonl", text)
}

#[test]
fn an_instance_goes_when_its_time_is_up_and_at_the_end_if_that_comes_first() {
    let scratch = Scratch::new();
    let config = config(&scratch, false, "instance_ttl_s = 60");
    let (_, journal, transcript) = record(&scratch, &config, &[60, 61, 62]);
    let ran = bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
    assert!(ran.stdout.starts_with("identical: 6 lines"), "{}", ran.transcript());
    let replayed = |times: &[u64]| {
        let journal = retimed(&scratch, &journal, times);
        let ran = bin("conductor").arg("replay").arg(journal).arg("--json").run().exits(0);
        let told = lines(&ran.stdout).into_iter().map(|line| {
            let event = if line["event"] == "shutdown" { "goes" } else { "called" };
            format!("{} {} {event}", line["t_us"], line["tenant"]).replace('"', "")
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        replayed(&[SECOND, 2 * SECOND, 75 * SECOND, 80 * SECOND]),
        [
            "1000000 left called",
            "2000000 right called",
            "61000000 left goes",
            "62000000 right goes",
            "75000000 default called",
            "75000000 default goes"
        ]
    );
    assert_eq!(
        replayed(&[SECOND, 30 * SECOND, 31 * SECOND, 70 * SECOND])[4..],
        ["61000000 left goes", "70000000 right goes"]
    );
}
