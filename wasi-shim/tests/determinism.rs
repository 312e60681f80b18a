//! The deterministic view: nothing of the host's file system shows in a result.

mod guest;

use std::fmt::Write;
use std::path::Path;

use guest::{CREAT, Guest, Open, Scratch, preopen, scratch};
use wasi_shim::{VirtualClock, Volume, WasiCtx};

const ROOT: u32 = 3;

fn settled(dir: &Path) -> Guest {
    let builder = WasiCtx::builder().preopen(preopen(dir)).clock(VirtualClock::new(1_000_000)).deterministic(true);
    let mut guest = Guest::new(builder);
    guest.refuel(1 << 40);
    guest
}

/// The same files, made in another order and at another time.
fn files(order: &[&str]) -> Scratch {
    let dir = scratch();
    for name in order {
        match name.strip_suffix('/') {
            Some(name) => std::fs::create_dir(dir.join(name)).expect("creatable"),
            None => std::fs::write(dir.join(name), name).expect("writable"),
        }
    }
    dir
}

/// All that a guest can learn of a tree.
fn everything(guest: &mut Guest) -> Vec<String> {
    let mut all = vec![];
    for path in [".", "sub"] {
        let fd = guest.open(ROOT, path, Open::dir()).expect("openable");
        all.push(format!("{:?}", guest.stat(fd)));
        for entry in guest.readdir(fd, 4096, 0).expect("listable") {
            all.push(format!("{entry:?}"));
            if entry.name != ".." {
                all.push(format!("{:?}", guest.stat_at(fd, &entry.name, false)));
            }
        }
    }
    all
}

#[test]
fn two_hosts_show_a_guest_the_same() {
    let (one, two) = (files(&["sub/", "b", "a", "sub/x", "c"]), files(&["c", "a", "sub/", "sub/x", "b"]));
    assert_eq!(everything(&mut settled(one.path())), everything(&mut settled(two.path())));
}

#[test]
fn entries_come_sorted_by_name() {
    let dir = files(&["z", "B", "a", "-", "sub/", "!"]);
    let names: Vec<_> =
        settled(dir.path()).readdir(ROOT, 4096, 0).expect("listable").into_iter().map(|e| e.name).collect();
    assert_eq!(names, [".", "..", "!", "-", "B", "a", "sub", "z"]);
}

#[test]
fn inode_numbers_count_up_from_one_in_order_of_first_sight() {
    let dir = files(&["a", "b", "c"]);
    let mut guest = settled(dir.path());
    let mut ino = |name: &str| guest.stat_at(ROOT, name, false).expect("there").ino;
    assert_eq!([ino("c"), ino("a"), ino("c"), ino("b")], [1, 2, 1, 3]);
}

#[test]
fn a_new_file_never_takes_over_the_number_of_one_that_is_gone() {
    let dir = scratch();
    let mut guest = settled(dir.path());
    let mut seen = vec![];
    for _ in 0..5 {
        guest.create(ROOT, "file");
        seen.push(guest.stat_at(ROOT, "file", false).expect("there").ino);
        guest.unlink(ROOT, "file").expect("removable");
    }
    // The directory has number 2: it changed when the first file came.
    assert_eq!(seen, [1, 3, 4, 5, 6]);
}

#[test]
fn device_numbers_are_the_order_of_the_directories() {
    let (a, b) = (scratch(), scratch());
    let mut guest =
        Guest::new(WasiCtx::builder().preopen(preopen(a.path())).preopen(preopen(b.path())).deterministic(true));
    assert_eq!([3, 4].map(|fd| guest.stat(fd).expect("open").dev), [1, 2]);
}

#[test]
fn a_file_is_as_old_as_the_guests_clock_said_when_it_was_written() {
    let dir = files(&["old"]);
    let mut guest = settled(dir.path());
    assert_eq!(guest.stat_at(ROOT, "old", false).map(|stat| (stat.atim, stat.mtim, stat.ctim)), Ok((0, 0, 0)));
    let fd = guest.open(ROOT, "new", Open::rw().oflags(CREAT)).expect("creatable");
    let created = guest.stat(fd).expect("open");
    assert!((1_000_000..2_000_000).contains(&created.mtim), "{}", created.mtim);
    guest.store.data_mut().wasi.begin_call(50_000_000);
    guest.refuel(1 << 40);
    guest.write(fd, b"x").expect("writable");
    let written = guest.stat(fd).expect("open");
    assert!((50_000_000..51_000_000).contains(&written.mtim), "{}", written.mtim);
    assert_eq!(written.atim, created.atim);
    assert_eq!(guest.stat(ROOT).map(|stat| stat.mtim), Ok(created.mtim), "the directory changed when the entry came");
}

#[test]
fn times_that_were_set_are_kept() {
    let dir = scratch();
    let mut guest = settled(dir.path());
    guest.create(ROOT, "file");
    guest.set_times_at(ROOT, false, "file", (11, 22), 5).expect("settable");
    assert_eq!(guest.stat_at(ROOT, "file", false).map(|stat| (stat.atim, stat.mtim)), Ok((11, 22)));
    guest.rename(ROOT, "file", ROOT, "moved").expect("renamable");
    assert_eq!(guest.stat_at(ROOT, "moved", false).map(|stat| (stat.atim, stat.mtim)), Ok((11, 22)));
}

#[test]
fn how_a_file_system_counts_a_directory_does_not_show() {
    let dir = files(&["sub/", "sub/x"]);
    let mut guest = settled(dir.path());
    assert_eq!(guest.stat_at(ROOT, "sub", false).map(|stat| (stat.size, stat.nlink)), Ok((0, 1)));
    assert_eq!(guest.stat_at(ROOT, "sub/x", false).map(|stat| (stat.size, stat.nlink)), Ok((5, 1)));
}

#[test]
fn a_volume_carries_the_view_from_one_context_to_the_next() {
    let dir = scratch();
    let volume = Volume::new().deterministic();
    let with = |volume: &Volume| {
        let preopen = preopen(dir.path()).volume(volume.clone());
        Guest::new(WasiCtx::builder().preopen(preopen).clock(VirtualClock::new(777)))
    };
    let mut first = with(&volume);
    first.create(ROOT, "file");
    let seen = first.stat_at(ROOT, "file", false);
    drop(first);
    assert_eq!(with(&volume).stat_at(ROOT, "file", false), seen);
}

/// Files made, filled, linked, renamed, listed and removed, with what each step showed and cost.
fn session() -> String {
    let dir = scratch();
    let mut guest = settled(dir.path());
    let mut log = String::new();
    for n in 0..6_u8 {
        let name = format!("f{n}");
        let fd = guest.open(ROOT, &name, Open::rw().oflags(CREAT)).expect("creatable");
        guest.write(fd, &vec![n; usize::from(n) * 1000]).expect("writable");
        writeln!(log, "{name}: {:?}", guest.stat(fd).expect("open")).expect("in memory");
        guest.close(fd).expect("open");
        match n % 3 {
            0 => guest.unlink(ROOT, &name).expect("removable"),
            1 => guest.rename(ROOT, &name, ROOT, "moved").expect("renamable"),
            _ => guest.symlink(&format!("a/../{name}"), ROOT, &format!("l{n}")).expect("creatable"),
        }
        writeln!(log, "through a link: {:?}", guest.stat_at(ROOT, "l2", true)).expect("in memory");
        for entry in guest.readdir(ROOT, 100, 0).expect("listable") {
            writeln!(log, "  {entry:?}").expect("in memory");
        }
        writeln!(log, "fuel {}", guest.fuel_used()).expect("in memory");
    }
    log
}

#[test]
fn a_session_is_the_same_on_every_machine_fuel_included() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session.txt");
    let log = session();
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(golden.parent().expect("a folder")).expect("creatable");
        std::fs::write(&golden, &log).expect("writable");
    }
    assert_eq!(log, std::fs::read_to_string(&golden).expect("recorded; run with BLESS=1 to record it"));
}
