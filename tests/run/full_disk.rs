//! A disk that is full costs what was to be written to it and nothing else: the mapping goes on, one warning comes at once, and the
//! exit code says it in the end.
#![cfg(target_os = "linux")]

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Scratch, start};

/// Logs a line of a hundred bytes.
const LOGGER: &str = r#"(module
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) (i32.const 8))
  (func (export "execute") (param i32 i32) (result i32)
    (memory.fill (i32.const 1024) (i32.const 120) (i32.const 100))
    (call $log (i32.const 3) (i32.const 1024) (i32.const 100))
    (i32.const 0)))"#;

/// What every warning of it says.
const WARNED: &str = "the session goes on";

/// A configuration that calls a plugin and adds a line to the file `done` at each press of note 60, or only calls it at note 61.
fn config(scratch: &Scratch, more: &str) -> PathBuf {
    let wasm = scratch.file("logger.wasm", wat::parse_str(LOGGER).expect("text"));
    let done = scratch.path().join("done");
    scratch.file("done", "");
    let text = format!(
        "{more}\n[plugins.logger]\npath = \"{}\"\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\n\
         action = {{ Sequence = {{ actions = [{{ WasmPlugin = {{ plugin = \"logger\" }} }}, {{ Shell = {{ command = \"echo x >> {}\" }} }}] }} }}\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 61 }} }}\naction = {{ WasmPlugin = {{ plugin = \"logger\" }} }}\n",
        wasm.display(),
        done.display()
    );
    scratch.file("config.toml", text)
}

/// `conductor run` of this configuration, under a limit of the shell's `ulimit`.
fn run(config: &Path, limit: &str) -> Command {
    let words = start("conductor");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\"")]).args(words);
    command.arg("run").arg("--config").arg(config).env("NO_COLOR", "1").env("HOME", "/nonexistent");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").expect("it is there")
}

/// Presses of a note, as bytes.
fn presses(note: u8, count: usize) -> Vec<u8> {
    [0x90, note, 100, 0x80, note, 0].repeat(count)
}

/// Standard error and the exit code.
fn end(child: Child) -> (String, Option<i32>) {
    let output = child.wait_with_output().expect("it ends");
    (String::from_utf8(output.stderr).expect("text"), output.status.code())
}

/// Presses whose program has run. Programs are not waited for when a session ends, so this waits for `expected` of them.
fn done(scratch: &Scratch, expected: usize) -> usize {
    let count = || std::fs::read_to_string(scratch.path().join("done")).expect("the file").lines().count();
    let begun = Instant::now();
    while count() < expected && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    count()
}

#[track_caller]
fn said_once(said: &str, words: &str) {
    assert_eq!(said.matches(words).count(), 1, "{words:?} in:\n{said}");
}

#[test]
fn standard_output_on_a_full_disk_is_said_and_the_mapping_goes_on() {
    for options in [&[][..], &["--json"], &["--realtime"], &["--realtime", "--json"]] {
        let scratch = Scratch::new();
        let config = config(&scratch, "");
        let input = scratch.file("session.bin", presses(60, 20));
        let journal = scratch.path().join("a.journal.jsonl");
        let mut command = run(&config, "-c 0");
        command.args(options).arg("--input").arg(input).arg("--record").arg(&journal).stdout(full());
        let (said, code) = end(command.spawn().expect("it starts"));
        assert_eq!((code, done(&scratch, 20)), (Some(2), 20), "{options:?}: {said}");
        said_once(&said, "warn: standard output ends here, because it cannot be written: ");
        said_once(&said, WARNED);
        said_once(&said, "\nstandard output is not complete: ");
        let journal = std::fs::read_to_string(journal).expect("the journal");
        assert!(
            journal.lines().last().is_some_and(|line| line.starts_with("{\"k\":\"end\"")),
            "the journal is complete"
        );
    }
}

#[test]
fn a_live_session_says_at_once_what_cannot_be_written_and_goes_on() {
    for which in ["stdout", "transcript", "journal"] {
        let scratch = Scratch::new();
        let config = config(&scratch, "");
        let mut command = run(&config, "-f 16");
        command.args(["--input", "-"]).stdin(Stdio::piped());
        let file = scratch.path().join("a.jsonl");
        let words = match which {
            "stdout" => {
                command.stdout(full());
                "warn: standard output ends here, because it cannot be written: ".to_owned()
            }
            "transcript" => {
                command.args(["--transcript", "/dev/full"]);
                "warn: /dev/full: the transcript ends here, because it cannot be written: ".to_owned()
            }
            _ => {
                command.arg("--record").arg(&file);
                format!("warn: {}: writing the journal failed: ", file.display())
            }
        };
        let mut child = command.spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A file of 8 KiB has room for the journal's header and some messages more.
        stdin.write_all(&presses(61, if which == "journal" { 400 } else { 1 })).expect("it reads");
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut said = String::new();
        while !said.contains(&words) {
            assert!(stderr.read_line(&mut said).expect("text") > 0, "{which}: it ended: {said}");
        }
        stdin.write_all(&presses(60, 3)).expect("it goes on");
        drop(stdin);
        stderr.read_to_string(&mut said).expect("text");
        assert_eq!((child.wait().expect("it ends").code(), done(&scratch, 3)), (Some(2), 3), "{which}: {said}");
        said_once(&said, WARNED);
    }
}

#[test]
fn a_file_that_may_grow_no_further_ends_and_what_is_there_can_be_used() {
    let scratch = Scratch::new();
    let config = config(&scratch, "");
    let input = scratch.file("session.bin", [presses(61, 2_000), presses(60, 3)].concat());
    let (journal, transcript) = (scratch.path().join("a.journal.jsonl"), scratch.path().join("a.transcript.jsonl"));
    let mut command = run(&config, "-f 32");
    let command = command.arg("--input").arg(input).arg("--record").arg(&journal).arg("--transcript").arg(&transcript);
    let (said, code) = end(command.spawn().expect("it starts"));
    assert_eq!((code, done(&scratch, 3)), (Some(2), 3), "{said}");
    said_once(
        &said,
        &format!("warn: {}: the transcript ends here, because it cannot be written: ", transcript.display()),
    );
    said_once(&said, &format!("\n{}: writing the journal failed: ", journal.display()));
    said_once(&said, &format!("\n{}: the transcript is not complete: ", transcript.display()));
    crate::support::bin("conductor").arg("replay").arg(&journal).run().exits(0);
}

#[test]
fn a_log_on_a_full_disk_is_said_once_and_in_the_exit_code() {
    let scratch = Scratch::new();
    let settings = config(&scratch, "[logging]\nfile = \"/dev/full\"");
    let input = scratch.file("session.bin", presses(60, 20));
    let (said, code) = end(run(&settings, "-c 0").arg("--input").arg(&input).spawn().expect("it starts"));
    assert_eq!((code, done(&scratch, 20)), (Some(2), 20), "{said}");
    said_once(&said, "warn: /dev/full: lines are missing from the log: ");
    said_once(&said, "\n/dev/full: the log is not complete: 20 lines could not be written");
    // Standard error itself: the log file says it.
    let log = scratch.path().join("a.log");
    let settings = config(&scratch, &format!("[logging]\nfile = \"{}\"", log.display()));
    let mut command = run(&settings, "-c 0");
    let (_, code) = end(command.arg("--input").arg(&input).stderr(full()).spawn().expect("it starts"));
    assert_eq!((code, done(&scratch, 20)), (Some(2), 20));
    said_once(&std::fs::read_to_string(log).expect("the log"), "warn: standard error lacks lines: ");
}

#[test]
fn a_reader_that_goes_away_had_enough_and_nothing_is_said() {
    for options in [&[][..], &["--json"], &["--realtime"]] {
        let scratch = Scratch::new();
        let config = config(&scratch, "[logging]\nlevel = \"error\"");
        let input = scratch.file("session.bin", presses(61, 5_000));
        let mut command = run(&config, "-c 0");
        let journal = scratch.path().join("a.journal.jsonl");
        command.args(options).arg("--input").arg(input).arg("--record").arg(&journal).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
        assert!(first.ends_with('\n'));
        assert_eq!(end(child), (String::new(), Some(0)), "{options:?}");
        let journal = std::fs::read_to_string(journal).expect("the journal");
        assert!(
            journal.lines().last().is_some_and(|line| line.starts_with("{\"k\":\"end\"")),
            "the journal is complete"
        );
    }
}
