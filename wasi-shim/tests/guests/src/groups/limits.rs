//! What a host may refuse, and how. The runner allows 48 descriptors, 1 MiB and 64 files.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    descriptors_run_out_with_mfile,
    bytes_run_out_with_dquot,
    a_write_that_fits_in_part_is_short,
    what_is_removed_makes_room,
    an_open_file_without_a_name_still_takes_room,
    sizes_count_before_they_are_written,
    files_run_out_with_dquot,
    overwriting_takes_no_room,
    replacing_by_rename_makes_room,
);

const BYTES: u64 = 1 << 20;

fn descriptors_run_out_with_mfile(dir: Dir) {
    let mut fds = Vec::new();
    let error = loop {
        match open(dir, 0, "f", CREAT, FD_READ, 0, 0) {
            Ok(fd) => fds.push(fd),
            Err(error) => break error,
        }
        assert!(fds.len() <= 48);
    };
    assert_eq!(error, MFILE);
    assert!(fds.len() >= 40, "only {} files", fds.len());
    close(fds[0]).expect("closed");
    open(dir, 0, "f", 0, FD_READ, 0, 0).expect("there is room for one again");
}

/// Writes until it is refused.
fn fill(fd: Fd) -> (u64, Errno) {
    let (mut total, block) = (0, [0xa5; 10_000]);
    loop {
        match write(fd, &block) {
            Ok(done) => total += done as u64,
            Err(error) => return (total, error),
        }
        assert!(total <= 2 * BYTES);
    }
}

fn bytes_run_out_with_dquot(dir: Dir) {
    let fd = file(dir, "f");
    let (total, error) = fill(fd);
    assert_eq!(error, DQUOT);
    assert!((BYTES - 65_536..=BYTES).contains(&total), "{total} bytes");
    assert_eq!(filestat(fd).expect("its state").size, total);
    let other = file(dir, "g");
    fails(write(other, &[0; 100_000]), &[DQUOT]);
}

fn a_write_that_fits_in_part_is_short(dir: Dir) {
    let fd = file(dir, "f");
    set_size(fd, BYTES - 65_536).expect("set");
    let other = file(dir, "g");
    match write(other, &[1; 100_000]) {
        Ok(done) => assert!(done <= 65_536, "{done} bytes"),
        Err(error) => assert_eq!(error, DQUOT),
    }
    let size = filestat(fd).expect("its state").size + filestat(other).expect("its state").size;
    assert!(size <= BYTES);
}

fn what_is_removed_makes_room(dir: Dir) {
    for _ in 0..5 {
        let fd = file(dir, "f");
        set_size(fd, BYTES / 2).expect("there is room");
        close(fd).expect("closed");
        unlink(dir, "f").expect("removed");
    }
    let fd = file(dir, "f");
    set_size(fd, BYTES / 2).expect("there is room");
    set_size(fd, 0).expect("cut");
    set_size(fd, BYTES / 2 + 1).expect("there is room again");
}

fn an_open_file_without_a_name_still_takes_room(dir: Dir) {
    let fd = file(dir, "f");
    set_size(fd, BYTES * 3 / 4).expect("there is room");
    unlink(dir, "f").expect("removed");
    let other = file(dir, "g");
    fails(set_size(other, BYTES / 2), &[DQUOT]);
    close(fd).expect("closed");
    set_size(other, BYTES / 2).expect("now there is");
}

fn sizes_count_before_they_are_written(dir: Dir) {
    let fd = file(dir, "f");
    fails(set_size(fd, 10 * BYTES), &[DQUOT]);
    fails(allocate(fd, 0, 10 * BYTES), &[DQUOT]);
    fails(pwrite(fd, &[b"x"], 100 * BYTES), &[DQUOT]);
    assert_eq!(seek(fd, 1 << 40, SET), Ok(1 << 40));
    fails(write(fd, b"x"), &[DQUOT]);
    assert_eq!(filestat(fd).expect("its state").size, 0);
}

fn files_run_out_with_dquot(dir: Dir) {
    let mut made = 0;
    let error = loop {
        let name = format!("n{made}");
        let result = match made % 3 {
            0 => open(dir, 0, &name, CREAT, FD_WRITE, 0, 0).map(|fd| close(fd).expect("closed")),
            1 => create_directory(dir, &name),
            _ => symlink("x", dir, &name),
        };
        match result {
            Ok(()) => made += 1,
            Err(error) => break error,
        }
        assert!(made <= 64);
    };
    assert_eq!(error, DQUOT);
    assert!(made >= 60, "only {made} files");
    unlink(dir, "n0").expect("removed");
    touch(dir, "again");
    fails(create_directory(dir, "more"), &[DQUOT]);
}

fn overwriting_takes_no_room(dir: Dir) {
    let fd = file(dir, "f");
    set_size(fd, BYTES / 2).expect("there is room");
    for _ in 0..100 {
        assert_eq!(pwrite(fd, &[&[1; 30_000]], 0), Ok(30_000));
    }
    for _ in 0..10 {
        let fd = open(dir, 0, "f", TRUNC, FILE_RIGHTS, 0, 0).expect("truncated");
        set_size(fd, BYTES / 2).expect("there is room");
        close(fd).expect("closed");
    }
}

fn replacing_by_rename_makes_room(dir: Dir) {
    for _ in 0..10 {
        let fd = file(dir, "new");
        set_size(fd, BYTES / 3).expect("there is room");
        close(fd).expect("closed");
        rename(dir, "new", dir, "f").expect("renamed");
    }
}
