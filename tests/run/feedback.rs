//! What devices are told is in account, transcript and journal, in a dry run too, and a recording replays to the byte.

use std::io::Write as _;

use crate::support::{Scratch, bin};

/// A device `pads` at this path, with two lamps and a fader, and a palette.
fn text(device: &str) -> String {
    let (name, output) = if device.is_empty() { ("Pads", "") } else { (device, "output = \"Nowhere\"\n") };
    format!(
        "[[device]]\nname = \"{name}\"\nalias = \"pads\"\nauto_reconnect = false\n\
         [device.feedback]\n{output}init = [\"f0 01 f7\"]\nexit = [\"f0 02 f7\"]\npalette = {{ red = 5 }}\npace_ms = 2\n\
         [[modes]]\nname = \"one\"\n[[modes]]\nname = \"two\"\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 36 }} }}\naction = {{ Toggle = {{ name = \"mic\" }} }}\n\
         feedback = {{ when = {{ State = {{ key = \"toggle.mic\", equals = true }} }}, on = \"red\" }}\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 37 }} }}\naction = {{ ModeChange = {{ mode = \"Next\" }} }}\n\
         feedback = {{ when = {{ ModeIs = {{ mode = \"two\" }} }}, on = 7 }}\n\
         [[global_mappings]]\ntrigger = {{ CC = {{ cc = 7 }} }}\npickup = true\naction = {{ Text = {{ text = \"moved\" }} }}\n\
         feedback = {{ from = \"midi.pads.1.cc.9\" }}\n"
    )
}

/// The values of `key` in the lines of `text`.
fn values(text: &str, key: &str) -> Vec<String> {
    let parsed = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    parsed.filter_map(|line| line.get(key)?.as_str().map(str::to_owned)).collect()
}

#[test]
fn a_live_session_with_lamps_replays_to_the_byte() {
    let scratch = Scratch::new();
    let pipe = scratch.path().join("pads");
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, 0o600.into(), 0).expect("a pipe");
    let config = scratch.file("config.toml", text(&pipe.display().to_string()));
    let writer = std::thread::spawn(move || {
        let mut pipe = std::fs::OpenOptions::new().write(true).open(pipe).expect("a reader");
        for note in [36, 37, 36, 36, 37] {
            pipe.write_all(&[0x90, note, 100, 0x80, note, 0]).expect("it reads");
        }
        pipe.write_all(&[0xb0, 9, 50, 0xb0, 7, 20, 0xb0, 7, 60]).expect("it reads");
    });
    let [journal, transcript] = ["s.journal.jsonl", "s.transcript.jsonl"].map(|name| scratch.path().join(name));
    let ran = bin("conductor").args("record --dry-run --config").arg(&config).arg(&journal);
    ran.arg("--transcript").arg(&transcript).run().exits(0);
    let recorded = std::fs::read_to_string(&journal).expect("a journal");
    let transcribed = std::fs::read_to_string(&transcript).expect("a transcript");
    let told = |text: &str, key: &str| -> Vec<String> {
        values(text, key).into_iter().filter(|value| value.starts_with("feedback ")).collect()
    };
    let effects = told(&transcribed, "effect");
    assert_eq!(told(&recorded, "what"), effects);
    assert_eq!(effects.first().map(String::as_str), Some("feedback pads: f0 01 f7"), "{effects:?}");
    assert!(transcribed.contains("\"gesture\":null") && recorded.contains("\"k\":\"found\""));
    bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
    writer.join().expect("it wrote");
}

#[test]
fn a_session_from_a_file_shows_from_its_beginning_and_its_recording_replays() {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", text(""));
    // Note 36 at 0 and at 1 s, at 500,000 µs a quarter of 96 ticks.
    let track = [0x00, 0x90, 36, 100, 0x10, 0x80, 36, 0, 0x81, 0x30, 0x90, 37, 100, 0x00, 0xff, 0x2f, 0x00];
    let mut midi = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0".to_vec();
    midi.push(u8::try_from(track.len()).expect("short"));
    midi.extend(track);
    let session = scratch.file("s.mid", midi);
    let [journal, transcript] = ["s.journal.jsonl", "s.transcript.jsonl"].map(|name| scratch.path().join(name));
    bin("conductor")
        .args("run --dry-run --config")
        .arg(&config)
        .arg("--input")
        .arg(&session)
        .arg("--record")
        .arg(&journal)
        .arg("--transcript")
        .arg(&transcript)
        .run()
        .exits(0);
    let transcribed = std::fs::read_to_string(&transcript).expect("a transcript");
    let shown: Vec<_> =
        values(&transcribed, "effect").into_iter().filter(|effect| effect.starts_with("feedback")).collect();
    assert_eq!(
        shown,
        [
            "feedback pads: f0 01 f7",
            "feedback pads: 90 24 05",
            "feedback pads: 90 25 00",
            "feedback pads: b0 07 00",
            "feedback pads: 90 25 07",
            "feedback pads: f0 02 f7"
        ]
    );
    let recorded = std::fs::read_to_string(&journal).expect("a journal");
    assert!(
        recorded.contains("{\"k\":\"control\",\"t\":0,\"command\":\"FEEDBACK_REFRESH\",\"args\":[\"0\"]}"),
        "{recorded}"
    );
    bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
}
