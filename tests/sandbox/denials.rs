//! Whatever a plugin is denied is counted, and each thing it asked for is named once in the log, with the line that would allow it.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::support::{Ran, Scratch, bin};

/// What a plugin asks for.
#[derive(Clone, Copy)]
enum Ask<'a> {
    /// A host function, with this head.
    Host(&'static str, &'a str),
    /// A port.
    Port(&'a str),
    /// A file, to be read or written.
    Path(&'a str, bool),
}

/// A plugin that asks for all of `asks` in one call and returns `code`.
fn asking(asks: &[Ask<'_>], code: i32) -> Vec<u8> {
    let (mut data, mut calls, mut at) = (String::new(), String::new(), 1_024);
    for ask in asks {
        let (call, text) = match *ask {
            Ask::Host(function, head) => (
                format!("(call ${function} (i32.const {at}) (i32.const {}) (i32.const 0) (i32.const 0))", head.len()),
                head,
            ),
            Ask::Port(port) => (
                format!("(call $midi_send (i32.const {at}) (i32.const {}) (i32.const 0) (i32.const 3))", port.len()),
                port,
            ),
            Ask::Path(path, write) => {
                let (oflags, rights) = if write { (1, 64) } else { (0, 2) };
                let call = format!(
                    "(call $path_open (i32.const 3) (i32.const 1) (i32.const {at}) (i32.const {}) (i32.const {oflags}) \
                     (i64.const {rights}) (i64.const {rights}) (i32.const 0) (i32.const 16))",
                    path.len()
                );
                (call, path)
            }
        };
        let _ = writeln!(calls, "(drop {call})");
        let _ = writeln!(data, "(data (i32.const {at}) \"{}\")", text.replace('"', "\\\""));
        at += text.len();
    }
    let host =
        |name: &str| format!("(import \"conductor\" \"{name}\" (func ${name} (param i32 i32 i32 i32) (result i32)))\n");
    let used = |name: &str| calls.contains(&format!("${name} "));
    let mut imports: String =
        ["http_request", "exec", "midi_send"].into_iter().filter(|name| used(name)).map(host).collect();
    if used("path_open") {
        imports += "(import \"wasi_snapshot_preview1\" \"path_open\" \
                    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))\n";
    }
    let text = format!(
        "(module {imports} (memory (export \"memory\") 4) (data (i32.const 0) \"\\90\\3c\\64\") {data}
           (func (export \"alloc\") (param i32) (result i32) (i32.const 8))
           (func (export \"execute\") (param i32 i32) (result i32) {calls} (i32.const {code})))"
    );
    wat::parse_str(text).expect("text")
}

/// Calls `wasm` with this grant `presses` times.
#[track_caller]
fn run(scratch: &Scratch, wasm: &[u8], grant: &str, presses: usize) -> Ran {
    let config = format!(
        "[plugins.p]\npath = \"{}\"\n{grant}\n[[global_mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\n\
         action = {{ WasmPlugin = {{ plugin = \"p\" }} }}\n",
        scratch.file("p.wasm", wasm).display()
    );
    let config = scratch.file("config.toml", config);
    let input: PathBuf = scratch.file("session.bin", [0x90, 60, 100].repeat(presses));
    let program = bin("conductor").args("run --json --input").arg(input).arg("--config").arg(config);
    program.arg("--data").arg(scratch.path().join("data")).run().exits(0)
}

/// The warnings of denials, without their beginning.
fn denied(ran: &Ran) -> Vec<&str> {
    let begin = "warn: plugin \"p\": ";
    ran.stderr.lines().filter_map(|line| line.strip_prefix(begin)).filter(|line| line.contains("denied")).collect()
}

/// What each line of JSON says of denials.
fn counted(ran: &Ran) -> Vec<Option<&str>> {
    let of = |line| str::split_once(line, "\"denied\":").map(|(_, rest)| rest.trim_end_matches('}'));
    ran.stdout.lines().map(of).collect()
}

#[test]
fn each_thing_a_plugin_is_denied_is_named_once_and_all_of_it_is_counted() {
    let scratch = Scratch::new();
    let wasm = asking(
        &[
            Ask::Host("http_request", r#"{"url":"https://one.example/a"}"#),
            Ask::Host("http_request", r#"{"url":"https://two.example/"}"#),
            Ask::Host("http_request", r#"{"url":"https://one.example/b"}"#),
            Ask::Host("http_request", r#"{"url":"http://one.example/"}"#),
            Ask::Host("exec", r#"{"program":"playerctl"}"#),
            Ask::Host("exec", r#"{"program":"sh"}"#),
            Ask::Host("exec", r#"{"program":"rm"}"#),
            Ask::Port("synth"),
            Ask::Port("other"),
        ],
        0,
    );
    let grant = "granted_capabilities = [\"Network\", \"Subprocess\", \"Midi\"]\nallowed_hosts = [\"three.example\"]";
    let first = run(&scratch, &wasm, grant, 3);
    let add = |function: &str, what: &str, key: &str, value: &str, all: &str| {
        format!(
            "{function} denied: {what}; only if you expect this: in [plugins.p], add \"{value}\" to {key}: {key} = [{all}]"
        )
    };
    let hosts = |origin: &str, value: &str| {
        let all = format!("\"three.example\", \"{value}\"");
        add("http_request", &format!("{origin} is not an allowed host"), "allowed_hosts", value, &all)
    };
    let command = |name: &str| {
        let what = format!("\"{name}\" is not an allowed command");
        add("exec", &what, "allowed_commands", name, &format!("\"{name}\""))
    };
    let port = |name: &str| {
        add(
            "midi_send",
            &format!("\"{name}\" is not an allowed MIDI port"),
            "allowed_ports",
            name,
            &format!("\"{name}\""),
        )
    };
    assert_eq!(
        denied(&first),
        [
            hosts("https://one.example", "one.example"),
            hosts("https://two.example", "two.example"),
            hosts("http://one.example", "http://one.example"),
            command("playerctl"),
            "exec denied: \"sh\" is a shell, and plugins run none; put what the shell would run into a program file of its own \
             and allow that file by its path"
                .to_owned(),
            command("rm"),
            port("synth"),
            port("other"),
            "denied in all: 27; exec (command): 6, exec (shell): 3, http_request (host): 12, midi_send (port): 6".to_owned(),
        ]
    );
    assert_eq!(counted(&first), [Some("9"); 3]);
    // The same each time.
    let second = run(&scratch, &wasm, grant, 3);
    assert_eq!((second.stderr, second.stdout), (first.stderr, first.stdout));
}

#[test]
fn a_plugin_that_asks_for_ever_more_is_named_up_to_a_bound() {
    let scratch = Scratch::new();
    let ports: Vec<String> = (0..100).map(|number| format!("port {number}")).collect();
    let asks: Vec<_> = ports.iter().map(|port| Ask::Port(port)).collect();
    let ran = run(&scratch, &asking(&asks, 0), "granted_capabilities = [\"Midi\"]", 2);
    let said = denied(&ran);
    assert_eq!(said.len(), 64 + 2, "{said:#?}");
    assert!(said[63].starts_with("midi_send denied: \"port 63\" is not an allowed MIDI port"), "{}", said[63]);
    let end = [
        "64 different things were denied to it; what else it asks for is counted, not named",
        "denied in all: 200; midi_send (port): 200",
    ];
    assert_eq!(said[64..], end);
    assert_eq!(counted(&ran), [Some("100"); 2]);
}

#[test]
fn denials_of_files_are_told_and_counted_like_the_others() {
    let scratch = Scratch::new();
    let asks = [
        Ask::Path("notes/a", true),
        Ask::Path("notes/a", false),
        Ask::Path("other", true),
        Ask::Path("other/../other", true),
        Ask::Path("music/b", false),
        Ask::Path("../../etc/passwd", false),
        Ask::Path("/etc/passwd", false),
        Ask::Path("notes/absent", false),
    ];
    std::fs::create_dir_all(scratch.path().join("data/p/default/notes")).expect("a directory");
    std::fs::create_dir_all(scratch.path().join("data/p/default/other")).expect("a directory");
    let grant = "granted_capabilities = [\"Filesystem\"]\nallowed_paths = ";
    let expect = "only if you expect this: in [plugins.p], add";
    let outside = |path: &str| {
        format!(
            "path_open denied: \"{path}\" leads out of its directory; a plugin has the files of its own directory and no others; \
             correct the path in the plugin or in its parameters"
        )
    };
    let ran = run(&scratch, &asking(&asks, 0), &format!("{grant}[\"/notes\"]"), 2);
    let list = |path: &str| format!("{expect} \"{path}\" to allowed_paths: allowed_paths = [\"/notes\", \"{path}\"]");
    assert_eq!(
        denied(&ran),
        [
            format!("path_open denied: \"/other\" is not an allowed path to write; {}", list("/other")),
            outside("../../etc/passwd"),
            outside("/etc/passwd"),
            "denied in all: 8; path_open (outside): 4, path_open (path): 4".to_owned(),
        ]
    );
    assert_eq!(counted(&ran), [Some("4"); 2]);
    // Read and written apart.
    let ran =
        run(&scratch, &asking(&asks[..3], 0), &format!("{grant}{{ read = [\"/other\"], write = [\"/notes\"] }}"), 1);
    assert_eq!(
        denied(&ran),
        [
            format!(
                "path_open denied: \"/notes/a\" is not an allowed path to read; {expect} \"/notes/a\" to allowed_paths: \
                 allowed_paths = {{ read = [\"/other\", \"/notes/a\"], write = [\"/notes\"] }}"
            ),
            format!(
                "path_open denied: \"/other\" is not an allowed path to write; {expect} \"/other\" to allowed_paths: \
                 allowed_paths = {{ read = [\"/other\"], write = [\"/notes\", \"/other\"] }}"
            ),
            "denied in all: 2; path_open (path): 2".to_owned(),
        ]
    );
    assert_eq!(counted(&ran), [Some("2")]);
}

#[test]
fn a_plugin_that_fails_because_it_has_no_files_is_told_so_once() {
    let scratch = Scratch::new();
    let line = "Filesystem is not granted; in [plugins.p]: granted_capabilities = [\"Filesystem\"]; or run: conductor plugin \
                grant p Filesystem";
    // What opens a file itself, by the number of a directory it thinks it has.
    let ran = run(&scratch, &asking(&[Ask::Path("a", false)], 3), "", 3);
    assert_eq!(
        denied(&ran),
        [format!("path_open denied: {line}"), "denied in all: 3; path_open (capability): 3".to_owned()]
    );
    assert_eq!(counted(&ran), [Some("1"); 3]);
    // What finds no directory, and then does not even ask, as programs made with wasi-libc do.
    let looking = |end: &str| {
        let text = format!(
            r#"(module
              (import "wasi_snapshot_preview1" "fd_prestat_get" (func $look (param i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "path_open"
                (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func (export "alloc") (param i32) (result i32) (i32.const 8))
              (func (export "execute") (param i32 i32) (result i32) (drop (call $look (i32.const 3) (i32.const 16))) {end}))"#
        );
        wat::parse_str(text).expect("text")
    };
    let said = ["files denied: ".to_owned() + line, "denied in all: 1; files (capability): 1".to_owned()];
    for end in ["(i32.const 3)", "unreachable"] {
        let ran = run(&scratch, &looking(end), "", 1);
        assert_eq!(
            (denied(&ran), counted(&ran)),
            (said.iter().map(String::as_str).collect(), vec![Some("1")]),
            "{end}"
        );
    }
    for (wasm, grant) in
        [(looking("(i32.const 0)"), ""), (looking("(i32.const 3)"), "granted_capabilities = [\"Filesystem\"]")]
    {
        let ran = run(&scratch, &wasm, grant, 1);
        assert_eq!((denied(&ran).len(), counted(&ran)), (0, vec![None]), "{}", ran.transcript());
    }
}
