//! What recording and replaying cost: events per second of a session of 100,000 events, and a recorded run beside the same
//! run unrecorded, as fast as the machine goes and live.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conductor::internals::config::{Config, Environment};
use conductor::internals::effect::EffectHandler;
use conductor::internals::gesture::DeviceId;
use conductor::internals::grant::Approvals;
use conductor::internals::journal::{
    ConfigRecord, Header, LimitsRecord, RecordedApprovals, RecordedConditions, RecordedHandler, Recorder,
};
use conductor::internals::journal::{InputKind, SessionInput};
use conductor::internals::midi::{Channel, Message};
use conductor::internals::os::DryRun;
use conductor::internals::os::{self, Conditions};
use conductor::internals::package::{Policy, admit};
use conductor::internals::plugins::PluginSet;
use conductor::internals::run::{Feed, LiveRun, Playing, play, run_live};
use conductor::internals::sandbox::Services;
use conductor::internals::time::{FILE_EPOCH_US, Micros, SystemClock, VirtualClock};
use criterion::{Criterion, Throughput};
use rustix::time::{ClockId, clock_gettime};

/// Presses and releases in a session.
const EVENTS: usize = 100_000;

/// Messages of a live run, a millisecond apart.
const LIVE_EVENTS: u16 = 2_000;
/// How often it is run each way, in turns.
const LIVE_RUNS: usize = 15;

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
fn session(note: u8) -> Vec<SessionInput> {
    let channel = Channel::new(1).expect("a channel");
    (0..EVENTS as u64)
        .map(|number| {
            let velocity = if number % 2 == 0 { 100 } else { 0 };
            SessionInput::message(number * 1000, DeviceId(0), Message::NoteOn { channel, note, velocity })
        })
        .collect()
}

fn plugins(config: &Config) -> PluginSet {
    let mut plugins = PluginSet::default();
    for (name, settings) in &config.plugins {
        let policy = Policy { name: name.clone(), ..Policy::default() };
        let admitted = admit(&settings.path, &policy).expect("the plugin");
        plugins.plugins.push(PluginSet::load_granted(&admitted, settings, None).expect("the plugin loads"));
    }
    plugins
}

/// Plays `session`; how many entries its account has.
fn run(config: &Arc<Config>, session: &[SessionInput], recorder: Option<Arc<Recorder>>) -> usize {
    let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
    let world = Conditions::played(Arc::clone(&clock));
    let services = Arc::new(Services::new(Arc::<VirtualClock>::clone(&clock), Arc::<DryRun>::default(), [0; 32]));
    let playing = Playing {
        config: Arc::clone(config),
        plugins: plugins(config),
        clock,
        services,
        dry_run: None,
        recorder,
        calendar: None,
        replayed: None,
    };
    let mut entries = 0;
    play(playing, session.iter().cloned(), &world, |entry| {
        black_box(&entry);
        entries += 1;
        true
    })
    .expect("a thread");
    entries
}

/// Runs the beginning of `session` live, with the worker threads and in real time; the processor time it took, in seconds.
fn live(config: &Arc<Config>, session: &[SessionInput], recorder: Option<&Arc<Recorder>>) -> f64 {
    let clock = Arc::new(SystemClock::start());
    let world = Arc::new(Conditions::live(Arc::clone(&clock), os::Environment::inherited()));
    let dry_run = Arc::<DryRun>::default();
    let mut outside: Arc<dyn EffectHandler> = Arc::<DryRun>::clone(&dry_run);
    let mut approvals: Option<Arc<dyn Approvals>> = None;
    if let Some(recorder) = recorder {
        outside = Arc::new(RecordedHandler::new(outside, Arc::clone(recorder)));
        approvals = Some(Arc::new(RecordedApprovals::new(Arc::clone(recorder))));
    }
    let services = Arc::new(Services {
        live: true,
        approvals,
        ..Services::new(Arc::<SystemClock>::clone(&clock), outside, [0; 32])
    });
    let messages = session.iter().take(usize::from(LIVE_EVENTS)).filter_map(|input| match &input.what {
        InputKind::Message(_, message) => Some((input.t, message.clone())),
        _ => None,
    });
    let run = LiveRun {
        desk: Arc::default(),
        config: Arc::clone(config),
        plugins: plugins(config),
        feed: Feed::Paced(messages.collect()),
        services,
        dry_run: Some(dry_run),
        revocations: None,
        recorder: recorder.cloned(),
        surroundings: Arc::<Conditions<SystemClock>>::clone(&world),
        ordered: None,
    };
    let before = processor_time();
    if let Some(recorder) = recorder {
        let facts = RecordedConditions::new(&*world, Arc::clone(recorder));
        let end = run_live(run, &facts, |entry| black_box(&entry).t < Micros::MAX).expect("a live run");
        recorder.finish(end.t).expect("the journal is complete");
    } else {
        run_live(run, &*world, |entry| black_box(&entry).t < Micros::MAX).expect("a live run");
    }
    processor_time() - before
}

/// What all threads of this process have used, in seconds.
fn processor_time() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), used.tv_nsec.unsigned_abs() as u32).as_secs_f64()
}

/// Live runs beside recorded ones, in turns, so that what else the machine does strikes both.
fn compare_live(plain: impl Fn() -> f64, recorded: impl Fn() -> f64) {
    let (mut without, mut with): (Vec<_>, Vec<_>) = (0..LIVE_RUNS).map(|_| (plain(), recorded())).unzip();
    without.sort_by(f64::total_cmp);
    with.sort_by(f64::total_cmp);
    let each = |seconds: f64| seconds * 1e6 / f64::from(LIVE_EVENTS);
    println!("live, one plugin call per press, processor time of a message:");
    for (name, at) in [("best", 0), ("median", LIVE_RUNS / 2)] {
        println!(
            "  {name}: {:.2} us, recorded {:.2} us, {:.3} times",
            each(without[at]),
            each(with[at]),
            with[at] / without[at]
        );
    }
}

fn main() {
    let mut criterion =
        Criterion::default().configure_from_args().sample_size(10).measurement_time(Duration::from_secs(5));
    let config = config();
    let (silent, calling) = (session(61), session(60));
    let limits = LimitsRecord { max_total_memory_bytes: u64::MAX, max_instances: 64 };
    let header = Header::new(0, &[0; 32], limits, ConfigRecord::new("bench.toml", "", CONFIG), Vec::new());
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

    compare_live(
        || live(&config, &calling, None),
        || live(&config, &calling, Some(&Recorder::create(&journal, &header, true).expect("a journal"))),
    );

    recorded(&calling);
    let bytes = std::fs::metadata(&journal).map_or(0, |metadata| metadata.len());
    println!("journal: {bytes} bytes for {EVENTS} messages");
    // A leftover would be a temporary file like any other.
    let _ = std::fs::remove_file(&journal);
}
