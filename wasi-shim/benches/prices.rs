//! What a unit of fuel buys in each of the 46 functions, in the calls that buy most: dearest first, beside a loop of dependent
//! `i32.add`. Ends with an error where a call is dearer than its bound.
#![allow(clippy::cast_precision_loss)] // times of minutes, and their fuel

#[path = "../tests/guest/mod.rs"]
mod guest;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use guest::{CREAT, Guest, OUT, Open, PLENTY, TRUNC, i, l, mirror, preopen, signature};
use wasi_shim::{FUNCTIONS, Quota, Scope, SeededEntropy, VirtualClock, Volume, WasiBuilder, WasiCtx};
use wasmi::Val;

/// Most nanoseconds that a unit of fuel may buy.
const MAX_NS: f64 = 20.0;

/// How much dearer than an addition.
const MAX_RATIO: f64 = 20.0;

const ROOT: u32 = 3;

/// A buffer of a megabyte, behind everything that tests put into memory.
const BUFFER: u32 = 1 << 20;

/// A file whose pages are all there.
const LARGE: usize = 16 << 20;

/// Entries of a large directory; what a plugin may have.
const MANY: usize = 10_000;

/// Times and fuel of one kind of call.
struct Measured {
    name: String,
    ns_per_fuel: f64,
}

/// Every function once as it is, and once called so many times in a loop; and a loop of additions that wait for each other.
fn module() -> String {
    let text = mirror();
    let mut text = text.strip_suffix(')').expect("a module").to_owned();
    for name in FUNCTIONS.iter().map(|function| function.name).filter(|name| *name != "proc_exit") {
        let types = signature(name);
        let count = types.split_whitespace().count();
        let args = (0..count).fold(String::new(), |args, at| args + &format!("(local.get {at})"));
        write!(
            text,
            "(func (export \"{name} again\") (param {types} i32)
                (loop $again
                    (drop (call ${name} {args}))
                    (br_if $again (local.tee {count} (i32.sub (local.get {count}) (i32.const 1))))))"
        )
        .expect("in memory");
    }
    let adds = format!("(local.set 1 (local.get 1) {})", "(local.get 0) i32.add ".repeat(100));
    text + &format!(
        "(func (export \"add again\") (param i32) (result i32) (local i32)
            (loop $again {adds} (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))"
    )
}

/// Where the calls are made, and what they are measured with.
struct Bench {
    guest: Guest,
    place: &'static str,
    all: Vec<Measured>,
}

impl Bench {
    fn new(place: &'static str, builder: WasiBuilder) -> Self {
        Self { guest: Guest::load(&module(), builder), place, all: Vec::new() }
    }

    fn note(&mut self, name: &str, case: &str, ns_per_fuel: f64) {
        self.all.push(Measured { name: format!("{name}, {case} ({})", self.place), ns_per_fuel });
    }

    /// A call that can be made over and over: the best of five runs of at least 10 ms.
    fn again(&mut self, name: &str, case: &str, args: &[Val]) {
        let export = format!("{name} again");
        let mut count = 1_u32;
        let mut best = f64::MAX;
        let mut runs = 0;
        while runs < 5 {
            let args: Vec<_> = args.iter().cloned().chain([i(count)]).collect();
            self.guest.refuel(PLENTY);
            let start = Instant::now();
            self.guest.try_call(&export, &args).expect("no trap");
            let took = start.elapsed();
            if took < Duration::from_millis(10) && count < 1 << 20 {
                count *= 2;
                continue;
            }
            runs += 1;
            best = best.min(took.as_nanos() as f64 / self.guest.fuel_used() as f64);
        }
        self.note(name, case, best);
    }

    /// A call that something has to be made ready for: the quickest tenth of many, because what else the machine does to its
    /// disk shows in the rest. Trapping is an answer as well.
    fn each(&mut self, name: &str, case: &str, times: usize, mut ready: impl FnMut(&mut Guest) -> Vec<Val>) {
        let mut all: Vec<f64> = (0..times)
            .map(|_| {
                let args = ready(&mut self.guest);
                self.guest.refuel(PLENTY);
                let start = Instant::now();
                let answer = self.guest.try_call(name, &args);
                let took = start.elapsed();
                assert!(matches!(answer, Ok(0 | 55) | Err(_)), "{name}, {case}: {answer:?}");
                took.as_nanos() as f64 / self.guest.fuel_used() as f64
            })
            .collect();
        all.sort_by(f64::total_cmp);
        self.note(name, case, all[times / 10]);
    }

    fn text(&mut self, text: &str) -> [Val; 2] {
        let (at, len) = self.guest.put(text.as_bytes());
        [i(at), i(len)]
    }

    fn file(&mut self, name: &str) -> u32 {
        self.guest.refuel(PLENTY);
        self.guest.open(ROOT, name, Open::rw().oflags(CREAT)).expect("creatable")
    }

    /// Vectors of `count` buffers of `len` bytes each, one behind the other.
    fn vectors(&mut self, count: u32, len: u32) -> [Val; 2] {
        let parts: Vec<_> = (0..count).map(|part| (BUFFER + part * len, len)).collect();
        let (iovs, count) = self.guest.iovecs(&parts);
        [i(iovs), i(count)]
    }
}

/// Fills the file `fd` with `LARGE` bytes.
fn fill(guest: &mut Guest, fd: u32) {
    guest.refuel(PLENTY);
    let (iovs, count) = guest.iovecs(&[(BUFFER, 1 << 20)]);
    for part in 0..LARGE as u64 >> 20 {
        guest.call("fd_pwrite", &[i(fd), i(iovs), i(count), l(part << 20), i(OUT)]).expect("writable");
    }
}

fn args<const N: usize>(parts: [&[Val]; N]) -> Vec<Val> {
    parts.concat()
}

/// Calls that touch no directory.
fn tables(bench: &mut Bench) {
    bench.again("args_get", "50,000 of a byte", &[i(BUFFER), i(BUFFER + 400_000)]);
    bench.again("environ_get", "50,000 of three bytes", &[i(BUFFER), i(BUFFER + 400_000)]);
    for name in ["args_sizes_get", "environ_sizes_get"] {
        bench.again(name, "as it is", &[i(OUT), i(OUT + 8)]);
    }
    bench.again("clock_res_get", "as it is", &[i(1), i(OUT)]);
    bench.again("clock_time_get", "as it is", &[i(1), l(0), i(OUT)]);
    bench.again("sched_yield", "as it is", &[]);
    bench.again("sock_accept", "no socket", &[i(1), i(0), i(OUT)]);
    bench.again("sock_recv", "no socket", &[i(1), i(OUT), i(1), i(0), i(OUT), i(OUT)]);
    bench.again("sock_send", "no socket", &[i(1), i(OUT), i(1), i(0), i(OUT)]);
    bench.again("sock_shutdown", "no socket", &[i(1), i(0)]);
    bench.again("proc_raise", "a signal that is ignored", &[i(16)]);
    bench.each("proc_raise", "a signal that ends", 200, |_| vec![i(6)]);
    bench.each("proc_exit", "as it is", 200, |_| vec![i(0)]);
    for len in [0, 1, 65_536, 1 << 20] {
        bench.again("random_get", &format!("{len} B"), &[i(BUFFER), i(len)]);
    }
    for (count, len) in [(1, 1), (1024, 1), (1024, 0), (1, 65_536)] {
        let vectors = bench.vectors(count, len);
        bench.again("fd_write", &format!("{count} x {len} B, a stream"), &args([&[i(1)], &vectors, &[i(OUT)]]));
        bench.again("fd_read", &format!("{count} x {len} B, an empty stream"), &args([&[i(0)], &vectors, &[i(OUT)]]));
    }
    let clocks: Vec<u8> = (0..4096_u64)
        .flat_map(|at| {
            let mut subscription = [0; 48];
            subscription[..8].copy_from_slice(&at.to_le_bytes());
            subscription[16] = 1;
            subscription
        })
        .collect();
    bench.guest.poke(BUFFER, &clocks);
    for count in [1, 4096] {
        bench.again("poll_oneoff", &format!("{count} clocks"), &[i(BUFFER), i(BUFFER + 200_000), i(count), i(OUT)]);
    }
}

/// Calls on open descriptors.
fn descriptors(bench: &mut Bench) {
    let fd = bench.file("open");
    fill(&mut bench.guest, fd);
    bench.again("fd_advise", "all of a large file is needed", &[i(fd), l(0), l(LARGE as u64), i(3)]);
    bench.again("fd_fdstat_get", "a file", &[i(fd), i(OUT)]);
    bench.again("fd_fdstat_set_flags", "a file", &[i(fd), i(1)]);
    bench.again("fd_fdstat_set_flags", "back", &[i(fd), i(0)]);
    bench.again("fd_fdstat_set_rights", "a file", &[i(fd), l(u64::MAX >> 35 & Open::rw().base), l(0)]);
    bench.again("fd_filestat_get", "a file", &[i(fd), i(OUT)]);
    bench.again("fd_filestat_get", "the directory", &[i(ROOT), i(OUT)]);
    bench.again("fd_filestat_set_times", "a file", &[i(fd), l(5), l(5), i(5)]);
    bench.again("fd_prestat_get", "the directory", &[i(ROOT), i(OUT)]);
    bench.again("fd_prestat_dir_name", "the directory", &[i(ROOT), i(OUT), i(8)]);
    bench.again("fd_seek", "to the start", &[i(fd), l(0), i(0), i(OUT)]);
    bench.again("fd_seek", "from the end", &[i(fd), l(0), i(2), i(OUT)]);
    bench.again("fd_tell", "a file", &[i(fd), i(OUT)]);
    for (count, len) in [(1, 0), (1, 1), (1024, 0), (1024, 1), (1, 4096), (1, 65_536), (1, 1 << 20), (1024, 1024)] {
        let vectors = bench.vectors(count, len);
        let case = format!("{count} x {len} B");
        bench.again("fd_pread", &case, &args([&[i(fd)], &vectors, &[l(0), i(OUT)]]));
        bench.again("fd_pread", &format!("{case} past the end"), &args([&[i(fd)], &vectors, &[l(1 << 40), i(OUT)]]));
        bench.again("fd_pwrite", &case, &args([&[i(fd)], &vectors, &[l(1), i(OUT)]]));
        let data = args([&[i(fd)], &vectors, &[i(OUT)]]);
        for name in ["fd_read", "fd_write"] {
            bench.each(name, &case, 100, |guest| {
                guest.refuel(PLENTY);
                guest.seek(fd, 0, 0).expect("seekable");
                data.clone()
            });
        }
        bench.each("fd_write", &format!("{case}, a file that grows"), 50, |guest| {
            guest.refuel(PLENTY);
            guest.set_size(fd, 0).expect("settable");
            guest.seek(fd, 0, 0).expect("seekable");
            data.clone()
        });
    }
    for name in ["fd_sync", "fd_datasync"] {
        bench.each(name, "a megabyte", 20, |guest| {
            guest.refuel(PLENTY);
            let (iovs, count) = guest.iovecs(&[(BUFFER, 1 << 20)]);
            guest.call("fd_pwrite", &[i(fd), i(iovs), i(count), l(0), i(OUT)]).expect("writable");
            vec![i(fd)]
        });
    }
    for (case, from, to) in [("a byte more", 0, 1), ("64 MiB more", 0, 64 << 20), ("a byte less", 1, 0)] {
        bench.each("fd_filestat_set_size", case, 100, |guest| {
            guest.refuel(PLENTY);
            guest.set_size(fd, from).expect("settable");
            vec![i(fd), l(to)]
        });
    }
    bench.each("fd_filestat_set_size", "a large file cut", 10, |guest| {
        fill(guest, fd);
        vec![i(fd), l(0)]
    });
    for (case, len) in [("a byte", 1), ("64 MiB", 64 << 20)] {
        bench.each("fd_allocate", case, 50, |guest| {
            guest.refuel(PLENTY);
            guest.set_size(fd, 0).expect("settable");
            vec![i(fd), l(0), l(len)]
        });
    }
    for (case, how) in [("a file", Open::rw()), ("a directory", Open::dir())] {
        let path = if case == "a file" { "open" } else { "." };
        bench.each("fd_close", case, 200, |guest| {
            guest.refuel(PLENTY);
            vec![i(guest.open(ROOT, path, how).expect("openable"))]
        });
        bench.each("fd_renumber", case, 200, |guest| {
            guest.refuel(PLENTY);
            for fd in fd + 1..fd + 4 {
                let _ = guest.close(fd);
            }
            let from = guest.open(ROOT, path, how).expect("openable");
            let to = guest.open(ROOT, path, how).expect("openable");
            guest.close(from).expect("open");
            let from = guest.open(ROOT, "open", Open::rw()).expect("openable");
            assert!(from < to);
            vec![i(to), i(from)]
        });
        bench.guest.refuel(PLENTY);
        for fd in fd + 1..fd + 4 {
            let _ = bench.guest.close(fd);
        }
    }
    bench.each("fd_close", "a large file without a name", 10, |guest| {
        guest.refuel(PLENTY);
        let fd = guest.open(ROOT, "gone", Open::rw().oflags(CREAT)).expect("creatable");
        fill(guest, fd);
        guest.unlink(ROOT, "gone").expect("removable");
        vec![i(fd)]
    });
    bench.each("fd_close", "a large file that was cut and written again", 10, |guest| {
        guest.refuel(PLENTY);
        let fd = guest.open(ROOT, "again", Open::rw().oflags(CREAT | TRUNC)).expect("creatable");
        fill(guest, fd);
        vec![i(fd)]
    });
    let files: Vec<u8> = (0..4096_u64)
        .flat_map(|at| {
            let mut subscription = [0; 48];
            subscription[..8].copy_from_slice(&at.to_le_bytes());
            (subscription[8], subscription[16]) = (1, fd as u8);
            subscription
        })
        .collect();
    bench.guest.poke(BUFFER, &files);
    for count in [1, 4096] {
        bench.again("poll_oneoff", &format!("{count} files"), &[i(BUFFER), i(BUFFER + 200_000), i(count), i(OUT)]);
    }
    bench.guest.close(fd).expect("open");
}

/// Calls on directories as lists.
fn listings(bench: &mut Bench, dir: &Path) {
    bench.guest.refuel(PLENTY);
    for name in ["empty", "many", "emptied"] {
        std::fs::create_dir(dir.join(name)).expect("creatable");
    }
    let emptied = dir.join("emptied");
    let empty_again = || {
        let _ = std::fs::create_dir(&emptied);
        let long = |at: usize| emptied.join(format!("{at:0>255}"));
        for at in 0..MANY {
            std::fs::write(long(at), "").expect("writable");
        }
        for at in 0..MANY {
            std::fs::remove_file(long(at)).expect("removable");
        }
    };
    empty_again();
    for at in 0..MANY {
        std::fs::write(dir.join("many").join(format!("{at}")), "").expect("writable");
    }
    for name in ["empty", "many", "emptied"] {
        bench.guest.refuel(PLENTY);
        let fd = bench.guest.open(ROOT, name, Open::dir()).expect("openable");
        bench.again("fd_readdir", &format!("{name}, anew"), &[i(fd), i(BUFFER), i(1 << 20), l(0), i(OUT)]);
        bench.again("fd_readdir", &format!("{name}, anew, no room"), &[i(fd), i(BUFFER), i(0), l(0), i(OUT)]);
        bench.again("fd_readdir", &format!("{name}, one more"), &[i(fd), i(BUFFER), i(24), l(1), i(OUT)]);
        bench.guest.close(fd).expect("open");
    }
    let path = bench.text("emptied");
    let many = bench.text("many");
    bench.again("path_remove_directory", "one that is not empty", &args([&[i(ROOT)], &many]));
    bench.each("path_remove_directory", "one that held many, and is not empty", 10, |_| {
        std::fs::write(emptied.join("last"), "").expect("writable");
        args([&[i(ROOT)], &path])
    });
    std::fs::remove_file(emptied.join("last")).expect("removable");
    grown(bench);
}

/// A directory that goes after it held many: its price is in that of what it held.
fn grown(bench: &mut Bench) {
    let mut fuel = 0;
    let mut call = |bench: &mut Bench, name: &str, args: &[Val]| {
        bench.guest.refuel(PLENTY);
        assert_eq!(bench.guest.try_call(name, args).expect("no trap"), 0, "{name}");
        fuel += bench.guest.fuel_used();
    };
    let path = bench.text("grown");
    call(bench, "path_create_directory", &args([&[i(ROOT)], &path]));
    for name in ["path_symlink", "path_unlink_file"] {
        for at in 0..MANY {
            let entry = bench.text(&format!("grown/{at:0>255}"));
            // Put anew each time: so many names go round in the memory for them.
            let target = bench.text("x");
            let target: &[Val] = if name == "path_symlink" { &target } else { &[] };
            call(bench, name, &args([target, &[i(ROOT)], &entry]));
        }
    }
    let path = bench.text("grown");
    let start = Instant::now();
    call(bench, "path_remove_directory", &args([&[i(ROOT)], &path]));
    let took = start.elapsed().as_nanos() as f64;
    bench.note("path_remove_directory", "one that held many, by the fuel that filled it", took / fuel as f64);
}

/// Calls on paths of many kinds that change nothing.
fn lookups(bench: &mut Bench, dir: &Path) {
    bench.guest.refuel(PLENTY);
    std::fs::write(dir.join("f"), "").expect("writable");
    let name = "n".repeat(255);
    std::fs::write(dir.join(&name), "").expect("writable");
    let deep = "d/".repeat(120);
    std::fs::create_dir_all(dir.join(&deep)).expect("creatable");
    std::fs::write(dir.join(&deep).join("f"), "").expect("writable");
    let wide = format!("{}/", "w".repeat(255)).repeat(15);
    std::fs::create_dir_all(dir.join(&wide)).expect("creatable");
    std::fs::write(dir.join(&wide).join("f"), "").expect("writable");
    std::os::unix::fs::symlink("f", dir.join("l0")).expect("creatable");
    for at in 1..38 {
        let target = format!("{}l{}", "d/../".repeat(20), at - 1);
        std::os::unix::fs::symlink(target, dir.join(format!("l{at}"))).expect("creatable");
    }
    let paths = [
        ("a short path", "f".to_owned()),
        ("a long name", name),
        ("a deep path", format!("{deep}f")),
        ("a long path", format!("{wide}f")),
        ("many dots", format!("{}f", "d/../".repeat(800))),
        ("nothing there", "missing".to_owned()),
        ("nothing deep down", format!("{deep}missing")),
        ("a file on the way", format!("f/{}", "d/".repeat(100))),
        ("40 links that wind", "l37".to_owned()),
    ];
    for (case, path) in &paths {
        bench.guest.refuel(PLENTY);
        let path = bench.text(path);
        bench.again("path_filestat_get", case, &args([&[i(ROOT), i(1)], &path, &[i(OUT)]]));
        bench.again("path_filestat_set_times", case, &args([&[i(ROOT), i(1)], &path, &[l(7), l(7), i(5)]]));
        bench.again("path_readlink", case, &args([&[i(ROOT)], &path, &[i(BUFFER), i(4096), i(OUT)]]));
        for name in ["path_create_directory", "path_remove_directory"] {
            if matches!(*case, "nothing there" | "nothing deep down") && name == "path_create_directory" {
                continue;
            }
            bench.again(name, &format!("{case}, in vain"), &args([&[i(ROOT)], &path]));
        }
        bench.again("path_link", &format!("{case}, in vain"), &args([&[i(ROOT), i(1)], &path, &[i(ROOT)], &path]));
        if *case != "40 links that wind" && *case != "nothing there" {
            bench.again("path_rename", &format!("{case}, onto itself"), &args([&[i(ROOT)], &path, &[i(ROOT)], &path]));
        }
        let open = args([&[i(ROOT), i(1)], &path, &[i(0), l(2), l(0), i(0), i(OUT)]]);
        if case.starts_with("nothing") || *case == "a file on the way" {
            bench.again("path_open", &format!("{case}, in vain"), &open);
        } else {
            bench.each("path_open", case, 100, |guest| {
                guest.refuel(PLENTY);
                for fd in 4..8 {
                    let _ = guest.close(fd);
                }
                open.clone()
            });
        }
    }
    let vain = bench.text("../x");
    bench.again("path_symlink", "a path that leads out", &args([&vain, &[i(ROOT)], &vain]));
}

/// Calls that change the tree.
fn changes(bench: &mut Bench, dir: &Path) {
    let deep = "e/".repeat(120);
    std::fs::create_dir_all(dir.join(&deep)).expect("creatable");
    for (case, name) in [("in the directory", "new".to_owned()), ("deep down", format!("{deep}new"))] {
        let path = bench.text(&name);
        let other = bench.text("other");
        let host = dir.join(&name);
        bench.each("path_create_directory", case, 100, |_| {
            let _ = std::fs::remove_dir(&host);
            args([&[i(ROOT)], &path])
        });
        bench.each("path_remove_directory", case, 100, |_| {
            let _ = std::fs::create_dir(&host);
            args([&[i(ROOT)], &path])
        });
        for target in ["t".to_owned(), "t".repeat(250) + "/" + &"u/".repeat(380)] {
            let link = bench.text(&target);
            bench.each("path_symlink", &format!("{} bytes, {case}", target.len()), 100, |_| {
                let _ = std::fs::remove_file(&host);
                args([&link, &[i(ROOT)], &path])
            });
        }
        std::fs::remove_file(&host).expect("removable");
        std::fs::write(dir.join("other"), "").expect("writable");
        bench.each("path_link", case, 100, |_| {
            let _ = std::fs::remove_file(&host);
            args([&[i(ROOT), i(0)], &other, &[i(ROOT)], &path])
        });
        bench.each("path_unlink_file", case, 100, |_| {
            let _ = std::fs::remove_file(&host);
            std::fs::write(&host, "x").expect("writable");
            args([&[i(ROOT)], &path])
        });
        bench.each("path_rename", &format!("onto a file, {case}"), 100, |_| {
            std::fs::write(dir.join("other"), "y").expect("writable");
            std::fs::write(&host, "x").expect("writable");
            args([&[i(ROOT)], &other, &[i(ROOT)], &path])
        });
        bench.each("path_open", &format!("a file created {case}"), 100, |guest| {
            guest.refuel(PLENTY);
            let _ = std::fs::remove_file(&host);
            let _ = guest.close(4);
            args([&[i(ROOT), i(0)], &path, &[i(CREAT), l(2), l(0), i(0), i(OUT)]])
        });
        bench.guest.refuel(PLENTY);
        bench.guest.close(4).expect("open");
        std::fs::remove_file(&host).expect("removable");
    }
    let bytes = vec![1; LARGE];
    let (large, small) = (bench.text("large"), bench.text("small"));
    bench.each("path_unlink_file", "a large file", 10, |_| {
        std::fs::write(dir.join("large"), &bytes).expect("writable");
        args([&[i(ROOT)], &large])
    });
    bench.each("path_rename", "onto a large file", 10, |_| {
        std::fs::write(dir.join("large"), &bytes).expect("writable");
        std::fs::write(dir.join("small"), "x").expect("writable");
        args([&[i(ROOT)], &small, &[i(ROOT)], &large])
    });
    bench.each("path_open", "a large file cut", 10, |guest| {
        guest.refuel(PLENTY);
        let _ = guest.close(4);
        std::fs::write(dir.join("large"), &bytes).expect("writable");
        args([&[i(ROOT), i(0)], &large, &[i(TRUNC), l(0x42), l(0), i(0), i(OUT)]])
    });
}

/// The first change in a directory that has to be measured.
fn measuring(bench: &mut Bench, dir: &Path, volume: &Volume) {
    let path = bench.text("measured");
    bench.each("path_create_directory", "the first change where many files are", 10, |_| {
        let _ = std::fs::remove_dir(dir.join("measured"));
        volume.forget_usage();
        args([&[i(ROOT)], &path])
    });
}

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
