//! Rights: a descriptor can be used for what it was given, and never for more.

mod guest;

use guest::{CREAT, Guest, OUT, Open, TRUNC, fresh, i, l, scratch};
use wasi_shim::{Access, Errno, Preopen, Rights, WasiCtx};

const ROOT: u32 = 3;

/// A call on a path, from the directory given.
type Call = fn(&mut Guest, u32) -> Result<(), Errno>;

fn read_only(dir: &std::path::Path) -> Guest {
    Guest::new(WasiCtx::builder().preopen(Preopen::new(dir, "/").access(Access::READ)))
}

#[test]
fn a_preopen_without_access_can_do_nothing() {
    let dir = scratch();
    std::fs::write(dir.join("file"), "x").expect("writable");
    let mut guest = Guest::new(WasiCtx::builder().preopen(Preopen::new(dir.path(), "/")));
    assert_eq!(guest.open(ROOT, "file", Open::none()), Err(Errno::Notcapable));
    assert_eq!(guest.stat_at(ROOT, "file", false), Err(Errno::Notcapable));
    assert_eq!(guest.readdir(ROOT, 512, 0), Err(Errno::Notcapable));
    assert_eq!(guest.mkdir(ROOT, "d"), Err(Errno::Notcapable));
}

#[test]
fn a_read_only_preopen_is_read_and_not_changed() {
    let dir = scratch();
    std::fs::write(dir.join("file"), "text").expect("writable");
    std::fs::create_dir(dir.join("sub")).expect("creatable");
    let mut guest = read_only(dir.path());
    let fd = guest.open(ROOT, "file", Open::read()).expect("readable");
    assert_eq!(guest.read(fd, 10), Ok(b"text".to_vec()));
    assert_eq!(guest.open(ROOT, "file", Open::rw()), Err(Errno::Notcapable));
    assert_eq!(guest.open(ROOT, "new", Open::read().oflags(CREAT)), Err(Errno::Notcapable));
    assert_eq!(guest.open(ROOT, "file", Open::read().oflags(TRUNC)), Err(Errno::Notcapable));
    assert_eq!(guest.mkdir(ROOT, "d"), Err(Errno::Notcapable));
    assert_eq!(guest.rmdir(ROOT, "sub"), Err(Errno::Notcapable));
    assert_eq!(guest.unlink(ROOT, "file"), Err(Errno::Notcapable));
    assert_eq!(guest.rename(ROOT, "file", ROOT, "other"), Err(Errno::Notcapable));
    assert_eq!(guest.link(ROOT, false, "file", ROOT, "other"), Err(Errno::Notcapable));
    assert_eq!(guest.symlink("file", ROOT, "other"), Err(Errno::Notcapable));
    assert_eq!(guest.set_times_at(ROOT, false, "file", (0, 0), 4), Err(Errno::Notcapable));
    assert_eq!(std::fs::read(dir.join("file")).expect("still there"), b"text");
}

#[test]
fn rights_a_program_asks_for_in_vain_are_left_out_unless_they_are_to_read_or_write() {
    let dir = scratch();
    std::fs::write(dir.join("file"), "text").expect("writable");
    let mut guest = read_only(dir.path());
    // Programs ask for all rights there are on a file to be read; that has to work.
    let generous = Rights::ALL & !(Rights::FD_WRITE);
    let fd = guest.open(ROOT, "file", Open::none().base(generous.bits())).expect("readable");
    assert_eq!(guest.fdstat(fd).expect("open").base, Access::READ.file.bits());
}

#[test]
fn a_file_has_the_rights_it_was_opened_with() {
    let dir = scratch();
    let mut guest = dir.guest();
    guest.create(ROOT, "file");
    let asked = Rights::FD_READ | Rights::FD_TELL;
    let fd = guest.open(ROOT, "file", Open::none().base(asked.bits())).expect("openable");
    assert_eq!(guest.fdstat(fd).expect("open").base, asked.bits());
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Notcapable));
    assert_eq!(guest.seek(fd, 1, 0), Err(Errno::Notcapable));
    assert_eq!(guest.seek(fd, 0, 1), Ok(0), "where one is may be asked with the right to tell");
    assert_eq!(guest.stat(fd), Err(Errno::Notcapable));
    assert_eq!(guest.set_size(fd, 0), Err(Errno::Notcapable));
    assert_eq!(guest.allocate(fd, 0, 1), Err(Errno::Notcapable));
    assert_eq!(guest.set_times(fd, 0, 0, 0), Err(Errno::Notcapable));
    assert_eq!(guest.set_flags(fd, 0), Err(Errno::Notcapable));
    for (call, args) in
        [("fd_sync", vec![i(fd)]), ("fd_datasync", vec![i(fd)]), ("fd_advise", vec![i(fd), l(0), l(0), i(0)])]
    {
        assert_eq!(guest.call(call, &args), Err(Errno::Notcapable), "{call}");
    }
}

#[test]
fn reading_at_an_offset_takes_the_right_to_seek() {
    let dir = scratch();
    let mut guest = dir.guest();
    guest.create(ROOT, "file");
    let fd = guest.open(ROOT, "file", Open::none().base(Rights::FD_READ.bits())).expect("openable");
    assert_eq!(guest.pread(fd, 1, 0), Err(Errno::Notcapable));
    let fd = guest.open(ROOT, "file", Open::none().base((Rights::FD_READ | Rights::FD_SEEK).bits())).expect("openable");
    assert_eq!(guest.pread(fd, 1, 0), Ok(vec![]));
}

#[test]
fn rights_can_be_dropped_and_not_taken_back() {
    let dir = scratch();
    let mut guest = dir.guest();
    guest.create(ROOT, "file");
    let fd = guest.open(ROOT, "file", Open::rw()).expect("openable");
    let before = guest.fdstat(fd).expect("open");
    let fewer = before.base & !(Rights::FD_READ | Rights::FD_WRITE).bits();
    assert_eq!(guest.set_rights(fd, fewer, 0), Ok(()));
    assert_eq!(guest.fdstat(fd).expect("open").base, fewer);
    assert_eq!(guest.read(fd, 1), Err(Errno::Notcapable));
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Notcapable));
    assert_eq!(guest.set_rights(fd, before.base, 0), Err(Errno::Notcapable));
    assert_eq!(guest.set_rights(fd, fewer, Rights::FD_READ.bits()), Err(Errno::Notcapable));
    assert_eq!(guest.set_rights(fd, fewer | 1 << 40, 0), Err(Errno::Notcapable), "a bit nobody has");
    assert_eq!(guest.fdstat(fd).expect("open").base, fewer, "a refused change changes nothing");
}

#[test]
fn what_is_opened_through_a_directory_has_no_more_than_the_directory_passes_on() {
    let dir = scratch();
    std::fs::create_dir(dir.join("sub")).expect("creatable");
    std::fs::write(dir.join("sub/file"), "text").expect("writable");
    let mut guest = dir.guest();
    let passes = Rights::FD_READ | Rights::FD_SEEK;
    let sub = guest.open(ROOT, "sub", Open::dir().inheriting(passes.bits())).expect("openable");
    assert_eq!(guest.fdstat(sub).expect("open").inheriting, passes.bits());
    let fd = guest.open(sub, "file", Open::none().base((passes | Rights::FD_TELL).bits())).expect("readable");
    assert_eq!(guest.fdstat(fd).expect("open").base, passes.bits());
    assert_eq!(guest.open(sub, "file", Open::rw()), Err(Errno::Notcapable));
}

#[test]
fn a_directory_never_has_rights_that_are_a_files() {
    let dir = scratch();
    let mut guest = dir.guest();
    let base = guest.fdstat(ROOT).expect("preopened").base;
    for right in [Rights::FD_READ, Rights::FD_WRITE, Rights::FD_SEEK, Rights::FD_FILESTAT_SET_SIZE] {
        assert_eq!(base & right.bits(), 0);
    }
    let fd = guest.open(ROOT, ".", Open::dir().base(Rights::FD_SEEK.bits())).expect("openable");
    assert_eq!(guest.fdstat(fd).expect("open").base, 0);
}

#[test]
fn truncating_by_path_takes_the_right_on_the_directory() {
    let dir = scratch();
    let mut guest = dir.guest();
    guest.create(ROOT, "file");
    let fd = guest.open(ROOT, "file", Open::none().oflags(TRUNC)).expect("no right on the file is needed");
    guest.close(fd).expect("open");
    let all = guest.fdstat(ROOT).expect("preopened");
    let without_file_right = all.inheriting & !Rights::FD_FILESTAT_SET_SIZE.bits();
    guest.set_rights(ROOT, all.base, without_file_right).expect("fewer");
    assert!(guest.open(ROOT, "file", Open::none().oflags(TRUNC)).is_ok());
    let without = all.base & !Rights::PATH_FILESTAT_SET_SIZE.bits();
    guest.set_rights(ROOT, without, without_file_right).expect("fewer");
    assert_eq!(guest.open(ROOT, "file", Open::none().oflags(TRUNC)), Err(Errno::Notcapable));
}

#[test]
fn every_call_on_a_path_takes_its_right() {
    let dir = scratch();
    std::fs::write(dir.join("file"), "x").expect("writable");
    std::fs::create_dir(dir.join("sub")).expect("creatable");
    std::os::unix::fs::symlink("file", dir.join("link")).expect("creatable");
    let calls: [(Rights, Call); 12] = [
        (Rights::PATH_OPEN, |g, fd| g.open(fd, "file", Open::none()).map(drop)),
        (Rights::PATH_CREATE_FILE, |g, fd| g.open(fd, "new", Open::none().oflags(CREAT)).map(drop)),
        (Rights::PATH_CREATE_DIRECTORY, |g, fd| g.mkdir(fd, "made")),
        (Rights::PATH_FILESTAT_GET, |g, fd| g.stat_at(fd, "file", false).map(drop)),
        (Rights::PATH_FILESTAT_SET_TIMES, |g, fd| g.set_times_at(fd, false, "file", (0, 0), 0)),
        (Rights::PATH_READLINK, |g, fd| g.readlink(fd, "link", 8).map(drop)),
        (Rights::PATH_SYMLINK, |g, fd| g.symlink("file", fd, "another")),
        (Rights::PATH_LINK_SOURCE, |g, fd| g.link(fd, false, "file", ROOT, "second")),
        (Rights::PATH_LINK_TARGET, |g, fd| g.link(ROOT, false, "file", fd, "third")),
        (Rights::PATH_RENAME_SOURCE, |g, fd| g.rename(fd, "link", ROOT, "renamed")),
        (Rights::PATH_RENAME_TARGET, |g, fd| g.rename(ROOT, "renamed", fd, "link")),
        (Rights::PATH_REMOVE_DIRECTORY, |g, fd| g.rmdir(fd, "sub")),
    ];
    let mut guest = dir.guest();
    for (right, call) in calls {
        let fd = guest.open(ROOT, ".", Open::dir()).expect("openable");
        let all = guest.fdstat(fd).expect("open");
        guest.set_rights(fd, all.base & !right.bits(), all.inheriting).expect("fewer");
        assert_eq!(call(&mut guest, fd), Err(Errno::Notcapable), "without {right:?}");
        assert_eq!(call(&mut guest, ROOT), Ok(()), "with {right:?}");
        guest.close(fd).expect("open");
    }
}

#[test]
fn a_descriptor_that_is_not_open_has_no_rights_to_speak_of() {
    let mut guest = fresh();
    assert_eq!(guest.call("fd_fdstat_get", &[i(9), i(OUT)]), Err(Errno::Badf));
    assert_eq!(guest.set_rights(9, 0, 0), Err(Errno::Badf));
    assert_eq!(guest.set_flags(u32::MAX, 0), Err(Errno::Badf));
}
