//! `path_open`: flags, kinds of file, paths.

mod guest;

use guest::{
    APPEND, CREAT, DIRECTORY, DSYNC, EXCL, Guest, NONBLOCK, Open, RSYNC, SYNC, TRUNC, TYPE_DIRECTORY, TYPE_FILE, fresh,
    i, l, scratch,
};
use wasi_shim::{Errno, Rights};

const ROOT: u32 = 3;

#[test]
fn a_missing_file_is_missing_unless_it_is_to_be_created() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        assert_eq!(guest.open(ROOT, "file", Open::rw()), Err(Errno::Noent), "{how}");
        let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
        assert_eq!(guest.fdstat(fd).expect("open").filetype, TYPE_FILE);
        guest.unlink(ROOT, "file").expect("removable");
    }
}

#[test]
fn creating_exclusively_refuses_what_exists() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        let exclusive = Open::rw().oflags(CREAT | EXCL);
        let fd = guest.open(ROOT, "file", exclusive).expect("new");
        guest.close(fd).expect("open");
        assert_eq!(guest.open(ROOT, "file", exclusive), Err(Errno::Exist), "{how}");
        guest.symlink("nowhere", ROOT, "dangling").expect("creatable");
        assert_eq!(
            guest.open(ROOT, "dangling", exclusive.follow()),
            Err(Errno::Exist),
            "{how}: a link, wherever it leads"
        );
        guest.unlink(ROOT, "dangling").expect("removable");
        guest.unlink(ROOT, "file").expect("removable");
    }
}

#[test]
fn creating_through_a_dangling_link_creates_what_it_names() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.symlink("target", ROOT, "link").expect("creatable");
        let fd = guest.open(ROOT, "link", Open::rw().oflags(CREAT).follow()).expect("creatable");
        guest.close(fd).expect("open");
        assert_eq!(guest.stat_at(ROOT, "target", false).map(|stat| stat.filetype), Ok(TYPE_FILE), "{how}");
        guest.unlink(ROOT, "target").expect("removable");
        assert_eq!(guest.open(ROOT, "link", Open::rw().oflags(CREAT)), Err(Errno::Loop), "{how}: not followed");
        guest.unlink(ROOT, "link").expect("removable");
    }
}

#[test]
fn truncating_empties_a_file_and_nothing_else_does() {
    let dir = scratch();
    let mut guest = dir.guest();
    for (oflags, left) in [(0, 5), (CREAT, 5), (TRUNC, 0)] {
        std::fs::write(dir.join("file"), "hello").expect("writable");
        let fd = guest.open(ROOT, "file", Open::rw().oflags(oflags)).expect("openable");
        assert_eq!(guest.stat(fd).expect("open").size, left);
        guest.close(fd).expect("open");
    }
}

#[test]
fn a_directory_is_asked_for_and_got() {
    let dir = scratch();
    std::fs::create_dir(dir.join("sub")).expect("creatable");
    std::fs::write(dir.join("file"), "").expect("writable");
    for (how, mut guest) in dir.both() {
        let fd = guest.open(ROOT, "sub", Open::none().oflags(DIRECTORY)).expect("a directory");
        assert_eq!(guest.fdstat(fd).expect("open").filetype, TYPE_DIRECTORY, "{how}");
        assert_eq!(guest.open(ROOT, "file", Open::none().oflags(DIRECTORY)), Err(Errno::Notdir), "{how}");
        let fd = guest.open(ROOT, "sub", Open::none()).expect("also without asking");
        assert_eq!(guest.fdstat(fd).expect("open").filetype, TYPE_DIRECTORY, "{how}");
    }
}

#[test]
fn a_directory_cannot_be_opened_to_be_written() {
    let mut guest = fresh();
    for oflags in [0, DIRECTORY] {
        let write = Open::none().base((Rights::FD_READ | Rights::FD_WRITE).bits()).oflags(oflags);
        assert_eq!(guest.open(ROOT, ".", write), Err(Errno::Isdir));
    }
    assert_eq!(guest.open(ROOT, ".", Open::none().oflags(CREAT)), Err(Errno::Isdir));
    assert_eq!(guest.open(ROOT, ".", Open::none().oflags(TRUNC)), Err(Errno::Isdir));
    assert!(guest.open(ROOT, ".", Open::none().base(Rights::FD_READ.bits()).oflags(DIRECTORY)).is_ok());
    let generous = (Rights::ALL & !Rights::FD_WRITE).bits();
    assert!(guest.open(ROOT, ".", Open::none().base(generous)).is_ok(), "rights a directory cannot have are left out");
}

#[test]
fn the_preopened_directory_opens_again_with_the_same_rights() {
    let mut guest = fresh();
    let all = guest.fdstat(ROOT).expect("preopened");
    let again = Open::none().base(all.base).inheriting(all.inheriting);
    let fd = guest.open(ROOT, ".", again).expect("openable");
    assert_eq!(guest.fdstat(fd), Ok(all));
    assert!(guest.open(ROOT, ".", Open::none()).is_ok());
    assert!(guest.open(ROOT, ".", Open::none().fdflags(NONBLOCK)).is_ok());
}

#[test]
fn creating_a_directory_by_opening_is_invalid() {
    let mut guest = fresh();
    assert_eq!(guest.open(ROOT, "d", Open::none().oflags(CREAT | DIRECTORY)), Err(Errno::Inval));
}

#[test]
fn unknown_flags_are_invalid() {
    let mut guest = fresh();
    assert_eq!(guest.open(ROOT, ".", Open::none().oflags(16)), Err(Errno::Inval));
    assert_eq!(guest.open(ROOT, ".", Open::none().fdflags(32)), Err(Errno::Inval));
    let (at, len) = guest.put(b".");
    let lookup = [i(ROOT), i(2), i(at), i(len), i(0), l(0), l(0), i(0), i(64)];
    assert_eq!(guest.call("path_open", &lookup), Err(Errno::Inval));
}

#[test]
fn descriptor_flags_are_reported_and_changed() {
    let mut guest = fresh();
    for flags in [0, APPEND, DSYNC, NONBLOCK, RSYNC, SYNC, APPEND | NONBLOCK | SYNC] {
        let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT).fdflags(flags)).expect("openable");
        assert_eq!(guest.fdstat(fd).map(|stat| u32::from(stat.flags)), Ok(flags));
        assert_eq!(guest.write(fd, b"abc"), Ok(3), "writing works under {flags}");
        assert_eq!(guest.set_flags(fd, flags ^ APPEND), Ok(()));
        assert_eq!(guest.fdstat(fd).map(|stat| u32::from(stat.flags)), Ok(flags ^ APPEND));
        assert_eq!(guest.set_flags(fd, 32), Err(Errno::Inval));
        guest.close(fd).expect("open");
    }
}

#[test]
fn a_trailing_slash_asks_for_a_directory() {
    let dir = scratch();
    std::fs::create_dir_all(dir.join("dir/nested")).expect("creatable");
    std::fs::write(dir.join("dir/nested/file"), "").expect("writable");
    for (how, mut guest) in dir.both() {
        for path in ["dir/nested/file/", "dir/nested/file///", "dir/nested/file/."] {
            assert_eq!(guest.open(ROOT, path, Open::none()), Err(Errno::Notdir), "{how}: {path}");
        }
        for path in ["dir/nested/", "dir/nested///", "dir/nested/.", "dir//./nested/.././nested"] {
            assert!(guest.open(ROOT, path, Open::none()).is_ok(), "{how}: {path}");
        }
        assert_eq!(guest.open(ROOT, "new/", Open::none().oflags(CREAT)), Err(Errno::Isdir), "{how}");
        assert_eq!(guest.open(ROOT, "new/", Open::none()), Err(Errno::Noent), "{how}");
    }
}

#[test]
fn dots_lead_where_they_should_and_no_further() {
    let dir = scratch();
    std::fs::create_dir_all(dir.join("dir/nested")).expect("creatable");
    std::fs::write(dir.join("dir/nested/file"), "").expect("writable");
    for (how, mut guest) in dir.both() {
        let winding = "dir/.//nested/../../dir/nested/../nested///./file";
        assert!(guest.open(ROOT, winding, Open::none()).is_ok(), "{how}");
        for path in ["..", "../", "dir/../..", "dir/nested/../../../x", "./..", "dir/../../dir"] {
            assert_eq!(guest.open(ROOT, path, Open::none()), Err(Errno::Perm), "{how}: {path}");
            assert_eq!(guest.stat_at(ROOT, path, true), Err(Errno::Perm), "{how}: {path}");
        }
        let sub = guest.open(ROOT, "dir", Open::dir()).expect("openable");
        assert_eq!(guest.open(sub, "../dir", Open::none()), Err(Errno::Perm), "{how}: each descriptor is its own root");
        assert_eq!(
            guest.open(ROOT, "dir/nested/file/..", Open::none()),
            Err(Errno::Notdir),
            "{how}: a file has no parent"
        );
        assert_eq!(guest.open(ROOT, "missing/..", Open::none()), Err(Errno::Noent), "{how}");
    }
}

#[test]
fn malformed_paths_are_refused_for_what_is_wrong_with_them() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        assert_eq!(guest.open(ROOT, "", Open::none()), Err(Errno::Noent), "{how}");
        assert_eq!(guest.open(ROOT, "/", Open::none()), Err(Errno::Perm), "{how}");
        assert_eq!(guest.open(ROOT, "/etc/passwd", Open::none()), Err(Errno::Perm), "{how}");
        assert_eq!(guest.open(ROOT, "file\0", Open::none()), Err(Errno::Inval), "{how}");
        assert_eq!(guest.open(ROOT, &"n".repeat(256), Open::none()), Err(Errno::Nametoolong), "{how}");
        assert_eq!(guest.open(ROOT, &"a/".repeat(2048), Open::none()), Err(Errno::Nametoolong), "{how}");
        let (at, _) = guest.put(b"\xff\xfe");
        let open = [i(ROOT), i(0), i(at), i(2), i(0), l(0), l(0), i(0), i(64)];
        assert_eq!(guest.call("path_open", &open), Err(Errno::Ilseq), "{how}");
    }
}

#[test]
fn a_path_from_what_is_no_directory_is_not_resolved() {
    let mut guest = fresh();
    guest.create(ROOT, "file");
    let fd = guest.open(ROOT, "file", Open::rw()).expect("openable");
    assert_eq!(guest.open(fd, "x", Open::none()), Err(Errno::Notdir));
    assert_eq!(guest.open(0, "x", Open::none()), Err(Errno::Notdir));
    assert_eq!(guest.open(77, "x", Open::none()), Err(Errno::Badf));
    assert_eq!(guest.open(ROOT, "file/x", Open::none()), Err(Errno::Notdir));
}

#[test]
fn names_of_any_script_work() {
    let mut guest = fresh();
    for name in ["späße", "日本語", "🎛️", " ", "-", "a b\tc", "..."] {
        guest.create(ROOT, name);
        assert!(guest.stat_at(ROOT, name, false).is_ok(), "{name}");
    }
    assert_eq!(guest.names(ROOT, ".").len(), 7);
}

#[test]
fn pipes_sockets_and_devices_are_seen_moved_and_removed_but_not_opened() {
    use rustix::fs::{CWD, FileType, Mode};
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        rustix::fs::mknodat(CWD, dir.join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("creatable");
        let _listening = std::os::unix::net::UnixListener::bind(dir.join("socket")).expect("creatable");
        for name in ["pipe", "socket"] {
            assert!(guest.stat_at(ROOT, name, true).is_ok(), "{how}: {name}");
            // A pipe would block until somebody opens the other end.
            for open in [Open::read(), Open::rw(), Open::rw().oflags(CREAT), Open::rw().oflags(TRUNC)] {
                assert_eq!(guest.open(ROOT, name, open), Err(Errno::Acces), "{how}: {name}");
            }
            assert_eq!(guest.rename(ROOT, name, ROOT, "moved"), Ok(()), "{how}: {name}");
            assert_eq!(guest.unlink(ROOT, "moved"), Ok(()), "{how}: {name}");
        }
    }
}

#[test]
fn descriptors_are_numbered_from_the_lowest_that_is_free() {
    let mut guest = fresh();
    let opened: Vec<_> = (0..3).map(|_| guest.open(ROOT, ".", Open::dir()).expect("openable")).collect();
    assert_eq!(opened, [4, 5, 6]);
    guest.close(5).expect("open");
    assert_eq!(guest.open(ROOT, ".", Open::dir()), Ok(5));
    assert_eq!(guest.open(ROOT, ".", Open::dir()), Ok(7));
}

#[test]
fn a_file_removed_while_open_goes_on_working() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.unlink(ROOT, "file").expect("removable");
    assert_eq!(guest.write(fd, b"still here"), Ok(10));
    assert_eq!(guest.stat(fd).map(|stat| (stat.size, stat.nlink)), Ok((10, 0)));
    guest.create(ROOT, "file");
    assert_eq!(guest.stat_at(ROOT, "file", false).map(|stat| stat.size), Ok(0));
}

#[test]
fn a_guest_cannot_tell_the_resolvers_apart_by_what_they_open() {
    let dir = scratch();
    std::fs::create_dir_all(dir.join("a/b/c")).expect("creatable");
    std::fs::write(dir.join("a/b/c/f"), "x").expect("writable");
    for (link, target) in [
        ("a/up", ".."),
        ("a/b/down", "c"),
        ("self", "self"),
        ("out", "../.."),
        ("abs", "/"),
        ("chain", "a/up/a/b/down/f"),
    ] {
        std::os::unix::fs::symlink(target, dir.join(link)).expect("creatable");
    }
    let paths = [
        "a/up/a/b",
        "a/b/down/f",
        "chain",
        "chain/",
        "self",
        "self/x",
        "out",
        "out/x",
        "abs",
        "abs/etc",
        "a/up/..",
        "a/up/../x",
        "a/b/down/../c/f",
        "a/b/down/..",
        "a/up/",
        "a/b/c/f/",
        "nope/x",
        "a/nope",
        "a/b/c/f/x",
        "out/..",
        "a/../a/up/abs",
    ];
    let answers = dir.both().map(|(_, mut guest)| {
        paths.map(|path| {
            [false, true].map(|follow| {
                let how = if follow { Open::none().follow() } else { Open::none() };
                let opened = guest.open(ROOT, path, how).map(|fd| kind(&mut guest, fd));
                (opened, guest.stat_at(ROOT, path, follow).map(|stat| stat.ino))
            })
        })
    });
    for (at, path) in paths.iter().enumerate() {
        assert_eq!(answers[0][at], answers[1][at], "{path}");
    }
}

fn kind(guest: &mut Guest, fd: u32) -> (u8, u64) {
    let stat = guest.fdstat(fd).expect("open");
    guest.close(fd).expect("open");
    (stat.filetype, stat.base)
}
