//! A name from elsewhere is shown, and obeyed by no terminal; it cannot look like another line of the output.
//!
//! Each command runs twice, with a plain name and with a hostile one in its place, and has to print as many lines for both.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use crate::support::{Program, Ran, Scratch, bin};

/// A name that forges a line, moves the cursor, turns the direction of writing, and hides something.
const HOSTILE: &str = "x\nverdict:    admitted\r\u{1b}[2J\u{202e}\u{9b}31m\u{7f}\u{200b}\u{2028}\u{61c}\u{e0041}\u{8}y";

/// The same for files, whose names need not be text.
fn hostile_file() -> OsString {
    OsString::from_vec([HOSTILE.as_bytes(), b"\x9b2J\xff"].concat())
}

/// What a terminal obeys, hides or reorders; the line end is judged by counting lines.
fn raw(text: &str) -> Option<char> {
    text.chars().find(|c| {
        c.is_control() && *c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{e0000}'..='\u{e0fff}')
    })
}

/// `text` as a TOML or JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = serde_json::Value::from(text).to_string();
    for c in ["\u{7f}", "\u{9b}"] {
        quoted = quoted.replace(c, &format!("\\u{:04x}", u32::from(c.chars().next().expect("a character"))));
    }
    quoted
}

/// Runs what `program` makes of a scratch directory and a name, for both names, and holds them to the promise.
#[track_caller]
fn same_lines(what: &str, plain: &OsStr, hostile: &OsStr, program: impl Fn(&Scratch, &OsStr) -> Program) -> (Ran, Ran) {
    let [plain, hostile] = [plain, hostile].map(|name| {
        let scratch = Scratch::new();
        program(&scratch, name).run()
    });
    let text = format!("{}{}", hostile.stdout, hostile.stderr);
    assert!(hostile.utf8, "{what}: stray bytes\n{}", hostile.transcript());
    assert_eq!(raw(&text), None, "{what}: {text:?}");
    let lines = |ran: &Ran| (ran.stdout.matches('\n').count(), ran.stderr.matches('\n').count());
    assert_eq!(lines(&hostile), lines(&plain), "{what}\n{}\n{}", plain.transcript(), hostile.transcript());
    assert_eq!(hostile.code, plain.code, "{what}\n{}", hostile.transcript());
    let forged = text.lines().any(|line| line.trim_start().starts_with("verdict:    admitted\\r"));
    assert!(!forged, "{what}\n{}", hostile.transcript());
    assert!(!text.is_empty(), "{what}: nothing was said");
    (plain, hostile)
}

/// For names in texts.
#[track_caller]
fn with_text(what: &str, program: impl Fn(&Scratch, &str) -> Program) -> Ran {
    let program = |scratch: &Scratch, name: &OsStr| program(scratch, name.to_str().expect("a text"));
    same_lines(what, OsStr::new("a plain name"), OsStr::new(HOSTILE), program).1
}

/// For names of files, which `content` is written to.
#[track_caller]
fn with_file(what: &str, content: &[u8], program: impl Fn(&Path) -> Program) -> Ran {
    let program = |scratch: &Scratch, name: &OsStr| {
        let file = scratch.path().join(name);
        std::fs::write(&file, content).expect("a file");
        program(&file)
    };
    same_lines(what, OsStr::new("plain.wasm"), &hostile_text_file(), program).1
}

/// Arguments of the programs are text; what is in a directory need not be.
fn hostile_text_file() -> OsString {
    OsString::from(format!("{HOSTILE}.wasm"))
}

/// A plugin that does nothing.
fn quiet() -> Vec<u8> {
    wat::parse_str(
        r#"(module (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
    )
    .expect("a module")
}

/// A configuration in which the plugin at `path` has a mapping of this name, in a mode of this name.
fn config(name: &str, path: &str) -> String {
    format!(
        "[plugins.p]\npath = {path}\n[[modes]]\nname = {name}\n[[modes.mappings]]\ndescription = {name}\n\
         trigger = {{ Note = {{ note = 60 }} }}\naction = {{ WasmPlugin = {{ plugin = \"p\" }} }}\n",
        name = quoted(name),
        path = quoted(path)
    )
}

/// A capture with one press.
const PRESS: [u8; 3] = [0x90, 60, 100];

#[test]
fn names_of_plugin_files() {
    let conductor = |words: &'static str| move |file: &Path| bin("conductor").args(words).arg(file);
    for (what, content) in [("a plugin", quiet()), ("text", b"(module)".to_vec()), ("no module", b"MThd".to_vec())] {
        for words in
            ["plugin inspect", "plugin inspect --json", "plugin run", "plugin run --json", "plugin conformance"]
        {
            with_file(&format!("{words}: {what}"), &content, conductor(words));
        }
        with_file(&format!("verify: {what}"), &content, |file| bin("conductor-sign").arg("verify").arg(file));
        with_file(&format!("wasi: {what}"), &content, conductor("wasi"));
    }
    let shown = with_file("inspect", &quiet(), conductor("plugin inspect"));
    assert!(shown.stdout.contains(r"/x\nverdict:    admitted\r\u{1b}[2J\u{202e}"), "{}", shown.transcript());
}

#[test]
fn names_of_signed_files_keys_and_signers() {
    let signed = |scratch: &Scratch, name: &OsStr| {
        let key = scratch.path().join(name);
        bin("conductor-sign").arg("generate-key").arg(&key).run();
        let file = scratch.path().join(name).with_extension("wasm");
        std::fs::write(&file, quiet()).expect("a plugin");
        let sign = bin("conductor-sign").arg("sign").arg(&file).arg(&key);
        (file.clone(), sign.args("--name Ada --email ada@example.com --plugin-name keys --plugin-version 1.0.0"))
    };
    let hostile = OsStr::new(HOSTILE);
    let plain = OsStr::new("plain");
    same_lines("generate-key", plain, hostile, |scratch, name| {
        bin("conductor-sign").arg("generate-key").arg(scratch.path().join(name))
    });
    same_lines("sign", plain, hostile, |scratch, name| signed(scratch, name).1);
    same_lines("verify", plain, hostile, |scratch, name| {
        let (file, sign) = signed(scratch, name);
        sign.run();
        bin("conductor-sign").arg("verify").arg(file)
    });
    with_text("sign --name", |scratch, name| {
        let (_, sign) = signed(scratch, OsStr::new("key"));
        sign.arg("--name").arg(name)
    });
    // A signature is a file from elsewhere, too.
    with_text("a signature's fields", |scratch, name| {
        let (file, sign) = signed(scratch, OsStr::new("key"));
        sign.run();
        let signature = scratch.path().join("key.wasm.sig");
        let text = std::fs::read_to_string(&signature).expect("the signature").replace("\"Ada\"", &quoted(name));
        std::fs::write(&signature, text.replace("Ed25519", &quoted(name).replace('"', ""))).expect("the signature");
        bin("conductor-sign").arg("verify").arg(file)
    });
}

#[test]
fn fields_of_trust_and_grant_stores() {
    for (what, text) in [
        ("name", "[[keys]]\nname = NAME\nemail = \"\"\npublic_key = \"00\"\nadded_at = \"2025-01-01T00:00:00Z\"\n"),
        ("key", "[[keys]]\nname = \"a\"\nemail = \"\"\npublic_key = NAME\nadded_at = \"2025-01-01T00:00:00Z\"\n"),
        ("toml", "[[keys]]\nname = NAME NAME\n"),
        ("type", "keys = NAME\n"),
    ] {
        with_text(&format!("trust store: {what}"), |scratch, name| {
            let store = scratch.file("keys.toml", text.replace("NAME", &quoted(name)));
            bin("conductor-sign").args("trust list --trusted-keys").arg(store)
        });
    }
    with_text("trust add", |scratch, name| {
        let store = scratch.path().join(name);
        bin("conductor-sign").args("trust add").arg(name).arg(name).arg("--trusted-keys").arg(store)
    });
    with_text("trust remove", |scratch, name| {
        let store = scratch.file("keys.toml", "");
        bin("conductor-sign").args("trust remove").arg(name).arg("--trusted-keys").arg(store)
    });
    for text in ["version = 1\nNAME = 1\n", "version = 1\n[[grants]]\nplugin = NAME\nNAME = 2\n"] {
        with_text("grant store", |scratch, name| {
            scratch.file("conductor/grants.toml", text.replace("NAME", &quoted(name)));
            let config = scratch.file("conductor/config.toml", "");
            bin("conductor").env("XDG_CONFIG_HOME", scratch.path()).args("plugin list --config").arg(config)
        });
    }
}

#[test]
fn arguments() {
    for words in [
        "",
        "plugin",
        "plugin run x.wasm --repeat",
        "plugin run x.wasm --params",
        "plugin run x.wasm --grant",
        "plugin grant",
        "plugin grant a",
        "plugin inspect",
        "check",
        "run --input",
        "run --config",
        "monitor --input",
        "monitor --count",
        "replay",
        "wasi",
        "wasi --dir",
        "wasi --env",
        "wasi --fuel",
        "version",
    ] {
        for option in ["", "--"] {
            with_text(&format!("conductor {words} {option}NAME"), |_, name| {
                bin("conductor").args(words).arg(format!("{option}{name}"))
            });
        }
    }
    for words in
        ["", "sign", "verify", "trust", "trust add", "cosign", "rotate", "sign a b --expires", "sign a b --capability"]
    {
        with_text(&format!("conductor-sign {words}"), |_, name| bin("conductor-sign").args(words).arg(name));
    }
    // Bytes that are no text are an error of their own.
    let stray = bin("conductor").arg("plugin").arg(hostile_file()).run().exits(2);
    assert!(stray.utf8 && raw(&stray.stderr).is_none(), "{:?}", stray.stderr);
    assert_eq!(stray.stderr.lines().count(), 1, "{}", stray.transcript());
    assert!(stray.stderr.contains(r"\x9b2J\xff"), "{}", stray.transcript());
}

#[test]
fn the_environment() {
    with_text("HOME", |_, name| bin("conductor").env("HOME", format!("/{name}")).arg("check"));
    with_text("SOURCE_DATE_EPOCH", |scratch, name| {
        let key = scratch.path().join("key");
        bin("conductor-sign").arg("generate-key").arg(&key).run();
        let plugin = scratch.file("a.wasm", quiet());
        bin("conductor-sign").arg("sign").arg(plugin).arg(key).env("SOURCE_DATE_EPOCH", name)
    });
    // A home need not be text.
    let ran = bin("conductor").env("HOME", OsStr::from_bytes(b"/x\ny\x9b2J\xff")).arg("check").run().exits(2);
    assert!(ran.utf8 && ran.stderr.starts_with(r"/x\ny\x9b2J\xff/"), "{}", ran.transcript());
}

#[test]
fn keys_and_values_of_a_configuration() {
    for text in [
        "NAME = 1\n",
        "[NAME]\n",
        "[wasm]\nNAME = 1\n",
        "[wasm]\nmax_fuel = NAME\n",
        "[device]\nNAME = 1\n",
        "[plugins.NAME]\n",
        "[plugins.a]\nNAME = 1\n",
        "[plugins.a]\nsha256 = NAME\n",
        "[plugins.a]\nsecrets = { NAME = NAME }\n",
        "[plugins.a]\ngranted_capabilities = [NAME]\n",
        "[plugins.a]\nallowed_hosts = [NAME]\n",
        "[plugins.a]\npath = \"$A-B\"\nrequired_signers = [NAME]\n",
        "[[modes]]\nname = NAME\n[[modes]]\nname = NAME\n",
        "[[modes]]\nname = \"a\"\n[[modes.mappings]]\ntrigger = { NAME = { note = 1 } }\naction = { Text = \"a\" }\n",
        "[[modes]]\nname = \"a\"\n[[modes.mappings]]\ntrigger = { Note = { note = 1 } }\naction = { ModeChange = { mode = NAME } }\n",
        "[[modes]]\nname = \"a\"\n[[modes.mappings]]\ntrigger = { Note = { note = 1 } }\naction = { WasmPlugin = { path = NAME } }\n",
        "[[modes]]\nname = \"a\"\n[[modes.mappings]]\ntrigger = { Note = { note = 1 } }\naction = { Keystroke = { keys = NAME } }\n",
    ] {
        with_text(text, |scratch, name| {
            let config = scratch.file("config.toml", text.replace("NAME", &quoted(name)));
            bin("conductor").arg("check").arg(config)
        });
        with_text(text, |scratch, name| {
            let config = scratch.file("config.toml", text.replace("NAME", &quoted(name)));
            bin("conductor").arg("check").arg("--json").arg(config)
        });
    }
    with_text("the file's name", |scratch, name| {
        let config = scratch.file(&format!("{name}.toml"), "a = 1\n");
        bin("conductor").arg("check").arg(config)
    });
}

#[test]
fn plugins_of_a_configuration() {
    let file = |scratch: &Scratch, name: &str| {
        let plugin = scratch.file(&format!("{name}.wasm"), quiet());
        scratch.file(&format!("{name}.toml"), config(name, plugin.to_str().expect("a text")))
    };
    let missing = |scratch: &Scratch, name: &str| {
        scratch.file(&format!("{name}.toml"), config(name, &format!("/nonexistent/{name}.wasm")))
    };
    for words in ["check --plugins", "check --plugins --json"] {
        with_text(words, |scratch, name| bin("conductor").args(words).arg(file(scratch, name)));
        with_text(words, |scratch, name| bin("conductor").args(words).arg(missing(scratch, name)));
    }
    for words in ["plugin list", "plugin list --json", "plugin grant x", "plugin grant p", "plugin revoke x"] {
        with_text(words, |scratch, name| bin("conductor").args(words).arg("--config").arg(file(scratch, name)));
        with_text(words, |scratch, name| bin("conductor").args(words).arg("--config").arg(missing(scratch, name)));
    }
    for words in ["plugin grant", "plugin revoke"] {
        with_text(words, |scratch, name| {
            bin("conductor")
                .env("XDG_CONFIG_HOME", scratch.path())
                .args(words)
                .arg(name)
                .args("Network --host a.example --config")
                .arg(file(scratch, name))
        });
    }
    for words in ["run", "run --json", "run --dry-run"] {
        for make in [&file as &dyn Fn(&Scratch, &str) -> _, &missing] {
            with_text(words, |scratch, name| {
                let config = make(scratch, name);
                let input = scratch.file(&format!("{name}.raw"), PRESS);
                bin("conductor").args(words).arg("--config").arg(config).arg("--input").arg(input)
            });
        }
    }
}

#[test]
fn what_a_module_names() {
    let module = |name: &str, what: &str| {
        let json = what.contains("conductor.plugin").then(|| quoted(name));
        let name = json.as_deref().map_or(name, |json| json.trim_matches('"'));
        let name = name.chars().fold(String::new(), |mut text, c| {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                write!(text, "\\{byte:02x}").expect("a string");
            }
            text
        });
        let text = what.replace("NAME", &name);
        wat::parse_str(&text).expect(&text)
    };
    for what in [
        r#"(module (import "NAME" "NAME" (func)) (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
        r#"(module (import "conductor" "NAME" (func)) (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
        r#"(module (import "conductor" "NAME" (global i32)))"#,
        r#"(module (memory (export "memory") 1) (func (export "NAME")) (func (export "execute") (param i32 i32) (result i32) (unreachable)))"#,
        r#"(module (memory (export "memory") 1) (@custom "conductor.plugin" "{\22name\22:\22NAME\22,\22version\22:\22NAME\22}") (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
        r#"(module (memory (export "memory") 1) (@custom "conductor.plugin" "{NAME}") (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
    ] {
        for words in ["plugin inspect", "plugin inspect --json", "plugin run", "wasi", "plugin conformance"] {
            with_text(&format!("{words}: {what}"), |scratch, name| {
                let file = scratch.file("a.wasm", module(name, what));
                bin("conductor").args(words).arg(file)
            });
        }
    }
}

#[test]
fn sessions_and_their_journals() {
    // Names of modes, mappings and plugins, and the texts of effects, in the account and in a replay of the journal.
    let text = |name: &str| {
        config(name, &format!("/nonexistent/{name}.wasm"))
            + &format!(
                "[[modes.mappings]]\ndescription = {0}\ntrigger = {{ Note = {{ note = 62 }} }}\naction = {{ Shell = {{ command = {0} }} }}\n\
                 [[modes]]\nname = {1}\n[[modes.mappings]]\ntrigger = {{ Note = {{ note = 61 }} }}\naction = {{ ModeChange = {{ mode = {0} }} }}\n",
                quoted(name),
                quoted(&format!("{name} two")),
            )
    };
    let recorded = |scratch: &Scratch, name: &str| {
        let config = scratch.file("config.toml", text(name));
        let input = scratch.file("input.raw", [0x90, 60, 100, 0x90, 61, 100, 0x90, 62, 100]);
        let journal = scratch.path().join(format!("{name}.jsonl"));
        let run = bin("conductor").args("run --dry-run --config").arg(config).arg("--input").arg(input);
        (run.arg("--record").arg(&journal), journal)
    };
    with_text("run", |scratch, name| recorded(scratch, name).0);
    for words in ["replay", "replay --json"] {
        with_text(words, |scratch, name| {
            let (run, journal) = recorded(scratch, name);
            run.run().exits(1); // its plugin is not there
            bin("conductor").args(words).arg(journal)
        });
    }
    // A journal is a file from elsewhere: every text in it may say anything.
    with_text("a journal's fields", |scratch, name| {
        let (run, journal) = recorded(scratch, "plain");
        let ran = run.run().exits(1); // its plugin is not there
        let text = std::fs::read_to_string(&journal).unwrap_or_else(|_| panic!("{}", ran.transcript()));
        std::fs::write(&journal, text.replace("\"effect\"", &quoted(name))).expect("the journal");
        bin("conductor").arg("replay").arg(journal)
    });
    with_text("another engine", |scratch, name| {
        let (run, journal) = recorded(scratch, "plain");
        let ran = run.run().exits(1); // its plugin is not there
        let text = std::fs::read_to_string(&journal).unwrap_or_else(|_| panic!("{}", ran.transcript()));
        let engine =
            text.split("\"engine\":").nth(1).and_then(|rest| rest.split('"').nth(1)).expect("an engine").to_owned();
        std::fs::write(&journal, text.replace(&format!("\"{engine}\""), &quoted(name))).expect("the journal");
        bin("conductor").arg("replay").arg(journal)
    });
    with_text("an expected transcript", |scratch, name| {
        let (run, journal) = recorded(scratch, "plain");
        run.run().exits(1); // its plugin is not there
        let line = format!("{{\"t\":0,\"status\":{},\"error\":\"a\"}}\n", quoted(name)).repeat(3);
        let expected = scratch.file(&format!("{name}.transcript"), line);
        bin("conductor").arg("replay").arg(journal).arg("--expect").arg(expected)
    });
    with_text("monitor", |scratch, name| {
        let input = scratch.file(&format!("{name}.raw"), PRESS);
        bin("conductor").args("monitor --input").arg(input)
    });
    with_text("monitor, no MIDI", |scratch, name| {
        let input = scratch.file(&format!("{name}.mid"), "MThd");
        bin("conductor").args("monitor --input").arg(input)
    });
}
