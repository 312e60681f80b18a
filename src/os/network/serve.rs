//! What the thread of a WebSocket does: sends what waits, takes in what comes, and says why it ended.

use std::io::ErrorKind;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt::set_tcp_quickack;
use tungstenite::protocol::CloseFrame;
use tungstenite::{Error, WebSocket};

use super::socket::Shared;
use super::wire::Connection;
use crate::effect::Message;

/// Frames handled before looking at what is to be sent: a server that never stops must not silence the plugin.
const FRAMES_AT_ONCE: usize = 256;

/// What the thread does until the connection ends or nobody wants it any more; the server's number for why it ended, and why.
pub(super) fn serve(mut socket: WebSocket<Connection>, shared: &Shared) -> (Option<u16>, String) {
    let mut goodbye = None;
    let reason = loop {
        if shared.lock().leave {
            send_waiting(&mut socket, shared);
            break "the connection is closed".to_owned();
        }
        match step(&mut socket, shared, &mut goodbye) {
            Ok(interest) => {
                if let Err(error) = wait(&socket, shared, &interest) {
                    break format!("cannot wait for the server: {error}");
                }
            }
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => break "the server closed the connection".to_owned(),
            Err(error) => break format!("the connection broke: {error}"),
        }
    };
    // Both only fill the socket's buffer; a server that does not take the goodbye finds the connection closed.
    let _ = socket.close(None);
    let _ = socket.flush();
    match goodbye {
        Some(CloseFrame { code, reason: said }) => {
            let mut said = said.as_str().to_owned();
            shared.filled().scrub_text(&mut said);
            (Some(code.into()), if said.is_empty() { reason } else { said })
        }
        None => (None, reason),
    }
}

/// Hands what waits to the connection, as far as it takes it: a plugin that says something last and leaves has said it.
fn send_waiting(socket: &mut WebSocket<Connection>, shared: &Shared) {
    while let Some(message) = shared.lock().outbox.pop() {
        // One that would block is in the socket's buffer, and is flushed with the goodbye as far as the server takes it.
        if socket
            .write(frame(message))
            .is_err_and(|error| !matches!(error, Error::Io(error) if error.kind() == ErrorKind::WouldBlock))
        {
            return;
        }
    }
}

fn frame(message: Message) -> tungstenite::Message {
    match message {
        Message::Text(text) => tungstenite::Message::text(text),
        Message::Binary(bytes) => tungstenite::Message::binary(bytes),
    }
}

/// What to wait for.
struct Interest {
    room: bool,
    unsent: bool,
    /// There is more that did not have its turn.
    more: bool,
}

/// Sends what waits and takes in what is there, without blocking.
fn step(
    socket: &mut WebSocket<Connection>,
    shared: &Shared,
    goodbye: &mut Option<CloseFrame>,
) -> Result<Interest, Error> {
    loop {
        let Some(message) = shared.lock().outbox.pop() else { break };
        match socket.write(frame(message)) {
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break, // it is in the buffer
            Err(Error::WriteBufferFull(message)) => {
                let mut mailbox = shared.lock();
                let message = match *message {
                    tungstenite::Message::Text(text) => Message::Text(text.as_str().to_owned()),
                    other => Message::Binary(other.into_data().to_vec()),
                };
                mailbox.outbox.bytes += message.len();
                mailbox.outbox.messages.push_front(message);
                break;
            }
            written => written?,
        }
    }
    let (mut more, mut read) = (true, false);
    for _ in 0..FRAMES_AT_ONCE {
        if !shared.has_room() {
            more = false;
            break;
        }
        let mut message = match socket.read() {
            Ok(tungstenite::Message::Text(text)) => Message::Text(text.as_str().to_owned()),
            Ok(tungstenite::Message::Binary(bytes)) => Message::Binary(bytes.to_vec()),
            Ok(tungstenite::Message::Close(frame)) => {
                *goodbye = frame.or(goodbye.take());
                continue;
            }
            Ok(_) => continue, // pings are answered by the library, a goodbye shows in the next read
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                more = false;
                break;
            }
            Err(error) => return Err(error),
        };
        read = true;
        match &mut message {
            Message::Text(text) => shared.filled().scrub_text(text),
            Message::Binary(bytes) => shared.filled().scrub_bytes(bytes),
        }
        shared.arrived(message);
    }
    if read {
        // A server that lets small messages wait for an acknowledgement (OBS does) would wait 40 ms for it. The kernel falls back
        // to that by itself, so it is said each time; not having it is no failure.
        let _ = set_tcp_quickack(socket.get_ref().tcp(), true);
    }
    let unsent = match socket.flush() {
        Ok(()) => false,
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => true,
        Err(error) => return Err(error),
    };
    let room = shared.has_room();
    let mailbox = shared.lock();
    Ok(Interest { room, unsent: unsent || !mailbox.outbox.messages.is_empty(), more })
}

/// Waits until there is something to do.
fn wait(socket: &WebSocket<Connection>, shared: &Shared, interest: &Interest) -> std::io::Result<()> {
    if interest.more {
        return Ok(());
    }
    let mut wanted = PollFlags::empty();
    wanted.set(PollFlags::IN, interest.room);
    wanted.set(PollFlags::OUT, interest.unsent);
    let wake = PollFd::new(&shared.wake, PollFlags::IN);
    let network = PollFd::from_borrowed_fd(socket.get_ref().tcp().as_fd(), wanted);
    // A full inbox waits for the plugin alone: a server that hung up meanwhile is noticed when there is room again.
    let mut fds = [wake, network];
    let watched = if wanted.is_empty() { &mut fds[..1] } else { &mut fds[..] };
    match poll(watched, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut counter = [0; 8];
    // Empty when it was the network that woke us.
    let _ = rustix::io::read(&shared.wake, &mut counter);
    Ok(())
}
