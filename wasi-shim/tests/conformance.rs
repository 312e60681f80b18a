//! What preview1 promises, asked from the inside: every case of `tests/guests` (raw calls, Rust's standard library, C's), each in a fresh directory, through both
//! ways of resolving paths, with and without the deterministic view.

mod program;

use program::{Program, Ran, Scratch, at_root};
use wasi_shim::{Input, Quota, WasiBuilder};

/// What the limits' cases expect to be allowed.
const LIMITS: Quota = Quota { bytes: 1 << 20, files: 64 };

/// How a case's host is set up.
#[derive(Clone, Copy, Debug)]
struct Setup {
    manual: bool,
    deterministic: bool,
    limited: bool,
}

fn case(program: &Program, name: &str, setup: Setup) -> Ran {
    let scratch = Scratch::new();
    let preopen = if setup.limited { scratch.preopen().quota(LIMITS) } else { scratch.preopen() };
    let mut builder: WasiBuilder = at_root(preopen)
        .force_manual_resolution(setup.manual)
        .deterministic(setup.deterministic)
        .stdin(Input::new(*b"line one\nline two\n"))
        .env("GREETING", "hello world")
        .env("EMPTY", "")
        .arg("conformance")
        .arg(name);
    if name == "process/arguments_come_in_order" {
        builder = builder.arg("second").arg("").arg("third with spaces");
    }
    if setup.limited {
        builder = builder.max_descriptors(48);
    }
    program.run(builder)
}

fn cases(program: &Program, group: &str) -> Vec<String> {
    let listed = case(program, "list", Setup { manual: false, deterministic: false, limited: false });
    let prefix = format!("{group}/");
    listed.stdout.lines().filter(|line| line.starts_with(&prefix)).map(str::to_owned).collect()
}

/// Runs every case of a group in every setup and requires exit code 0.
fn group(name: &str, at_least: usize) {
    group_of("conformance.wasm", name, at_least);
}

fn group_of(module: &str, name: &str, at_least: usize) {
    let program = Program::load(module);
    let cases = cases(&program, name);
    assert!(cases.len() >= at_least, "{name} has {} cases", cases.len());
    let mut wrong = Vec::new();
    for name in &cases {
        for (manual, deterministic) in [(false, false), (true, false), (false, true), (true, true)] {
            let setup = Setup { manual, deterministic, limited: name.starts_with("limits/") };
            let ran = case(&program, name, setup);
            let (code, said) = match name.as_str() {
                "process/exits_with_33" => (Some(33), ""),
                "process/panics_on_purpose" => (None, "on purpose"),
                _ => (Some(0), ""),
            };
            if ran.code.as_ref().ok() != code.as_ref() || !ran.stderr.contains(said) {
                wrong.push(format!("{name}, {setup:?}: {:?}\n{}", ran.code, ran.stderr));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} runs\n{}", wrong.len(), cases.len() * 4, wrong.join("\n"));
}

#[test]
fn libc() {
    group_of("libc.wasm", "libc", 25);
}

#[test]
fn limits() {
    group("limits", 9);
}

#[test]
fn offsets() {
    group("offsets", 23);
}

#[test]
fn open() {
    group("open", 20);
}

#[test]
fn paths() {
    group("paths", 18);
}

#[test]
fn poll() {
    group("poll", 13);
}

#[test]
fn process() {
    group("process", 8);
}

#[test]
fn readdir() {
    group("readdir", 14);
}

#[test]
fn rename_link() {
    group("rename_link", 25);
}

#[test]
fn renumber() {
    group("renumber", 12);
}

#[test]
fn rights() {
    group("rights", 17);
}

#[test]
fn std_fs() {
    group("std_fs", 15);
}

#[test]
fn stdio() {
    group("stdio", 10);
}

#[test]
fn symlinks() {
    group("symlinks", 21);
}

#[test]
fn times() {
    group("times", 15);
}
