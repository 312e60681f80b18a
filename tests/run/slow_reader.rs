//! Whoever reads standard output too slowly costs lines, which are counted, and not memory.
#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use crate::support::{Scratch, start};

/// Calls of the session.
const CALLS: usize = 2_000;

/// Puts out a JSON text of 164,000 bytes.
const LOUD: &str = r#"(module
  (import "conductor" "output_set" (func $out (param i32 i32) (result i32)))
  (memory (export "memory") 4)
  (func (export "alloc") (param i32) (result i32) (i32.const 8))
  (func (export "execute") (param i32 i32) (result i32)
    (memory.fill (i32.const 1024) (i32.const 120) (i32.const 164000))
    (i32.store8 (i32.const 1024) (i32.const 34))
    (i32.store8 (i32.const 165023) (i32.const 34))
    (call $out (i32.const 1024) (i32.const 164000))))"#;

#[test]
fn a_paused_terminal_costs_lines_that_are_counted_and_not_memory() {
    let scratch = Scratch::new();
    let wasm = scratch.file("loud.wasm", wat::parse_str(LOUD).expect("text"));
    let mut text =
        format!("[plugins.loud]\npath = \"{}\"\nqueue = 65_536\nmax_output_bytes = 1_000_000\n", wasm.display());
    for note in 0..8 {
        let _ = writeln!(
            text,
            "[[global_mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ WasmPlugin = {{ plugin = \"loud\", tenant = \"t{note}\" }} }}"
        );
    }
    let config = scratch.file("config.toml", text);
    let session: Vec<u8> = (0..CALLS).flat_map(|call| [0x90, (call % 8) as u8, 100]).collect();
    let transcript = scratch.path().join("a.transcript.jsonl");
    let words = start("conductor");
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .args(["run", "--realtime", "--input"])
        .arg(scratch.file("session.bin", session))
        .arg("--config")
        .arg(config)
        .arg("--transcript")
        .arg(&transcript)
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    // Nobody reads standard output until a thousand lines are lost.
    let mut said = String::new();
    while !said.ends_with("standard output is read too slowly: 1024\n") {
        assert!(stderr.read_line(&mut said).expect("text") > 0, "it ended: {said}");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("a process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    let mut printed = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut printed).expect("text");
    stderr.read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(2), "{said}");
    let number = |after: &str| -> usize {
        let text = said.split(after).nth(1).unwrap_or_else(|| panic!("{after}: {said}"));
        text.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).expect("a number")
    };
    let lost = number("lines lost in all because standard output was read too slowly: ");
    assert_eq!(printed.lines().count() + lost, CALLS, "every line is printed or counted");
    let written = std::fs::read_to_string(&transcript).expect("the transcript").lines().count();
    assert_eq!(written + number("the transcript is not complete: "), CALLS, "and the transcript's as well");
    println!("peak {peak} kB, {lost} of {CALLS} lines lost");
    assert!(peak < 150_000, "{peak} kB: 16 MiB may wait, and as much behind them for the transcript");
}
