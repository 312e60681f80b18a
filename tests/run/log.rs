//! The log: a bounded part of it for each plugin, and a file that makes place for a new one.

use std::path::{Path, PathBuf};

use crate::support::{Ran, Scratch, bin};

/// Writes ten lines of a thousand bytes a call.
const CHATTY: &str = r#"(module
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) (i32.const 8))
  (func (export "execute") (param i32 i32) (result i32) (local $left i32)
    (memory.fill (i32.const 1024) (i32.const 120) (i32.const 1000))
    (local.set $left (i32.const 10))
    (loop $more
      (call $log (i32.const 3) (i32.const 1024) (i32.const 1000))
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i32.const 0)))"#;

/// A MIDI file with a press of note 60 at each of these seconds.
fn presses(scratch: &Scratch, seconds: &[u32]) -> PathBuf {
    let mut track = Vec::new();
    let mut before = 0;
    for second in seconds {
        let mut ticks = (second - before) * 1_000; // 500 a quarter, two quarters a second
        before = *second;
        let mut delta = vec![(ticks & 0x7f) as u8];
        while ticks > 0x7f {
            ticks >>= 7;
            delta.insert(0, (ticks & 0x7f) as u8 | 0x80);
        }
        track.extend(delta);
        track.extend([0x90, 60, 100]);
    }
    track.extend([0, 0xff, 0x2f, 0]);
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\x01\xf4MTrk".to_vec();
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    scratch.file("session.mid", file)
}

#[track_caller]
fn run(scratch: &Scratch, logging: &str, seconds: &[u32]) -> Ran {
    let wasm = scratch.file("chatty.wasm", wat::parse_str(CHATTY).expect("text"));
    let config = format!(
        "[logging]\n{logging}\n[plugins.chatty]\npath = \"{}\"\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\naction = {{ WasmPlugin = {{ plugin = \"chatty\" }} }}\n",
        wasm.display()
    );
    let config = scratch.file("config.toml", config);
    let program = bin("conductor").args("run --input").arg(presses(scratch, seconds)).arg("--config").arg(config);
    program.arg("--transcript").arg(scratch.path().join("a.transcript.jsonl")).run().exits(0)
}

/// Calls `log` this many times.
fn lines(count: u32) -> Vec<u8> {
    let text = format!(
        r#"(module
          (import "conductor" "log" (func $log (param i32 i32 i32)))
          (memory (export "memory") 1) (data (i32.const 0) "a line")
          (func (export "alloc") (param i32) (result i32) (i32.const 8))
          (func (export "execute") (param i32 i32) (result i32) (local $left i32)
            (local.set $left (i32.const {count}))
            (loop $more
              (call $log (i32.const 3) (i32.const 0) (i32.const 6))
              (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (i32.const 3)))"#
    );
    wat::parse_str(text).expect("text")
}

#[test]
fn the_lines_after_the_hundredth_are_counted_wherever_the_others_stand() {
    let scratch = Scratch::new();
    for (count, mark) in [
        (100, None),
        (101, Some("1 more lines dropped: a call may write 100")),
        (1_103, Some("1003 more lines dropped: a call may write 100")),
    ] {
        let wasm = scratch.file("lines.wasm", lines(count));
        let config = scratch.file(
            "config.toml",
            format!(
                "[plugins.lines]\npath = \"{}\"\n[[global_mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\naction = {{ WasmPlugin = {{ plugin = \"lines\" }} }}\n",
                wasm.display()
            ),
        );
        let transcript = scratch.path().join("a.transcript.jsonl");
        let program = bin("conductor").args("run --input").arg(presses(&scratch, &[0])).arg("--config").arg(config);
        let ran = program.arg("--transcript").arg(&transcript).run().exits(0);
        let transcript = read(&transcript);
        let text = bin("conductor").args("plugin run").arg(&wasm).run().exits(1);
        let json = bin("conductor").args("plugin run --json").arg(&wasm).run().exits(1);
        for (said, where_) in
            [(&ran.stderr, "log"), (&transcript, "transcript"), (&text.stderr, "run"), (&json.stdout, "json")]
        {
            assert_eq!(said.matches("more lines dropped").count(), usize::from(mark.is_some()), "{where_}: {said}");
            assert!(mark.is_none_or(|mark| said.contains(mark)), "{where_}: {said}");
        }
        // The mark is no word of the plugin's own.
        assert!(ran.stdout.contains(": the plugin returned 3") && !ran.stdout.contains("dropped"), "{}", ran.stdout);
        let more = format!("[\"more\",\"\",{}]]", count.saturating_sub(1_000));
        assert_eq!((transcript.contains("[\"more\""), transcript.contains(&more)), (count > 1_000, count > 1_000));
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| format!("{}: {error}", path.display()))
}

#[test]
fn a_plugin_fills_its_part_of_the_log_and_the_rest_of_the_minute_is_counted() {
    let scratch = Scratch::new();
    // Two calls in the first minute, one in the third, two in the fourth.
    let ran = run(&scratch, "plugin_bytes_per_minute = 12_000", &[0, 1, 130, 200, 201]);
    let said: Vec<&str> = ran.stderr.lines().map(|line| line.get(..line.len().min(60)).unwrap_or(line)).collect();
    let lines = |from: &str| ran.stderr.lines().filter(|line| line.starts_with(from)).count();
    // A line is a thousand bytes, the name before it and what its end costs: eleven fit.
    assert_eq!(lines("info plugin: chatty/default: xxx"), 11 + 10 + 11, "{said:#?}");
    let full = "warn: plugin \"chatty\": its lines fill the log: the rest of this minute is dropped and counted; \
                to have more: plugin_bytes_per_minute under [logging] (now 12000)";
    assert_eq!(lines(full), 2, "{said:#?}");
    let dropped = |minute| {
        format!(
            "warn: plugin \"chatty\": 9 lines (9288 bytes) of its lines were dropped in minute {minute} of the session"
        )
    };
    assert_eq!((lines(&dropped(1)), lines(&dropped(4))), (1, 1), "{said:#?}");
    let transcript = read(&scratch.path().join("a.transcript.jsonl"));
    assert_eq!(transcript.matches("\",\"xxx").count(), 50, "the transcript has every line");
}

#[test]
fn the_log_file_makes_place_for_a_new_one_and_has_what_standard_error_has() {
    let scratch = Scratch::new();
    let file = scratch.path().join("conductor.log");
    let logging = format!(
        "file = \"{}\"\nmax_file_bytes = 20_000\nkeep_files = 2\nplugin_bytes_per_minute = 1_000_000",
        file.display()
    );
    let ran = run(&scratch, &logging, &[0, 1, 2, 3, 4, 5, 6]);
    let numbered = |number: u32| read(&scratch.path().join(format!("conductor.log.{number}")));
    for text in [read(&file), numbered(1), numbered(2)] {
        assert!((1..=20_000).contains(&text.len()), "{}", text.len());
        assert!(text.lines().all(|line| line.starts_with("info plugin: chatty/default: xxx")), "whole lines");
    }
    assert!(!scratch.path().join("conductor.log.3").exists());
    let all = [numbered(2), numbered(1), read(&file)].concat();
    assert!(ran.stderr.ends_with(&all) && all.len() > 40_000, "{} of {}", all.len(), ran.stderr.len());
}

#[test]
fn a_log_that_cannot_be_written_is_told_before_anything_runs() {
    let scratch = Scratch::new();
    let below = scratch.file("a", "").join("a.log");
    let config = scratch.file("config.toml", format!("[logging]\nfile = \"{}\"\n", below.display()));
    let ran =
        bin("conductor").args("run --input").arg(presses(&scratch, &[0])).arg("--config").arg(config).run().exits(2);
    assert!(ran.stderr.starts_with(&format!("{}: cannot write the log: ", below.display())), "{}", ran.stderr);
}
