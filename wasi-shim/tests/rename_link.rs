//! Making, linking, renaming and removing, by name.

mod guest;

use guest::{DIRECTORY, Open, fresh, scratch};
use wasi_shim::Errno;

const ROOT: u32 = 3;

#[test]
fn a_directory_is_made_once() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        assert_eq!(guest.mkdir(ROOT, "d"), Ok(()), "{how}");
        for path in ["d", "d/", "./d", ".", "d/.", "d/.."] {
            assert_eq!(guest.mkdir(ROOT, path), Err(Errno::Exist), "{how}: {path}");
        }
        assert_eq!(guest.mkdir(ROOT, ".."), Err(Errno::Perm), "{how}");
        assert_eq!(guest.mkdir(ROOT, "e/"), Ok(()), "{how}: a slash after a directory to be made");
        assert_eq!(guest.mkdir(ROOT, "x/y"), Err(Errno::Noent), "{how}");
        guest.create(ROOT, "file");
        assert_eq!(guest.mkdir(ROOT, "file"), Err(Errno::Exist), "{how}");
        assert_eq!(guest.mkdir(ROOT, "file/x"), Err(Errno::Notdir), "{how}");
        for (path, call) in [("d", 0), ("e", 0), ("file", 1)] {
            let done = if call == 0 { guest.rmdir(ROOT, path) } else { guest.unlink(ROOT, path) };
            assert_eq!(done, Ok(()), "{how}");
        }
    }
}

#[test]
fn only_an_empty_directory_is_removed() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.mkdir(ROOT, "d").expect("creatable");
        guest.mkdir(ROOT, "d/nested").expect("creatable");
        assert_eq!(guest.rmdir(ROOT, "d"), Err(Errno::Notempty), "{how}");
        assert_eq!(guest.rmdir(ROOT, "d/nested/"), Ok(()), "{how}: with a slash");
        assert_eq!(guest.rmdir(ROOT, "d/."), Err(Errno::Inval), "{how}");
        assert_eq!(guest.rmdir(ROOT, "."), Err(Errno::Inval), "{how}");
        assert_eq!(guest.rmdir(ROOT, ".."), Err(Errno::Perm), "{how}");
        assert_eq!(guest.rmdir(ROOT, "d"), Ok(()), "{how}");
        assert_eq!(guest.rmdir(ROOT, "d"), Err(Errno::Noent), "{how}");
        guest.create(ROOT, "file");
        assert_eq!(guest.rmdir(ROOT, "file"), Err(Errno::Notdir), "{how}");
        assert_eq!(guest.rmdir(ROOT, "file/"), Err(Errno::Notdir), "{how}");
        guest.symlink("file", ROOT, "link").expect("creatable");
        assert_eq!(guest.rmdir(ROOT, "link"), Err(Errno::Notdir), "{how}");
        guest.unlink(ROOT, "link").expect("removable");
        guest.unlink(ROOT, "file").expect("removable");
    }
}

#[test]
fn only_what_is_no_directory_is_unlinked() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.mkdir(ROOT, "d").expect("creatable");
        for path in ["d", "d/", ".", "d/."] {
            assert_eq!(guest.unlink(ROOT, path), Err(Errno::Isdir), "{how}: {path}");
        }
        guest.rmdir(ROOT, "d").expect("removable");
        guest.create(ROOT, "file");
        assert_eq!(guest.unlink(ROOT, "file/"), Err(Errno::Notdir), "{how}");
        guest.symlink("file", ROOT, "link").expect("creatable");
        assert_eq!(guest.unlink(ROOT, "link"), Ok(()), "{how}: the link");
        assert!(guest.stat_at(ROOT, "file", false).is_ok(), "{how}: not what it led to");
        assert_eq!(guest.unlink(ROOT, "file"), Ok(()), "{how}");
        assert_eq!(guest.unlink(ROOT, "file"), Err(Errno::Noent), "{how}");
        assert_eq!(guest.unlink(ROOT, "../file"), Err(Errno::Perm), "{how}");
    }
}

#[test]
fn a_directory_is_renamed_onto_nothing_or_an_empty_one() {
    let mut guest = fresh();
    guest.mkdir(ROOT, "source").expect("creatable");
    assert_eq!(guest.rename(ROOT, "source", ROOT, "target"), Ok(()));
    assert_eq!(guest.open(ROOT, "source", Open::none().oflags(DIRECTORY)), Err(Errno::Noent));
    assert!(guest.open(ROOT, "target", Open::none().oflags(DIRECTORY)).is_ok());
    guest.mkdir(ROOT, "source").expect("creatable");
    assert_eq!(guest.rename(ROOT, "source", ROOT, "target"), Ok(()), "onto an empty directory");
    guest.mkdir(ROOT, "source").expect("creatable");
    guest.create(ROOT, "target/file");
    assert_eq!(guest.rename(ROOT, "source", ROOT, "target"), Err(Errno::Notempty));
    assert_eq!(guest.rename(ROOT, "source", ROOT, "target/file"), Err(Errno::Notdir));
    assert_eq!(guest.rename(ROOT, "target", ROOT, "target/inside"), Err(Errno::Inval), "into itself");
}

#[test]
fn a_file_is_renamed_onto_nothing_or_another_file() {
    let mut guest = fresh();
    guest.create(ROOT, "source");
    assert_eq!(guest.rename(ROOT, "source", ROOT, "target"), Ok(()));
    assert_eq!(guest.stat_at(ROOT, "source", false).map(drop), Err(Errno::Noent));
    guest.create(ROOT, "source");
    let ino = guest.stat_at(ROOT, "source", false).expect("there").ino;
    assert_eq!(guest.rename(ROOT, "source", ROOT, "target"), Ok(()), "onto another file");
    assert_eq!(guest.stat_at(ROOT, "target", false).map(|stat| stat.ino), Ok(ino));
    guest.mkdir(ROOT, "dir").expect("creatable");
    assert_eq!(guest.rename(ROOT, "target", ROOT, "dir"), Err(Errno::Isdir));
    assert_eq!(guest.rename(ROOT, "missing", ROOT, "x"), Err(Errno::Noent));
    assert_eq!(guest.rename(ROOT, "target", ROOT, "missing/x"), Err(Errno::Noent));
    assert_eq!(guest.rename(ROOT, "target", ROOT, "target"), Ok(()), "onto itself");
}

#[test]
fn renaming_with_a_trailing_slash_is_for_directories() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.mkdir(ROOT, "source").expect("creatable");
        assert_eq!(guest.rename(ROOT, "source/", ROOT, "target"), Ok(()), "{how}");
        assert_eq!(guest.rename(ROOT, "target", ROOT, "source/"), Ok(()), "{how}");
        assert_eq!(guest.rename(ROOT, "source/", ROOT, "target/"), Ok(()), "{how}");
        guest.rmdir(ROOT, "target").expect("removable");
        guest.create(ROOT, "source");
        assert_eq!(guest.rename(ROOT, "source/", ROOT, "target"), Err(Errno::Notdir), "{how}");
        assert_eq!(guest.rename(ROOT, "source", ROOT, "target/"), Err(Errno::Notdir), "{how}");
        assert_eq!(guest.rename(ROOT, "source/", ROOT, "target/"), Err(Errno::Notdir), "{how}");
        guest.unlink(ROOT, "source").expect("removable");
    }
}

#[test]
fn nothing_is_renamed_out_or_by_its_dots() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.mkdir(ROOT, "d").expect("creatable");
        assert_eq!(guest.rename(ROOT, "d", ROOT, "../d"), Err(Errno::Perm), "{how}");
        assert_eq!(guest.rename(ROOT, "../d", ROOT, "e"), Err(Errno::Perm), "{how}");
        assert_eq!(guest.rename(ROOT, "d", ROOT, "/tmp/d"), Err(Errno::Perm), "{how}");
        assert_eq!(guest.rename(ROOT, "d/.", ROOT, "e"), Err(Errno::Busy), "{how}");
        assert_eq!(guest.rename(ROOT, "d", ROOT, "."), Err(Errno::Busy), "{how}");
        assert_eq!(guest.rename(ROOT, "d", ROOT, ".."), Err(Errno::Perm), "{how}");
        guest.rmdir(ROOT, "d").expect("removable");
    }
}

#[test]
fn files_move_between_directories_by_their_descriptors() {
    let mut guest = fresh();
    guest.mkdir(ROOT, "a").expect("creatable");
    guest.mkdir(ROOT, "b").expect("creatable");
    let (a, b) = (guest.open(ROOT, "a", Open::dir()).expect("a"), guest.open(ROOT, "b", Open::dir()).expect("b"));
    guest.create(a, "file");
    assert_eq!(guest.rename(a, "file", b, "moved"), Ok(()));
    assert_eq!(guest.names(a, "."), Vec::<String>::new());
    assert_eq!(guest.names(b, "."), ["moved"]);
}

#[test]
fn a_link_is_the_same_file_under_another_name() {
    let mut guest = fresh();
    guest.mkdir(ROOT, "sub").expect("creatable");
    guest.create(ROOT, "file");
    assert_eq!(guest.link(ROOT, false, "file", ROOT, "link"), Ok(()));
    assert_eq!(guest.link(ROOT, false, "file", ROOT, "sub/link"), Ok(()));
    let (file, link) = (guest.stat_at(ROOT, "file", false), guest.stat_at(ROOT, "sub/link", false));
    assert_eq!(file, link);
    assert_eq!(file.map(|stat| stat.nlink), Ok(3));
    guest.unlink(ROOT, "file").expect("removable");
    assert_eq!(guest.stat_at(ROOT, "link", false).map(|stat| stat.nlink), Ok(2));
}

#[test]
fn a_link_never_replaces_anything() {
    let mut guest = fresh();
    for name in ["file", "other"] {
        guest.create(ROOT, name);
    }
    guest.mkdir(ROOT, "dir").expect("creatable");
    guest.symlink("nowhere", ROOT, "dangling").expect("creatable");
    for name in ["other", "file", "dir", "dir/", "dangling", "."] {
        assert_eq!(guest.link(ROOT, false, "file", ROOT, name), Err(Errno::Exist), "{name}");
    }
    assert_eq!(guest.link(ROOT, false, "file", ROOT, "new/"), Err(Errno::Noent));
    assert_eq!(guest.link(ROOT, false, "file", ROOT, "missing/new"), Err(Errno::Noent));
    assert_eq!(guest.link(ROOT, false, "file/", ROOT, "new"), Err(Errno::Notdir));
}

#[test]
fn directories_are_not_linked() {
    let mut guest = fresh();
    guest.mkdir(ROOT, "dir").expect("creatable");
    for name in ["dir", "dir/", "."] {
        assert_eq!(guest.link(ROOT, false, name, ROOT, "link"), Err(Errno::Perm), "{name}");
    }
}

#[test]
fn linking_a_symbolic_link_links_the_link_unless_told_to_follow() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.symlink("target", ROOT, "symlink").expect("creatable");
        assert_eq!(guest.link(ROOT, false, "symlink", ROOT, "link"), Ok(()), "{how}: dangling");
        assert_eq!(guest.readlink(ROOT, "link", 64), Ok("target".into()), "{how}");
        guest.unlink(ROOT, "link").expect("removable");
        assert_eq!(guest.link(ROOT, true, "symlink", ROOT, "link"), Err(Errno::Noent), "{how}");
        guest.create(ROOT, "target");
        assert_eq!(guest.link(ROOT, true, "symlink", ROOT, "link"), Ok(()), "{how}");
        assert_eq!(guest.stat_at(ROOT, "link", false).map(|stat| stat.nlink), Ok(2), "{how}");
        for name in ["link", "target", "symlink"] {
            guest.unlink(ROOT, name).expect("removable");
        }
    }
}

#[test]
fn nothing_is_linked_in_or_out() {
    let dir = scratch();
    std::fs::create_dir(dir.join("inside")).expect("creatable");
    std::fs::write(dir.join("secret"), "outside").expect("writable");
    std::os::unix::fs::symlink("../secret", dir.join("inside/way-out")).expect("creatable");
    for manual in [false, true] {
        let builder = wasi_shim::WasiCtx::builder().preopen(guest::preopen(&dir.join("inside")));
        let mut guest = guest::Guest::new(builder.force_manual_resolution(manual));
        assert_eq!(guest.link(ROOT, false, "../secret", ROOT, "mine"), Err(Errno::Perm));
        assert_eq!(guest.link(ROOT, true, "way-out", ROOT, "mine"), Err(Errno::Perm));
        guest.create(ROOT, "file");
        assert_eq!(guest.link(ROOT, false, "file", ROOT, "../mine"), Err(Errno::Perm));
        guest.unlink(ROOT, "file").expect("removable");
    }
}
