//! Reading, writing and where: append, offsets, vectors, sizes.

mod guest;

use guest::{APPEND, CREAT, Guest, OUT, Open, fresh, i, l};
use wasi_shim::Errno;

const ROOT: u32 = 3;

const SET: u32 = 0;
const CUR: u32 = 1;
const END: u32 = 2;

fn file(flags: u32) -> (Guest, u32) {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT).fdflags(flags)).expect("creatable");
    (guest, fd)
}

fn contents(guest: &mut Guest, fd: u32) -> Vec<u8> {
    guest.pread(fd, 4096, 0).expect("readable")
}

#[test]
fn what_is_written_is_read() {
    let (mut guest, fd) = file(0);
    assert_eq!(guest.write(fd, b"hello world"), Ok(11));
    assert_eq!(guest.tell(fd), Ok(11));
    assert_eq!(guest.read(fd, 10), Ok(vec![]), "at the end");
    assert_eq!(guest.seek(fd, 6, SET), Ok(6));
    assert_eq!(guest.read(fd, 3), Ok(b"wor".to_vec()));
    assert_eq!(guest.read(fd, 10), Ok(b"ld".to_vec()));
}

#[test]
fn seeking_goes_from_start_here_and_end() {
    let (mut guest, fd) = file(0);
    guest.write(fd, &[0; 100]).expect("writable");
    assert_eq!(guest.seek(fd, -10, CUR), Ok(90));
    assert_eq!(guest.seek(fd, -100, END), Ok(0));
    assert_eq!(guest.seek(fd, 50, END), Ok(150), "past the end");
    assert_eq!(guest.tell(fd), Ok(150));
    assert_eq!(guest.seek(fd, 0, CUR), Ok(150));
}

#[test]
fn seeking_before_the_start_is_invalid_and_moves_nothing() {
    let (mut guest, fd) = file(0);
    guest.write(fd, b"abc").expect("writable");
    for (offset, whence) in [(-1, SET), (-4, CUR), (-4, END), (i64::MIN, SET), (i64::MIN, CUR), (0, 3), (0, u32::MAX)] {
        assert_eq!(guest.seek(fd, offset, whence), Err(Errno::Inval), "{offset} from {whence}");
    }
    assert_eq!(guest.tell(fd), Ok(3));
}

#[test]
fn a_gap_that_was_seeked_over_reads_as_zeros() {
    let (mut guest, fd) = file(0);
    guest.seek(fd, 4, SET).expect("seekable");
    guest.write(fd, b"x").expect("writable");
    assert_eq!(contents(&mut guest, fd), b"\0\0\0\0x");
}

#[test]
fn appending_writes_at_the_end_wherever_one_is() {
    let (mut guest, fd) = file(APPEND);
    guest.write(fd, b"one").expect("writable");
    assert_eq!(guest.seek(fd, 0, SET), Ok(0));
    guest.write(fd, b"two").expect("writable");
    assert_eq!(guest.tell(fd), Ok(6));
    assert_eq!(contents(&mut guest, fd), b"onetwo");
}

#[test]
fn appending_can_be_switched_off_and_on() {
    let (mut guest, fd) = file(APPEND);
    guest.write(fd, b"aaaa").expect("writable");
    guest.set_flags(fd, 0).expect("settable");
    guest.seek(fd, 0, SET).expect("seekable");
    guest.write(fd, b"b").expect("writable");
    assert_eq!(contents(&mut guest, fd), b"baaa");
    guest.set_flags(fd, APPEND).expect("settable");
    guest.write(fd, b"c").expect("writable");
    assert_eq!(contents(&mut guest, fd), b"baaac");
}

#[test]
fn two_who_append_never_overwrite_each_other() {
    let (mut guest, fd) = file(APPEND);
    let other = guest.open(ROOT, "file", Open::rw().fdflags(APPEND)).expect("openable");
    for n in 0..10_u8 {
        guest.write(if n % 2 == 0 { fd } else { other }, &[n]).expect("writable");
    }
    assert_eq!(contents(&mut guest, fd), (0..10).collect::<Vec<u8>>());
}

#[test]
fn reading_and_writing_at_an_offset_leaves_the_position_alone() {
    let (mut guest, fd) = file(0);
    guest.write(fd, b"0123456789").expect("writable");
    guest.seek(fd, 5, SET).expect("seekable");
    assert_eq!(guest.pread(fd, 3, 2), Ok(b"234".to_vec()));
    assert_eq!(guest.pwrite(fd, b"XY", 8), Ok(2));
    assert_eq!(guest.pread(fd, 4, 9), Ok(b"Y".to_vec()), "short at the end");
    assert_eq!(guest.pread(fd, 4, 100), Ok(vec![]), "nothing past it");
    assert_eq!(guest.tell(fd), Ok(5));
    assert_eq!(contents(&mut guest, fd), b"01234567XY");
}

#[test]
fn an_offset_no_file_can_have_is_invalid() {
    let (mut guest, fd) = file(0);
    for offset in [1 << 63, u64::MAX] {
        assert_eq!(guest.pread(fd, 1, offset), Err(Errno::Inval));
        assert_eq!(guest.pwrite(fd, b"x", offset), Err(Errno::Inval));
        assert_eq!(guest.set_size(fd, offset), Err(Errno::Inval));
        assert_eq!(guest.allocate(fd, offset, 1), Err(Errno::Inval));
    }
    assert_eq!(guest.allocate(fd, 1 << 62, 1 << 62), Err(Errno::Inval), "the end counts");
}

#[test]
fn vectors_are_filled_and_emptied_in_order() {
    let (mut guest, fd) = file(0);
    let parts = [guest.put(b"ab"), guest.put(b""), guest.put(b"cde"), guest.put(b"f")];
    let (iovs, count) = guest.iovecs(&parts);
    guest.call("fd_write", &[i(fd), i(iovs), i(count), i(OUT)]).expect("writable");
    assert_eq!(guest.u32(OUT), 6);
    guest.seek(fd, 0, SET).expect("seekable");
    let buffers = [guest.put(&[0; 1]), guest.put(&[0; 4]), guest.put(&[0xAA; 4])];
    let (iovs, count) = guest.iovecs(&buffers);
    guest.call("fd_read", &[i(fd), i(iovs), i(count), i(OUT)]).expect("readable");
    assert_eq!(guest.u32(OUT), 6);
    assert_eq!(guest.bytes(buffers[0].0, 1), b"a");
    assert_eq!(guest.bytes(buffers[1].0, 4), b"bcde");
    assert_eq!(guest.bytes(buffers[2].0, 4), b"f\xAA\xAA\xAA", "what was not read is not touched");
}

#[test]
fn vectors_work_at_an_offset_too() {
    let (mut guest, fd) = file(0);
    let parts = [guest.put(b"ab"), guest.put(b"cd")];
    let (iovs, count) = guest.iovecs(&parts);
    guest.call("fd_pwrite", &[i(fd), i(iovs), i(count), l(2), i(OUT)]).expect("writable");
    assert_eq!(contents(&mut guest, fd), b"\0\0abcd");
    let buffers = [guest.put(&[0; 3]), guest.put(&[0; 3])];
    let (iovs, count) = guest.iovecs(&buffers);
    guest.call("fd_pread", &[i(fd), i(iovs), i(count), l(1), i(OUT)]).expect("readable");
    assert_eq!(
        (guest.u32(OUT), guest.bytes(buffers[0].0, 3), guest.bytes(buffers[1].0, 2)),
        (5, b"\0ab".to_vec(), b"cd".to_vec())
    );
}

#[test]
fn nothing_to_write_is_written() {
    let (mut guest, fd) = file(0);
    assert_eq!(guest.write(fd, b""), Ok(0));
    guest.call("fd_write", &[i(fd), i(0), i(0), i(OUT)]).expect("an empty vector");
    assert_eq!(guest.u32(OUT), 0);
    guest.call("fd_read", &[i(fd), i(0), i(0), i(OUT)]).expect("an empty vector");
    assert_eq!(guest.stat(fd).map(|stat| stat.size), Ok(0));
}

#[test]
fn a_size_is_set_up_and_down() {
    let (mut guest, fd) = file(0);
    guest.write(fd, b"abcdef").expect("writable");
    assert_eq!(guest.set_size(fd, 3), Ok(()));
    assert_eq!(guest.set_size(fd, 5), Ok(()));
    assert_eq!(contents(&mut guest, fd), b"abc\0\0");
    assert_eq!(guest.tell(fd), Ok(6), "the position stays");
}

#[test]
fn allocating_only_ever_grows() {
    let (mut guest, fd) = file(0);
    for (offset, len, size) in [(0, 100, 100), (10, 10, 100), (90, 20, 110)] {
        assert_eq!(guest.allocate(fd, offset, len), Ok(()));
        assert_eq!(guest.stat(fd).map(|stat| stat.size), Ok(size));
    }
    assert_eq!(guest.allocate(fd, 0, 0), Err(Errno::Inval));
}

#[test]
fn advice_is_taken_and_changes_nothing() {
    let (mut guest, fd) = file(0);
    guest.write(fd, &[7; 100]).expect("writable");
    for advice in 0..6 {
        assert_eq!(guest.call("fd_advise", &[i(fd), l(10), l(50), i(advice)]), Ok(()), "{advice}");
    }
    assert_eq!(guest.call("fd_advise", &[i(fd), l(0), l(0), i(6)]), Err(Errno::Inval));
    assert_eq!(guest.call("fd_advise", &[i(fd), l(u64::MAX), l(2), i(0)]), Err(Errno::Inval));
    assert_eq!(guest.call("fd_advise", &[i(1), l(0), l(0), i(0)]), Err(Errno::Spipe));
    assert_eq!(contents(&mut guest, fd), [7; 100]);
}

#[test]
fn what_was_written_can_be_synced() {
    let (mut guest, fd) = file(0);
    guest.write(fd, b"x").expect("writable");
    assert_eq!(guest.call("fd_sync", &[i(fd)]), Ok(()));
    assert_eq!(guest.call("fd_datasync", &[i(fd)]), Ok(()));
    assert_eq!(guest.call("fd_sync", &[i(ROOT)]), Ok(()), "a directory, too");
}

#[test]
fn data_and_offsets_are_not_a_directorys() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, ".", Open::dir()).expect("openable");
    for whence in [SET, CUR, END] {
        assert_eq!(guest.seek(fd, 0, whence), Err(Errno::Isdir));
    }
    assert_eq!(guest.tell(fd), Err(Errno::Isdir));
    assert_eq!(guest.pread(fd, 1, 0), Err(Errno::Isdir));
    assert_eq!(guest.pwrite(fd, b"x", 0), Err(Errno::Isdir));
    assert_eq!(guest.allocate(fd, 0, 1), Err(Errno::Isdir));
    assert_eq!(guest.set_size(fd, 0), Err(Errno::Isdir));
    for answer in [guest.read(fd, 1).map(drop), guest.write(fd, b"x").map(drop)] {
        assert_eq!(answer, Err(Errno::Notcapable));
    }
}

#[test]
fn a_stream_has_no_offsets() {
    let mut guest = fresh();
    for fd in 0..3 {
        assert_eq!(guest.seek(fd, 0, CUR), Err(Errno::Spipe));
        assert_eq!(guest.tell(fd), Err(Errno::Spipe));
        assert_eq!(guest.pread(fd, 1, 0), Err(Errno::Spipe));
        assert_eq!(guest.pwrite(fd, b"x", 0), Err(Errno::Spipe));
        assert_eq!(guest.set_size(fd, 0), Err(Errno::Spipe));
    }
}

#[test]
fn a_large_transfer_is_cut_and_continues_where_it_was() {
    let (mut guest, fd) = file(0);
    let data: Vec<u8> = (0..1_500_000_u32).map(|n| n as u8).collect();
    let mut done = 0;
    while done < data.len() {
        done += guest.write(fd, &data[done..]).expect("writable") as usize;
    }
    guest.seek(fd, 0, SET).expect("seekable");
    let mut read = Vec::new();
    loop {
        let more = guest.read(fd, 1_500_000).expect("readable");
        if more.is_empty() {
            break;
        }
        read.extend(more);
    }
    assert_eq!(read, data);
}
