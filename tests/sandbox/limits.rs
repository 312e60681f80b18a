//! Every limit holds, says its name, and leaves the process unharmed: fuel, time, memory, tables, recursion, output.

use std::fmt::Write;
use std::sync::Arc;

use crate::support::golden;
use crate::support::sandbox::{SteppingClock, call, instance, plugin, run, run_with, services, settings};
use conductor::internals::config::PluginConfig;
use conductor::internals::sandbox::{FaultKind, Instance, Outcome, Services, Status, cost_table_digest};
use conductor::internals::time::{Clock, EventTime, FILE_EPOCH_US, VirtualClock};

fn fault(outcome: &Outcome) -> &FaultKind {
    match &outcome.status {
        Status::Fault(fault) => &fault.kind,
        other => panic!("no fault: {other:?}"),
    }
}

/// A plugin whose `execute` is `body`, with a page of memory and a table.
fn executing(body: &str) -> String {
    format!(
        r#"(module
          (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
          (import "conductor" "log" (func $log (param i32 i32 i32)))
          (import "conductor" "output_set" (func $output (param i32 i32) (result i32)))
          (memory (export "memory") 1 3000)
          (table $t 10 funcref)
          (data (i32.const 40) "\40\42\0f") ;; a subscription at 16: the clock, in 1,000,000 ns
          (func $leaf (param i32) (result i32) (local.get 0))
          (func (export "execute") (param $at i32) (param $len i32) (result i32)
            (local $n i32) (local $x f64)
            {body}))"#
    )
}

#[test]
fn the_unit_of_fuel_is_what_it_was() {
    // Recorded sessions count on it; a difference here is a new version of the journal.
    let bodies = [
        ("a constant", "(i32.const 0)"),
        ("five operators", "(i32.sub (i32.add (i32.const 1) (i32.const 2)) (i32.const 3))"),
        ("free operators", "(block (nop) (nop) (drop (i32.const 0))) (i32.const 0)"),
        ("a call", "(call $leaf (i32.const 0))"),
        ("a branch not taken", "(if (i32.const 0) (then (local.set $n (i32.const 1)))) (i32.const 0)"),
        (
            "a loop of 1000",
            "(loop $l (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000)))) (i32.const 0)",
        ),
        ("a float", "(i32.trunc_f64_s (f64.sqrt (f64.const 0)))"),
        ("filling 6400 bytes", "(memory.fill (i32.const 0) (i32.const 7) (i32.const 6400)) (i32.const 0)"),
        ("copying 6400 bytes", "(memory.copy (i32.const 0) (i32.const 1) (i32.const 6400)) (i32.const 0)"),
        ("growing by a page", "(drop (memory.grow (i32.const 1))) (i32.const 0)"),
        ("failing to grow", "(drop (memory.grow (i32.const 65000))) (i32.const 0)"),
        ("growing a table by 16", "(drop (table.grow $t (ref.null func) (i32.const 16))) (i32.const 0)"),
        ("asking the time", "(call $time (i32.const 0) (i64.const 0) (i32.const 512))"),
        ("sleeping a millisecond", "(call $poll (i32.const 16) (i32.const 64) (i32.const 1) (i32.const 128))"),
        ("256 random bytes", "(call $random (i32.const 0) (i32.const 256))"),
        ("logging 64 bytes", "(call $log (i32.const 1) (i32.const 0) (i32.const 64)) (i32.const 0)"),
        ("output of 2 bytes", "(call $output (local.get $at) (local.get $len))"),
    ];
    let mut text = format!("cost table {}\n", cost_table_digest());
    for (what, body) in bodies {
        let plugin = plugin(&executing(body), &settings());
        let mut first = instance(&plugin, &services());
        let outcome = call(&mut first);
        assert_eq!(outcome.status, Status::Ok, "{what}");
        writeln!(text, "{:>9} {what}", outcome.fuel).expect("a string");
        // Compiling is free of charge: the second call and the second instance cost the same as the first.
        if !what.starts_with("growing") {
            assert_eq!(call(&mut first).fuel, outcome.fuel, "{what}");
        }
        assert_eq!(call(&mut instance(&plugin, &services())).fuel, outcome.fuel, "{what}");
    }
    golden("fixtures/sandbox/fuel.txt", &text);
}

#[test]
fn fuel_does_not_depend_on_where_the_slices_end() {
    // Exactly enough is enough, and one less is not, however many slices lie between.
    let text = executing(
        "(loop $l (drop (call $leaf (i32.const 1))) (memory.fill (i32.const 0) (i32.const 7) (i32.const 6400))
           (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 40000)))) (i32.const 0)",
    );
    let needed = run(&text, &settings()).fuel;
    assert!(needed > 4_000_000, "{needed}: more than a few slices");
    let with = |max_fuel| {
        let mut settings = settings();
        settings.wasm.max_fuel = max_fuel;
        run(&text, &settings)
    };
    let enough = with(needed);
    assert_eq!((enough.status, enough.fuel), (Status::Ok, needed));
    assert_eq!(fault(&with(needed - 1)), &FaultKind::Fuel { limit: needed - 1 });
}

#[test]
fn a_busy_guest_meets_its_deadline() {
    let services = Services { clock: Arc::new(SteppingClock::new(1_000)), ..services() };
    let mut hurried = settings();
    hurried.wasm.max_execution_ms = 50;
    let outcome = run_with(&executing("(loop $l (br $l)) unreachable"), &hurried, &services);
    // The clock moves a millisecond each time somebody looks, so somebody looks between every two slices.
    assert!(
        matches!(fault(&outcome), FaultKind::Deadline { limit_ms: 50, fuel, .. } if (4_900_000..5_100_000).contains(fuel)),
        "{outcome:?}"
    );
    let error = outcome.error().expect("a fault");
    assert!(error.contains("time limit 50 ms reached after 4"), "{error}");
    assert!(error.ends_with("if it needs more: max_execution_ms = 100 under [plugins.test]"), "{error}");
}

#[test]
fn naps_in_a_loop_end_after_as_many_milliseconds_as_there_are_millions_of_fuel() {
    let text = executing(
        "(loop $l
           (drop (call $poll (i32.const 16) (i32.const 64) (i32.const 1) (i32.const 128)))
           (call $log (i32.const 3) (i32.const 40) (i32.const 1))
           (br $l)) unreachable",
    );
    let outcome = run(&text, &settings());
    assert_eq!(fault(&outcome), &FaultKind::Fuel { limit: 100_000_000 });
    assert_eq!(outcome.logs.len(), 99, "naps taken");
    let error = outcome.error().expect("a fault");
    assert!(error.contains(" reached (asked for 100_"), "{error}");
    assert!(error.contains(", 100_000_000 of it to sleep: a nanosecond of sleep is one fuel)"), "{error}");
    assert!(error.ends_with("; if it needs more: max_fuel = 200_000_000 under [plugins.test]"), "{error}");
}

#[test]
fn sleep_passes_for_real_in_a_live_session_only_and_never_beyond_the_deadline() {
    let nap = executing("(call $poll (i32.const 16) (i32.const 64) (i32.const 1) (i32.const 128))");
    let slept = |live: bool, max_execution_ms| {
        let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
        let services = Services { clock: clock.clone(), live, ..services() };
        let mut settings = settings();
        settings.wasm.max_execution_ms = max_execution_ms;
        let outcome = run_with(&nap, &settings, &services);
        (outcome, clock.now())
    };
    let (played, time) = slept(false, 5_000);
    assert_eq!((&played.status, time), (&Status::Ok, 0));
    let (live, time) = slept(true, 5_000);
    assert_eq!((&live.status, time), (&Status::Ok, 1_000));
    assert_eq!(live.fuel, played.fuel, "live or not, it costs the same");
    let (cut, time) = slept(true, 0);
    assert!(matches!(fault(&cut), FaultKind::Deadline { .. }), "{cut:?}");
    assert_eq!(time, 0);
}

#[test]
fn the_time_a_plugin_sees_is_its_events_and_the_fuel_used() {
    let text = executing(
        "(drop (call $time (i32.const 0) (i64.const 0) (i32.const 512)))
         (loop $l (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
         (drop (call $time (i32.const 1) (i64.const 0) (i32.const 520)))
         (if (i64.ne (i64.div_u (i64.load (i32.const 512)) (i64.const 100000)) (i64.const 15778368000000)) (then unreachable))
         (i32.wrap_i64 (i64.sub (i64.load (i32.const 520)) (i64.load (i32.const 512))))",
    );
    let between = run(&text, &settings()).code().expect("a number of nanoseconds");
    assert!((6_000..10_000).contains(&between), "{between} ns for 1000 rounds of some 7 fuel");
}

#[test]
fn a_plugin_that_copes_with_less_memory_goes_on() {
    let outcome = run(&executing("(i32.ne (memory.grow (i32.const 2900)) (i32.const -1))"), &settings());
    assert_eq!(outcome.status, Status::Ok, "{outcome:?}");
}

#[test]
fn tables_are_counted_together() {
    let text = |first: u32, second: u32| {
        format!(
            r#"(module (memory (export "memory") 1) (table $a 1 funcref) (table $b 1 externref)
              (func (export "execute") (param i32 i32) (result i32)
                (i32.or
                  (i32.eq (table.grow $a (ref.null func) (i32.const {first})) (i32.const -1))
                  (i32.shl (i32.eq (table.grow $b (ref.null extern) (i32.const {second})) (i32.const -1)) (i32.const 1)))))"#
        )
    };
    assert_eq!(run(&text(5_000, 4_998), &settings()).code(), Some(0));
    assert_eq!(run(&text(5_000, 4_999), &settings()).code(), Some(2));
    assert_eq!(run(&text(9_999, 1), &settings()).code(), Some(1));
}

#[test]
fn memory_is_measured_and_the_input_buffer_counts() {
    let mut tight = settings();
    tight.wasm.max_memory_bytes = 65_536;
    let outcome = run(&executing("(i32.const 0)"), &tight);
    assert_eq!(fault(&outcome), &FaultKind::Memory { limit: 65_536, wanted: 131_072 });
    let outcome = run(&executing("(drop (memory.grow (i32.const 3))) (i32.const 0)"), &settings());
    assert_eq!(outcome.peak_memory, 5 * 65_536);
}

fn with_output(settings: &PluginConfig, bytes: &str, len: usize) -> Outcome {
    let text = format!(
        r#"(module
          (import "conductor" "output_set" (func $output (param i32 i32) (result i32)))
          (import "conductor" "last_error" (func $error (param i32 i32) (result i32)))
          (import "conductor" "log" (func $log (param i32 i32 i32)))
          (memory (export "memory") 3)
          (data (i32.const 1024) "{bytes}")
          (func (export "execute") (param i32 i32) (result i32) (local $code i32)
            (local.set $code (call $output (i32.const 1024) (i32.const {len})))
            (call $log (i32.const 2) (i32.const 0) (call $error (i32.const 0) (i32.const 1000)))
            (local.get $code)))"#
    );
    run(&text, settings)
}

#[test]
fn output_is_json_and_no_longer_than_it_may_be() {
    let said = |outcome: Outcome| {
        let text = outcome.logs.first().unwrap_or_else(|| panic!("{outcome:?}")).text.clone();
        (outcome.code(), outcome.output, text)
    };
    assert_eq!(
        said(with_output(&settings(), r"{\22a\22: 1} ", 9)),
        (Some(0), Some("{\"a\": 1}".into()), String::new())
    );
    assert_eq!(
        said(with_output(&settings(), r"{\22a\22: }", 8)),
        (Some(-1), None, "output_set: the output is not JSON: expected value at line 1 column 7".into())
    );
    assert_eq!(
        said(with_output(&settings(), r"\ff\fe", 2)),
        (Some(-1), None, "output_set: the text is not UTF-8".into())
    );
    assert_eq!(
        said(with_output(&settings(), "1", 65_537)),
        (Some(-5), None, "output_set: 65537 bytes; at most 65536 may be passed".into())
    );
    assert_eq!(
        said(with_output(&settings(), "1", 2_000_000_000)),
        (Some(-5), None, "output_set: 2000000000 bytes; at most 65536 may be passed".into())
    );
    assert_eq!(said(with_output(&settings(), "1", 0xffff_ffff)), (Some(-1), None, "output_set: a length of -1".into()));
    let mut short = settings();
    short.wasm.max_output_bytes = 3;
    assert_eq!(said(with_output(&short, "1234", 4)).0, Some(-5));
    // A nested bomb costs its length and no stack.
    let deep = "[".repeat(60_000);
    assert_eq!(said(with_output(&settings(), &deep, deep.len())).0, Some(-1));
    // What would break a reader of the line it comes to stand in is refused: depth, half a character, a number that is none.
    let closed = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for (json, len, why) in [
        (closed.as_str(), closed.len(), "nested deeper than 100"),
        (r"\22\5cud800\22", 8, "hex escape"),
        ("1e999", 5, "number out of range"),
    ] {
        let (code, output, text) = said(with_output(&settings(), json, len));
        assert!((code, output) == (Some(-1), None) && text.contains(why), "{text}");
    }
}

#[test]
fn not_a_number_has_one_form() {
    let text = executing(
        "(i32.and
           (i64.eq (i64.reinterpret_f64 (f64.div (local.get $x) (local.get $x))) (i64.const 0x7ff8000000000000))
           (i64.eq (i64.reinterpret_f64 (f64.add (f64.const nan:0x8dead) (f64.const 1))) (i64.const 0x7ff8000000000000)))",
    );
    assert_eq!(run(&text, &settings()).code(), Some(1));
}

#[test]
fn randomness_is_the_instances_own_and_the_same_again() {
    let text = executing("(drop (call $random (i32.const 0) (i32.const 4))) (i32.load (i32.const 0))");
    let plugin = plugin(&text, &settings());
    let draw = |seed: u8, tenant: &str, generation: u64| {
        let services = Services { seed: [seed; 32], ..services() };
        let mut instance =
            Instance::new(&plugin, tenant, &Arc::new(services), generation, EventTime::default()).expect("made");
        (call(&mut instance).code(), call(&mut instance).code())
    };
    let first = draw(1, "a", 0);
    assert_ne!(first.0, first.1);
    assert_eq!(draw(1, "a", 0), first);
    for other in [draw(2, "a", 0), draw(1, "b", 0), draw(1, "a", 1)] {
        assert_ne!(other, first);
    }
}
