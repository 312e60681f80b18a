//! `fd_readdir`: every entry once, through buffers of any size, whatever changes meanwhile.

mod guest;

use std::collections::BTreeSet;

use guest::{Guest, OUT, Open, PLENTY, TYPE_DIRECTORY, TYPE_FILE, TYPE_LINK, dirents, fresh, i, l, preopen, scratch};
use wasi_shim::{Errno, WasiCtx};

const ROOT: u32 = 3;

#[test]
fn an_empty_directory_has_itself_and_its_parent() {
    let mut guest = fresh();
    guest.mkdir(ROOT, "d").expect("creatable");
    let fd = guest.open(ROOT, "d", Open::dir()).expect("openable");
    let entries = guest.readdir(fd, 512, 0).expect("listable");
    assert_eq!(entries.iter().map(|e| &*e.name).collect::<Vec<_>>(), [".", ".."]);
    assert!(entries.iter().all(|e| e.filetype == TYPE_DIRECTORY));
    assert_eq!(entries[0].ino, guest.stat(fd).expect("open").ino);
    assert_eq!(entries[1].ino, guest.stat(ROOT).expect("open").ino);
}

#[test]
fn the_root_is_its_own_parent() {
    let mut guest = fresh();
    let entries = guest.readdir(ROOT, 512, 0).expect("listable");
    assert_eq!(entries[0].ino, entries[1].ino, "what is above is not the guest's to know");
}

#[test]
fn entries_say_what_they_are() {
    let mut guest = fresh();
    guest.create(ROOT, "file");
    guest.mkdir(ROOT, "sub").expect("creatable");
    guest.symlink("file", ROOT, "link").expect("creatable");
    let entries = guest.readdir(ROOT, 512, 0).expect("listable");
    for (name, filetype) in [("file", TYPE_FILE), ("sub", TYPE_DIRECTORY), ("link", TYPE_LINK)] {
        let entry = entries.iter().find(|e| e.name == name).expect("listed");
        assert_eq!(entry.filetype, filetype, "{name}");
        assert_eq!(entry.ino, guest.stat_at(ROOT, name, false).expect("there").ino, "{name}");
    }
}

#[test]
fn a_thousand_entries_come_once_each_through_a_small_buffer() {
    let dir = scratch();
    let expected: BTreeSet<_> = (0..1000).map(|n| format!("file.{n}")).collect();
    for name in &expected {
        std::fs::write(dir.join(name), "").expect("writable");
    }
    let mut guest = dir.guest();
    for room in [64, 256, 4096, 65536] {
        let entries = guest.readdir(ROOT, room, 0).expect("listable");
        assert_eq!(entries.len(), 1002, "through {room} bytes");
        let names: BTreeSet<_> = entries.into_iter().skip(2).map(|e| e.name).collect();
        assert_eq!(names, expected, "through {room} bytes");
    }
}

#[test]
fn a_cookie_leads_to_the_entry_after() {
    let mut guest = fresh();
    for name in ["a", "b", "c"] {
        guest.create(ROOT, name);
    }
    let all = guest.readdir(ROOT, 512, 0).expect("listable");
    for (at, entry) in all.iter().enumerate() {
        let rest = guest.readdir(ROOT, 512, entry.next).expect("listable");
        assert_eq!(rest, all[at + 1..]);
    }
    let end = all.last().expect("entries").next;
    assert_eq!(guest.readdir_raw(ROOT, 512, end), Ok(vec![]));
    assert_eq!(guest.readdir_raw(ROOT, 512, u64::MAX), Ok(vec![]), "a cookie nobody gave out is past the end");
}

#[test]
fn cookies_stay_valid_while_entries_come_and_go() {
    let mut guest = fresh();
    for n in 0..50 {
        guest.create(ROOT, &format!("old{n}"));
    }
    let first = guest.readdir_raw(ROOT, 200, 0).expect("listable");
    let seen = dirents(&first);
    for n in 0..50 {
        guest.unlink(ROOT, &format!("old{n}")).expect("removable");
        guest.create(ROOT, &format!("new{n}"));
    }
    let rest = guest.readdir(ROOT, 200, seen.last().expect("some").next).expect("listable");
    let names: Vec<_> = seen.into_iter().chain(rest).map(|e| e.name).filter(|n| n.starts_with("old")).collect();
    assert_eq!(names.len(), 50, "nothing lost");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 50, "nothing twice");
}

#[test]
fn starting_over_sees_the_directory_as_it_is_now() {
    let mut guest = fresh();
    guest.create(ROOT, "a");
    assert_eq!(guest.readdir(ROOT, 512, 0).expect("listable").len(), 3);
    guest.create(ROOT, "b");
    guest.unlink(ROOT, "a").expect("removable");
    let names: Vec<_> = guest.readdir(ROOT, 512, 0).expect("listable").into_iter().map(|e| e.name).collect();
    assert_eq!(names, [".", "..", "b"]);
}

#[test]
fn a_buffer_too_small_for_an_entry_is_filled_and_full() {
    let mut guest = fresh();
    guest.create(ROOT, "a-rather-long-name");
    for room in [0, 1, 23, 24, 25, 40] {
        let raw = guest.readdir_raw(ROOT, room, 2).expect("listable");
        assert_eq!(raw.len(), room as usize, "a full buffer says that there is more");
    }
    let raw = guest.readdir_raw(ROOT, 42, 2).expect("listable");
    assert_eq!(dirents(&raw)[0].name, "a-rather-long-name");
}

#[test]
fn every_byte_of_an_entry_is_written() {
    let mut guest = fresh();
    guest.create(ROOT, "x");
    // The harness fills buffers with 0xAA first; padding must not keep it.
    let raw = guest.readdir_raw(ROOT, 512, 0).expect("listable");
    let mut at = 0;
    for entry in dirents(&raw) {
        assert_eq!(raw[at + 21..at + 24], [0, 0, 0], "padding of {}", entry.name);
        at += 24 + entry.name.len();
    }
    assert_eq!(at, raw.len());
}

#[test]
fn two_descriptors_of_a_directory_are_read_apart() {
    let mut guest = fresh();
    guest.create(ROOT, "a");
    let other = guest.open(ROOT, ".", Open::dir()).expect("openable");
    let before = guest.readdir(ROOT, 512, 0).expect("listable");
    guest.create(ROOT, "b");
    assert_eq!(guest.readdir(other, 512, 0).expect("listable").len(), 4);
    assert_eq!(guest.readdir(ROOT, 512, before[1].next).expect("listable").len(), 1);
}

#[test]
fn only_directories_are_listed() {
    let mut guest = fresh();
    guest.create(ROOT, "file");
    let fd = guest.open(ROOT, "file", Open::rw()).expect("openable");
    assert_eq!(guest.readdir(fd, 512, 0), Err(Errno::Notdir));
    assert_eq!(guest.readdir(1, 512, 0), Err(Errno::Notdir));
    assert_eq!(guest.readdir(99, 512, 0), Err(Errno::Badf));
}

#[test]
fn a_huge_buffer_is_checked_and_not_allocated() {
    let mut guest = fresh();
    let huge = [i(ROOT), i(0), i(u32::MAX), l(0), i(OUT)];
    assert_eq!(guest.call("fd_readdir", &huge), Err(Errno::Fault));
    let whole = [i(ROOT), i(0), i(guest::PAGES * 65536), l(0), i(OUT)];
    assert_eq!(guest.call("fd_readdir", &whole), Ok(()));
}

#[test]
fn listings_hold_no_more_memory_than_they_may() {
    let dir = scratch();
    for n in 0..100 {
        std::fs::write(dir.join(&format!("f{n}")), "").expect("writable");
    }
    let mut guest = Guest::new(WasiCtx::builder().preopen(preopen(dir.path())).max_listing_bytes(8000));
    assert_eq!(guest.readdir(ROOT, 4096, 0).map(|all| all.len()), Ok(102));
    let other = guest.open(ROOT, ".", Open::dir()).expect("openable");
    assert_eq!(guest.readdir(other, 4096, 0), Err(Errno::Nomem));
    guest.close(ROOT).expect("open");
    assert_eq!(guest.readdir(other, 4096, 0).map(|all| all.len()), Ok(102), "what is closed is given back");
}

#[test]
fn a_directory_too_large_to_be_listed_is_paid_for() {
    let dir = scratch();
    for n in 0..100 {
        std::fs::write(dir.join(&format!("f{n}")), "").expect("writable");
    }
    // As many entries as fit are read of the host before it shows that there are more.
    let mut guest = Guest::new(WasiCtx::builder().preopen(preopen(dir.path())).max_listing_bytes(6400));
    guest.refuel(PLENTY);
    assert_eq!(guest.readdir(ROOT, 4096, 0), Err(Errno::Nomem));
    assert!(guest.fuel_used() >= 100 * 400, "{} fuel", guest.fuel_used());
}
