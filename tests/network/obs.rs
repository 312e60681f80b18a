//! OBS Studio Control against a server that does what OBS does on its worst days. With the real one: `tests/obs`.
#![cfg(all(feature = "http", feature = "websocket"))]

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use serde_json::{Value, json};
use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Message, WebSocket};

use crate::support::live::Live;
use crate::support::server::{Server, Stream};
use crate::support::{Scratch, bin, repository};

const PASSWORD: &str = "supersecretpassword";

/// The example of OBS's own description of its protocol, with this password.
const CHALLENGE: &str = "+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY=";
const SALT: &str = "lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI=";
const ANSWER: &str = "1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4=";

type Socket<'a> = WebSocket<&'a mut dyn Stream>;

fn send(socket: &mut Socket<'_>, frame: &Value) {
    // A client that has gone shows in the next read.
    let _ = socket.send(Message::text(frame.to_string()));
}

/// Closes and waits for the other side to do so.
fn close(socket: &mut Socket<'_>, code: u16) {
    let _ = socket.close(Some(CloseFrame { code: code.into(), reason: "so it is".into() }));
    while socket.read().is_ok() {}
}

/// A server that shakes hands as OBS does, and hands each connection to `serve` with its number, from 0.
fn server(serve: impl Fn(&mut Socket<'_>, usize) + Send + Sync + 'static) -> Server {
    let connections = AtomicUsize::new(0);
    Server::start(move |stream, seen| {
        let agree = |request: &Request, mut response: Response| {
            let protocol = request.headers().get("sec-websocket-protocol").expect("it is asked for").clone();
            response.headers_mut().insert("sec-websocket-protocol", protocol);
            Ok(response)
        };
        #[allow(clippy::result_large_err)] // the library's own type
        let Ok(mut socket) = tungstenite::accept_hdr(stream, agree) else { return };
        let number = connections.fetch_add(1, Ordering::SeqCst);
        seen.lock().expect("notes").push(format!("connection {number}"));
        serve(&mut socket, number);
    })
}

/// Says hello, and takes what is answered to the challenge; whether it is the password.
fn greet(socket: &mut Socket<'_>) -> bool {
    let authentication = json!({"challenge": CHALLENGE, "salt": SALT});
    let d = json!({"obsWebSocketVersion": "5.1.0", "rpcVersion": 1, "authentication": authentication});
    send(socket, &json!({"op": 0, "d": d}));
    let Ok(Message::Text(text)) = socket.read() else { return false };
    let identify: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&identify["op"], &identify["d"]["rpcVersion"]), (&json!(1), &json!(1)), "{identify}");
    identify["d"]["authentication"] == ANSWER
}

/// Answers requests by `answer`, which gives a code and data, until the client has gone or it gives none.
fn serve(socket: &mut Socket<'_>, mut answer: impl FnMut(&str, &Value) -> Option<(u16, Value)>) {
    while let Ok(message) = socket.read() {
        let Message::Text(text) = message else { continue };
        let d = serde_json::from_str::<Value>(&text).expect("JSON")["d"].take();
        let Some((code, data)) = answer(d["requestType"].as_str().expect("a request"), &d["requestData"]) else {
            return;
        };
        let status = json!({"result": code == 100, "code": code, "comment": format!("Code {code} it is.")});
        let answered = json!({"requestId": d["requestId"], "requestStatus": status, "responseData": data});
        send(socket, &json!({"op": 7, "d": answered}));
    }
}

/// A configuration: a pad for each of these parameters, from note 60 on, and the mode `Muted` while the microphone is.
fn config(server: &Server, pads: &[&str]) -> String {
    let url = format!("ws://127.0.0.1:{}", server.port());
    let plugin = repository("fixtures/plugins/conductor_wasm_obs_control.wasm");
    let mut text = format!(
        "[plugins.obs]\npath = \"{}\"\nresident = true\ngranted_capabilities = [\"Network\"]\nallowed_hosts = [\"{url}\"]\n\
         secrets = {{ password = \"OBS_PASSWORD\" }}\nconfig = {{ url = \"{url}\" }}\n[[modes]]\nname = \"Default\"\n[[modes]]\nname = \"Muted\"\n\
         when = {{ State = {{ key = \"plugin.obs.muted.\\\"Mic/Aux\\\"\", equals = true }} }}\n",
        plugin.display()
    );
    for (note, pad) in (60..).zip(pads) {
        let _ = write!(
            text,
            "[[global_mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ WasmPlugin = {{ plugin = \"obs\", params = {{ {pad} }} }} }}\n"
        );
    }
    text
}

/// Ends the session and holds it to its recording.
fn replays(scratch: &Scratch, live: Live) -> String {
    let (journal, transcript) = (live.journal.clone(), live.transcript.clone());
    let ended = live.end();
    for all in [&ended.journal, &ended.transcript, &ended.said] {
        assert!(!all.contains(PASSWORD) && !all.contains(ANSWER));
    }
    assert!(!ended.transcript.contains("\"fault\""), "{}", ended.transcript);
    let ran = bin("conductor").directory(scratch.path()).arg("replay").arg(&journal).arg("--expect").arg(&transcript);
    let ran = ran.run().exits(0);
    assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
    ended.journal
}

#[test]
fn a_session_that_obs_ends_is_not_begun_again_until_somebody_asks_for_it() {
    for (code, words) in [(4009, "OBS does not take the password"), (4011, "OBS has ended the session")] {
        let scratch = Scratch::new();
        let server = server(move |socket, number| {
            let knows = greet(socket);
            assert!(knows, "the password arrives hashed");
            if number == 0 && code == 4009 {
                return close(socket, code);
            }
            send(socket, &json!({"op": 2, "d": {"negotiatedRpcVersion": 1}}));
            serve(socket, |kind, _| match kind {
                "TriggerStudioModeTransition" if number == 0 => None,
                "TriggerStudioModeTransition" => Some((506, Value::Null)),
                _ => Some((604, Value::Null)),
            });
            close(socket, code);
        });
        let text = config(&server, &["action = \"take\"", "action = \"connect\""]);
        let mut live = Live::start(scratch.path(), &text, &[("OBS_PASSWORD", PASSWORD)]);
        if code == 4011 {
            live.says("connected to OBS, whose obs-websocket has version 5.1.0");
            live.press(60);
        }
        live.says(words);
        live.press(60);
        live.says(&format!("\"error\":\"the plugin returned 3 (by convention: the action failed): {words}"));
        assert_eq!(server.accepted(), 1);
        live.press(61);
        live.says("connected to OBS");
        live.press(60);
        live.says("studio mode is off: turn it on first");
        assert_eq!(server.accepted(), 2);
        let journal = replays(&scratch, live);
        assert!(!journal.contains("\"what\":\"timer 0 in 1000 ms\""), "{journal}");
    }
}

#[test]
fn garbage_silence_and_refusals_are_survived() {
    let scratch = Scratch::new();
    let (end, ended) = channel();
    let ended = Mutex::new(ended);
    let server = server(move |socket, number| match number {
        // Not OBS at all.
        0 => {
            send(socket, &json!({"hello": "what do you want?"}));
            while socket.read().is_ok() {}
        }
        // Gone in the middle of the greeting.
        1 => {}
        2 => {
            assert!(greet(socket));
            send(socket, &json!({"op": 2, "d": {"negotiatedRpcVersion": 1}}));
            let mut recorded = false;
            serve(socket, |kind, data| {
                Some(match kind {
                    "GetInputList" => (100, json!({"inputs": [{"inputName": "Mic/Aux"}]})),
                    "GetInputMute" => (100, json!({"inputMuted": false})),
                    "SetCurrentProgramScene" => (600, Value::Null),
                    "StartRecord" => {
                        let code = if std::mem::replace(&mut recorded, true) { 500 } else { 100 };
                        (code, Value::Null)
                    }
                    "SetInputMute" => {
                        assert_eq!(data, &json!({"inputName": "Mic/Aux", "inputMuted": true}));
                        return None;
                    }
                    _ => (604, Value::Null),
                })
            });
            // In place of an answer.
            let deep = format!("{{\"op\":5,\"d\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
            let long = format!("{{\"op\":5,\"d\":{{\"eventType\":\"{}\"}}}}", "x".repeat(1_000_000));
            let names: Vec<Value> = (0..30_000).map(|number| json!({"inputName": number.to_string()})).collect();
            let many = json!({"op": 5, "d": {"eventType": "X", "eventData": {"inputs": names}}}).to_string();
            for text in
                ["", "{", "null", "{\"op\":5}", "{\"op\":-1,\"d\":{}}", "{\"op\":7,\"d\":[]}", &deep, &long, &many]
            {
                let _ = socket.send(Message::text(text));
            }
            let _ = socket.send(Message::binary(vec![0xff; 100_000]));
            for number in 0..400 {
                let data = json!({"inputName": format!("{number} {}", "n".repeat(number)), "inputMuted": true});
                send(socket, &json!({"op": 5, "d": {"eventType": "InputMuteStateChanged", "eventData": data}}));
            }
            let data = json!({"inputName": "Mic/Aux", "inputMuted": true});
            send(socket, &json!({"op": 5, "d": {"eventType": "InputMuteStateChanged", "eventData": data}}));
            ended.lock().expect("a receiver").recv().expect("the test");
            close(socket, 1001);
        }
        _ => {
            greet(socket);
            send(socket, &json!({"op": 2, "d": {}}));
            serve(socket, |_, _| Some((604, Value::Null)));
        }
    });
    let pads = [
        "action = \"scene\", scene = \"Nope\"",
        "action = \"record\", state = \"start\"",
        "action = \"mute\", input = \"Mic/Aux\", state = \"on\"",
        "action = \"replay\", state = \"save\"",
        "action = \"connect\"",
    ];
    let mut live = Live::start(scratch.path(), &config(&server, &pads), &[("OBS_PASSWORD", PASSWORD)]);
    live.says("what listens there does not speak as OBS does");
    live.says("\"event\":\"timer 0\""); // and not before long
    live.says("no OBS: ");
    live.press(64); // who cannot wait
    live.says("connected to OBS");
    live.press(60);
    live.says("OBS, asked for SetCurrentProgramScene: Code 600 it is. (600)");
    live.press(61);
    live.press(61);
    live.press(62);
    live.says("is no frame of obs-websocket 5");
    live.says("is not shown, and perhaps others are not");
    live.press(60); // waits for the answer that does not come
    live.press(63);
    live.says("\"gesture\":\"press n63:100\"");
    end.send(()).expect("the server");
    // Never mentioned: what is so already, and numbers nobody asked for.
    live.says("OBS has not said what came of 3 of the last actions");
    live.says("connected to OBS");
    assert!(live.said.contains("\"mode\":\"Muted\""), "{}", live.said);
    assert!(!live.said.contains("StartRecord"), "{}", live.said);
    replays(&scratch, live);
}
