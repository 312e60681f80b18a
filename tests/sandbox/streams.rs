//! What a plugin prints is written as a program prints to a terminal: line by line, and the rest when the call ends.

use crate::support::repository;
use crate::support::sandbox::{call_with, instance, load, params, plugin, run, services, settings};
use conductor::internals::sandbox::{Context, LogLevel, Outcome, Status};
use conductor::internals::time::EventTime;

fn said(outcome: &Outcome) -> Vec<(LogLevel, &str)> {
    outcome.logs.iter().map(|line| (line.level, line.text.as_str())).collect()
}

#[test]
fn a_plugin_in_c_prints_each_line_when_it_ends_and_the_rest_when_the_call_does() {
    let wasm = std::fs::read(repository("fixtures/plugins/printer.wasm")).expect("a committed guest");
    let plugin = load("printer", &wasm, &settings()).expect("loaded");
    let mut instance = instance(&plugin, &services());
    for params_json in ["{}", "{ }", "{  }"] {
        let outcome = call_with(&mut instance, &params(params_json), &Context::default());
        // Status 0: isatty says so of both.
        assert_eq!(outcome.status, Status::Ok);
        let first = format!("first, of {} bytes", params_json.len());
        assert_eq!(
            said(&outcome),
            [
                (LogLevel::Info, first.as_str()),
                (LogLevel::Info, "second"),
                (LogLevel::Error, "an error"),
                (LogLevel::Info, "third"),
                (LogLevel::Info, "begun"),
            ],
            "what is left of a call belongs to that call"
        );
    }
}

#[test]
fn both_outputs_are_character_devices_that_cannot_be_sought() {
    let outcome = run(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fdstat (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_filestat_get" (func $filestat (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func $is (param $fd i32) (result i32)
            (drop (call $fdstat (local.get $fd) (i32.const 0)))
            (drop (call $filestat (local.get $fd) (i32.const 64)))
            ;; Its type, twice, and its rights to seek and tell.
            (i32.add (i32.mul (i32.load8_u (i32.const 0)) (i32.const 100))
              (i32.add (i32.mul (i32.load8_u (i32.const 80)) (i32.const 10))
                (i32.and (i32.load (i32.const 8)) (i32.const 0x24)))))
          (func (export "execute") (param i32 i32) (result i32)
            (i32.add (i32.mul (call $is (i32.const 1)) (i32.const 1000)) (call $is (i32.const 2)))))"#,
        &settings(),
    );
    assert_eq!(outcome.status, Status::Failed(220_220));
}

#[test]
fn what_is_flushed_costs_the_calls_fuel_and_can_stop_it() {
    let text = |fflush: &str| {
        format!(
            r#"(module
              (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\08\00\00\00\04\00\00\00left")
              (func (export "init"))
              (func (export "shutdown"))
              (func (export "execute") (param i32 i32) (result i32) (i32.const 7))
              {fflush})"#
        )
    };
    let flushes = "(func (export \"fflush\") (param i32) (result i32) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))";
    let outcome = run(&text(flushes), &settings());
    assert_eq!(
        (outcome.code(), said(&outcome)),
        (Some(7), vec![(LogLevel::Info, "left"); 2]),
        "of init, and of execute"
    );
    let without = run(&text(""), &settings());
    assert!(outcome.fuel > without.fuel, "{} {}", outcome.fuel, without.fuel);
    // Of another type it is none of the host's business.
    let other = run(&text("(func (export \"fflush\") unreachable)"), &settings());
    assert_eq!((other.code(), other.fuel), (Some(7), without.fuel));
    // It is called after `init` already.
    let plugin = plugin(&text("(func (export \"fflush\") (param i32) (result i32) unreachable)"), &settings());
    let outcome = conductor::internals::sandbox::Instance::new(
        &plugin,
        "default",
        &std::sync::Arc::new(services()),
        0,
        EventTime::default(),
    );
    let error = outcome.map(drop).expect_err("it stops").error().expect("why");
    assert!(error.contains("fflush: stopped itself"), "{error}");
}
