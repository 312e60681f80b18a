//! Clocks and file times.

mod guest;

use guest::{CREAT, Guest, OUT, Open, fresh, i, l, preopen, scratch};
use wasi_shim::{Errno, SystemClock, VirtualClock, WasiCtx};

const ROOT: u32 = 3;

const ATIM: u32 = 1;
const ATIM_NOW: u32 = 2;
const MTIM: u32 = 4;
const MTIM_NOW: u32 = 8;

fn now(guest: &mut Guest, id: u32) -> u64 {
    guest.call("clock_time_get", &[i(id), l(0), i(OUT)]).expect("a clock");
    guest.u64(OUT)
}

#[test]
fn every_clock_answers_and_has_a_resolution() {
    for system in [false, true] {
        let builder = WasiCtx::builder();
        let mut guest = Guest::new(if system { builder.clock(SystemClock::new()) } else { builder });
        for id in 0..4 {
            let first = now(&mut guest, id);
            assert!(now(&mut guest, id) >= first, "clock {id} goes back");
            guest.call("clock_res_get", &[i(id), i(OUT)]).expect("a clock");
            assert!(guest.u64(OUT) > 0, "clock {id}");
        }
    }
}

#[test]
fn a_clock_nobody_knows_is_invalid() {
    let mut guest = fresh();
    for id in [4, 5, u32::MAX] {
        assert_eq!(guest.call("clock_time_get", &[i(id), l(0), i(OUT)]), Err(Errno::Inval));
        assert_eq!(guest.call("clock_res_get", &[i(id), i(OUT)]), Err(Errno::Inval));
    }
}

#[test]
fn virtual_time_is_where_the_call_began_plus_its_fuel() {
    let mut guest = Guest::new(WasiCtx::builder().clock(VirtualClock::new(1_000_000)));
    guest.refuel(1 << 30);
    let first = now(&mut guest, 0);
    assert_eq!(first, 1_000_000 + 100, "the base cost of the call has been charged");
    assert_eq!(now(&mut guest, 0), first + 100);
    guest.store.data_mut().wasi.begin_call(5_000_000);
    guest.refuel(1 << 30);
    assert_eq!(now(&mut guest, 0), 5_000_100);
}

#[test]
fn virtual_time_is_the_same_in_every_run() {
    let run = || {
        let mut guest = Guest::new(WasiCtx::builder());
        guest.refuel(1 << 30);
        (0..20).map(|n| (guest.write(1, &vec![0; n]), now(&mut guest, 1))).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_real_clock_tells_real_time() {
    let mut guest = Guest::new(WasiCtx::builder().clock(SystemClock::new()));
    let host =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let minute = 60_000_000_000;
    assert!(now(&mut guest, 0).abs_diff(host) < minute);
}

#[test]
fn file_times_are_set_to_the_nanosecond() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    let (atim, mtim) = (1_234_567_890_123_456_789, 987_654_321_987_654_321);
    assert_eq!(guest.set_times(fd, atim, mtim, ATIM | MTIM), Ok(()));
    assert_eq!(guest.stat(fd).map(|stat| (stat.atim, stat.mtim)), Ok((atim, mtim)));
    assert_eq!(guest.set_times(fd, 5, 7, MTIM), Ok(()));
    assert_eq!(guest.stat(fd).map(|stat| (stat.atim, stat.mtim)), Ok((atim, 7)), "the other one is kept");
    assert_eq!(guest.set_times(fd, 5, 9, ATIM), Ok(()));
    assert_eq!(guest.stat(fd).map(|stat| (stat.atim, stat.mtim)), Ok((5, 7)));
    assert_eq!(guest.set_times(fd, 1, 1, 0), Ok(()));
    assert_eq!(guest.stat(fd).map(|stat| (stat.atim, stat.mtim)), Ok((5, 7)), "without flags nothing is set");
}

#[test]
fn now_is_what_the_guests_clock_says() {
    let dir = scratch();
    let clock = VirtualClock::new(1_000_000_000);
    let mut guest = Guest::new(WasiCtx::builder().preopen(preopen(dir.path())).clock(clock));
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.refuel(1 << 30);
    assert_eq!(guest.set_times(fd, 0, 0, ATIM_NOW | MTIM_NOW), Ok(()));
    let stat = guest.stat(fd).expect("open");
    assert!((1_000_000_000..1_001_000_000).contains(&stat.mtim), "{}", stat.mtim);
    assert_eq!(stat.atim, stat.mtim);
}

#[test]
fn a_time_cannot_be_given_and_be_now() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.set_times(fd, 100, 200, ATIM | MTIM).expect("settable");
    for flags in [ATIM | ATIM_NOW, MTIM | MTIM_NOW, ATIM | MTIM | MTIM_NOW, 16, 1 << 16] {
        assert_eq!(guest.set_times(fd, 1, 1, flags), Err(Errno::Inval), "{flags}");
        assert_eq!(guest.set_times_at(ROOT, false, "file", (1, 1), flags), Err(Errno::Inval), "{flags}");
    }
    assert_eq!(guest.stat(fd).map(|stat| (stat.atim, stat.mtim)), Ok((100, 200)), "nothing was touched");
}

#[test]
fn times_set_by_path_are_the_links_or_the_targets_as_asked() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.create(ROOT, "file");
        guest.symlink("file", ROOT, "link").expect("creatable");
        guest.set_times_at(ROOT, false, "file", (1000, 1000), ATIM | MTIM).expect("settable");
        guest.set_times_at(ROOT, false, "link", (2000, 2000), ATIM | MTIM).expect("settable");
        assert_eq!(guest.stat_at(ROOT, "link", false).map(|stat| stat.mtim), Ok(2000), "{how}");
        assert_eq!(guest.stat_at(ROOT, "file", false).map(|stat| stat.mtim), Ok(1000), "{how}");
        guest.set_times_at(ROOT, true, "link", (3000, 3000), MTIM).expect("settable");
        assert_eq!(guest.stat_at(ROOT, "link", false).map(|stat| stat.mtim), Ok(2000), "{how}");
        assert_eq!(guest.stat_at(ROOT, "file", false).map(|stat| stat.mtim), Ok(3000), "{how}");
        assert_eq!(guest.stat_at(ROOT, "link", true).map(|stat| stat.mtim), Ok(3000), "{how}");
        assert_eq!(guest.set_times_at(ROOT, false, "file/", (0, 0), MTIM), Err(Errno::Notdir), "{how}");
        assert_eq!(guest.set_times_at(ROOT, true, "none", (0, 0), MTIM), Err(Errno::Noent), "{how}");
        guest.unlink(ROOT, "link").expect("removable");
        guest.unlink(ROOT, "file").expect("removable");
    }
}

#[test]
fn times_of_a_directory_are_set_by_descriptor_and_by_path() {
    let mut guest = fresh();
    guest.mkdir(ROOT, "d").expect("creatable");
    guest.set_times_at(ROOT, false, "d/", (7, 8), ATIM | MTIM).expect("settable");
    let fd = guest.open(ROOT, "d", Open::dir()).expect("openable");
    assert_eq!(guest.stat(fd).map(|stat| stat.mtim), Ok(8));
    assert_eq!(guest.set_times(fd, 0, 9, MTIM), Ok(()));
    assert_eq!(guest.stat_at(ROOT, "d", false).map(|stat| stat.mtim), Ok(9));
}

#[test]
fn times_before_the_epoch_or_beyond_all_use_do_no_harm() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    // What the file system cannot keep it clamps or refuses; either way the answer is an errno or success.
    let _ = guest.set_times(fd, u64::MAX, u64::MAX, ATIM | MTIM);
    assert!(guest.stat(fd).is_ok());
    assert_eq!(guest.set_times(1, 0, 0, MTIM), Err(Errno::Notcapable), "a stream has no times");
}
