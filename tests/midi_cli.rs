//! `conductor ports` and `conductor monitor`.

mod support;

use std::path::Path;

use conductor::config::{Config, Environment};
use serde_json::Value;
use support::{bin, golden};

/// Every kind of control touched once, as a raw stream.
const EVERYTHING: &[u8] = &[
    0x90, 60, 100, 60, 0, // a note, released under running status
    0x90, 60, 90, 0x80, 60, 64, // again: no second suggestion
    0x99, 36, 1, // another channel
    0xb0, 7, 64, 16, 1, // two controllers
    0xa0, 60, 33, // pressure on a note
    0xd0, 44, // and on a channel
    0xe0, 0x00, 0x60, // a bend
    0xc2, 5, // a program
    0xf0, 0x7e, 0x7f, 0x06, 0x01, 0xf7, // SysEx
    0xf1, 0x35, 0xf2, 0x01, 0x02, 0xf3, 9, 0xf6, // system common
    0xf8, 0xfa, 0xfb, 0xfc, 0xfe, 0xff, // real-time
    0xf4, 1, // broken: undefined, stray
];

#[test]
fn monitor_shows_every_message_and_the_mapping_for_each_control_once() {
    let scratch = support::Scratch::new();
    let file = scratch.file("everything", EVERYTHING);
    let ran = bin("conductor").args("monitor --input").arg(&file).hide(&file, "everything").run().exits(0);
    golden("tests/golden/monitor/everything.txt", &ran.transcript());
    let ran = bin("conductor").args("monitor --json --input").arg(&file).hide(&file, "everything").run().exits(0);
    golden("tests/golden/monitor/everything.json.txt", &ran.transcript());
}

#[test]
fn what_monitor_suggests_is_a_valid_configuration_and_so_is_each_alternative() {
    let scratch = support::Scratch::new();
    let file = scratch.file("everything", EVERYTHING);
    let ran = bin("conductor").args("monitor --json --input").arg(&file).run().exits(0);
    let mut suggested = 0;
    for line in ran.stdout.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let Some(mapping) = line["mapping"].as_str() else { continue };
        let alternatives = mapping.lines().filter_map(|line| line.strip_prefix("# trigger"));
        let plain = mapping.lines().find_map(|line| line.strip_prefix("trigger")).expect("a trigger");
        for trigger in std::iter::once(plain).chain(alternatives) {
            let mapping = mapping.replace(plain, trigger);
            let text = format!("[[modes]]\nname = \"Default\"\n{mapping}");
            let loaded = Config::from_text(&text, "suggested.toml", Path::new(""), &Environment::of_process());
            let loaded = loaded.unwrap_or_else(|error| panic!("{text}\n{error}"));
            assert_eq!(loaded.config.modes[0].mappings.len(), 1, "{text}");
            suggested += 1;
        }
    }
    assert!(suggested > 15, "{suggested}");
}

#[test]
fn monitor_counts_channels_as_the_configuration_does_that_its_lines_are_for() {
    let scratch = support::Scratch::new();
    let shown = |config: &str, json: &str| {
        let config = scratch.file("conductor/config.toml", config);
        let pad = scratch.file("pad", [0x99, 36, 100]);
        let program = || bin("conductor").args("monitor").args(json).args("--input").arg(&pad);
        let given = program().arg("--config").arg(&config).run().exits(0);
        let usual = program().env("XDG_CONFIG_HOME", scratch.path()).run().exits(0);
        assert_eq!(given.stdout, usual.stdout, "the usual place is looked at as well");
        given.stdout
    };
    for (config, channel) in [("channels_from = 0\n", 9), ("channels_from = 1\n", 10), ("", 10)] {
        let text = shown(config, "");
        assert!(text.contains(&format!("add channel = {channel} to the trigger")), "{text}");
        assert!(text.contains(&format!("Note on                {channel:>2}  note 36")), "{text}");
        let json: Value = serde_json::from_str(&shown(config, "--json")).expect("JSON");
        assert_eq!(json["channel"], 10, "for programs channels count from 1");
        assert!(json["mapping"].as_str().expect("TOML").contains(&format!("add channel = {channel} to")), "{json}");
    }
    let config = scratch.file("broken.toml", "name = {");
    let ran = bin("conductor").args("monitor --input - --config").arg(&config).stdin([0x99, 36, 100]).run();
    assert!(ran.exits(2).stderr.contains("no configuration that can be read"));
}

#[test]
fn monitor_ends_after_as_many_messages_as_were_asked_for() {
    let ran = bin("conductor").args("monitor --count 2 --input -").stdin([0x90, 60, 1, 61, 2, 62, 3]).run().exits(0);
    assert!(ran.stdout.contains("note 61") && !ran.stdout.contains("note 62"), "{}", ran.stdout);
}

#[test]
fn monitor_reads_standard_input_to_its_end() {
    let ran = bin("conductor").args("monitor --json --input -").stdin([7, 0x90, 60, 1, 0xf8, 61, 2]).run().exits(0);
    let events: Vec<_> = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).collect();
    assert_eq!(
        events.iter().map(|event| event["event"].as_str().expect("a text")).collect::<Vec<_>>(),
        ["note_on", "clock", "note_on"]
    );
    let mut said: Vec<_> = ran.stderr.lines().collect();
    said.sort_unstable(); // said by two threads
    assert_eq!(said, ["info: listening to standard input", "warn: standard input: skipped: 1 stray byte"]);
}

/// A MIDI file with a header of `format`, `tracks` and `division`, followed by `rest`.
fn file(format: u8, tracks: u8, division: [u8; 2], rest: &[u8]) -> Vec<u8> {
    [b"MThd\0\0\0\x06\0".as_slice(), &[format, 0, tracks], &division, rest].concat()
}

/// A track chunk with `events`.
fn track(events: &[u8]) -> Vec<u8> {
    [b"MTrk\0\0\0".as_slice(), &[u8::try_from(events.len()).expect("a short track")], events].concat()
}

/// A file of one track with `events`.
fn song(events: &[u8]) -> Vec<u8> {
    file(0, 1, [0, 96], &track(events))
}

const END: &[u8] = &[0, 0xff, 0x2f, 0];

#[test]
fn broken_files_and_streams_are_described_exactly() {
    let good = track(&[&[0, 0x90, 60, 64], END].concat());
    let mut cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("text", b"no MIDI here".to_vec()),
        ("header-cut", b"MThd\0\0\0\x06\0\0".to_vec()),
        ("header-short", b"MThd\0\0\0\x02\0\0\0\x01\0\x60".to_vec()),
        ("header-length-huge", b"MThd\xff\xff\xff\xff\0\0\0\x01\0\x60".to_vec()),
        ("format-3", file(3, 1, [0, 96], &good)),
        ("no-ticks", file(0, 1, [0, 0], &good)),
        ("no-ticks-film", file(0, 1, [0xe7, 0], &good)),
        ("frame-rate-12", file(0, 1, [0xf4, 40], &good)),
        ("frame-rate-128", file(0, 1, [0x80, 40], &good)),
        ("track-missing", file(1, 2, [0, 96], &good)),
        ("track-cut", file(0, 1, [0, 96], &good[..good.len() - 2])),
        ("track-head-cut", file(1, 2, [0, 96], &[good.as_slice(), b"MTr"].concat())),
        ("track-length-huge", file(0, 1, [0, 96], b"MTrk\xff\xff\xff\xff\0")),
        ("second-header", file(0, 1, [0, 96], &file(0, 1, [0, 96], &good))),
        ("no-status", song(&[0, 60, 64])),
        ("status-f1", song(&[0, 0xf1, 0])),
        ("status-f4", song(&[0, 0xf4, 0])),
        ("status-f8", song(&[0, 0xf8, 0])),
        ("running-status-over-meta", song(&[0, 0x90, 60, 64, 0, 0xff, 1, 0, 0, 61, 64])),
        ("event-cut", song(&[0, 0x90, 60])),
        ("data-out-of-range", song(&[0, 0x90, 200, 64])),
        ("delta-endless", song(&[0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x90, 60, 64])),
        ("delta-only", song(&[0])),
        ("meta-longer-than-track", song(&[0, 0xff, 1, 0x7f, 0])),
        ("sysex-longer-than-track", song(&[0, 0xf0, 0x7f, 0])),
        ("stream-stray-data", vec![1, 2, 3, 0x90, 60, 64]),
        ("stream-cut", vec![0x90, 60, 64, 0x90, 61]),
        ("stream-undefined", vec![0xf4, 0xf5, 0xf9, 0xfd, 0x90, 60, 64]),
        ("stream-sysex-unfinished", vec![0xf0, 1, 2, 0x90, 60, 64]),
        ("stream-end-of-nothing", vec![0xf7, 0x90, 60, 64]),
        ("stream-common-cancels-status", vec![0x90, 60, 64, 0xf6, 61, 64]),
    ];
    let long = [&[0xf0][..], &[0].repeat(70_000), &[0xf7, 0x90, 60, 64]].concat();
    cases.push(("stream-sysex-too-long", long));
    let scratch = support::Scratch::new();
    let mut transcript = String::new();
    for (name, bytes) in cases {
        let path = scratch.file(name, bytes);
        let ran = bin("conductor").args("monitor --input").arg(&path).hide(scratch.path(), "DIR").run();
        assert_eq!(ran.code, Some(if name.starts_with("stream") { 0 } else { 2 }), "{}", ran.transcript());
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.transcript());
        transcript += &ran.stderr.replace("conductor monitor: ", "");
    }
    golden("tests/golden/monitor/broken.txt", &transcript);
}

#[test]
fn monitor_says_what_is_wrong_with_an_input() {
    let scratch = support::Scratch::new();
    let missing = scratch.path().join("missing.mid");
    let program = |input: &Path| bin("conductor").args("monitor --input").arg(input).hide(scratch.path(), "DIR");
    let mut transcript = program(&missing).run().exits(2).transcript();
    transcript += &program(scratch.path()).run().exits(2).transcript();
    transcript += &bin("conductor").args("monitor --input virtual:").run().exits(2).transcript();
    golden("tests/golden/monitor/bad_input.txt", &transcript);
}

/// Where there is a sequencer, these have nothing to say; the machine test drives the commands there.
#[test]
fn without_a_sequencer_the_lists_are_empty_and_the_reason_is_given() {
    if Path::new("/dev/snd/seq").exists() || cfg!(not(feature = "alsa")) {
        return;
    }
    let mut transcript = String::new();
    for line in ["ports", "ports --json", "monitor", "monitor --input Launchpad"] {
        transcript += &bin("conductor").args(line).run().exits(2).transcript();
    }
    golden("tests/golden/monitor/no_sequencer.txt", &transcript);
}
