//! One guest, calls of it, and the times they took.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use wasi_shim::{FUNCTIONS, WasiBuilder};
use wasmi::Val;

use crate::guest::{CREAT, Guest, OUT, Open, PLENTY, i, l, mirror, signature};

pub(super) const ROOT: u32 = 3;

/// A buffer of a megabyte, behind everything that tests put into memory.
pub(super) const BUFFER: u32 = 1 << 20;

/// A file whose pages are all there.
pub(super) const LARGE: usize = 16 << 20;

/// Entries of a large directory; what a plugin may have.
pub(super) const MANY: usize = 10_000;

/// Times and fuel of one kind of call.
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) ns_per_fuel: f64,
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
pub(super) struct Bench {
    pub(super) guest: Guest,
    pub(super) place: &'static str,
    pub(super) all: Vec<Measured>,
}

impl Bench {
    pub(super) fn new(place: &'static str, builder: WasiBuilder) -> Self {
        Self { guest: Guest::load(&module(), builder), place, all: Vec::new() }
    }

    pub(super) fn note(&mut self, name: &str, case: &str, ns_per_fuel: f64) {
        self.all.push(Measured { name: format!("{name}, {case} ({})", self.place), ns_per_fuel });
    }

    /// A call that can be made over and over: the best of five runs of at least 10 ms.
    pub(super) fn again(&mut self, name: &str, case: &str, args: &[Val]) {
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
    pub(super) fn each(&mut self, name: &str, case: &str, times: usize, mut ready: impl FnMut(&mut Guest) -> Vec<Val>) {
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

    pub(super) fn text(&mut self, text: &str) -> [Val; 2] {
        let (at, len) = self.guest.put(text.as_bytes());
        [i(at), i(len)]
    }

    pub(super) fn file(&mut self, name: &str) -> u32 {
        self.guest.refuel(PLENTY);
        self.guest.open(ROOT, name, Open::rw().oflags(CREAT)).expect("creatable")
    }

    /// Vectors of `count` buffers of `len` bytes each, one behind the other.
    pub(super) fn vectors(&mut self, count: u32, len: u32) -> [Val; 2] {
        let parts: Vec<_> = (0..count).map(|part| (BUFFER + part * len, len)).collect();
        let (iovs, count) = self.guest.iovecs(&parts);
        [i(iovs), i(count)]
    }
}

/// Fills the file `fd` with `LARGE` bytes.
pub(super) fn fill(guest: &mut Guest, fd: u32) {
    guest.refuel(PLENTY);
    let (iovs, count) = guest.iovecs(&[(BUFFER, 1 << 20)]);
    for part in 0..LARGE as u64 >> 20 {
        guest.call("fd_pwrite", &[i(fd), i(iovs), i(count), l(part << 20), i(OUT)]).expect("writable");
    }
}

pub(super) fn args<const N: usize>(parts: [&[Val]; N]) -> Vec<Val> {
    parts.concat()
}
