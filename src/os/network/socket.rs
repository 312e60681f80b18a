//! One WebSocket: a thread that waits for the network, so that pings are answered between a plugin's calls, and two bounded
//! queues between it and the plugin.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, eventfd};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::{HeaderName, HeaderValue, Uri};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, HandshakeError, WebSocket};

use super::deadline::Deadline;
use super::headers::Filled;
use super::serve::serve;
use super::wire::Connection;
use crate::effect::{EffectError, Message, SocketEvent, SocketEvents, SocketOwner, Url, Wake};

/// Largest message, either way, in bytes.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Most messages that wait in one direction. When as many have arrived unread, the server has to wait.
const MAX_QUEUED: usize = 64;
/// Most bytes of them; one more message of any size may join what is below.
const MAX_QUEUED_BYTES: usize = 1 << 20;
/// Stack of a thread that also shakes hands.
const OPENING_STACK_BYTES: usize = 1 << 20;
/// The thread decrypts and parses frames on its stack.
const STACK_BYTES: usize = 256 << 10;

/// A connection. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Socket {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and the plugin's calls share.
pub(super) struct Shared {
    mailbox: Mutex<Mailbox>,
    /// Signalled when a message arrived or the connection ended.
    arrived: Condvar,
    /// Written to when the thread has something to do.
    pub(super) wake: Arc<OwnedFd>,
    /// Secrets that were sent, which the server does not hand back to the plugin.
    filled: Mutex<Filled>,
    /// Where what arrives goes, where it becomes events.
    outlet: Option<(Outlet, Arc<Wake>)>,
}

/// Where what arrives on a connection goes, as events.
#[derive(Debug)]
pub(super) struct Outlet {
    events: Arc<SocketEvents>,
    owner: SocketOwner,
    number: u32,
}

impl Outlet {
    pub(super) fn new(events: Arc<SocketEvents>, owner: SocketOwner, number: u32) -> Self {
        Self { events, owner, number }
    }
    fn push(&self, event: SocketEvent) {
        self.events.push(&self.owner, self.number, event);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("outlet", &self.outlet.as_ref().map(|(outlet, _)| outlet))
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    inbox: Queue,
    pub(super) outbox: Queue,
    /// Why it ended.
    ended: Option<String>,
    pub(super) leave: bool,
    /// It is not open yet.
    opening: bool,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) messages: VecDeque<Message>,
    pub(super) bytes: usize,
}

impl Queue {
    pub(super) fn has_room(&self) -> bool {
        self.messages.len() < MAX_QUEUED && self.bytes < MAX_QUEUED_BYTES
    }
    pub(super) fn push(&mut self, message: Message) {
        self.bytes += message.len();
        self.messages.push_back(message);
    }
    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        Some(message)
    }
}

impl Shared {
    fn new(filled: Filled, outlet: Option<Outlet>) -> std::io::Result<Self> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let outlet = outlet.map(|outlet| {
            let wake = Arc::clone(&wake);
            let notify: Wake = Box::new(move || notify(&wake));
            (outlet, Arc::new(notify))
        });
        let mailbox = Mailbox { opening: outlet.is_some(), ..Mailbox::default() };
        Ok(Self { mailbox: Mutex::new(mailbox), arrived: Condvar::new(), wake, filled: Mutex::new(filled), outlet })
    }
    pub(super) fn filled(&self) -> MutexGuard<'_, Filled> {
        self.filled.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// The server does not hand this secret back to the plugin.
    pub(super) fn keep_back(&self, value: &str, name: &str) {
        self.filled().add(value, name);
    }
    /// Whether the network may be read.
    pub(super) fn has_room(&self) -> bool {
        match &self.outlet {
            Some((outlet, wake)) => outlet.events.has_room(&outlet.owner, outlet.number, wake),
            None => self.lock().inbox.has_room(),
        }
    }
    pub(super) fn arrived(&self, message: Message) {
        match &self.outlet {
            Some((outlet, _)) => outlet.push(SocketEvent::Message(message)),
            None => {
                self.lock().inbox.push(message);
                self.arrived.notify_all();
            }
        }
    }
    /// What the thread of a connection with events does, once it is known what came of opening it.
    pub(super) fn run(shared: &Arc<Self>, opened: Result<Opened, EffectError>) {
        let Some((outlet, _)) = &shared.outlet else { return };
        let (code, reason) = match opened {
            Err(error) => (None, error.to_string()),
            Ok(Opened { socket, protocol }) => {
                shared.lock().opening = false;
                outlet.push(SocketEvent::Open { protocol });
                serve(socket, shared)
            }
        };
        shared.end(reason.clone());
        outlet.push(SocketEvent::Closed { code, reason });
    }
    pub(super) fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn notify(&self) {
        notify(&self.wake);
    }
    pub(super) fn end(&self, reason: String) {
        self.lock().ended.get_or_insert(reason);
        self.arrived.notify_all();
    }
    /// Queues `message`.
    pub(super) fn send(&self, message: Message) -> Result<(), EffectError> {
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(EffectError::Failed(format!("a message is at most {MAX_MESSAGE_BYTES} bytes long")));
        }
        let mut mailbox = self.lock();
        if let Some(reason) = &mailbox.ended {
            return Err(EffectError::NotFound(reason.clone()));
        }
        if mailbox.opening {
            return Err(EffectError::Busy("the connection is not open yet; an event tells when it is".to_owned()));
        }
        if !mailbox.outbox.has_room() {
            return Err(EffectError::Busy("the server does not take what was sent so far; try again later".to_owned()));
        }
        mailbox.outbox.push(message);
        drop(mailbox);
        self.notify();
        Ok(())
    }
    /// The next message; none when none comes before the deadline. What arrived before the end is still handed out.
    pub(super) fn receive(&self, deadline: &Deadline) -> Result<Option<Message>, EffectError> {
        let mut mailbox = self.lock();
        if mailbox.inbox.messages.is_empty() && mailbox.ended.is_none() {
            let Ok(left) = deadline.left() else { return Ok(None) };
            let nothing = |mailbox: &mut Mailbox| mailbox.inbox.messages.is_empty() && mailbox.ended.is_none();
            mailbox = self.arrived.wait_timeout_while(mailbox, left, nothing).unwrap_or_else(PoisonError::into_inner).0;
        }
        let waited_for_room = !mailbox.inbox.has_room();
        match (mailbox.inbox.pop(), &mailbox.ended) {
            (Some(message), _) => {
                drop(mailbox);
                if waited_for_room {
                    self.notify();
                }
                Ok(Some(message))
            }
            (None, Some(reason)) => Err(EffectError::NotFound(reason.clone())),
            (None, None) => Ok(None),
        }
    }
}

/// Wakes a thread.
fn notify(wake: &OwnedFd) {
    // It fails only when the counter is full, and then the thread is awake already.
    let _ = rustix::io::write(wake, &1_u64.to_ne_bytes());
}

/// A connection that is open.
pub(super) struct Opened {
    socket: WebSocket<Connection>,
    /// What was agreed on to be spoken.
    protocol: Option<String>,
}

/// Shakes hands over `connection`.
pub(super) fn shake_hands(
    connection: Connection,
    url: &Url,
    headers: &[(String, String)],
    deadline: &Deadline,
) -> Result<Opened, EffectError> {
    let failed = |reason: &dyn std::fmt::Display| EffectError::Failed(format!("no WebSocket at {url}: {reason}"));
    let uri: Uri = url.to_string().parse().map_err(|error| failed(&error))?;
    let mut request = uri.into_client_request().map_err(|error| failed(&error))?;
    for (name, value) in headers {
        let name = HeaderName::try_from(name.as_str()).map_err(|error| failed(&error))?;
        // The value may hold a secret, so what is wrong with it is not said.
        let value = HeaderValue::try_from(value.as_str()).map_err(|_| failed(&format_args!("header {name}")))?;
        request.headers_mut().append(name, value);
    }
    let config = WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .write_buffer_size(0) // handed to the connection at once
        .max_write_buffer_size(MAX_MESSAGE_BYTES + MAX_QUEUED_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let (mut socket, response) =
        tungstenite::client::client_with_config(request, connection, Some(config)).map_err(|error| match error {
            HandshakeError::Failure(Error::Io(error)) if error.kind() == ErrorKind::TimedOut => deadline.passed(),
            HandshakeError::Failure(error) => failed(&error),
            HandshakeError::Interrupted(_) => deadline.passed(),
        })?;
    socket.get_mut().unblock().map_err(|error| failed(&error))?;
    let protocol = response.headers().get("sec-websocket-protocol");
    let protocol = protocol.and_then(|protocol| protocol.to_str().ok()).map(str::to_owned);
    Ok(Opened { socket, protocol })
}

impl Socket {
    /// Shakes hands over `connection` and starts the thread.
    pub(super) fn open(
        connection: Connection,
        url: &Url,
        headers: &[(String, String)],
        filled: Filled,
        deadline: &Deadline,
    ) -> Result<Self, EffectError> {
        let Opened { socket, .. } = shake_hands(connection, url, headers, deadline)?;
        let failed = |error: std::io::Error| EffectError::Failed(format!("no WebSocket at {url}: {error}"));
        let shared = Arc::new(Shared::new(filled, None).map_err(failed)?);
        Self::spawn(shared, STACK_BYTES, move |shared| {
            let (_, reason) = serve(socket, shared);
            shared.end(reason);
        })
        .map_err(failed)
    }
    /// Starts a thread that opens a connection and serves it; what arrives goes to `outlet`.
    pub(super) fn start(
        outlet: Outlet,
        filled: Filled,
        run: impl FnOnce(&Arc<Shared>) + Send + 'static,
    ) -> Result<Self, EffectError> {
        let failed = |error: std::io::Error| EffectError::Failed(format!("no thread for a WebSocket: {error}"));
        let shared = Arc::new(Shared::new(filled, Some(outlet)).map_err(failed)?);
        Self::spawn(shared, OPENING_STACK_BYTES, run).map_err(failed)
    }
    fn spawn(
        shared: Arc<Shared>,
        stack: usize,
        run: impl FnOnce(&Arc<Shared>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("websocket".into()).stack_size(stack);
        let thread = thread.spawn(move || run(&of_thread))?;
        Ok(Self { shared, thread: Some(thread) })
    }
    /// Lets its thread, which is about to end, end by itself.
    pub(super) fn leave(mut self) {
        self.thread = None;
    }
    /// What calls work with while the registry is free for others.
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

impl Drop for Socket {
    /// Says goodbye, without waiting for the server to answer, and waits for the thread, which does nothing that blocks.
    fn drop(&mut self) {
        let opening = {
            let mut mailbox = self.shared.lock();
            mailbox.leave = true;
            mailbox.opening
        };
        self.shared.notify();
        // One that is still being opened waits for the network, and finds out by itself that nobody wants it any more.
        if let Some(thread) = self.thread.take().filter(|_| !opening) {
            // A thread that panicked has closed its connection, too.
            let _ = thread.join();
        }
        self.shared.end("the connection is closed".to_owned());
    }
}
