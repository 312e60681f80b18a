//! `fd_renumber` and `fd_close`: numbers are the guest's to arrange, preopened ones included.

mod guest;

use guest::{CREAT, OUT, Open, fresh, i};
use wasi_shim::Errno;

const ROOT: u32 = 3;

fn renumber(guest: &mut guest::Guest, from: u32, to: u32) -> Result<(), Errno> {
    guest.call("fd_renumber", &[i(from), i(to)])
}

#[test]
fn a_descriptor_takes_another_number_and_leaves_its_own() {
    let mut guest = fresh();
    let a = guest.open(ROOT, "a", Open::rw().oflags(CREAT)).expect("creatable");
    let b = guest.open(ROOT, "b", Open::rw().oflags(CREAT)).expect("creatable");
    guest.write(a, b"in a").expect("writable");
    let before = guest.fdstat(a);
    assert_eq!(renumber(&mut guest, a, b), Ok(()));
    assert_eq!(guest.fdstat(b), before);
    assert_eq!(guest.close(a), Err(Errno::Badf));
    assert_eq!(guest.tell(b), Ok(4), "the offset comes along");
    assert_eq!(guest.pread(b, 10, 0), Ok(b"in a".to_vec()));
}

#[test]
fn both_numbers_have_to_be_open() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "a", Open::rw().oflags(CREAT)).expect("creatable");
    for (from, to) in [(fd, 50), (50, fd), (fd, u32::MAX), (u32::MAX, fd)] {
        assert_eq!(renumber(&mut guest, from, to), Err(Errno::Badf), "{from} to {to}");
    }
    assert!(guest.fdstat(fd).is_ok(), "a refused renumbering closes nothing");
}

#[test]
fn a_descriptor_renumbered_to_itself_stays() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "a", Open::rw().oflags(CREAT)).expect("creatable");
    assert_eq!(renumber(&mut guest, fd, fd), Ok(()));
    assert_eq!(guest.write(fd, b"x"), Ok(1));
}

#[test]
fn a_preopened_directory_can_be_replaced() {
    let mut guest = fresh();
    guest.mkdir(ROOT, "d").expect("creatable");
    let fd = guest.open(ROOT, "d", Open::dir()).expect("openable");
    let inside = guest.stat(fd).expect("open").ino;
    assert_eq!(renumber(&mut guest, fd, ROOT), Ok(()));
    assert_eq!(guest.stat(ROOT).map(|stat| stat.ino), Ok(inside));
    assert_eq!(
        guest.call("fd_prestat_get", &[i(ROOT), i(OUT)]),
        Err(Errno::Badf),
        "what took its place is not preopened"
    );
    assert_eq!(guest.open(ROOT, "../d", Open::none()), Err(Errno::Perm));
}

#[test]
fn a_preopened_directory_can_be_closed() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, ".", Open::dir()).expect("openable");
    assert_eq!(guest.close(ROOT), Ok(()));
    assert_eq!(guest.close(ROOT), Err(Errno::Badf));
    assert_eq!(guest.open(ROOT, "x", Open::none()), Err(Errno::Badf));
    guest.create(fd, "still-works");
}

#[test]
fn a_preopened_directory_keeps_its_name_under_a_new_number() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, ".", Open::dir()).expect("openable");
    assert_eq!(renumber(&mut guest, ROOT, fd), Ok(()));
    guest.call("fd_prestat_get", &[i(fd), i(OUT)]).expect("preopened");
    assert_eq!((guest.u32(OUT), guest.u32(OUT + 4)), (0, 1));
}

#[test]
fn standard_streams_can_be_moved_and_closed() {
    let mut guest = fresh();
    for stream in 0..3 {
        let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("openable");
        assert_eq!(renumber(&mut guest, stream, fd), Ok(()));
        assert!(guest.fdstat(fd).is_ok());
        assert_eq!(guest.fdstat(stream), Err(Errno::Badf));
        let filler = guest.open(ROOT, ".", Open::dir()).expect("openable");
        assert_eq!(filler, stream, "the number is free again");
    }
}

#[test]
fn a_closed_descriptor_is_closed_for_every_call() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "a", Open::rw().oflags(CREAT)).expect("creatable");
    guest.close(fd).expect("open");
    assert_eq!(guest.close(fd), Err(Errno::Badf));
    assert_eq!(guest.read(fd, 1), Err(Errno::Badf));
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Badf));
    assert_eq!(guest.seek(fd, 0, 0), Err(Errno::Badf));
    assert_eq!(guest.tell(fd), Err(Errno::Badf));
    assert_eq!(guest.pread(fd, 1, 0), Err(Errno::Badf));
    assert_eq!(guest.stat(fd).map(drop), Err(Errno::Badf));
    assert_eq!(guest.fdstat(fd).map(drop), Err(Errno::Badf));
    assert_eq!(guest.set_size(fd, 0), Err(Errno::Badf));
    assert_eq!(guest.call("fd_sync", &[i(fd)]), Err(Errno::Badf));
    assert_eq!(guest.call("fd_prestat_get", &[i(fd), i(OUT)]), Err(Errno::Badf));
}

#[test]
fn the_name_of_a_preopened_directory_fits_its_buffer_or_is_refused() {
    let mut guest = fresh();
    guest.poke(OUT, &[0xAA; 8]);
    guest.call("fd_prestat_get", &[i(ROOT), i(OUT)]).expect("preopened");
    assert_eq!(guest.bytes(OUT, 8), [0, 0, 0, 0, 1, 0, 0, 0], "tag, padding, length");
    guest.poke(OUT, &[0xAA; 4]);
    assert_eq!(guest.call("fd_prestat_dir_name", &[i(ROOT), i(OUT), i(0)]), Err(Errno::Nametoolong));
    assert_eq!(guest.call("fd_prestat_dir_name", &[i(ROOT), i(OUT), i(2)]), Ok(()), "larger than needed is fine");
    assert_eq!(guest.bytes(OUT, 4), [b'/', 0xAA, 0xAA, 0xAA]);
    assert_eq!(guest.call("fd_prestat_dir_name", &[i(1), i(OUT), i(2)]), Err(Errno::Badf));
}
