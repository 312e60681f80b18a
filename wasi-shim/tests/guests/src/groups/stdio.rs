//! Standard streams. Input is `line one\nline two\n`.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    input_is_read_to_its_end,
    outputs_take_vectors,
    streams_work_in_one_direction,
    streams_have_no_offset,
    streams_are_no_files,
    streams_are_no_directories,
    streams_are_no_terminals,
    streams_can_be_closed,
    a_descriptor_that_was_never_open_takes_nothing,
    sockets_are_not_here,
);

fn input_is_read_to_its_end(_: Dir) {
    let mut text: Vec<u8> = Vec::new();
    let mut buf = [0; 7];
    loop {
        match read(0, &mut buf).expect("read") {
            0 => break,
            len => text.extend(&buf[..len]),
        }
    }
    assert_eq!(text, b"line one\nline two\n");
    assert_eq!(read(0, &mut buf), Ok(0), "and stays there");
}

fn outputs_take_vectors(_: Dir) {
    assert_eq!(writev(1, &[b"out", b"", b"put\n"]), Ok(7));
    assert_eq!(writev(2, &[b"error", b"\n"]), Ok(6));
    assert_eq!(write(1, b""), Ok(0));
}

fn streams_work_in_one_direction(_: Dir) {
    fails(write(0, b"x"), &[BADF, NOTCAPABLE]);
    fails(read(1, &mut [0; 4]), &[BADF, NOTCAPABLE]);
    fails(read(2, &mut [0; 4]), &[BADF, NOTCAPABLE]);
}

fn streams_have_no_offset(_: Dir) {
    for fd in 0..3 {
        fails(seek(fd, 0, CUR), &[SPIPE, BADF, NOTCAPABLE]);
        fails(tell(fd), &[SPIPE, BADF, NOTCAPABLE]);
        fails(pread(fd, &mut [&mut [0; 4]], 0), &[SPIPE, BADF, NOTCAPABLE]);
        fails(pwrite(fd, &[b"x"], 0), &[SPIPE, BADF, NOTCAPABLE]);
    }
}

fn streams_are_no_files(_: Dir) {
    for fd in 0..3 {
        assert!(set_size(fd, 0).is_err());
        assert!(allocate(fd, 0, 1).is_err());
        assert!(advise(fd, 0, 0, 0).is_err());
        let stat = filestat(fd).expect("its state");
        assert_ne!(stat.filetype, DIR);
    }
}

fn streams_are_no_directories(_: Dir) {
    for fd in 0..3 {
        fails(list(fd, 64), &[NOTDIR, BADF, NOTCAPABLE]);
        fails(open(fd, 0, "f", 0, 0, 0, 0), &[NOTDIR, BADF, NOTCAPABLE]);
        fails(create_directory(fd, "d"), &[NOTDIR, BADF, NOTCAPABLE]);
    }
}

fn streams_are_no_terminals(_: Dir) {
    // A character device without the rights to seek and tell is what a terminal looks like.
    for fd in 0..3 {
        let stat = fdstat(fd).expect("its state");
        assert!(stat.filetype != CHARACTER_DEVICE || stat.base & (FD_SEEK | FD_TELL) != 0, "{stat:?}");
    }
}

fn streams_can_be_closed(_: Dir) {
    close(0).expect("closed");
    fails(read(0, &mut [0; 4]), &[BADF]);
    close(1).expect("closed");
    fails(write(1, b"x"), &[BADF]);
}

fn a_descriptor_that_was_never_open_takes_nothing(_: Dir) {
    for fd in [64, 1000, u32::MAX] {
        fails(write(fd, b"x"), &[BADF]);
        fails(read(fd, &mut [0; 4]), &[BADF]);
    }
}

fn sockets_are_not_here(dir: Dir) {
    let fd = file(dir, "f");
    let (mut opened, mut done, mut flags) = (0, 0, 0);
    for (fd, wanted) in [(0, NOTSOCK), (1, NOTSOCK), (fd, NOTSOCK), (dir, NOTSOCK), (99, BADF)] {
        unsafe {
            fails(check(raw::sock_shutdown(fd, 1)), &[wanted]);
            fails(check(raw::sock_accept(fd, 0, &mut opened)), &[wanted]);
            fails(check(raw::sock_recv(fd, core::ptr::null(), 0, 0, &mut done, &mut flags)), &[wanted]);
            fails(check(raw::sock_send(fd, core::ptr::null(), 0, 0, &mut done)), &[wanted]);
        }
    }
}
