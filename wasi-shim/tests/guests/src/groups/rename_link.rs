//! Renaming and hard links.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    a_file_moves_with_its_content,
    a_file_replaces_a_file,
    a_missing_file_cannot_be_renamed,
    a_directory_moves_with_what_is_in_it,
    a_directory_replaces_an_empty_one,
    a_directory_replaces_no_full_one,
    a_directory_replaces_no_file,
    a_file_replaces_no_directory,
    a_directory_does_not_move_into_itself,
    renaming_to_itself_changes_nothing,
    a_slash_after_a_directorys_name_is_fine,
    a_slash_after_a_files_name_is_not,
    renaming_works_between_directories,
    a_link_is_the_same_file,
    a_link_outlives_the_first_name,
    a_link_wants_a_free_name,
    a_directory_cannot_be_linked,
    a_link_has_no_slash_at_its_end,
    a_missing_file_cannot_be_linked,
    links_reach_into_other_directories,
    a_symbolic_link_itself_is_linked,
    following_a_link_when_linking_is_refused_or_done,
    two_names_of_one_file_may_be_renamed_onto_each_other,
    an_open_file_follows_its_renaming,
    renaming_a_symbolic_link_leaves_its_target,
);

fn a_file_moves_with_its_content(dir: Dir) {
    put(dir, "a", b"content");
    let ino = path_filestat(dir, 0, "a").expect("its state").ino;
    rename(dir, "a", dir, "b").expect("renamed");
    fails(open(dir, 0, "a", 0, 0, 0, 0), &[NOENT]);
    assert_eq!(get(dir, "b"), b"content");
    assert_eq!(path_filestat(dir, 0, "b").expect("its state").ino, ino);
}

fn a_file_replaces_a_file(dir: Dir) {
    put(dir, "a", b"new");
    put(dir, "b", b"old");
    rename(dir, "a", dir, "b").expect("renamed");
    assert_eq!(get(dir, "b"), b"new");
    assert_eq!(list(dir, 512).expect("listed").len(), 3);
}

fn a_missing_file_cannot_be_renamed(dir: Dir) {
    touch(dir, "b");
    fails(rename(dir, "a", dir, "b"), &[NOENT]);
    fails(rename(dir, "b", dir, "missing/b"), &[NOENT]);
    fails(rename(dir, "", dir, "c"), &[NOENT]);
    fails(rename(dir, "b", dir, ""), &[NOENT]);
    assert_eq!(list(dir, 512).expect("listed").len(), 3);
}

fn a_directory_moves_with_what_is_in_it(dir: Dir) {
    create_directory(dir, "a").expect("made");
    put(dir, "a/f", b"x");
    rename(dir, "a", dir, "b").expect("renamed");
    fails(open(dir, 0, "a", DIRECTORY, 0, 0, 0), &[NOENT]);
    open(dir, 0, "b", DIRECTORY, 0, 0, 0).expect("opened");
    assert_eq!(get(dir, "b/f"), b"x");
}

fn a_directory_replaces_an_empty_one(dir: Dir) {
    create_directory(dir, "a").expect("made");
    create_directory(dir, "b").expect("made");
    touch(dir, "a/f");
    rename(dir, "a", dir, "b").expect("renamed");
    fails(open(dir, 0, "a", DIRECTORY, 0, 0, 0), &[NOENT]);
    assert_eq!(path_filestat(dir, 0, "b/f").expect("its state").filetype, REGULAR);
}

fn a_directory_replaces_no_full_one(dir: Dir) {
    create_directory(dir, "a").expect("made");
    create_directory(dir, "b").expect("made");
    touch(dir, "b/f");
    fails(rename(dir, "a", dir, "b"), &[NOTEMPTY, EXIST]);
    assert_eq!(path_filestat(dir, 0, "b/f").expect("its state").filetype, REGULAR);
}

fn a_directory_replaces_no_file(dir: Dir) {
    create_directory(dir, "a").expect("made");
    create_directory(dir, "d").expect("made");
    touch(dir, "d/f");
    fails(rename(dir, "a", dir, "d/f"), &[NOTDIR]);
    assert_eq!(path_filestat(dir, 0, "d/f").expect("its state").filetype, REGULAR);
}

fn a_file_replaces_no_directory(dir: Dir) {
    touch(dir, "f");
    create_directory(dir, "d").expect("made");
    fails(rename(dir, "f", dir, "d"), &[ISDIR]);
    assert_eq!(path_filestat(dir, 0, "d").expect("its state").filetype, DIR);
}

fn a_directory_does_not_move_into_itself(dir: Dir) {
    create_directory(dir, "a").expect("made");
    fails(rename(dir, "a", dir, "a/b"), &[INVAL]);
    assert_eq!(list(dir, 512).expect("listed").len(), 3);
}

fn renaming_to_itself_changes_nothing(dir: Dir) {
    put(dir, "f", b"x");
    rename(dir, "f", dir, "f").expect("renamed");
    rename(dir, "./f", dir, "f").expect("renamed");
    assert_eq!(get(dir, "f"), b"x");
}

fn a_slash_after_a_directorys_name_is_fine(dir: Dir) {
    create_directory(dir, "a").expect("made");
    rename(dir, "a/", dir, "b").expect("in the old name");
    rename(dir, "b", dir, "a/").expect("in the new name");
    rename(dir, "a/", dir, "b/").expect("in both");
    rename(dir, "b", dir, "a").expect("in none");
    remove_directory(dir, "a").expect("removed");
}

fn a_slash_after_a_files_name_is_not(dir: Dir) {
    touch(dir, "f");
    fails(rename(dir, "f/", dir, "g"), &[NOTDIR]);
    fails(rename(dir, "f", dir, "g/"), &[NOTDIR, NOENT]);
    fails(rename(dir, "f/", dir, "g/"), &[NOTDIR]);
    assert_eq!(path_filestat(dir, 0, "f").expect("its state").filetype, REGULAR);
}

fn renaming_works_between_directories(dir: Dir) {
    let (a, b) = (directory(dir, "a"), directory(dir, "b"));
    put(a, "f", b"x");
    rename(a, "f", b, "g").expect("renamed");
    assert_eq!(get(dir, "b/g"), b"x");
    rename(b, "g", dir, "a/h").expect("renamed");
    assert_eq!(get(a, "h"), b"x");
}

fn a_link_is_the_same_file(dir: Dir) {
    put(dir, "f", b"x");
    link(dir, 0, "f", dir, "g").expect("linked");
    let (f, g) = (path_filestat(dir, 0, "f").expect("its state"), path_filestat(dir, 0, "g").expect("its state"));
    assert_eq!(f, g);
    assert_eq!(f.nlink, 2);
    let fd = file(dir, "g");
    assert_eq!(pwrite(fd, &[b"y"], 0), Ok(1));
    assert_eq!(get(dir, "f"), b"y");
    let (first, second) = (open(dir, 0, "f", 0, FD_READ, 0, 0), open(dir, 0, "g", 0, FD_READ, 0, 0));
    assert_eq!(fdstat(first.expect("opened")), fdstat(second.expect("opened")));
}

fn a_link_outlives_the_first_name(dir: Dir) {
    put(dir, "f", b"x");
    link(dir, 0, "f", dir, "g").expect("linked");
    unlink(dir, "f").expect("removed");
    assert_eq!(get(dir, "g"), b"x");
    assert_eq!(path_filestat(dir, 0, "g").expect("its state").nlink, 1);
}

fn a_link_wants_a_free_name(dir: Dir) {
    touch(dir, "f");
    touch(dir, "g");
    create_directory(dir, "d").expect("made");
    symlink("nowhere", dir, "l").expect("linked");
    for name in ["f", "g", "d", "l"] {
        fails(link(dir, 0, "f", dir, name), &[EXIST]);
    }
}

fn a_directory_cannot_be_linked(dir: Dir) {
    create_directory(dir, "d").expect("made");
    fails(link(dir, 0, "d", dir, "e"), &[PERM, ACCES]);
    fails(link(dir, 0, ".", dir, "e"), &[PERM, ACCES]);
}

fn a_link_has_no_slash_at_its_end(dir: Dir) {
    touch(dir, "f");
    fails(link(dir, 0, "f", dir, "g/"), &[NOENT]);
    fails(link(dir, 0, "f/", dir, "g"), &[NOTDIR, NOENT]);
    assert_eq!(list(dir, 512).expect("listed").len(), 3);
}

fn a_missing_file_cannot_be_linked(dir: Dir) {
    fails(link(dir, 0, "f", dir, "g"), &[NOENT]);
    touch(dir, "f");
    fails(link(dir, 0, "f", dir, "missing/g"), &[NOENT]);
    fails(link(dir, 0, "", dir, "g"), &[NOENT]);
}

fn links_reach_into_other_directories(dir: Dir) {
    let d = directory(dir, "d");
    put(dir, "f", b"x");
    link(dir, 0, "f", d, "g").expect("linked");
    assert_eq!(get(d, "g"), b"x");
    link(d, 0, "g", dir, "h").expect("linked");
    assert_eq!(path_filestat(dir, 0, "h").expect("its state").nlink, 3);
}

fn a_symbolic_link_itself_is_linked(dir: Dir) {
    symlink("nowhere", dir, "l").expect("linked");
    link(dir, 0, "l", dir, "m").expect("a dangling one");
    assert_eq!(path_filestat(dir, 0, "m").expect("its state").filetype, SYMLINK);
    symlink("loop", dir, "loop").expect("linked");
    link(dir, 0, "loop", dir, "again").expect("one that leads to itself");
    let mut buf = [0; 8];
    assert_eq!(readlink(dir, "again", &mut buf), Ok(4));
}

fn following_a_link_when_linking_is_refused_or_done(dir: Dir) {
    put(dir, "f", b"x");
    symlink("f", dir, "l").expect("linked");
    match link(dir, FOLLOW, "l", dir, "g") {
        Err(INVAL | NOTSUP) => {}
        Ok(()) => assert_eq!(path_filestat(dir, 0, "g").expect("its state").filetype, REGULAR),
        other => panic!("{other:?}"),
    }
    symlink("nowhere", dir, "dangling").expect("linked");
    fails(link(dir, FOLLOW, "dangling", dir, "h"), &[INVAL, NOENT]);
}

fn two_names_of_one_file_may_be_renamed_onto_each_other(dir: Dir) {
    put(dir, "f", b"x");
    link(dir, 0, "f", dir, "g").expect("linked");
    rename(dir, "f", dir, "g").expect("nothing to do");
    assert_eq!(get(dir, "g"), b"x");
}

fn an_open_file_follows_its_renaming(dir: Dir) {
    let fd = file(dir, "f");
    rename(dir, "f", dir, "g").expect("renamed");
    assert_eq!(write(fd, b"late"), Ok(4));
    assert_eq!(get(dir, "g"), b"late");
}

fn renaming_a_symbolic_link_leaves_its_target(dir: Dir) {
    put(dir, "f", b"x");
    symlink("f", dir, "l").expect("linked");
    rename(dir, "l", dir, "m").expect("renamed");
    assert_eq!(path_filestat(dir, 0, "m").expect("its state").filetype, SYMLINK);
    assert_eq!(get(dir, "f"), b"x");
    put(dir, "g", b"y");
    rename(dir, "g", dir, "m").expect("renamed onto a link");
    assert_eq!(path_filestat(dir, 0, "m").expect("its state").filetype, REGULAR);
    assert_eq!(get(dir, "f"), b"x");
}
