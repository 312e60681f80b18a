//! Standard streams, arguments, environment, randomness: a guest has what it was given and nothing else.

mod guest;

use guest::{Ending, Guest, OUT, i};
use wasi_shim::{Capture, Errno, WasiCtx};

#[test]
fn a_program_prints_and_exits_with_its_code() {
    let out = Capture::new(1 << 20);
    let program = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
        (func (export "_start")
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
            (call $exit (i32.const 42))))"#;
    let ending = Guest::load(program, WasiCtx::builder().stdout(out.clone())).run();
    assert!(matches!(ending, Ending::Exited(42)), "{ending:?}");
    assert_eq!(out.take(), b"hello\n");
}

#[test]
fn nothing_given_is_nothing_there() {
    let mut guest = Guest::new(WasiCtx::builder());
    for (name, what) in [("args_sizes_get", "arguments"), ("environ_sizes_get", "variables")] {
        guest.call(name, &[i(OUT), i(OUT + 4)]).expect("answers");
        assert_eq!((guest.u32(OUT), guest.u32(OUT + 4)), (0, 0), "{what}");
    }
    assert_eq!(guest.call("fd_prestat_get", &[i(3), i(OUT)]), Err(Errno::Badf));
    assert_eq!(guest.read(0, 10), Ok(vec![]));
    assert_eq!(guest.write(1, b"into the void"), Ok(13));
    assert_eq!(guest.call("random_get", &[i(OUT), i(8)]), Err(Errno::Nosys));
}
