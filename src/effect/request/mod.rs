//! What a plugin asks of the world and waits for.
//!
//! An [`Effect`](super::Effect) is done and forgotten; a request has an [`Answer`], and how long the plugin waited for it is
//! part of that answer, because the plugin's clock moves by it and a recording plays it back.

mod text;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{EffectError, OPEN, Pieces, Secrets, Url};
use crate::effect::Volume;

/// One thing asked of the world, by what it is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Asks the network for something.
    Network(NetworkRequest),
    /// Runs a program to its end.
    Program(Program),
    /// Changes the system's volume.
    Mixer(Volume),
    /// Changes the system's state.
    System(System),
}

/// One thing asked of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkRequest {
    /// One HTTP exchange. Redirects are not followed: whoever asks holds each against the grant.
    Http(HttpRequest),
    /// Opens a WebSocket.
    SocketOpen(SocketOpen),
    /// Sends a message on the connection.
    SocketSend {
        /// From [`Response::Socket`].
        socket: u32,
        /// What to send.
        message: Message,
    },
    /// Sends a message that is put together of pieces.
    SocketSendPieces {
        /// From [`Response::Socket`].
        socket: u32,
        /// What of.
        pieces: Pieces,
        /// What its secrets stand for.
        secrets: Secrets,
    },
    /// Waits for the next message of the connection.
    SocketReceive {
        /// From [`Response::Socket`].
        socket: u32,
    },
    /// Closes the connection.
    SocketClose {
        /// From [`Response::Socket`].
        socket: u32,
    },
    /// Closes every connection of the instance that asks; what unloading it does.
    SocketCloseAll,
}

impl From<NetworkRequest> for Request {
    fn from(request: NetworkRequest) -> Self {
        Self::Network(request)
    }
}

/// What came of a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The response, or why there is none.
    pub result: Result<Response, EffectError>,
    /// How long it took.
    pub waited: Duration,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// Done; there is nothing to tell.
    Done,
    /// An HTTP response, of any status.
    Http(HttpResponse),
    /// A WebSocket connection of the instance that asked.
    Socket(u32),
    /// A message; none when none came in time.
    Message(Option<Message>),
    /// A program ended.
    Program(ProgramEnd),
}

/// Which addresses a name may turn out to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// The very name was listed, so that private and loopback addresses are meant. Without it only public ones pass.
    pub named: bool,
    /// Literal addresses that were listed; each passes whatever its class.
    pub listed: Arc<[IpAddr]>,
}

/// One HTTP exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`.
    pub method: String,
    /// Where to.
    pub url: Url,
    /// Headers in order; values may hold `{{secret:NAME}}`.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// Addresses the host may have.
    pub reach: Reach,
    /// What placeholders stand for.
    pub secrets: Secrets,
    /// Largest response body, in bytes.
    pub max_body_bytes: usize,
}

impl HttpRequest {
    /// Makes it the one that a redirect with this status asks for. What was meant for one server alone is not sent to another.
    pub fn redirect(&mut self, status: u16, next: Url) {
        let becomes_get = status == 303 && self.method != "HEAD" || status < 303 && self.method == "POST";
        if becomes_get {
            "GET".clone_into(&mut self.method);
            self.body.clear();
        }
        let elsewhere = next.origin() != self.url.origin();
        self.headers.retain(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let private = matches!(name.as_str(), "authorization" | "cookie") || value.contains(OPEN);
            !(elsewhere && private || becomes_get && name.starts_with("content-"))
        });
        self.url = next;
    }
}

/// What a server answered to an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Headers in order, names in lower case, text only.
    pub headers: Vec<(String, String)>,
    /// The body, at most as long as the request allows.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// Where it redirects to, if it does.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        let location = self.headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value.as_str());
        location.filter(|_| matches!(self.status, 301 | 302 | 303 | 307 | 308))
    }
}

/// A WebSocket to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketOpen {
    /// Where to; `ws` or `wss`.
    pub url: Url,
    /// Headers in order; values may hold `{{secret:NAME}}`.
    pub headers: Vec<(String, String)>,
    /// Addresses the host may have.
    pub reach: Reach,
    /// What placeholders stand for.
    pub secrets: Secrets,
    /// Nobody waits for it, at most so long, nor for what comes: all of it becomes events.
    pub events: Option<Duration>,
}

/// A WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A text message; always whole and valid UTF-8.
    Text(String),
    /// A message of bytes, which may be anything.
    Binary(Vec<u8>),
}

impl Message {
    /// Bytes of its payload; those of a text are UTF-8.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
    /// Whether its payload has no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// A name looked up in the search path, or an absolute path. Never a line for a shell.
    pub program: String,
    /// Its arguments, handed on as they are.
    pub arguments: Vec<String>,
    /// Its standard input.
    pub input: Vec<u8>,
    /// Most bytes kept of each of its output streams.
    pub max_output_bytes: usize,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgramEnd {
    /// Its exit code; `128 + signal` when a signal ended it, as shells count.
    pub code: i32,
    /// Standard output, as far as it was kept.
    pub output: Vec<u8>,
    /// Standard error, as far as it was kept.
    pub errors: Vec<u8>,
    /// Whether output was thrown away.
    pub truncated: bool,
}

/// A change of the system's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum System {
    /// Locks the session.
    Lock,
    /// Suspends the machine.
    Sleep,
    /// Shows a notification.
    Notify {
        /// First line.
        title: String,
        /// The rest; may be empty.
        body: String,
    },
    /// Sets the backlight.
    Brightness(Brightness),
}

/// How bright the screen is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brightness {
    /// So many per cent.
    Percent(u8),
    /// So many per cent of the whole range brighter or, below 0, darker.
    Change(i8),
}
