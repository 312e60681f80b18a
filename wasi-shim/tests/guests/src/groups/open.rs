//! Opening: flags, kinds, and what a descriptor is then.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    a_new_file_is_empty_and_regular,
    a_missing_file_is_not_made,
    exclusive_creation_wants_a_free_name,
    creation_opens_what_is_there,
    truncation_empties,
    truncation_of_a_directory_fails,
    a_file_is_no_directory,
    a_directory_is_opened_without_being_asked_for,
    a_directory_cannot_be_opened_for_writing,
    nothing_is_opened_below_a_file,
    creation_of_a_directory_by_opening_fails,
    unknown_flags_are_refused,
    new_descriptors_are_not_taken_yet,
    a_closed_descriptor_is_gone,
    what_is_open_outlives_its_name,
    a_removed_directory_takes_no_files,
    opening_nonblocking_works_on_directories,
    flags_are_reported,
    a_write_is_seen_by_other_descriptors,
    directories_refuse_what_is_for_files,
);

fn a_new_file_is_empty_and_regular(dir: Dir) {
    let fd = file(dir, "f");
    let stat = filestat(fd).expect("its state");
    assert_eq!((stat.filetype, stat.size, stat.nlink), (REGULAR, 0, 1));
    assert_eq!(fdstat(fd).expect("its state").filetype, REGULAR);
    assert!(fd > 2);
}

fn a_missing_file_is_not_made(dir: Dir) {
    fails(open(dir, 0, "f", 0, FD_READ, 0, 0), &[NOENT]);
    fails(open(dir, 0, "f", TRUNC, FD_WRITE, 0, 0), &[NOENT]);
    fails(open(dir, 0, "f", DIRECTORY, 0, 0, 0), &[NOENT]);
    fails(open(dir, 0, "d/f", CREAT, FD_WRITE, 0, 0), &[NOENT]);
    assert_eq!(list(dir, 512).expect("listed").len(), 2);
}

fn exclusive_creation_wants_a_free_name(dir: Dir) {
    close(open(dir, 0, "f", CREAT | EXCL, FD_WRITE, 0, 0).expect("made")).expect("closed");
    fails(open(dir, 0, "f", CREAT | EXCL, FD_WRITE, 0, 0), &[EXIST]);
    fails(open(dir, 0, "f", CREAT | EXCL, 0, 0, 0), &[EXIST]);
    create_directory(dir, "d").expect("made");
    fails(open(dir, 0, "d", CREAT | EXCL, 0, 0, 0), &[EXIST]);
    symlink("nowhere", dir, "l").expect("linked");
    fails(open(dir, 0, "l", CREAT | EXCL, FD_WRITE, 0, 0), &[EXIST]);
    fails(open(dir, FOLLOW, "l", CREAT | EXCL, FD_WRITE, 0, 0), &[EXIST]);
    fails(path_filestat(dir, 0, "nowhere"), &[NOENT]);
}

fn creation_opens_what_is_there(dir: Dir) {
    put(dir, "f", b"abc");
    close(open(dir, 0, "f", CREAT, FD_WRITE, 0, 0).expect("opened")).expect("closed");
    assert_eq!(get(dir, "f"), b"abc");
}

fn truncation_empties(dir: Dir) {
    put(dir, "f", b"to be gone");
    let fd = open(dir, 0, "f", CREAT | TRUNC, FD_READ | FD_WRITE, 0, 0).expect("opened");
    assert_eq!(read(fd, &mut [0; 8]), Ok(0));
    assert_eq!(path_filestat(dir, 0, "f").expect("its state").size, 0);
}

fn truncation_of_a_directory_fails(dir: Dir) {
    create_directory(dir, "d").expect("made");
    fails(open(dir, 0, "d", TRUNC, FD_WRITE, 0, 0), &[ISDIR]);
    fails(open(dir, 0, "d", TRUNC | DIRECTORY, 0, 0, 0), &[ISDIR, INVAL]);
}

fn a_file_is_no_directory(dir: Dir) {
    touch(dir, "f");
    fails(open(dir, 0, "f", DIRECTORY, 0, 0, 0), &[NOTDIR]);
}

fn a_directory_is_opened_without_being_asked_for(dir: Dir) {
    create_directory(dir, "d").expect("made");
    let fd = open(dir, 0, "d", 0, FD_READDIR, 0, 0).expect("opened");
    assert_eq!(fdstat(fd).expect("its state").filetype, DIR);
    assert_eq!(list(fd, 512).expect("listed").len(), 2);
}

fn a_directory_cannot_be_opened_for_writing(dir: Dir) {
    create_directory(dir, "d").expect("made");
    fails(open(dir, 0, "d", 0, FD_WRITE, 0, 0), &[ISDIR]);
    fails(open(dir, 0, "d", DIRECTORY, FD_READ | FD_WRITE, 0, 0), &[ISDIR]);
    fails(open(dir, 0, "d", CREAT, FD_WRITE, 0, 0), &[ISDIR]);
}

fn nothing_is_opened_below_a_file(dir: Dir) {
    let fd = file(dir, "f");
    fails(open(fd, 0, "x", CREAT, 0, 0, 0), &[NOTDIR, NOTCAPABLE]);
    fails(open(dir, 0, "f/x", CREAT, 0, 0, 0), &[NOTDIR]);
    fails(open(dir, 0, "f/..", 0, 0, 0, 0), &[NOTDIR]);
    fails(open(dir, 0, "f/.", 0, 0, 0, 0), &[NOTDIR]);
}

fn creation_of_a_directory_by_opening_fails(dir: Dir) {
    fails(open(dir, 0, "d", CREAT | DIRECTORY, 0, 0, 0), &[INVAL, NOTDIR, NOENT]);
    assert_eq!(list(dir, 512).expect("listed").len(), 2);
}

fn unknown_flags_are_refused(dir: Dir) {
    touch(dir, "f");
    fails(open(dir, 0, "f", 1 << 4, 0, 0, 0), &[INVAL]);
    fails(open(dir, 0, "f", 0, 0, 0, 1 << 5), &[INVAL]);
    fails(open(dir, 2, "f", 0, 0, 0, 0), &[INVAL]);
}

fn new_descriptors_are_not_taken_yet(dir: Dir) {
    let mut fds: Vec<Fd> = (0..20).map(|_| file(dir, "f")).collect();
    fds.sort_unstable();
    fds.dedup();
    assert_eq!(fds.len(), 20, "two opens gave one number");
    assert!(fds.iter().all(|fd| *fd > dir && *fd < 1 << 31));
}

fn a_closed_descriptor_is_gone(dir: Dir) {
    let fd = file(dir, "f");
    close(fd).expect("closed");
    fails(close(fd), &[BADF]);
    fails(read(fd, &mut [0]), &[BADF]);
    fails(write(fd, b"x"), &[BADF]);
    fails(fdstat(fd), &[BADF]);
    fails(filestat(fd), &[BADF]);
    fails(seek(fd, 0, SET), &[BADF]);
    fails(tell(fd), &[BADF]);
    fails(sync(fd), &[BADF]);
    fails(list(fd, 64), &[BADF]);
    fails(prestat(fd), &[BADF]);
    fails(open(fd, 0, "x", 0, 0, 0, 0), &[BADF]);
    fails(close(u32::MAX), &[BADF]);
}

fn what_is_open_outlives_its_name(dir: Dir) {
    let fd = file(dir, "f");
    assert_eq!(write(fd, b"still here"), Ok(10));
    unlink(dir, "f").expect("removed");
    fails(open(dir, 0, "f", 0, 0, 0, 0), &[NOENT]);
    let mut buf = [0; 16];
    assert_eq!(pread(fd, &mut [&mut buf], 0), Ok(10));
    assert_eq!(&buf[..10], b"still here");
    assert_eq!(filestat(fd).expect("its state").nlink, 0);
    put(dir, "f", b"another");
    assert_eq!(filestat(fd).expect("its state").size, 10);
}

fn a_removed_directory_takes_no_files(dir: Dir) {
    let d = directory(dir, "d");
    remove_directory(dir, "d").expect("removed");
    fails(open(d, 0, "f", CREAT, FD_WRITE, 0, 0), &[NOENT]);
    fails(create_directory(d, "e"), &[NOENT]);
    assert_eq!(fdstat(d).expect("its state").filetype, DIR);
    create_directory(dir, "d").expect("the name is free again");
}

fn opening_nonblocking_works_on_directories(dir: Dir) {
    open(dir, 0, ".", 0, 0, 0, NONBLOCK).expect("opened");
    open(dir, 0, ".", DIRECTORY, 0, 0, NONBLOCK).expect("opened");
}

fn flags_are_reported(dir: Dir) {
    for flags in [0, APPEND, APPEND | SYNC, NONBLOCK, DSYNC] {
        let fd = open(dir, 0, "f", CREAT, FD_READ | FD_WRITE, 0, flags).expect("opened");
        let reported = fdstat(fd).expect("its state").flags;
        assert_eq!(reported & flags, flags, "what was asked for");
        // SYNC implies DSYNC, and a host may say so.
        assert_eq!(reported & !(flags | DSYNC | RSYNC), 0, "nothing else");
    }
}

fn a_write_is_seen_by_other_descriptors(dir: Dir) {
    let reader = open(dir, 0, "f", CREAT, FD_READ, 0, 0).expect("opened");
    let writer = open(dir, 0, "f", 0, FD_WRITE, 0, 0).expect("opened");
    assert_eq!(write(writer, b"1"), Ok(1));
    let mut buf = [0; 4];
    assert_eq!(read(reader, &mut buf), Ok(1));
    assert_eq!(buf[0], b'1');
}

fn directories_refuse_what_is_for_files(dir: Dir) {
    let refusals = [ISDIR, BADF, NOTCAPABLE];
    fails(read(dir, &mut [0; 8]), &refusals);
    fails(pread(dir, &mut [&mut [0; 8]], 0), &refusals);
    fails(write(dir, b"x"), &refusals);
    fails(pwrite(dir, &[b"x"], 0), &refusals);
    for whence in [SET, CUR, END] {
        fails(seek(dir, 0, whence), &refusals);
    }
    fails(tell(dir), &refusals);
    fails(allocate(dir, 0, 1), &refusals);
    fails(set_size(dir, 0), &[ISDIR, BADF, NOTCAPABLE, INVAL]);
}
