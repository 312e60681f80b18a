//! In a session from a file, whose time stands still while a plugin works, a call ends after twenty times `max_execution_ms` of real
//! time, 30 s at least; where that was is in the journal, and a replay ends it there.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::conditions::Still;
use crate::support::{Scratch, bin};
use conductor::internals::config::{Config, Environment};
use conductor::internals::effect::{
    Answer, Effect, EffectError, EffectHandler, Origin, ProgramEnd, Reply, Request, Response,
};
use conductor::internals::gesture::DeviceId;
use conductor::internals::journal::SessionInput;
use conductor::internals::journal::{
    ConfigRecord, Header, LimitsRecord, PluginRecord, RecordedHandler, Recorder, Transcript,
};
use conductor::internals::midi::Parser;
use conductor::internals::plugins::{Places, PluginSet};
use conductor::internals::run::{Playing, play};
use conductor::internals::sandbox::Services;
use conductor::internals::time::{Alarm, Clock, FILE_EPOCH_US, Micros, VirtualClock};
use serde_json::Value;

/// Works for ever: computes, naps, or has a program run and waits for it.
fn worker(work: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
          (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
          (import "conductor" "exec" (func $exec (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 32) "\01") (data (i32.const 40) "\e8\03")
          (data (i32.const 1024) "{{\"program\":\"sleep\"}}")
          (func (export "alloc") (param i32) (result i32) (i32.const 8))
          (func (export "execute") (param i32 i32) (result i32) (loop $ever {work} (br $ever)) unreachable))"#
    );
    wat::parse_str(text).expect("text")
}

const WORKERS: [(&str, &str); 3] = [
    ("computes", ""),
    ("naps", "(drop (call $poll (i32.const 16) (i32.const 64) (i32.const 1) (i32.const 128)))"),
    ("waits", "(drop (call $exec (i32.const 1024) (i32.const 19) (i32.const 0) (i32.const 0)))"),
];

/// Session time, and real time a thousand times as fast as it is.
struct Hurried {
    session: Arc<VirtualClock>,
    ceilings: Mutex<Vec<Duration>>,
}

impl Clock for Hurried {
    fn now(&self) -> Micros {
        self.session.now()
    }
    fn epoch(&self) -> u64 {
        self.session.epoch()
    }
    fn sleep(&self, duration: Duration) {
        self.session.sleep(duration);
    }
    fn alarm_after(&self, duration: Duration, alarm: &Alarm) {
        self.ceilings.lock().expect("no panic").push(duration);
        alarm.raise_after(duration / 1_000);
    }
}

/// A world in which a program ends after a while.
struct Slow;

impl EffectHandler for Slow {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        Ok(Reply::Done)
    }
    fn request(&self, _: &Request, _: Origin<'_>, _: Duration) -> Answer {
        std::thread::sleep(Duration::from_millis(1));
        let end = ProgramEnd { code: 0, output: Vec::new(), errors: Vec::new(), truncated: false };
        Answer { result: Ok(Response::Program(end)), waited: Duration::from_millis(1) }
    }
}

#[test]
fn a_call_of_a_file_session_ends_at_the_ceiling_and_in_a_replay_where_it_did() {
    let scratch = Scratch::new();
    let mut text = String::new();
    for (number, (name, work)) in WORKERS.iter().enumerate() {
        let _ = write!(
            text,
            "[plugins.{name}]\npath = \"{}\"\nmax_execution_ms = {}\nmax_fuel = 1_000_000_000_000\n\
             granted_capabilities = [\"Subprocess\"]\nallowed_commands = [\"sleep\"]\n\
             [[global_mappings]]\ntrigger = {{ Note = {{ note = {} }} }}\naction = {{ WasmPlugin = {{ plugin = \"{name}\" }} }}\n",
            scratch.file(&format!("{name}.wasm"), worker(work)).display(),
            [50, 50, 2_000][number],
            60 + number,
        );
    }
    let loaded = Config::from_text(&text, "config.toml", Path::new(""), &Environment::default()).expect("valid");
    let config = Arc::new(loaded.config);
    let session = Arc::new(VirtualClock::new(FILE_EPOCH_US));
    let clock = Arc::new(Hurried { session: Arc::clone(&session), ceilings: Mutex::default() });
    let plugins = PluginSet::load(&config, &Places::default(), &*session);
    assert!(plugins.refused.is_empty(), "{:?}", plugins.refused);
    let record = |plugin: &Arc<conductor::internals::sandbox::Plugin>| PluginRecord {
        name: plugin.name().to_owned(),
        digest: Some(plugin.digest().to_string()),
        refused: None,
        data: None,
        approved: None,
    };
    let records = plugins.plugins.iter().map(record).collect();
    let limits = LimitsRecord { max_total_memory_bytes: u64::MAX, max_instances: 64 };
    let header = Header::new(FILE_EPOCH_US, &[7; 32], limits, ConfigRecord::new("config.toml", "", &text), records);
    let journal = scratch.path().join("s.journal.jsonl");
    let recorder = Recorder::create(&journal, &header, false).expect("a journal");
    let outside = Arc::new(RecordedHandler::new(Arc::new(Slow), Arc::clone(&recorder)));
    let services =
        Services { live: false, trace: true, ..Services::new(Arc::<Hurried>::clone(&clock), outside, [7; 32]) };
    let playing = Playing {
        config,
        plugins,
        clock: session,
        services: Arc::new(services),
        dry_run: None,
        recorder: Some(Arc::clone(&recorder)),
        calendar: None,
        replayed: None,
    };
    let mut messages: Vec<SessionInput> = Vec::new();
    let mut parser = Parser::new();
    for note in 60..63 {
        parser.push(&[0x90, note, 100], |message| messages.push(SessionInput::message(0, DeviceId(0), message)));
    }
    let mut transcript = Transcript::default();
    let end = play(playing, messages.into_iter(), &Still::default(), |entry| {
        transcript.add(&entry);
        true
    });
    recorder.finish(end.expect("it was played")).expect("the journal");
    let seconds: Vec<u64> = clock.ceilings.lock().expect("no panic").iter().map(Duration::as_secs).collect();
    // Its start, and the call.
    assert_eq!(seconds, [30, 30, 30, 30, 40, 40], "twenty times the limit, at least 30 s");
    for ((name, _), line) in WORKERS.iter().zip(transcript.lines()) {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let error = line["error"].as_str().expect("an error");
        assert_eq!((line["plugin"].as_str(), line["status"].as_str()), (Some(*name), Some("fault")), "{error}");
        assert!(error.contains(" s of real time used up after "), "{error}");
        assert!(error.contains("depends on the machine: the session is not deterministic"), "{error}");
    }
    let journaled = std::fs::read_to_string(&journal).expect("the journal");
    assert_eq!(journaled.matches("\"ceiling\":true").count(), 3);
    let expected = scratch.file("s.transcript.jsonl", transcript.text());
    for _ in 0..2 {
        let ran = bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&expected).run().exits(0);
        assert!(ran.stdout.starts_with("identical: 3 lines"), "{}", ran.transcript());
    }
}
