//! Programs, the mixer, the machine and its keys.

use conductor::internals::sandbox::Errno;

use super::call::{Call, call};
use super::json::{array, refused_heads, string};
use crate::case::EffectHandler;

pub(super) fn programs() -> Vec<Call> {
    const ARGUMENTS: &str = "first first_len second second_len";
    const MAX: usize = 64 << 10;
    let mut calls = Vec::new();
    let run = |what: &str, head: String| call("exec", what, head, ARGUMENTS);
    let small = r#"{"program":"program1"}"#;
    calls.extend(run("a small one", small.to_owned()).and_traced());
    calls.push(run("256 arguments", format!(r#"{{"program":"program1","arguments":{}}}"#, array(r#""""#, 770))));
    calls.push(run("an input of 1 MiB", small.to_owned()).and_filled(1 << 20));
    calls.push(
        run("an output of 2 MiB", small.to_owned())
            .outside(EffectHandler { body: 1 << 20, ..EffectHandler::default() }),
    );
    let missing = EffectHandler { missing: true, ..EffectHandler::default() };
    calls.push(run("a program that is not there", small.to_owned()).outside(missing).refused(Errno::NotFound));
    let many = format!(r#"{{"program":"program1","arguments":{}}}"#, array(r#""""#, MAX - 100));
    calls.push(run("20,000 arguments", many).refused(Errno::TooLarge));
    calls.push(run("a NUL", r#"{"program":"program1","arguments":["\u0000"]}"#.to_owned()).refused(Errno::Invalid));
    for (what, head) in refused_heads(MAX) {
        calls.push(run(what, head).refused(Errno::Invalid));
    }
    for (what, head) in [
        ("a program that is not allowed", r#"{"program":"other"}"#.to_owned()),
        ("a shell", r#"{"program":"sh"}"#.to_owned()),
        ("a shell of 4,000 bytes", format!(r#"{{"program":"{}/sh"}}"#, "x".repeat(4_000))),
        ("a program of 4,000 bytes", format!(r#"{{"program":"{}"}}"#, "x".repeat(4_000))),
        ("a program of 660 control characters", format!(r#"{{"program":{}}}"#, string("\\u0001", 4_000))),
    ] {
        calls.extend(run(what, head).refused(Errno::Denied).and_traced());
    }
    calls.push(
        run("a program of 60 KiB", format!(r#"{{"program":"{}"}}"#, "x".repeat(60_000))).refused(Errno::TooLarge),
    );
    calls.push(
        run("a program of 10,000 control characters", format!(r#"{{"program":{}}}"#, string("\\u0001", 60_000)))
            .refused(Errno::TooLarge),
    );
    calls.push(
        call("exec", "an input outside memory", small, "first first_len nowhere (i32.const 1048576)")
            .refused(Errno::Pointer),
    );

    let sound = |what: &str, operation: &[u8], percent: i32| {
        call("audio_control", what, operation, &format!("first first_len (i32.const {percent})"))
    };
    calls.extend(sound("set", b"set", 50).and_traced());
    calls.push(sound("up", b"up", -1));
    calls.push(sound("no such operation", b"louder", 1).refused(Errno::Invalid));
    calls.push(sound("an operation that is not UTF-8", &[0xff; 16], 1).refused(Errno::Invalid));
    calls.push(sound("101 percent", b"set", 101).refused(Errno::Invalid));
    calls.push(sound("too long", &[b'x'; 17], 1).refused(Errno::TooLarge));
    calls.push(sound("no mixer", b"set", 50).outside(missing).refused(Errno::NotFound));
    calls.push(
        call("audio_control", "outside memory", "", "nowhere (i32.const 16) (i32.const 1)").refused(Errno::Pointer),
    );
    calls
}

/// `system_control` and `keys_send`.
pub(super) fn input() -> Vec<Call> {
    const ARGUMENTS: &str = "first first_len";
    const MAX: usize = 64 << 10;
    let mut calls = Vec::new();
    let control = |what: &str, json: String| call("system_control", what, json, ARGUMENTS);
    let notify = |title: &str, body: &str| format!(r#"{{"operation":"notify","title":{title},"body":{body}}}"#);
    calls.extend(control("lock", r#"{"operation":"lock"}"#.to_owned()).and_traced());
    calls.push(control("notify", notify("\"a\"", "\"b\"")));
    calls.push(control("notify with 60 KiB", notify("\"a\"", &string("x", 60_000))));
    calls.push(control("notify with 60 KiB of control characters", notify("\"a\"", &string("\\u0001", 60_000))));
    calls.push(
        control("notify with a title of 60 KiB of spaces", notify(&string(" ", 60_000), "\"\""))
            .refused(Errno::Invalid),
    );
    calls.push(
        control("a brightness of 0", r#"{"operation":"brightness","percent":0}"#.to_owned()).refused(Errno::Invalid),
    );
    calls.push(control("no such operation", r#"{"operation":"reboot"}"#.to_owned()).refused(Errno::Invalid));
    calls.push(
        control("no such operation of 60 KiB", format!(r#"{{"operation":{}}}"#, string("\\u0001", 60_000)))
            .refused(Errno::Invalid),
    );
    calls.push(
        control(
            "a value of 64 KiB before the operation",
            format!(r#"{{"a":{},"operation":"lock"}}"#, array("[]", MAX - 100)),
        )
        .refused(Errno::Invalid),
    );
    let missing = EffectHandler { missing: true, ..EffectHandler::default() };
    calls.push(control("no display", r#"{"operation":"lock"}"#.to_owned()).outside(missing).refused(Errno::NotFound));

    let press = |what: &str, json: String| call("keys_send", what, json, ARGUMENTS);
    calls.extend(press("a key", r#"{"keys":"c"}"#.to_owned()).and_traced());
    calls.push(press("1,000 characters", format!(r#"{{"text":{}}}"#, string("x", 1_002))));
    let modifiers = array(r#""ctrl""#, MAX - 100);
    calls.push(press("64 KiB of modifiers", format!(r#"{{"keys":"c","modifiers":{modifiers}}}"#)));
    calls.push(press("60,000 characters", format!(r#"{{"text":{}}}"#, string("x", 60_000))).refused(Errno::TooLarge));
    calls
        .push(press("no such key of 60 KiB", format!(r#"{{"keys":{}}}"#, string("x", 60_000))).refused(Errno::Invalid));
    calls.push(
        press("64 KiB of modifiers for no such key", format!(r#"{{"keys":"nosuch","modifiers":{modifiers}}}"#))
            .refused(Errno::Invalid),
    );
    calls.push(
        press("64 KiB of keys twice", format!("{{{}\"a\":1}}", "\"a\":1,".repeat((MAX - 7) / 6)))
            .refused(Errno::Invalid),
    );
    calls.push(press("64 KiB of empty arrays", array("[]", MAX)).refused(Errno::Invalid));
    calls.push(press("64 KiB of empty objects", array("{}", MAX)).refused(Errno::Invalid));
    calls.push(press("no keyboard", r#"{"keys":"c"}"#.to_owned()).outside(missing).refused(Errno::NotFound));
    for (what, head) in refused_heads(MAX) {
        calls.push(control(what, head.clone()).refused(Errno::Invalid));
        calls.push(press(what, head).refused(Errno::Invalid));
    }
    calls
}
