//! The functions of the module `conductor`: what they accept at its largest, and each way in which they refuse.

use std::fmt::Write as _;

use conductor::internals::capability::Capability;
use conductor::internals::config::PluginConfig;
use conductor::internals::host::TABLE;
use conductor::internals::sandbox::{Errno, HostFunction, ValueType};

use super::case::{Answer, Bound, Case, EffectHandler, Rounds, Text, settings};

/// Where the first and the second argument of a function lie in the guest's memory.
const FIRST: u32 = 65_536;
const SECOND: u32 = 262_144;

/// The same where it has no memory.
const NOWHERE: u32 = 0xffff_0000;

/// A call of a host function, before it is a case.
struct Call {
    function: &'static HostFunction,
    first: Vec<u8>,
    second: Vec<u8>,
    /// `second` once more so often, by `memory.fill`: megabytes do not stand in a module's text.
    filled: u32,
    arguments: String,
    /// Other functions it calls, and the calls, once before it is measured.
    before: (&'static [&'static str], String),
    case: Case,
}

fn function(name: &str) -> &'static HostFunction {
    TABLE.iter().find(|function| function.name == name).expect("a function of the table")
}

/// A call of `name` with the bytes of `first` and `second` and these arguments, where `first`, `first_len`, `second` and
/// `second_len` stand for where they lie.
fn call(name: &'static str, what: &str, first: impl AsRef<[u8]>, arguments: &str) -> Call {
    let case = Case { settings: granted(), ..Case::of(format!("{name}: {what}"), &[name], String::new()) };
    Call {
        function: function(name),
        first: first.as_ref().to_vec(),
        second: Vec::new(),
        filled: 0,
        arguments: arguments.to_owned(),
        before: (&[], String::new()),
        case,
    }
}

impl Call {
    fn and(mut self, second: impl AsRef<[u8]>) -> Self {
        second.as_ref().clone_into(&mut self.second);
        self
    }
    fn and_filled(mut self, bytes: u32) -> Self {
        self.filled = bytes;
        self
    }
    fn after(mut self, functions: &'static [&'static str], calls: &str) -> Self {
        self.before = (functions, calls.to_owned());
        self
    }
    fn refused(mut self, errno: Errno) -> Self {
        self.case.answer = Answer::Refused(errno.code());
        self
    }
    fn times(mut self, times: u32) -> Self {
        self.case.rounds = Rounds::Times(times);
        self
    }
    fn outside(mut self, outside: EffectHandler) -> Self {
        self.case.outside = outside;
        self
    }
    fn with(mut self, change: impl FnOnce(&mut PluginConfig)) -> Self {
        change(&mut self.case.settings);
        self
    }
    /// Once as it is, and once with every host call told.
    fn and_traced(self) -> [Self; 2] {
        let traced = Self {
            function: self.function,
            first: self.first.clone(),
            second: self.second.clone(),
            filled: self.filled,
            arguments: self.arguments.clone(),
            before: self.before.clone(),
            case: Case {
                name: format!("{}, traced", self.case.name),
                covers: self.case.covers.clone(),
                module: String::new(),
                settings: self.case.settings.clone(),
                trace: true,
                ..self.case
            },
        };
        [self, traced]
    }

    fn case(self) -> Case {
        let place = |text: &str| {
            text.replace("first_len", &format!("(i32.const {})", self.first.len()))
                .replace("first", &format!("(i32.const {FIRST})"))
                .replace("second_len", &format!("(i32.const {})", self.second.len().max(self.filled as usize)))
                .replace("second", &format!("(i32.const {SECOND})"))
                .replace("nowhere", &format!("(i32.const {})", NOWHERE.cast_signed()))
        };
        let import = |function: &HostFunction| {
            let types = |kind: &str, types: &[ValueType]| {
                types.iter().fold(String::new(), |text, ty| format!("{text} ({kind} {ty})"))
            };
            format!(
                "(import \"conductor\" \"{0}\" (func ${0}{1}{2}))",
                function.name,
                types("param", function.params),
                types("result", function.results)
            )
        };
        let mut imports = import(self.function);
        for name in self.before.0 {
            imports.push_str(&import(function(name)));
        }
        let data = |at: u32, bytes: &[u8]| {
            let text = bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "\\{byte:02x}");
                text
            });
            format!("(data (i32.const {at}) \"{text}\")")
        };
        let fields = data(FIRST, &self.first) + &data(SECOND, &self.second);
        let fill = format!("(memory.fill (i32.const {SECOND}) (i32.const 120) (i32.const {}))", self.filled);
        let before = if self.filled > 0 { fill } else { String::new() } + &place(&self.before.1);
        let mut body = format!("(call ${} {})", self.function.name, place(&self.arguments));
        if !self.function.results.is_empty() {
            body = format!("(local.set $r {body})");
        }
        let text = Text { imports: &imports, memory: "96", fields: &fields, before: &before, body: &body };
        Case { module: text.module(), ..self.case }
    }
}

/// Everything granted, with scopes and values as large as anybody has them.
fn granted() -> PluginConfig {
    let mut settings = settings();
    settings.granted_capabilities = Capability::ALL.to_vec();
    settings.allowed_hosts = (0..1_000).map(|number| format!("host{number}.example.com")).collect();
    settings.allowed_hosts.extend(["*.example.org".to_owned(), "http://[::1]".to_owned()]);
    settings.allowed_commands = (0..1_000).map(|number| format!("program{number}")).collect();
    settings.allowed_ports = (0..1_000).map(|number| format!("port {number}")).collect();
    settings.config =
        (0..1_000).map(|number| (format!("{}{number:03}", "k".repeat(253)), "value".to_owned())).collect();
    settings.config.insert("short".to_owned(), "value".to_owned());
    settings.config.insert("long".to_owned(), "v".repeat(1 << 20));
    settings
}

/// A JSON array of as many `item`s as `bytes` hold.
fn array(item: &str, bytes: usize) -> String {
    let count = bytes.saturating_sub(2) / (item.len() + 1);
    format!("[{}]", vec![item; count].join(","))
}

/// A JSON string that repeats `text` up to `bytes`.
fn string(text: &str, bytes: usize) -> String {
    format!("\"{}\"", text.repeat(bytes.saturating_sub(2) / text.len()))
}

/// A case or more of every function of the table.
pub(crate) fn cases() -> Vec<Case> {
    let mut calls: Vec<Call> = Vec::new();
    calls.extend(log());
    calls.extend(output());
    calls.extend(values());
    calls.extend(midi());
    calls.extend(network());
    calls.extend(sockets());
    calls.extend(programs());
    calls.extend(input());
    let mut cases: Vec<Case> = calls.into_iter().map(Call::case).collect();
    cases.extend(ungranted());
    cases.push(standard_output("newlines", "\\0a", 100));
    cases.push(standard_output("lines of a kilobyte of control characters", "\\1b", 100));
    cases
}

fn log() -> Vec<Call> {
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

fn output() -> Vec<Call> {
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
fn values() -> Vec<Call> {
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

fn midi() -> Vec<Call> {
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

/// `http_request` and `response_read`.
fn network() -> Vec<Call> {
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

/// Heads of requests that are not understood, of at most `max` bytes.
fn refused_heads(max: usize) -> Vec<(&'static str, String)> {
    vec![
        ("no head", String::new()),
        ("a head of numbers", array("1", max)),
        ("a head of brackets", "[".repeat(max)),
        ("a head of spaces", " ".repeat(max)),
        ("a head of lines", "\n".repeat(max)),
        ("a head that is a text", string("\\u0001", max)),
        ("an unknown key of 60 KiB", format!("{{\"{}\":1}}", "k".repeat(60_000))),
        ("an unknown key of 60 KiB of control characters", format!("{{{}:1}}", string("\\u0001", 60_000))),
        ("a number for the url", r#"{"url":1}"#.to_owned()),
        ("a text of 60 KiB for the time", format!(r#"{{"timeout_ms":{}}}"#, string("\\u0001", 60_000))),
    ]
}

fn sockets() -> Vec<Call> {
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

fn programs() -> Vec<Call> {
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
fn input() -> Vec<Call> {
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

/// Every function that needs a capability, without it.
fn ungranted() -> Vec<Case> {
    let gated = TABLE.iter().filter(|function| function.capability.is_some());
    gated
        .map(|function| {
            let arguments = "(i32.const 0) ".repeat(function.params.len());
            let call = call(function.name, "not granted", "", &arguments).refused(Errno::Denied).with(|settings| {
                settings.granted_capabilities = Vec::new();
            });
            Case { granted: false, ..call.case() }
        })
        .collect()
}

/// 64 KiB written to standard output, which ends in the log line by line.
fn standard_output(what: &str, byte: &str, times: u32) -> Case {
    let imports = "(import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))";
    let fields = format!("(data (i32.const 1024) \"{}\")", format!("{}\\0a", byte.repeat(1_023)).repeat(64));
    let body = "(i32.store (i32.const 512) (i32.const 1024)) (i32.store (i32.const 516) (i32.const 65536))
      (local.set $r (call $write (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 520)))";
    let module = Text { imports, memory: "3", fields: &fields, body, ..Text::default() }.module();
    let name = format!("fd_write to the log: 64 KiB of {what}");
    Case { rounds: Rounds::Times(times), bound: Bound::Price, ..Case::of(name, &[], module) }
}
