//! A recorded session comes back to the same bytes, and what differs is named.
//!
//! The transcripts below `fixtures/sessions/` are the same on every machine; `BLESS=1` writes them anew.

use std::path::{Path, PathBuf};

use crate::support::{Scratch, bin, golden, repository};
use conductor::internals::digest::Digest;

pub(crate) const SESSIONS: [&str; 5] = ["gestures", "actions", "plugins-at-work", "limits", "values"];

/// A session's file, from the repository's directory, where programs and tests run.
pub(crate) fn session(name: &str, file: &str) -> PathBuf {
    Path::new("fixtures/sessions").join(name).join(file)
}

/// Makes the plugins written as text anew, or holds the committed ones to their text.
#[test]
fn the_sessions_plugins_are_what_their_text_says() {
    for entry in std::fs::read_dir(repository("fixtures/sessions/plugins")).expect("the plugins") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "wat") {
            continue;
        }
        let made = wat::parse_file(&path).expect("WebAssembly");
        let module = path.with_extension("wasm");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&module, &made).expect("the module");
        }
        let committed = std::fs::read(&module).expect("the committed module");
        assert!(made == committed, "{} is not made from its text", module.display());
    }
}

#[test]
fn a_session_file_comes_to_the_golden_transcript() {
    for name in SESSIONS {
        let config = session(name, "config.toml");
        let ran = bin("conductor")
            .arg("replay")
            .arg(session(name, "session.mid"))
            .arg("--config")
            .arg(config)
            .arg("--json")
            .run();
        assert_eq!(ran.stderr, "", "{name}");
        golden(&format!("fixtures/sessions/{name}/session.transcript.jsonl"), &ran.exits(0).stdout);
    }
}

/// Recorded live, with a real server: connections, timers, values and a fault, each at its place.
#[test]
fn a_resident_plugins_session_comes_to_the_golden_transcript() {
    let ran = bin("conductor")
        .args("replay fixtures/sessions/resident/session.journal.jsonl --plugins fixtures/plugins --json")
        .run()
        .exits(0);
    assert!(!ran.stderr.contains("left the recording"), "{}", ran.stderr);
    golden("fixtures/sessions/resident/session.transcript.jsonl", &ran.stdout);
}

#[cfg(feature = "http")]
#[test]
fn answers_of_a_server_come_from_the_journal() {
    let ran = bin("conductor")
        .args("replay fixtures/sessions/http/session.journal.jsonl --plugins fixtures/sessions/plugins --json")
        .run()
        .exits(0);
    let digest = Digest::of(&std::fs::read(repository("fixtures/sessions/plugins/fetch.wasm")).expect("the plugin"));
    assert_eq!(ran.stderr, format!("plugin fetch: fixtures/sessions/plugins/fetch.wasm (digest {digest})\n"));
    golden("fixtures/sessions/http/session.transcript.jsonl", &ran.stdout);
}

/// Recorded with a service that stood for Spotify and gave out tokens; a replay has no login and needs none.
#[cfg(feature = "http")]
#[test]
fn a_session_with_a_login_comes_to_the_golden_transcript_and_has_no_token() {
    let ran = bin("conductor")
        .args("replay fixtures/sessions/spotify/session.journal.jsonl --plugins fixtures/plugins --json")
        .run()
        .exits(0);
    assert!(!ran.stderr.contains("left the recording"), "{}", ran.stderr);
    golden("fixtures/sessions/spotify/session.transcript.jsonl", &ran.stdout);
    let journal = std::fs::read_to_string(repository("fixtures/sessions/spotify/session.journal.jsonl")).expect("it");
    assert!(journal.contains("\"answer\"") && !journal.contains("golden-"), "a token stands in the journal");
}

#[test]
fn answers_of_players_and_of_the_machine_come_from_the_journal() {
    let ran = bin("conductor")
        .args("replay fixtures/sessions/official/session.journal.jsonl --plugins fixtures/plugins --json")
        .run()
        .exits(0);
    golden("fixtures/sessions/official/session.transcript.jsonl", &ran.stdout);
}

/// Records a session file as a dry run, in place of any recording there was.
pub(crate) fn record(name: &str, scratch: &Scratch) -> PathBuf {
    let journal = scratch.path().join(format!("{name}.journal.jsonl"));
    bin("conductor")
        .arg("record")
        .arg(&journal)
        .args("--dry-run --json --force")
        .arg("--config")
        .arg(session(name, "config.toml"))
        .arg("--input")
        .arg(session(name, "session.mid"))
        .arg("--data")
        .arg(scratch.path().join("data"))
        .run()
        .exits(0);
    journal
}

pub(crate) fn replay(journal: &Path) -> crate::support::Program {
    bin("conductor").arg("replay").arg(journal)
}

#[test]
fn a_recording_of_it_comes_to_the_same_transcript() {
    let scratch = Scratch::new();
    for name in SESSIONS {
        let journal = record(name, &scratch);
        let expected = session(name, "session.transcript.jsonl");
        let ran = replay(&journal).arg("--expect").arg(expected).run().exits(0);
        assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn a_difference_is_shown_field_by_field_with_its_neighbours() {
    let scratch = Scratch::new();
    let text = std::fs::read_to_string(session("limits", "session.transcript.jsonl")).expect("the transcript");
    let changed = text.replacen("\"code\":0,\"output\":1", "\"code\":0,\"output\":7", 1);
    assert_ne!(text, changed);
    let expected = scratch.file("changed.transcript.jsonl", changed);
    let shorter = scratch
        .file("shorter.transcript.jsonl", text.lines().take(5).fold(String::new(), |all, line| all + line + "\n"));
    let mut said = String::new();
    for expected in [expected, shorter] {
        let ran = bin("conductor")
            .arg("replay")
            .arg("fixtures/sessions/limits/session.mid")
            .args("--config fixtures/sessions/limits/config.toml --expect")
            .arg(expected)
            .hide(scratch.path(), "SCRATCH")
            .run()
            .exits(1);
        said.push_str(&ran.transcript());
    }
    golden("fixtures/golden/replay/differences.txt", &said);
}

/// Copies the session's configuration and plugins, so that they can be changed.
pub(crate) fn movable(scratch: &Scratch) -> PathBuf {
    let config = std::fs::read_to_string(session("limits", "config.toml")).expect("the configuration");
    let plugin = std::fs::read(repository("fixtures/sessions/plugins/misbehave.wasm")).expect("the plugin");
    scratch.file("plugins/misbehave.wasm", plugin);
    scratch.file("limits/config.toml", config)
}

#[test]
fn a_changed_plugin_configuration_or_answer_is_named() {
    let scratch = Scratch::new();
    let config = movable(&scratch);
    let journal = scratch.path().join("s.journal.jsonl");
    bin("conductor")
        .arg("record")
        .arg(&journal)
        .args("--dry-run --config")
        .arg(&config)
        .arg("--input")
        .arg(session("limits", "session.mid"))
        .run()
        .exits(0);
    let mut said = String::new();
    let mut note = |program: crate::support::Program, code| {
        let ran = program.hide(scratch.path(), "SCRATCH").run().exits(code);
        said.push_str(&ran.transcript());
    };
    // One byte of the plugin: the last digit it can put out.
    let plugin = scratch.path().join("plugins/misbehave.wasm");
    let original = std::fs::read(&plugin).expect("the plugin");
    let mut bytes = original.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&plugin, &bytes).expect("the changed plugin");
    note(replay(&journal).args("--json"), 1);
    // The recorded one is found by its digest wherever it lies, whatever it is called.
    scratch.file("kept/under another name.wasm", &original);
    let kept = scratch.path().join("kept");
    let expected = session("limits", "session.transcript.jsonl");
    note(replay(&journal).arg("--plugins").arg(&kept).arg("--expect").arg(&expected), 0);
    std::fs::write(&plugin, &original).expect("the plugin");
    // One value of the configuration.
    let text = std::fs::read_to_string(&config).expect("the configuration");
    let other = scratch.file("limits/other.toml", text.replace("max_fuel = 2_000_000", "max_fuel = 3_000_000"));
    note(replay(&journal).arg("--config").arg(&other), 1);
    note(replay(&journal).arg("--config").arg(&config).arg("--expect").arg(&expected), 0);
    // One byte inside the journal's copy of it.
    let recorded = std::fs::read_to_string(&journal).expect("the journal");
    let inside =
        scratch.file("inside.journal.jsonl", recorded.replacen("max_fuel = 2_000_000", "max_fuel = 2_000_001", 1));
    note(replay(&inside), 1);
    // One message.
    let message = scratch.file("message.journal.jsonl", recorded.replacen("\"902464\"", "\"902564\"", 1));
    note(replay(&message).arg("--expect").arg(&expected), 1);
    // The engine, the version, a damaged line, a line out of time.
    for (name, from, to) in [
        ("engine", "wasmi 2.0.0", "wasmi 3.0.0"),
        ("version", "\"conductor_journal\":2", "\"conductor_journal\":1"),
        ("damaged", "\"bytes\":\"802400\"", "\"bytes\":\"80240\""),
        ("time", "\"k\":\"in\",\"t\":400000", "\"k\":\"in\",\"t\":4"),
        ("key", "\"k\":\"end\"", "\"k\":\"fin\""),
    ] {
        let changed = recorded.replacen(from, to, 1);
        assert_ne!(changed, recorded, "{name}");
        note(replay(&scratch.file(&format!("{name}.journal.jsonl"), changed)), 2);
    }
    // No plugin at all, and something that cannot be one.
    std::fs::remove_file(&plugin).expect("removable");
    note(replay(&journal), 2);
    std::fs::create_dir(&plugin).expect("creatable");
    note(replay(&journal), 2);
    golden("fixtures/golden/replay/changes.txt", &said);
}

/// A plugin that puts out `number`.
fn build(number: u32) -> Vec<u8> {
    let text = format!(
        r#"(module
          (import "conductor" "output_set" (func $out (param i32 i32) (result i32)))
          (memory (export "memory") 1) (data (i32.const 0) "{number}")
          (func (export "alloc") (param i32) (result i32) (i32.const 64))
          (func (export "execute") (param i32 i32) (result i32) (call $out (i32.const 0) (i32.const 1))))"#
    );
    wat::parse_str(text).expect("text")
}

#[test]
fn the_builds_of_plugins_win_over_the_one_at_the_configured_path_and_are_named() {
    let scratch = Scratch::new();
    let old = scratch.file("old/p.wasm", build(1));
    scratch.file("new/p.wasm", build(2));
    scratch.file("new/a.wasm", build(7)); // the first of the directory, and not its plugin
    scratch.file("sole/any.wasm", build(3));
    scratch.file("kept/another name.wasm", build(1));
    let config = scratch.file(
        "config.toml",
        format!(
            "[plugins.p]\npath = \"{}\"\n[[global_mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\n\
             action = {{ WasmPlugin = {{ plugin = \"p\" }} }}\n",
            old.display()
        ),
    );
    let input = scratch.file("session.bin", [0x90, 60, 100]);
    let journal = scratch.path().join("s.journal.jsonl");
    bin("conductor").arg("record").arg(&journal).arg("--config").arg(&config).arg("--input").arg(&input).run().exits(0);
    let expected = scratch.path().join("s.transcript.jsonl");
    replay(&journal).arg("--expect").arg(&expected).arg("--bless").run().exits(0);
    let budget = scratch.path().join("budget.toml");
    replay(&journal).arg("--budget").arg(&budget).arg("--bless").run().exits(0);
    let digest = |number| Digest::of(&build(number)).to_string();
    let with = |program: crate::support::Program, given: &str, code| {
        program.arg("--plugins").arg(scratch.path().join(given)).hide(scratch.path(), "SCRATCH").run().exits(code)
    };
    let output = |ran: &crate::support::Ran| {
        let (_, rest) = ran.stdout.split_once("\"output\":").unwrap_or_else(|| panic!("{}", ran.transcript()));
        rest.chars().next()
    };
    // What is asked for is another build than the one of the recording, which is still there.
    for (given, file, number) in
        [("new", "new/p.wasm", 2), ("sole", "sole/any.wasm", 3), ("sole/any.wasm", "sole/any.wasm", 3)]
    {
        let words = format!(
            "plugin p: not the one of the recording\n  journal: {}\n  SCRATCH/{file}: {}\n",
            digest(1),
            digest(number)
        );
        let ran = with(replay(&journal).args("--allow-changes --json"), given, 0);
        assert_eq!((output(&ran), ran.stderr), (char::from_digit(number, 10), words.clone()), "{given}");
        let ran = with(replay(&journal).arg("--allow-changes").arg("--expect").arg(&expected), given, 1);
        assert_eq!(ran.stderr, words);
        for judged in [replay(&journal).arg("--budget").arg(&budget), replay(&journal).arg("--profile")] {
            assert_eq!(with(judged.arg("--allow-changes"), given, 0).stderr, words);
        }
        // Without leave to change that is a verdict, and no word of praise for the old build.
        let ran = with(replay(&journal).arg("--expect").arg(&expected), given, 1);
        assert!(ran.stderr.starts_with(&words) && ran.stdout.is_empty(), "{}", ran.transcript());
    }
    // The recorded one is found by its digest, and is named as well.
    for (options, given, file) in [
        ("--json", "kept", "kept/another name.wasm"),
        ("--json --allow-changes", "kept", "kept/another name.wasm"),
        ("--json", "old", "old/p.wasm"),
    ] {
        let ran = with(replay(&journal).args(options), given, 0);
        assert_eq!(output(&ran), Some('1'));
        assert_eq!(ran.stderr, format!("plugin p: SCRATCH/{file} (digest {})\n", digest(1)));
    }
    // A session without a recording.
    let ran = with(bin("conductor").arg("replay").arg(&input).args("--json --config").arg(&config), "new", 0);
    assert_eq!(output(&ran), Some('2'));
    assert_eq!(ran.stderr, format!("plugin p: SCRATCH/new/p.wasm (digest {})\n", digest(2)));
    let ran = with(replay(&journal), "nowhere", 2);
    assert!(ran.stderr.starts_with("--plugins: SCRATCH/nowhere: "), "{}", ran.stderr);
}

/// Version 1 had no limits in its header; that is no reason to say that it is no journal.
#[test]
fn a_journal_of_another_version_is_refused_by_its_version() {
    let scratch = Scratch::new();
    let recorded = std::fs::read_to_string(record("gestures", &scratch)).expect("the journal");
    let start = recorded.find("\"limits\":{").expect("limits");
    let end = start + recorded[start..].find("},").expect("their end") + 2;
    let first = format!("{}{}", &recorded[..start], &recorded[end..]).replacen(
        "\"conductor_journal\":2",
        "\"conductor_journal\":1",
        1,
    );
    let ran = replay(&scratch.file("first.journal.jsonl", first)).run().exits(2);
    assert!(
        ran.stderr.contains("recorded under another journal version\n  journal: 1\n  here:    2"),
        "{}",
        ran.stderr
    );
    // And a deadline that is that of nothing is a damaged line.
    let line = "{\"k\":\"deadline\",\"call\":null,\"starting\":false,\"fuel\":1,\"host_calls\":0}\n{\"k\":\"end\"";
    let damaged = recorded.replacen("{\"k\":\"end\"", line, 1);
    let ran = replay(&scratch.file("damaged.journal.jsonl", damaged)).run().exits(2);
    assert!(ran.stderr.contains("a deadline is that of one call, or of one shutdown"), "{}", ran.stderr);
}

#[test]
fn a_journal_that_was_cut_off_is_usable_up_to_there() {
    let scratch = Scratch::new();
    let journal = record("gestures", &scratch);
    let recorded = std::fs::read(&journal).expect("the journal");
    let whole = std::fs::read_to_string(session("gestures", "session.transcript.jsonl")).expect("the transcript");
    let header = recorded.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
    for share in [1, 3, 7, 9] {
        let cut = header + (recorded.len() - header) * share / 10;
        let file = scratch.file("cut.journal.jsonl", &recorded[..cut]);
        let ran = replay(&file).args("--json").run().exits(0);
        assert!(whole.starts_with(&ran.stdout), "cut at {cut}: {}", ran.transcript());
        let on_a_line = recorded[cut - 1] == b'\n';
        assert_eq!(ran.stderr.contains("cut off"), !on_a_line, "{}", ran.transcript());
    }
}

#[test]
fn nothing_stands_behind_the_end_of_a_journal_not_even_a_part_of_a_line() {
    let scratch = Scratch::new();
    let journal = record("gestures", &scratch);
    let bytes = std::fs::read(&journal).expect("the journal");
    let lines = bytes.split(|byte| *byte == b'\n').count() - 1;
    for more in [&b"{\"k\":\"end\",\"t\":9000}\n"[..], b"{\"k\":\"en", b"\0\0\0"] {
        std::fs::write(&journal, [&bytes, more].concat()).expect("the journal");
        let ran = replay(&journal).run();
        assert_eq!(ran.code, Some(2), "{}", ran.transcript());
        assert!(ran.stderr.contains(&format!(":{}: a line after the end", lines + 1)), "{}", ran.stderr);
    }
}

#[test]
fn a_budget_holds_each_plugin_to_what_it_used() {
    let scratch = Scratch::new();
    let journal = record("plugins-at-work", &scratch);
    let budget = scratch.path().join("budget.toml");
    replay(&journal).arg("--budget").arg(&budget).args("--bless").run().exits(0);
    let text = std::fs::read_to_string(&budget).expect("the budget");
    let mut said =
        replay(&journal).arg("--budget").arg(&budget).hide(scratch.path(), "SCRATCH").run().exits(0).transcript();
    let fuel = text.lines().find(|line| line.starts_with("fuel_max")).expect("a figure");
    std::fs::write(&budget, text.replacen(fuel, "fuel_max = 100", 1)).expect("the budget");
    said.push_str(
        &replay(&journal).arg("--budget").arg(&budget).hide(scratch.path(), "SCRATCH").run().exits(1).transcript(),
    );
    said.push_str(&replay(&journal).args("--profile").hide(scratch.path(), "SCRATCH").run().exits(0).transcript());
    golden("fixtures/golden/replay/budget.txt", &said);
}

#[test]
fn a_profile_names_the_functions_the_fuel_went_to() {
    let config = "fixtures/sessions/limits/config.toml";
    let ran = bin("conductor")
        .args("replay fixtures/sessions/limits/session.mid --profile --config")
        .arg(config)
        .run()
        .exits(0);
    golden("fixtures/golden/replay/profile.txt", &ran.transcript());
    // The plugin that recurses spends its fuel in the function that does.
    assert!(ran.stdout.contains("%  deep"), "{}", ran.stdout);
}

#[test]
fn a_profile_says_what_is_not_as_it_was_once() {
    let scratch = Scratch::new();
    record("plugins-at-work", &scratch); // leaves data behind
    let journal = record("plugins-at-work", &scratch);
    let bytes = std::fs::read(&journal).expect("the journal");
    std::fs::write(&journal, &bytes[..bytes.len() - 3]).expect("cut off");
    let ran = replay(&journal).arg("--profile").run().exits(0);
    for words in ["its data is not what it was", "cut off; the session is replayed up to there"] {
        assert_eq!(ran.stderr.matches(words).count(), 1, "{}", ran.stderr);
    }
}
