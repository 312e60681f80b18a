//! A directory swapped for a link between check and use gains nothing: raced for a second.

mod guest;

use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use guest::{CREAT, Guest, Open, preopen, scratch};
use wasi_shim::{Errno, WasiCtx};

const ROOT: u32 = 3;

/// Ends the race however the test ends: a failed assertion must not leave the other thread swapping for ever.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Swaps `inside/spot` between a directory and a link out, as fast as it goes, while guests go through it.
fn race(manual: bool) {
    let dir = scratch();
    let (inside, outside) = (dir.join("inside"), dir.join("outside"));
    std::fs::create_dir_all(inside.join("real")).expect("creatable");
    std::fs::create_dir(&outside).expect("creatable");
    std::fs::write(outside.join("file"), "outside").expect("writable");
    std::fs::write(inside.join("real/file"), "inside").expect("writable");
    symlink("../outside", inside.join("link")).expect("creatable");
    symlink("../../outside/file", inside.join("real/out")).expect("creatable");
    std::fs::create_dir(inside.join("spot")).expect("creatable");
    std::fs::write(inside.join("spot/file"), "inside").expect("writable");

    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            let (spot, link) = (inside.join("spot"), inside.join("link"));
            let (file, out) = (inside.join("real/file"), inside.join("real/out"));
            while !done.load(Ordering::Relaxed) {
                renameat_with(CWD, &spot, CWD, &link, RenameFlags::EXCHANGE).expect("exchangeable");
                renameat_with(CWD, &file, CWD, &out, RenameFlags::EXCHANGE).expect("exchangeable");
            }
        });
        let finish = Finish(&done);
        let mut guest = Guest::new(WasiCtx::builder().preopen(preopen(&inside)).force_manual_resolution(manual));
        let end = Instant::now() + Duration::from_millis(500);
        let mut reached = 0_u32;
        let mut turned_away = 0_u32;
        while Instant::now() < end {
            for path in ["spot/file", "spot/../spot/file", "real/file"] {
                for how in [Open::read(), Open::read().follow()] {
                    match guest.open(ROOT, path, how) {
                        Ok(fd) => {
                            reached += 1;
                            assert_eq!(guest.read(fd, 16), Ok(b"inside".to_vec()), "{path}");
                            guest.close(fd).expect("open");
                        }
                        // In the middle of an exchange a name may be a link one moment and a directory the next.
                        Err(Errno::Perm | Errno::Loop | Errno::Again | Errno::Notdir | Errno::Noent) => {
                            turned_away += 1;
                        }
                        Err(other) => panic!("{path}: {other}"),
                    }
                }
            }
            let _ = guest.open(ROOT, "spot/made", Open::rw().oflags(CREAT)).map(|fd| guest.close(fd));
            let _ = guest.mkdir(ROOT, "spot/made-dir");
            let _ = guest.symlink("x", ROOT, "spot/made-link");
            let _ = guest.rename(ROOT, "spot/made", ROOT, "spot/moved");
            let _ = guest.unlink(ROOT, "spot/moved");
            let _ = guest.rmdir(ROOT, "spot/made-dir");
            let _ = guest.unlink(ROOT, "spot/made-link");
            let _ = guest.set_times_at(ROOT, true, "real/file", (1, 1), 5);
            if let Ok(stat) = guest.stat_at(ROOT, "real/file", true) {
                assert_ne!(stat.size, 7, "that is the file outside");
            }
        }
        drop(finish);
        assert!(reached > 0, "the race was never won by anybody");
        assert!(turned_away > 0, "the race never happened");
    });
    let left: Vec<_> =
        std::fs::read_dir(&outside).expect("there").map(|entry| entry.expect("readable").file_name()).collect();
    assert_eq!(left, ["file"], "nothing was made or removed outside");
    assert_eq!(std::fs::read(outside.join("file")).expect("there"), b"outside");
    let modified = std::fs::metadata(outside.join("file")).expect("there").modified().expect("known");
    assert!(modified > std::time::UNIX_EPOCH + Duration::from_secs(1), "its times were not touched");
}

#[test]
fn a_race_against_the_kernels_resolution_gains_nothing() {
    race(false);
}

#[test]
fn a_race_against_resolution_by_component_gains_nothing() {
    race(true);
}
