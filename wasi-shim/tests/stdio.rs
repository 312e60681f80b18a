//! Standard streams, arguments, environment, randomness: a guest has what it was given and nothing else.

mod guest;

use guest::{Ending, Guest, OUT, TYPE_CHARACTER, TYPE_UNKNOWN, i};
use wasi_shim::{BuildError, Capture, Discard, Empty, Errno, Input, Preopen, SeededEntropy, Sink, WasiCtx};

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

#[test]
fn arguments_and_environment_arrive_as_given() {
    let mut guest = Guest::new(WasiCtx::builder().arg("program").arg("").arg("ünï").env("HOME", "/").env("EMPTY", ""));
    for (names, sizes, expected) in [
        ("args_get", "args_sizes_get", &["program", "", "ünï"][..]),
        ("environ_get", "environ_sizes_get", &["HOME=/", "EMPTY="]),
    ] {
        guest.call(sizes, &[i(OUT), i(OUT + 4)]).expect("answers");
        let (count, size) = (guest.u32(OUT), guest.u32(OUT + 4));
        assert_eq!(count as usize, expected.len());
        assert_eq!(size as usize, expected.iter().map(|text| text.len() + 1).sum::<usize>());
        guest.call(names, &[i(128), i(512)]).expect("answers");
        for (at, text) in (128..).step_by(4).zip(expected) {
            let start = guest.u32(at);
            assert_eq!(guest.bytes(start, text.len() as u32 + 1), [text.as_bytes(), b"\0"].concat());
        }
    }
}

#[test]
fn outputs_go_to_their_own_sinks() {
    let (out, err) = (Capture::new(100), Capture::new(100));
    let mut guest = Guest::new(WasiCtx::builder().stdout(out.clone()).stderr(err.clone()));
    guest.write(1, b"to out").expect("writable");
    guest.write(2, b"to err").expect("writable");
    assert_eq!((out.take(), err.take()), (b"to out".to_vec(), b"to err".to_vec()));
}

#[test]
fn an_input_is_read_to_its_end() {
    let mut guest = Guest::new(WasiCtx::builder().stdin(Input::new(*b"some input")));
    assert_eq!(guest.read(0, 4), Ok(b"some".to_vec()));
    assert_eq!(guest.read(0, 100), Ok(b" input".to_vec()));
    assert_eq!(guest.read(0, 100), Ok(vec![]));
}

#[test]
fn an_input_is_not_written_and_an_output_not_read() {
    let mut guest = Guest::new(WasiCtx::builder());
    assert_eq!(guest.write(0, b"x"), Err(Errno::Notcapable));
    for fd in [1, 2] {
        assert_eq!(guest.read(fd, 1), Err(Errno::Notcapable));
    }
}

#[test]
fn a_stream_is_a_terminal_only_where_its_sink_is_one() {
    struct Terminal;
    impl Sink for Terminal {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
            Ok(bytes.len())
        }
        fn is_terminal(&self) -> bool {
            true
        }
    }
    let mut guest = Guest::new(WasiCtx::builder().stdin(Empty).stdout(Terminal).stderr(Discard));
    let types = [0, 1, 2].map(|fd| (guest.fdstat(fd).expect("open").filetype, guest.stat(fd).expect("open").filetype));
    assert_eq!(types, [(TYPE_UNKNOWN, TYPE_UNKNOWN), (TYPE_CHARACTER, TYPE_CHARACTER), (TYPE_UNKNOWN, TYPE_UNKNOWN)]);
}

#[test]
fn a_sink_that_takes_less_makes_a_short_write() {
    struct Three;
    impl Sink for Three {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
            Ok(bytes.len().min(3))
        }
    }
    struct Broken;
    impl Sink for Broken {
        fn write(&mut self, _: &[u8]) -> Result<usize, Errno> {
            Err(Errno::Pipe)
        }
    }
    let mut guest = Guest::new(WasiCtx::builder().stdout(Three).stderr(Broken));
    assert_eq!(guest.write(1, b"12345"), Ok(3));
    let parts = [guest.put(b"123"), guest.put(b"4567"), guest.put(b"8")];
    let (iovs, count) = guest.iovecs(&parts);
    guest.call("fd_write", &[i(1), i(iovs), i(count), i(OUT)]).expect("writable");
    assert_eq!(guest.u32(OUT), 6);
    assert_eq!(guest.write(2, b"x"), Err(Errno::Pipe));
}

#[test]
fn a_sink_that_claims_more_than_it_got_is_not_believed() {
    struct Boaster;
    impl Sink for Boaster {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
            Ok(bytes.len() + 1000)
        }
    }
    let mut guest = Guest::new(WasiCtx::builder().stdout(Boaster));
    assert_eq!(guest.write(1, b"12345"), Ok(5));
}

#[test]
fn what_is_behind_a_stream_stays_behind_it() {
    let mut guest = Guest::new(WasiCtx::builder());
    for fd in 0..3 {
        let stat = guest.stat(fd).expect("open");
        assert_eq!((stat.dev, stat.size, stat.mtim), (0, 0, 0));
        assert_eq!(guest.call("fd_sync", &[i(fd)]), Err(Errno::Notcapable));
        assert_eq!(guest.set_times(fd, 0, 0, 0), Err(Errno::Notcapable));
        assert_eq!(guest.mkdir(fd, "x"), Err(Errno::Notdir));
    }
}

#[test]
fn the_same_seed_gives_a_guest_the_same_randomness() {
    let draw = |seed| {
        let mut guest = Guest::new(WasiCtx::builder().entropy(SeededEntropy::new(seed)));
        guest.call("random_get", &[i(OUT), i(32)]).expect("given");
        guest.bytes(OUT, 40)
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    assert_eq!(draw(1)[32..], [0; 8], "no more than was asked for");
}

#[test]
fn a_large_buffer_is_filled_with_randomness_to_its_end() {
    let mut guest = Guest::new(WasiCtx::builder().entropy(wasi_shim::SystemEntropy));
    guest.call("random_get", &[i(1024), i(1 << 20)]).expect("given");
    let end = guest.bytes(1024 + (1 << 20) - 64, 64);
    assert!(end.iter().any(|byte| *byte != 0));
    assert_eq!(guest.call("random_get", &[i(0), i(0)]), Ok(()));
}

#[test]
fn what_could_not_mean_what_it_says_is_not_built() {
    let nul = WasiCtx::builder().arg("a\0b").build().expect_err("a NUL");
    assert_eq!(nul, BuildError::Nul { text: "a\0b".into() });
    for name in ["", "A=B"] {
        let error = WasiCtx::builder().env(name, "x").build().expect_err("no name");
        assert_eq!(error, BuildError::EnvironmentName { name: name.into() });
    }
    let missing = WasiCtx::builder().preopen(Preopen::new("/no/such/place", "/")).build().expect_err("missing");
    // The place to look at is the host's; the guest's name says which of several was meant.
    for name in ["\"/no/such/place\"", "\"/\""] {
        assert!(missing.to_string().contains(name), "{missing}");
    }
    let many = WasiCtx::builder().max_descriptors(2).build().expect_err("too few");
    assert_eq!(many, BuildError::Descriptors { limit: 2 });
    let long = WasiCtx::builder().arg(vec![b'x'; 3 << 20]).build().expect_err("too long");
    assert_eq!(long, BuildError::TooLong);
}
