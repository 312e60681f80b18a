//! A system without room for another thread is told to the user, and nothing ends by a panic.
//!
//! The address space is what is limited here, because the number of threads cannot be for the super-user; the system answers both
//! alike.

#![cfg(target_arch = "x86_64")] // an emulator of another machine needs more addresses than the limit leaves

mod support;

use support::{Ran, Scratch, bin, repository};

/// Addresses for the program itself, but not for a guest's stack beside it, in KiB.
const TOO_LITTLE: &str = "-v 60000";

#[track_caller]
fn says_that_there_is_no_thread(ran: &Ran) {
    assert_eq!(ran.code, Some(2), "{}", ran.transcript());
    assert!(ran.stderr.contains("the system has no room for another thread: "), "{}", ran.transcript());
    assert!(ran.stderr.contains("raise the limits of threads and memory (ulimit -u"), "{}", ran.transcript());
    assert!(!ran.stderr.contains("panicked"), "{}", ran.transcript());
}

#[test]
fn a_session_that_gets_no_thread_for_its_guests_says_so() {
    let scratch = Scratch::new();
    let config = scratch.file(
        "config.toml",
        "[[global_mappings]]\ntrigger = { Note = { note = 60 } }\naction = { Text = { text = \"x\" } }\n",
    );
    let session = scratch.file("session.bin", [0x90, 60, 100]);
    for command in ["run --input", "replay"] {
        let program = bin("conductor").args(command).arg(&session).arg("--config").arg(&config);
        says_that_there_is_no_thread(&program.limited(TOO_LITTLE).run());
    }
}

#[test]
fn a_journal_whose_session_got_no_thread_leaves_its_name_free() {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", "");
    let session = scratch.file("session.bin", [0x90, 60, 100]);
    let journal = scratch.path().join("a.journal.jsonl");
    let program = bin("conductor").args("run --input").arg(&session).arg("--config").arg(&config);
    let ran = program.arg("--record").arg(&journal).limited(TOO_LITTLE).run();
    says_that_there_is_no_thread(&ran);
    assert!(!journal.exists());
}

#[test]
fn a_command_that_gets_no_thread_says_so() {
    let module = repository("fixtures/plugins/json_probe.wasm");
    says_that_there_is_no_thread(&bin("conductor").arg("wasi").arg(module).limited(TOO_LITTLE).run());
}
