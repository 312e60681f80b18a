//! A small client of obs-websocket 5, for looking at what OBS does and for doing what somebody else does to it.

use std::collections::VecDeque;
use std::net::TcpStream;

use rustix::net::sockopt::set_tcp_quickack;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

use crate::studio::PATIENCE;

/// A connection that OBS knows, to which it tells all events.
pub(crate) struct Client {
    socket: WebSocket<TcpStream>,
    last: u64,
    events: VecDeque<Value>,
}

impl Client {
    pub(crate) fn connect(port: u16, password: Option<&str>) -> Self {
        let tcp = TcpStream::connect(("127.0.0.1", port)).expect("OBS listens");
        tcp.set_nodelay(true).expect("a connection");
        tcp.set_read_timeout(Some(PATIENCE)).expect("a connection");
        let request = format!("ws://127.0.0.1:{port}").into_client_request().expect("a URL");
        let (socket, _) = tungstenite::client(request, tcp).expect("a handshake");
        let mut client = Self { socket, last: 0, events: VecDeque::new() };
        let hello = client.receive();
        let challenge = &hello["d"]["authentication"];
        let text = |key: &str| challenge[key].as_str().unwrap_or_default();
        let hashed = password.map(|password| {
            let secret = base64(&Sha256::digest(format!("{password}{}", text("salt"))));
            base64(&Sha256::digest(format!("{secret}{}", text("challenge"))))
        });
        client.send(&json!({"op": 1, "d": {"rpcVersion": 1, "authentication": hashed, "eventSubscriptions": 2047}}));
        assert_eq!(client.receive()["op"], 2, "OBS knows us");
        client
    }

    fn send(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).expect("OBS reads");
    }

    fn receive(&mut self) -> Value {
        loop {
            let message = self.socket.read().expect("OBS answers");
            // OBS waits for an acknowledgement before it sends more; a program that measures gives it at once.
            set_tcp_quickack(self.socket.get_ref(), true).expect("a connection");
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).expect("JSON");
            }
        }
    }

    /// Sends a request and waits for nothing.
    pub(crate) fn ask(&mut self, kind: &str, data: &Value) {
        self.last += 1;
        let d = json!({"requestType": kind, "requestId": self.last.to_string(), "requestData": data});
        self.send(&json!({"op": 6, "d": d}));
    }

    /// What OBS answers: a code, and data.
    pub(crate) fn asked(&mut self, kind: &str, data: &Value) -> (u64, Value) {
        self.ask(kind, data);
        let id = json!(self.last.to_string());
        loop {
            let mut frame = self.receive();
            if frame["op"] == 7 && frame["d"]["requestId"] == id {
                let code = frame["d"]["requestStatus"]["code"].as_u64().expect("a code");
                return (code, frame["d"]["responseData"].take());
            }
            if frame["op"] == 5 {
                self.events.push_back(frame["d"].take());
            }
        }
    }

    /// A value of what OBS answers.
    pub(crate) fn get(&mut self, kind: &str, data: &Value, key: &str) -> Value {
        self.asked(kind, data).1[key].take()
    }

    /// Does something that succeeds.
    #[track_caller]
    pub(crate) fn does(&mut self, kind: &str, data: &Value) {
        let (code, said) = self.asked(kind, data);
        assert_eq!(code, 100, "{kind} {data}: {said}");
    }

    /// Waits for an event of this kind, with `key` being `value`.
    pub(crate) fn event(&mut self, kind: &str, key: &str, value: &Value) {
        let wanted = |event: &Value| event["eventType"] == kind && event["eventData"][key] == *value;
        while let Some(event) = self.events.pop_front() {
            if wanted(&event) {
                return;
            }
        }
        loop {
            let frame = self.receive();
            if frame["op"] == 5 && wanted(&frame["d"]) {
                return;
            }
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = [0, 1, 2].iter().fold(0, |number, at| number << 8 | usize::from(*chunk.get(*at).unwrap_or(&0)));
        for at in 0..4 {
            let digit = char::from(DIGITS[number >> (18 - 6 * at) & 63]);
            text.push(if at <= chunk.len() { digit } else { '=' });
        }
    }
    text
}
