//! What calls cost, before they do what it costs.

use wasi_shim::{Errno, SeededEntropy, WasiCtx};
use wasmi::TrapCode;

use crate::ROOT;
use crate::guest::{CREAT, Guest, Open, PLENTY, TRUNC, fresh, i, l, scratch};
use crate::quota::with_quota;

#[test]
fn every_call_costs_fuel() {
    let mut guest = fresh();
    for wasi_shim::FunctionType { name, .. } in wasi_shim::FUNCTIONS {
        guest.refuel(PLENTY);
        let args: Vec<_> = crate::guest::signature(name)
            .split_whitespace()
            .map(|kind| if kind == "i64" { l(0) } else { i(0) })
            .collect();
        let _ = guest.try_call(name, &args);
        assert!(guest.fuel_used() >= 100, "{name} costs {}", guest.fuel_used());
    }
}

#[test]
fn every_call_ends_without_fuel() {
    let mut guest = fresh();
    for wasi_shim::FunctionType { name, .. } in wasi_shim::FUNCTIONS {
        guest.refuel(10);
        let args: Vec<_> = crate::guest::signature(name)
            .split_whitespace()
            .map(|kind| if kind == "i64" { l(0) } else { i(0) })
            .collect();
        let trap = guest.try_call(name, &args).expect_err("no fuel");
        assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel), "{name}");
    }
}

#[test]
fn links_on_the_way_cost_fuel_for_each_component_they_add() {
    let dir = scratch();
    let winding = "a/../".repeat(800);
    std::fs::create_dir(dir.join("a")).expect("creatable");
    let mut costs = vec![];
    for (how, mut guest) in dir.both() {
        // Longer than a guest can make one; what is there already is followed all the same.
        std::os::unix::fs::symlink(format!("{winding}a"), dir.join("link")).expect("creatable");
        let mut cost = |path: &str| {
            guest.refuel(PLENTY);
            let answer = guest.stat_at(ROOT, path, true).map(|stat| stat.filetype);
            (answer, guest.fuel_used())
        };
        let (plain, through) = (cost("a"), cost("link"));
        assert_eq!(plain.0, through.0, "{how}");
        assert!(through.1 > plain.1 + 1600 * 400, "{how}: {plain:?} and {through:?}");
        let others = ["a/..", "missing/x", "link/../..", "link/missing", "a/./././x"].map(&mut cost);
        costs.push((plain, through, others));
        guest.unlink(ROOT, "link").expect("removable");
    }
    assert_eq!(costs[0], costs[1], "fuel does not tell how a path was resolved");
}

#[test]
fn waiting_in_real_time_costs_no_fuel_beyond_the_call() {
    /// Nothing for three looks, then the end.
    struct Slow(u32);
    impl wasi_shim::Source for Slow {
        fn read(&mut self, _: &mut [u8]) -> Result<usize, Errno> {
            self.0 += 1;
            if self.0 > 3 { Ok(0) } else { Err(Errno::Again) }
        }
        fn readiness(&mut self) -> wasi_shim::Readiness {
            wasi_shim::Readiness::Waiting
        }
    }
    let mut guest = Guest::new(WasiCtx::builder().stdin(Slow(0)).clock(wasi_shim::SystemClock::new()));
    guest.refuel(PLENTY);
    assert_eq!(guest.read(0, 8), Ok(vec![]));
    assert!(guest.fuel_used() < 2_000, "{}", guest.fuel_used());
}

#[test]
fn bytes_cost_fuel() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    let mut cost = |len: usize| {
        guest.refuel(PLENTY);
        guest.write(fd, &vec![0; len]).expect("writable");
        guest.fuel_used()
    };
    let (little, much) = (cost(1), cost(100_000));
    assert!(much >= little + 100_000 / 4, "{little} and {much}");
}

#[test]
fn no_call_does_what_it_could_not_pay_for() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 1 << 30, 100);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    // A write is as long as there is fuel for.
    guest.refuel(10_000);
    let written = guest.write(fd, &vec![7; 100_000]).expect("writable");
    assert!((10_000..20_000).contains(&written), "{written}: two bytes a unit, less the call");
    assert_eq!(guest.store.get_fuel().expect("metered"), 0);
    guest.refuel(PLENTY);
    guest.set_size(fd, 1 << 28).expect("settable");
    let poor = |guest: &mut Guest, name: &str, args: &[wasmi::Val]| {
        guest.refuel(200_000);
        let trap = guest.try_call(name, args).expect_err("it cannot be paid for");
        assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel), "{name}");
        guest.refuel(PLENTY);
    };
    poor(&mut guest, "fd_filestat_set_size", &[i(fd), l(0)]);
    let (path, len) = guest.put(b"file");
    poor(&mut guest, "path_unlink_file", &[i(ROOT), i(path), i(len)]);
    guest.create(ROOT, "other");
    let (other, other_len) = guest.put(b"other");
    poor(&mut guest, "path_rename", &[i(ROOT), i(other), i(other_len), i(ROOT), i(path), i(len)]);
    let truncate = [i(ROOT), i(0), i(path), i(len), i(TRUNC), l(0x40), l(0), i(0), i(64)];
    poor(&mut guest, "path_open", &truncate);
    assert_eq!(guest.stat(fd).map(|stat| stat.size), Ok(1 << 28), "nothing has happened");
    assert_eq!(volume.used(), Some((1 << 28, 2)));
    for n in 0..50 {
        std::fs::write(dir.join(&format!("f{n}")), "x").expect("writable");
    }
    poor(&mut guest, "fd_readdir", &[i(ROOT), i(1024), i(1024), l(0), i(64)]);
}

#[test]
fn every_buffer_of_a_vector_costs_fuel_and_advice_is_not_handed_on() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    let mut cost = |name: &str, count: usize| {
        let part = guest.put(b"x");
        let (iovs, count) = guest.iovecs(&vec![part; count]);
        let args = if name.starts_with("fd_p") {
            vec![i(fd), i(iovs), i(count), l(0), i(64)]
        } else {
            vec![i(fd), i(iovs), i(count), i(64)]
        };
        guest.refuel(PLENTY);
        guest.call(name, &args).expect("answered");
        guest.fuel_used()
    };
    for name in ["fd_write", "fd_pwrite", "fd_pread", "fd_read"] {
        let (one, many) = (cost(name, 1), cost(name, 1024));
        assert!(many >= one + 1023 * 500, "{name}: {one} and {many}");
    }
    guest.refuel(PLENTY);
    guest.call("fd_advise", &[i(fd), l(0), l(1 << 40), i(3)]).expect("valid");
    assert_eq!(guest.fuel_used(), 100, "no system call is made");
}

#[test]
fn randomness_costs_fuel_before_it_is_made() {
    let mut guest = Guest::new(WasiCtx::builder().entropy(SeededEntropy::new(1)));
    guest.refuel(100_000);
    let trap = guest.try_call("random_get", &[i(0), i(1_000_000)]).expect_err("too much");
    assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel));
    assert_eq!(guest.bytes(0, 64), [0; 64]);
}
