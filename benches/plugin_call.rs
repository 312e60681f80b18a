//! What Conductor costs on top of the engine: a whole call of a std Rust plugin that parses some hundred bytes of JSON, against the
//! bare engine calling the same export on the same request already in guest memory, in the same run.
//!
//! After criterion's comparison come tables for `BENCHMARKS.md`: percentiles by stage, how a runaway plugin is stopped, and
//! resident memory.

mod bare;

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use conductor::internals::call::Limits;
use conductor::internals::config::{Params, PluginCall, PluginConfig};
use conductor::internals::effect::{Effect, EffectError, EffectHandler, Origin, Reply};
use conductor::internals::grant::Grant;
use conductor::internals::host;
use conductor::internals::package::{Policy, admit};
use conductor::internals::sandbox::{
    Context, Done, InlinePool, Instance, Job, LoadOptions, Manifest, Plugin, Pool, PoolObserver, Request, Services,
    on_guest_stack,
};
use conductor::internals::time::{EventTime, FILE_EPOCH_US, SystemClock};
use criterion::Criterion;

use bare::{Bare, JSON, probe};

/// Calls behind each percentile.
const CALLS: usize = 200_000;

/// Passes on each call that is done.
struct Calls(Mutex<Sender<Done>>);

impl PoolObserver for Calls {
    fn done(&self, done: Done) {
        drop(self.0.lock().expect("no panic").send(done));
    }
}

struct Nowhere;

impl EffectHandler for Nowhere {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        Ok(Reply::Done)
    }
}

fn services() -> Arc<Services> {
    Arc::new(Services { live: true, ..Services::new(Arc::new(SystemClock::start()), Arc::new(Nowhere), [0; 32]) })
}

fn settings() -> PluginConfig {
    PluginConfig::new(PathBuf::new())
}

fn load(name: &str, path: &Path, settings: &PluginConfig) -> Arc<Plugin> {
    let admitted = admit(path, &Policy { name: name.into(), ..Policy::default() }).expect("admitted");
    Plugin::load(
        &Manifest::read(&admitted, host::TABLE).expect("read"),
        LoadOptions::from(settings).grant(Grant::none()),
    )
    .expect("loaded")
}

fn percentiles<T>(mut call: impl FnMut() -> T) -> [f64; 3] {
    for _ in 0..CALLS / 10 {
        black_box(call());
    }
    let mut times: Vec<u64> = (0..CALLS)
        .map(|_| {
            let start = Instant::now();
            black_box(call());
            start.elapsed().as_nanos() as u64
        })
        .collect();
    times.sort_unstable();
    // per mille of CALLS, which is a multiple of a thousand
    [500, 990, 999].map(|q| f64::from(u32::try_from(times[CALLS / 1000 * q]).unwrap_or(u32::MAX)) / 1000.0)
}

/// Resident memory in KB.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4
}

fn stages(out: &mut String) {
    let params = Params { json: JSON.into(), ..Params::default() };
    let context = Context::default();
    let request = Request { params: &params, context: &context, at: EventTime::from_unix(FILE_EPOCH_US), stop: None };
    let plugin = load("probe", &probe(), &settings());
    let (mut bare, mut metered) = (Bare::new(false), Bare::new(true));
    assert_eq!((bare.call(), metered.call_with_request()), (0, 0));
    let mut instance = Instance::new(&plugin, "default", &services(), 0, EventTime::default()).expect("made");
    assert!(instance.call(&request).is_ok());
    let call = PluginCall { plugin: "probe".into(), tenant: "default".into(), params: params.clone() };
    let mut inline = InlinePool::new(services(), &Limits::default(), vec![Arc::clone(&plugin)]);
    let (tell, told) = channel();
    let observer = Arc::new(Calls(Mutex::new(tell)));
    let pool = Pool::observed(services(), &Limits::default(), vec![plugin], observer).expect("threads");
    let shared = Arc::new(call.clone());
    let base = percentiles(|| bare.call());
    let rows = [
        ("the engine alone, request in place", base),
        ("… with fuel", percentiles(|| metered.call())),
        ("… and the request copied in and freed", percentiles(|| metered.call_with_request())),
        ("`Instance::call`: and limits, deadline, outcome", percentiles(|| instance.call(&request))),
        (
            "`InlinePool::carry_out`: and the way to the instance",
            percentiles(|| inline.carry_out(&call, &context, 0, None)),
        ),
        (
            "`Pool::submit` to the report: and two thread switches",
            percentiles(|| {
                let job = Job { call: Arc::clone(&shared), context: Context::default(), at: 0, token: 0 };
                pool.submit(job).expect("accepted");
                told.recv().expect("done")
            }),
        ),
    ];
    out.push_str(
        "| call of a JSON plugin | p50 µs | p99 µs | p99.9 µs | p50 against the engine |\n|---|---|---|---|---|\n",
    );
    for (what, [p50, p99, p999]) in rows {
        writeln!(out, "| {what} | {p50:.2} | {p99:.2} | {p999:.2} | {:.2} |", p50 / base[0]).expect("a string");
    }
}

fn runaway(out: &mut String) {
    let directory = std::env::temp_dir().join(format!("conductor-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let path = directory.join("runaway.wasm");
    let text = r#"(module (memory (export "memory") 1)
      (func (export "execute") (param i32 i32) (result i32) (local $x i64)
        (loop $l (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 31)) (i64.const 7)))
          (i64.store (i32.const 0) (local.get $x)) (br $l)) unreachable))"#;
    std::fs::write(&path, wat::parse_str(text).expect("text")).expect("a file");
    let params = Params::default();
    let context = Context::default();
    let request = Request { params: &params, context: &context, at: EventTime::default(), stop: None };
    let stop = |settings: &PluginConfig| {
        let plugin = load("runaway", &path, settings);
        let mut times: Vec<f64> = (0..40)
            .map(|_| {
                let mut instance =
                    Instance::new(&plugin, "default", &services(), 0, EventTime::default()).expect("made");
                let start = Instant::now();
                assert!(instance.call(&request).error().is_some());
                start.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        (times[times.len() / 2], times[times.len() - 1])
    };
    let (median, worst) = stop(&settings());
    let mut hurried = settings();
    hurried.wasm.max_fuel = u64::MAX;
    hurried.wasm.max_execution_ms = 50;
    let (late_median, late_worst) = stop(&hurried);
    out.push_str("\n| runaway plugin | median ms | worst of 40, ms |\n|---|---|---|\n");
    writeln!(out, "| stopped by 100 M fuel after | {median:.1} | {worst:.1} |").expect("a string");
    writeln!(out, "| a 50 ms deadline is late by | {:.2} | {:.2} |", late_median - 50.0, late_worst - 50.0)
        .expect("a string");
    let _ = std::fs::remove_dir_all(directory);
}

fn memory(out: &mut String) {
    let params = Params { json: JSON.into(), ..Params::default() };
    let context = Context::default();
    let request = Request { params: &params, context: &context, at: EventTime::default(), stop: None };
    let made = |plugin: &Arc<Plugin>| {
        let mut instance = Instance::new(plugin, "default", &services(), 0, EventTime::default()).expect("made");
        assert!(instance.call(&request).is_ok());
        instance
    };
    let first = load("probe", &probe(), &settings());
    let mut kept = vec![made(&first)];
    let before = resident();
    kept.extend((0..50).map(|_| made(&first)));
    let instance = (resident() - before) / 50;
    let before = resident();
    let plugins: Vec<_> = (0..20)
        .map(|_| {
            let plugin = load("probe", &probe(), &settings());
            let instance = made(&plugin);
            (plugin, instance)
        })
        .collect();
    let plugin = (resident() - before) / plugins.len() as u64;
    out.push_str("\n| resident memory | KB |\n|---|---|\n");
    writeln!(out, "| a further instance | {instance} |").expect("a string");
    writeln!(
        out,
        "| a further plugin ({} KB of wasm) with one instance | {plugin} |",
        std::fs::metadata(probe()).map_or(0, |meta| meta.len() / 1024)
    )
    .expect("a string");
    let start = Instant::now();
    for _ in 0..200 {
        drop(made(&first));
    }
    writeln!(
        out,
        "\nA fresh instance with its first call takes {:.0} µs.",
        start.elapsed().as_secs_f64() * 1e6 / 200.0
    )
    .expect("a string");
}

fn compare(criterion: &mut Criterion) {
    let params = Params { json: JSON.into(), ..Params::default() };
    let context = Context::default();
    let request = Request { params: &params, context: &context, at: EventTime::from_unix(FILE_EPOCH_US), stop: None };
    let plugin = load("probe", &probe(), &settings());
    let mut instance = Instance::new(&plugin, "default", &services(), 0, EventTime::default()).expect("made");
    let mut bare = Bare::new(false);
    let mut group = criterion.benchmark_group("plugin call");
    group.bench_function("the engine alone", |bencher| bencher.iter(|| bare.call()));
    group.bench_function("Instance::call", |bencher| bencher.iter(|| instance.call(&request)));
    group.finish();
}

fn main() {
    on_guest_stack(|| {
        let mut criterion = Criterion::default()
            .measurement_time(Duration::from_secs(3))
            .warm_up_time(Duration::from_secs(1))
            .configure_from_args();
        compare(&mut criterion);
        criterion.final_summary();
        // Only for `cargo bench` as a whole: a filter or a list asks for something else.
        if std::env::args().len() <= 2 {
            let mut out = String::new();
            memory(&mut out);
            stages(&mut out);
            runaway(&mut out);
            println!("{out}");
        }
    })
    .expect("a thread");
}
