//! Limits: quota, descriptors, fuel, scopes. Each answers with the errno a program expects.

#[path = "../guest/mod.rs"]
mod guest;

mod fuel;
mod quota;
mod scope;

use guest::{CREAT, Guest, Open, preopen, scratch};
use wasi_shim::{Errno, WasiCtx};

const ROOT: u32 = 3;

/// Each directory on the way is held open while a path is walked: a deep one must not take every descriptor the host has.
#[test]
fn a_path_is_walked_to_a_bounded_depth_whatever_resolves_it() {
    let dir = scratch();
    std::fs::create_dir_all(dir.join(&"d/".repeat(200))).expect("creatable");
    std::os::unix::fs::symlink(".", dir.join("link")).expect("creatable");
    for (resolver, mut guest) in dir.both() {
        for start in ["", "link/"] {
            let deep = |depth: usize| format!("{start}{}", "d/".repeat(depth));
            assert!(guest.stat_at(ROOT, &deep(100), true).is_ok(), "{resolver}, {start}");
            assert_eq!(guest.stat_at(ROOT, &deep(150), true).err(), Some(Errno::Nametoolong), "{resolver}, {start}");
            let back = format!("{start}{}", "d/../".repeat(200));
            assert!(guest.stat_at(ROOT, &back, true).is_ok(), "{resolver}, {start}");
        }
    }
}

#[test]
fn descriptors_run_out_and_come_back() {
    let dir = scratch();
    let mut guest = Guest::new(WasiCtx::builder().preopen(preopen(dir.path())).max_descriptors(6));
    let opened: Vec<_> = (0..2).map(|_| guest.open(ROOT, ".", Open::dir()).expect("room")).collect();
    assert_eq!(guest.open(ROOT, ".", Open::dir()), Err(Errno::Mfile));
    assert_eq!(guest.open(ROOT, "new", Open::rw().oflags(CREAT)), Err(Errno::Mfile));
    assert_eq!(guest.stat_at(ROOT, "new", false).map(drop), Err(Errno::Noent), "nothing was created on the way");
    guest.close(opened[0]).expect("open");
    assert!(guest.open(ROOT, ".", Open::dir()).is_ok());
}
