//! What `conductor wasi` gives a program: the functions of a library, directories, open files, arguments, streams; and what it says of
//! a file that it cannot run.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::{Program, Scratch, bin, repository};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

fn wasi() -> Program {
    bin("conductor").arg("wasi")
}

/// A module in text, as a file.
fn module(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    scratch.file(name, wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// Tells on standard error, in bytes: the types of standard output and error, and the time after a line was written to each.
const PROBE: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fdstat (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 0) "\00\04\00\00\00\00\01\00")
    (data (i32.const 8) "\80\00\00\00\10\00\00\00")
    (func (export "_start")
        (drop (call $fdstat (i32.const 1) (i32.const 64)))
        (i64.store8 (i32.const 128) (i64.load8_u (i32.const 64)))
        (drop (call $fdstat (i32.const 2) (i32.const 64)))
        (i64.store8 (i32.const 129) (i64.load8_u (i32.const 64)))
        ;; More than a pipe holds.
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 132)))
        (drop (call $time (i32.const 0) (i64.const 1) (i32.const 136)))
        (drop (call $write (i32.const 2) (i32.const 8) (i32.const 1) (i32.const 64)))))"#;

#[test]
fn a_deterministic_run_does_not_show_where_its_output_goes() {
    let scratch = Scratch::new();
    let probe = module(&scratch, "probe.wasm", PROBE);
    let told = |stdout: Stdio| {
        let start = crate::support::start("conductor");
        let (program, before) = start.split_first().expect("a program");
        let mut child = Command::new(program)
            .args(before)
            .args(["wasi", "--deterministic"])
            .arg(&probe)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let out = child.stdout.take();
        let reader = std::thread::spawn(move || out.map(|mut out| out.read_to_end(&mut Vec::new())));
        let mut told = Vec::new();
        child.stderr.take().expect("a pipe").read_to_end(&mut told).expect("it tells");
        reader.join().expect("read");
        assert!(child.wait().expect("it ends").success());
        told
    };
    let pipe = told(Stdio::piped());
    assert_eq!(pipe[..2], [2, 2], "both are character devices");
    assert_eq!(told(Stdio::null()), pipe);
    assert_eq!(told(File::create(scratch.path().join("out")).expect("a file").into()), pipe);
    let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&line).expect("it is ours");
    unlockpt(&line).expect("it can be opened");
    let name = ptsname(&line, Vec::new()).expect("it has a name");
    let terminal = File::options().write(true).open(OsStr::from_bytes(name.as_bytes())).expect("it opens");
    // What comes out of it has to go somewhere; the reader ends when the last writer has gone.
    let drained = std::thread::spawn(move || File::from(line).read_to_end(&mut Vec::new()));
    assert_eq!(told(terminal.into()), pipe);
    let _ = drained.join().expect("read");
}

#[test]
fn a_file_that_is_no_module_is_told_in_the_same_words_as_a_plugin_is() {
    let scratch = Scratch::new();
    let valid = r#"(memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0))"#;
    let parsed = |text: &str| wat::parse_str(format!("(module {text} {valid})")).expect("text");
    let files: Vec<(Vec<u8>, &str)> = vec![
        (b"\0asm\x0d\0\x01\0".to_vec(), "a component, not a core module"),
        (b";; hello\n(module)".to_vec(), "WebAssembly text, not a module"),
        (b"<!DOCTYPE html>\n<html>".to_vec(), "an HTML page, not a WebAssembly module"),
        (b"\x7fELF\x02\x01\x01".to_vec(), "an ELF program or library, not a WebAssembly module"),
        (b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "compressed with gzip, not a WebAssembly module; unpack it first: gunzip"),
        (Vec::new(), "the file is empty"),
        (b"\0asm\x01\0\0\0\x01\x7f".to_vec(), "truncated"),
        (parsed("(func (drop (v128.const i64x2 0 0)))"), "uses SIMD, which is off; build without -msimd128"),
        (parsed("(func (param v128))"), "uses SIMD, which is off"),
        (parsed("(tag)"), "uses exceptions, which is off; build without -fwasm-exceptions"),
        (parsed("(func (param exnref))"), "uses exceptions"),
        (parsed("(func (drop (i32.atomic.load (i32.const 0))))"), "uses threads (atomic operations), which is off"),
        (parsed("(func (atomic.fence))"), "uses threads"),
        (parsed("(type (struct (field i32)))"), "uses types of the garbage collector, which is off"),
        (parsed("(func (drop (ref.i31 (i32.const 0))))"), "uses types of the garbage collector"),
        (
            parsed("(type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0)))"),
            "uses typed function references",
        ),
        (parsed("(type $f (func)) (type $c (cont $f))"), "uses stack switching"),
        (
            parsed("(func (result i64 i64) (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)))"),
            "uses wide arithmetic",
        ),
        (parsed("(table i64 1 funcref)"), "uses memory64 (addresses of 64 bits), which is off"),
        // What a module calls its parts says nothing of what it uses.
        (parsed(r#"(func (export "simd support")) (func (export "simd support"))"#), "not a valid module"),
    ];
    for (number, (bytes, wanted)) in files.into_iter().enumerate() {
        let file = scratch.file(&format!("file{number}.wasm"), bytes);
        let program = wasi().arg(&file).run().exits(2).stderr;
        let plugin = bin("conductor").args("plugin run").arg(&file).run().exits(1).stderr;
        let said = program.strip_prefix(&format!("{}: ", file.display())).unwrap_or_else(|| panic!("{program}"));
        assert!(said.starts_with(wanted), "{number}: {said}");
        assert_eq!(plugin, format!("refused: plugin \"file{number}\": {said}"));
    }
}

/// Proposals with something that uses each, and whether a program and a plugin may.
const PROPOSALS: &[(&str, &str, bool, bool)] = &[
    ("mutable globals", r#"(global (export "g") (mut i32) (i32.const 0))"#, true, true),
    ("sign extension", "(func (drop (i32.extend8_s (i32.const 0))))", true, true),
    ("non-trapping conversions", "(func (drop (i32.trunc_sat_f32_s (f32.const 0))))", true, true),
    ("multiple values", "(func (result i32 i32) (i32.const 0) (i32.const 0))", true, true),
    ("bulk memory", "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))", true, true),
    ("reference types", "(table 1 externref)", true, true),
    ("extended constants", "(global i32 (i32.add (i32.const 0) (i32.const 1)))", true, true),
    ("tail calls", "(func $f (return_call $f))", true, true),
    ("branch hints", r#"(func (param i32) (@metadata.code.branch_hint "\00") (if (local.get 0) (then)))"#, true, true),
    ("several memories", "(memory 1)", true, false),
    ("custom page sizes", "(memory 1 1 (pagesize 1))", true, false),
    ("SIMD", "(func (param v128))", false, false),
    ("relaxed SIMD", "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))", false, false),
    ("threads", "(memory 1 1 shared)", false, false),
    ("exceptions", "(tag)", false, false),
    ("garbage collection", "(type (struct))", false, false),
    ("typed function references", "(func (param (ref func)))", false, false),
    ("memory64", "(memory i64 1)", false, false),
    (
        "wide arithmetic",
        "(func (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)))",
        false,
        false,
    ),
    ("stack switching", "(type $f (func)) (type $c (cont $f))", false, false),
];

#[test]
fn the_page_lists_the_proposals_that_run() {
    let page = fs::read_to_string(repository("docs/wasi.md")).expect("the page");
    let scratch = Scratch::new();
    let word = |runs: bool| if runs { "yes" } else { "no" };
    for (name, text, program, plugin) in PROPOSALS {
        let row = format!("| {name} | {} | {} |", word(*program), word(*plugin));
        assert!(page.contains(&row), "docs/wasi.md lacks: {row}");
        let exports = r#"(memory (export "memory") 1) (func (export "_start"))"#;
        let file = module(&scratch, "program.wasm", &format!("(module {exports} {text})"));
        wasi().arg(file).run().exits(if *program { 0 } else { 2 });
        let exports =
            r#"(memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0))"#;
        let file = module(&scratch, "plugin.wasm", &format!("(module {exports} {text})"));
        bin("conductor").args("plugin run").arg(file).run().exits(i32::from(!*plugin));
    }
}

#[test]
fn a_function_of_a_library_is_called_by_its_name() {
    let scratch = Scratch::new();
    let library = module(
        &scratch,
        "library.wasm",
        r#"(module
        (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (global $ready (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $ready (i32.add (global.get $ready) (i32.const 1))))
        (func (export "ready") (result i32) (global.get $ready))
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
        (func (export "both") (param i64) (result i64 f32) (local.get 0) (f32.const -0.5))
        (func (export "arguments") (result i32) (drop (call $args (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)))
        (func (export "quit") (call $exit (i32.const 7)))
        (func $deep unreachable)
        (func (export "breaks") (call $deep))
        (func (export "opaque") (param externref)))"#,
    );
    let call = |name: &str, arguments: &str| wasi().arg("--invoke").arg(name).arg(&library).args(arguments).run();
    assert_eq!(call("ready", "").exits(0).stdout, "1\n", "_initialize has run, once");
    assert_eq!(call("add", "2 -3").exits(0).stdout, "-1\n");
    assert_eq!(call("half", "1").exits(0).stdout, "0.5\n");
    assert_eq!(call("both", "18446744073709551615").exits(0).stdout, "-1\n-0.5\n");
    assert_eq!(
        call("arguments", "a b c").exits(0).stdout,
        "4\n",
        "one that takes nothing finds them as a program does"
    );
    assert_eq!(call("quit", "").exits(7).stdout, "");
    let broken = call("breaks", "").exits(134).stderr;
    assert!(broken.ends_with("  0: deep\n    1: breaks\n"), "{broken}");
    for (name, arguments, wanted) in [
        ("add", "2", "--invoke add: it takes 2 numbers (i32, i32); arguments after the module: 1"),
        ("add", "2 x", "x: not a number of the type i32"),
        ("memory", "", "--invoke memory: it exports no function memory; it has add, arguments, both"),
        ("ad", "", "--invoke ad: it exports no function ad; it has"),
        ("opaque", "x", "--invoke opaque: it takes or returns more than numbers"),
    ] {
        let said = call(name, arguments).exits(2).stderr;
        assert!(said.contains(wanted), "{said}");
    }
    let said = wasi().arg(&library).run().exits(2).stderr;
    assert!(
        said.contains(
            "it is a library; build it as a program, or call one of its functions (--invoke NAME): add, arguments"
        ),
        "{said}"
    );
    // A function that needs nothing of the host needs no memory.
    let small = module(&scratch, "small.wasm", r#"(module (func (export "one") (result i32) (i32.const 1)))"#);
    assert_eq!(wasi().args("--invoke one").arg(small).run().exits(0).stdout, "1\n");
    let endless = module(&scratch, "endless.wasm", r#"(module (func (export "loop") (loop (br 0))))"#);
    let said = wasi().args("--fuel 1000000 --invoke loop").arg(endless).run().exits(134).stderr;
    assert!(said.contains("it used up its fuel"), "{said}");
}

/// Opens `old` for reading and `new` for writing, and exits with the two errnos: the first, and 100 times the second.
const OPENS: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "oldnew")
    (func (export "_start")
        (call $exit (i32.add
            (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64))
            (i32.add
                (i32.eqz (i32.eqz (call $unlink (i32.const 3) (i32.const 0) (i32.const 3))))
                (i32.mul (i32.const 2) (call $open (i32.const 3) (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 64))))))))"#;

#[test]
fn a_directory_may_be_given_to_be_read_only() {
    let scratch = Scratch::new();
    let program = module(&scratch, "opens.wasm", OPENS);
    let data = scratch.path().join("data");
    fs::create_dir(&data).expect("a directory");
    fs::write(data.join("old"), "content").expect("a file");
    let run = |dir: &str| wasi().directory(scratch.path()).arg("--dir").arg(dir).arg(&program).run();
    // ENOTCAPABLE (76) for writing and removing, nothing for reading.
    run("data::/::ro").exits(1 + 2 * 76);
    assert!(data.join("old").exists() && !data.join("new").exists());
    run("data::/").exits(0);
    assert!(!data.join("old").exists() && data.join("new").exists());
}

/// Opens the directory again and again until that fails, at most 6,000 times; standard error gets four bytes, how often it went.
const MANY: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "f")
    (func (export "_start") (local $count i32) (local $errno i32)
        (loop $more
            (local.set $errno (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64)))
            (if (i32.eqz (local.get $errno))
                (then
                    (local.set $count (i32.add (local.get $count) (i32.const 1)))
                    (br_if $more (i32.lt_u (local.get $count) (i32.const 6000))))))
        (call $exit (i32.add (local.get $errno) (i32.div_u (local.get $count) (i32.const 100))))))"#;

#[test]
fn thousands_of_files_can_be_open_whatever_limit_the_process_was_started_under() {
    let scratch = Scratch::new();
    let program = module(&scratch, "many.wasm", MANY);
    fs::write(scratch.path().join("f"), "").expect("a file");
    let run = |options: &str, limit: &str| {
        let program = wasi().directory(scratch.path()).args(options).args("--dir .::/").arg(&program);
        if limit.is_empty() { program.run() } else { program.limited(limit).run() }
    };
    for options in ["", "--deterministic"] {
        run(options, "").exits(60);
        // The soft limit is what a shell gives; it is raised.
        run(options, "-S -n 64").exits(60);
    }
    // Where the system has no more to give, a program is told so in its own terms: EMFILE (33), after some 800 files.
    let few = run("", "-n 1000").code.expect("it ends by itself");
    assert!((33 + 7..33 + 9).contains(&few), "{few}");
    // A run that is to repeat does not show it: it ends, and says why.
    let said = run("--deterministic", "-n 1000").exits(134).stderr;
    assert!(said.contains("no file descriptors left"), "{said}");
}

#[test]
fn arguments_variables_and_names_need_not_be_utf_8() {
    let scratch = Scratch::new();
    // Writes its arguments, its environment and the name of its directory, as they are, to standard output.
    let text = r#"(module
        (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_size (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\00\10\00\00\00\02\00\00")
        (func (export "_start")
            (drop (call $args (i32.const 1024) (i32.const 4096)))
            (drop (call $environ (i32.const 1024) (i32.const 4352)))
            (drop (call $name (i32.const 3) (i32.const 4480) (i32.const 2)))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#;
    let program = module(&scratch, "p.wasm", text);
    let odd = scratch.path().join(OsStr::from_bytes(b"p\xff.wasm"));
    fs::rename(program, &odd).expect("a name that is no text");
    fs::create_dir(scratch.path().join(OsStr::from_bytes(b"d\xfe"))).expect("a directory");
    let start = crate::support::start("conductor");
    let (conductor, before) = start.split_first().expect("a program");
    let ran = Command::new(conductor)
        .args(before)
        .current_dir(scratch.path())
        .args(["wasi", "--env"])
        .arg(OsStr::from_bytes(b"\xf0=\xf1"))
        .arg("--dir")
        .arg(OsStr::from_bytes(b"d\xfe"))
        .arg(OsStr::from_bytes(b"p\xff.wasm"))
        .arg(OsStr::from_bytes(b"\xff\xc3\x28 \xf4\x8f\xbf\xbf")) // no text, half a character, and the last character there is
        .arg("--dir")
        .output()
        .expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let wanted = b"p\xff.wasm\0\xff\xc3\x28 \xf4\x8f\xbf\xbf\0--dir\0";
    assert_eq!(ran.stdout[..wanted.len()], wanted[..]);
    assert_eq!(ran.stdout[256..260], *b"\xf0=\xf1\0");
    assert_eq!(ran.stdout[384..386], *b"d\xfe");
}
