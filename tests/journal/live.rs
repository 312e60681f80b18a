//! A live run, with several workers and a slow server, comes back to the very transcript it had, as often as one likes.
#![cfg(feature = "http")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::server::{Server, answer, read_request};
use crate::support::{Scratch, bin, repository};

/// How often the recording is replayed.
const TIMES: usize = 100;

/// A server that lets every second request wait until another has come, so that answers overtake each other.
fn slow_server() -> Server {
    let (waiting, served) = (Mutex::new(()), AtomicU32::new(0));
    Server::start(move |stream, _| {
        let request = read_request(stream);
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let number = served.fetch_add(1, Ordering::SeqCst);
        let _turn = waiting.lock().expect("nobody panics with it");
        // Work of a different length for each, without a clock.
        let mut work = u64::from(number);
        for _ in 0..(number % 7) * 200_000 {
            work = std::hint::black_box(work.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        answer(stream, "200 OK", "", &format!("number {number} for {path}"));
    })
}

/// Notes 60 to 65 fetch, each for a tenant of its own; 66 logs; 67 runs into the wall clock; 68 asks what time it is.
fn config(scratch: &Scratch, port: u16) -> PathBuf {
    let plugins = repository("fixtures/sessions/plugins");
    let logger = repository("fixtures/plugins/note_logger.wasm");
    let mut text = format!(
        "[plugins.fetch]\npath = \"{}\"\ngranted_capabilities = [\"Network\"]\nallowed_hosts = [\"http://127.0.0.1:{port}\"]\n\
         [plugins.note-logger]\npath = \"{}\"\ngranted_capabilities = [\"Filesystem\"]\n\
         [plugins.endless]\npath = \"{}\"\nmax_fuel = 1_000_000_000_000\nmax_execution_ms = 20\n\
         [[modes]]\nname = \"Default\"\n",
        plugins.join("fetch.wasm").display(),
        logger.display(),
        plugins.join("misbehave.wasm").display(),
    );
    for note in 60..66 {
        let _ = writeln!(
            text,
            "[[modes.mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ WasmPlugin = {{ plugin = \"fetch\", tenant = \"t{note}\", \
             params = {{ url = \"http://127.0.0.1:{port}/{note}\" }} }} }}"
        );
    }
    text.push_str(
        "[[modes.mappings]]\ntrigger = { Note = { note = 66 } }\naction = { WasmPlugin = { plugin = \"note-logger\", params = { action = \"log\" }, values = { hard = { from = \"velocity\", to = [-1, 1] } } } }\n\
         [[modes.mappings]]\ntrigger = { Note = { note = 67 } }\naction = { WasmPlugin = { plugin = \"endless\", params = { loop = 1 } } }\n\
         [[modes.mappings]]\ntrigger = { Note = { note = 68 } }\naction = { Conditional = { condition = { TimeRange = { start = \"00:00\", end = \"12:00\" } }, \
         then_action = { SendMidi = { port = \"virtual:out\", message_type = \"CC\", channel = 1, controller = 1, value = { from = \"velocity\", curve = \"exp\" } } }, \
         else_action = { SendMidi = { port = \"virtual:out\", message_type = \"CC\", channel = 1, controller = 2, value = { from = \"velocity\", curve = \"exp\" } } } } }\n\
         [[modes.mappings]]\ntrigger = { DoubleTap = { note = 66 } }\naction = { Sequence = { actions = [{ Delay = { ms = 30 } }, { WasmPlugin = { plugin = \"note-logger\", params = { action = \"count\" } } }] } }\n",
    );
    scratch.file("config.toml", text)
}

fn replay(journal: &Path, expected: &Path) -> crate::support::Ran {
    bin("conductor").arg("replay").arg(journal).arg("--expect").arg(expected).run()
}

#[test]
fn a_live_run_replays_to_its_own_transcript_a_hundred_times() {
    let scratch = Scratch::new();
    let server = slow_server();
    let config = config(&scratch, server.address.port());
    let journal = scratch.path().join("live.journal.jsonl");
    let transcript = scratch.path().join("live.transcript.jsonl");
    // Every instance at once and again; more calls for one than its queue holds; a call the clock stops.
    let mut bytes = Vec::new();
    for round in 0..40 {
        for note in [60, 61, 66, 62, 63, 68, 64, 65, 66] {
            bytes.extend([0x90, note, 1 + round, note, 0]);
        }
        if round % 20 == 0 {
            bytes.extend([0x90, 67, 100, 67, 0]);
        }
    }
    for _ in 0..300 {
        bytes.extend([0x90, 66, 99, 66, 0]);
    }
    let recorded = bin("conductor")
        .arg("record")
        .arg(&journal)
        .args("--input - --json --config")
        .arg(&config)
        .arg("--transcript")
        .arg(&transcript)
        .arg("--data")
        .arg(scratch.path().join("data"))
        .stdin(bytes)
        .run()
        .exits(0);
    let text = std::fs::read_to_string(&transcript).expect("the transcript");
    assert_eq!(text.lines().count(), recorded.stdout.lines().count(), "nothing is missing");
    assert!(text.contains("for /63"), "answers of the server are in it");
    assert!(
        text.contains("time limit") || text.contains("wall clock"),
        "a call was stopped by the clock: {}",
        recorded.stderr
    );
    // The server is not asked again.
    let asked = server.connections.load(Ordering::SeqCst);
    for _ in 0..TIMES {
        let ran = replay(&journal, &transcript).exits(0);
        assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), asked);
    // One byte of one answer of the server.
    let journaled = std::fs::read_to_string(&journal).expect("the journal");
    let changed = scratch.file("changed.journal.jsonl", journaled.replacen(" for /62", " for /6x", 1));
    let ran = replay(&changed, &transcript).exits(1);
    assert!(ran.stdout.contains("\n    logs\n"), "{}", ran.transcript());
    assert!(ran.stdout.contains("for /6x"), "{}", ran.transcript());
    // No answer at all.
    let line = journaled.lines().find(|line| line.contains(" for /62")).expect("an answer");
    let missing = scratch.file("missing.journal.jsonl", journaled.replacen(&format!("{line}\n"), "", 1));
    let ran = replay(&missing, &transcript).exits(1);
    assert!(ran.stderr.contains("the replay left the recording: plugin fetch (t62)"), "{}", ran.transcript());
}
