//! Hostile guests: sizes, pointers and numbers from the other side of the fence.

mod guest;

use guest::{CREAT, Guest, OUT, Open, PAGES, PLENTY, fresh, i, l, scratch};
use wasi_shim::{Errno, FUNCTIONS, FunctionType, SeededEntropy, Trap, WasiCtx};
use wasmi::Val;

const ROOT: u32 = 3;
const END: u32 = PAGES * 65536;

#[test]
fn a_vector_of_four_billion_buffers_is_refused() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    for count in [1025, 1 << 20, 1 << 29, u32::MAX] {
        for name in ["fd_read", "fd_write"] {
            assert_eq!(guest.call(name, &[i(fd), i(0), i(count), i(OUT)]), Err(Errno::Inval), "{name} {count}");
        }
        for name in ["fd_pread", "fd_pwrite"] {
            assert_eq!(guest.call(name, &[i(fd), i(0), i(count), l(0), i(OUT)]), Err(Errno::Inval), "{name} {count}");
        }
    }
}

#[test]
fn a_thousand_buffers_of_the_whole_memory_move_no_more_than_a_call_may() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    let (iovs, count) = guest.iovecs(&[(0, END); 1024]);
    guest.call("fd_write", &[i(fd), i(iovs), i(count), i(OUT)]).expect("short");
    assert_eq!(guest.u32(OUT), 1 << 20);
    assert_eq!(guest.stat(fd).map(|stat| stat.size), Ok(1 << 20));
}

#[test]
fn buffers_that_overlap_each_other_and_their_vector_do_no_harm() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.write(fd, &[0x55; 64]).expect("writable");
    guest.seek(fd, 0, 0).expect("seekable");
    let (iovs, _) = guest.iovecs(&[(0, 0), (0, 0)]);
    let vector = [iovs, 16, iovs + 4, 16].map(u32::to_le_bytes).concat();
    guest.poke(iovs, &vector);
    guest.call("fd_read", &[i(fd), i(iovs), i(2), i(OUT)]).expect("readable");
    assert_eq!(guest.u32(OUT), 32, "the vector is read once, before it is overwritten");
}

#[test]
fn the_end_of_memory_is_the_end() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.write(fd, &[1; 100]).expect("writable");
    guest.seek(fd, 0, 0).expect("seekable");
    let (exact, _) = guest.iovecs(&[(END - 8, 8)]);
    assert_eq!(guest.call("fd_read", &[i(fd), i(exact), i(1), i(OUT)]), Ok(()));
    for (at, len) in [(END - 8, 9), (END, 1), (END + 1, 0), (u32::MAX, 1), (1, u32::MAX), (u32::MAX, u32::MAX)] {
        let (iovs, _) = guest.iovecs(&[(at, len)]);
        assert_eq!(guest.call("fd_read", &[i(fd), i(iovs), i(1), i(OUT)]), Err(Errno::Fault), "{at}+{len}");
        assert_eq!(guest.call("fd_write", &[i(fd), i(iovs), i(1), i(OUT)]), Err(Errno::Fault), "{at}+{len}");
    }
    assert_eq!(guest.tell(fd), Ok(8), "a call that faults does nothing");
    for iovs in [END - 7, END, u32::MAX - 3] {
        assert_eq!(guest.call("fd_write", &[i(fd), i(iovs), i(1), i(OUT)]), Err(Errno::Fault));
    }
}

#[test]
fn a_result_that_cannot_be_stored_is_found_before_anything_is_done() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    let (data, len) = guest.put(b"data");
    let (iovs, _) = guest.iovecs(&[(data, len)]);
    assert_eq!(guest.call("fd_write", &[i(fd), i(iovs), i(1), i(END - 3)]), Err(Errno::Fault));
    assert_eq!(guest.call("fd_pwrite", &[i(fd), i(iovs), i(1), l(0), i(END)]), Err(Errno::Fault));
    assert_eq!(guest.stat(fd).map(|stat| stat.size), Ok(0));
    let (path, len) = guest.put(b"new");
    let open = [i(ROOT), i(0), i(path), i(len), i(CREAT), l(0), l(0), i(0), i(END - 1)];
    assert_eq!(guest.call("path_open", &open), Err(Errno::Fault));
    assert_eq!(guest.stat_at(ROOT, "new", false).map(drop), Err(Errno::Noent));
    assert_eq!(guest.call("fd_seek", &[i(fd), l(5), i(0), i(END - 7)]), Err(Errno::Fault));
    assert_eq!(guest.tell(fd), Ok(0));
}

#[test]
fn every_pointer_of_every_call_may_point_nowhere() {
    let mut guest = Guest::new(WasiCtx::builder().arg("a").env("k", "v").entropy(SeededEntropy::new(0)));
    for FunctionType { name, .. } in FUNCTIONS {
        if ["proc_exit", "proc_raise"].contains(name) {
            continue;
        }
        for wild in [END - 1, END, u32::MAX - 7, u32::MAX] {
            for at in 0..9 {
                let args: Vec<Val> = guest::signature(name)
                    .split_whitespace()
                    .enumerate()
                    .map(|(n, kind)| match kind {
                        "i64" => l(u64::from(wild)),
                        _ if n == at => i(wild),
                        _ => i(n as u32 % 4),
                    })
                    .collect();
                guest.refuel(PLENTY);
                // An errno or success; anything else would have panicked or trapped.
                let _ = guest.call(name, &args);
            }
        }
    }
}

#[test]
fn unaligned_pointers_work() {
    let mut guest = fresh();
    for odd in [65, 66, 67] {
        assert_eq!(guest.call("fd_filestat_get", &[i(ROOT), i(odd)]), Ok(()));
        assert_eq!(guest.call("clock_time_get", &[i(0), l(0), i(odd)]), Ok(()));
        assert_eq!(guest.call("fd_fdstat_get", &[i(ROOT), i(odd)]), Ok(()));
    }
}

#[test]
fn structures_are_written_whole() {
    let mut guest = fresh();
    for (name, size, padding) in [
        ("fd_fdstat_get", 24, vec![1, 4, 5, 6, 7]),
        ("fd_filestat_get", 64, (17..24).collect()),
        ("fd_prestat_get", 8, vec![1, 2, 3]),
    ] {
        guest.poke(OUT, &[0xAA; 65]);
        guest.call(name, &[i(ROOT), i(OUT)]).expect("answers");
        let raw = guest.bytes(OUT, 65);
        for at in padding {
            assert_eq!(raw[at], 0, "{name}: byte {at}");
        }
        assert_eq!(raw[size], 0xAA, "{name}: nothing past the end");
    }
}

#[test]
fn huge_lengths_are_answered_and_not_allocated() {
    let mut guest = Guest::new(
        WasiCtx::builder().preopen(guest::preopen(std::path::Path::new("/"))).entropy(SeededEntropy::new(1)),
    );
    let huge = u32::MAX;
    // Nothing like what so many bytes would cost: nonsense is answered, and does not end the guest.
    guest.refuel(1_000_000);
    assert_eq!(guest.call("random_get", &[i(0), i(huge)]), Err(Errno::Fault));
    assert_eq!(guest.call("path_create_directory", &[i(ROOT), i(0), i(huge)]), Err(Errno::Nametoolong));
    assert_eq!(guest.call("path_symlink", &[i(0), i(huge), i(ROOT), i(0), i(1)]), Err(Errno::Nametoolong));
    assert_eq!(guest.call("path_readlink", &[i(ROOT), i(0), i(1), i(0), i(huge), i(OUT)]), Err(Errno::Fault));
    assert_eq!(
        guest.call("fd_prestat_dir_name", &[i(ROOT), i(0), i(huge)]),
        Ok(()),
        "the name is short, the room is not used"
    );
    assert_eq!(guest.call("fd_readdir", &[i(ROOT), i(0), i(huge), l(0), i(OUT)]), Err(Errno::Fault));
}

#[test]
fn arguments_are_stored_whole_or_not_at_all() {
    let mut guest = Guest::new(WasiCtx::builder().arg("program").arg("one"));
    for (argv, buf) in [(END - 7, 64), (64, END - 11), (u32::MAX, u32::MAX), (END, 64)] {
        guest.poke(64, &[0xAA; 64]);
        assert_eq!(guest.call("args_get", &[i(argv), i(buf)]), Err(Errno::Fault));
        assert_eq!(guest.bytes(64, 64), [0xAA; 64]);
    }
    assert_eq!(guest.call("args_get", &[i(END - 8), i(END - 20)]), Ok(()));
}

#[test]
fn a_module_without_memory_traps_and_says_why() {
    let program = r#"(module
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (memory (export "memory") 1)
        (func (export "_start") (drop (call $yield))))"#;
    let without = program.replace("(export \"memory\")", "(export \"memori\")");
    let mut config = wasmi::Config::default();
    config.consume_fuel(true);
    let engine = wasmi::Engine::new(&config);
    let module = wasmi::Module::new(&engine, wat::parse_str(without).expect("valid")).expect("valid");
    let wasi = WasiCtx::builder().build().expect("buildable");
    let mut store = wasmi::Store::new(&engine, guest::Host { wasi, memory: None, budget: 0, denials: Vec::new() });
    store.set_fuel(PLENTY).expect("metered");
    let mut linker = wasmi::Linker::new(&engine);
    wasi_shim::add_to_linker(&mut linker).expect("empty linker");
    let instance = linker.instantiate_and_start(&mut store, &module).expect("instantiable");
    let start = instance.get_typed_func::<(), ()>(&store, "_start").expect("exported");
    let trap = start.call(&mut store, ()).expect_err("no memory");
    assert_eq!(trap.downcast_ref::<Trap>(), Some(&Trap::NoMemory));
}

#[test]
fn memory_is_found_by_name_where_the_embedder_has_not_resolved_it() {
    let program = r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start") (if (call $random (i32.const 0) (i32.const 8)) (then unreachable))))"#;
    let mut guest = Guest::load(program, WasiCtx::builder().entropy(SeededEntropy::new(1)));
    guest.store.data_mut().memory = None;
    assert!(matches!(guest.run(), guest::Ending::Returned));
}

#[test]
fn a_guest_that_fills_its_table_of_descriptors_fills_nothing_else() {
    let dir = scratch();
    let mut guest = dir.guest();
    let mut opened = 0;
    while guest.open(ROOT, ".", Open::dir()).is_ok() {
        opened += 1;
    }
    assert_eq!(opened, 128 - 4);
}

#[test]
fn signals_that_end_a_process_end_the_guest() {
    let mut guest = fresh();
    let trap = guest.try_call("proc_raise", &[i(6)]).expect_err("ended");
    assert_eq!(trap.downcast_ref::<Trap>(), Some(&Trap::Signal(6)));
    assert_eq!(guest.call("proc_raise", &[i(0)]), Ok(()));
    assert_eq!(guest.call("proc_raise", &[i(18)]), Err(Errno::Notsup));
    assert_eq!(guest.call("proc_raise", &[i(31)]), Err(Errno::Inval));
}

#[test]
fn a_program_without_sockets_is_told_so() {
    let mut guest = fresh();
    let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
    for open in [0, 1, 2, ROOT, fd] {
        assert_eq!(guest.call("sock_shutdown", &[i(open), i(0)]), Err(Errno::Notsock));
        assert_eq!(guest.call("sock_accept", &[i(open), i(0), i(OUT)]), Err(Errno::Notsock));
        assert_eq!(guest.call("sock_recv", &[i(open), i(0), i(0), i(0), i(OUT), i(OUT)]), Err(Errno::Notsock));
        assert_eq!(guest.call("sock_send", &[i(open), i(0), i(0), i(0), i(OUT)]), Err(Errno::Notsock));
    }
    assert_eq!(guest.call("sock_shutdown", &[i(99), i(0)]), Err(Errno::Badf));
    assert_eq!(guest.call("sock_accept", &[i(99), i(0), i(OUT)]), Err(Errno::Badf));
    assert_eq!(guest.call("sched_yield", &[]), Ok(()));
}

/// What a process has for all its guests is nothing that one of them may find out.
#[test]
fn a_process_without_descriptors_ends_the_guest_and_does_not_answer_it() {
    // In a process of its own, or other tests would run out as well.
    if std::env::var_os("WITHOUT_DESCRIPTORS").is_none() {
        let name = "a_process_without_descriptors_ends_the_guest_and_does_not_answer_it";
        // A program for another machine runs in an emulator (tests/arm/run.sh).
        let runner = std::env::var("CONDUCTOR_TEST_RUNNER").unwrap_or_default();
        let ran = std::process::Command::new("sh")
            .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
            .args(runner.split_whitespace())
            .arg(std::env::current_exe().expect("this test"))
            .args([name, "--exact", "--nocapture"])
            .env("WITHOUT_DESCRIPTORS", "1")
            .output()
            .expect("runnable");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        assert!(String::from_utf8_lossy(&ran.stdout).contains("1 passed"));
        return;
    }
    let mut guest = fresh();
    let (path, len) = guest.put(b"new");
    let args = [i(ROOT), i(0), i(path), i(len), i(CREAT), l(2), l(0), i(0), i(OUT)];
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open(".") {
        taken.push(file);
    }
    let trap = guest.try_call("path_open", &args).expect_err("there is none");
    drop(taken);
    assert_eq!(trap.downcast_ref::<Trap>(), Some(&Trap::HostDescriptors), "{trap}");
}
