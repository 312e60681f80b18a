//! All plugins together have so much memory and no more; what is refused for that comes about again in a replay, to the byte.

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conductor::internals::sandbox::{FaultKind, Instance, Services, Status, TotalMemory};
use conductor::internals::time::{EventTime, FILE_EPOCH_US};
use support::sandbox::{call, plugin, services, settings};
use support::{Ran, Scratch, bin};

/// Grows its memory by four pages a call, and returns 7 where that is refused.
const MODEST: &str = r#"(module (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) (i32.const 8))
  (func (export "execute") (param i32 i32) (result i32)
    (select (i32.const 7) (i32.const 0) (i32.lt_s (memory.grow (i32.const 4)) (i32.const 0)))))"#;

/// The same, but gives up where that is refused, as allocators do.
const PROUD: &str = r#"(module (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) (i32.const 8))
  (func (export "execute") (param i32 i32) (result i32)
    (if (i32.lt_s (memory.grow (i32.const 4)) (i32.const 0)) (then unreachable))
    (i32.const 0)))"#;

fn limited(bytes: u64) -> Services {
    Services { memory: Arc::new(TotalMemory::new(bytes, None)), ..services() }
}

#[track_caller]
fn made(text: &str, services: &Services) -> Instance {
    support::sandbox::instance(&plugin(text, &settings()), services)
}

#[test]
fn growth_beyond_the_memory_of_all_plugins_answers_minus_one() {
    let services = limited(12 * 65_536);
    let (mut first, mut second) = (made(MODEST, &services), made(MODEST, &services));
    assert_eq!(call(&mut first).status, Status::Ok);
    assert_eq!(call(&mut second).status, Status::Ok);
    assert_eq!(call(&mut first).status, Status::Failed(7), "ten of twelve pages are taken");
    drop(second);
    assert_eq!(call(&mut first).status, Status::Ok, "what an instance had goes with it");
    assert_eq!((services.memory.held(), services.memory.refused()), (9 * 65_536, 1));
}

#[test]
fn a_trap_after_refused_growth_names_the_limit_and_what_is_held() {
    let services = limited(8 * 65_536);
    let _other = made(
        r#"(module (memory (export "memory") 4) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
        &services,
    );
    let mut proud = made(PROUD, &services);
    let outcome = call(&mut proud);
    let Status::Fault(fault) = &outcome.status else { panic!("{outcome:?}") };
    assert_eq!(fault.kind, FaultKind::TotalMemory { limit: 524_288, held: 327_680, wanted: 262_144 });
    assert_eq!(
        fault.to_string(),
        "plugin \"test\": execute: no memory left for it: it asked for 256 KiB more, and all plugins together have 320 KiB of \
         512 KiB; if the machine has more: max_total_memory_bytes = 1_048_576 under [wasm]; to have fewer plugins at work: max_instances"
    );
}

#[test]
fn a_plugin_that_has_no_room_to_start_in_says_so_and_takes_none() {
    let services = Arc::new(limited(3 * 65_536));
    let large =
        r#"(module (memory (export "memory") 4) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#;
    let outcome =
        Instance::new(&plugin(large, &settings()), "default", &services, 0, EventTime::from_unix(FILE_EPOCH_US));
    let error = outcome.expect_err("it does not fit").error().expect("a fault");
    assert!(
        error.starts_with("plugin \"test\": instantiation: no memory left for it: it asked for 256 KiB more"),
        "{error}"
    );
    assert_eq!(services.memory.held(), 0);
}

#[test]
fn a_large_memory_that_is_grown_before_anything_runs_counts_as_well() {
    let declared = r#"(module (memory (export "memory") 2000)
      (func (export "alloc") (param i32) (result i32) (i32.const 8))
      (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#;
    let services = Arc::new(limited(2_500 * 65_536));
    let first =
        Instance::new(&plugin(declared, &settings()), "default", &services, 0, EventTime::from_unix(FILE_EPOCH_US));
    assert_eq!((first.is_ok(), services.memory.held()), (true, 2_000 * 65_536));
    let second =
        Instance::new(&plugin(declared, &settings()), "default", &services, 1, EventTime::from_unix(FILE_EPOCH_US));
    let error = second.expect_err("there is room for one").error().expect("a fault");
    assert!(error.contains("no memory left for it: it asked for "), "{error}");
    assert_eq!(services.memory.held(), 2_000 * 65_536, "what the second had goes with it");
}

#[test]
fn a_request_that_finds_no_room_names_the_same_limit() {
    let services = limited(65_536);
    let mut instance = made(
        r#"(module (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
        &services,
    );
    let outcome = call(&mut instance);
    let Status::Fault(fault) = &outcome.status else { panic!("{outcome:?}") };
    assert_eq!(fault.kind, FaultKind::TotalMemory { limit: 65_536, held: 65_536, wanted: 65_536 });
}

#[test]
fn tables_count_as_well() {
    let services = limited(65_536 + 8 * 100);
    let text = r#"(module (memory (export "memory") 1) (table $t 50 funcref)
      (func (export "alloc") (param i32) (result i32) (i32.const 8))
      (func (export "execute") (param i32 i32) (result i32) (table.grow $t (ref.null func) (i32.const 50))))"#;
    let mut first = made(text, &services);
    assert_eq!(services.memory.held(), 65_536 + 8 * 50);
    assert_eq!(call(&mut first).status, Status::Failed(50));
    assert_eq!(call(&mut first).status, Status::Failed(-1));
    assert_eq!(services.memory.held(), 65_536 + 8 * 100);
}

#[test]
fn growth_that_waits_for_the_next_slice_of_fuel_counts_once() {
    let services = limited(1 << 30);
    // 64 MiB in one piece cost more than a slice has.
    let text = r#"(module (memory (export "memory") 1)
      (func (export "alloc") (param i32) (result i32) (i32.const 8))
      (func (export "execute") (param i32 i32) (result i32) (memory.grow (i32.const 900))))"#;
    let mut instance = made(text, &services);
    let outcome = call(&mut instance);
    assert_eq!((outcome.status, services.memory.held()), (Status::Failed(1), 901 * 65_536));
}

/// Two plugins, each for six tenants, under a limit that has room for some of them.
fn config(scratch: &Scratch) -> PathBuf {
    let mut text = "[wasm]\nmax_total_memory_bytes = 1_572_864\n".to_owned();
    for (name, wat) in [("modest", MODEST), ("proud", PROUD)] {
        let path = scratch.file(&format!("{name}.wasm"), wat::parse_str(wat).expect("text"));
        let _ = writeln!(text, "[plugins.{name}]\npath = \"{}\"", path.display());
    }
    for note in 0..12 {
        let name = if note < 6 { "modest" } else { "proud" };
        let _ = writeln!(
            text,
            "[[global_mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ WasmPlugin = {{ plugin = \"{name}\", tenant = \"t{note}\" }} }}"
        );
    }
    scratch.file("config.toml", text)
}

fn session(scratch: &Scratch) -> PathBuf {
    let bytes: Vec<u8> = (0..240_u32).flat_map(|press| [0x90, (press * 7 % 12) as u8, 100]).collect();
    scratch.file("session.bin", bytes)
}

#[track_caller]
fn record(scratch: &Scratch, options: &str) -> (Ran, PathBuf, PathBuf) {
    let (journal, transcript) = (scratch.path().join("a.journal.jsonl"), scratch.path().join("a.transcript.jsonl"));
    let program = bin("conductor").args("run --force").args(options).arg("--input").arg(session(scratch));
    let program = program.arg("--config").arg(config(scratch)).arg("--record").arg(&journal);
    (program.arg("--transcript").arg(&transcript).run().exits(0), journal, transcript)
}

#[track_caller]
fn replays(journal: &Path, transcript: &Path) {
    bin("conductor").arg("replay").arg(journal).arg("--expect").arg(transcript).run().exits(0);
}

#[test]
fn what_was_refused_at_work_side_by_side_is_refused_again() {
    let scratch = Scratch::new();
    let mut refused = 0;
    for _ in 0..10 {
        let (_, journal, transcript) = record(&scratch, "--realtime");
        let lines = std::fs::read_to_string(&journal).expect("the journal");
        assert!(lines.contains("\"limits\":{\"max_total_memory_bytes\":1572864,"));
        refused += lines.lines().filter(|line| line.starts_with("{\"k\":\"memory\",\"plugin\":")).count();
        replays(&journal, &transcript);
    }
    assert!(refused > 100, "only {refused} refused: the limit was hardly reached");
}

#[test]
fn a_session_from_a_file_comes_to_the_same_live_and_from_its_journal() {
    let scratch = Scratch::new();
    let (ran, journal, transcript) = record(&scratch, "");
    assert!(
        ran.stderr
            .contains("asked for 256 KiB more memory, but all plugins together have 1344 KiB of 1536 KiB (modest"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("refused so far: 1; see max_total_memory_bytes and max_instances under [wasm]"));
    replays(&journal, &transcript);
    let expected = std::fs::read_to_string(&transcript).expect("the transcript");
    assert!(expected.contains("no memory left for it"), "{expected}");
    assert!(!expected.contains("quarantine"), "a plugin that finds no room has done nothing wrong");
    let unrecorded = bin("conductor").arg("replay").arg(session(&scratch)).arg("--config").arg(config(&scratch));
    unrecorded.arg("--expect").arg(&transcript).run().exits(0);
}

#[test]
fn a_recording_with_more_refused_than_the_replay_asks_for_is_a_difference() {
    let scratch = Scratch::new();
    let (_, journal, transcript) = record(&scratch, "");
    let text = std::fs::read_to_string(&journal).expect("the journal");
    let more = "{\"k\":\"memory\",\"plugin\":\"modest\",\"tenant\":\"t0\",\"generation\":9,\"growth\":1,\"held\":18446744073709551615}\n{\"k\":\"end\"";
    let changed = scratch.file("b.journal.jsonl", text.replace("{\"k\":\"end\"", more));
    let ran = bin("conductor").arg("replay").arg(&changed).arg("--expect").arg(&transcript).run().exits(1);
    assert!(
        ran.stderr.contains("plugin modest (t0) asked for less than in the recording\n  recorded: growth 1 of the memory of instance 9, which was refused"),
        "{}",
        ran.stderr
    );
}
