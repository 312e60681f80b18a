//! Routes through the program: their lines, and a recording that comes to the same bytes.

use crate::support::{Scratch, bin};

const CONFIG: &str = "[[device]]\nname = \"keys\"\n\
    [[route]]\nfrom = \"keys\"\nto = \"Synth\"\ntranspose = 12\nchannel = 2\n\
    [[global_mappings]]\ntrigger = { Note = { note = 36 } }\naction = { Delay = { ms = 1 } }\n";

#[test]
fn what_is_passed_is_a_line_of_its_own_and_replays_to_the_byte() {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", CONFIG);
    for (name, dry_run) in [("dry", true), ("live", false)] {
        let [journal, transcript] =
            ["journal.jsonl", "transcript.jsonl"].map(|kind| scratch.path().join(format!("{name}.{kind}")));
        // 60 stays down, 36 is the mapping's.
        let ran = bin("conductor")
            .args("run --input - --config")
            .arg(&config)
            .arg("--record")
            .arg(&journal)
            .arg("--transcript")
            .arg(&transcript)
            .args(if dry_run { "--dry-run" } else { "" })
            .stdin([0x90, 60, 100, 36, 100, 62, 90, 0x80, 62, 64, 0xb0, 1, 5])
            .run()
            .exits(0);
        let lines = std::fs::read_to_string(&transcript).expect("a transcript");
        let parsed = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let routed: Vec<_> = parsed.filter(|line| line["action"] == "Route").collect();
        let effects: Vec<_> = routed.iter().map(|line| line["effect"].as_str().expect("an effect")).collect();
        let expected =
            ["note on ch 2 72:100", "note on ch 2 74:90", "note off ch 2 74:64", "cc ch 2 1:5", "note off ch 2 72:0"];
        assert_eq!(effects, expected.map(|text| format!("midi Synth: {text}")), "{}", ran.transcript());
        for line in &routed {
            assert_eq!((&line["mapping"], &line["mode"]), (&"line 3".into(), &"Default".into()), "{line}");
        }
        assert!(!ran.stdout.contains("nothing mapped"), "{}", ran.transcript());
        bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
    }
}
