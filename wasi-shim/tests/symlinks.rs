//! Symbolic links: followed inside, never out.

mod guest;

use std::os::unix::fs::symlink;

use guest::{CREAT, DIRECTORY, Guest, Open, Scratch, TYPE_DIRECTORY, TYPE_FILE, TYPE_LINK, fresh, preopen, scratch};
use wasi_shim::{Errno, WasiCtx};

const ROOT: u32 = 3;

/// A directory with a secret beside it, and guests that have only the directory.
fn with_secret() -> (Scratch, [(&'static str, Guest); 2]) {
    let dir = scratch();
    std::fs::create_dir(dir.join("inside")).expect("creatable");
    std::fs::create_dir(dir.join("outside")).expect("creatable");
    std::fs::write(dir.join("outside/secret"), "not yours").expect("writable");
    let guests = [false, true].map(|manual| {
        let builder = WasiCtx::builder().preopen(preopen(&dir.join("inside"))).force_manual_resolution(manual);
        (if manual { "component by component" } else { "by the kernel" }, Guest::new(builder))
    });
    (dir, guests)
}

#[test]
fn no_link_leads_out_however_it_is_written() {
    let (dir, guests) = with_secret();
    let outside = dir.join("outside");
    let absolute = outside.to_str().expect("text");
    for (name, target) in [
        ("relative", "../outside"),
        ("absolute", absolute),
        ("file", "../outside/secret"),
        ("absolute-file", &format!("{absolute}/secret")),
        ("winding", "./../inside/../outside"),
        ("twice", "relative"),
        ("up", ".."),
        ("root", "/"),
        ("proc", "/proc/self/cwd"),
    ] {
        symlink(target, dir.join("inside").join(name)).expect("creatable");
    }
    for (how, mut guest) in guests {
        for path in [
            "relative/secret",
            "absolute/secret",
            "file",
            "absolute-file",
            "winding/secret",
            "twice/secret",
            "up/outside/secret",
            "root/etc/passwd",
            "proc/x",
            "up",
            "relative/",
            "root/",
        ] {
            assert_eq!(guest.open(ROOT, path, Open::none().follow()), Err(Errno::Perm), "{how}: {path}");
            assert_eq!(guest.stat_at(ROOT, path, true), Err(Errno::Perm), "{how}: {path}");
            assert_eq!(guest.set_times_at(ROOT, true, path, (0, 0), 5), Err(Errno::Perm), "{how}: {path}");
            // A file cannot be created under a name with a slash after it, wherever it leads.
            let created = if path.ends_with('/') { Errno::Isdir } else { Errno::Perm };
            assert_eq!(guest.open(ROOT, path, Open::rw().oflags(CREAT).follow()), Err(created), "{how}: {path}");
        }
        for path in ["relative/x", "absolute/x", "up/x", "root/x"] {
            assert_eq!(guest.mkdir(ROOT, path), Err(Errno::Perm), "{how}: {path}");
            assert_eq!(guest.unlink(ROOT, path), Err(Errno::Perm), "{how}: {path}");
            assert_eq!(guest.rmdir(ROOT, path), Err(Errno::Perm), "{how}: {path}");
            assert_eq!(guest.symlink("x", ROOT, path), Err(Errno::Perm), "{how}: {path}");
            assert_eq!(guest.readlink(ROOT, path, 64), Err(Errno::Perm), "{how}: {path}");
            assert_eq!(guest.rename(ROOT, "file", ROOT, path), Err(Errno::Perm), "{how}: {path}");
        }
    }
    assert_eq!(std::fs::read(outside.join("secret")).expect("untouched"), b"not yours");
    assert_eq!(std::fs::read_dir(&outside).expect("untouched").count(), 1);
}

#[test]
fn a_link_with_an_absolute_target_cannot_be_made() {
    let mut guest = fresh();
    for target in ["/", "/etc/passwd", "//x"] {
        assert_eq!(guest.symlink(target, ROOT, "link"), Err(Errno::Perm), "{target}");
    }
    assert_eq!(guest.symlink("", ROOT, "link"), Err(Errno::Noent));
    assert_eq!(guest.symlink("a\0b", ROOT, "link"), Err(Errno::Inval));
    assert_eq!(guest.symlink(&"x".repeat(4096), ROOT, "link"), Err(Errno::Nametoolong));
}

#[test]
fn a_link_is_followed_when_asked() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.create(ROOT, "file");
        guest.mkdir(ROOT, "dir").expect("creatable");
        guest.symlink("file", ROOT, "to-file").expect("creatable");
        guest.symlink("dir", ROOT, "to-dir").expect("creatable");
        for (link, filetype) in [("to-file", TYPE_FILE), ("to-dir", TYPE_DIRECTORY)] {
            assert_eq!(guest.stat_at(ROOT, link, false).map(|stat| stat.filetype), Ok(TYPE_LINK), "{how}: {link}");
            assert_eq!(guest.stat_at(ROOT, link, true).map(|stat| stat.filetype), Ok(filetype), "{how}: {link}");
            let fd = guest.open(ROOT, link, Open::none().follow()).expect("openable");
            assert_eq!(guest.fdstat(fd).map(|stat| stat.filetype), Ok(filetype), "{how}: {link}");
        }
        assert!(guest.open(ROOT, "to-dir", Open::dir().follow()).is_ok(), "{how}");
        assert_eq!(guest.open(ROOT, "to-file", Open::dir().follow()), Err(Errno::Notdir), "{how}");
        for name in ["to-file", "to-dir", "file"] {
            guest.unlink(ROOT, name).expect("removable");
        }
        guest.rmdir(ROOT, "dir").expect("removable");
    }
}

#[test]
fn a_link_is_not_followed_when_not_asked() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.mkdir(ROOT, "dir").expect("creatable");
        for (link, target) in [("to-dir", "dir"), ("dangling", "nowhere"), ("loop", "loop")] {
            guest.symlink(target, ROOT, link).expect("creatable");
            assert_eq!(guest.open(ROOT, link, Open::none()), Err(Errno::Loop), "{how}: {link}");
            assert_eq!(guest.open(ROOT, link, Open::none().oflags(DIRECTORY)), Err(Errno::Notdir), "{how}: {link}");
        }
        assert!(guest.open(ROOT, "to-dir/", Open::none()).is_ok(), "{how}: a slash asks for what it leads to");
        assert!(guest.open(ROOT, "to-dir/.", Open::none()).is_ok(), "{how}");
        for name in ["to-dir", "dangling", "loop"] {
            guest.unlink(ROOT, name).expect("removable");
        }
        guest.rmdir(ROOT, "dir").expect("removable");
    }
}

#[test]
fn a_slash_in_a_link_rules_out_creation_wherever_it_leads() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        for (link, target) in [("dangling", "nowhere/file"), ("loop", "loop"), ("slash", "new/")] {
            guest.symlink(target, ROOT, link).expect("creatable");
        }
        for (link, target) in [("to-dangling", "dangling/"), ("to-loop", "loop/"), ("to-slash", "slash")] {
            guest.symlink(target, ROOT, link).expect("creatable");
            let create = Open::rw().oflags(CREAT).follow();
            assert_eq!(guest.open(ROOT, link, create), Err(Errno::Isdir), "{how}: {link}");
        }
        for name in ["dangling", "loop", "slash", "to-dangling", "to-loop", "to-slash"] {
            guest.unlink(ROOT, name).expect("removable");
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("listable").count(), 0, "{how}: nothing was created");
    }
}

#[test]
fn a_loop_of_links_ends() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.symlink("b", ROOT, "a").expect("creatable");
        guest.symlink("a", ROOT, "b").expect("creatable");
        guest.symlink("self/self", ROOT, "self").expect("creatable");
        for path in ["a", "b", "a/x", "self", "self/x"] {
            assert_eq!(guest.open(ROOT, path, Open::none().follow()), Err(Errno::Loop), "{how}: {path}");
            assert_eq!(guest.stat_at(ROOT, path, true), Err(Errno::Loop), "{how}: {path}");
        }
        for name in ["a", "b", "self"] {
            guest.unlink(ROOT, name).expect("removable");
        }
    }
}

#[test]
fn a_chain_of_links_is_followed_to_its_end() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.create(ROOT, "l0");
        for n in 1..=30 {
            guest.symlink(&format!("l{}", n - 1), ROOT, &format!("l{n}")).expect("creatable");
        }
        assert!(guest.open(ROOT, "l30", Open::none().follow()).is_ok(), "{how}");
        for n in 0..=30 {
            guest.unlink(ROOT, &format!("l{n}")).expect("removable");
        }
    }
}

#[test]
fn links_that_multiply_end_before_memory_does() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        let wide = "x/".repeat(511);
        guest.symlink(&format!("{wide}x"), ROOT, "x").expect("creatable");
        let answer = guest.open(ROOT, "x", Open::none().follow());
        assert!(matches!(answer, Err(Errno::Loop | Errno::Nametoolong)), "{how}: {answer:?}");
        guest.unlink(ROOT, "x").expect("removable");
    }
}

#[test]
fn a_target_is_read_as_far_as_it_fits() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.symlink("target", ROOT, "link").expect("creatable");
        assert_eq!(guest.readlink(ROOT, "link", 10), Ok("target".into()), "{how}");
        assert_eq!(guest.readlink(ROOT, "link", 4), Ok("targ".into()), "{how}");
        assert_eq!(guest.readlink(ROOT, "link", 0), Ok(String::new()), "{how}");
        guest.create(ROOT, "file");
        assert_eq!(guest.readlink(ROOT, "file", 10), Err(Errno::Inval), "{how}");
        assert_eq!(guest.readlink(ROOT, ".", 10), Err(Errno::Inval), "{how}");
        assert_eq!(guest.readlink(ROOT, "missing", 10), Err(Errno::Noent), "{how}");
        guest.unlink(ROOT, "link").expect("removable");
        guest.unlink(ROOT, "file").expect("removable");
    }
}

#[test]
fn a_link_never_replaces_anything() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.create(ROOT, "file");
        guest.mkdir(ROOT, "dir").expect("creatable");
        for (path, errno) in [
            ("file", Errno::Exist),
            ("file/", Errno::Notdir),
            ("dir", Errno::Exist),
            ("dir/", Errno::Exist),
            (".", Errno::Exist),
            ("new/", Errno::Noent),
        ] {
            assert_eq!(guest.symlink("source", ROOT, path), Err(errno), "{how}: {path}");
        }
        guest.unlink(ROOT, "file").expect("removable");
        guest.rmdir(ROOT, "dir").expect("removable");
    }
}

#[test]
fn a_link_that_climbs_within_the_directory_is_followed() {
    let dir = scratch();
    for (how, mut guest) in dir.both() {
        guest.mkdir(ROOT, "a").expect("creatable");
        guest.mkdir(ROOT, "a/b").expect("creatable");
        guest.create(ROOT, "top");
        guest.symlink("../../top", ROOT, "a/b/link").expect("creatable");
        assert!(guest.open(ROOT, "a/b/link", Open::none().follow()).is_ok(), "{how}");
        let sub = guest.open(ROOT, "a/b", Open::dir()).expect("openable");
        assert_eq!(
            guest.open(sub, "link", Open::none().follow()),
            Err(Errno::Perm),
            "{how}: it leads out of that descriptor"
        );
        for path in ["a/b/link", "top"] {
            guest.unlink(ROOT, path).expect("removable");
        }
        guest.rmdir(ROOT, "a/b").expect("removable");
        guest.rmdir(ROOT, "a").expect("removable");
    }
}
