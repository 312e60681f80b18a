//! What arrives on connections of resident plugins, and waits until the plugin is told of it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::Message;
use crate::text::Escape as _;

/// Events of one plugin that may wait. While as many do, its connections are not read.
const MAX_WAITING: usize = 256;

/// Bytes they may hold; one more of any size may join what is below.
const MAX_WAITING_BYTES: usize = 4 << 20;

/// Something that happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketEvent {
    /// It is open, and this was agreed on to be spoken.
    Open {
        /// The name of it, where there is one.
        protocol: Option<String>,
    },
    /// A message came.
    Message(Message),
    /// It has ended, or did not come to be.
    Closed {
        /// The server's number for why.
        code: Option<u16>,
        /// Why.
        reason: String,
    },
}

impl SocketEvent {
    fn held_bytes(&self) -> usize {
        let held = match self {
            Self::Open { protocol } => protocol.as_ref().map_or(0, String::len),
            Self::Message(message) => message.len(),
            Self::Closed { reason, .. } => reason.len(),
        };
        size_of::<Self>() + held
    }
}

/// Plugin and tenant.
pub type SocketOwner = (String, String);

/// Says to somebody that there is something to do.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// Events of all connections, by whose they are.
#[derive(Default)]
pub struct SocketEvents {
    owners: Mutex<HashMap<SocketOwner, Inbox>>,
    /// Whoever hands events on.
    reader: OnceLock<Wake>,
}

#[derive(Default)]
struct Inbox {
    events: VecDeque<(u32, SocketEvent)>,
    bytes: usize,
    /// Connections whose instance lives and whose end has not come.
    open: HashSet<u32>,
    /// Whom to wake when there is room again, by connection.
    waiting: HashMap<u32, Arc<Wake>>,
    /// It was said that there is no room.
    said: bool,
}

impl Inbox {
    fn has_room(&self) -> bool {
        self.events.len() < MAX_WAITING && self.bytes < MAX_WAITING_BYTES
    }
}

impl SocketEvents {
    fn owners(&self) -> MutexGuard<'_, HashMap<SocketOwner, Inbox>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `wake` is called when something has arrived, on any thread; it must not wait. Only the first counts.
    pub fn listen(&self, wake: Wake) {
        let _ = self.reader.set(wake);
    }

    /// The connection `socket` of `owner` begins: what arrives on it is kept.
    pub fn begin(&self, owner: &SocketOwner, socket: u32) {
        self.owners().entry(owner.clone()).or_default().open.insert(socket);
    }

    /// Something arrived on a connection that has begun. What arrives on one that was forgotten, or after its end, is nothing.
    pub fn push(&self, owner: &SocketOwner, socket: u32, event: SocketEvent) {
        let mut owners = self.owners();
        let Some(inbox) = owners.get_mut(owner).filter(|inbox| inbox.open.contains(&socket)) else { return };
        if let SocketEvent::Closed { .. } = event {
            inbox.open.remove(&socket);
            inbox.waiting.remove(&socket);
        }
        inbox.bytes += event.held_bytes();
        inbox.events.push_back((socket, event));
        drop(owners);
        if let Some(wake) = self.reader.get() {
            wake();
        }
    }

    /// Whether the connection may be read. If not, `wake` is called once when it may again.
    pub fn has_room(&self, owner: &SocketOwner, socket: u32, wake: &Arc<Wake>) -> bool {
        let mut owners = self.owners();
        let Some(inbox) = owners.get_mut(owner).filter(|inbox| !inbox.has_room()) else { return true };
        inbox.waiting.insert(socket, Arc::clone(wake));
        if !std::mem::replace(&mut inbox.said, true) {
            log::warn!(
                "plugin \"{}\": {} events of its connections wait, {} bytes; they are not read until it has taken some",
                owner.0.escaped(),
                inbox.events.len(),
                inbox.bytes
            );
        }
        false
    }

    /// Whether anything waits for `owner`.
    #[must_use]
    pub fn has_some(&self, owner: &SocketOwner) -> bool {
        self.owners().get(owner).is_some_and(|inbox| !inbox.events.is_empty())
    }

    /// Whether `owner` has not been told yet that the connection is open.
    #[must_use]
    pub fn is_opening(&self, owner: &SocketOwner, socket: u32) -> bool {
        let owners = self.owners();
        let Some(inbox) = owners.get(owner) else { return false };
        inbox.events.iter().any(|(of, event)| *of == socket && matches!(event, SocketEvent::Open { .. }))
    }

    /// What arrived first of what waits for `owner`, and on which connection.
    pub fn take(&self, owner: &SocketOwner) -> Option<(u32, SocketEvent)> {
        let mut owners = self.owners();
        let inbox = owners.get_mut(owner)?;
        let (socket, event) = inbox.events.pop_front()?;
        inbox.bytes -= event.held_bytes(); // added when it was pushed
        let awake = if inbox.has_room() { std::mem::take(&mut inbox.waiting) } else { HashMap::new() };
        drop(owners);
        for wake in awake.into_values() {
            wake();
        }
        Some((socket, event))
    }

    /// The connection did not begin after all.
    pub fn end(&self, owner: &SocketOwner, socket: u32) {
        if let Some(inbox) = self.owners().get_mut(owner) {
            inbox.open.remove(&socket);
        }
    }

    /// The instance of `owner` is gone, and with it what waits for it and what its connections still send.
    pub fn forget(&self, owner: &SocketOwner) {
        let removed = self.owners().remove(owner);
        for wake in removed.into_iter().flat_map(|inbox| inbox.waiting.into_values()) {
            wake();
        }
    }
}

impl std::fmt::Debug for SocketEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SocketEvents")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn message(length: usize) -> SocketEvent {
        SocketEvent::Message(Message::Binary(vec![0; length]))
    }

    fn owner() -> SocketOwner {
        ("p".to_owned(), "default".to_owned())
    }

    fn counter() -> (Arc<AtomicU32>, Arc<Wake>) {
        let count = Arc::<AtomicU32>::default();
        let counted = Arc::clone(&count);
        (count, Arc::new(Box::new(move || _ = counted.fetch_add(1, Ordering::Relaxed))))
    }

    #[test]
    fn a_connection_is_read_while_there_is_room_and_again_when_there_is() {
        let (events, owner) = (SocketEvents::default(), owner());
        events.begin(&owner, 1);
        let (count, wake) = counter();
        for _ in 0..MAX_WAITING {
            assert!(events.has_room(&owner, 1, &wake));
            events.push(&owner, 1, message(1));
        }
        assert!(!events.has_room(&owner, 1, &wake));
        assert_eq!(count.load(Ordering::Relaxed), 0);
        assert_eq!(events.take(&owner), Some((1, message(1))));
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert!(events.has_room(&owner, 1, &wake));
        events.push(&owner, 1, message(MAX_WAITING_BYTES));
        while events.take(&owner) == Some((1, message(1))) {}
        assert!(!events.has_some(&owner) && events.has_room(&owner, 1, &wake));
    }

    #[test]
    fn what_a_forgotten_connection_still_sends_is_nothing_and_an_end_comes_once() {
        let (events, owner) = (SocketEvents::default(), owner());
        let closed = || SocketEvent::Closed { code: None, reason: String::new() };
        events.push(&owner, 1, message(1));
        events.begin(&owner, 1);
        events.push(&owner, 1, closed());
        events.push(&owner, 1, closed());
        assert_eq!((events.take(&owner), events.take(&owner)), (Some((1, closed())), None));
        events.begin(&owner, 2);
        events.push(&owner, 2, message(1));
        events.forget(&owner);
        events.push(&owner, 2, message(1));
        assert_eq!(events.take(&owner), None);
    }
}
