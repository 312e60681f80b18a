//! What recording and replaying cost: events per second of a session of 100,000 events, and a recorded run beside the same
//! run unrecorded.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conductor::clock::{FILE_EPOCH_US, Micros, VirtualClock};
use conductor::config::{Config, Environment};
use conductor::daemon::{Playing, PluginSet, Told, play};
use conductor::effect::World;
use conductor::gesture::DeviceId;
use conductor::journal::{ConfigRecord, Header, Recorder};
use conductor::midi::{Channel, Message};
use conductor::package::{Policy, admit};
use conductor::sandbox::Services;
use criterion::{Criterion, Throughput};

/// Presses and releases in a session.
const EVENTS: usize = 100_000;

/// Note 60 calls a plugin that parses its parameters; note 61 is mapped to nothing.
const CONFIG: &str = r#"
[plugins.probe]
path = "fixtures/plugins/json_probe.wasm"
[[modes]]
name = "Default"
[[modes.mappings]]
trigger = { Note = { note = 60 } }
action = { WasmPlugin = { plugin = "probe", params = { action = "play_note", context = { velocity = 100, note = 60, timestamp = 1234567890, metadata = { mode = "default" } } } } }
[[modes.mappings]]
trigger = { LongPress = { note = 62 } }
action = { Text = { text = "never" } }
"#;

fn config() -> Arc<Config> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let loaded = Config::from_text(CONFIG, "bench.toml", root, &Environment::of_process()).expect("a configuration");
    Arc::new(loaded.config)
}

/// Presses and releases of `note`, a millisecond apart.
fn session(note: u8) -> Vec<(Micros, DeviceId, Option<Message>)> {
    let channel = Channel::new(1).expect("a channel");
    (0..EVENTS as u64)
        .map(|number| {
            let velocity = if number % 2 == 0 { 100 } else { 0 };
            (number * 1000, DeviceId(0), Some(Message::NoteOn { channel, note, velocity }))
        })
        .collect()
}

/// Plays `session`; how many entries its account has.
fn run(
    config: &Arc<Config>,
    session: &[(Micros, DeviceId, Option<Message>)],
    recorder: Option<Arc<Recorder>>,
) -> usize {
    let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
    let world = World::played(Arc::clone(&clock));
    let mut plugins = PluginSet::default();
    for (name, settings) in &config.plugins {
        let policy = Policy { name: name.clone(), ..Policy::default() };
        let admitted = admit(&settings.path, &policy).expect("the plugin");
        plugins.plugins.push(PluginSet::load_granted(&admitted, settings, None).expect("the plugin loads"));
    }
    let services = Arc::new(Services {
        clock: Arc::<VirtualClock>::clone(&clock),
        outside: Told::new(),
        seed: [0; 32],
        data_root: None,
        live: false,
        trace: false,
        stops: None,
        approvals: None,
    });
    let playing =
        Playing { config: Arc::clone(config), plugins, clock, services, told: None, recorder, replayed: None };
    let mut entries = 0;
    play(playing, session.iter().cloned(), &world.in_mode(0), |entry| {
        black_box(&entry);
        entries += 1;
        true
    });
    entries
}

fn main() {
    let mut criterion =
        Criterion::default().configure_from_args().sample_size(10).measurement_time(Duration::from_secs(5));
    let config = config();
    let (silent, calling) = (session(61), session(60));
    let header = Header::new(0, &[0; 32], ConfigRecord::new("bench.toml", "", CONFIG), Vec::new());
    let journal = std::env::temp_dir().join(format!("conductor-bench-{}.journal.jsonl", std::process::id()));
    let recorded = |session: &[_]| {
        let recorder = Recorder::create(&journal, &header, true).expect("a journal");
        let entries = run(&config, session, Some(Arc::clone(&recorder)));
        recorder.finish(0).expect("the journal is complete");
        entries
    };

    let mut group = criterion.benchmark_group("session of 100,000 messages");
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("gestures only", |bench| bench.iter(|| run(&config, &silent, None)));
    group.bench_function("one plugin call per press", |bench| bench.iter(|| run(&config, &calling, None)));
    group.bench_function("one plugin call per press, recorded", |bench| bench.iter(|| recorded(&calling)));
    group.finish();

    recorded(&calling);
    let bytes = std::fs::metadata(&journal).map_or(0, |metadata| metadata.len());
    println!("journal: {bytes} bytes for {EVENTS} messages");
    // A leftover would be a temporary file like any other.
    let _ = std::fs::remove_file(&journal);
}
