//! A recording holds the profiles of its devices.

use std::fs;

use super::replay::replay;
use crate::support::{Scratch, bin, repository};

#[test]
fn a_recording_replays_without_the_profile_and_plugins_are_told_the_controls_name() {
    let scratch = Scratch::new();
    let profile = scratch.file(
        "box.toml",
        "name = \"box\"\n[controls]\n\"pad.1\" = { note = 36, channel = 10 }\n\"fader.1\" = { cc = 7 }\n",
    );
    let plugin = repository("fixtures/sessions/plugins/context.wasm");
    let config = scratch.file(
        "config.toml",
        format!(
            "[device]\nname = \"d\"\nprofile = \"box.toml\"\n[plugins.context]\npath = \"{}\"\n\
             [[global_mappings]]\ntrigger = {{ Note = {{ control = \"pad.1\" }} }}\naction = {{ WasmPlugin = {{ plugin = \"context\" }} }}\n\
             [[global_mappings]]\ntrigger = {{ CC = {{ cc = \"any\" }} }}\naction = {{ WasmPlugin = {{ plugin = \"context\" }} }}\n",
            plugin.display()
        ),
    );
    let input = scratch.file("input", [0x99, 36, 100, 0x90, 36, 100, 0xb3, 7, 9, 8, 9]);
    let journal = scratch.path().join("s.journal.jsonl");
    let transcript = scratch.path().join("s.transcript.jsonl");
    bin("conductor")
        .args("record --dry-run --transcript")
        .arg(&transcript)
        .arg(&journal)
        .arg("--config")
        .arg(&config)
        .arg("--input")
        .arg(&input)
        .arg("--data")
        .arg(scratch.path().join("data"))
        .run()
        .exits(0);
    let recorded = fs::read_to_string(&transcript).expect("the transcript");
    let told: Vec<&str> = recorded.match_indices("\\\"control\\\":").map(|(at, _)| &recorded[at..at + 30]).collect();
    assert_eq!(told.len(), 3, "{recorded}");
    assert!(told[0].contains("pad.1") && told[1].contains("fader.1") && told[2].contains("null"), "{told:?}");
    fs::remove_file(profile).expect("it was there");
    replay(&journal).arg("--expect").arg(&transcript).run().exits(0);
    // A profile that is not what it was is no profile of that recording.
    let text = fs::read_to_string(&journal).expect("the journal");
    fs::write(&journal, text.replacen("cc = 7", "cc = 8", 1)).expect("written");
    let refused = replay(&journal).run().exits(1);
    assert!(refused.stderr.contains("its digest differs"), "{}", refused.stderr);
}
