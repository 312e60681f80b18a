//! Scopes hold whatever is moved, linked or left open: nothing becomes readable that was not.

mod guest;

use guest::{CREAT, Guest, Open, l, preopen, scratch};
use wasi_shim::{Errno, Rights, Scope, Volume, WasiCtx};

const ROOT: u32 = 3;

/// `/r` can be read and written, `/w` only written, `/look` only read.
fn tree() -> guest::Scratch {
    let dir = scratch();
    for path in ["r/sub", "w/sub/inner", "look"] {
        std::fs::create_dir_all(dir.join(path)).expect("creatable");
    }
    for path in ["r/file", "r/sub/file", "w/secret", "w/sub/secret", "w/sub/inner/secret", "look/file"] {
        std::fs::write(dir.join(path), path).expect("writable");
    }
    std::os::unix::fs::symlink("secret", dir.join("w/link")).expect("creatable");
    dir
}

fn scope() -> Scope {
    let scope = Scope::new().read("/r").and_then(|scope| scope.read("/look"));
    scope.and_then(|scope| scope.write("/r")).and_then(|scope| scope.write("/w")).expect("valid")
}

fn guest_of(dir: &std::path::Path, scope: Scope) -> Guest {
    Guest::new(WasiCtx::builder().preopen(preopen(dir).scope(scope)))
}

#[test]
fn what_can_only_be_written_is_not_linked_or_moved_to_where_it_can_be_read() {
    let dir = tree();
    let mut guest = guest_of(dir.path(), scope());
    let r = guest.open(ROOT, "r", Open::dir()).expect("openable");
    let w = guest.open(ROOT, "w", Open::dir()).expect("openable");
    assert_eq!(guest.link(ROOT, false, "w/secret", ROOT, "r/mine"), Err(Errno::Acces));
    assert_eq!(guest.link(ROOT, true, "w/link", ROOT, "r/mine"), Err(Errno::Acces), "through a link");
    assert_eq!(guest.link(ROOT, false, "w/link", ROOT, "r/mine"), Err(Errno::Acces), "the link itself");
    assert_eq!(guest.link(w, false, "secret", r, "mine"), Err(Errno::Acces), "by descriptors");
    assert_eq!(guest.rename(ROOT, "w/secret", ROOT, "r/mine"), Err(Errno::Acces));
    assert_eq!(guest.rename(ROOT, "w/secret", ROOT, "r/file"), Err(Errno::Acces), "over something");
    assert_eq!(guest.rename(ROOT, "w/sub", ROOT, "r/mine"), Err(Errno::Acces), "a directory");
    assert_eq!(guest.rename(w, "sub/secret", r, "mine"), Err(Errno::Acces), "by descriptors");
    guest.symlink("../w/secret", ROOT, "r/way").expect("a link may be made");
    assert_eq!(guest.open(ROOT, "r/way", Open::read().follow()), Err(Errno::Acces), "and leads where it leads");
    assert_eq!(std::fs::read_to_string(dir.join("w/secret")).expect("still there"), "w/secret");
    assert!(!dir.join("r/mine").exists());
}

#[test]
fn what_can_be_read_is_moved_and_linked_as_before() {
    let dir = tree();
    let mut guest = guest_of(dir.path(), scope());
    assert_eq!(guest.link(ROOT, false, "r/file", ROOT, "r/other"), Ok(()));
    assert_eq!(guest.link(ROOT, false, "r/file", ROOT, "w/other"), Ok(()), "less can be done there");
    assert_eq!(guest.rename(ROOT, "r/sub", ROOT, "r/moved"), Ok(()));
    assert_eq!(guest.rename(ROOT, "r/moved", ROOT, "w/moved"), Ok(()));
    assert_eq!(guest.rename(ROOT, "w/sub/secret", ROOT, "w/secret 2"), Ok(()));
    assert_eq!(guest.rename(ROOT, "look/file", ROOT, "r/look"), Err(Errno::Acces), "not to be taken away");
    assert_eq!(guest.link(ROOT, false, "look/file", ROOT, "r/look"), Err(Errno::Acces), "nor to be written");
}

#[test]
fn a_directory_is_not_moved_above_a_prefix_that_can_be_read() {
    let dir = scratch();
    for path in ["plan/open", "hidden/open"] {
        std::fs::create_dir_all(dir.join(path)).expect("creatable");
        std::fs::write(dir.join(path).join("file"), path).expect("writable");
    }
    let scope = Scope::new().read("/plan/open").and_then(|scope| scope.write("/")).expect("valid");
    let mut guest = guest_of(dir.path(), scope);
    assert_eq!(guest.rename(ROOT, "plan", ROOT, "aside"), Ok(()));
    assert_eq!(guest.rename(ROOT, "hidden", ROOT, "plan"), Err(Errno::Acces), "/hidden/open cannot be read");
    assert_eq!(guest.mkdir(ROOT, "plan"), Ok(()));
    assert_eq!(guest.rename(ROOT, "hidden/open", ROOT, "plan/open"), Err(Errno::Acces));
    assert_eq!(guest.rename(ROOT, "hidden/open/file", ROOT, "plan/file"), Ok(()), "a place that cannot be read either");
}

#[test]
fn a_directory_that_was_open_when_it_moved_is_where_it_is_now() {
    let dir = tree();
    let mut guest = guest_of(dir.path(), scope());
    let sub = guest.open(ROOT, "r/sub", Open::dir()).expect("openable");
    assert!(guest.open(sub, "file", Open::read()).is_ok());
    guest.rename(ROOT, "r/sub", ROOT, "w/sub 2").expect("movable");
    guest.rename(ROOT, "w/secret", ROOT, "w/sub 2/secret").expect("movable");
    assert_eq!(guest.open(sub, "secret", Open::read()), Err(Errno::Acces));
    assert_eq!(guest.readdir_raw(sub, 100, 0), Err(Errno::Acces), "listing is reading");
    let r = guest.open(ROOT, "r", Open::dir()).expect("openable");
    assert_eq!(guest.rename(sub, "secret", r, "mine"), Err(Errno::Acces));
    let write = Open::none().base(Rights::FD_WRITE.bits()).oflags(CREAT);
    assert!(guest.open(sub, "written", write).is_ok());
    assert!(dir.join("w/sub 2/written").exists(), "what is allowed there still is");
    guest.rename(ROOT, "w/sub 2/file", ROOT, "w/file").expect("movable");
}

#[test]
fn a_directory_that_somebody_else_moved_is_not_taken_for_where_it_was() {
    let dir = tree();
    let mut guest = guest_of(dir.path(), scope());
    let sub = guest.open(ROOT, "r/sub", Open::dir()).expect("openable");
    std::fs::rename(dir.join("r/sub"), dir.join("w/moved")).expect("movable");
    std::fs::write(dir.join("w/moved/secret"), "secret").expect("writable");
    assert_eq!(guest.open(sub, "secret", Open::read()), Err(Errno::Noent), "nothing is where it was");
    std::fs::create_dir(dir.join("r/sub")).expect("creatable");
    assert_eq!(guest.open(sub, "secret", Open::read()), Err(Errno::Acces), "something else is");
    assert_eq!(guest.readdir_raw(sub, 100, 0), Err(Errno::Acces));
    assert_eq!(guest.set_times(sub, 1, 1, 5), Err(Errno::Acces));
    // The same by another guest of the same directory.
    let volume = Volume::new();
    let with = |scope| Guest::new(WasiCtx::builder().preopen(preopen(dir.path()).volume(volume.clone()).scope(scope)));
    let (mut one, mut other) = (with(scope()), with(scope()));
    let sub = one.open(ROOT, "r/sub", Open::dir()).expect("openable");
    other.rename(ROOT, "r/sub", ROOT, "w/sub 3").expect("movable");
    other.rename(ROOT, "w/secret", ROOT, "w/sub 3/secret").expect("movable");
    assert_eq!(one.open(sub, "secret", Open::read()), Err(Errno::Noent));
}

#[test]
fn a_directory_that_cannot_be_read_is_not_listed_however_it_was_opened() {
    let dir = tree();
    let mut guest = guest_of(dir.path(), scope());
    assert_eq!(guest.readdir_raw(ROOT, 100, 0), Err(Errno::Notcapable), "not even where it was preopened");
    assert_eq!(guest.fdstat(ROOT).expect("open").base & Rights::FD_READDIR.bits(), 0);
    assert_eq!(guest.set_times(ROOT, 1, 1, 5), Err(Errno::Notcapable), "nor changed");
    for path in [".", "w", "w/sub"] {
        let fd = guest.open(ROOT, path, Open::dir()).expect("openable");
        assert_eq!(guest.readdir_raw(fd, 100, 0), Err(Errno::Notcapable), "{path}");
        assert_eq!(guest.set_rights(fd, Rights::DIRECTORY.bits(), 0), Err(Errno::Notcapable), "{path}");
        guest.call("fd_renumber", &[guest::i(fd), guest::i(ROOT + 1)]).expect("renumbered");
        assert_eq!(guest.readdir_raw(ROOT + 1, 100, 0), Err(Errno::Notcapable), "{path}");
        guest.close(ROOT + 1).expect("open");
    }
    let r = guest.open(ROOT, "r", Open::dir()).expect("openable");
    assert!(guest.readdir_raw(r, 100, 0).is_ok());
}

#[test]
fn what_can_only_be_written_shows_its_size_and_nothing_of_what_is_in_it() {
    let dir = tree();
    let mut guest = guest_of(dir.path(), scope());
    assert_eq!(guest.stat_at(ROOT, "w/secret", false).map(|stat| stat.size), Ok(8), "who appends needs to know");
    assert_eq!(guest.readlink(ROOT, "w/link", 100), Err(Errno::Acces), "the target of a link is what is in it");
    assert_eq!(guest.open(ROOT, "w/secret", Open::read()), Err(Errno::Acces));
    assert_eq!(guest.open(ROOT, "w/new", Open::rw().oflags(CREAT)), Err(Errno::Acces));
    let write = Open::none().base((Rights::ALL & !Rights::FD_READ).bits()).oflags(CREAT);
    for name in ["w/secret", "w/new"] {
        let fd = guest.open(ROOT, name, write).expect("writable");
        assert_eq!(guest.read(fd, 10), Err(Errno::Notcapable), "{name}");
        assert_eq!(guest.pread(fd, 10, 0), Err(Errno::Notcapable), "{name}");
        let more = Rights::FD_READ | Rights::FD_WRITE;
        assert_eq!(guest.call("fd_fdstat_set_rights", &[guest::i(fd), l(more.bits()), l(0)]), Err(Errno::Notcapable));
    }
}
