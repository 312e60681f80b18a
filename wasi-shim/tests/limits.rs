//! Limits: quota, descriptors, fuel, scopes. Each answers with the errno a program expects.

mod guest;

use guest::{APPEND, CREAT, DIRECTORY, Guest, Open, PLENTY, TRUNC, fresh, i, l, preopen, scratch};
use wasi_shim::{Denial, Errno, Quota, Rights, Scope, SeededEntropy, Volume, WasiCtx};
use wasmi::TrapCode;

const ROOT: u32 = 3;

fn with_quota(dir: &std::path::Path, bytes: u64, files: u64) -> (Guest, Volume) {
    let volume = Volume::new().with_quota(Quota { bytes, files });
    let guest = Guest::new(WasiCtx::builder().preopen(preopen(dir).volume(volume.clone())));
    (guest, volume)
}

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
fn a_write_past_the_quota_is_cut_and_the_next_is_refused() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 10, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    assert_eq!(guest.write(fd, b"12345678"), Ok(8));
    assert_eq!(guest.write(fd, b"12345678"), Ok(2));
    assert_eq!(guest.write(fd, b"12345678"), Err(Errno::Dquot));
    assert_eq!(guest.write(fd, b""), Ok(0));
    assert_eq!(volume.used(), Some((10, 1)));
    assert_eq!(std::fs::metadata(dir.join("file")).expect("there").len(), 10);
}

#[test]
fn overwriting_costs_no_quota() {
    let dir = scratch();
    let (mut guest, _) = with_quota(dir.path(), 10, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.write(fd, &[0; 10]).expect("fits");
    for offset in [0, 5] {
        assert_eq!(guest.pwrite(fd, b"12345", offset), Ok(5));
    }
    assert_eq!(guest.pwrite(fd, b"12345", 8), Ok(2), "up to the end");
    assert_eq!(guest.pwrite(fd, b"1", 10), Err(Errno::Dquot));
}

#[test]
fn no_way_of_growing_a_file_goes_around_the_quota() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    assert_eq!(guest.set_size(fd, 101), Err(Errno::Dquot), "a hole counts");
    assert_eq!(guest.allocate(fd, 0, 101), Err(Errno::Dquot));
    assert_eq!(guest.allocate(fd, 100, 1), Err(Errno::Dquot));
    guest.seek(fd, 200, 0).expect("seekable");
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Dquot));
    assert_eq!(guest.pwrite(fd, b"x", 1 << 40), Err(Errno::Dquot));
    assert_eq!(guest.pwrite(fd, b"x", 3 << 39), Err(Errno::Fbig), "no file is that long");
    let appending = guest.open(ROOT, "file", Open::rw().fdflags(APPEND)).expect("openable");
    assert_eq!(guest.set_size(fd, 100), Ok(()));
    assert_eq!(guest.write(appending, b"x"), Err(Errno::Dquot));
    assert_eq!(guest.pwrite(appending, b"x", 0), Err(Errno::Dquot), "an appending descriptor appends");
    assert_eq!(guest.symlink(&"t".repeat(101), ROOT, "link"), Err(Errno::Dquot));
    assert_eq!(volume.used(), Some((100, 1)));
}

#[test]
fn space_comes_back_when_files_shrink_or_go() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.set_size(fd, 100).expect("fits");
    guest.set_size(fd, 40).expect("smaller");
    assert_eq!(volume.used(), Some((40, 1)));
    let again = guest.open(ROOT, "file", Open::rw().oflags(TRUNC)).expect("openable");
    assert_eq!(volume.used(), Some((0, 1)));
    guest.set_size(again, 60).expect("fits");
    guest.close(fd).expect("open");
    guest.close(again).expect("open");
    guest.unlink(ROOT, "file").expect("removable");
    assert_eq!(volume.used(), Some((0, 0)));
}

#[test]
fn a_removed_file_keeps_its_space_until_it_is_closed() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.set_size(fd, 100).expect("fits");
    guest.unlink(ROOT, "file").expect("removable");
    assert_eq!(volume.used(), Some((100, 0)));
    let other = guest.open(ROOT, "other", Open::rw().oflags(CREAT)).expect("creatable");
    assert_eq!(guest.write(other, b"x"), Err(Errno::Dquot));
    guest.close(fd).expect("open");
    assert_eq!(volume.used(), Some((0, 1)));
    assert_eq!(guest.write(other, b"x"), Ok(1));
}

#[test]
fn a_file_replaced_by_a_rename_gives_its_space_back() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    for (name, size) in [("a", 60), ("b", 40)] {
        let fd = guest.open(ROOT, name, Open::rw().oflags(CREAT)).expect("creatable");
        guest.set_size(fd, size).expect("fits");
        guest.close(fd).expect("open");
    }
    guest.rename(ROOT, "a", ROOT, "b").expect("renamable");
    assert_eq!(volume.used(), Some((60, 1)));
}

#[test]
fn names_count_and_run_out() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 1000, 3);
    guest.create(ROOT, "file");
    guest.mkdir(ROOT, "dir").expect("fits");
    guest.link(ROOT, false, "file", ROOT, "link").expect("fits");
    assert_eq!(volume.used(), Some((0, 3)));
    assert_eq!(guest.open(ROOT, "new", Open::rw().oflags(CREAT)), Err(Errno::Dquot));
    assert_eq!(guest.mkdir(ROOT, "new"), Err(Errno::Dquot));
    assert_eq!(guest.symlink("x", ROOT, "new"), Err(Errno::Dquot));
    assert_eq!(guest.link(ROOT, false, "file", ROOT, "new"), Err(Errno::Dquot));
    assert!(guest.open(ROOT, "file", Open::rw().oflags(CREAT)).is_ok(), "what exists can be opened");
    guest.rmdir(ROOT, "dir").expect("removable");
    assert_eq!(guest.mkdir(ROOT, "new"), Ok(()));
}

#[test]
fn what_a_directory_holds_at_first_is_counted() {
    let dir = scratch();
    std::fs::create_dir_all(dir.join("a/b")).expect("creatable");
    std::fs::write(dir.join("a/b/file"), [0; 70]).expect("writable");
    std::fs::hard_link(dir.join("a/b/file"), dir.join("same")).expect("linkable");
    std::os::unix::fs::symlink("12345", dir.join("link")).expect("creatable");
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    assert_eq!(volume.used(), None, "not before it is needed");
    let fd = guest.open(ROOT, "new", Open::rw().oflags(CREAT)).expect("creatable");
    assert_eq!(volume.used(), Some((75, 6)));
    assert_eq!(guest.write(fd, &[0; 100]), Ok(25));
}

/// A session's directories, one in the other as deep as no path goes.
fn dig(guest: &mut Guest, depth: usize) {
    let mut at = ROOT;
    for _ in 0..depth {
        guest.mkdir(at, "d").expect("creatable");
        let below = guest.open(at, "d", Open::dir()).expect("openable");
        if at != ROOT {
            guest.close(at).expect("open");
        }
        at = below;
    }
    let fd = guest.open(at, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.write(fd, b"bottom").expect("writable");
    guest.close(fd).expect("open");
    guest.close(at).expect("open");
}

#[test]
fn a_tree_as_deep_as_a_guest_makes_it_is_measured_and_removed_in_the_next_session() {
    const DEPTH: usize = 1500;
    let dir = scratch();
    let (mut first, volume) = with_quota(dir.path(), 1000, 2000);
    dig(&mut first, DEPTH);
    let used = volume.used();
    assert_eq!(used, Some((6, DEPTH as u64 + 1)));
    drop(first);
    let before = open_files();
    let (mut next, volume) = with_quota(dir.path(), 1000, 2000);
    next.create(ROOT, "new");
    assert_eq!(volume.used(), Some((6, DEPTH as u64 + 2)));
    assert!(open_files() <= before + 8, "and no handle is kept for any of it");
    // As programs remove a tree: down by handles, and up again.
    let mut way = vec![ROOT];
    for _ in 0..50 {
        way.push(next.open(*way.last().expect("a directory"), "d", Open::dir()).expect("openable"));
    }
    assert_eq!(next.rmdir(way[49], "d"), Err(Errno::Notempty));
    let deepest = *way.last().expect("a directory");
    let mut at = deepest;
    for _ in 50..DEPTH {
        let below = next.open(at, "d", Open::dir()).expect("openable");
        if at != deepest {
            next.close(at).expect("open");
        }
        at = below;
    }
    next.unlink(at, "file").expect("removable");
    assert_eq!(volume.used(), Some((0, DEPTH as u64 + 1)));
}

/// Descriptors of this process.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn measuring_is_paid_for_once_and_goes_on_where_fuel_ended() {
    let dir = scratch();
    for n in 0..300 {
        std::fs::write(dir.join(&format!("f{n}")), "x").expect("writable");
    }
    let (mut guest, volume) = with_quota(dir.path(), 10_000, 1000);
    let mut refused = 0;
    while volume.used().is_none() {
        guest.refuel(100_000);
        match guest.try_call("fd_filestat_set_times", &[i(ROOT), l(1), l(1), i(5)]) {
            Ok(answer) => assert_eq!(answer, 0),
            Err(trap) => {
                assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel));
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 6, "300 entries at 2,000, out of 100,000 less what the call itself costs");
    assert_eq!(volume.used(), Some((300, 300)));
    guest.refuel(300_000);
    guest.mkdir(ROOT, "new").expect("affordable");
    assert!(guest.fuel_used() < 220_000, "{}: it is measured", guest.fuel_used());
}

#[test]
fn one_volume_limits_all_contexts_that_share_it() {
    let dir = scratch();
    let (mut one, volume) = with_quota(dir.path(), 10, 10);
    let mut two = Guest::new(WasiCtx::builder().preopen(preopen(dir.path()).volume(volume.clone())));
    let (a, b) = (one.open(ROOT, "a", Open::rw().oflags(CREAT)), two.open(ROOT, "b", Open::rw().oflags(CREAT)));
    assert_eq!(one.write(a.expect("creatable"), &[0; 6]), Ok(6));
    assert_eq!(two.write(b.expect("creatable"), &[0; 6]), Ok(4));
    drop((one, two));
    assert_eq!(volume.used(), Some((10, 2)));
}

#[test]
fn a_context_that_ends_gives_back_what_its_open_files_held() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 100, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.set_size(fd, 100).expect("fits");
    guest.unlink(ROOT, "file").expect("removable");
    drop(guest);
    assert_eq!(volume.used(), Some((0, 0)));
}

#[test]
fn files_do_not_move_between_directories_that_count_apart() {
    let (a, b) = (scratch(), scratch());
    let builder = [&a, &b].into_iter().fold(WasiCtx::builder(), |builder, dir| {
        builder.preopen(preopen(dir.path()).quota(Quota { bytes: 100, files: 10 }))
    });
    let mut guest = Guest::new(builder);
    guest.create(3, "file");
    assert_eq!(guest.rename(3, "file", 4, "file"), Err(Errno::Xdev));
    assert_eq!(guest.link(3, false, "file", 4, "file"), Err(Errno::Xdev));
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

#[test]
fn every_call_costs_fuel() {
    let mut guest = fresh();
    for wasi_shim::FunctionType { name, .. } in wasi_shim::FUNCTIONS {
        guest.refuel(PLENTY);
        let args: Vec<_> =
            guest::signature(name).split_whitespace().map(|kind| if kind == "i64" { l(0) } else { i(0) }).collect();
        let _ = guest.try_call(name, &args);
        assert!(guest.fuel_used() >= 100, "{name} costs {}", guest.fuel_used());
    }
}

#[test]
fn every_call_ends_without_fuel() {
    let mut guest = fresh();
    for wasi_shim::FunctionType { name, .. } in wasi_shim::FUNCTIONS {
        guest.refuel(10);
        let args: Vec<_> =
            guest::signature(name).split_whitespace().map(|kind| if kind == "i64" { l(0) } else { i(0) }).collect();
        let trap = guest.try_call(name, &args).expect_err("no fuel");
        assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel), "{name}");
    }
}

#[test]
fn links_on_the_way_cost_fuel_for_each_component_they_add() {
    let dir = scratch();
    let winding = "a/../".repeat(800);
    std::fs::create_dir(dir.join("a")).expect("creatable");
    let mut costs = vec![];
    for (how, mut guest) in dir.both() {
        // Longer than a guest can make one; what is there already is followed all the same.
        std::os::unix::fs::symlink(format!("{winding}a"), dir.join("link")).expect("creatable");
        let mut cost = |path: &str| {
            guest.refuel(PLENTY);
            let answer = guest.stat_at(ROOT, path, true).map(|stat| stat.filetype);
            (answer, guest.fuel_used())
        };
        let (plain, through) = (cost("a"), cost("link"));
        assert_eq!(plain.0, through.0, "{how}");
        assert!(through.1 > plain.1 + 1600 * 400, "{how}: {plain:?} and {through:?}");
        let others = ["a/..", "missing/x", "link/../..", "link/missing", "a/./././x"].map(&mut cost);
        costs.push((plain, through, others));
        guest.unlink(ROOT, "link").expect("removable");
    }
    assert_eq!(costs[0], costs[1], "fuel does not tell how a path was resolved");
}

#[test]
fn waiting_in_real_time_costs_no_fuel_beyond_the_call() {
    /// Nothing for three looks, then the end.
    struct Slow(u32);
    impl wasi_shim::Source for Slow {
        fn read(&mut self, _: &mut [u8]) -> Result<usize, Errno> {
            self.0 += 1;
            if self.0 > 3 { Ok(0) } else { Err(Errno::Again) }
        }
        fn readiness(&mut self) -> wasi_shim::Readiness {
            wasi_shim::Readiness::Waiting
        }
    }
    let mut guest = Guest::new(WasiCtx::builder().stdin(Slow(0)).clock(wasi_shim::SystemClock::new()));
    guest.refuel(PLENTY);
    assert_eq!(guest.read(0, 8), Ok(vec![]));
    assert!(guest.fuel_used() < 2_000, "{}", guest.fuel_used());
}

#[test]
fn bytes_cost_fuel() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    let mut cost = |len: usize| {
        guest.refuel(PLENTY);
        guest.write(fd, &vec![0; len]).expect("writable");
        guest.fuel_used()
    };
    let (little, much) = (cost(1), cost(100_000));
    assert!(much >= little + 100_000 / 4, "{little} and {much}");
}

#[test]
fn no_call_does_what_it_could_not_pay_for() {
    let dir = scratch();
    let (mut guest, volume) = with_quota(dir.path(), 1 << 30, 100);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    // A write is as long as there is fuel for.
    guest.refuel(10_000);
    let written = guest.write(fd, &vec![7; 100_000]).expect("writable");
    assert!((10_000..20_000).contains(&written), "{written}: two bytes a unit, less the call");
    assert_eq!(guest.store.get_fuel().expect("metered"), 0);
    guest.refuel(PLENTY);
    guest.set_size(fd, 1 << 28).expect("settable");
    let poor = |guest: &mut Guest, name: &str, args: &[wasmi::Val]| {
        guest.refuel(200_000);
        let trap = guest.try_call(name, args).expect_err("it cannot be paid for");
        assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel), "{name}");
        guest.refuel(PLENTY);
    };
    poor(&mut guest, "fd_filestat_set_size", &[i(fd), l(0)]);
    let (path, len) = guest.put(b"file");
    poor(&mut guest, "path_unlink_file", &[i(ROOT), i(path), i(len)]);
    guest.create(ROOT, "other");
    let (other, other_len) = guest.put(b"other");
    poor(&mut guest, "path_rename", &[i(ROOT), i(other), i(other_len), i(ROOT), i(path), i(len)]);
    let truncate = [i(ROOT), i(0), i(path), i(len), i(TRUNC), l(0x40), l(0), i(0), i(64)];
    poor(&mut guest, "path_open", &truncate);
    assert_eq!(guest.stat(fd).map(|stat| stat.size), Ok(1 << 28), "nothing has happened");
    assert_eq!(volume.used(), Some((1 << 28, 2)));
    for n in 0..50 {
        std::fs::write(dir.join(&format!("f{n}")), "x").expect("writable");
    }
    poor(&mut guest, "fd_readdir", &[i(ROOT), i(1024), i(1024), l(0), i(64)]);
}

#[test]
fn every_buffer_of_a_vector_costs_fuel_and_advice_is_not_handed_on() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    let mut cost = |name: &str, count: usize| {
        let part = guest.put(b"x");
        let (iovs, count) = guest.iovecs(&vec![part; count]);
        let args = if name.starts_with("fd_p") {
            vec![i(fd), i(iovs), i(count), l(0), i(64)]
        } else {
            vec![i(fd), i(iovs), i(count), i(64)]
        };
        guest.refuel(PLENTY);
        guest.call(name, &args).expect("answered");
        guest.fuel_used()
    };
    for name in ["fd_write", "fd_pwrite", "fd_pread", "fd_read"] {
        let (one, many) = (cost(name, 1), cost(name, 1024));
        assert!(many >= one + 1023 * 500, "{name}: {one} and {many}");
    }
    guest.refuel(PLENTY);
    guest.call("fd_advise", &[i(fd), l(0), l(1 << 40), i(3)]).expect("valid");
    assert_eq!(guest.fuel_used(), 100, "no system call is made");
}

#[test]
fn randomness_costs_fuel_before_it_is_made() {
    let mut guest = Guest::new(WasiCtx::builder().entropy(SeededEntropy::new(1)));
    guest.refuel(100_000);
    let trap = guest.try_call("random_get", &[i(0), i(1_000_000)]).expect_err("too much");
    assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel));
    assert_eq!(guest.bytes(0, 64), [0; 64]);
}

fn scoped(dir: &std::path::Path, scope: Scope) -> Guest {
    Guest::new(WasiCtx::builder().preopen(preopen(dir).scope(scope)))
}

fn tree() -> guest::Scratch {
    let dir = scratch();
    for path in ["data/in", "data/out", "database", "private"] {
        std::fs::create_dir_all(dir.join(path)).expect("creatable");
        std::fs::write(dir.join(path).join("file"), "text").expect("writable");
    }
    dir
}

#[test]
fn a_scope_lets_be_read_what_is_below_its_prefix() {
    let dir = tree();
    let mut guest = scoped(dir.path(), Scope::new().read("/data").expect("valid"));
    let fd = guest.open(ROOT, "data/in/file", Open::read()).expect("readable");
    assert_eq!(guest.read(fd, 10), Ok(b"text".to_vec()));
    assert_eq!(guest.names(ROOT, "data"), guest.names(ROOT, "data/."));
    for path in ["database/file", "private/file", "data/../private/file", "data/../database/file"] {
        assert_eq!(guest.open(ROOT, path, Open::read()), Err(Errno::Acces), "{path}");
        assert_eq!(guest.stat_at(ROOT, path, false).map(drop), Err(Errno::Acces), "{path}");
    }
}

#[test]
fn the_embedder_is_told_of_what_rules_about_files_deny_and_of_nothing_else() {
    let dir = tree();
    let scope = Scope::new().read("/data").expect("valid").write("/data/out").expect("valid");
    let mut guest = scoped(dir.path(), scope);
    let scope = |path: &str, write| Denial::Scope { path: path.into(), write };
    let outside = |path: &str| Denial::Outside { path: path.into() };
    let mut told = |answer: fn(&mut Guest) -> Result<(), Errno>, errno, denial: Option<(&'static str, Denial)>| {
        assert_eq!(answer(&mut guest), Err(errno), "{denial:?}");
        assert_eq!(guest.denials(), Vec::from_iter(denial));
    };
    told(
        |g| g.open(ROOT, "data/../private/file", Open::read()).map(drop),
        Errno::Acces,
        Some(("path_open", scope("/private/file", false))),
    );
    told(
        |g| g.open(ROOT, "data/in/file", Open::rw()).map(drop),
        Errno::Acces,
        Some(("path_open", scope("/data/in/file", true))),
    );
    told(
        |g| g.open(ROOT, "data/in/new", Open::read().oflags(CREAT)).map(drop),
        Errno::Acces,
        Some(("path_open", scope("/data/in/new", true))),
    );
    told(
        |g| g.stat_at(ROOT, "private/file", false).map(drop),
        Errno::Acces,
        Some(("path_filestat_get", scope("/private/file", false))),
    );
    told(|g| g.mkdir(ROOT, "data/in/sub"), Errno::Acces, Some(("path_create_directory", scope("/data/in/sub", true))));
    told(|g| g.unlink(ROOT, "data/in/file"), Errno::Acces, Some(("path_unlink_file", scope("/data/in/file", true))));
    told(|g| g.mkdir(ROOT, "data/../../out"), Errno::Perm, Some(("path_create_directory", outside("data/../../out"))));
    told(
        |g| g.open(ROOT, "/etc/passwd", Open::read()).map(drop),
        Errno::Perm,
        Some(("path_open", outside("/etc/passwd"))),
    );
    told(|g| g.open(ROOT, "data/absent", Open::read()).map(drop), Errno::Noent, None);
    told(|g| g.mkdir(ROOT, "data/in"), Errno::Exist, None);
    told(|g| g.open(99, "data", Open::read()).map(drop), Errno::Badf, None);
}

#[test]
fn a_scope_lets_be_changed_what_is_below_its_prefix() {
    let dir = tree();
    let scope = Scope::new().read("/data").expect("valid").write("/data/out").expect("valid");
    let mut guest = scoped(dir.path(), scope);
    guest.create(ROOT, "data/out/new");
    assert_eq!(guest.mkdir(ROOT, "data/out/sub"), Ok(()));
    assert_eq!(guest.rename(ROOT, "data/out/new", ROOT, "data/out/sub/newer"), Ok(()));
    assert_eq!(guest.unlink(ROOT, "data/out/sub/newer"), Ok(()));
    assert_eq!(guest.open(ROOT, "data/in/file", Open::rw()), Err(Errno::Acces));
    assert_eq!(guest.open(ROOT, "data/in/file", Open::read().oflags(TRUNC)), Err(Errno::Acces));
    assert_eq!(guest.open(ROOT, "data/in/new", Open::read().oflags(CREAT)), Err(Errno::Acces));
    assert_eq!(guest.mkdir(ROOT, "data/in/sub"), Err(Errno::Acces));
    assert_eq!(guest.mkdir(ROOT, "data/in"), Err(Errno::Exist), "what is there is told first");
    assert_eq!(guest.unlink(ROOT, "data/in/file"), Err(Errno::Acces));
    assert_eq!(guest.rename(ROOT, "data/in/file", ROOT, "data/out/file"), Err(Errno::Acces));
    assert_eq!(guest.rename(ROOT, "data/out/file", ROOT, "data/in/moved"), Err(Errno::Acces));
    assert_eq!(guest.set_times_at(ROOT, false, "data/in/file", (0, 0), 4), Err(Errno::Acces));
    assert_eq!(guest.symlink("x", ROOT, "data/in/link"), Err(Errno::Acces));
}

#[test]
fn a_scope_that_forbids_to_read_creates_nothing_on_the_way_to_saying_so() {
    let dir = tree();
    let mut guest = scoped(dir.path(), Scope::new().write("/data/out").expect("valid"));
    assert_eq!(guest.open(ROOT, "data/out/new", Open::rw().oflags(CREAT)), Err(Errno::Acces));
    assert!(!dir.join("data/out/new").exists());
    let write = Open::none().base(Rights::FD_WRITE.bits()).oflags(CREAT);
    assert!(guest.open(ROOT, "data/out/new", write).is_ok());
}

#[test]
fn a_scope_leaves_out_rights_that_change_from_a_program_that_reads() {
    let dir = tree();
    let mut guest = scoped(dir.path(), Scope::new().read("/data").expect("valid"));
    let generous = Open::none().base((Rights::ALL & !Rights::FD_WRITE).bits());
    let fd = guest.open(ROOT, "data/in/file", generous).expect("readable");
    assert_eq!(guest.set_size(fd, 0), Err(Errno::Notcapable));
    assert_eq!(guest.set_times(fd, 0, 0, 5), Err(Errno::Notcapable));
    assert_eq!(guest.allocate(fd, 0, 100), Err(Errno::Notcapable));
}

#[test]
fn a_scope_is_not_gone_around_by_links() {
    let dir = tree();
    std::os::unix::fs::symlink("../../private", dir.join("data/out/way")).expect("creatable");
    let scope = Scope::new().read("/data").expect("valid").write("/data/out").expect("valid");
    let mut guest = scoped(dir.path(), scope);
    assert_eq!(guest.open(ROOT, "data/out/way/file", Open::read()), Err(Errno::Acces));
    assert_eq!(guest.open(ROOT, "data/out/way/new", Open::rw().oflags(CREAT)), Err(Errno::Acces));
    guest.symlink("../in/file", ROOT, "data/out/sneaky").expect("a link may be made");
    assert_eq!(guest.open(ROOT, "data/out/sneaky", Open::rw().follow()), Err(Errno::Acces));
    // A second name in the writable part would make the file writable.
    assert_eq!(guest.link(ROOT, false, "data/in/file", ROOT, "data/out/mine"), Err(Errno::Acces));
}

#[test]
fn a_scope_holds_through_directory_descriptors() {
    let dir = tree();
    let scope = Scope::new().read("/data/in").expect("valid").write("/data/out").expect("valid");
    let mut guest = scoped(dir.path(), scope);
    let data = guest.open(ROOT, "data", Open::dir()).expect("the way there can be walked");
    assert_eq!(guest.fdstat(data).expect("open").base & Rights::FD_READDIR.bits(), 0, "and not listed");
    assert!(guest.open(data, "in/file", Open::read()).is_ok());
    assert_eq!(guest.open(data, "in/file", Open::rw()), Err(Errno::Acces));
    assert_eq!(guest.open(data, "out/file", Open::read()), Err(Errno::Acces), "to write is not to read");
    let write = Open::none().base(Rights::FD_WRITE.bits());
    assert!(guest.open(data, "out/file", write).is_ok());
    assert_eq!(guest.open(ROOT, "private", Open::none().oflags(DIRECTORY)), Err(Errno::Acces));
}

#[test]
fn setting_aside_more_than_the_quota_is_answered_whatever_it_would_cost() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut guest, _) = with_quota(dir.path(), 1 << 20, 10);
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.refuel(500_000);
    for len in [u32::MAX.into(), 1 << 40] {
        assert_eq!(guest.call("fd_allocate", &[i(fd), l(0), l(len)]), Err(Errno::Dquot), "{len}");
    }
    // What there is room for is paid for.
    guest.refuel(100_000);
    assert!(guest.try_call("fd_allocate", &[i(fd), l(0), l(1 << 20)]).is_err());
    guest.refuel(500_000);
    assert_eq!(guest.call("fd_allocate", &[i(fd), l(0), l(1 << 20)]), Ok(()));
}
