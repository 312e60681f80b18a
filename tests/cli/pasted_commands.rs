//! Every command line that a message suggests can be pasted: it runs, and is not answered with its usage.

#![cfg(feature = "plugin-signing")]

use std::path::Path;

use crate::support::signing::{Workshop, key_file};
use crate::support::{Program, Ran, bin, start};

/// Imports a function of every risk.
const ASKS: &str = r#"(module
  (import "conductor" "http_request" (func (param i32 i32 i32 i32) (result i32)))
  (import "conductor" "exec" (func (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#;

/// Faults whatever it is asked.
const FAULTS: &str =
    r#"(module (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) unreachable))"#;

/// Names that a shell would take apart, and a terminal obey.
const NAMES: [&str; 4] = ["lights", "two words", "it's $(touch pwned) `x` \"q\"", "line\nend\u{1b}[2J\u{202e}"];

fn program(home: &Path, name: &str) -> Program {
    bin(name).directory(home).env("HOME", home).env("XDG_CONFIG_HOME", home).env("SOURCE_DATE_EPOCH", "1763542752")
}

/// The command lines in `said`: what follows one of our programs' names, up to where the sentence goes on.
fn suggested(said: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in said.lines() {
        for opening in ["`conductor ", "`conductor-sign "] {
            let quoted = line.match_indices(opening).filter_map(|(at, _)| line[at + 1..].split_once('`'));
            found.extend(quoted.map(|(command, _)| command.to_owned()));
        }
        for opening in [": conductor ", ": conductor-sign ", "; conductor "] {
            let bare = line.match_indices(opening).map(|(at, _)| line[at + 2..].to_owned());
            found.extend(bare);
        }
    }
    // Words in capitals and dots are for the reader to fill in.
    let for_the_reader =
        |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '-') || word.contains('…');
    found.retain(|command| !command.split_whitespace().any(for_the_reader));
    found
}

/// Pastes every command line that `ran` suggests into a shell; how many there were.
#[track_caller]
fn paste(home: &Path, ran: &Ran) -> usize {
    let commands = suggested(&format!("{}{}", ran.stdout, ran.stderr));
    for command in &commands {
        let (name, arguments) = command.split_once(' ').expect("a program and arguments");
        // A shell that knows $'…', as people's do.
        let words: Vec<String> = start(name).iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let output = std::process::Command::new("bash")
            .arg("-c")
            .arg(format!("{} {arguments}", words.join(" ")))
            .current_dir(home)
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("a shell");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(matches!(output.status.code(), Some(0 | 1)), "{command}\n{said}\nsuggested by\n{}", ran.transcript());
        assert!(!said.contains("--help` says more"), "{command}\n{said}");
    }
    assert!(!home.join("pwned").exists(), "a name was run");
    commands.len()
}

#[test]
fn what_is_suggested_about_grants_runs() {
    let workshop = Workshop::new();
    let home = workshop.scratch.path();
    let plugin = workshop.scratch.file("asks.wasm", wat::parse_str(ASKS).expect("text"));
    let faults = workshop.scratch.file("it's here/faults.wasm", wat::parse_str(FAULTS).expect("text"));
    let config = format!(
        "[plugins.asks]\npath = {:?}\n[plugins.faults]\npath = {:?}\nrequire_conformance = true\n[[modes]]\nname = \"a\"\n[[modes.mappings]]\n\
         trigger = {{ Note = {{ note = 60 }} }}\naction = {{ WasmPlugin = {{ plugin = \"asks\" }} }}\n",
        plugin.display().to_string(),
        faults.display().to_string(),
    );
    workshop.scratch.file("conductor/config.toml", config);
    let input = workshop.scratch.file("press.raw", [0x90, 60, 100]);
    let mut pasted = 0;
    let run = program(home, "conductor").args("run --dry-run --input").arg(input).run();
    assert!(
        run.stderr.contains("conductor plugin grant asks") && run.stderr.contains("plugin conformance"),
        "{}",
        run.transcript()
    );
    for ran in [
        run,
        program(home, "conductor").args("plugin list").run(),
        program(home, "conductor").args("plugin grant asks").run(),
    ] {
        pasted += paste(home, &ran);
    }
    assert!(pasted >= 4, "{pasted}");
}

#[test]
fn what_is_suggested_about_signatures_runs_whatever_the_names_are() {
    let mut pasted = 0;
    for name in NAMES {
        let mut workshop = Workshop::new();
        workshop.plugin = workshop.scratch.file(&format!("{name}.wasm"), wat::parse_str(FAULTS).expect("text"));
        let home = workshop.scratch.path();
        let verify = || program(home, "conductor-sign").arg("verify").arg(&workshop.plugin).run();
        let ran = verify().exits(1);
        assert!(ran.stderr.contains("conductor-sign sign "), "{}", ran.transcript());
        // The key's name is for the reader to fill in.
        let key = key_file(home, "ada");
        let sign = ran.stderr.lines().find_map(|line| line.split_once("with: conductor-sign sign ")).expect("a line").1;
        let word = sign.strip_suffix(" KEY").expect("a place for the key");
        let line = format!(
            "{} sign {word} {} --name Ada --email a@example.com",
            start("conductor-sign")[0].display(),
            key.display()
        );
        let signed = std::process::Command::new("bash").arg("-c").arg(&line).output().expect("a shell");
        // A name that cannot be printed cannot be stated, and that is what it says.
        let stated = signed.status.success();
        assert!(stated || name.contains('\n'), "{line}\n{}", String::from_utf8_lossy(&signed.stderr));
        if stated {
            pasted += paste(home, &verify().exits(1));
            assert!(verify().exits(0).stdout.contains("signed by trusted key"), "trusted by what was pasted");
        }
        let replaced = program(home, "conductor-sign")
            .args("sign")
            .arg(&workshop.plugin)
            .arg(&key)
            .args("--name Ada --email a@example.com")
            .run();
        pasted += paste(home, &replaced);
        // A key that others can read, and one that stands there already.
        let private = home.join("ada.private");
        std::fs::set_permissions(&private, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("its mode");
        pasted += paste(
            home,
            &program(home, "conductor-sign")
                .args("sign")
                .arg(&workshop.plugin)
                .arg(&key)
                .args("--name A --email a")
                .run(),
        );
        pasted += paste(home, &program(home, "conductor-sign").args("trust remove 00").run());
    }
    assert!(pasted >= 6, "{pasted}");
}

#[test]
fn what_is_suggested_on_wrong_usage_runs() {
    let workshop = Workshop::new();
    let home = workshop.scratch.path();
    let mut pasted = 0;
    for line in [
        "frobnicate",
        "plugin",
        "plugin run",
        "plugin run --nonsense",
        "run --nonsense",
        "wasi --nonsense",
        "replay",
        "check --x",
    ] {
        pasted += paste(home, &program(home, "conductor").args(line).run().exits(2));
    }
    for line in ["sign", "verify", "trust", "trust add --nonsense"] {
        pasted += paste(home, &program(home, "conductor-sign").args(line).run());
    }
    assert!(pasted >= 10, "{pasted}");
}

#[test]
fn trust_add_takes_the_file_that_holds_the_key() {
    let workshop = Workshop::new();
    let home = workshop.scratch.path();
    program(home, "conductor-sign").args("generate-key my-key").run().exits(0);
    let ran = program(home, "conductor-sign").args("trust add my-key.public Ada").run().exits(0);
    let key = std::fs::read_to_string(home.join("my-key.public")).expect("the key");
    assert!(ran.stdout.contains(&format!("Key added: {key} (Ada)")), "{}", ran.transcript());
    // A file that is none says what is wrong with it; so does what is neither.
    workshop.scratch.file("short.public", "00");
    for (what, why) in
        [("short.public", "2 characters"), ("my-key.private", "character"), ("nothing", "not a public key")]
    {
        let ran = program(home, "conductor-sign").args("trust add").arg(what).arg("Eve").run().exits(2);
        assert!(ran.stderr.contains(why), "{}", ran.transcript());
    }
}

#[test]
fn a_program_is_told_the_flag_of_the_compiler_that_made_it() {
    let workshop = Workshop::new();
    let home = workshop.scratch.path();
    // The section `producers`: one field, "language", with these values.
    let producers = |languages: &[&str]| {
        let string = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
        let mut section = [&[1][..], &string("language"), &[languages.len() as u8]].concat();
        for language in languages {
            section.extend([string(language), string("")].concat());
        }
        section.iter().fold(String::new(), |text, byte| format!("{text}\\{byte:02x}"))
    };
    let abort = r#"(import "env" "abort" (func (param i32 i32 i32 i32)))"#;
    for (languages, imports, flag) in [
        (&["C11", "Rust"][..], "", "crate-type = [\"cdylib\"]"),
        (&["Rust", "C11"], "", "crate-type = [\"cdylib\"]"),
        (&["C11"], "", "-mexec-model=reactor"),
        (&["C_plus_plus_14"], "", "-mexec-model=reactor"),
        (&["Go"], "", "-buildmode=c-shared"),
        (&["AssemblyScript"], "", "--exportStart _initialize"),
        (&[], abort, "--exportStart _initialize"),
        (&["COBOL"], "", "crate-type = [\"cdylib\"]"),
    ] {
        let text = format!(
            "(module {imports} (memory (export \"memory\") 1) (func (export \"_start\")) (@custom \"producers\" \"{}\"))",
            producers(languages)
        );
        let file = workshop.scratch.file("program.wasm", wat::parse_str(&text).expect(&text));
        let ran = program(home, "conductor").args("plugin run").arg(file).run().exits(1);
        assert!(ran.stderr.contains(flag), "{languages:?}: {}", ran.transcript());
    }
    let execute =
        r#"(memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0))"#;
    for (text, flag) in [
        (format!("(module {abort} {execute})"), "--use abort="),
        (format!("(module {execute} (func $go) (start $go))"), "--exportStart _initialize"),
    ] {
        let file = workshop.scratch.file("library.wasm", wat::parse_str(&text).expect(&text));
        let ran = program(home, "conductor").args("plugin run").arg(file).run().exits(1);
        assert!(ran.stderr.contains(flag), "{}", ran.transcript());
    }
}
