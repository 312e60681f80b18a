//! The host functions: what they answer, what they refuse and in which words, and what a guest's lies cost it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::sandbox::{World, call, instance, plugin, run, services, settings};
use conductor::internals::capability::Capability;
use conductor::internals::config::PluginConfig;
use conductor::internals::host;
use conductor::internals::sandbox::LogLevel::{Debug, Error, Info, Trace, Warn};
use conductor::internals::sandbox::{Errno, Outcome, Services, Status, ValueType};

/// A plugin that calls `midi_send` with the port at 0 and the bytes at 64, and logs what `last_error` says.
fn sending(port: &str, port_len: u32, bytes: &str, bytes_len: u32) -> String {
    format!(
        r#"(module
          (import "conductor" "midi_send" (func $send (param i32 i32 i32 i32) (result i32)))
          (import "conductor" "last_error" (func $error (param i32 i32) (result i32)))
          (import "conductor" "log" (func $log (param i32 i32 i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "{port}") (data (i32.const 64) "{bytes}")
          (func (export "execute") (param i32 i32) (result i32) (local $code i32) (local $len i32)
            (local.set $code (call $send (i32.const 0) (i32.const {port_len}) (i32.const 64) (i32.const {bytes_len})))
            (local.set $len (call $error (i32.const 1024) (i32.const 1000)))
            (if (local.get $len) (then (call $log (i32.const 2) (i32.const 1024) (local.get $len))))
            (local.get $code)))"#
    )
}

fn granted() -> PluginConfig {
    PluginConfig {
        granted_capabilities: vec![Capability::Midi],
        allowed_ports: vec!["synth".into(), "missing".into()],
        ..settings()
    }
}

fn send(text: &str, settings: &PluginConfig) -> (Outcome, Vec<String>) {
    let world = Arc::new(World::default());
    let services = Services { outside: world.clone(), ..services() };
    let outcome = crate::support::sandbox::run_with(text, settings, &services);
    (outcome, world.done())
}

#[test]
fn midi_goes_to_allowed_ports_message_by_message() {
    let (outcome, done) = send(&sending("synth", 5, r"\90\3c\64\3e\00\f8\b0\07\7f\f0\01\02\f7", 13), &granted());
    assert_eq!((&outcome.status, outcome.effects), (&Status::Ok, 5), "{outcome:?}");
    let kinds: Vec<_> = done.iter().map(|line| line.split("message: ").nth(1).unwrap_or(line)).collect();
    assert!(done.iter().all(|line| line.starts_with("test/default: Midi(MidiOut { port: \"synth\"")), "{done:?}");
    assert!(
        kinds[0].starts_with("One(NoteOn")
            && kinds[1].starts_with("One(NoteOn")
            && kinds[2].starts_with("One(System(TimingClock)")
            && kinds[3].starts_with("One(ControlChange")
            && kinds[4].starts_with("One(SysEx([1, 2])"),
        "{kinds:?}"
    );
}

#[test]
fn what_is_not_allowed_or_not_whole_is_not_sent_and_says_why() {
    let refused = |text: String, settings: &PluginConfig| {
        let (outcome, done) = send(&text, settings);
        assert_eq!((done.len(), outcome.effects), (0, 0));
        let said = outcome.logs.first().map(|line| line.text.clone()).unwrap_or_default();
        assert_eq!(outcome.last_error.as_deref(), Some(said.as_str()));
        (outcome.code().expect("a code"), said)
    };
    assert_eq!(
        refused(sending("other", 5, r"\90\3c\64", 3), &granted()),
        (
            Errno::Denied.code(),
            "midi_send: \"other\" is not an allowed MIDI port; only if you expect this: in [plugins.test], add \"other\" to \
             allowed_ports: allowed_ports = [\"missing\", \"synth\", \"other\"]"
                .into()
        )
    );
    assert_eq!(
        refused(sending("missing", 7, r"\90\3c\64", 3), &granted()),
        (Errno::NotFound.code(), "midi_send: no MIDI output port called \"missing\"".into())
    );
    for (bytes, len) in
        [(r"\90\3c", 2), (r"\3c\64", 2), (r"\f0\01", 2), ("", 0), (r"\90\3c\64\f4", 4), (r"\90\3c\64\80", 4)]
    {
        assert_eq!(
            refused(sending("synth", 5, bytes, len), &granted()),
            (Errno::Invalid.code(), "midi_send: the bytes are not complete MIDI messages".into()),
            "{bytes}"
        );
    }
    assert_eq!(
        refused(sending("synth", 5, r"\90\3c\64", 70_000), &granted()),
        (Errno::TooLarge.code(), "midi_send: 70000 bytes; at most 8192 may be passed".into())
    );
    assert_eq!(
        refused(sending(r"\ff\fe", 2, "", 0), &granted()),
        (Errno::Invalid.code(), "midi_send: the text is not UTF-8".into())
    );
    // A grant without ports reaches none.
    let portless = PluginConfig { allowed_ports: Vec::new(), ..granted() };
    assert_eq!(refused(sending("synth", 5, r"\90\3c\64", 3), &portless).0, Errno::Denied.code());
}

#[test]
fn denials_are_counted_by_function_and_reason() {
    let plugin = plugin(&sending("other", 5, r"\90\3c\64", 3), &granted());
    let mut instance = instance(&plugin, &services());
    for _ in 0..3 {
        call(&mut instance);
    }
    assert_eq!(plugin.counters().values().denials, BTreeMap::from([(("midi_send", "port"), 3)]));
}

#[test]
fn pointers_outside_memory_are_answered_and_nothing_is_allocated_for_them() {
    let text = r#"(module
      (import "conductor" "config_get" (func $get (param i32 i32 i32 i32) (result i32)))
      (import "conductor" "last_error" (func $error (param i32 i32) (result i32)))
      (import "conductor" "output_set" (func $output (param i32 i32) (result i32)))
      (import "conductor" "log" (func $log (param i32 i32 i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "key")
      (func (export "execute") (param i32 i32) (result i32)
        (call $log (i32.const 3) (i32.const 131066) (i32.const 7))
        (call $log (i32.const 3) (i32.const -1) (i32.const -1))
        (if (i32.ne (call $output (i32.const 0xfffffff0) (i32.const 16)) (i32.const -4)) (then unreachable))
        (if (i32.ne (call $output (i32.const 200000) (i32.const 0)) (i32.const -4)) (then unreachable))
        (if (i32.ne (call $get (i32.const 200000) (i32.const 3) (i32.const 0) (i32.const 0)) (i32.const -4)) (then unreachable))
        (if (i32.ne (call $get (i32.const 0) (i32.const 3) (i32.const 131070) (i32.const 100)) (i32.const -4)) (then unreachable))
        (if (i32.ne (call $error (i32.const 131071) (i32.const 100)) (i32.const -4)) (then unreachable))
        (i32.const 0)))"#;
    let mut settings = settings();
    settings.config = BTreeMap::from([("key".into(), "value".into())]);
    let outcome = run(text, &settings);
    assert_eq!((&outcome.status, outcome.logs.len()), (&Status::Ok, 0), "{outcome:?}");
    assert_eq!(
        outcome.last_error.as_deref(),
        Some("last_error: a pointer outside its memory: 84 bytes at 0x1ffff, memory ends at 0x20000")
    );
}

/// The functions whose second argument, or third, is the length of something that they read or write.
const WITH_LENGTHS: [(&str, usize); 12] = [
    ("log", 2),
    ("output_set", 1),
    ("config_get", 1),
    ("last_error", 1),
    ("response_read", 1),
    ("midi_send", 1),
    ("http_request", 1),
    ("ws_open", 1),
    ("audio_control", 1),
    ("exec", 1),
    ("system_control", 1),
    ("keys_send", 1),
];

#[test]
fn a_length_that_is_none_is_invalid_and_costs_next_to_nothing() {
    let mut settings = granted();
    settings.granted_capabilities = Capability::ALL.to_vec();
    settings.wasm.max_fuel = 12_000;
    for (name, length) in WITH_LENGTHS {
        let function = host::TABLE.iter().find(|function| function.name == name).expect("it is there");
        let arguments: Vec<&str> = (0..function.params.len())
            .map(|position| if position == length { "(i32.const -1)" } else { "(i32.const 0)" })
            .collect();
        let (result, answer) = match function.results {
            [] => ("", format!("(call $f {}) (i32.const -1)", arguments.join(" "))),
            _ => ("(result i32)", format!("(call $f {})", arguments.join(" "))),
        };
        let text = format!(
            r#"(module (import "conductor" "{name}" (func $f (param {}) {result}))
              (memory (export "memory") 1)
              (func (export "alloc") (param i32) (result i32) (i32.const 8))
              (func (export "execute") (param i32 i32) (result i32) {answer}))"#,
            "i32 ".repeat(arguments.len())
        );
        let (outcome, done) = send(&text, &settings);
        let said = format!("{name}: a length of -1");
        assert_eq!(
            (&outcome.status, outcome.last_error.as_deref(), outcome.logs.len(), done.len()),
            (&Status::Failed(Errno::Invalid.code()), Some(said.as_str()), 0, 0),
            "{name}: {outcome:?}"
        );
    }
    // Every function with a length is in the list; ws_send asks first whether there is such a connection.
    let listed = |name: &str| WITH_LENGTHS.iter().any(|(listed, _)| *listed == name);
    let others: Vec<_> = host::TABLE.iter().map(|function| function.name).filter(|name| !listed(name)).collect();
    assert_eq!(others, ["ws_send", "ws_recv", "ws_close"]);
}

#[test]
fn config_values_come_whole_or_with_the_length_they_need() {
    let get = |key: &str, room: u32| {
        let text = format!(
            r#"(module
              (import "conductor" "config_get" (func $get (param i32 i32 i32 i32) (result i32)))
              (import "conductor" "log" (func $log (param i32 i32 i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "{key}") (data (i32.const 100) "........")
              (func (export "execute") (param i32 i32) (result i32) (local $code i32)
                (local.set $code (call $get (i32.const 0) (i32.const {}) (i32.const 100) (i32.const {room})))
                (call $log (i32.const 3) (i32.const 100) (i32.const 8))
                (local.get $code)))"#,
            key.len()
        );
        let mut settings = settings();
        settings.config = BTreeMap::from([("market".into(), "Europe".into()), ("empty".into(), String::new())]);
        settings.secrets = BTreeMap::from([("token".into(), "CONDUCTOR_TEST_NO_SUCH_VARIABLE".into())]);
        let outcome = run(&text, &settings);
        (outcome.code().expect("a code"), outcome.logs[0].text.clone())
    };
    assert_eq!(get("market", 8), (6, "Europe..".into()));
    assert_eq!(get("market", 6), (6, "Europe..".into()));
    assert_eq!(get("market", 3), (6, "Eur.....".into()));
    assert_eq!(get("market", 0), (6, "........".into()));
    assert_eq!(get("empty", 8), (0, "........".into()));
    assert_eq!(get("absent", 8), (Errno::NotFound.code(), "........".into()));
    assert_eq!(get("token", 8), (16, "{{secret".into()), "a plugin gets the placeholder, never the secret");
}

#[test]
fn what_is_logged_is_clean_and_has_its_level() {
    let outcome = run(
        r#"(module
          (import "conductor" "log" (func $log (param i32 i32 i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "say\1b[2J\u{202e}\ffx")
          (data (i32.const 64) "\00\00\00\00\03\00\00\00")
          (func (export "execute") (param i32 i32) (result i32) (local $n i32)
            (loop $l
              (call $log (local.get $n) (i32.const 0) (i32.const 12))
              (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 8))))
            (drop (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 80)))
            (drop (call $write (i32.const 2) (i32.const 64) (i32.const 1) (i32.const 80)))
            (i32.const 0)))"#,
        &settings(),
    );
    let levels: Vec<_> = outcome.logs.iter().map(|line| line.level).collect();
    assert_eq!(levels, [Error, Error, Warn, Info, Debug, Trace, Trace, Trace, Info, Error]);
    assert_eq!(outcome.logs[0].text, "say [2J \u{fffd}x");
    assert_eq!(outcome.logs[9].text, "say");
}

#[test]
fn the_table_is_complete_and_has_one_entry_a_name() {
    let names: Vec<_> = host::TABLE.iter().map(|function| function.name).collect();
    for name in ["log", "output_set", "config_get", "last_error", "midi_send"] {
        assert_eq!(names.iter().filter(|known| **known == name).count(), 1, "{name}");
    }
    for function in host::TABLE {
        assert!(function.doc.starts_with(&format!("{}(", function.name)), "{}", function.name);
        assert!(!function.doc.contains("  "), "{}", function.doc);
        assert!(function.results.len() <= 1 && function.results.iter().all(|ty| *ty == ValueType::I32));
    }
    assert!(Errno::ALL.iter().zip(1..).all(|(errno, n)| errno.code() == -n));
}
