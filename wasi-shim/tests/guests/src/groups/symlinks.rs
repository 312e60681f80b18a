//! Symbolic links: followed when asked, and never to the outside.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    a_link_is_read,
    a_short_buffer_gets_the_beginning,
    what_is_no_link_cannot_be_read_as_one,
    a_link_is_followed_when_asked,
    a_link_at_the_end_is_not_followed_unasked,
    links_on_the_way_are_followed,
    a_link_to_a_file_is_no_directory,
    a_dangling_link_leads_nowhere,
    creating_through_a_dangling_link,
    a_loop_is_noticed,
    a_long_chain_is_followed_a_longer_one_is_not,
    an_absolute_target_is_refused,
    a_link_that_leads_outside_is_not_followed,
    a_link_may_lead_up_inside,
    a_link_wants_a_free_name,
    a_link_has_no_slash_at_its_end,
    a_slash_after_a_link_goes_through_it,
    unlinking_removes_the_link,
    a_directory_swapped_for_a_link_changes_nothing_open,
    an_empty_target_is_refused,
    links_to_directories_are_listed_through,
);

fn target(dir: Fd, name: &str) -> String {
    let mut buf = [0; 256];
    let len = readlink(dir, name, &mut buf).expect("read");
    String::from_utf8(buf[..len].to_vec()).expect("text")
}

fn a_link_is_read(dir: Dir) {
    symlink("target", dir, "l").expect("linked");
    let mut buf = [0; 10];
    assert_eq!(readlink(dir, "l", &mut buf), Ok(6));
    assert_eq!(&buf, b"target\0\0\0\0", "what is not needed is not touched");
    symlink("../a/./b//c", dir, "odd").expect("linked");
    assert_eq!(target(dir, "odd"), "../a/./b//c", "as it was written");
}

fn a_short_buffer_gets_the_beginning(dir: Dir) {
    symlink("target", dir, "l").expect("linked");
    let mut buf = [0; 4];
    assert_eq!(readlink(dir, "l", &mut buf), Ok(4));
    assert_eq!(&buf, b"targ");
    assert_eq!(readlink(dir, "l", &mut []), Ok(0));
}

fn what_is_no_link_cannot_be_read_as_one(dir: Dir) {
    touch(dir, "f");
    create_directory(dir, "d").expect("made");
    fails(readlink(dir, "f", &mut [0; 8]), &[INVAL]);
    fails(readlink(dir, "d", &mut [0; 8]), &[INVAL]);
    fails(readlink(dir, "missing", &mut [0; 8]), &[NOENT]);
}

fn a_link_is_followed_when_asked(dir: Dir) {
    put(dir, "f", b"x");
    create_directory(dir, "d").expect("made");
    symlink("f", dir, "to_f").expect("linked");
    symlink("d", dir, "to_d").expect("linked");
    assert_eq!(get(dir, "to_f"), b"x");
    let fd = open(dir, FOLLOW, "to_d", DIRECTORY, 0, 0, 0).expect("opened");
    assert_eq!(fdstat(fd).expect("its state").filetype, DIR);
}

fn a_link_at_the_end_is_not_followed_unasked(dir: Dir) {
    create_directory(dir, "d").expect("made");
    symlink("d", dir, "l").expect("linked");
    fails(open(dir, 0, "l", 0, 0, 0, 0), &[LOOP]);
    fails(open(dir, 0, "l", DIRECTORY, 0, 0, 0), &[LOOP, NOTDIR]);
    unlink(dir, "l").expect("removed");
    touch(dir, "f");
    symlink("f", dir, "l").expect("linked");
    fails(open(dir, 0, "l", 0, 0, 0, 0), &[LOOP]);
    fails(open(dir, 0, "l", DIRECTORY, 0, 0, 0), &[LOOP, NOTDIR]);
    fails(open(dir, 0, "l", TRUNC, FD_WRITE, 0, 0), &[LOOP]);
}

fn links_on_the_way_are_followed(dir: Dir) {
    create_directory(dir, "d").expect("made");
    put(dir, "d/f", b"x");
    symlink("d", dir, "l").expect("linked");
    let fd = open(dir, 0, "l/f", 0, FD_READ, 0, 0).expect("opened");
    assert_eq!(read(fd, &mut [0; 4]), Ok(1));
    touch(dir, "l/g");
    assert_eq!(path_filestat(dir, 0, "d/g").expect("its state").filetype, REGULAR);
    rename(dir, "l/g", dir, "l/h").expect("renamed");
    unlink(dir, "l/h").expect("removed");
}

fn a_link_to_a_file_is_no_directory(dir: Dir) {
    touch(dir, "f");
    symlink("f", dir, "l").expect("linked");
    fails(open(dir, FOLLOW, "l", DIRECTORY, 0, 0, 0), &[NOTDIR]);
    fails(open(dir, FOLLOW, "l/x", 0, 0, 0, 0), &[NOTDIR]);
    fails(open(dir, FOLLOW, "l/", 0, 0, 0, 0), &[NOTDIR]);
}

fn a_dangling_link_leads_nowhere(dir: Dir) {
    symlink("nowhere", dir, "l").expect("linked");
    fails(open(dir, 0, "l", DIRECTORY, 0, 0, 0), &[NOTDIR, LOOP]);
    fails(open(dir, 0, "l", 0, 0, 0, 0), &[LOOP]);
    fails(open(dir, FOLLOW, "l", 0, 0, 0, 0), &[NOENT]);
    fails(path_filestat(dir, FOLLOW, "l"), &[NOENT]);
    assert_eq!(path_filestat(dir, 0, "l").expect("its state").filetype, SYMLINK);
}

fn creating_through_a_dangling_link(dir: Dir) {
    symlink("new", dir, "l").expect("linked");
    let fd = open(dir, FOLLOW, "l", CREAT, FD_WRITE, 0, 0).expect("made");
    assert_eq!(write(fd, b"x"), Ok(1));
    assert_eq!(get(dir, "new"), b"x");
    symlink("other", dir, "m").expect("linked");
    fails(open(dir, 0, "m", CREAT, FD_WRITE, 0, 0), &[LOOP, EXIST]);
    fails(path_filestat(dir, 0, "other"), &[NOENT]);
}

fn a_loop_is_noticed(dir: Dir) {
    symlink("l", dir, "l").expect("linked");
    symlink("b", dir, "a").expect("linked");
    symlink("a", dir, "b").expect("linked");
    for name in ["l", "a", "b"] {
        fails(open(dir, 0, name, 0, 0, 0, 0), &[LOOP]);
        fails(open(dir, FOLLOW, name, 0, 0, 0, 0), &[LOOP]);
        fails(open(dir, FOLLOW, &format!("{name}/x"), CREAT, FD_WRITE, 0, 0), &[LOOP]);
        fails(path_filestat(dir, FOLLOW, name), &[LOOP]);
        assert_eq!(path_filestat(dir, 0, name).expect("its state").filetype, SYMLINK);
    }
}

fn a_long_chain_is_followed_a_longer_one_is_not(dir: Dir) {
    put(dir, "link-0", b"x");
    for at in 1..=60 {
        symlink(&format!("link-{}", at - 1), dir, &format!("link-{at}")).expect("linked");
    }
    assert_eq!(get(dir, "link-8"), b"x");
    fails(open(dir, FOLLOW, "link-60", 0, FD_READ, 0, 0), &[LOOP]);
}

fn an_absolute_target_is_refused(dir: Dir) {
    for to in ["/", "/etc/passwd", "//x"] {
        assert!(symlink(to, dir, "l").is_err(), "{to}");
    }
    assert_eq!(list(dir, 512).expect("listed").len(), 2);
}

fn a_link_that_leads_outside_is_not_followed(dir: Dir) {
    create_directory(dir, "d").expect("made");
    for (at, to) in ["..", "../..", "d/../..", "../../../../etc/passwd"].iter().enumerate() {
        let name = format!("l{at}");
        // It may not even be made; where it is, it leads nowhere.
        if symlink(to, dir, &name).is_ok() {
            fails(open(dir, FOLLOW, &name, 0, 0, 0, 0), &[PERM, NOTCAPABLE]);
            fails(path_filestat(dir, FOLLOW, &name), &[PERM, NOTCAPABLE]);
            fails(open(dir, 0, &format!("{name}/x"), CREAT, FD_WRITE, 0, 0), &[PERM, NOTCAPABLE]);
        }
    }
}

fn a_link_may_lead_up_inside(dir: Dir) {
    create_directory(dir, "d").expect("made");
    put(dir, "f", b"x");
    symlink("../f", dir, "d/l").expect("linked");
    assert_eq!(get(dir, "d/l"), b"x");
    // From a descriptor of the directory it would lead out of that.
    let d = open(dir, 0, "d", DIRECTORY, DIR_RIGHTS, FILE_RIGHTS, 0).expect("opened");
    fails(open(d, FOLLOW, "l", 0, FD_READ, 0, 0), &[PERM, NOTCAPABLE]);
}

fn a_link_wants_a_free_name(dir: Dir) {
    touch(dir, "f");
    create_directory(dir, "d").expect("made");
    symlink("x", dir, "l").expect("linked");
    for name in ["f", "d", "l", "d/"] {
        fails(symlink("target", dir, name), &[EXIST]);
    }
    fails(symlink("target", dir, "f/"), &[NOTDIR, EXIST]);
    assert_eq!(target(dir, "l"), "x");
}

fn a_link_has_no_slash_at_its_end(dir: Dir) {
    fails(symlink("target", dir, "l/"), &[NOENT]);
    symlink("target", dir, "l").expect("linked");
    assert_eq!(list(dir, 512).expect("listed").len(), 3);
}

fn a_slash_after_a_link_goes_through_it(dir: Dir) {
    create_directory(dir, "d").expect("made");
    symlink("d", dir, "l").expect("linked");
    assert_eq!(path_filestat(dir, FOLLOW, "l/").expect("its state").filetype, DIR);
    let fd = open(dir, FOLLOW, "l/", DIRECTORY, 0, 0, 0).expect("opened");
    assert_eq!(fdstat(fd).expect("its state").filetype, DIR);
}

fn unlinking_removes_the_link(dir: Dir) {
    put(dir, "f", b"x");
    create_directory(dir, "d").expect("made");
    symlink("f", dir, "to_f").expect("linked");
    symlink("d", dir, "to_d").expect("linked");
    unlink(dir, "to_f").expect("removed");
    unlink(dir, "to_d").expect("removed");
    assert_eq!(get(dir, "f"), b"x");
    assert_eq!(path_filestat(dir, 0, "d").expect("its state").filetype, DIR);
}

fn a_directory_swapped_for_a_link_changes_nothing_open(dir: Dir) {
    let d = directory(dir, "d");
    put(d, "f", b"mine");
    create_directory(dir, "other").expect("made");
    put(dir, "other/f", b"other");
    rename(dir, "d", dir, "moved").expect("renamed");
    symlink("other", dir, "d").expect("linked");
    assert_eq!(get(d, "f"), b"mine");
    assert_eq!(get(dir, "d/f"), b"other");
}

fn an_empty_target_is_refused(dir: Dir) {
    fails(symlink("", dir, "l"), &[NOENT, INVAL]);
    fails(symlink("x", dir, ""), &[NOENT]);
}

fn links_to_directories_are_listed_through(dir: Dir) {
    create_directory(dir, "d").expect("made");
    touch(dir, "d/f");
    symlink("d", dir, "l").expect("linked");
    let fd = open(dir, FOLLOW, "l", DIRECTORY, FD_READDIR, 0, 0).expect("opened");
    assert_eq!(list(fd, 512).expect("listed").len(), 3);
}
