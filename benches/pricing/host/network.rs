//! Requests and connections.

use conductor::internals::sandbox::Errno;

use super::call::{Call, call};
use super::json::{array, refused_heads, string};
use crate::case::EffectHandler;

/// `http_request` and `response_read`.
pub(super) fn network() -> Vec<Call> {
    const ARGUMENTS: &str = "first first_len second second_len";
    const MAX: usize = 64 << 10;
    let mut calls = Vec::new();
    let send = |what: &str, head: String| call("http_request", what, head, ARGUMENTS);
    let get = r#"{"url":"https://host1.example.com/"}"#;
    let post = |more: &str| format!(r#"{{"url":"https://host1.example.com/","method":"POST"{more}}}"#);
    let headers = |item: &str| post(&format!(r#","headers":{}"#, array(item, MAX - 100)));
    calls.extend(send("a small one", get.to_owned()).and_traced());
    calls.push(send("64 KiB of empty headers", headers(r#"["",""]"#)));
    calls.push(send("64 KiB of headers of one letter", headers(r#"["a","b"]"#)));
    calls.push(send("a header of 64 KiB escaped", headers(&format!("[\"a\",{}]", string("\\n", MAX - 120)))));
    calls.extend(send("a body of 1 MiB", post("")).and_filled(1 << 20).and_traced());
    let redirect = EffectHandler { redirect: true, ..EffectHandler::default() };
    let ten = |more: &str| post(&format!(r#","redirects":10{more}"#));
    calls.push(send("ten redirects", ten("")).outside(redirect));
    calls.push(send("ten redirects with a body of 1 MiB", ten("")).and_filled(1 << 20).outside(redirect));
    let many = ten(&format!(r#","headers":{}"#, array(r#"["a","b"]"#, MAX - 100)));
    calls.push(send("ten redirects with 64 KiB of headers", many).outside(redirect));
    calls.push(
        send("an answer of 4 MiB", get.to_owned()).outside(EffectHandler { body: 4 << 20, ..EffectHandler::default() }),
    );
    calls.push(
        send("an answer of 1,000 headers", get.to_owned())
            .outside(EffectHandler { headers: 1_000, ..EffectHandler::default() }),
    );
    let missing = EffectHandler { missing: true, ..EffectHandler::default() };
    calls.push(send("a host that is not there", get.to_owned()).outside(missing).refused(Errno::NotFound));

    let label = "x".repeat(60);
    let long_host = format!("{label}.{label}.{label}.{label}.net");
    let dots = format!("{}net", "a.".repeat(124));
    for (what, head) in [
        ("a host that is not allowed", r#"{"url":"https://other.example.net/"}"#.to_owned()),
        ("a host of 250 letters that is not allowed", format!(r#"{{"url":"https://{long_host}/"}}"#)),
        ("a host of 125 labels that is not allowed", format!(r#"{{"url":"https://{dots}/"}}"#)),
        ("a url of 64 KiB", format!(r#"{{"url":"https://{}"}}"#, "x".repeat(MAX - 100))),
        (
            "a url of 8,000 bytes that is not allowed",
            format!(r#"{{"url":"https://other.example.net/{}"}}"#, "x".repeat(8_000)),
        ),
        ("a url of a wrong scheme", r#"{"url":"ftp://x"}"#.to_owned()),
    ] {
        calls.extend(send(what, head).refused(Errno::Denied).and_traced());
    }
    for (what, head) in refused_heads(MAX) {
        calls.push(send(what, head).refused(Errno::Invalid));
    }
    calls.push(
        send(
            "a method of 60 KiB",
            format!(r#"{{"url":"https://host1.example.com/","method":"{}"}}"#, "X".repeat(60_000)),
        )
        .refused(Errno::Invalid),
    );
    calls.push(send("GET with a body of 1 MiB", get.to_owned()).and_filled(1 << 20).refused(Errno::Invalid));
    calls.push(
        call("http_request", "a head outside memory", "", "nowhere (i32.const 65536) second (i32.const 0)")
            .refused(Errno::Pointer),
    );
    calls.push(
        call("http_request", "a head too long", "", "first (i32.const 0x7fffffff) second (i32.const 0)")
            .refused(Errno::TooLarge),
    );
    calls.push(
        call("http_request", "a body outside memory", get, "first first_len nowhere (i32.const 1048576)")
            .refused(Errno::Pointer),
    );

    let answered = "(drop (call $http_request first first_len second (i32.const 0)))";
    let read = |what: &str, arguments: &str, body: usize| {
        call("response_read", what, get, arguments)
            .after(&["http_request"], answered)
            .outside(EffectHandler { body, ..EffectHandler::default() })
    };
    calls.push(call("response_read", "no answer", "", "second (i32.const 64)"));
    calls.push(read("a byte at a time", "second (i32.const 1)", 4 << 20).times(10_000));
    calls.push(read("64 KiB at a time", "second (i32.const 65536)", 4 << 20).times(60));
    calls.push(read("4 MiB", "second (i32.const 5000000)", 4 << 20).times(1));
    calls.push(read("into a buffer of none", "second (i32.const 0)", 4 << 20));
    calls.push(read("into a buffer outside memory", "nowhere (i32.const 65536)", 4 << 20).refused(Errno::Pointer));
    calls
}

pub(super) fn sockets() -> Vec<Call> {
    let url = r#"{"url":"wss://host1.example.com/"}"#;
    let opened = "(drop (call $ws_open first first_len))";
    let mut calls = Vec::new();
    calls.extend(call("ws_open", "a small one", url, "first first_len").and_traced());
    let headers = format!(r#"{{"url":"wss://host1.example.com/","headers":{}}}"#, array(r#"["a","b"]"#, 65_000));
    calls.push(call("ws_open", "64 KiB of headers", headers, "first first_len"));
    calls.push(
        call("ws_open", "a host that is not allowed", r#"{"url":"wss://other.example.net/"}"#, "first first_len")
            .refused(Errno::Denied),
    );
    calls.push(
        call("ws_open", "https", r#"{"url":"https://host1.example.com/"}"#, "first first_len").refused(Errno::Invalid),
    );
    let missing = EffectHandler { missing: true, ..EffectHandler::default() };
    calls.push(
        call("ws_open", "a host that is not there", url, "first first_len").outside(missing).refused(Errno::NotFound),
    );
    for (what, head) in refused_heads(64 << 10) {
        calls.push(call("ws_open", what, head, "first first_len").refused(Errno::Invalid));
    }

    let send = |what: &str, kind: u32| {
        call("ws_send", what, url, &format!("(i32.const 1) (i32.const {kind}) second second_len"))
            .after(&["ws_open"], opened)
    };
    calls.push(send("an empty text", 0));
    calls.extend(send("a text of 1 MiB", 0).and_filled(1 << 20).and_traced());
    calls.extend(send("1 MiB", 1).and_filled(1 << 20).and_traced());
    calls.push(send("a kind that is none", 2).refused(Errno::Invalid));
    calls.push(
        send("a text of 64 KiB that is not UTF-8", 0)
            .and([vec![b'x'; 65_535], vec![0xff]].concat())
            .refused(Errno::Invalid),
    );
    calls.push(
        call("ws_send", "no such connection", "", "(i32.const 7) (i32.const 0) second (i32.const 0)")
            .refused(Errno::NotFound),
    );
    let outside = call("ws_send", "outside memory", url, "(i32.const 1) (i32.const 1) nowhere (i32.const 1048576)");
    calls.push(outside.after(&["ws_open"], opened).refused(Errno::Pointer));

    let receive = |what: &str, body: usize| {
        let outside = EffectHandler { body, ..EffectHandler::default() };
        call("ws_recv", what, url, "(i32.const 1) (i32.const 1000)").after(&["ws_open"], opened).outside(outside)
    };
    calls.extend(receive("nothing came", 0).and_traced());
    calls.push(receive("a byte", 1));
    calls.push(receive("1 MiB", 1 << 20));
    calls.push(call("ws_recv", "no such connection", "", "(i32.const 7) (i32.const 1000)").refused(Errno::NotFound));

    calls.push(call("ws_close", "no such connection", "", "(i32.const 7)").refused(Errno::NotFound));
    calls.push(call("ws_close", "a connection", url, "(i32.const 1)").after(&["ws_open"], opened).times(1));
    calls
}
