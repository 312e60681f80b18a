//! Connections that are said to be open, and what a file of answers has come on them.

use std::collections::BTreeMap;

use crate::effect::{EffectError, Message, NetworkRequest, Response, SocketEvent, SocketEvents, SocketOwner};

/// Connections with events that a plugin may have.
const MOST: usize = 16;

/// The header with what a client offers to speak.
const PROTOCOL: &str = "sec-websocket-protocol";

/// The connections of one plugin and tenant.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// Number of the last; none is used twice.
    last: u32,
    open: BTreeMap<u32, Connection>,
}

#[derive(Debug)]
enum Connection {
    /// These come when they are waited for.
    Waited(std::vec::IntoIter<Message>),
    /// What comes is an event.
    Events,
}

impl Connections {
    fn add(&mut self, connection: Connection) -> u32 {
        self.last = self.last.wrapping_add(1) & 0x7fff_ffff;
        self.open.insert(self.last, connection);
        self.last
    }

    /// Opens one on which `messages` come when they are waited for.
    pub(super) fn open(&mut self, messages: Vec<Message>) -> u32 {
        self.add(Connection::Waited(messages.into_iter()))
    }

    /// The next message of one.
    pub(super) fn receive(&mut self, socket: u32) -> Option<Message> {
        match self.open.get_mut(&socket) {
            Some(Connection::Waited(messages)) => messages.next(),
            _ => None,
        }
    }

    /// Closes one.
    pub(super) fn close(&mut self, socket: u32) {
        self.open.remove(&socket);
    }

    /// The answer to what is about a connection with events of `owner`, for whom `events` has then what comes: it is open at once, with all
    /// `messages`, or it ends. Nothing where the request is about something else.
    pub(super) fn respond(
        &mut self,
        request: &NetworkRequest,
        messages: impl FnOnce() -> Result<Vec<Message>, String>,
        owner: &SocketOwner,
        events: &SocketEvents,
    ) -> Option<Result<Response, EffectError>> {
        let has_events = |socket: &u32| matches!(self.open.get(socket), Some(Connection::Events));
        match request {
            NetworkRequest::SocketOpen(open) if open.events.is_some() => {
                if self.open.values().filter(|known| matches!(known, Connection::Events)).count() >= MOST {
                    let text = format!("the plugin has {MOST} connections with events already");
                    return Some(Err(EffectError::Busy(text)));
                }
                let socket = self.add(Connection::Events);
                events.begin(owner, socket);
                match messages() {
                    Ok(messages) => {
                        let offered = open.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(PROTOCOL));
                        let protocol = offered.and_then(|(_, names)| names.split(',').next());
                        let protocol = protocol.map(|name| name.trim().to_owned());
                        events.push(owner, socket, SocketEvent::Open { protocol });
                        for message in messages {
                            events.push(owner, socket, SocketEvent::Message(message));
                        }
                    }
                    Err(reason) => {
                        self.open.remove(&socket);
                        events.push(owner, socket, SocketEvent::Closed { code: None, reason });
                    }
                }
                Some(Ok(Response::Socket(socket)))
            }
            NetworkRequest::SocketSend { socket, .. } | NetworkRequest::SocketSendPieces { socket, .. }
                if has_events(socket) =>
            {
                let busy = || EffectError::Busy("the connection is not open yet; an event tells when it is".to_owned());
                Some(if events.is_opening(owner, *socket) { Err(busy()) } else { Ok(Response::Done) })
            }
            NetworkRequest::SocketClose { socket } if has_events(socket) => {
                self.open.remove(socket);
                let reason = "the connection is closed".to_owned();
                events.push(owner, *socket, SocketEvent::Closed { code: None, reason });
                Some(Ok(Response::Done))
            }
            _ => None,
        }
    }
}
