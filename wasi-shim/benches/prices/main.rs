//! What a unit of fuel buys in each of the 46 functions, in the calls that buy most: dearest first, beside a loop of dependent
//! `i32.add`. Ends with an error where a call is dearer than its bound.
#![allow(clippy::cast_precision_loss)] // times of minutes, and their fuel

#[path = "../../tests/guest/mod.rs"]
mod guest;

mod bench;
mod descriptors;
mod tree;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use bench::{Bench, Measured};
use descriptors::{descriptors, tables};
use guest::{PLENTY, i, preopen};
use tree::{changes, listings, lookups, measuring};
use wasi_shim::{FUNCTIONS, Quota, Scope, SeededEntropy, VirtualClock, Volume, WasiCtx};

/// Most nanoseconds that a unit of fuel may buy.
const MAX_NS: f64 = 20.0;

/// How much dearer than an addition.
const MAX_RATIO: f64 = 20.0;

/// Everything, in a directory below `parent`.
fn sweep(place: &'static str, parent: &Path, scoped: bool) -> Vec<Measured> {
    let dir = tempfile::tempdir_in(parent).expect("a temporary directory");
    let volume = Volume::new().with_quota(Quota { bytes: 1 << 40, files: 1 << 20 });
    let mut preopened = preopen(dir.path()).volume(volume.clone());
    if scoped {
        // Neither is everything, so that every place has to be known by name.
        let scope = Scope::new().read("/").and_then(|scope| {
            ["/f", "/d", "/e", "/new", "/other", "/large", "/small", "/open"]
                .iter()
                .try_fold(scope, |scope, prefix| scope.write(prefix))
        });
        preopened = preopened.scope(scope.expect("valid"));
    }
    let mut builder = WasiCtx::builder()
        .entropy(SeededEntropy::new(1))
        .clock(VirtualClock::new(0))
        .max_descriptors(64)
        .deterministic(true)
        .preopen(preopened);
    for _ in 0..50_000 {
        builder = builder.arg("").env("N", "");
    }
    let mut bench = Bench::new(place, builder);
    if scoped {
        lookups(&mut bench, dir.path());
        changes(&mut bench, dir.path());
        return bench.all;
    }
    tables(&mut bench);
    descriptors(&mut bench);
    lookups(&mut bench, dir.path());
    changes(&mut bench, dir.path());
    listings(&mut bench, dir.path());
    measuring(&mut bench, dir.path(), &volume);
    bench.all
}

/// Nanoseconds per fuel of additions that wait for each other: the best of five runs, as for everything else.
fn addition() -> f64 {
    let mut bench = Bench::new("", WasiCtx::builder());
    (0..5)
        .map(|_| {
            bench.guest.refuel(PLENTY);
            let start = Instant::now();
            bench.guest.try_call("add again", &[i(200_000)]).expect("no trap");
            start.elapsed().as_nanos() as f64 / bench.guest.fuel_used() as f64
        })
        .fold(f64::MAX, f64::min)
}

fn main() -> ExitCode {
    // What `cargo test --benches` passes and means: only that it can be built.
    if std::env::args().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    let mut additions = vec![addition()];
    let built = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut all = sweep("on disk", built, false);
    additions.push(addition());
    all.extend(sweep("on disk, in a scope", built, true));
    additions.push(addition());
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        all.extend(sweep("in memory", memory, false));
    }
    // What else the machine does changes from minute to minute, for both alike: the middle one of three moments.
    additions.sort_by(f64::total_cmp);
    let addition = additions[additions.len() / 2];
    all.sort_by(|a, b| b.ns_per_fuel.total_cmp(&a.ns_per_fuel));
    let width = all.iter().map(|measured| measured.name.len()).max().unwrap_or(0);
    println!("{:width$}  ns/fuel  ratio", "call");
    for Measured { name, ns_per_fuel } in &all {
        println!("{name:width$}  {ns_per_fuel:7.2}  {:5.1}", ns_per_fuel / addition);
    }
    println!("{:width$}  {addition:7.2}  {:5.1}", "i32.add", 1.0);
    let missing: Vec<_> = FUNCTIONS
        .iter()
        .map(|function| function.name)
        .filter(|name| !all.iter().any(|measured| measured.name.starts_with(&format!("{name},"))))
        .collect();
    assert!(missing.is_empty(), "not measured: {missing:?}");
    let dear = all.iter().filter(|it| it.ns_per_fuel > MAX_NS || it.ns_per_fuel > addition * MAX_RATIO).count();
    if dear > 0 {
        eprintln!("{dear} calls are dearer than {MAX_NS} ns a unit of fuel or {MAX_RATIO} times an addition");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
