//! Recordings by others: they show no secret, and what cannot be replayed says why.

use super::replay::{SESSIONS, record, replay};
use crate::support::{Scratch, bin, golden, repository};

#[test]
fn what_a_variable_holds_is_not_shown_to_whoever_reads_the_replay() {
    let scratch = Scratch::new();
    let config = scratch.file(
        "config.toml",
        "[plugins.gone]\npath = \"$PLUGINS/of-$WHOSE/gone.wasm\"\n[[modes]]\nname = \"Default\"\n\
         [[modes.mappings]]\ntrigger = { Note = { note = 60 } }\naction = { WasmPlugin = { plugin = \"gone\" } }\n",
    );
    let other = std::fs::read(repository("fixtures/plugins/plain_example.wasm")).expect("a plugin");
    for there in [false, true] {
        if there {
            scratch.file("secret-place/of-somebody/gone.wasm", &other);
        }
        let digest = conductor::internals::digest::Digest::of(b"the recorded one");
        let text = std::fs::read_to_string(&config).expect("the configuration");
        let header = serde_json::json!({
            "conductor_journal": 2, "engine": "wasmi 2.0.0", "cost_table": conductor::internals::sandbox::cost_table_digest().to_string(),
            "epoch_us": 0, "seed": "00".repeat(32), "limits": { "max_total_memory_bytes": 1 << 30, "max_instances": 64 },
            "config": { "name": "config.toml", "directory": "", "digest": conductor::internals::digest::Digest::of(text.as_bytes()).to_string(), "text": text },
            "plugins": [{ "name": "gone", "digest": digest.to_string(), "refused": null, "data": null }],
        });
        let journal = scratch.file("s.journal.jsonl", format!("{header}\n{{\"k\":\"end\",\"t\":0}}\n"));
        let ran = replay(&journal)
            .env("PLUGINS", scratch.path().join("secret-place"))
            .env("WHOSE", "somebody")
            .run()
            .exits(if there { 1 } else { 2 });
        assert!(ran.stderr.contains("$PLUGINS/of-$WHOSE/gone.wasm"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("secret-place") && !ran.stderr.contains("somebody"), "{}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_replayed_says_why() {
    let mut said = String::new();
    for line in [
        "replay no-such.journal.jsonl",
        "replay fixtures/demo/session.mid",
        "replay fixtures/demo/config.toml --config fixtures/demo/config.toml",
        "replay fixtures/demo/session.mid --config fixtures/demo/config.toml --bless",
        "replay fixtures/demo/session.mid --config fixtures/demo/config.toml --expect no-such.transcript.jsonl",
    ] {
        said.push_str(&bin("conductor").args(line).run().exits(2).transcript());
    }
    for command in ["replay", "record"] {
        said.push_str(&bin("conductor").args(command).args("--help").run().exits(0).transcript());
    }
    golden("fixtures/golden/replay/refusals.txt", &said);
}

/// A journal may be anything: times at the end of time, answers without end, calls that were never made.
#[test]
fn a_crafted_journal_is_replayed_or_refused_and_nothing_else() {
    let scratch = Scratch::new();
    for name in SESSIONS {
        let journal = std::fs::read_to_string(record(name, &scratch)).expect("the journal");
        let (header, rest) = journal.split_once('\n').expect("a header");
        let last = format!("{{\"k\":\"end\",\"t\":{}}}\n", u64::MAX);
        let inputs: Vec<&str> = rest.lines().filter(|line| line.starts_with("{\"k\":\"in\"")).collect();
        let at = |line: &str, t: u64, device: u16| {
            let mut line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["t"] = t.into();
            line["device"] = device.into();
            format!("{line}\n")
        };
        let late: String = inputs.iter().map(|line| at(line, u64::MAX, 0)).collect();
        let apart: String = inputs
            .iter()
            .zip(1_u64..)
            .map(|(line, n)| at(line, n << 40, if n % 2 == 0 { 0 } else { 65_535 }))
            .collect();
        let early: String = inputs.iter().map(|line| at(line, 0, 0)).collect();
        let fates: String = (0..200_u64)
            .map(|call| match call % 3 {
                0 => format!("{{\"k\":\"deadline\",\"call\":{call},\"starting\":{},\"fuel\":0}}\n", call % 2 == 0),
                1 => format!("{{\"k\":\"deadline\",\"call\":{call},\"starting\":false,\"fuel\":{}}}\n", u64::MAX),
                _ => format!("{{\"k\":\"rejected\",\"call\":{call},\"reason\":\"queue_full\"}}\n"),
            })
            .collect();
        let mut ending: serde_json::Value = serde_json::from_str(header).expect("JSON");
        let mut huge = ending.clone();
        huge["config"]["text"] = "a = [".repeat(1 << 20).into();
        ending["epoch_us"] = u64::MAX.into();
        for (case, text) in [
            ("late", format!("{header}\n{late}{last}")),
            ("apart", format!("{header}\n{apart}{last}")),
            ("at once", format!("{header}\n{early}{{\"k\":\"end\",\"t\":0}}\n")),
            ("fates", format!("{header}\n{fates}{rest}")),
            ("end of time", format!("{ending}\n{fates}{late}{last}")),
            ("end first", format!("{header}\n{last}{rest}")),
            ("no end", format!("{header}\n{late}")),
            ("huge configuration", format!("{huge}\n{rest}")),
        ] {
            let path = scratch.file("crafted.journal.jsonl", text);
            let ran = replay(&path).arg("--json").run();
            assert!(matches!(ran.code, Some(0..=2)), "{name}, {case}: {}", ran.transcript());
            assert!(!ran.stderr.contains("panicked"), "{name}, {case}: {}", ran.stderr);
            let too_large = ran.stderr.contains("the configuration in it is larger than 1024 KiB");
            assert_eq!(too_large, case == "huge configuration", "{name}, {case}: {}", ran.stderr);
        }
    }
}
