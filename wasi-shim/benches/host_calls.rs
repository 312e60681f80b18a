//! What a host call costs a guest, beside the system calls it comes down to.
#![allow(missing_docs)] // criterion's macros make public functions

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustix::fs::{Mode, OFlags, SeekFrom};
use wasi_shim::{Access, Discard, Preopen, SystemClock, WasiBuilder, WasiCtx, WasiView, add_to_linker};
use wasmi::{Config, Engine, Linker, Memory, Module, Store, TypedFunc};

/// A program whose exports repeat one call so many times; it stops at the first errno.
const PROGRAM: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 20)
    (data (i32.const 16) "deep/er/file")
    (func $check (param i32) (if (local.get 0) (then unreachable)))
    (func (export "open_file") (result i32)
        (call $check (call $path_open (i32.const 3) (i32.const 1) (i32.const 16) (i32.const 12)
            (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 8)))
        (i32.load (i32.const 8)))
    (func (export "write") (param $fd i32) (param $len i32) (param $n i32)
        (i32.store (i32.const 32) (i32.const 1024))
        (i32.store (i32.const 36) (local.get $len))
        (loop $again
            (call $check (call $fd_write (local.get $fd) (i32.const 32) (i32.const 1) (i32.const 8)))
            (if (i32.gt_u (local.get $fd) (i32.const 2)) (then
                (call $check (call $fd_seek (local.get $fd) (i64.const 0) (i32.const 0) (i32.const 40)))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "clock") (param $n i32)
        (loop $again
            (call $check (call $clock (i32.const 1) (i64.const 0) (i32.const 8)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "open_close") (param $n i32)
        (loop $again
            (call $check (call $path_open (i32.const 3) (i32.const 1) (i32.const 16) (i32.const 12)
                (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))
            (call $check (call $fd_close (i32.load (i32.const 8))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "readdir") (param $n i32)
        (loop $again
            (call $check (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 1048576) (i64.const 0) (i32.const 8)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;

struct Host {
    wasi: WasiCtx,
    memory: Option<Memory>,
}

impl WasiView for Host {
    fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }

    fn memory(&self) -> Option<Memory> {
        self.memory
    }
}

struct Guest {
    store: Store<Host>,
    instance: wasmi::Instance,
}

impl Guest {
    fn new(builder: WasiBuilder) -> Self {
        let engine = Engine::new(Config::default().consume_fuel(true));
        let module = Module::new(&engine, wat::parse_str(PROGRAM).expect("valid")).expect("valid");
        let mut store = Store::new(&engine, Host { wasi: builder.build().expect("buildable"), memory: None });
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker).expect("empty");
        let instance = linker.instantiate_and_start(&mut store, &module).expect("instantiable");
        store.data_mut().memory = instance.get_memory(&store, "memory");
        Self { store, instance }
    }

    /// The time that `n` repetitions take.
    fn time<P: wasmi::WasmParams>(&mut self, name: &str, params: P) -> Duration {
        self.store.set_fuel(u64::MAX).expect("metered");
        let func: TypedFunc<P, ()> = self.instance.get_typed_func(&self.store, name).expect("exported");
        let start = Instant::now();
        func.call(&mut self.store, params).expect("no errno");
        start.elapsed()
    }

    fn open_file(&mut self) -> i32 {
        self.store.set_fuel(u64::MAX).expect("metered");
        let func = self.instance.get_typed_func::<(), i32>(&self.store, "open_file").expect("exported");
        func.call(&mut self.store, ()).expect("openable")
    }
}

/// Criterion's count as the guest's; it never asks for more than fits.
fn count(n: u64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn host_calls(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::create_dir_all(dir.path().join("deep/er")).expect("creatable");
    std::fs::write(dir.path().join("deep/er/file"), "").expect("writable");
    let preopened = || Preopen::new(dir.path(), "/").access(Access::READ_WRITE);
    let mut guest = Guest::new(WasiCtx::builder().stdout(Discard).clock(SystemClock::new()).preopen(preopened()));
    let mut manual = Guest::new(WasiCtx::builder().preopen(preopened()).force_manual_resolution(true));
    let root = rustix::fs::open(dir.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).expect("openable");
    let file = rustix::fs::openat(&root, "deep/er/file", OFlags::RDWR, Mode::empty()).expect("openable");
    let fd = guest.open_file();

    let mut group = c.benchmark_group("fd_write to a sink, 1 B");
    group.bench_function("shim", |b| b.iter_custom(|n| guest.time("write", (1, 1, count(n)))));
    group.finish();

    for len in [1, 65_536_i32] {
        let mut group = c.benchmark_group(format!("fd_write and fd_seek, {len} B"));
        group.throughput(Throughput::Bytes(u64::from(len.unsigned_abs())));
        group.bench_function("shim", |b| b.iter_custom(|n| guest.time("write", (fd, len, count(n)))));
        let bytes = vec![0; len.unsigned_abs() as usize];
        group.bench_function("native", |b| {
            b.iter(|| {
                rustix::io::write(&file, &bytes).expect("writable");
                rustix::fs::seek(&file, SeekFrom::Start(0)).expect("seekable")
            });
        });
        group.finish();
    }

    let mut group = c.benchmark_group("clock_time_get");
    group.bench_function("shim", |b| b.iter_custom(|n| guest.time("clock", count(n))));
    group.bench_function("native", |b| {
        b.iter(|| black_box(rustix::time::clock_gettime(rustix::time::ClockId::Monotonic)));
    });
    group.finish();

    let mut group = c.benchmark_group("path_open and fd_close");
    group.bench_function("shim", |b| b.iter_custom(|n| guest.time("open_close", count(n))));
    group.bench_function("shim, component by component", |b| b.iter_custom(|n| manual.time("open_close", count(n))));
    group.bench_function("native", |b| {
        b.iter(|| rustix::fs::openat(&root, "deep/er/file", OFlags::RDONLY, Mode::empty()).expect("openable"));
    });
    group.finish();
}

fn readdir(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for n in 0..10_000 {
        std::fs::write(dir.path().join(format!("entry-{n}")), "").expect("writable");
    }
    let preopened = || Preopen::new(dir.path(), "/").access(Access::READ_WRITE);
    let mut guest = Guest::new(WasiCtx::builder().preopen(preopened()));
    let mut settled = Guest::new(WasiCtx::builder().preopen(preopened()).deterministic(true));
    let mut group = c.benchmark_group("fd_readdir of 10,000 entries");
    group.sample_size(20);
    group.bench_function("shim", |b| b.iter_custom(|n| guest.time("readdir", count(n))));
    group.bench_function("shim, deterministic", |b| b.iter_custom(|n| settled.time("readdir", count(n))));
    group.bench_function("native", |b| b.iter(|| std::fs::read_dir(dir.path()).expect("listable").count()));
    group.finish();
}

criterion_group!(benches, host_calls, readdir);
criterion_main!(benches);
