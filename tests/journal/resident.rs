//! A live run with a resident plugin on a connection comes back to the very transcript it had, without the server and without the secret.
#![cfg(all(feature = "http", feature = "websocket"))]

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tungstenite::Message;
use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::CloseFrame;

use crate::support::server::Server;
use crate::support::{Scratch, bin, repository, start};

const PASSWORD: &str = "supersecretpassword";

/// The answer of OBS's own description of its protocol.
const LOGIN: &str = r#"{"authentication":"1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4="}"#;

/// Messages the server sends at once: more than may wait.
const FLOOD: usize = 600;

/// A server that wants to be logged in to, floods whoever has, waits for an answer, and ends the connection; of the
/// second it tells `again`.
fn server(again: Sender<()>) -> Server {
    let again = Mutex::new(again);
    Server::start(move |stream, seen| {
        let agree = |request: &Request, mut response: Response| {
            while request.uri().path() == "/silent" {
                std::thread::park(); // never answered, for as long as the test's process lives
            }
            if let Some(protocol) = request.headers().get("sec-websocket-protocol") {
                response.headers_mut().insert("sec-websocket-protocol", protocol.clone());
            }
            Ok(response)
        };
        #[allow(clippy::result_large_err)] // the library's own type
        let Ok(mut socket) = tungstenite::accept_hdr(stream, agree) else { return };
        let Ok(login) = socket.read() else { return };
        let first = {
            let mut seen = seen.lock().expect("notes");
            seen.push(login.to_string());
            seen.len() == 1
        };
        if !first {
            let _ = again.lock().expect("a sender").send(());
            let _ = socket.read(); // until it is closed
            return;
        }
        for number in 0..FLOOD {
            // What it was told comes back, and must not reach the plugin.
            let text = if number == 0 { format!("hello {PASSWORD}") } else { number.to_string() };
            if socket.send(Message::text(text)).is_err() {
                return;
            }
        }
        // Once it is answered; how many answers are turned away meanwhile is a matter of time.
        if socket.read().is_err() {
            return;
        }
        let _ = socket.close(Some(CloseFrame { code: 4009.into(), reason: "session invalidated".into() }));
        while socket.read().is_ok() {}
    })
}

#[test]
fn a_resident_plugin_on_a_connection_replays_without_the_server() {
    let scratch = Scratch::new();
    let (sender, again) = channel();
    let server = server(sender);
    let url = format!("ws://127.0.0.1:{}/", server.address.port());
    let host = url.trim_end_matches('/');
    let open = format!(r#"["open", "{url}", [["sec-websocket-protocol", "obswebsocket.json"]]]"#);
    // The first is never open, so what is sent on it comes too early.
    let silent = format!(r#"["open", "{url}silent"]"#);
    let text = format!(
        "[plugins.obs]\npath = \"{}\"\nresident = true\ngranted_capabilities = [\"Network\"]\nallowed_hosts = [\"{host}\"]\n\
         allowed_state = [\"toggle\"]\nsecrets = {{ password = {{ env = \"OBS_PASSWORD\", hosts = [\"{host}\"] }} }}\n\
         [plugins.obs.config]\nstart = '[{silent}, {open}, [\"send\", 1, \"early\"], [\"watch\", \"toggle\"], [\"timer\", 1, 10]]'\n\
         open = '[[\"login\", 2, \"password\", \"lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI=\", \"+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY=\"], \
         [\"send\", 3, \"again\"], [\"set\", \"connected\", true]]'\n\
         message = '[[\"send\", 2, \"got\"], [\"set\", \"last\", 1]]'\nclosed = '[[\"set\", \"connected\", false], {open}]'\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\naction = {{ Toggle = {{ name = \"x\" }} }}\n",
        repository("fixtures/plugins/resident_probe.wasm").display()
    );
    let config = scratch.file("config.toml", text);
    let journal = scratch.path().join("live.journal.jsonl");
    let transcript = scratch.path().join("live.transcript.jsonl");
    let words = start("conductor");
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .arg("record")
        .arg(&journal)
        .args(["--input", "-", "--config"])
        .arg(&config)
        .arg("--transcript")
        .arg(&transcript)
        .arg("--data")
        .arg(scratch.path().join("data"))
        .env("OBS_PASSWORD", PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("its input");
    std::io::Write::write_all(&mut input, &[0x90, 60, 100]).expect("it reads");
    again.recv_timeout(Duration::from_secs(60)).expect("the plugin connects again");
    drop(input);
    let ran = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{stderr}");
    assert_eq!(server.seen.lock().expect("notes").first().map(String::as_str), Some(LOGIN));
    let (text, recorded) =
        (std::fs::read_to_string(&transcript).expect("it"), std::fs::read_to_string(&journal).expect("it"));
    assert_eq!(text.matches(r#""event":"message 2""#).count(), FLOOD, "nothing is lost");
    for part in [
        "the connection is not open yet",
        r#"open 2 Some(\"obswebsocket.json\")"#,
        "hello {{secret:password}}",
        "closed 2 Some(4009) session invalidated",
        r#""event":"stop""#,
        r#""state":{"plugin.obs.connected":false}"#,
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(
        recorded.contains(r#""event":{"event":"message","socket":2,"kind":"text","length":1},"body":{"text":"1"}}"#)
    );
    for all in [&text, &recorded, &stderr] {
        assert!(!all.contains(PASSWORD));
    }
    for _ in 0..3 {
        let ran = bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
        assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
    }
    // Something else came.
    let changed =
        scratch.file("changed.journal.jsonl", recorded.replacen(r#""body":{"text":"7"}"#, r#""body":{"text":"8"}"#, 1));
    let ran = bin("conductor").arg("replay").arg(&changed).arg("--expect").arg(&transcript).run().exits(1);
    assert!(ran.stdout.contains("2 text 8"), "{}", ran.transcript());
    // Something else was set.
    let changed =
        scratch.file("set.journal.jsonl", recorded.replacen(r#""values":{"last":1}"#, r#""values":{"last":2}"#, 1));
    let ran = bin("conductor").arg("replay").arg(&changed).run().exits(1);
    assert!(ran.stderr.contains("the replay left the recording: plugin obs (default)"), "{}", ran.transcript());
}

#[test]
fn a_dry_run_says_that_connections_are_open_and_has_what_a_file_of_answers_says_come_on_them() {
    let scratch = Scratch::new();
    let steps = |name: &str, steps: &str| format!("{name} = '{steps}'\n");
    let config = format!(
        "[plugins.obs]\npath = \"{}\"\nresident = true\ngranted_capabilities = [\"Network\"]\nallowed_hosts = [\"obs.example\", \"gone.example\"]\n\
         [plugins.obs.config]\n{}{}{}",
        repository("fixtures/plugins/resident_probe.wasm").display(),
        steps(
            "start",
            r#"[["open", "wss://obs.example/", [["Sec-WebSocket-Protocol", "mqtt, other"]]], ["send", 1, "early"], ["open", "wss://gone.example/"]]"#
        ),
        steps("message", r#"[["send", 1, "got"], ["set", "there", true], ["close", 1]]"#),
        steps("closed", r#"[["set", "there"]]"#),
    );
    let config = scratch.file("config.toml", config);
    let answers = scratch.file(
        "answers.toml",
        "[[answer]]\nto = \"open wss://obs.example/\"\nmessages = [\"hello\"]\n[[answer]]\nto = \"open wss://gone.example/\"\n\
         error = \"not_found\"\ntext = \"no such host\"\n",
    );
    let input = scratch.file("press.raw", [0x90, 60, 100]);
    let (journal, transcript) = (scratch.path().join("s.journal.jsonl"), scratch.path().join("s.transcript.jsonl"));
    let ran = bin("conductor")
        .args("run --record")
        .arg(&journal)
        .args("--dry-run --config")
        .arg(&config)
        .args("--answer")
        .arg(&answers)
        .args("--input")
        .arg(&input)
        .args("--transcript")
        .arg(&transcript)
        .run()
        .exits(0);
    for said in ["open wss://obs.example/", "open wss://gone.example/"] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.transcript());
    }
    let text = std::fs::read_to_string(&transcript).expect("a transcript");
    let told: Vec<String> = text
        .lines()
        .filter_map(|line| Some(line.split_once(r#""logs":[["INFO","#)?.1.split_once(r"]]")?.0.to_owned()))
        .collect();
    let wanted = [
        r#""start start"],["INFO","opening 1"],["WARN","ws_send: the connection is not open yet; an event tells when it is"],["INFO","opening 2""#,
        r#""open 1 Some(\"mqtt\")""#,
        r#""message 1 text hello""#,
        r#""closed 2 None no such host""#,
        r#""closed 1 None the connection is closed""#,
        r#""stop stop""#,
    ];
    assert_eq!(told, wanted, "{text}");
    let ran = bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
    assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
}
