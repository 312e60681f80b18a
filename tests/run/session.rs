//! `run`, `demo` and `plugin run`: real input becomes plugin calls and effects, and the account of it is the same every time.

use crate::support::{Scratch, bin, golden};

const NOTE_LOGGER: &str = "fixtures/plugins/note_logger.wasm";

/// A configuration that logs note 60 through note-logger, in a scratch directory.
fn logging_config(scratch: &Scratch, wasm: &str) -> std::path::PathBuf {
    let plugin = crate::support::repository(NOTE_LOGGER);
    scratch.file(
        "config.toml",
        format!(
            "{wasm}\n[plugins.note-logger]\npath = \"{}\"\ngranted_capabilities = [\"Filesystem\"]\n\n[[modes]]\nname = \"Default\"\n\n\
             [[modes.mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\n\
             action = {{ WasmPlugin = {{ plugin = \"note-logger\", params = {{ action = \"log\", parameters = [\"hit\"] }} }} }}\n",
            plugin.display()
        ),
    )
}

#[test]
fn the_demo_plays_to_the_same_account_every_time() {
    for arguments in ["demo", "demo --json"] {
        let ran = bin("conductor").args(arguments).run().exits(0);
        assert_eq!(ran.stderr, "");
        golden(&format!("fixtures/golden/run/{}.txt", arguments.replace(" --", "_")), &ran.transcript());
    }
}

#[test]
fn a_file_plays_in_virtual_time_and_the_plugin_writes_its_own_directory() {
    let scratch = Scratch::new();
    let data = scratch.path().join("data");
    let run = |extra: &str| {
        bin("conductor")
            .args("run --config fixtures/demo/config.toml --input fixtures/demo/session.mid --dry-run")
            .args(extra)
            .arg("--data")
            .arg(&data)
            .hide(scratch.path(), "SCRATCH")
            .run()
            .exits(0)
    };
    let first = run("--json");
    golden("fixtures/golden/run/session_json.txt", &first.transcript());
    let log = data.join("note-logger/default/notes.log");
    assert_eq!(std::fs::read_to_string(&log).expect("the plugin's file").lines().count(), 4);
    // The plugin goes on where it was: its file is its own memory, not the run's.
    let second = run("--json");
    assert!(second.stdout.contains("\"output\":{\"count\":8}"), "{}", second.stdout);
    std::fs::remove_dir_all(&data).expect("the data is removed");
    assert_eq!(run("--json").stdout, first.stdout);
}

#[test]
fn every_line_is_json_with_the_documented_keys_in_their_order() {
    let ran = bin("conductor").args("demo --json").run().exits(0);
    for line in ran.stdout.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(value.is_object());
        let mut at = 0;
        for key in [
            "t_us", "gesture", "mode", "mapping", "action", "plugin", "tenant", "fuel", "status", "code", "output",
            "error",
        ] {
            let found = line[at..].find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in {line}"));
            at += found;
        }
        assert_eq!(value.as_object().map(serde_json::Map::len), Some(12), "{line}");
    }
}

#[test]
fn a_pipe_is_read_live_through_the_workers_until_it_ends() {
    let scratch = Scratch::new();
    let config = logging_config(&scratch, "");
    let data = scratch.path().join("data");
    let presses = 20;
    let ran = bin("conductor")
        .args("run --json --input - --config")
        .arg(&config)
        .arg("--data")
        .arg(&data)
        .stdin([0x90, 60, 100, 60, 0].repeat(presses))
        .run()
        .exits(0);
    let lines: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let counts: Vec<_> = lines.iter().map(|line| line["output"]["count"].as_u64()).collect();
    let expected: Vec<_> = (1..=presses as u64).map(Some).collect();
    assert_eq!(counts, expected, "\n{}", ran.transcript());
    let log = std::fs::read_to_string(data.join("note-logger/default/notes.log")).expect("the plugin's file");
    assert_eq!(log.lines().count(), presses);
}

#[test]
fn effects_are_performed_unless_it_is_a_dry_run() {
    let scratch = Scratch::new();
    let witness = scratch.path().join("witness");
    let config = scratch.file(
        "config.toml",
        format!(
            "[[modes]]\nname = \"Default\"\n[[modes.mappings]]\ntrigger = {{ Note = {{ note = 36 }} }}\naction = {{ Shell = {{ command = {:?} }} }}\n",
            format!("echo done > {}", witness.display())
        ),
    );
    let run = |extra: &str| {
        let session = crate::support::repository("fixtures/demo/session.mid");
        bin("conductor").args("run --config").arg(&config).arg("--input").arg(session).args(extra).run().exits(0)
    };
    assert!(run("--dry-run").stdout.contains("would do: shell: echo done"));
    assert!(!witness.exists());
    run("");
    // The shell runs beside the session; what it writes comes when it comes.
    while std::fs::read_to_string(&witness).unwrap_or_default() != "done\n" {
        std::thread::yield_now();
    }
}

#[test]
fn what_cannot_be_run_says_why_and_what_to_do() {
    let scratch = Scratch::new();
    let empty = scratch.file("no-device.toml", "[[modes]]\nname = \"Default\"\n");
    let bad = scratch.file("bad.toml", "[[modes]]\nnam = \"Default\"\n");
    let garbage = scratch.file("garbage.mid", "MThd but no more");
    let missing = scratch.path().join("missing.toml");
    let config = |path: &std::path::Path, rest: &str| {
        bin("conductor").args("run --config").arg(path).args(rest).hide(scratch.path(), "SCRATCH").run()
    };
    let mut said = String::new();
    for (ran, code) in [
        (config(&empty, ""), 2),
        (config(&empty, "--realtime"), 2),
        (config(&empty, "--input ./fixtures/no-such-session.mid"), 2),
        (config(&empty, &format!("--input {}", garbage.display())), 2),
        (config(&bad, "--input fixtures/demo/session.mid"), 1),
        (config(&missing, "--input fixtures/demo/session.mid"), 2),
        (bin("conductor").args("run --imput x").run(), 2),
    ] {
        said.push_str(&ran.exits(code).transcript());
    }
    golden("fixtures/golden/run/refusals.txt", &said);
    assert!(!missing.exists(), "a missing configuration is never created");
}

#[test]
fn a_refused_plugin_does_not_stop_the_others_and_shows_in_the_exit_code() {
    let scratch = Scratch::new();
    let config = logging_config(&scratch, "[wasm]\nrequire_signature = true\n");
    let ran = bin("conductor")
        .args("run --dry-run --input - --config")
        .arg(&config)
        .stdin([0x90, 60, 100])
        .hide(&crate::support::repository(""), "REPO/")
        .run()
        .exits(1);
    assert!(ran.stderr.contains("note-logger is refused"), "{}", ran.transcript());
    assert!(ran.stdout.contains("refused"), "{}", ran.transcript());
}

#[test]
fn one_plugin_can_be_tried_without_a_configuration() {
    let mut said = String::new();
    for (line, params, code) in [
        ("--grant Filesystem --repeat 2", r#"{"action":"log","parameters":["hello"]}"#, 0),
        ("--grant Filesystem --json", r#"{"action":"log","parameters":["hello"]}"#, 0),
        ("", r#"{"action":"log","parameters":["hello"]}"#, 1),
        ("--grant Filesystem", r#"{"action":"no such action"}"#, 1),
        ("--grant Filesystem --fuel 1000", "{}", 1),
        ("--grant Everything", "{}", 2),
        ("", "{not json", 2),
    ] {
        let ran = bin("conductor").args("plugin run").arg(NOTE_LOGGER).args(line).arg("--params").arg(params).run();
        said.push_str(&ran.exits(code).transcript());
    }
    said.push_str(&bin("conductor").args("plugin run no-such-plugin.wasm").run().exits(1).transcript());
    // The plugin is tried at the time it is: writing that down takes a little more or less work.
    golden("fixtures/golden/run/plugin_run.txt", &without_large_fuel(&said));
}

/// `text` with every count of fuel beyond a thousand made `…`.
fn without_large_fuel(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let at = ["fuel  ", "\"fuel\":"].into_iter().find_map(|word| Some(line.find(word)? + word.len()));
        let digits = |c: char| c.is_ascii_digit() || c == ',';
        match at.map(|at| line.split_at(at)) {
            Some((head, tail)) => {
                let tail_digits = tail.trim_start();
                let len = tail_digits.find(|c| !digits(c)).unwrap_or(tail_digits.len());
                // A comma after the number ends a member of a JSON object.
                let len = tail_digits[..len].trim_end_matches(',').len();
                let number = if len > 3 { "…" } else { &tail_digits[..len] };
                out.push_str(head);
                out.push_str(&tail[..tail.len() - tail_digits.len()]);
                out.push_str(number);
                out.push_str(&tail_digits[len..]);
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let ran = std::process::Command::new("sh")
        .args(["-c", r#""$@" demo | head -n 1"#, "sh"])
        .args(crate::support::start("conductor"))
        .output()
        .expect("a shell");
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
    assert_eq!(String::from_utf8_lossy(&ran.stdout).lines().count(), 1);
}

#[test]
fn the_demos_runaway_is_what_its_text_says() {
    let text = std::fs::read(crate::support::repository("fixtures/demo/runaway.wat")).expect("the text");
    let made = wat::parse_bytes(&text).expect("WebAssembly");
    let committed = std::fs::read(crate::support::repository("fixtures/demo/runaway.wasm")).expect("the module");
    assert!(made.as_ref() == committed, "fixtures/demo/runaway.wasm is not made from runaway.wat");
}

/// Guests of a dry run are on the program's first thread, whose stack has to hold what they leave on it.
#[test]
fn a_dry_run_holds_plugins_that_fill_the_native_stack_whether_it_can_grow_or_not() {
    for name in ["grows_forever", "grows_tables_forever", "grows_beyond_its_own_maximum"] {
        let scratch = Scratch::new();
        let text = std::fs::read_to_string(crate::support::repository(&format!("fixtures/hostile/{name}.wat")))
            .expect("a module");
        let plugin = scratch.file("plugin.wasm", wat::parse_str(&text).expect("wat"));
        let config = scratch.file(
            "config.toml",
            format!(
                "[plugins.{name}]\npath = \"{}\"\n[[modes]]\nname = \"Default\"\n[[modes.mappings]]\n\
                 trigger = {{ Note = {{ note = 60 }} }}\naction = {{ WasmPlugin = {{ plugin = \"{name}\" }} }}\n",
                plugin.display()
            ),
        );
        let session = scratch.file("session.raw", [0x90, 60, 100]);
        let accounts = [None, Some(8192)].map(|most_kib| {
            let mut program = bin("conductor").args("run --dry-run --json");
            if let Some(most_kib) = most_kib {
                program = program.with_stack_at_most(most_kib);
            }
            program.arg("--config").arg(&config).arg("--input").arg(&session).run().exits(0).stdout
        });
        assert!(accounts[0].contains("fuel limit 100_000_000 reached"), "{}", accounts[0]);
        assert_eq!(accounts[0], accounts[1], "on the first thread, and on one of its own");
    }
}
