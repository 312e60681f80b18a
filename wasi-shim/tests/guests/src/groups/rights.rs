//! A descriptor does what its rights say, and they only ever become fewer.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    a_preopened_directory_has_what_programs_look_for,
    a_directory_can_be_opened_again_with_what_it_has,
    a_directory_has_no_right_to_data,
    a_right_that_was_dropped_does_not_come_back,
    rights_cannot_be_added,
    dropped_rights_are_missed_at_once,
    what_is_open_for_reading_cannot_be_written,
    what_is_open_for_writing_cannot_be_read,
    what_a_directory_does_not_pass_on_cannot_be_had,
    rights_that_do_not_apply_to_a_file_are_left_out,
    truncating_takes_the_directorys_right_alone,
    creating_takes_a_right,
    opening_takes_a_right,
    every_path_call_takes_its_right,
    every_file_call_takes_its_right,
    telling_takes_less_than_seeking,
    data_at_an_offset_takes_the_right_to_seek,
);

fn a_preopened_directory_has_what_programs_look_for(dir: Dir) {
    let stat = fdstat(dir).expect("the root");
    assert_eq!((stat.filetype, stat.flags), (DIR, 0));
    assert_eq!(stat.base & DIR_RIGHTS, DIR_RIGHTS);
    assert_eq!(stat.inheriting & (DIR_RIGHTS | FILE_RIGHTS), DIR_RIGHTS | FILE_RIGHTS);
}

fn a_directory_can_be_opened_again_with_what_it_has(dir: Dir) {
    let stat = fdstat(dir).expect("the root");
    let same = open(dir, 0, ".", 0, stat.base, stat.inheriting, 0).expect("with the same rights");
    assert_eq!(fdstat(same), Ok(stat));
    open(dir, 0, ".", 0, 0, 0, 0).expect("with none");
    open(dir, 0, ".", DIRECTORY, 0, 0, 0).expect("as a directory");
    open(dir, 0, ".", DIRECTORY, FD_READ, 0, 0).expect("the right to read is passed over");
    fails(open(dir, 0, ".", DIRECTORY, FD_READ | FD_WRITE, 0, 0), &[ISDIR]);
}

fn a_directory_has_no_right_to_data(dir: Dir) {
    create_directory(dir, "d").expect("made");
    let d = open(dir, 0, "d", DIRECTORY, FD_SEEK | FD_READDIR, 0, 0).expect("opened");
    assert_eq!(fdstat(d).expect("its state").base, FD_READDIR);
    let root = fdstat(dir).expect("the root").base;
    assert_eq!(root & (FD_READ | FD_WRITE | FD_SEEK | FD_TELL | FD_ALLOCATE | FD_FILESTAT_SET_SIZE), 0);
}

fn a_right_that_was_dropped_does_not_come_back(dir: Dir) {
    let fd = file(dir, "f");
    let had = fdstat(fd).expect("its state");
    set_rights(fd, had.base & !FD_WRITE, had.inheriting).expect("dropped");
    assert_eq!(fdstat(fd).expect("its state").base, had.base & !FD_WRITE);
    fails(set_rights(fd, had.base, had.inheriting), &[NOTCAPABLE]);
    assert_eq!(fdstat(fd).expect("its state").base, had.base & !FD_WRITE);
    set_rights(fd, 0, 0).expect("all dropped");
    fails(set_rights(fd, FD_READ, 0), &[NOTCAPABLE]);
}

fn rights_cannot_be_added(dir: Dir) {
    let fd = open(dir, 0, "f", CREAT, FD_READ, 0, 0).expect("opened");
    fails(set_rights(fd, FD_READ | FD_WRITE, 0), &[NOTCAPABLE]);
    fails(set_rights(fd, FD_READ, FD_READ), &[NOTCAPABLE]);
    set_rights(fd, FD_READ, 0).expect("no change");
    fails(set_rights(77, 0, 0), &[BADF]);
}

fn dropped_rights_are_missed_at_once(dir: Dir) {
    let fd = file(dir, "f");
    assert_eq!(write(fd, b"abcd"), Ok(4));
    assert_eq!(seek(fd, 0, SET), Ok(0));
    let mut buf = [0; 4];
    assert_eq!((read(fd, &mut buf), &buf), (Ok(4), b"abcd"));
    let had = fdstat(fd).expect("its state");
    set_rights(fd, had.base & !(FD_READ | FD_WRITE), had.inheriting).expect("dropped");
    fails(read(fd, &mut buf), &[BADF, NOTCAPABLE]);
    fails(write(fd, b"x"), &[BADF, NOTCAPABLE]);
    assert_eq!(seek(fd, 2, SET), Ok(2), "what was not dropped remains");
}

fn what_is_open_for_reading_cannot_be_written(dir: Dir) {
    touch(dir, "f");
    let fd = open(dir, 0, "f", 0, FD_READ, 0, 0).expect("opened");
    assert_eq!(fdstat(fd).expect("its state").base & (FD_READ | FD_WRITE), FD_READ);
    assert_eq!(read(fd, &mut [0; 8]), Ok(0));
    fails(write(fd, b"x"), &[BADF, NOTCAPABLE, ACCES]);
    assert_eq!(get(dir, "f"), b"");
}

fn what_is_open_for_writing_cannot_be_read(dir: Dir) {
    put(dir, "f", b"secret");
    let fd = open(dir, 0, "f", 0, FD_WRITE, 0, 0).expect("opened");
    assert_eq!(fdstat(fd).expect("its state").base & (FD_READ | FD_WRITE), FD_WRITE);
    let mut buf = [0; 6];
    fails(read(fd, &mut buf), &[BADF, NOTCAPABLE, ACCES]);
    assert_eq!(buf, [0; 6]);
    assert_eq!(write(fd, b"S"), Ok(1));
    assert_eq!(get(dir, "f"), b"Secret");
}

fn what_a_directory_does_not_pass_on_cannot_be_had(dir: Dir) {
    create_directory(dir, "d").expect("made");
    put(dir, "d/f", b"abc");
    let d = open(dir, 0, "d", DIRECTORY, PATH_OPEN | PATH_CREATE_FILE, FD_READ | PATH_OPEN, 0).expect("opened");
    fails(open(d, 0, "f", 0, FD_READ | FD_WRITE, 0, 0), &[NOTCAPABLE]);
    create_directory(dir, "d/e").expect("made");
    // What cannot be had is refused or left out.
    match open(d, 0, "e", DIRECTORY, PATH_OPEN | PATH_UNLINK_FILE, FD_READ | FD_WRITE, 0) {
        Ok(e) => {
            let stat = fdstat(e).expect("its state");
            assert_eq!((stat.base, stat.inheriting), (PATH_OPEN, FD_READ));
        }
        Err(error) => assert_eq!(error, NOTCAPABLE),
    }
    let fd = open(d, 0, "f", 0, FD_READ, 0, 0).expect("what it passes on");
    assert_eq!(fdstat(fd).expect("its state").base, FD_READ);
    // Nor by a detour over the directory itself.
    let same = open(d, 0, ".", DIRECTORY, PATH_OPEN, FD_READ, 0).expect("itself");
    fails(open(same, 0, "f", 0, FD_WRITE, 0, 0), &[NOTCAPABLE]);
}

fn rights_that_do_not_apply_to_a_file_are_left_out(dir: Dir) {
    let asked = FD_READ | PATH_FILESTAT_GET | FD_READDIR | PATH_OPEN;
    let fd = open(dir, 0, "f", CREAT, asked, FD_READ, 0).expect("opened");
    assert_eq!(fdstat(fd).expect("its state").base, FD_READ);
}

fn truncating_takes_the_directorys_right_alone(dir: Dir) {
    let d = directory(dir, "d");
    put(d, "f", b"abc");
    let had = fdstat(d).expect("its state");
    set_rights(d, had.base, had.inheriting & !FD_FILESTAT_SET_SIZE).expect("passed on no more");
    close(open(d, 0, "f", TRUNC, 0, 0, 0).expect("truncated")).expect("closed");
    assert_eq!(get(d, "f"), b"");
    put(d, "f", b"abc");
    set_rights(d, had.base & !PATH_FILESTAT_SET_SIZE, had.inheriting & !FD_FILESTAT_SET_SIZE).expect("dropped");
    fails(open(d, 0, "f", TRUNC, 0, 0, 0), &[PERM, NOTCAPABLE]);
    assert_eq!(get(d, "f"), b"abc");
}

fn creating_takes_a_right(dir: Dir) {
    create_directory(dir, "d").expect("made");
    touch(dir, "d/there");
    let d = open(dir, 0, "d", DIRECTORY, PATH_OPEN, FILE_RIGHTS, 0).expect("opened");
    fails(open(d, 0, "new", CREAT, FD_READ, 0, 0), &[NOTCAPABLE]);
    fails(path_filestat(dir, 0, "d/new"), &[NOENT]);
    open(d, 0, "there", 0, FD_READ, 0, 0).expect("what is there can be opened");
}

fn opening_takes_a_right(dir: Dir) {
    create_directory(dir, "d").expect("made");
    touch(dir, "d/f");
    let d = open(dir, 0, "d", DIRECTORY, DIR_RIGHTS & !PATH_OPEN, FILE_RIGHTS, 0).expect("opened");
    fails(open(d, 0, "f", 0, 0, 0, 0), &[NOTCAPABLE]);
}

type Call<'a> = (&'a str, Rights, &'a dyn Fn(Fd) -> Result<()>);

/// Every call succeeds with all rights of `all`, and is refused when its own is missing.
fn each_takes_its_right(calls: &[Call<'_>], all: Rights, fresh: &dyn Fn(), opened: &dyn Fn(Rights) -> Fd) {
    for (name, right, call) in calls {
        fresh();
        let without = opened(all & !right);
        match call(without) {
            Err(NOTCAPABLE | BADF) => {}
            other => panic!("{name} without its right: {other:?}"),
        }
        close(without).expect("closed");
        fresh();
        let with = opened(all);
        assert_eq!(call(with), Ok(()), "{name} with its right");
        close(with).expect("closed");
    }
}

fn every_path_call_takes_its_right(dir: Dir) {
    let fresh = || {
        for name in ["d/new", "d/moved"] {
            let _ = unlink(dir, name);
            let _ = remove_directory(dir, name);
        }
        let _ = create_directory(dir, "d");
        let _ = create_directory(dir, "d/empty");
        let _ = symlink("f", dir, "d/link");
        touch(dir, "d/f");
        touch(dir, "d/g");
    };
    let opened = |rights| open(dir, 0, "d", DIRECTORY, rights, FILE_RIGHTS, 0).expect("opened");
    let calls: &[Call<'_>] = &[
        ("path_create_directory", PATH_CREATE_DIRECTORY, &|d| create_directory(d, "new")),
        ("path_filestat_get", PATH_FILESTAT_GET, &|d| path_filestat(d, 0, "f").map(|_| ())),
        ("path_filestat_set_times", PATH_FILESTAT_SET_TIMES, &|d| path_set_times(d, 0, "f", 1, 2, MTIM)),
        ("path_link source", PATH_LINK_SOURCE, &|d| link(d, 0, "f", dir, "d/new")),
        ("path_link target", PATH_LINK_TARGET, &|d| link(dir, 0, "d/f", d, "new")),
        ("path_readlink", PATH_READLINK, &|d| readlink(d, "link", &mut [0; 8]).map(|_| ())),
        ("path_remove_directory", PATH_REMOVE_DIRECTORY, &|d| remove_directory(d, "empty")),
        ("path_rename source", PATH_RENAME_SOURCE, &|d| rename(d, "g", dir, "d/moved")),
        ("path_rename target", PATH_RENAME_TARGET, &|d| rename(dir, "d/g", d, "moved")),
        ("path_symlink", PATH_SYMLINK, &|d| symlink("f", d, "new")),
        ("path_unlink_file", PATH_UNLINK_FILE, &|d| unlink(d, "f")),
        ("fd_readdir", FD_READDIR, &|d| list(d, 512).map(|_| ())),
        ("fd_filestat_get", FD_FILESTAT_GET, &|d| filestat(d).map(|_| ())),
        ("fd_filestat_set_times", FD_FILESTAT_SET_TIMES, &|d| set_times(d, 1, 2, MTIM)),
    ];
    each_takes_its_right(calls, DIR_RIGHTS, &fresh, &opened);
}

fn every_file_call_takes_its_right(dir: Dir) {
    let fresh = || put(dir, "f", b"content");
    let opened = |rights| open(dir, 0, "f", 0, rights, 0, 0).expect("opened");
    let calls: &[Call<'_>] = &[
        ("fd_datasync", FD_DATASYNC, &|fd| datasync(fd)),
        ("fd_sync", FD_SYNC, &|fd| sync(fd)),
        ("fd_read", FD_READ, &|fd| read(fd, &mut [0; 4]).map(|_| ())),
        ("fd_write", FD_WRITE, &|fd| write(fd, b"x").map(|_| ())),
        ("fd_seek", FD_SEEK, &|fd| seek(fd, 1, SET).map(|_| ())),
        ("fd_fdstat_set_flags", FD_FDSTAT_SET_FLAGS, &|fd| set_flags(fd, APPEND)),
        ("fd_advise", FD_ADVISE, &|fd| advise(fd, 0, 1, 0)),
        ("fd_allocate", FD_ALLOCATE, &|fd| allocate(fd, 0, 10)),
        ("fd_filestat_get", FD_FILESTAT_GET, &|fd| filestat(fd).map(|_| ())),
        ("fd_filestat_set_size", FD_FILESTAT_SET_SIZE, &|fd| set_size(fd, 3)),
        ("fd_filestat_set_times", FD_FILESTAT_SET_TIMES, &|fd| set_times(fd, 1, 2, MTIM)),
    ];
    each_takes_its_right(calls, FILE_RIGHTS, &fresh, &opened);
}

fn telling_takes_less_than_seeking(dir: Dir) {
    put(dir, "f", b"abc");
    let fd = open(dir, 0, "f", 0, FD_READ | FD_TELL, 0, 0).expect("opened");
    assert_eq!(read(fd, &mut [0; 2]), Ok(2));
    assert_eq!(tell(fd), Ok(2));
    assert_eq!(seek(fd, 0, CUR), Ok(2), "a seek that moves nothing tells");
    fails(seek(fd, 1, CUR), &[NOTCAPABLE]);
    fails(seek(fd, 0, SET), &[NOTCAPABLE]);
    assert_eq!(tell(fd), Ok(2));
    let fd = open(dir, 0, "f", 0, FD_READ | FD_SEEK, 0, 0).expect("opened");
    assert_eq!(seek(fd, 1, CUR), Ok(1));
    assert_eq!(tell(fd), Ok(1), "the right to seek implies the right to tell");
}

fn data_at_an_offset_takes_the_right_to_seek(dir: Dir) {
    put(dir, "f", b"abc");
    let fd = open(dir, 0, "f", 0, FD_READ | FD_WRITE, 0, 0).expect("opened");
    fails(pread(fd, &mut [&mut [0; 2]], 1), &[NOTCAPABLE]);
    fails(pwrite(fd, &[b"x"], 1), &[NOTCAPABLE]);
    let fd = open(dir, 0, "f", 0, FD_READ | FD_WRITE | FD_SEEK, 0, 0).expect("opened");
    assert_eq!(pwrite(fd, &[b"x"], 1), Ok(1));
    assert_eq!(get(dir, "f"), b"axc");
}
