//! How much a directory may hold.

use wasi_shim::{Errno, Quota, Volume, WasiCtx};
use wasmi::TrapCode;

use crate::ROOT;
use crate::guest::{APPEND, CREAT, Guest, Open, TRUNC, i, l, preopen, scratch};

pub(crate) fn with_quota(dir: &std::path::Path, bytes: u64, files: u64) -> (Guest, Volume) {
    let volume = Volume::new().with_quota(Quota { bytes, files });
    let guest = Guest::new(WasiCtx::builder().preopen(preopen(dir).volume(volume.clone())));
    (guest, volume)
}

#[test]
fn a_write_past_the_quota_is_cut_and_the_next_is_refused() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 10, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    assert_eq!(guest.write(fd, b"12345678"), Ok(8));
    assert_eq!(guest.write(fd, b"12345678"), Ok(2));
    assert_eq!(guest.write(fd, b"12345678"), Err(Errno::Dquot));
    assert_eq!(guest.write(fd, b""), Ok(0));
    assert_eq!(volume.used(), Some((10, 1)));
    assert_eq!(std::fs::metadata(dir.join("file")).expect("there").len(), 10);
}

#[test]
fn overwriting_costs_no_quota() {
    let dir = scratch();
    let (mut guest, _) = with_quota(dir.path(), 10, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.write(fd, &[0; 10]).expect("fits");
    for offset in [0, 5] {
        assert_eq!(guest.pwrite(fd, b"12345", offset), Ok(5));
    }
    assert_eq!(guest.pwrite(fd, b"12345", 8), Ok(2), "up to the end");
    assert_eq!(guest.pwrite(fd, b"1", 10), Err(Errno::Dquot));
}

#[test]
fn no_way_of_growing_a_file_goes_around_the_quota() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    assert_eq!(guest.set_size(fd, 101), Err(Errno::Dquot), "a hole counts");
    assert_eq!(guest.allocate(fd, 0, 101), Err(Errno::Dquot));
    assert_eq!(guest.allocate(fd, 100, 1), Err(Errno::Dquot));
    guest.seek(fd, 200, 0).expect("seekable");
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Dquot));
    assert_eq!(guest.pwrite(fd, b"x", 1 << 40), Err(Errno::Dquot));
    assert_eq!(guest.pwrite(fd, b"x", 3 << 39), Err(Errno::Fbig), "no file is that long");
    let appending = guest.open(ROOT, "file", Open::rw().fdflags(APPEND)).expect("openable");
    assert_eq!(guest.set_size(fd, 100), Ok(()));
    assert_eq!(guest.write(appending, b"x"), Err(Errno::Dquot));
    assert_eq!(guest.pwrite(appending, b"x", 0), Err(Errno::Dquot), "an appending descriptor appends");
    assert_eq!(guest.symlink(&"t".repeat(101), ROOT, "link"), Err(Errno::Dquot));
    assert_eq!(volume.used(), Some((100, 1)));
}

#[test]
fn space_comes_back_when_files_shrink_or_go() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.set_size(fd, 100).expect("fits");
    guest.set_size(fd, 40).expect("smaller");
    assert_eq!(volume.used(), Some((40, 1)));
    let again = guest.open(ROOT, "file", Open::rw().oflags(TRUNC)).expect("openable");
    assert_eq!(volume.used(), Some((0, 1)));
    guest.set_size(again, 60).expect("fits");
    guest.close(fd).expect("open");
    guest.close(again).expect("open");
    guest.unlink(ROOT, "file").expect("removable");
    assert_eq!(volume.used(), Some((0, 0)));
}

#[test]
fn a_removed_file_keeps_its_space_until_it_is_closed() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.set_size(fd, 100).expect("fits");
    guest.unlink(ROOT, "file").expect("removable");
    assert_eq!(volume.used(), Some((100, 0)));
    let other = guest.open(ROOT, "other", Open::rw().oflags(CREAT)).expect("creatable");
    assert_eq!(guest.write(other, b"x"), Err(Errno::Dquot));
    guest.close(fd).expect("open");
    assert_eq!(volume.used(), Some((0, 1)));
    assert_eq!(guest.write(other, b"x"), Ok(1));
}

#[test]
fn a_file_replaced_by_a_rename_gives_its_space_back() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    for (name, size) in [("a", 60), ("b", 40)] {
        let fd = guest.open(ROOT, name, Open::rw().oflags(CREAT)).expect("creatable");
        guest.set_size(fd, size).expect("fits");
        guest.close(fd).expect("open");
    }
    guest.rename(ROOT, "a", ROOT, "b").expect("renamable");
    assert_eq!(volume.used(), Some((60, 1)));
}

#[test]
fn names_count_and_run_out() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 1000, 3);
    guest.create(ROOT, "file");
    guest.mkdir(ROOT, "dir").expect("fits");
    guest.link(ROOT, false, "file", ROOT, "link").expect("fits");
    assert_eq!(volume.used(), Some((0, 3)));
    assert_eq!(guest.open(ROOT, "new", Open::rw().oflags(CREAT)), Err(Errno::Dquot));
    assert_eq!(guest.mkdir(ROOT, "new"), Err(Errno::Dquot));
    assert_eq!(guest.symlink("x", ROOT, "new"), Err(Errno::Dquot));
    assert_eq!(guest.link(ROOT, false, "file", ROOT, "new"), Err(Errno::Dquot));
    assert!(guest.open(ROOT, "file", Open::rw().oflags(CREAT)).is_ok(), "what exists can be opened");
    guest.rmdir(ROOT, "dir").expect("removable");
    assert_eq!(guest.mkdir(ROOT, "new"), Ok(()));
}

#[test]
fn what_a_directory_holds_at_first_is_counted() {
    let dir = scratch();
    std::fs::create_dir_all(dir.join("a/b")).expect("creatable");
    std::fs::write(dir.join("a/b/file"), [0; 70]).expect("writable");
    std::fs::hard_link(dir.join("a/b/file"), dir.join("same")).expect("linkable");
    std::os::unix::fs::symlink("12345", dir.join("link")).expect("creatable");
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    assert_eq!(volume.used(), None, "not before it is needed");
    let fd = guest.open(ROOT, "new", Open::rw().oflags(CREAT)).expect("creatable");
    assert_eq!(volume.used(), Some((75, 6)));
    assert_eq!(guest.write(fd, &[0; 100]), Ok(25));
}

/// A session's directories, one in the other as deep as no path goes.
fn dig(guest: &mut Guest, depth: usize) {
    let mut at = ROOT;
    for _ in 0..depth {
        guest.mkdir(at, "d").expect("creatable");
        let below = guest.open(at, "d", Open::dir()).expect("openable");
        if at != ROOT {
            guest.close(at).expect("open");
        }
        at = below;
    }
    let fd = guest.open(at, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.write(fd, b"bottom").expect("writable");
    guest.close(fd).expect("open");
    guest.close(at).expect("open");
}

#[test]
fn a_tree_as_deep_as_a_guest_makes_it_is_measured_and_removed_in_the_next_session() {
    const DEPTH: usize = 1500;
    let dir = scratch();
    let (mut first, volume) = with_quota(dir.path(), 1000, 2000);
    dig(&mut first, DEPTH);
    let used = volume.used();
    assert_eq!(used, Some((6, DEPTH as u64 + 1)));
    drop(first);
    let before = open_files();
    let (mut next, volume) = with_quota(dir.path(), 1000, 2000);
    next.create(ROOT, "new");
    assert_eq!(volume.used(), Some((6, DEPTH as u64 + 2)));
    assert!(open_files() <= before + 8, "and no handle is kept for any of it");
    // As programs remove a tree: down by handles, and up again.
    let mut way = vec![ROOT];
    for _ in 0..50 {
        way.push(next.open(*way.last().expect("a directory"), "d", Open::dir()).expect("openable"));
    }
    assert_eq!(next.rmdir(way[49], "d"), Err(Errno::Notempty));
    let deepest = *way.last().expect("a directory");
    let mut at = deepest;
    for _ in 50..DEPTH {
        let below = next.open(at, "d", Open::dir()).expect("openable");
        if at != deepest {
            next.close(at).expect("open");
        }
        at = below;
    }
    next.unlink(at, "file").expect("removable");
    assert_eq!(volume.used(), Some((0, DEPTH as u64 + 1)));
}

/// Descriptors of this process.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn measuring_is_paid_for_once_and_goes_on_where_fuel_ended() {
    let dir = scratch();
    for n in 0..300 {
        std::fs::write(dir.join(&format!("f{n}")), "x").expect("writable");
    }
    let (mut guest, volume) = with_quota(dir.path(), 10_000, 1000);
    let mut refused = 0;
    while volume.used().is_none() {
        guest.refuel(100_000);
        match guest.try_call("fd_filestat_set_times", &[i(ROOT), l(1), l(1), i(5)]) {
            Ok(answer) => assert_eq!(answer, 0),
            Err(trap) => {
                assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel));
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 6, "300 entries at 2,000, out of 100,000 less what the call itself costs");
    assert_eq!(volume.used(), Some((300, 300)));
    guest.refuel(300_000);
    guest.mkdir(ROOT, "new").expect("affordable");
    assert!(guest.fuel_used() < 220_000, "{}: it is measured", guest.fuel_used());
}

#[test]
fn one_volume_limits_all_contexts_that_share_it() {
    let dir = scratch();
    let (mut one, volume) = with_quota(dir.path(), 10, 10);
    let mut two = Guest::new(WasiCtx::builder().preopen(preopen(dir.path()).volume(volume.clone())));
    let (a, b) = (one.open(ROOT, "a", Open::rw().oflags(CREAT)), two.open(ROOT, "b", Open::rw().oflags(CREAT)));
    assert_eq!(one.write(a.expect("creatable"), &[0; 6]), Ok(6));
    assert_eq!(two.write(b.expect("creatable"), &[0; 6]), Ok(4));
    drop((one, two));
    assert_eq!(volume.used(), Some((10, 2)));
}

#[test]
fn a_context_that_ends_gives_back_what_its_open_files_held() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.set_size(fd, 100).expect("fits");
    guest.unlink(ROOT, "file").expect("removable");
    drop(guest);
    assert_eq!(volume.used(), Some((0, 0)));
}

#[test]
fn files_do_not_move_between_directories_that_count_apart() {
    let (a, b) = (scratch(), scratch());
    let builder = [&a, &b].into_iter().fold(WasiCtx::builder(), |builder, dir| {
        builder.preopen(preopen(dir.path()).quota(Quota { bytes: 100, files: 10 }))
    });
    let mut guest = Guest::new(builder);
    guest.create(3, "file");
    assert_eq!(guest.rename(3, "file", 4, "file"), Err(Errno::Xdev));
    assert_eq!(guest.link(3, false, "file", 4, "file"), Err(Errno::Xdev));
}

#[test]
fn setting_aside_more_than_the_quota_is_answered_whatever_it_would_cost() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut guest, _) = with_quota(dir.path(), 1 << 20, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.refuel(500_000);
    for len in [u32::MAX.into(), 1 << 40] {
        assert_eq!(guest.call("fd_allocate", &[i(fd), l(0), l(len)]), Err(Errno::Dquot), "{len}");
    }
    // What there is room for is paid for.
    guest.refuel(100_000);
    assert!(guest.try_call("fd_allocate", &[i(fd), l(0), l(1 << 20)]).is_err());
    guest.refuel(500_000);
    assert_eq!(guest.call("fd_allocate", &[i(fd), l(0), l(1 << 20)]), Ok(()));
}
