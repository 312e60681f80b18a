//! Requests as text: one line each, for dry runs, and in short for the answers that are given there and for journals.

use std::fmt::{self, Display, Formatter};

use super::{Brightness, HttpRequest, Message, NetworkRequest, Program, Request, System};
use crate::digest::Digest;
use crate::effect::Effect;
use crate::effect::text::{OneLine, volume_text};

impl Request {
    /// What is asked for, without what it carries: `GET https://api.example.com/v1`, `run uname -a`, `open wss://localhost:4455/`.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Network(request) => request.subject(),
            Self::Program(Program { program, arguments, .. }) => {
                let words: Vec<&str> = std::iter::once(program).chain(arguments).map(String::as_str).collect();
                format!("run {}", OneLine(&words.join(" ")))
            }
            Self::Mixer(volume) => Volume(volume).to_string(),
            Self::System(System::Lock) => "lock".to_owned(),
            Self::System(System::Sleep) => "sleep".to_owned(),
            Self::System(System::Notify { title, .. }) => format!("notify {}", OneLine(title)),
            Self::System(System::Brightness(Brightness::Percent(percent))) => format!("brightness {percent}%"),
            Self::System(System::Brightness(Brightness::Change(change))) => format!("brightness {change:+}%"),
        }
    }

    /// The host function that makes it.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        match self {
            Self::Network(NetworkRequest::Http(_)) => "http_request",
            Self::Network(NetworkRequest::SocketOpen(_)) => "ws_open",
            Self::Network(NetworkRequest::SocketSend { .. } | NetworkRequest::SocketSendPieces { .. }) => "ws_send",
            Self::Network(NetworkRequest::SocketReceive { .. }) => "ws_recv",
            Self::Network(NetworkRequest::SocketClose { .. } | NetworkRequest::SocketCloseAll) => "ws_close",
            Self::Program(_) => "exec",
            Self::Mixer(_) => "audio_control",
            Self::System(_) => "system_control",
        }
    }

    /// What is asked for, with a digest of what it carries: enough for a journal to know it again. Recorded sessions depend on it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Network(request) => request.fingerprint(),
            Self::Program(program) => {
                let carried = [program.arguments.join("\0").as_bytes(), b"\0\0", &program.input].concat();
                format!("run {} {}", program.program, part(&carried))
            }
            Self::Mixer(volume) => Effect::Volume(volume.clone()).to_string(),
            Self::System(system) => format!("system {system:?}"),
        }
    }
}

/// What a request carries, as part of its digest.
fn part(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string().chars().take(16).collect()
}

impl NetworkRequest {
    fn subject(&self) -> String {
        match self {
            Self::Http(http) => format!("{} {}", http.method, OneLine(&http.url.to_string())),
            Self::SocketOpen(open) => format!("open {}", OneLine(&open.url.to_string())),
            Self::SocketSend { socket, .. } | Self::SocketSendPieces { socket, .. } => {
                format!("send on connection {socket}")
            }
            Self::SocketReceive { socket } => format!("receive on connection {socket}"),
            Self::SocketClose { socket } => format!("close connection {socket}"),
            Self::SocketCloseAll => "close all connections".to_owned(),
        }
    }

    fn fingerprint(&self) -> String {
        match self {
            Self::Http(http) => {
                let mut carried = http
                    .headers
                    .iter()
                    .flat_map(|(name, value)| [name, ": ", value, "\n"].concat().into_bytes())
                    .collect::<Vec<u8>>();
                carried.extend_from_slice(&http.body);
                format!("{} {} {}", http.method, http.url, part(&carried))
            }
            Self::SocketOpen(open) if open.events.is_some() => format!("open {} with events", open.url),
            Self::SocketOpen(open) => format!("open {}", open.url),
            Self::SocketSend { socket, message } => {
                let bytes = match message {
                    Message::Text(text) => text.as_bytes(),
                    Message::Binary(bytes) => bytes,
                };
                format!("send {socket} {}", part(bytes))
            }
            // Of what the plugin wrote: what is sent holds secrets.
            Self::SocketSendPieces { socket, pieces, .. } => {
                format!("send {socket} {}", part(pieces.json().as_bytes()))
            }
            Self::SocketReceive { socket } => format!("receive {socket}"),
            Self::SocketClose { socket } => format!("close {socket}"),
            Self::SocketCloseAll => "close all".to_owned(),
        }
    }

    /// What it carries.
    fn carried(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(HttpRequest { headers, body, .. }) => {
                headers_text(headers, f)?;
                carried("body", body, f)
            }
            Self::SocketOpen(open) => headers_text(&open.headers, f),
            Self::SocketSend { message: Message::Text(text), .. } => carried("text", text.as_bytes(), f),
            Self::SocketSend { message: Message::Binary(bytes), .. } => carried("bytes", bytes, f),
            Self::SocketSendPieces { pieces, .. } => carried("pieces", pieces.json().as_bytes(), f),
            Self::SocketReceive { .. } | Self::SocketClose { .. } | Self::SocketCloseAll => Ok(()),
        }
    }
}

impl Display for Request {
    /// The subject, and what it carries. Secrets stand in it by their placeholders: their values are filled in when it is sent.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject())?;
        match self {
            Self::Network(request) => request.carried(f),
            Self::Program(program) => carried("input", &program.input, f),
            Self::System(System::Notify { body, .. }) => carried("body", body.as_bytes(), f),
            Self::System(_) | Self::Mixer(_) => Ok(()),
        }
    }
}

fn headers_text(headers: &[(String, String)], f: &mut Formatter<'_>) -> fmt::Result {
    headers.iter().try_for_each(|(name, value)| write!(f, "; {}: {}", OneLine(name), OneLine(value)))
}

fn carried(name: &str, bytes: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    match std::str::from_utf8(bytes) {
        Ok("") => Ok(()),
        Ok(text) => write!(f, "; {name}: {}", OneLine(text)),
        Err(_) => write!(f, "; {name}: {} bytes", bytes.len()),
    }
}

struct Volume<'a>(&'a crate::effect::Volume);

impl Display for Volume<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        volume_text(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{Reach, Secrets, Url};

    #[test]
    fn each_request_is_one_readable_line_without_a_secret() {
        let url = |text: &str| Url::parse(text).expect("a URL");
        let http = |method: &str, headers, body: &[u8]| {
            Request::Network(NetworkRequest::Http(HttpRequest {
                method: method.into(),
                url: url("https://api.example.com/v1?q=1"),
                headers,
                body: body.to_vec(),
                reach: Reach::default(),
                secrets: Secrets::default(),
                max_body_bytes: 0,
            }))
        };
        let program = |input: &[u8]| {
            let arguments = vec!["-a".into(), "x\u{1b}[1m".into()];
            Request::Program(Program { program: "uname".into(), arguments, input: input.to_vec(), max_output_bytes: 0 })
        };
        let token = vec![("authorization".into(), "Bearer {{secret:token}}".into())];
        for (request, line) in [
            (http("GET", vec![], b""), "GET https://api.example.com/v1?q=1"),
            (
                http("POST", token, b"{\"a\":1}\n"),
                "POST https://api.example.com/v1?q=1; authorization: Bearer {{secret:token}}; body: {\"a\":1}\\n",
            ),
            (http("PUT", vec![], &[0xff, 0]), "PUT https://api.example.com/v1?q=1; body: 2 bytes"),
            (program(b""), r"run uname -a x\u{1b}[1m"),
            (program(b"in"), r"run uname -a x\u{1b}[1m; input: in"),
            (
                NetworkRequest::SocketSend { socket: 1, message: Message::Text("hi".into()) }.into(),
                "send on connection 1; text: hi",
            ),
            (Request::System(System::Brightness(Brightness::Percent(40))), "brightness 40%"),
            (Request::System(System::Brightness(Brightness::Change(5))), "brightness +5%"),
            (Request::System(System::Notify { title: "Take".into(), body: "2".into() }), "notify Take; body: 2"),
        ] {
            assert_eq!(request.to_string(), line);
        }
    }
}
