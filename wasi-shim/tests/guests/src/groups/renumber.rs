//! Moving descriptors about, preopened and standard ones like any other.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    a_descriptor_takes_anothers_place,
    only_open_descriptors_take_part,
    renumbering_to_itself_changes_nothing,
    the_replaced_file_is_closed,
    offset_and_flags_move_along,
    a_preopened_directory_can_be_closed,
    a_preopened_directory_can_be_replaced,
    a_preopened_directory_can_be_moved,
    standard_streams_can_be_moved,
    a_file_can_become_standard_output,
    freed_numbers_can_be_used_again,
    preopened_directories_have_a_name,
);

fn a_descriptor_takes_anothers_place(dir: Dir) {
    let (a, b) = (file(dir, "a"), file(dir, "b"));
    let stat = fdstat(a).expect("its state");
    renumber(a, b).expect("renumbered");
    fails(close(a), &[BADF]);
    assert_eq!(fdstat(b), Ok(stat));
    assert_eq!(write(b, b"x"), Ok(1));
    assert_eq!((get(dir, "a"), get(dir, "b")), (b"x".to_vec(), Vec::new()));
}

fn only_open_descriptors_take_part(dir: Dir) {
    let fd = file(dir, "f");
    fails(renumber(fd, 99), &[BADF]);
    fails(renumber(99, fd), &[BADF]);
    fails(renumber(99, 98), &[BADF]);
    fails(renumber(fd, u32::MAX), &[BADF]);
    assert_eq!(write(fd, b"x"), Ok(1), "nothing was moved");
}

fn renumbering_to_itself_changes_nothing(dir: Dir) {
    let fd = file(dir, "f");
    renumber(fd, fd).expect("renumbered");
    assert_eq!(write(fd, b"x"), Ok(1));
    fails(renumber(99, 99), &[BADF]);
}

fn the_replaced_file_is_closed(dir: Dir) {
    let (a, b) = (file(dir, "a"), file(dir, "b"));
    let ino = filestat(a).expect("its state").ino;
    renumber(a, b).expect("renumbered");
    assert_eq!(filestat(b).expect("its state").ino, ino);
    close(b).expect("closed");
    fails(filestat(b), &[BADF]);
}

fn offset_and_flags_move_along(dir: Dir) {
    put(dir, "a", b"abcdef");
    let a = open(dir, 0, "a", 0, FILE_RIGHTS, 0, APPEND).expect("opened");
    let b = file(dir, "b");
    assert_eq!(seek(a, 2, SET), Ok(2));
    renumber(a, b).expect("renumbered");
    assert_eq!(tell(b), Ok(2));
    assert_eq!(fdstat(b).expect("its state").flags, APPEND);
}

fn a_preopened_directory_can_be_closed(dir: Dir) {
    let other = directory(dir, "d");
    close(dir).expect("closed");
    fails(fdstat(dir), &[BADF]);
    fails(prestat(dir), &[BADF]);
    assert_eq!(fdstat(other).expect("its state").filetype, DIR);
    touch(other, "f");
}

fn a_preopened_directory_can_be_replaced(dir: Dir) {
    let other = directory(dir, "d");
    let stat = filestat(other).expect("its state");
    renumber(other, dir).expect("renumbered");
    let now = filestat(dir).expect("its state");
    assert_eq!((now.dev, now.ino), (stat.dev, stat.ino));
    fails(fdstat(other), &[BADF]);
    fails(open(dir, 0, "d", 0, 0, 0, 0), &[NOENT]);
}

fn a_preopened_directory_can_be_moved(dir: Dir) {
    touch(dir, "there");
    let fd = file(dir, "f");
    renumber(dir, fd).expect("renumbered");
    fails(fdstat(dir), &[BADF]);
    assert_eq!(path_filestat(fd, 0, "there").expect("its state").filetype, REGULAR);
}

fn standard_streams_can_be_moved(dir: Dir) {
    for stream in [0, 1] {
        let fd = file(dir, "f");
        renumber(stream, fd).expect("renumbered");
        assert!(fdstat(fd).is_ok());
        fails(fdstat(stream), &[BADF]);
    }
}

fn a_file_can_become_standard_output(dir: Dir) {
    let fd = file(dir, "out");
    renumber(fd, 1).expect("renumbered");
    println!("to the file");
    assert_eq!(get(dir, "out"), b"to the file\n");
}

fn freed_numbers_can_be_used_again(dir: Dir) {
    // Far more often than there are descriptors at a time.
    for at in 0..2000 {
        let fd = file(dir, "f");
        assert!(fd < 1 << 16, "number {fd} after {at} times");
        close(fd).expect("closed");
    }
}

fn preopened_directories_have_a_name(dir: Dir) {
    let stat = prestat(dir).expect("preopened");
    assert_eq!((stat.tag, stat.name_len), (0, 1));
    fails(prestat_dir_name(dir, &mut []), &[NAMETOOLONG, INVAL]);
    let mut buf = [0xee; 4];
    prestat_dir_name(dir, &mut buf).expect("more room than needed");
    assert_eq!(buf[0], b'/');
    for fd in [0, 1, 2, 99, file(dir, "f"), open(dir, 0, ".", 0, 0, 0, 0).expect("opened")] {
        fails(prestat(fd), &[BADF, INVAL, NOTSUP]);
        fails(prestat_dir_name(fd, &mut buf), &[BADF, INVAL, NOTDIR, NOTSUP]);
    }
}
