//! Plugins of every shape are called as the contract says: both dialects, with and without an allocator, with context.

use std::collections::BTreeMap;

use crate::support::sandbox::{call, call_with, instance, params, plugin, run, services, settings};
use conductor::internals::config::Params;
use conductor::internals::sandbox::{Context, Status};

/// Answers with the request it was given, as its output.
const ECHO_PLAIN: &str = r#"(module
  (import "conductor" "output_set" (func $out (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "init"))
  (func (export "execute") (param i32 i32) (result i32) (call $out (local.get 0) (local.get 1))))"#;

/// A bump allocator that says in its output where it put things, and what was given back.
const ALLOCATING: &str = r#"(module
  (import "conductor" "output_set" (func $out (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  (global $live (mut i32) (i32.const 0))
  (data (i32.const 512) "{\22name\22:\22bump\22,\22version\22:\221.0\22,\22capabilities\22:[\22system_control\22]}")
  (func (export "init") (result i64) (i64.const 0x0000020000000041))
  (func (export "alloc") (param i32) (result i32)
    (global.set $live (i32.add (global.get $live) (local.get 0)))
    (global.set $next (i32.add (global.get $next) (local.get 0)))
    (i32.sub (global.get $next) (local.get 0)))
  (func (export "dealloc") (param i32 i32)
    (global.set $live (i32.sub (global.get $live) (local.get 1)))
    (global.set $next (i32.sub (global.get $next) (local.get 1))))
  (func (export "execute") (param i32 i32) (result i32)
    (drop (call $out (local.get 0) (local.get 1)))
    (i32.gt_u (i32.sub (global.get $live) (local.get 1)) (i32.const 255))))"#;

#[test]
fn the_documentations_example_without_alloc_is_given_the_parameters_as_written() {
    let plugin = plugin(ECHO_PLAIN, &settings());
    let mut instance = instance(&plugin, &services());
    for json in [r#"{"action":"play"}"#, r#"{"action":"pause","volume":70}"#] {
        let outcome = call_with(&mut instance, &params(json), &Context::default());
        assert_eq!((&outcome.status, outcome.output.as_deref()), (&Status::Ok, Some(json)));
        assert_eq!(outcome.peak_memory, 2 * 65_536, "one page of its own and one for requests, however many calls");
    }
}

#[test]
fn room_is_given_back_when_a_longer_request_comes_and_trapping_then_ends_the_instance() {
    let text = std::fs::read_to_string(crate::support::repository("fixtures/hostile/dealloc_traps.wat")).expect("text");
    let plugin = plugin(&text, &settings());
    let mut instance = instance(&plugin, &services());
    for _ in 0..3 {
        assert!(call(&mut instance).is_ok(), "room is kept for requests that fit");
    }
    let long = params(&format!("\"{}\"", "x".repeat(300)));
    let outcome = call_with(&mut instance, &long, &Context::default());
    assert!(outcome.error().is_some_and(|error| error.contains("dealloc: stopped itself")), "{outcome:?}");
    assert!(instance.ended());
}

#[test]
fn a_request_larger_than_the_input_buffer_gets_a_larger_one() {
    let plugin = plugin(ECHO_PLAIN, &settings());
    let mut instance = instance(&plugin, &services());
    assert!(call(&mut instance).is_ok());
    let long = format!("\"{}\"", "x".repeat(65_500));
    for _ in 0..3 {
        let outcome = call_with(&mut instance, &params(&long), &Context::default());
        assert_eq!(outcome.output.as_deref(), Some(long.as_str()));
        assert_eq!(outcome.peak_memory, 2 * 65_536);
    }
}

#[test]
fn the_wide_dialect_gets_action_parameters_and_every_key_of_the_context() {
    let plugin = plugin(ALLOCATING, &settings());
    let mut instance = instance(&plugin, &services());
    assert_eq!(instance.metadata().map(|metadata| metadata.version.as_str()), Some("1.0"));
    let params = Params {
        json: r#"{"action":"play","parameters":["a",2],"playlist":"gig"}"#.into(),
        action: "play".into(),
        parameters: vec!["a".into(), "2".into()],
        metadata: BTreeMap::from([("playlist".into(), "gig".into())]),
        made: Vec::new(),
    };
    let context = Context {
        velocity: Some(100),
        note: Some(60),
        current_mode: Some(0),
        timestamp_ms: 1_577_836_801_250,
        ..Context::default()
    };
    for _ in 0..2 {
        // Status 0 says that nothing but this request was alive: what is allocated is given back.
        let outcome = call_with(&mut instance, &params, &context);
        assert_eq!(outcome.status, Status::Ok);
        assert_eq!(
            outcome.output.as_deref(),
            Some(
                r#"{"action":"play","parameters":["a","2"],"context":{"velocity":100,"note":60,"cc":null,"value":null,"current_mode":0,"timestamp":1577836801250,"metadata":{"playlist":"gig"},"channel":null,"device":null,"gesture":null,"control":null,"mode":null,"pressure":null,"bend":null,"delta":null,"program":null},"params":{"action":"play","parameters":["a",2],"playlist":"gig"}}"#
            )
        );
    }
}

#[test]
fn an_alloc_that_returns_0_counts_as_absent() {
    let text = ECHO_PLAIN.replace(
        "(func (export \"init\"))",
        "(func (export \"alloc\") (param i32) (result i32) (i32.const 0)) (func (export \"dealloc\") (param i32 i32) unreachable)",
    );
    let outcome = run(&text, &settings());
    assert_eq!((outcome.output.as_deref(), outcome.peak_memory), (Some("{}"), 2 * 65_536));
}

#[test]
fn execute_with_context_is_preferred_and_gets_both() {
    let outcome = run(
        r#"(module
          (import "conductor" "output_set" (func $out (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "execute") (param i32 i32) (result i32) (i32.const 9))
          (func (export "execute_with_context") (param i32 i32 i32 i32) (result i32)
            (drop (call $out (local.get 2) (local.get 3)))
            (i32.add (i32.load8_u (local.get 0)) (local.get 1))))"#,
        &settings(),
    );
    assert_eq!(outcome.status, Status::Failed(i32::from(b'{') + 2));
    assert_eq!(
        outcome.output.as_deref(),
        Some(
            r#"{"velocity":null,"note":null,"cc":null,"value":null,"current_mode":null,"timestamp":0,"metadata":{},"channel":null,"device":null,"gesture":null,"control":null,"mode":null,"pressure":null,"bend":null,"delta":null,"program":null}"#
        )
    );
}

#[test]
fn initialize_and_init_run_once_and_in_order() {
    let plugin = plugin(
        r#"(module
          (memory (export "memory") 1)
          (global $order (mut i32) (i32.const 0))
          (func (export "init") (global.set $order (i32.add (i32.mul (global.get $order) (i32.const 10)) (i32.const 2))))
          (func (export "_initialize") (global.set $order (i32.add (i32.mul (global.get $order) (i32.const 10)) (i32.const 1))))
          (func (export "execute") (param i32 i32) (result i32) (global.get $order)))"#,
        &settings(),
    );
    let mut instance = instance(&plugin, &services());
    let first = call(&mut instance);
    let second = call(&mut instance);
    assert_eq!((first.status, second.status), (Status::Failed(12), Status::Failed(12)));
    assert!(first.init_fuel > 0 && second.init_fuel == 0);
    assert_eq!(first.fuel, second.fuel);
}

#[test]
fn an_instance_lives_on_after_a_status_other_than_0() {
    let plugin = plugin(
        r#"(module
          (memory (export "memory") 1)
          (global $count (mut i32) (i32.const 0))
          (func (export "execute") (param i32 i32) (result i32)
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (global.get $count)))"#,
        &settings(),
    );
    let mut instance = instance(&plugin, &services());
    for count in 1..=5 {
        assert_eq!(call(&mut instance).status, Status::Failed(count));
    }
    let values = plugin.counters().values();
    assert_eq!((values.calls, values.failed, values.instances), (5, 5, 1));
}

#[test]
fn both_forms_of_capabilities_are_read() {
    for (result, value) in [("i32", "i32.const 64"), ("i64", "i64.const 0x0000004000000018")] {
        let text = format!(
            r#"(module (memory (export "memory") 1) (data (i32.const 64) "[\22Network\22,\22filesystem\22]\00")
              (func (export "capabilities") (result {result}) ({value}))
              (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#
        );
        let plugin = plugin(&text, &settings());
        let names: Vec<_> = plugin.needs().iter().map(|name| name.name()).collect();
        assert_eq!(names, ["Network", "Filesystem"]);
    }
}
