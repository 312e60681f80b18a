//! Calls that touch no directory, and calls on open descriptors.

use crate::bench::{BUFFER, Bench, LARGE, ROOT, args, fill};
use crate::guest::{CREAT, OUT, Open, PLENTY, TRUNC, i, l};

/// Calls that touch no directory.
pub(super) fn tables(bench: &mut Bench) {
    bench.again("args_get", "50,000 of a byte", &[i(BUFFER), i(BUFFER + 400_000)]);
    bench.again("environ_get", "50,000 of three bytes", &[i(BUFFER), i(BUFFER + 400_000)]);
    for name in ["args_sizes_get", "environ_sizes_get"] {
        bench.again(name, "as it is", &[i(OUT), i(OUT + 8)]);
    }
    bench.again("clock_res_get", "as it is", &[i(1), i(OUT)]);
    bench.again("clock_time_get", "as it is", &[i(1), l(0), i(OUT)]);
    bench.again("sched_yield", "as it is", &[]);
    bench.again("sock_accept", "no socket", &[i(1), i(0), i(OUT)]);
    bench.again("sock_recv", "no socket", &[i(1), i(OUT), i(1), i(0), i(OUT), i(OUT)]);
    bench.again("sock_send", "no socket", &[i(1), i(OUT), i(1), i(0), i(OUT)]);
    bench.again("sock_shutdown", "no socket", &[i(1), i(0)]);
    bench.again("proc_raise", "a signal that is ignored", &[i(16)]);
    bench.each("proc_raise", "a signal that ends", 200, |_| vec![i(6)]);
    bench.each("proc_exit", "as it is", 200, |_| vec![i(0)]);
    for len in [0, 1, 65_536, 1 << 20] {
        bench.again("random_get", &format!("{len} B"), &[i(BUFFER), i(len)]);
    }
    for (count, len) in [(1, 1), (1024, 1), (1024, 0), (1, 65_536)] {
        let vectors = bench.vectors(count, len);
        bench.again("fd_write", &format!("{count} x {len} B, a stream"), &args([&[i(1)], &vectors, &[i(OUT)]]));
        bench.again("fd_read", &format!("{count} x {len} B, an empty stream"), &args([&[i(0)], &vectors, &[i(OUT)]]));
    }
    let clocks: Vec<u8> = (0..4096_u64)
        .flat_map(|at| {
            let mut subscription = [0; 48];
            subscription[..8].copy_from_slice(&at.to_le_bytes());
            subscription[16] = 1;
            subscription
        })
        .collect();
    bench.guest.poke(BUFFER, &clocks);
    for count in [1, 4096] {
        bench.again("poll_oneoff", &format!("{count} clocks"), &[i(BUFFER), i(BUFFER + 200_000), i(count), i(OUT)]);
    }
}

/// Calls on open descriptors.
pub(super) fn descriptors(bench: &mut Bench) {
    let fd = bench.file("open");
    fill(&mut bench.guest, fd);
    bench.again("fd_advise", "all of a large file is needed", &[i(fd), l(0), l(LARGE as u64), i(3)]);
    bench.again("fd_fdstat_get", "a file", &[i(fd), i(OUT)]);
    bench.again("fd_fdstat_set_flags", "a file", &[i(fd), i(1)]);
    bench.again("fd_fdstat_set_flags", "back", &[i(fd), i(0)]);
    bench.again("fd_fdstat_set_rights", "a file", &[i(fd), l(u64::MAX >> 35 & Open::rw().base), l(0)]);
    bench.again("fd_filestat_get", "a file", &[i(fd), i(OUT)]);
    bench.again("fd_filestat_get", "the directory", &[i(ROOT), i(OUT)]);
    bench.again("fd_filestat_set_times", "a file", &[i(fd), l(5), l(5), i(5)]);
    bench.again("fd_prestat_get", "the directory", &[i(ROOT), i(OUT)]);
    bench.again("fd_prestat_dir_name", "the directory", &[i(ROOT), i(OUT), i(8)]);
    bench.again("fd_seek", "to the start", &[i(fd), l(0), i(0), i(OUT)]);
    bench.again("fd_seek", "from the end", &[i(fd), l(0), i(2), i(OUT)]);
    bench.again("fd_tell", "a file", &[i(fd), i(OUT)]);
    for (count, len) in [(1, 0), (1, 1), (1024, 0), (1024, 1), (1, 4096), (1, 65_536), (1, 1 << 20), (1024, 1024)] {
        let vectors = bench.vectors(count, len);
        let case = format!("{count} x {len} B");
        bench.again("fd_pread", &case, &args([&[i(fd)], &vectors, &[l(0), i(OUT)]]));
        bench.again("fd_pread", &format!("{case} past the end"), &args([&[i(fd)], &vectors, &[l(1 << 40), i(OUT)]]));
        bench.again("fd_pwrite", &case, &args([&[i(fd)], &vectors, &[l(1), i(OUT)]]));
        let data = args([&[i(fd)], &vectors, &[i(OUT)]]);
        for name in ["fd_read", "fd_write"] {
            bench.each(name, &case, 100, |guest| {
                guest.refuel(PLENTY);
                guest.seek(fd, 0, 0).expect("seekable");
                data.clone()
            });
        }
        bench.each("fd_write", &format!("{case}, a file that grows"), 50, |guest| {
            guest.refuel(PLENTY);
            guest.set_size(fd, 0).expect("settable");
            guest.seek(fd, 0, 0).expect("seekable");
            data.clone()
        });
    }
    for name in ["fd_sync", "fd_datasync"] {
        bench.each(name, "a megabyte", 20, |guest| {
            guest.refuel(PLENTY);
            let (iovs, count) = guest.iovecs(&[(BUFFER, 1 << 20)]);
            guest.call("fd_pwrite", &[i(fd), i(iovs), i(count), l(0), i(OUT)]).expect("writable");
            vec![i(fd)]
        });
    }
    for (case, from, to) in [("a byte more", 0, 1), ("64 MiB more", 0, 64 << 20), ("a byte less", 1, 0)] {
        bench.each("fd_filestat_set_size", case, 100, |guest| {
            guest.refuel(PLENTY);
            guest.set_size(fd, from).expect("settable");
            vec![i(fd), l(to)]
        });
    }
    bench.each("fd_filestat_set_size", "a large file cut", 10, |guest| {
        fill(guest, fd);
        vec![i(fd), l(0)]
    });
    for (case, len) in [("a byte", 1), ("64 MiB", 64 << 20)] {
        bench.each("fd_allocate", case, 50, |guest| {
            guest.refuel(PLENTY);
            guest.set_size(fd, 0).expect("settable");
            vec![i(fd), l(0), l(len)]
        });
    }
    for (case, how) in [("a file", Open::rw()), ("a directory", Open::dir())] {
        let path = if case == "a file" { "open" } else { "." };
        bench.each("fd_close", case, 200, |guest| {
            guest.refuel(PLENTY);
            vec![i(guest.open(ROOT, path, how).expect("openable"))]
        });
        bench.each("fd_renumber", case, 200, |guest| {
            guest.refuel(PLENTY);
            for fd in fd + 1..fd + 4 {
                let _ = guest.close(fd);
            }
            let from = guest.open(ROOT, path, how).expect("openable");
            let to = guest.open(ROOT, path, how).expect("openable");
            guest.close(from).expect("open");
            let from = guest.open(ROOT, "open", Open::rw()).expect("openable");
            assert!(from < to);
            vec![i(to), i(from)]
        });
        bench.guest.refuel(PLENTY);
        for fd in fd + 1..fd + 4 {
            let _ = bench.guest.close(fd);
        }
    }
    bench.each("fd_close", "a large file without a name", 10, |guest| {
        guest.refuel(PLENTY);
        let fd = guest.open(ROOT, "gone", Open::rw().oflags(CREAT)).expect("creatable");
        fill(guest, fd);
        guest.unlink(ROOT, "gone").expect("removable");
        vec![i(fd)]
    });
    bench.each("fd_close", "a large file that was cut and written again", 10, |guest| {
        guest.refuel(PLENTY);
        let fd = guest.open(ROOT, "again", Open::rw().oflags(CREAT | TRUNC)).expect("creatable");
        fill(guest, fd);
        vec![i(fd)]
    });
    let files: Vec<u8> = (0..4096_u64)
        .flat_map(|at| {
            let mut subscription = [0; 48];
            subscription[..8].copy_from_slice(&at.to_le_bytes());
            (subscription[8], subscription[16]) = (1, fd as u8);
            subscription
        })
        .collect();
    bench.guest.poke(BUFFER, &files);
    for count in [1, 4096] {
        bench.again("poll_oneoff", &format!("{count} files"), &[i(BUFFER), i(BUFFER + 200_000), i(count), i(OUT)]);
    }
    bench.guest.close(fd).expect("open");
}
