//! What is revoked while it waits is dropped, and what was dropped has its place in journal and transcript.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::conditions::Still;
use crate::support::{Scratch, bin};
use conductor::internals::capability::Capability;
use conductor::internals::config::{Config, Environment};
use conductor::internals::effect::{Effect, EffectError, EffectHandler, Origin, Reply};
use conductor::internals::journal::{
    ConfigRecord, Entry, Header, LimitsRecord, PluginRecord, RecordedApprovals, RecordedHandler, Recorder, Transcript,
};
use conductor::internals::midi::{Message, Parser};
use conductor::internals::os::{Revocations, RevokedEffect};
use conductor::internals::plugins::{Places, PluginSet};
use conductor::internals::run::{Feed, LiveRun, run_live};
use conductor::internals::sandbox::Services;
use conductor::internals::time::{FILE_EPOCH_US, SystemClock};
use serde_json::Value;

/// Sends a note; in the world below it waits.
const SENDER: &str = r#"(module
  (import "conductor" "midi_send" (func $send (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "out\90\3c\40")
  (func (export "execute") (param i32 i32) (result i32)
    (call $send (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 3))))"#;

/// A world in which every second effect that a plugin has queued is dropped later, as a revocation does it.
struct Queueing {
    revocations: Arc<Revocations>,
    count: AtomicU32,
}

impl EffectHandler for Queueing {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        if let Origin::Plugin { plugin, tenant } = origin
            && self.count.fetch_add(1, Ordering::SeqCst) % 2 == 1
        {
            self.revocations.tell(RevokedEffect {
                plugin: plugin.to_owned(),
                tenant: tenant.to_owned(),
                what: effect.to_string(),
                capability: Capability::Midi,
            });
        }
        Ok(Reply::Done)
    }
}

fn messages(notes: u32) -> Vec<(u64, Message)> {
    let (mut parser, mut messages) = (Parser::new(), Vec::new());
    for _ in 0..notes {
        parser.push(&[0x90, 60, 100], |message| messages.push((0, message)));
    }
    messages
}

#[test]
fn what_was_dropped_is_in_the_journal_and_in_every_transcript_of_it() {
    let scratch = Scratch::new();
    let wasm = scratch.file("sender.wasm", wat::parse_str(SENDER).expect("text"));
    let text = format!(
        "[plugins.sender]\npath = \"{}\"\ngranted_capabilities = [\"Midi\"]\nallowed_ports = [\"out\"]\n[[modes]]\nname = \"Default\"\n\
         [[modes.mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\naction = {{ WasmPlugin = {{ plugin = \"sender\" }} }}\n",
        wasm.display()
    );
    let loaded = Config::from_text(&text, "config.toml", Path::new(""), &Environment::default()).expect("valid");
    let config = Arc::new(loaded.config);
    let clock = Arc::new(SystemClock::start());
    let plugins = PluginSet::load(&config, &Places::default(), &*clock);
    assert!(plugins.refused.is_empty(), "{:?}", plugins.refused);
    let record = PluginRecord {
        name: "sender".into(),
        digest: Some(plugins.plugins[0].digest().to_string()),
        refused: None,
        data: None,
        approved: None,
    };
    let limits = LimitsRecord { max_total_memory_bytes: u64::MAX, max_instances: 64 };
    let header =
        Header::new(FILE_EPOCH_US, &[7; 32], limits, ConfigRecord::new("config.toml", "", &text), vec![record]);
    let journal = scratch.path().join("s.journal.jsonl");
    let recorder = Recorder::create(&journal, &header, false).expect("a journal");
    let revocations = Arc::<Revocations>::default();
    let world = Queueing { revocations: Arc::clone(&revocations), count: AtomicU32::new(0) };
    let services = Services {
        live: true,
        trace: true,
        approvals: Some(Arc::new(RecordedApprovals::new(Arc::clone(&recorder)))),
        ..Services::new(
            Arc::<SystemClock>::clone(&clock),
            Arc::new(RecordedHandler::new(Arc::new(world), Arc::clone(&recorder))),
            [7; 32],
        )
    };
    let transcript = Arc::new(Mutex::new(Transcript::default()));
    let writer = Arc::clone(&transcript);
    let run = LiveRun {
        desk: std::sync::Arc::default(),
        config,
        plugins,
        feed: Feed::Paced(messages(6)),
        services: Arc::new(services),
        dry_run: None,
        revocations: Some(revocations),
        recorder: Some(Arc::clone(&recorder)),
        surroundings: Arc::new(Still::default()),
        ordered: Some(Box::new(move |entry: &Entry| writer.lock().expect("no panic").add(entry))),
    };
    let end = run_live(run, &Still::default(), |_| true).expect("it ran");
    recorder.finish(end.t).expect("the journal");
    let live = transcript.lock().expect("no panic").text();
    let lines: Vec<Value> = live.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let dropped: Vec<_> = lines.iter().filter(|line| line["event"] == "revoked").collect();
    assert_eq!((lines.len(), dropped.len()), (9, 3), "{live}");
    for line in dropped {
        assert_eq!(
            (line["plugin"].as_str(), line["status"].as_str(), line["effect"].as_str()),
            (Some("sender"), Some("rejected"), Some("midi out: note on ch 1 60:64")),
            "{line}"
        );
        let error = line["error"].as_str().expect("an error");
        assert!(error.ends_with("dropped, because Midi was revoked while it waited"), "{error}");
    }
    let journaled = std::fs::read_to_string(&journal).expect("the journal");
    assert_eq!(journaled.lines().filter(|line| line.starts_with("{\"k\":\"revoked\"")).count(), 3);
    let expected = scratch.file("s.transcript.jsonl", live);
    for _ in 0..3 {
        let ran = bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&expected).run().exits(0);
        assert!(ran.stdout.starts_with("identical: 9 lines"), "{}", ran.transcript());
    }
}
