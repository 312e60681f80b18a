//! What it costs that the threads of guests are confined: each thing done on a confined thread against the same on a free one, by
//! turns, in the same run. Prints the table for `BENCHMARKS.md`.

mod bare;

use std::fmt::Write as _;
use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use conductor::internals::config::{Params, PluginConfig};
use conductor::internals::confine::{Confinement, probe as wall};
use conductor::internals::effect::{Brokered, Effect, EffectError, EffectHandler, Origin, Reply};
use conductor::internals::grant::Grant;
use conductor::internals::host;
use conductor::internals::package::{Policy, admit};
use conductor::internals::sandbox::{
    Context, Instance, LoadOptions, Manifest, Plugin, Request, Services, on_guest_thread,
};
use conductor::internals::time::{EventTime, FILE_EPOCH_US, SystemClock};

use bare::{JSON, probe};

/// Batches of each in a turn.
const BATCHES: usize = 50;

/// Turns of each; the best counts, which other programs of the machine have disturbed least.
const TURNS: usize = 21;

struct Nowhere;

impl EffectHandler for Nowhere {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        Ok(Reply::Done)
    }
}

/// Nanoseconds of one run of `work`: the best of batches that fit between two switches of the scheduler.
fn each(batch: u32, mut work: impl FnMut()) -> f64 {
    let one = || {
        let start = Instant::now();
        (0..batch).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(batch)
    };
    let times: Vec<f64> = std::iter::repeat_with(one).take(BATCHES).collect();
    best(&times)
}

fn best(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The best of `measure` on free and on confined threads.
fn by_turns(directory: &Path, measure: impl Fn() -> f64 + Sync) -> [f64; 2] {
    let confined = Confinement::to([directory]);
    let (mut free_times, mut confined_times) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        free_times.push(on_guest_thread(Confinement::none, &measure).expect("a thread"));
        confined_times.push(on_guest_thread(|| confined.clone(), &measure).expect("a thread"));
    }
    [best(&free_times), best(&confined_times)]
}

/// The best of starting and joining such a thread.
fn threads(directory: &Path) -> [f64; 2] {
    let confined = Confinement::to([directory]);
    let (mut free_times, mut confined_times) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        free_times.push(each(3, || on_guest_thread(Confinement::none, || ()).expect("a thread")));
        confined_times.push(each(3, || on_guest_thread(|| confined.clone(), || ()).expect("a thread")));
    }
    [best(&free_times), best(&confined_times)]
}

fn plugin() -> Arc<Plugin> {
    let settings = PluginConfig::new(PathBuf::new());
    let admitted = admit(&probe(), &Policy { name: "probe".into(), ..Policy::default() }).expect("admitted");
    Plugin::load(
        &Manifest::read(&admitted, host::TABLE).expect("read"),
        LoadOptions::from(&settings).grant(Grant::none()),
    )
    .expect("loaded")
}

fn plugin_call(plugin: &Arc<Plugin>) -> f64 {
    let services =
        Arc::new(Services { live: true, ..Services::new(Arc::new(SystemClock::start()), Arc::new(Nowhere), [0; 32]) });
    let params = Params { json: JSON.into(), ..Params::default() };
    let context = Context::default();
    let request = Request { params: &params, context: &context, at: EventTime::from_unix(FILE_EPOCH_US), stop: None };
    let mut instance = Instance::new(plugin, "default", &services, 0, EventTime::default()).expect("made");
    each(50, || assert!(instance.call(&request).is_ok()))
}

fn main() {
    let directory = std::env::temp_dir().join(format!("conductor-wall-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let path = directory.join("file");
    std::fs::write(&path, [0; 4096]).expect("a file");
    let outside: Arc<dyn EffectHandler> = Arc::new(Nowhere);
    // Loaded here: a confined thread cannot read its file.
    let plugin = plugin();
    let effect = Effect::Text("x".into());
    let origin = Origin::Plugin { plugin: "probe", tenant: "default" };
    let rows = [
        ("a thread started and joined", threads(&directory)),
        ("a plugin's call without effects", by_turns(&directory, || plugin_call(&plugin))),
        (
            "a file opened and closed",
            by_turns(&directory, || each(100, || drop(black_box(File::open(&path).expect("a file"))))),
        ),
        (
            "64 bytes read from an open file",
            by_turns(&directory, || {
                // Opened on the thread itself, as a guest's files are.
                let file = File::open(&path).expect("a file");
                let mut bytes = [0; 64];
                each(300, || file.read_exact_at(black_box(&mut bytes), 0).expect("64 bytes"))
            }),
        ),
        (
            "64 bytes written to an open file",
            by_turns(&directory, || {
                let file = File::options().write(true).open(&path).expect("a file");
                each(300, || file.write_all_at(black_box(&[1; 64]), 0).expect("64 bytes"))
            }),
        ),
        (
            "an effect that does nothing",
            by_turns(&directory, || each(50, || drop(black_box(Brokered(&outside).perform(&effect, origin))))),
        ),
    ];
    let made: Vec<f64> =
        (0..TURNS).map(|_| each(20, || drop(black_box(Confinement::to([directory.as_path()]))))).collect();
    let found = wall();
    let mut out = String::new();
    writeln!(out, "| | free µs | confined µs | ratio | on top µs |\n|---|---|---|---|---|").expect("a string");
    for (what, [free, confined]) in rows {
        let [free, confined] = [free / 1000.0, confined / 1000.0];
        writeln!(out, "| {what} | {free:.2} | {confined:.2} | {:.2} | {:.2} |", confined / free, confined - free)
            .expect("a string");
    }
    writeln!(
        out,
        "\nA confinement for a session is made once, in {:.1} µs. In force: {found:?}.",
        best(&made) / 1000.0
    )
    .expect("a string");
    print!("{out}");
    std::fs::remove_dir_all(directory).expect("the directory");
}
