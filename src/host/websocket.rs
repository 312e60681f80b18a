//! `ws_open`, `ws_send`, `ws_recv`, `ws_close`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{answer, http};
use crate::capability::Capability;
use crate::effect::{
    Message, NetworkRequest, Pieces, PiecesFault, Response, SecretSource, SocketOpen, Url, placeholder,
};
use crate::sandbox::{Args, Errno, HostCall, HostError, HostFunction, ValueType::I32};

/// Fuel of opening a connection.
const OPEN_FUEL: u64 = 20_000;

/// Fuel of each message.
const MESSAGE_FUEL: u64 = 2_000;

/// Longest list of pieces, in bytes: 64 KiB, each of them escaped, and what stands around.
const MAX_PIECES_JSON: usize = 512 << 10;

/// Fuel of each byte of a list of pieces, of which values are made, and twice a message.
const PIECES_FUEL: u64 = 8;

pub(super) const WS_OPEN: HostFunction = HostFunction {
    name: "ws_open",
    params: &[I32, I32],
    results: &[I32],
    capability: Some(Capability::Network),
    doc: "ws_open(head_ptr, head_len) -> socket: opens a WebSocket to a host that allowed_hosts lists. The head is JSON: {\"url\": …, \
          \"headers\": [[name, value], …], \"timeout_ms\": 30000, \"events\": false}; values of headers may hold {{secret:NAME}}, for hosts that the secret is for. The connection stays \
          open between calls until it is closed or the instance goes; an instance has at most 8. With \"events\": true, which resident plugins may ask for, \
          nobody waits: the number comes at once, an open or closed event follows, and what arrives comes as message events.",
    call: ws_open,
};

pub(super) const WS_SEND: HostFunction = HostFunction {
    name: "ws_send",
    params: &[I32, I32, I32, I32],
    results: &[I32],
    capability: Some(Capability::Network),
    doc: "ws_send(socket, kind, ptr, len) -> 0: sends a message, as text (kind 0) or bytes (kind 1), of at most 1 MiB, or one in \
          pieces (kind 2) that the host puts together, so that a secret can stand in it: a JSON list of {\"text\": …}, {\"hex\": …}, \
          {\"secret\": NAME}, and lists of pieces after their length, {\"u8\": […]}, {\"u16\": […]}, {\"varint\": […]}, hashed, {\"sha256\": […]}, or \
          encoded, {\"base64\": […]}; at most 8 deep, 64 pieces, 64 KiB, sent as text where the list begins with {\"frame\": \"text\"}. \
          busy (-9) when the server does not take what was sent before, and before an open event.",
    call: ws_send,
};

pub(super) const WS_RECV: HostFunction = HostFunction {
    name: "ws_recv",
    params: &[I32, I32],
    results: &[I32],
    capability: Some(Capability::Network),
    doc: "ws_recv(socket, timeout_ms) -> length: waits for the next message and returns the length of the answer that response_read reads, \
          or 0 when none came in time. The answer's line is {\"kind\": \"text\"} or {\"kind\": \"binary\"}, its body the message. \
          not_found (-2) when the connection has ended and everything was received; invalid (-1) on a connection with events.",
    call: ws_recv,
};

pub(super) const WS_CLOSE: HostFunction = HostFunction {
    name: "ws_close",
    params: &[I32],
    results: &[I32],
    capability: Some(Capability::Network),
    doc: "ws_close(socket) -> 0: closes the connection.",
    call: ws_close,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    timeout_ms: Option<u32>,
    #[serde(default)]
    events: bool,
}

fn ws_open(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let head: Head = answer::head(call, args)?;
    let url = http::url(call, &head.url)?;
    if !url.scheme().websocket() {
        return Err(Errno::Invalid.because("ws_open speaks wss:// and ws://"));
    }
    if head.events && !call.is_resident() {
        return Err(Errno::Unsupported
            .because("connections with events are for resident plugins, in their calls for \"default\""));
    }
    let reach = call.grant().url(&url).map_err(|denied| call.deny(&denied))?;
    call.charge(OPEN_FUEL.saturating_add(http::headers_fuel(&head.headers)))?;
    let secrets = call.plugin().secrets().reaching(&url, &head.headers);
    let secrets = secrets.map_err(|denied| call.deny(&denied))?;
    let open = SocketOpen {
        url,
        headers: head.headers,
        reach,
        secrets,
        events: head.events.then(|| answer::wait(head.timeout_ms)),
    };
    match call.request(&NetworkRequest::SocketOpen(open).into(), answer::wait(head.timeout_ms))? {
        Response::Socket(socket) => i32::try_from(socket).map_err(|_| Errno::Busy.because("too many connections")),
        _ => Err(Errno::Failed.because("the answer is not one to opening a WebSocket")),
    }
}

fn ws_send(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    call.charge(MESSAGE_FUEL)?;
    check(call, args.u32(0))?;
    let message = match args.u32(1) {
        0 => Message::Text(call.read_text(args.slice(2), answer::MAX_BODY)?.to_owned()),
        1 => Message::Binary(answer::body(call, args, 2)?),
        2 => return send_pieces(call, args),
        _ => return Err(Errno::Invalid.because("kind must be 0 (text), 1 (binary) or 2 (pieces)")),
    };
    call.request(&NetworkRequest::SocketSend { socket: args.u32(0), message }.into(), Duration::ZERO).map(|_| 0)
}

/// Sends a message in pieces. What it costs is known before anything of a secret is looked at.
fn send_pieces(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let json = call.read_text_priced(args.slice(2), MAX_PIECES_JSON, PIECES_FUEL)?.to_owned();
    let pieces = Pieces::parse(&json).map_err(|fault| {
        let errno = if let PiecesFault::TooLarge(_) = fault { Errno::TooLarge } else { Errno::Invalid };
        errno.because(fault.to_string())
    })?;
    call.charge(pieces.fuel())?;
    let socket = args.u32(0);
    let url = known(call, socket)?;
    let names = pieces.secrets();
    let wanted: Vec<_> = names.iter().map(|name| (String::new(), placeholder(name))).collect();
    let secrets = call.plugin().secrets().reaching(&url, &wanted).map_err(|denied| call.deny(&denied))?;
    if let Some(missing) = names.iter().find(|name| !secrets.contains_key(*name)) {
        return Err(Errno::NotFound.because(format!("the plugin has no secret {missing:?}")));
    }
    if let Some((token, _)) = secrets.iter().find(|(_, source)| matches!(source, SecretSource::Token(_))) {
        return Err(Errno::NotPermitted.because(format!("the token {token:?} goes into headers only")));
    }
    call.request(&NetworkRequest::SocketSendPieces { socket, pieces, secrets }.into(), Duration::ZERO).map(|_| 0)
}

#[derive(Serialize)]
struct Kind {
    kind: &'static str,
}

fn ws_recv(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    call.charge(MESSAGE_FUEL)?;
    check(call, args.u32(0))?;
    if call.is_event_socket(args.u32(0)) {
        return Err(Errno::Invalid.because("what arrives on this connection comes as events"));
    }
    let wait = Duration::from_millis(u64::from(args.u32(1)));
    match call.request(&NetworkRequest::SocketReceive { socket: args.u32(0) }.into(), wait)? {
        Response::Message(None) => Ok(0),
        Response::Message(Some(Message::Text(text))) => answer::keep(call, &Kind { kind: "text" }, &[text.as_bytes()]),
        Response::Message(Some(Message::Binary(bytes))) => answer::keep(call, &Kind { kind: "binary" }, &[&bytes]),
        _ => Err(Errno::Failed.because("the answer is not one to receiving a message")),
    }
}

fn ws_close(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    known(call, args.u32(0))?;
    call.request(&NetworkRequest::SocketClose { socket: args.u32(0) }.into(), Duration::ZERO).map(|_| 0)
}

/// Where a connection of this instance leads.
fn known(call: &HostCall<'_>, socket: u32) -> Result<Url, HostError> {
    call.socket(socket).cloned().ok_or_else(|| Errno::NotFound.because(format!("there is no connection {socket}")))
}

/// Holds the host of a connection against the grant as it is now. One that is no longer allowed is closed.
fn check(call: &mut HostCall<'_>, socket: u32) -> Result<(), HostError> {
    let url = known(call, socket)?;
    let Err(denied) = call.grant().url(&url) else { return Ok(()) };
    // Whatever comes of closing it, the denial is what the plugin is told.
    let _ = call.request(&NetworkRequest::SocketClose { socket }.into(), Duration::ZERO);
    Err(call.deny(&denied))
}
