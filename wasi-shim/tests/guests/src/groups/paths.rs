//! Paths: what they reach, what they never reach, and making and removing what they name.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    absolute_paths_are_refused,
    leading_out_is_refused,
    dots_inside_are_resolved,
    dots_are_counted_through_real_directories,
    a_slash_at_the_end_wants_a_directory,
    a_slash_at_the_end_creates_no_file,
    an_empty_path_names_nothing,
    a_nul_is_no_part_of_a_path,
    a_path_is_utf_8,
    a_long_name_is_refused,
    a_long_path_is_refused,
    names_are_bytes_apart_from_slashes,
    kinds_are_told_apart,
    directories_are_made_and_removed,
    remove_directory_removes_no_file,
    unlink_removes_no_directory,
    nonempty_directories_stay,
    the_root_stays,
);

fn absolute_paths_are_refused(dir: Dir) {
    put(dir, "f", b"x");
    for path in ["/f", "/", "//f", "/etc/passwd"] {
        fails(open(dir, 0, path, 0, FD_READ, 0, 0), &[PERM, NOTCAPABLE]);
        fails(path_filestat(dir, FOLLOW, path), &[PERM, NOTCAPABLE]);
        fails(create_directory(dir, path), &[PERM, NOTCAPABLE]);
        fails(unlink(dir, path), &[PERM, NOTCAPABLE]);
        fails(rename(dir, path, dir, "g"), &[PERM, NOTCAPABLE]);
        fails(link(dir, 0, "f", dir, path), &[PERM, NOTCAPABLE]);
    }
}

fn leading_out_is_refused(dir: Dir) {
    let d = directory(dir, "d");
    for path in ["..", "../..", "d/../..", "d/../../d", "./.././d", "d/../../../etc/passwd"] {
        fails(open(dir, 0, path, 0, 0, 0, 0), &[PERM, NOTCAPABLE]);
        fails(path_filestat(dir, 0, path), &[PERM, NOTCAPABLE]);
    }
    // A descriptor is a root of its own: it does not lead to its parent.
    for path in ["..", "../d", "../../etc"] {
        fails(open(d, 0, path, 0, 0, 0, 0), &[PERM, NOTCAPABLE]);
        fails(rename(d, path, d, "x"), &[PERM, NOTCAPABLE]);
    }
    fails(create_directory(d, "../new"), &[PERM, NOTCAPABLE]);
    fails(link(dir, 0, "d", d, "../x"), &[PERM, NOTCAPABLE]);
    fails(symlink("x", d, "../x"), &[PERM, NOTCAPABLE]);
    assert_eq!(list(dir, 512).expect("listed").len(), 3);
}

fn dots_inside_are_resolved(dir: Dir) {
    create_directory(dir, "d").expect("made");
    create_directory(dir, "d/e").expect("made");
    put(dir, "d/e/f", b"here");
    for path in ["d/e/f", "d/.//e/../../d/e/../e///./f", "./d/./e/./f", "d/../d/e/f"] {
        assert_eq!(get(dir, path), b"here", "{path}");
    }
}

fn dots_are_counted_through_real_directories(dir: Dir) {
    fails(open(dir, 0, "missing/../f", CREAT, FD_WRITE, 0, 0), &[NOENT]);
    touch(dir, "f");
    fails(open(dir, 0, "f/../f", 0, 0, 0, 0), &[NOTDIR]);
}

fn a_slash_at_the_end_wants_a_directory(dir: Dir) {
    create_directory(dir, "d").expect("made");
    touch(dir, "f");
    for path in ["d/", "d///", "d/.", "d/./"] {
        let fd = open(dir, 0, path, 0, 0, 0, 0).unwrap_or_else(|error| panic!("{path}: {error:?}"));
        assert_eq!(fdstat(fd).expect("its state").filetype, DIR);
        assert_eq!(path_filestat(dir, 0, path).expect("its state").filetype, DIR);
    }
    for path in ["f/", "f///"] {
        fails(open(dir, 0, path, 0, 0, 0, 0), &[NOTDIR, NOENT]);
        fails(path_filestat(dir, 0, path), &[NOTDIR, NOENT]);
    }
}

fn a_slash_at_the_end_creates_no_file(dir: Dir) {
    fails(open(dir, 0, "f/", CREAT, FD_WRITE, 0, 0), &[NOTDIR, NOENT, ISDIR, INVAL]);
    create_directory(dir, "d/").expect("a directory is made");
    assert_eq!(list(dir, 512).expect("listed").len(), 3);
}

fn an_empty_path_names_nothing(dir: Dir) {
    fails(open(dir, 0, "", 0, 0, 0, 0), &[NOENT]);
    fails(open(dir, 0, "", CREAT, 0, 0, 0), &[NOENT]);
    fails(path_filestat(dir, 0, ""), &[NOENT]);
    fails(create_directory(dir, ""), &[NOENT]);
    fails(unlink(dir, ""), &[NOENT]);
    fails(remove_directory(dir, ""), &[NOENT]);
}

fn a_nul_is_no_part_of_a_path(dir: Dir) {
    touch(dir, "f");
    for path in ["f\0", "f\0g", "\0"] {
        fails(open(dir, 0, path, 0, 0, 0, 0), &[INVAL, ILSEQ, NOENT]);
        fails(create_directory(dir, path), &[INVAL, ILSEQ, NOENT]);
        fails(symlink(path, dir, "l"), &[INVAL, ILSEQ, NOENT]);
    }
    assert_eq!(list(dir, 512).expect("listed").len(), 3);
}

fn a_path_is_utf_8(dir: Dir) {
    let path = b"\xff\xfe";
    let mut fd = 0;
    let errno = unsafe { raw::path_open(dir, 0, path.as_ptr(), path.len(), 1, FD_WRITE, 0, 0, &mut fd) };
    fails(check(errno), &[ILSEQ, INVAL]);
    assert_eq!(list(dir, 512).expect("listed").len(), 2);
}

fn a_long_name_is_refused(dir: Dir) {
    let name = "n".repeat(255);
    touch(dir, &name);
    assert_eq!(path_filestat(dir, 0, &name).expect("its state").filetype, REGULAR);
    let name = "n".repeat(256);
    fails(open(dir, 0, &name, CREAT, FD_WRITE, 0, 0), &[NAMETOOLONG]);
    fails(create_directory(dir, &name), &[NAMETOOLONG]);
    fails(path_filestat(dir, 0, &name), &[NAMETOOLONG]);
}

fn a_long_path_is_refused(dir: Dir) {
    let path = "./".repeat(40_000) + "f";
    fails(open(dir, 0, &path, CREAT, FD_WRITE, 0, 0), &[NAMETOOLONG]);
    fails(symlink(&"x/".repeat(40_000), dir, "l"), &[NAMETOOLONG]);
}

fn names_are_bytes_apart_from_slashes(dir: Dir) {
    for name in ["a b", "ünïcödé", "*?\"<>|:\\", "...", ".hidden", "-", "new\nline", "日本語"] {
        put(dir, name, name.as_bytes());
        assert_eq!(get(dir, name), name.as_bytes());
    }
    let names: Vec<String> = list(dir, 4096).expect("listed").into_iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), 10);
    assert!(names.contains(&"日本語".to_owned()));
}

fn kinds_are_told_apart(dir: Dir) {
    touch(dir, "f");
    create_directory(dir, "d").expect("made");
    symlink("f", dir, "to_f").expect("linked");
    symlink("d", dir, "to_d").expect("linked");
    let kind = |flags, name| path_filestat(dir, flags, name).expect("its state").filetype;
    for flags in [0, FOLLOW] {
        assert_eq!((kind(flags, "f"), kind(flags, "d")), (REGULAR, DIR));
    }
    assert_eq!((kind(0, "to_f"), kind(0, "to_d")), (SYMLINK, SYMLINK));
    assert_eq!((kind(FOLLOW, "to_f"), kind(FOLLOW, "to_d")), (REGULAR, DIR));
}

fn directories_are_made_and_removed(dir: Dir) {
    create_directory(dir, "d").expect("made");
    fails(create_directory(dir, "d"), &[EXIST]);
    fails(create_directory(dir, "d/"), &[EXIST]);
    fails(create_directory(dir, "missing/d"), &[NOENT]);
    remove_directory(dir, "d").expect("removed");
    fails(remove_directory(dir, "d"), &[NOENT]);
    create_directory(dir, "d").expect("made again");
    remove_directory(dir, "d/").expect("removed by the name with a slash");
    touch(dir, "f");
    fails(create_directory(dir, "f"), &[EXIST]);
    fails(create_directory(dir, "f/d"), &[NOTDIR]);
}

fn remove_directory_removes_no_file(dir: Dir) {
    touch(dir, "f");
    create_directory(dir, "d").expect("made");
    symlink("d", dir, "l").expect("linked");
    fails(remove_directory(dir, "f"), &[NOTDIR]);
    fails(remove_directory(dir, "f/"), &[NOTDIR]);
    fails(remove_directory(dir, "l"), &[NOTDIR]);
    assert_eq!(list(dir, 512).expect("listed").len(), 5);
}

fn unlink_removes_no_directory(dir: Dir) {
    create_directory(dir, "d").expect("made");
    touch(dir, "f");
    fails(unlink(dir, "d"), &[ISDIR]);
    fails(unlink(dir, "d/"), &[ISDIR]);
    fails(unlink(dir, "f/"), &[NOTDIR]);
    fails(unlink(dir, "missing"), &[NOENT]);
    unlink(dir, "f").expect("removed");
    fails(unlink(dir, "f"), &[NOENT]);
}

fn nonempty_directories_stay(dir: Dir) {
    create_directory(dir, "d").expect("made");
    create_directory(dir, "d/e").expect("made");
    fails(remove_directory(dir, "d"), &[NOTEMPTY]);
    remove_directory(dir, "d/e").expect("removed");
    touch(dir, "d/f");
    fails(remove_directory(dir, "d"), &[NOTEMPTY]);
    unlink(dir, "d/f").expect("removed");
    remove_directory(dir, "d").expect("removed");
}

fn the_root_stays(dir: Dir) {
    create_directory(dir, "d").expect("made");
    touch(dir, "f");
    for path in [".", "./", "d/.."] {
        assert!(remove_directory(dir, path).is_err(), "{path}");
        assert!(unlink(dir, path).is_err(), "{path}");
        assert!(rename(dir, path, dir, "x").is_err(), "{path}");
        assert!(rename(dir, "d", dir, path).is_err(), "{path}");
    }
    assert_eq!(list(dir, 512).expect("listed").len(), 4);
}
