//! Which connection belongs to which instance. A number of another instance names nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::deadline::Deadline;
use super::dial::Dialer;
use super::headers::{self, Filled};
use super::socket::{Outlet, Shared, Socket, shake_hands};
use crate::effect::{EffectError, Message, Origin, Pieces, Response, Secrets, SocketEvents, SocketOpen};

/// Most connections of one instance.
const MAX_PER_INSTANCE: usize = 8;
/// Most connections of all instances: each is a thread and a descriptor.
const MAX_CONNECTIONS: usize = 64;

/// Plugin and tenant.
type Owner = (String, String);

/// Every connection.
#[derive(Debug, Default, Clone)]
pub(super) struct Sockets {
    owned: Arc<Mutex<HashMap<Owner, Owned>>>,
}

#[derive(Debug, Default)]
struct Owned {
    last: u32,
    /// None while it is being opened.
    sockets: BTreeMap<u32, Option<Socket>>,
}

impl Sockets {
    fn lock(&self) -> MutexGuard<'_, HashMap<Owner, Owned>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Reserves a place before anything is connected, so that the caps hold while connections are being opened.
    pub(super) fn reserve(&self, origin: Origin<'_>) -> Result<Slot<'_>, EffectError> {
        let mut all = self.lock();
        if all.values().map(|owned| owned.sockets.len()).sum::<usize>() >= MAX_CONNECTIONS {
            return Err(EffectError::Busy(format!("all {MAX_CONNECTIONS} connections of plugins are in use")));
        }
        let owner = owner(origin);
        let of_owner = all.entry(owner.clone()).or_default();
        if of_owner.sockets.len() >= MAX_PER_INSTANCE {
            return Err(EffectError::Busy(format!(
                "a plugin has at most {MAX_PER_INSTANCE} connections; close one that is no longer used"
            )));
        }
        // Numbers are not used twice in an instance's life; 2^31 connections outlast it.
        of_owner.last = of_owner.last.wrapping_add(1) & 0x7fff_ffff;
        let number = of_owner.last;
        of_owner.sockets.insert(number, None);
        Ok(Slot { sockets: self, owner, number, taken: false })
    }
    /// The connection has ended by itself, which its instance is told as an event: its place is free.
    fn ended(&self, owner: &Owner, number: u32, shared: &Arc<Shared>) {
        let mut all = self.lock();
        let Some(sockets) = all.get_mut(owner).map(|owned| &mut owned.sockets) else { return };
        // Of another instance, when the number is given out anew.
        let is_it = |socket: &Socket| Arc::ptr_eq(&socket.shared(), shared);
        if sockets.get(&number).is_some_and(|socket| socket.as_ref().is_some_and(is_it)) {
            let removed = sockets.remove(&number);
            drop(all);
            if let Some(socket) = removed.flatten() {
                socket.leave();
            }
        }
    }
    fn find(&self, origin: Origin<'_>, number: u32) -> Result<Arc<Shared>, EffectError> {
        let owned = self.lock();
        let socket = owned.get(&owner(origin)).and_then(|owned| owned.sockets.get(&number)?.as_ref());
        socket.map(Socket::shared).ok_or_else(|| unknown(number))
    }
    pub(super) fn send(&self, origin: Origin<'_>, number: u32, message: Message) -> Result<Response, EffectError> {
        self.find(origin, number)?.send(message).map(|()| Response::Done)
    }
    /// Puts a message together and sends it. What its secrets are is not handed back by the server either.
    pub(super) fn send_pieces(
        &self,
        origin: Origin<'_>,
        number: u32,
        pieces: &Pieces,
        secrets: &Secrets,
    ) -> Result<Response, EffectError> {
        let shared = self.find(origin, number)?;
        let mut values = HashMap::new();
        for name in pieces.secrets() {
            let value = headers::secret(&name, secrets)?;
            shared.keep_back(&value, &name);
            values.insert(name, value);
        }
        let message = pieces.message(&|name| values.get(name).cloned());
        let message = message.map_err(|fault| EffectError::Failed(fault.to_string()))?;
        shared.send(message).map(|()| Response::Done)
    }
    pub(super) fn receive(
        &self,
        origin: Origin<'_>,
        number: u32,
        deadline: &Deadline,
    ) -> Result<Response, EffectError> {
        self.find(origin, number)?.receive(deadline).map(Response::Message)
    }
    pub(super) fn close(&self, origin: Origin<'_>, number: u32) -> Result<Response, EffectError> {
        let removed = self.lock().get_mut(&owner(origin)).and_then(|owned| owned.sockets.remove(&number));
        // Closed here, after the lock is released.
        removed.flatten().map(|_| Response::Done).ok_or_else(|| unknown(number))
    }
    pub(super) fn close_all(&self, origin: Origin<'_>, events: &SocketEvents) {
        let owner = owner(origin);
        events.forget(&owner);
        let removed = self.lock().remove(&owner);
        drop(removed); // after the lock is released
    }
}

/// A place for a connection that is being opened.
#[derive(Debug)]
pub(super) struct Slot<'s> {
    sockets: &'s Sockets,
    owner: Owner,
    number: u32,
    taken: bool,
}

impl Slot<'_> {
    /// Opens a connection on a thread of its own. What comes of it, and on it, becomes events.
    pub(super) fn open_with_events(
        self,
        (dialer, events): (&Dialer, &Arc<SocketEvents>),
        open: &SocketOpen,
        headers: Vec<(String, String)>,
        filled: Filled,
        deadline: Deadline,
    ) -> Result<Response, EffectError> {
        let (dialer, open, sockets) = (dialer.clone(), open.clone(), self.sockets.clone());
        let (owner, number) = (self.owner.clone(), self.number);
        events.begin(&owner, number);
        let forget = Arc::clone(events);
        let outlet = Outlet::new(Arc::clone(events), owner.clone(), number);
        let dial = move |shared: &Arc<Shared>| {
            let origin = Origin::Plugin { plugin: &owner.0, tenant: &owner.1 };
            let connection = dialer.dial(&open.url, &open.reach, origin, &deadline);
            let connection = connection.and_then(|connection| shake_hands(connection, &open.url, &headers, &deadline));
            Shared::run(shared, connection);
            sockets.ended(&owner, number, shared);
        };
        let socket = Socket::start(outlet, filled, dial);
        let owner = self.owner.clone();
        socket.and_then(|socket| self.open(socket)).inspect_err(|_| forget.end(&owner, number))
    }

    /// Puts the connection there.
    pub(super) fn open(mut self, socket: Socket) -> Result<Response, EffectError> {
        let mut owned = self.sockets.lock();
        let place = owned.get_mut(&self.owner).and_then(|owned| owned.sockets.get_mut(&self.number));
        // The instance may have been unloaded meanwhile; then the connection goes, too.
        let place = place.ok_or_else(|| unknown(self.number))?;
        *place = Some(socket);
        drop(owned);
        self.taken = true;
        Ok(Response::Socket(self.number))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if !self.taken
            && let Some(owned) = self.sockets.lock().get_mut(&self.owner)
        {
            owned.sockets.remove(&self.number);
        }
    }
}

fn owner(origin: Origin<'_>) -> Owner {
    match origin {
        Origin::Plugin { plugin, tenant } => (plugin.to_owned(), tenant.to_owned()),
        // Mappings open no connections; they share nothing with any plugin, whose name is never empty.
        Origin::Mapping => (String::new(), String::new()),
    }
}

fn unknown(number: u32) -> EffectError {
    EffectError::NotFound(format!("there is no connection {number}"))
}
