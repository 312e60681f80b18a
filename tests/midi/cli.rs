//! `conductor ports` and `conductor monitor`.

use std::path::Path;

use crate::support::{bin, golden};
use conductor::internals::config::{Config, Environment};
use serde_json::Value;

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
    let scratch = crate::support::Scratch::new();
    let file = scratch.file("everything", EVERYTHING);
    let ran = bin("conductor").args("monitor --input").arg(&file).hide(&file, "everything").run().exits(0);
    golden("fixtures/golden/monitor/everything.txt", &ran.transcript());
    let ran = bin("conductor").args("monitor --json --input").arg(&file).hide(&file, "everything").run().exits(0);
    golden("fixtures/golden/monitor/everything.json.txt", &ran.transcript());
}

#[test]
fn what_monitor_suggests_is_a_valid_configuration_and_so_is_each_alternative() {
    let scratch = crate::support::Scratch::new();
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
    let scratch = crate::support::Scratch::new();
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
        ("mercy-running-status-over-meta", song(&[0, 0x90, 60, 64, 0, 0xff, 1, 0, 0, 61, 64])),
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
    let scratch = crate::support::Scratch::new();
    let mut transcript = String::new();
    for (name, bytes) in cases {
        let path = scratch.file(name, bytes);
        let stream = name.starts_with("stream");
        let raw = if stream { "--raw" } else { "" };
        let ran = bin("conductor").args("monitor --input").arg(&path).args(raw).hide(scratch.path(), "DIR").run();
        assert_eq!(ran.code, Some(if stream || name.starts_with("mercy") { 0 } else { 2 }), "{}", ran.transcript());
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.transcript());
        transcript += &ran.stderr.replace("conductor monitor: ", "");
    }
    golden("fixtures/golden/monitor/broken.txt", &transcript);
}

#[test]
fn monitor_says_what_is_wrong_with_an_input() {
    let scratch = crate::support::Scratch::new();
    let missing = scratch.path().join("missing.mid");
    let program = |input: &Path| bin("conductor").args("monitor --input").arg(input).hide(scratch.path(), "DIR");
    let mut transcript = program(&missing).run().exits(2).transcript();
    transcript += &program(scratch.path()).run().exits(2).transcript();
    transcript += &bin("conductor").args("monitor --input virtual:").run().exits(2).transcript();
    golden("fixtures/golden/monitor/bad_input.txt", &transcript);
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
    golden("fixtures/golden/monitor/no_sequencer.txt", &transcript);
}

/// A plugin that takes longer than a pipe takes for a message.
const SLOW: &str = r#"(module (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) (i32.const 8))
  (func (export "execute") (param i32 i32) (result i32) (local i32)
    (loop (br_if 0 (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 20000))))
    (i32.const 0)))"#;

/// A configuration in which note 60 does something at once and 61 something that takes long.
fn busy(scratch: &crate::support::Scratch) -> std::path::PathBuf {
    let wasm = scratch.file("slow.wasm", wat::parse_str(SLOW).expect("text"));
    scratch.file(
        "config.toml",
        format!(
            "[plugins.probe]\npath = \"{}\"\nqueue = 2\n[[global_mappings]]\n\
             trigger = {{ Note = {{ note = 60 }} }}\naction = {{ Text = {{ text = \"pressed\" }} }}\n\
             [[global_mappings]]\ntrigger = {{ Note = {{ note = 61 }} }}\naction = {{ WasmPlugin = {{ plugin = \"probe\" }} }}\n",
            wasm.display()
        ),
    )
}

#[test]
fn a_capture_poured_into_a_pipe_is_worked_off_to_the_last_press() {
    let scratch = crate::support::Scratch::new();
    let config = busy(&scratch);
    // Presses and releases, as many as take a cable a minute and a pipe a moment.
    let (presses, plugin) = (20_000, 2_000);
    let capture: Vec<u8> = (0..presses)
        .flat_map(|press| {
            let note = if press % (presses / plugin) == 0 { 61 } else { 60 };
            [0x90, note, 100, 0x80, note, 0]
        })
        .collect();
    let ran =
        bin("conductor").args("run --dry-run --json --input - --config").arg(&config).stdin(&*capture).run().exits(0);
    assert_eq!(ran.stderr, "info: reading standard input\n");
    let count =
        |action: &str| ran.stdout.lines().filter(|line| line.contains(&format!("\"action\":\"{action}\""))).count();
    assert_eq!((count("Text"), count("WasmPlugin")), (presses - plugin, plugin));
    assert!(!ran.stdout.contains("rejected"), "no call was turned away");
    let ran = bin("conductor").args("monitor --json --input -").stdin(capture).run().exits(0);
    assert_eq!(ran.stdout.lines().count(), 2 * presses);
    assert!(!ran.stderr.contains("dropped"), "{}", ran.stderr);
}

/// A Standard MIDI File with one press of note 60.
fn press() -> Vec<u8> {
    song(&[&[0, 0x90, 60, 64], END].concat())
}

/// `inner` in a RIFF file of this form, in a chunk of this name behind another one.
fn riff(form: &[u8], name: &[u8], inner: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).expect("a length").to_le_bytes();
    let chunks = [b"note\x03\0\0\0abc\0".as_slice(), name, &length(inner.len()), inner].concat();
    [b"RIFF", length(4 + chunks.len()).as_slice(), form, &chunks].concat()
}

#[test]
fn a_midi_file_inside_a_riff_file_is_played_and_what_is_wrong_with_it_says_where() {
    let scratch = crate::support::Scratch::new();
    let config = busy(&scratch);
    let mut odd = riff(b"RMID", b"data", &press());
    odd[28..32].copy_from_slice(&u32::MAX.to_le_bytes()); // the length of the inner file
    for (name, bytes) in [("song.rmi", riff(b"RMID", b"data", &press())), ("odd.rmi", odd)] {
        let path = scratch.file(name, bytes);
        let ran = bin("conductor")
            .args("run --dry-run --json --config")
            .arg(&config)
            .args("--input")
            .arg(&path)
            .run()
            .exits(0);
        assert_eq!(ran.stdout.matches("type: pressed").count(), 1, "{}", ran.transcript());
    }
    let mut transcript = String::new();
    for (name, bytes) in [
        ("cut.rmi", riff(b"RMID", b"data", &press()[..25])),
        ("without.rmi", riff(b"RMID", b"DATA", &press())),
        ("empty.rmi", riff(b"RMID", b"data", b"")),
    ] {
        let path = scratch.file(name, bytes);
        let ran = bin("conductor").args("monitor --input").arg(&path).hide(scratch.path(), "DIR").run().exits(2);
        transcript += &ran.stderr;
    }
    golden("fixtures/golden/monitor/riff.txt", &transcript);
}

#[test]
fn what_is_no_midi_is_named_and_nothing_of_it_is_played() {
    let mut random = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 24) as u8
    })
    .take(4_000)
    .collect();
    let playing = [0x90, 60, 64, 0x80, 60, 0].repeat(50); // what each of them would play
    let after = |start: &[u8]| [start, &playing].concat();
    let latin = b"\xc9t\xe9 dans la ville, une chanson sans parole ni musique; puis encore une ligne pour rire.\r\n";
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("song.wav", riff(b"WAVE", b"data", &playing)),
        ("film.avi", riff(b"AVI ", b"data", &playing)),
        ("other.riff", riff(b"ABCD", b"data", &playing)),
        ("song.xmi", after(b"FORM\0\0\0\x0eXDIRINFO")),
        ("sound.aiff", after(b"FORM\0\0\0\x0eAIFF")),
        ("picture.gif", after(b"GIF89a")),
        ("picture.png", after(b"\x89PNG\r\n\x1a\n")),
        ("picture.jpg", after(b"\xff\xd8\xff\xe0\0\x10JFIF\0")),
        ("sound.mp3", [b"\xff\xfb\x90\x64".as_slice(), &noise].concat()),
        ("sound.ogg", after(b"OggS\0\x02")),
        ("songs.zip", after(b"PK\x03\x04\x14\0")),
        ("song.mid.gz", after(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")),
        ("song.mid.bz2", after(b"BZh91AY&SY")),
        ("song.mid.xz", after(b"\xfd7zXZ\0\0\x04")),
        ("song.mid.zst", after(b"\x28\xb5\x2f\xfd\x04")),
        ("songs.7z", after(b"7z\xbc\xaf\x27\x1c\0\x04")),
        ("songs.rar", after(b"Rar!\x1a\x07\x01\0")),
        ("songs.lha", after(b"\x22\x98-lh5-")),
        ("recording", b"{\"conductor_journal\":2,\"engine\":\"wasmi 2.0.0\"}\n".to_vec()),
        ("page.html", b"<!DOCTYPE html><html><body>404</body></html>".to_vec()),
        ("note.txt", "\u{c4}rger mit der Datei: kein MIDI, nur Text, und noch mehr davon".into()),
        ("latin1.txt", latin.to_vec()),
        ("bom.txt", after(b"\xef\xbb\xbf<?xml?>")),
        ("utf16.txt", "\u{feff}no MIDI at all".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("program", after(b"\x7fELF\x02\x01\x01\0")),
        ("app.wasm", after(b"\0asm\x01\0\0\0")),
        ("java.class", after(b"\xca\xfe\xba\xbe\0\0\0\x34")),
        ("old.doc", after(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
        ("clip.midi2", after(b"SMF2CLIP")),
        ("one-byte-before.mid", [b"\x80".as_slice(), &press()].concat()),
        ("macbinary.mid", [[0; 128].as_slice(), &press()].concat()),
        ("after-a-stream", after(&[])[..60].iter().copied().chain(press()).collect()),
        ("data-first", vec![1, 2, 3, 0x90, 60, 64]),
        ("end-first", vec![0xf7, 0x90, 60, 64]),
        ("noise", [[0x90].as_slice(), &noise].concat()),
        ("a-third-torn", [0x90, 60, 64, 0x90, 60].repeat(20)),
        ("empty", Vec::new()),
    ];
    let scratch = crate::support::Scratch::new();
    let config = busy(&scratch);
    let mut transcript = String::new();
    for (name, bytes) in cases {
        let path = scratch.file(name, &bytes);
        let ran = bin("conductor").args("monitor --input").arg(&path).hide(scratch.path(), "DIR").run().exits(2);
        assert_eq!(ran.stdout, "", "{}", ran.transcript());
        let words = ran.stderr.replace("conductor monitor: ", "");
        transcript += &words;
        // Every other command that plays files says the same, and plays nothing.
        let journal = scratch.path().join("a.journal.jsonl");
        let commands = [
            bin("conductor").args("run --config").arg(&config).args("--input").arg(&path),
            bin("conductor").args("run --realtime --config").arg(&config).args("--input").arg(&path),
            bin("conductor").args("record --config").arg(&config).args("--input").arg(&path).arg(&journal),
            bin("conductor").args("replay --config").arg(&config).arg(&path),
        ];
        // But to `replay` a recording is what it plays.
        for command in commands.into_iter().take(if name == "recording" { 3 } else { 4 }) {
            let ran = command.hide(scratch.path(), "DIR").run().exits(2);
            assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", words.as_str()), "{}", ran.line);
        }
        assert!(!journal.exists(), "{name}: there is nothing to record");
    }
    golden("fixtures/golden/monitor/no_midi.txt", &transcript);
}

#[test]
fn raw_bytes_that_do_not_look_like_midi_are_played_when_that_is_asked_for() {
    let scratch = crate::support::Scratch::new();
    let config = busy(&scratch);
    let journal = scratch.path().join("a.journal.jsonl");
    // A capture that began in the middle of a message, one with more torn messages than whole ones, and a clean one.
    for bytes in [&[64, 0x90, 60, 64][..], &[0x90, 0x90, 0x91, 0x92, 60, 0x90, 60, 64], &[0x90, 60, 64]] {
        let path = scratch.file("capture", bytes);
        let commands = [
            bin("conductor").args("run --dry-run --raw --config").arg(&config).args("--input").arg(&path),
            bin("conductor").args("run --dry-run --realtime --raw --config").arg(&config).args("--input").arg(&path),
            bin("conductor")
                .args("record --force --dry-run --raw --config")
                .arg(&config)
                .args("--input")
                .arg(&path)
                .arg(&journal),
            bin("conductor").args("replay --raw --config").arg(&config).arg(&path),
        ];
        for command in commands {
            let ran = command.run().exits(0);
            assert_eq!(ran.stdout.matches("type: pressed").count(), 1, "{}", ran.transcript());
        }
        let ran = bin("conductor").args("monitor --raw --input").arg(&path).run().exits(0);
        assert_eq!(ran.stdout.matches("note 60, velocity 64").count(), 1, "{}", ran.transcript());
    }
    let path = scratch.file("nothing", b"GIF89a");
    let ran = bin("conductor").args("monitor --raw --input").arg(&path).hide(scratch.path(), "DIR").run().exits(2);
    assert_eq!(ran.stderr, "conductor monitor: DIR/nothing: there is no MIDI message in its bytes\n");
    bin("conductor").args("monitor --raw").run().exits(2);
    bin("conductor").args("run --raw --config").arg(&config).run().exits(2);
}

#[test]
fn a_file_that_is_poured_into_a_pipe_plays_nothing() {
    let scratch = crate::support::Scratch::new();
    let config = busy(&scratch);
    let playing = [0x90, 60, 64].repeat(3);
    for bytes in [press(), riff(b"RMID", b"data", &press()), [b"GIF89a", playing.as_slice()].concat()] {
        let ran = bin("conductor").args("run --config").arg(&config).args("--input -").stdin(&*bytes).run().exits(2);
        assert_eq!(ran.stdout, "", "{}", ran.transcript());
        assert!(ran.stderr.contains("not played: it is a"), "{}", ran.transcript());
        let ran = bin("conductor").args("monitor --input -").stdin(bytes).run().exits(2);
        assert_eq!(ran.stdout, "", "{}", ran.transcript());
    }
}
