//! HTTP and WebSocket, to the hosts that `allowed_hosts` lists. Needs the capability Network.

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::host::{HostError, answer, checked};
#[cfg(target_family = "wasm")]
use crate::imports;
#[cfg(not(target_family = "wasm"))]
use crate::testing as imports;

/// A request about to be sent.
#[derive(Debug, Clone, Serialize)]
pub struct HttpRequest {
    url: String,
    method: String,
    headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirects: Option<u32>,
    #[serde(skip)]
    body: Vec<u8>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status, as 200.
    pub status: u16,
    /// Where it came from, after redirects.
    pub url: String,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// A request of `method` (GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS) to `url`.
    pub fn new(method: &str, url: &str) -> Self {
        let (url, method) = (url.to_owned(), method.to_owned());
        Self { url, method, headers: Vec::new(), timeout_ms: None, redirects: None, body: Vec::new() }
    }

    /// Adds a header. What [`config`](crate::config) gives for a key of `secrets` may stand in the value.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body, at most 1 MiB.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets how long is waited, in milliseconds; 30 seconds by default.
    #[must_use]
    pub fn timeout_ms(mut self, timeout: u32) -> Self {
        self.timeout_ms = Some(timeout);
        self
    }

    /// Sets how many redirects are followed, 10 at most; 5 by default.
    #[must_use]
    pub fn redirects(mut self, count: u32) -> Self {
        self.redirects = Some(count);
        self
    }

    /// Sends it and waits for the answer, of which at most 4 MiB are kept.
    pub fn send(&self) -> Result<HttpResponse, Failure> {
        #[derive(Deserialize)]
        struct Head {
            status: u16,
            url: String,
            headers: Vec<(String, String)>,
        }
        let len = checked(imports::http_request(&serde_json::to_vec(self)?, &self.body))?;
        let (head, body) = answer(len)?;
        let Head { status, url, headers } = serde_json::from_slice(&head)?;
        Ok(HttpResponse { status, url, headers, body })
    }
}

/// A WebSocket connection. It stays open between calls until it is dropped or the instance goes.
#[derive(Debug)]
pub struct WebSocket {
    number: i32,
}

/// A message on a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl WebSocket {
    /// Connects to a `wss://` address, or `ws://` where the config lists it so.
    pub fn open(url: &str, headers: &[(&str, &str)]) -> Result<Self, Failure> {
        #[derive(Serialize)]
        struct Head<'a> {
            url: &'a str,
            headers: &'a [(&'a str, &'a str)],
        }
        let number = imports::ws_open(&serde_json::to_vec(&Head { url, headers })?);
        checked(number)?;
        Ok(Self { number })
    }

    /// Sends a message of at most 1 MiB.
    pub fn send(&self, message: &Message) -> Result<(), HostError> {
        let (kind, bytes) = match message {
            Message::Text(text) => (0, text.as_bytes()),
            Message::Binary(bytes) => (1, bytes.as_slice()),
        };
        checked(imports::ws_send(self.number, kind, bytes)).map(|_| ())
    }

    /// The next message; none when none comes within `timeout_ms`. Fails when the connection has ended.
    pub fn receive(&self, timeout_ms: u32) -> Result<Option<Message>, Failure> {
        #[derive(Deserialize)]
        struct Head {
            kind: String,
        }
        let len = checked(imports::ws_recv(self.number, i32::try_from(timeout_ms).unwrap_or(i32::MAX)))?;
        if len == 0 {
            return Ok(None);
        }
        let (head, body) = answer(len)?;
        let Head { kind } = serde_json::from_slice(&head)?;
        Ok(Some(if kind == "text" {
            Message::Text(String::from_utf8_lossy(&body).into_owned())
        } else {
            Message::Binary(body)
        }))
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        // A connection that has ended already has nothing to close.
        let _ = imports::ws_close(self.number);
    }
}

/// A WebSocket connection of a resident plugin, whose messages come as [`Event`](crate::Event)s. It stays open until it is closed or
/// the instance goes; dropping this closes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSocket {
    /// Its number, by which events name it.
    pub number: u32,
}

impl EventSocket {
    /// Connects, without waiting for it: `open` or `closed` follows as an event.
    pub fn open(url: &str, headers: &[(&str, &str)]) -> Result<Self, Failure> {
        #[derive(Serialize)]
        struct Head<'a> {
            url: &'a str,
            headers: &'a [(&'a str, &'a str)],
            events: bool,
        }
        let number = checked(imports::ws_open(&serde_json::to_vec(&Head { url, headers, events: true })?))?;
        Ok(Self { number: u32::try_from(number).unwrap_or(u32::MAX) }) // an i32 before
    }

    /// Sends text. Refused as busy before the connection is open, and while the server does not take what was sent before.
    pub fn send_text(self, text: &str) -> Result<(), HostError> {
        checked(imports::ws_send(signed(self.number), 0, text.as_bytes())).map(|_| ())
    }

    /// Sends bytes. Refused as busy like text.
    pub fn send_bytes(self, bytes: &[u8]) -> Result<(), HostError> {
        checked(imports::ws_send(signed(self.number), 1, bytes)).map(|_| ())
    }

    /// Sends what `pieces` are put together, in which secrets may stand: as text, or as bytes.
    pub fn send_pieces(self, text: bool, pieces: &[Piece]) -> Result<(), Failure> {
        let frame = text.then(|| serde_json::json!({"frame": "text"}));
        let pieces = pieces.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
        let list: Vec<_> = frame.into_iter().chain(pieces).collect();
        checked(imports::ws_send(signed(self.number), 2, &serde_json::to_vec(&list)?))?;
        Ok(())
    }

    /// Closes it; its `closed` still comes.
    pub fn close(self) -> Result<(), HostError> {
        checked(imports::ws_close(signed(self.number))).map(|_| ())
    }
}

/// A number as the host takes it.
fn signed(number: u32) -> i32 {
    i32::from_ne_bytes(number.to_ne_bytes())
}

/// A piece of a message that the host puts together on the way out, so that the plugin never has a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Piece {
    /// Text.
    Text(String),
    /// Bytes, hexadecimal.
    Hex(String),
    /// The secret of this name in the configuration.
    Secret(String),
    /// Pieces, after their length in one byte.
    U8(Vec<Piece>),
    /// Pieces, after their length in two bytes, the higher first.
    U16(Vec<Piece>),
    /// Pieces, after their length in groups of seven bits, the lower first.
    Varint(Vec<Piece>),
    /// The SHA-256 of pieces.
    Sha256(Vec<Piece>),
    /// Pieces in Base64.
    Base64(Vec<Piece>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_request_goes_out_whole_and_its_answer_comes_back_whole() {
        testing::reset();
        testing::answer(r#"{"status":201,"url":"https://a.example/x","headers":[["etag","7"]]}"#, b"line\nanother");
        let request = HttpRequest::new("POST", "https://a.example/").header("x-a", "b").body("hello").redirects(0);
        let response = request.send().expect("an answer");
        assert_eq!((response.status, response.url.as_str()), (201, "https://a.example/x"));
        assert_eq!(response.headers, [("etag".to_owned(), "7".to_owned())]);
        assert_eq!(response.body, b"line\nanother");
        let asked = &testing::take().asked[0];
        assert_eq!((asked.function, asked.body.as_slice()), ("http_request", b"hello".as_slice()));
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&asked.head).expect("JSON"),
            serde_json::json!({"url": "https://a.example/", "method": "POST", "headers": [["x-a", "b"]], "redirects": 0})
        );
    }

    #[test]
    fn a_denied_request_says_why() {
        testing::reset();
        testing::refuse(-3, "host a.example is not allowed");
        let failure = HttpRequest::new("GET", "https://a.example/").send().expect_err("refused");
        assert_eq!(failure.to_string(), "host a.example is not allowed");
    }

    #[test]
    fn messages_go_both_ways_until_the_connection_is_dropped() {
        testing::reset();
        let socket = WebSocket::open("wss://a.example/", &[]).expect("open");
        socket.send(&Message::Text("hi".into())).expect("sent");
        assert_eq!(socket.receive(10), Ok(None));
        testing::answer(r#"{"kind":"text"}"#, b"ho");
        assert_eq!(socket.receive(10), Ok(Some(Message::Text("ho".into()))));
        testing::answer(r#"{"kind":"binary"}"#, b"\0\n");
        assert_eq!(socket.receive(10), Ok(Some(Message::Binary(b"\0\n".to_vec()))));
        drop(socket);
        let functions: Vec<&str> = testing::take().asked.iter().map(|asked| asked.function).collect();
        assert_eq!(functions, ["ws_open", "ws_send", "ws_recv", "ws_recv", "ws_recv", "ws_close"]);
    }
}
