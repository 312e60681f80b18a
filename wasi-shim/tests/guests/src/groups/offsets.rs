//! Where reading and writing happens.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    reading_and_writing_move_on,
    seeking_from_everywhere,
    seeking_before_the_start_fails,
    seeking_beyond_the_end_leaves_a_hole,
    an_unknown_origin_is_refused,
    positioned_calls_do_not_move,
    positioned_calls_reach_beyond_the_end,
    vectors_are_filled_in_order,
    empty_vectors_move_nothing,
    appending_ignores_the_offset,
    appending_is_switched_off_and_on,
    a_positioned_write_while_appending_keeps_the_offset,
    only_known_flags_can_be_set,
    descriptors_have_offsets_of_their_own,
    setting_the_size_cuts_and_fills,
    a_size_beyond_reason_is_refused,
    allocation_only_grows,
    advice_changes_nothing,
    advice_is_checked,
    offsets_beyond_reason_are_refused,
    reading_at_the_end_gives_nothing,
    syncing_works,
    a_large_file_is_written_and_read_whole,
);

fn with(dir: Fd, content: &[u8]) -> Fd {
    put(dir, "f", content);
    file(dir, "f")
}

fn reading_and_writing_move_on(dir: Dir) {
    let fd = file(dir, "f");
    assert_eq!(tell(fd), Ok(0));
    assert_eq!(write(fd, &[0; 100]), Ok(100));
    assert_eq!(tell(fd), Ok(100));
    assert_eq!(seek(fd, 0, SET), Ok(0));
    assert_eq!(read(fd, &mut [0; 60]), Ok(60));
    assert_eq!(tell(fd), Ok(60));
    assert_eq!(read(fd, &mut [0; 60]), Ok(40));
    assert_eq!(tell(fd), Ok(100));
}

fn seeking_from_everywhere(dir: Dir) {
    let fd = with(dir, b"0123456789");
    assert_eq!(seek(fd, 4, SET), Ok(4));
    assert_eq!(seek(fd, 3, CUR), Ok(7));
    assert_eq!(seek(fd, -5, CUR), Ok(2));
    assert_eq!(seek(fd, -1, END), Ok(9));
    assert_eq!(seek(fd, 0, END), Ok(10));
    assert_eq!(seek(fd, 5, END), Ok(15));
    assert_eq!(tell(fd), Ok(15));
}

fn seeking_before_the_start_fails(dir: Dir) {
    let fd = with(dir, b"0123456789");
    assert_eq!(seek(fd, 5, SET), Ok(5));
    fails(seek(fd, -1, SET), &[INVAL]);
    fails(seek(fd, -6, CUR), &[INVAL]);
    fails(seek(fd, -11, END), &[INVAL]);
    fails(seek(fd, i64::MIN, SET), &[INVAL]);
    fails(seek(fd, i64::MAX, CUR), &[INVAL, OVERFLOW]);
    assert_eq!(tell(fd), Ok(5));
}

fn seeking_beyond_the_end_leaves_a_hole(dir: Dir) {
    let fd = file(dir, "f");
    assert_eq!(seek(fd, 1000, SET), Ok(1000));
    assert_eq!(filestat(fd).expect("its state").size, 0);
    assert_eq!(write(fd, b"x"), Ok(1));
    let content = get(dir, "f");
    assert_eq!(content.len(), 1001);
    assert!(content[..1000].iter().all(|byte| *byte == 0));
}

fn an_unknown_origin_is_refused(dir: Dir) {
    let fd = with(dir, b"abc");
    fails(seek(fd, 0, 3), &[INVAL]);
}

fn positioned_calls_do_not_move(dir: Dir) {
    let fd = with(dir, b"0123");
    let mut buf = [0; 4];
    assert_eq!((pread(fd, &mut [&mut buf], 0), &buf), (Ok(4), b"0123"));
    assert_eq!(tell(fd), Ok(0));
    let mut buf = [0; 4];
    assert_eq!((pread(fd, &mut [&mut buf], 2), &buf), (Ok(2), b"23\0\0"));
    assert_eq!(pwrite(fd, &[b"ab"], 2), Ok(2));
    assert_eq!(tell(fd), Ok(0));
    assert_eq!(get(dir, "f"), b"01ab");
}

fn positioned_calls_reach_beyond_the_end(dir: Dir) {
    let fd = with(dir, b"ab");
    assert_eq!(pread(fd, &mut [&mut [0; 4]], 2), Ok(0));
    assert_eq!(pread(fd, &mut [&mut [0; 4]], 1000), Ok(0));
    assert_eq!(pwrite(fd, &[b"z"], 4), Ok(1));
    assert_eq!(get(dir, "f"), b"ab\0\0z");
}

fn vectors_are_filled_in_order(dir: Dir) {
    let fd = file(dir, "f");
    assert_eq!(writev(fd, &[b"ab", b"", b"cde", b"f"]), Ok(6));
    assert_eq!(seek(fd, 0, SET), Ok(0));
    let (mut first, mut second, mut third) = ([0; 1], [0; 4], [0; 8]);
    assert_eq!(readv(fd, &mut [&mut first, &mut second, &mut [], &mut third]), Ok(6));
    assert_eq!((&first, &second, &third[..2]), (b"a", b"bcde", b"f\0".as_slice()));
    assert_eq!(pwrite(fd, &[b"01", b"23"], 1), Ok(4));
    let (mut first, mut second) = ([0; 2], [0; 2]);
    assert_eq!(pread(fd, &mut [&mut first, &mut second], 1), Ok(4));
    assert_eq!((&first, &second), (b"01", b"23"));
}

fn empty_vectors_move_nothing(dir: Dir) {
    let fd = with(dir, b"abc");
    assert_eq!(writev(fd, &[]), Ok(0));
    assert_eq!(writev(fd, &[b"", b""]), Ok(0));
    assert_eq!(readv(fd, &mut []), Ok(0));
    assert_eq!(pread(fd, &mut [], 0), Ok(0));
    assert_eq!(pwrite(fd, &[], 9), Ok(0));
    assert_eq!(tell(fd), Ok(0));
    assert_eq!(get(dir, "f"), b"abc");
}

fn appending_ignores_the_offset(dir: Dir) {
    put(dir, "f", b"abc");
    let fd = open(dir, 0, "f", 0, FILE_RIGHTS, 0, APPEND).expect("opened");
    assert_eq!(write(fd, b"d"), Ok(1));
    assert_eq!(tell(fd), Ok(4));
    assert_eq!(seek(fd, 0, SET), Ok(0));
    assert_eq!(write(fd, b"e"), Ok(1));
    assert_eq!(tell(fd), Ok(5));
    assert_eq!(get(dir, "f"), b"abcde");
    assert_eq!(seek(fd, 1, SET), Ok(1));
    let mut buf = [0; 2];
    assert_eq!((read(fd, &mut buf), &buf), (Ok(2), b"bc"), "reading goes where it was sought");
}

fn appending_is_switched_off_and_on(dir: Dir) {
    put(dir, "f", b"abc");
    let fd = open(dir, 0, "f", 0, FILE_RIGHTS, 0, APPEND).expect("opened");
    set_flags(fd, 0).expect("off");
    assert_eq!(fdstat(fd).expect("its state").flags, 0);
    assert_eq!(seek(fd, 0, SET), Ok(0));
    assert_eq!(write(fd, b"X"), Ok(1));
    assert_eq!(get(dir, "f"), b"Xbc");
    set_flags(fd, APPEND).expect("on");
    assert_eq!(fdstat(fd).expect("its state").flags, APPEND);
    assert_eq!(write(fd, b"Y"), Ok(1));
    assert_eq!(get(dir, "f"), b"XbcY");
    set_flags(fd, APPEND | NONBLOCK).expect("both");
    assert_eq!(fdstat(fd).expect("its state").flags, APPEND | NONBLOCK);
}

fn a_positioned_write_while_appending_keeps_the_offset(dir: Dir) {
    let fd = open(dir, 0, "f", CREAT, FILE_RIGHTS, 0, APPEND).expect("opened");
    assert_eq!(write(fd, b"abcd"), Ok(4));
    assert_eq!(pwrite(fd, &[b"xyz"], 0), Ok(3));
    assert_eq!(tell(fd), Ok(4));
    // POSIX writes at the offset, Linux at the end.
    let content = get(dir, "f");
    assert!(content == b"xyzd" || content == b"abcdxyz", "{content:?}");
}

fn only_known_flags_can_be_set(dir: Dir) {
    let fd = with(dir, b"abc");
    fails(set_flags(fd, 1 << 5), &[INVAL]);
    // Switching synchronous writing on an open file is not possible on every system.
    match set_flags(fd, SYNC) {
        Ok(()) => assert_eq!(fdstat(fd).expect("its state").flags & SYNC, SYNC),
        other => fails(other, &[INVAL, NOTSUP]),
    }
    fails(set_flags(99, 0), &[BADF]);
}

fn descriptors_have_offsets_of_their_own(dir: Dir) {
    let first = with(dir, b"abcdef");
    let second = file(dir, "f");
    assert_eq!(seek(first, 3, SET), Ok(3));
    assert_eq!(tell(second), Ok(0));
    let mut buf = [0; 1];
    assert_eq!((read(second, &mut buf), &buf), (Ok(1), b"a"));
    assert_eq!((read(first, &mut buf), &buf), (Ok(1), b"d"));
}

fn setting_the_size_cuts_and_fills(dir: Dir) {
    let fd = with(dir, b"abcdef");
    assert_eq!(seek(fd, 5, SET), Ok(5));
    set_size(fd, 2).expect("cut");
    assert_eq!(get(dir, "f"), b"ab");
    assert_eq!(tell(fd), Ok(5), "the offset stays");
    set_size(fd, 4).expect("filled");
    assert_eq!(get(dir, "f"), b"ab\0\0");
    set_size(fd, 0).expect("emptied");
    assert_eq!(filestat(fd).expect("its state").size, 0);
}

fn a_size_beyond_reason_is_refused(dir: Dir) {
    let fd = with(dir, b"abc");
    fails(set_size(fd, u64::MAX), &[INVAL, FBIG]);
    fails(set_size(fd, 1 << 63), &[INVAL, FBIG]);
    assert_eq!(get(dir, "f"), b"abc");
}

fn allocation_only_grows(dir: Dir) {
    let fd = file(dir, "f");
    let size = || filestat(fd).expect("its state").size;
    match allocate(fd, 0, 100) {
        Err(NOTSUP) => return,
        other => other.expect("allocated"),
    }
    assert_eq!(size(), 100);
    allocate(fd, 10, 10).expect("inside");
    assert_eq!(size(), 100);
    allocate(fd, 90, 20).expect("across the end");
    assert_eq!(size(), 110);
    assert_eq!(write(fd, b"data"), Ok(4));
    allocate(fd, 0, 200).expect("over data");
    assert_eq!(&get(dir, "f")[..6], b"data\0\0");
    fails(allocate(fd, 0, 0), &[INVAL]);
    fails(allocate(fd, u64::MAX, 1), &[INVAL, FBIG]);
    fails(allocate(fd, 1 << 62, 1 << 62), &[INVAL, FBIG]);
}

fn advice_changes_nothing(dir: Dir) {
    let fd = with(dir, b"abcdef");
    for advice in 0..=5 {
        advise(fd, 0, 0, advice).unwrap_or_else(|error| panic!("{advice}: {error:?}"));
        advise(fd, 1, 3, advice).unwrap_or_else(|error| panic!("{advice}: {error:?}"));
        advise(fd, 100, 100, advice).unwrap_or_else(|error| panic!("{advice}: {error:?}"));
    }
    assert_eq!(get(dir, "f"), b"abcdef");
    assert_eq!(tell(fd), Ok(0));
}

fn advice_is_checked(dir: Dir) {
    let fd = with(dir, b"abc");
    fails(advise(fd, 0, 0, 6), &[INVAL]);
    fails(advise(fd, u64::MAX, 1, 0), &[INVAL]);
    fails(advise(1 << 20, 0, 0, 0), &[BADF]);
}

fn offsets_beyond_reason_are_refused(dir: Dir) {
    let fd = with(dir, b"abc");
    fails(pread(fd, &mut [&mut [0; 4]], u64::MAX), &[INVAL, OVERFLOW]);
    fails(pwrite(fd, &[b"x"], u64::MAX), &[INVAL, FBIG, OVERFLOW]);
    fails(pwrite(fd, &[b"x"], 1 << 63), &[INVAL, FBIG, OVERFLOW]);
    assert_eq!(get(dir, "f"), b"abc");
}

fn reading_at_the_end_gives_nothing(dir: Dir) {
    let fd = with(dir, b"abc");
    assert_eq!(seek(fd, 0, END), Ok(3));
    let mut buf = [7; 4];
    assert_eq!((read(fd, &mut buf), buf), (Ok(0), [7; 4]));
    assert_eq!(seek(fd, 100, SET), Ok(100));
    assert_eq!(read(fd, &mut buf), Ok(0));
}

fn syncing_works(dir: Dir) {
    let fd = with(dir, b"abc");
    sync(fd).expect("synced");
    datasync(fd).expect("synced");
    sync(dir).expect("a directory can be synced");
}

fn a_large_file_is_written_and_read_whole(dir: Dir) {
    let content: Vec<u8> = (0..3_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let fd = file(dir, "f");
    let mut rest = content.as_slice();
    while !rest.is_empty() {
        // A write may be short; it says by how much.
        let done = write(fd, rest).expect("written");
        assert!(done > 0);
        rest = &rest[done..];
    }
    assert_eq!(seek(fd, 0, SET), Ok(0));
    let (mut back, mut at) = (vec![0; content.len()], 0);
    while at < back.len() {
        let done = read(fd, &mut back[at..]).expect("read");
        assert!(done > 0);
        at += done;
    }
    assert!(back == content);
}
