//! What goes wrong again and again is said less and less often, and in the end how often it was.

use std::fmt::Write as _;

use crate::support::{Scratch, bin};
use serde_json::Value;

/// Computes until its fuel is gone.
const BUSY: &str = r#"(module (memory (export "memory") 1)
  (func (export "execute") (param i32 i32) (result i32) (loop $ever (br $ever)) (i32.const 0)))"#;

/// Runs `presses` of each of these notes, each mapped to a plugin that is `settings`; what was said, and the account.
fn run(notes: &[u8], presses: usize, settings: &str) -> (Vec<String>, Vec<Value>) {
    let scratch = Scratch::new();
    let wasm = scratch.file("busy.wasm", wat::parse_str(BUSY).expect("text"));
    let mut config = format!("[plugins.busy]\npath = \"{}\"\n{settings}\n", wasm.display());
    for note in notes {
        let _ = write!(
            config,
            "[[global_mappings]]\ndescription = \"pad {note}\"\ntrigger = {{ Note = {{ note = {note} }} }}\n\
             action = {{ WasmPlugin = {{ plugin = \"busy\", tenant = \"t{note}\" }} }}\n"
        );
    }
    let config = scratch.file("config.toml", config);
    let bytes: Vec<u8> = (0..presses).flat_map(|_| notes).flat_map(|note| [0x90, *note, 100]).collect();
    // Paced, so that nobody waits for room: a pipe would.
    let input = scratch.file("presses.raw", bytes);
    let ran = bin("conductor").args("run --dry-run --json --realtime --input").arg(input).arg("--config").arg(config);
    let ran = ran.run().exits(0);
    let account = ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (ran.stderr.lines().map(str::to_owned).collect(), account)
}

/// Lines that say something again for so many times, with the total at the end.
fn lines_for(times: usize) -> usize {
    times.ilog2() as usize + 1 + usize::from(times > 1)
}

#[test]
fn dropped_calls_are_said_at_powers_of_two_for_each_mapping_and_in_all_at_the_end() {
    let (said, account) = run(&[60, 61], 137, "queue = 1\nmax_fuel = 200_000_000");
    for note in [60, 61] {
        let mapping = format!("pad {note}");
        let dropped = account.iter().filter(|line| line["status"] == "rejected" && line["mapping"] == mapping.as_str());
        let dropped =
            dropped.filter(|line| line["error"].as_str().is_some_and(|error| error.contains("waiting already")));
        let dropped = dropped.count();
        assert!(dropped > 100, "{dropped}");
        let warned: Vec<_> =
            said.iter().filter(|line| line.contains(&mapping) && line.contains("calls are waiting already")).collect();
        assert_eq!(warned.len(), lines_for(dropped), "{warned:#?}");
        let total = format!("warn: {dropped} times in all: {mapping}: ");
        assert!(warned.last().is_some_and(|line| line.starts_with(&total)), "{warned:#?}");
        assert!(warned[1].ends_with("(2 times so far)"), "{}", warned[1]);
    }
}

#[test]
fn faults_that_differ_in_nothing_but_numbers_are_one_kind() {
    let (said, account) = run(&[60], 60, "max_fuel = 100_000\nqueue = 1_000");
    let quarantined = account.iter().filter(|line| line["status"] == "rejected").count();
    assert!(quarantined > 40, "{account:#?}");
    let warned = said.iter().filter(|line| line.contains("pad 60")).count();
    assert!(warned <= lines_for(quarantined) + 12, "{said:#?}");
    assert!(
        said.iter().any(|line| line.starts_with(&format!("warn: {quarantined} times in all: pad 60: "))),
        "{said:#?}"
    );
}
