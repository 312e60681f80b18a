//! What is granted or revoked in the middle of a recorded session happens at the same call in every replay.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::{Program, Scratch, bin, repository, start};
use serde_json::Value;

/// Sends a note when it is called, and another when it goes.
const PAD: &str = r#"(module
  (import "conductor" "midi_send" (func $send (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "synth")
  (data (i32.const 16) "\90\3c\40")
  (func (export "execute") (param i32 i32) (result i32)
    (call $send (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 3)))
  (func (export "shutdown")
    (drop (call $send (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 3)))))"#;

/// A home directory in which nothing is granted beyond the asking. Notes 60 and 61 log, for two tenants; 62 plays the pad.
struct Home(Scratch);

impl Home {
    fn new() -> Self {
        let scratch = Scratch::new();
        let pad = scratch.file("pad.wasm", wat::parse_str(PAD).expect("text"));
        let mapping = |note: u8, plugin: &str, tenant: &str| {
            format!(
                "[[modes.mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ WasmPlugin = {{ plugin = \"{plugin}\", \
                 tenant = \"{tenant}\", params = {{ action = \"log\" }} }} }}\n"
            )
        };
        let config = format!(
            "[plugins.note-logger]\npath = \"{}\"\n[plugins.pad]\npath = \"{}\"\n[[modes]]\nname = \"Default\"\n{}{}{}",
            repository("fixtures/plugins/note_logger.wasm").display(),
            pad.display(),
            mapping(60, "note-logger", "left"),
            mapping(61, "note-logger", "right"),
            mapping(62, "pad", "default"),
        );
        scratch.file("conductor/config.toml", config);
        Self(scratch)
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    fn conductor(&self, line: &str) -> Program {
        bin("conductor").args(line).env("XDG_CONFIG_HOME", self.0.path())
    }
    /// Begins to record what comes through a pipe.
    fn record(&self) -> Live {
        let words = start("conductor");
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .arg("record")
            .arg(self.path("live.journal.jsonl"))
            .arg("--transcript")
            .arg(self.path("live.transcript.jsonl"))
            .arg("--data")
            .arg(self.path("data"))
            .args(["--dry-run", "--json", "--input", "-"])
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("XDG_CONFIG_HOME", self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Live { child, stdin, stdout }
    }
}

/// A session at work.
struct Live {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Live {
    /// Presses a key, waits for the call it sets off, and says how that ended.
    fn press(&mut self, note: u8) -> (String, Value) {
        self.stdin.write_all(&[0x90, note, 100, note, 0]).expect("it reads");
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).expect("it writes") > 0, "it ended");
            let line: Value = serde_json::from_str(&line).expect("JSON");
            if line["action"] == "WasmPlugin" {
                return (line["status"].as_str().expect("a status").to_owned(), line["output"].clone());
            }
        }
    }
    /// Ends the input, and waits for the session to end.
    fn end(mut self) {
        drop(self.stdin);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut rest).expect("it writes");
        assert!(self.child.wait().expect("it ends").success());
    }
}

/// Grants and revokes between calls, to one of two tenants, and before the plugins go. The journal's path.
fn session(home: &Home) -> PathBuf {
    let ok = |count: u64| ("ok".to_owned(), serde_json::json!({ "count": count }));
    let failed = || ("failed".to_owned(), Value::Null);
    let sent = || ("ok".to_owned(), Value::Null);
    home.conductor("plugin grant note-logger Filesystem").run().exits(0);
    home.conductor("plugin grant pad --port synth").run().exits(0);
    let mut live = home.record();
    assert_eq!([live.press(60), live.press(61), live.press(62)], [ok(1), ok(1), sent()]);
    home.conductor("plugin revoke note-logger").run().exits(0);
    home.conductor("plugin revoke pad").run().exits(0);
    assert_eq!([live.press(60), live.press(60), live.press(62)], [failed(), failed(), failed()]);
    home.conductor("plugin grant note-logger Filesystem").run().exits(0);
    assert_eq!([live.press(60), live.press(61)], [ok(2), ok(2)]);
    home.conductor("plugin grant pad --port synth").run().exits(0);
    assert_eq!(live.press(62), sent());
    // What is revoked last, no call sees, but the plugin does when it goes.
    home.conductor("plugin revoke pad").run().exits(0);
    live.end();
    home.path("live.journal.jsonl")
}

#[test]
fn what_is_revoked_while_a_session_is_recorded_is_revoked_at_the_same_call_in_its_replay() {
    let home = Home::new();
    let journal = session(&home);
    let text = std::fs::read_to_string(&journal).expect("the journal");
    let changes: Vec<&str> = text.lines().filter(|line| line.starts_with("{\"k\":\"grant\"")).collect();
    let change = |plugin: &str, tenant: &str, run: u64, approved: Option<[&str; 2]>| {
        let approved = approved.map_or("null".to_owned(), |[capabilities, ports]| {
            format!("{{\"capabilities\":[{capabilities}],\"hosts\":[],\"commands\":[],\"ports\":[{ports}]}}")
        });
        format!(
            "{{\"k\":\"grant\",\"plugin\":\"{plugin}\",\"tenant\":\"{tenant}\",\"run\":{run},\"approved\":{approved}}}"
        )
    };
    let (files, port) = (Some(["\"Filesystem\"", ""]), Some(["\"Midi\"", "\"synth\""]));
    assert_eq!(
        changes,
        [
            change("note-logger", "left", 2, None),
            change("pad", "default", 2, None),
            change("note-logger", "left", 4, files),
            change("pad", "default", 3, port),
            change("pad", "default", 4, None),
        ]
    );
    // The replay looks into no grant store: there is none where it runs.
    let replay = |journal: &PathBuf| {
        bin("conductor").arg("replay").arg(journal).arg("--expect").arg(home.path("live.transcript.jsonl")).run()
    };
    let ran = replay(&journal).exits(0);
    assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
    assert_eq!(ran.stderr, "");
    // Every one of the changes counts, the last one too, which no line of the transcript shows.
    for change in &changes {
        let without = home.0.file("without.journal.jsonl", text.replacen(&format!("{change}\n"), "", 1));
        let ran = replay(&without).exits(1);
        assert!(ran.stdout.contains("the transcripts part") || ran.stderr.contains("left the recording"), "{change}");
    }
}

#[test]
fn what_changes_while_calls_of_many_tenants_are_at_work_has_one_place_in_each() {
    let home = Home::new();
    home.conductor("plugin grant note-logger Filesystem").run().exits(0);
    home.conductor("plugin grant pad --port synth").run().exits(0);
    let Live { mut child, mut stdin, stdout } = home.record();
    // Read beside it, so that the session never waits for its reader; `seen` counts the calls that ended.
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let reader = std::thread::spawn(move || {
        stdout.lines().for_each(|line| {
            counted.fetch_add(usize::from(line.expect("text").contains("WasmPlugin")), Ordering::SeqCst);
        });
    });
    let done = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&done);
    let player = std::thread::spawn(move || {
        let mut sent = 0;
        while !ended.load(Ordering::SeqCst) {
            // No faster than it is worked off: calls are to be at work while grants change, not turned away.
            if sent < seen.load(Ordering::SeqCst) + 12 {
                for note in [60, 61, 62] {
                    stdin.write_all(&[0x90, note, 100, note, 0]).expect("it reads");
                }
                sent += 3;
            }
            std::thread::yield_now();
        }
        sent
    });
    for _ in 0..6 {
        home.conductor("plugin revoke note-logger").run().exits(0);
        home.conductor("plugin revoke pad").run().exits(0);
        home.conductor("plugin grant pad --port synth").run().exits(0);
        home.conductor("plugin grant note-logger Filesystem").run().exits(0);
    }
    done.store(true, Ordering::SeqCst);
    let sent = player.join().expect("it played"); // which closes the input
    assert!(child.wait().expect("it ends").success());
    reader.join().expect("it read");
    let transcript = std::fs::read_to_string(home.path("live.transcript.jsonl")).expect("the transcript");
    assert!(transcript.lines().count() >= sent, "nothing is missing");
    let statuses = ["\"status\":\"ok\"", "\"status\":\"failed\""];
    assert!(statuses.iter().all(|status| transcript.contains(status)), "grants changed while calls were made");
    for _ in 0..5 {
        let ran = bin("conductor")
            .arg("replay")
            .arg(home.path("live.journal.jsonl"))
            .arg("--expect")
            .arg(home.path("live.transcript.jsonl"))
            .run()
            .exits(0);
        assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn a_change_of_a_grant_that_cannot_have_been_is_an_error() {
    let home = Home::new();
    let text = std::fs::read_to_string(session(&home)).expect("the journal");
    let said = |from: &str, to: &str, code: i32| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let journal = home.0.file("changed.journal.jsonl", changed);
        bin("conductor").arg("replay").arg(journal).arg("--json").run().exits(code).stderr
    };
    let line = "\"plugin\":\"note-logger\",\"tenant\":\"left\",\"run\":4,\"approved\":{\"capabilities\":[";
    assert!(said("\"grant\",\"plugin\":\"pad\"", "\"grant\",\"plugin\":\"pat\"", 2).contains("was not there"));
    assert!(said(line, &line.replace('4', "2"), 2).contains("later changes come with later runs"));
    assert!(
        said(&format!("{line}\"Filesystem\""), &format!("{line}\"Telepathy\""), 2).contains("no capability is called")
    );
    let never = said("\"pad\",\"tenant\":\"default\",\"run\":4", "\"pad\",\"tenant\":\"default\",\"run\":9", 1);
    assert!(never.contains("the replay left the recording: "), "{never}");
}
