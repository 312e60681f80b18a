//! What stays with Conductor: lines of the log, output, values of the configuration; and MIDI messages.

use conductor::internals::sandbox::Errno;
use conductor::internals::state::StatePrefix;

use super::call::{Call, call};
use super::json::{array, string};
use crate::case::EffectHandler;

pub(super) fn log() -> Vec<Call> {
    const LINE: &str = "(i32.const 3) first first_len";
    const MAX: usize = 16 << 10;
    let mut calls = Vec::new();
    for (what, text) in [
        ("an empty line", Vec::new()),
        ("a line of 40 bytes", vec![b'x'; 40]),
        ("16 KiB", vec![b'x'; MAX]),
        ("16 KiB of control characters", vec![0x1b; MAX]),
        ("16 KiB that is not UTF-8", vec![0xff; MAX]),
        ("16 KiB of letters of two bytes", "ä".repeat(MAX / 2).into_bytes()),
        ("16 KiB of marks that turn the direction", "\u{202e}".repeat(MAX / 3).into_bytes()),
    ] {
        calls.push(call("log", what, &text, LINE).times(100));
        calls.extend(call("log", &format!("{what}, beyond the hundredth line"), &text, LINE).and_traced());
    }
    calls.push(call("log", "too long", "", "(i32.const 3) first (i32.const 0x7fffffff)"));
    calls.push(call("log", "outside memory", "", "(i32.const 3) nowhere (i32.const 16000)"));
    calls
}

pub(super) fn output() -> Vec<Call> {
    const ARGUMENTS: &str = "first first_len";
    const MAX: usize = 64 << 10;
    let mut calls = Vec::new();
    for (what, json) in [
        ("a number", "1".to_owned()),
        ("64 KiB of numbers", array("1", MAX)),
        ("64 KiB of numbers with exponents", array("1e9", MAX)),
        ("a number of 64 KiB", format!("0.{}", "1".repeat(MAX - 2))),
        ("64 KiB of empty arrays", array("[]", MAX)),
        ("64 KiB of empty objects", array("{}", MAX)),
        ("64 KiB of arrays, 100 deep", array(&format!("{}{}", "[".repeat(99), "]".repeat(99)), MAX)),
        ("64 KiB of objects, 100 deep", array(&format!("{}1{}", "{\"\":".repeat(99), "}".repeat(99)), MAX)),
        ("64 KiB of empty strings", array("\"\"", MAX)),
        ("64 KiB of keys", format!("{{{}\"a\":1}}", "\"a\":1,".repeat((MAX - 7) / 6))),
        ("64 KiB of escaped characters", string("\\u0000", MAX)),
        ("64 KiB of escaped surrogates", string("\\ud83d\\ude00", MAX)),
        ("64 KiB of escaped quotes", string("\\\"", MAX)),
        ("64 KiB of text", string("x", MAX)),
        ("64 KiB of text beyond ASCII", string("ä", MAX)),
        ("64 KiB of spaces", format!("[{}]", " ".repeat(MAX - 2))),
        ("64 KiB of spaces around", format!("{}1", " ".repeat(MAX - 1))),
    ] {
        calls.extend(call("output_set", what, json, ARGUMENTS).and_traced());
    }
    for (what, json) in [
        ("nothing", String::new()),
        ("64 KiB of brackets", "[".repeat(MAX)),
        ("64 KiB of numbers without an end", array("1", MAX).replace(']', " ")),
        ("64 KiB of lines without an end", format!("[{}", "\n".repeat(MAX - 1))),
        ("spaces", " ".repeat(MAX)),
    ] {
        calls.push(call("output_set", what, json, ARGUMENTS).refused(Errno::Invalid));
    }
    let not_text = [vec![b' '; MAX - 1], vec![0xff]].concat();
    calls.push(call("output_set", "64 KiB that ends in no UTF-8", not_text, ARGUMENTS).refused(Errno::Invalid));
    calls.push(call("output_set", "too long", "", "first (i32.const 0x7fffffff)").refused(Errno::TooLarge));
    calls.push(call("output_set", "outside memory", "", "nowhere (i32.const 65536)").refused(Errno::Pointer));
    calls
}

/// `config_get` and `last_error`.
pub(super) fn values() -> Vec<Call> {
    const ARGUMENTS: &str = "first first_len second (i32.const 64)";
    let long = format!("{}500", "k".repeat(253));
    let mut calls = Vec::new();
    calls.extend(call("config_get", "a short key", "short", ARGUMENTS).and_traced());
    calls.extend(call("config_get", "one of 1,000 keys of 256 bytes", long, ARGUMENTS).and_traced());
    let whole = "first first_len second (i32.const 1048576)";
    calls.push(call("config_get", "a value of 1 MiB", "long", whole));
    calls.push(call(
        "config_get",
        "a value of 1 MiB for a buffer of none",
        "long",
        "first first_len second (i32.const 0)",
    ));
    for (what, key) in [
        ("no key", Vec::new()),
        ("no such key", b"nosuch".to_vec()),
        ("no such key of 256 bytes", vec![b'k'; 256]),
        ("no such key of 256 control characters", vec![1; 256]),
        ("no such key of 256 quotes", vec![b'"'; 256]),
        ("no such key of private characters", "\u{e000}".repeat(85).into_bytes()),
        ("no such key of marks upon marks", "\u{301}".repeat(128).into_bytes()),
    ] {
        calls.extend(call("config_get", what, key, ARGUMENTS).refused(Errno::NotFound).and_traced());
    }
    calls.push(call("config_get", "a key that is not UTF-8", vec![0xff; 256], ARGUMENTS).refused(Errno::Invalid));
    let outside = "first first_len nowhere (i32.const 1000000)";
    calls.push(
        call("config_get", "a key too long", "", "first (i32.const 0x7fffffff) second (i32.const 64)")
            .refused(Errno::TooLarge),
    );
    calls.push(
        call("config_get", "a key outside memory", "", "nowhere (i32.const 256) second (i32.const 64)")
            .refused(Errno::Pointer),
    );
    calls.push(call("config_get", "a buffer outside memory", "short", outside).refused(Errno::Pointer));

    let asked = "(drop (call $config_get first (i32.const 256) second (i32.const 64)))";
    calls.push(call("last_error", "none", "", "second (i32.const 1000)"));
    for (what, arguments) in
        [("500 bytes", "second (i32.const 1000)"), ("500 bytes for a buffer of none", "second (i32.const 0)")]
    {
        calls.push(call("last_error", what, vec![1; 256], arguments).after(&["config_get"], asked));
    }
    let outside = call("last_error", "a buffer outside memory", vec![1; 256], "nowhere (i32.const 1000)");
    calls.push(outside.after(&["config_get"], asked).refused(Errno::Pointer));
    calls
}

/// `state_set`, `state_watch` and `timer_set`.
pub(super) fn state() -> Vec<Call> {
    const ARGUMENTS: &str = "first first_len second second_len";
    let resident = |call: Call| {
        call.with(|settings| {
            settings.resident = true;
            settings.allowed_state = vec![StatePrefix::parse("mode").expect("a prefix")];
        })
    };
    let set = |what: &str, key: &str, value: String| call("state_set", what, key, ARGUMENTS).and(value);
    let quoted = format!("\"{}\"", "\\\"".repeat(60));
    let escaped = format!("\"{}\"", "\\u0001".repeat(256));
    let mut calls = Vec::new();
    calls.extend(set("a flag", "muted", "true".to_owned()).and_traced());
    calls.push(set("a text of 256 escaped bytes under a key of quotes", &quoted, escaped));
    calls.push(set("a number", "a.b.c.d", "-1.25e-7".to_owned()));
    calls.push(set("nothing where nothing is", "muted", "null".to_owned()));
    calls.push(set("no value", "muted", "[]".to_owned()).refused(Errno::Invalid));
    calls.push(set("no key", &".".repeat(128), "1".to_owned()).refused(Errno::Invalid));
    calls
        .push(call("state_set", "too long", "", "first (i32.const 129) second (i32.const 1)").refused(Errno::TooLarge));
    calls.push(resident(call("state_watch", "its own", "plugin.priced", "first first_len")));
    calls.push(resident(call("state_watch", "what it may", "mode", "first first_len")));
    let others = format!("var.{}", "x".repeat(252));
    calls.push(resident(call("state_watch", "what it may not", &others, "first first_len").refused(Errno::Denied)));
    calls.push(
        call("state_watch", "of one that is not resident", "mode", "first first_len").refused(Errno::Unsupported),
    );
    calls.push(resident(call("timer_set", "a second", "", "(i32.const 1) (i32.const 1000)")));
    calls.push(resident(call("timer_set", "taken back", "", "(i32.const 1) (i32.const 0)")));
    calls.push(resident(call("timer_set", "too soon", "", "(i32.const 1) (i32.const 9)").refused(Errno::Invalid)));
    calls.push(
        call("timer_set", "of one that is not resident", "", "(i32.const 1) (i32.const 10)")
            .refused(Errno::Unsupported),
    );
    calls
}

pub(super) fn midi() -> Vec<Call> {
    const ARGUMENTS: &str = "first first_len second second_len";
    const MAX: usize = 8 << 10;
    let mut calls = Vec::new();
    let send = |what: &str, bytes: Vec<u8>| call("midi_send", what, "port 500", ARGUMENTS).and(bytes);
    calls.extend(send("a note", vec![0x90, 60, 100]).and_traced());
    calls.push(send("8 KiB of clocks", vec![0xf8; MAX]));
    calls.push(send("8 KiB of notes", [0x90, 60, 100].repeat(MAX / 3)));
    calls.push(send("8 KiB of running status", [vec![0x90], vec![60; MAX - 2]].concat()));
    calls.push(send("8 KiB of empty system exclusives", [0xf0, 0xf7].repeat(MAX / 2)));
    calls.push(send("8 KiB of system exclusives of one byte", [0xf0, 1, 0xf7].repeat(MAX / 3)));
    calls.push(send("a system exclusive of 8 KiB", [vec![0xf0], vec![1; MAX - 2], vec![0xf7]].concat()));
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("8 KiB of clocks and a broken note", [vec![0xf8; MAX - 1], vec![0x90]].concat()),
        ("8 KiB of empty system exclusives and a broken note", [[0xf0, 0xf7].repeat(MAX / 2 - 1), vec![0x90]].concat()),
        (
            "8 KiB of system exclusives of one byte and a broken note",
            [[0xf0, 1, 0xf7].repeat(MAX / 3 - 1), vec![0x90]].concat(),
        ),
        ("8 KiB of broken notes", vec![0x90; MAX]),
        ("8 KiB of data without status", vec![1; MAX]),
        ("a system exclusive without an end", [vec![0xf0], vec![1; MAX - 1]].concat()),
    ] {
        calls.push(send(what, bytes).refused(Errno::Invalid));
    }
    let missing = EffectHandler { missing: true, ..EffectHandler::default() };
    calls.push(send("a port that is not there", vec![0x90, 60, 100]).outside(missing).refused(Errno::NotFound));
    calls.push(
        send("8 KiB of clocks to a port that is not there", vec![0xf8; MAX]).outside(missing).refused(Errno::NotFound),
    );
    for (what, port) in [
        ("a port that is not allowed", b"other".to_vec()),
        ("no port", Vec::new()),
        ("a port of 256 control characters", vec![1; 256]),
        ("a port of marks upon marks", "\u{301}".repeat(128).into_bytes()),
    ] {
        let refused = call("midi_send", what, port, ARGUMENTS).and([0x90, 60, 100]).refused(Errno::Denied);
        calls.extend(refused.and_traced());
    }
    calls.push(call("midi_send", "a port that is not UTF-8", vec![0xff; 256], ARGUMENTS).refused(Errno::Invalid));
    calls.push(
        call("midi_send", "too many bytes", "port 1", "first first_len second (i32.const 0x7fffffff)")
            .refused(Errno::TooLarge),
    );
    calls.push(
        call("midi_send", "bytes outside memory", "port 1", "first first_len nowhere (i32.const 8192)")
            .refused(Errno::Pointer),
    );
    calls
}
