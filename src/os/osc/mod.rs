//! Open Sound Control over UDP.
//!
//! A message to an address that is known goes out at once, from the thread that sends: handing a packet to the kernel waits for nobody.
//! A name is looked up on a thread of its own, and what is for it goes out there until its address is known, in the order it came.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rosc::{OscMessage, OscPacket, OscType};

use super::worker::Worker;
use crate::effect::{EffectError, Host, OscArg, OscOut, UdpTarget};
use crate::text::Repeats;
use crate::time::{Clock, Micros, SystemClock};

/// How long an address that was looked up is used. A mixer that was given another one is found again.
const KEPT: Micros = 60_000_000;

/// How long a name that has no address is not looked up again.
const RETRY: Micros = 5_000_000;

/// Names that are known at once. A configuration has hardly more.
const MAX_NAMES: usize = 256;

/// Sends OSC messages.
#[derive(Debug)]
pub(super) struct OscSender {
    lookups: Worker,
    shared: Arc<Shared>,
    repeats: Arc<Repeats>,
}

#[derive(Debug)]
struct Shared {
    clock: SystemClock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// One for each family of addresses, made when it is first needed.
    four: Option<UdpSocket>,
    six: Option<UdpSocket>,
    names: HashMap<UdpTarget, Name>,
}

/// What is known of a name.
#[derive(Debug, Default)]
struct Name {
    /// Its address, or why it has none, and until when that holds.
    found: Option<(Result<SocketAddr, String>, Micros)>,
    /// Messages that wait for the lookup thread; those behind them wait too.
    waiting: usize,
}

impl OscSender {
    /// Failures that are found out later are told to `repeats`.
    pub(super) fn new(repeats: Arc<Repeats>) -> Self {
        let shared = Arc::new(Shared { clock: SystemClock::start(), state: Mutex::default() });
        Self { lookups: Worker::new("osc"), shared, repeats }
    }

    /// Begins to look up the names among `targets`, so that the first message finds their addresses.
    pub(super) fn prepare(&self, targets: &BTreeSet<UdpTarget>) -> Vec<EffectError> {
        let names = targets.iter().filter(|target| matches!(*target.host, Host::Name(_)));
        let lookup = |target: &UdpTarget| {
            let (shared, target) = (Arc::clone(&self.shared), target.clone());
            self.lookups.submit(move || drop(shared.address(&target)))
        };
        names.filter_map(|target| lookup(target).err()).collect()
    }

    /// Sends `out`, or takes it to be sent when the address of its name is known.
    pub(super) fn send(&self, out: &OscOut) -> Result<(), EffectError> {
        let Host::Name(_) = &*out.to.host else {
            let Host::Address(address) = *out.to.host else { return Ok(()) }; // as just above
            return self.shared.lock().send(out, SocketAddr::new(address, out.to.port));
        };
        {
            let now = self.shared.clock.now();
            let mut state = self.shared.lock();
            let full = state.names.len() >= MAX_NAMES && !state.names.contains_key(&out.to);
            if full {
                return Err(EffectError::Busy(format!("{MAX_NAMES} OSC targets are in use already")));
            }
            let name = state.names.entry(out.to.clone()).or_default();
            if let (0, Some((Ok(address), until))) = (name.waiting, &name.found)
                && now < *until
            {
                let address = *address;
                return state.send(out, address);
            }
            name.waiting += 1;
        }
        let (shared, repeats, out) = (Arc::clone(&self.shared), Arc::clone(&self.repeats), out.clone());
        let to = out.to.clone();
        let taken = self.lookups.submit(move || {
            let address = shared.address(&out.to);
            let mut state = shared.lock();
            let sent = address.and_then(|address| state.send(&out, address));
            state.sent(&out.to);
            drop(state);
            if let Err(error) = sent {
                repeats.warn(&out.to.to_string(), format_args!("{out}: {error}"));
            }
        });
        if taken.is_err() {
            self.shared.lock().sent(&to);
        }
        taken
    }

    /// Waits until what was accepted is sent, at most `limit`; whether it is.
    pub(super) fn drain(&self, limit: Duration) -> bool {
        self.lookups.drain(limit)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of `target`; it is looked up unless it is known. Called from the lookup thread.
    fn address(&self, target: &UdpTarget) -> Result<SocketAddr, EffectError> {
        let known = |found: &Result<SocketAddr, String>| found.clone().map_err(EffectError::NotFound);
        if let Some((found, until)) = self.lock().names.get(target).and_then(|name| name.found.as_ref())
            && self.clock.now() < *until
        {
            return known(found);
        }
        let host = target.host.to_string();
        let looked_up = (host.as_str(), target.port).to_socket_addrs();
        // Programs that listen to OSC hardly ever do so on IPv6.
        let first = |addresses: Vec<SocketAddr>| {
            addresses.iter().find(|address| address.is_ipv4()).or(addresses.first()).copied()
        };
        let found = match looked_up.map(|addresses| first(addresses.collect())) {
            Ok(Some(address)) => Ok(address),
            Ok(None) => Err(format!("no address for {host}; check the name and the network")),
            Err(error) => Err(format!("no address for {host}: {error}; check the name and the network")),
        };
        let until = self.clock.now().saturating_add(if found.is_ok() { KEPT } else { RETRY });
        let result = known(&found);
        self.lock().names.entry(target.clone()).or_default().found = Some((found, until));
        result
    }
}

impl State {
    /// Hands `out` to the kernel.
    fn send(&mut self, out: &OscOut, to: SocketAddr) -> Result<(), EffectError> {
        let failed = |error: std::io::Error| EffectError::Failed(format!("cannot send to {}: {error}", out.to));
        let (socket, any): (_, IpAddr) = match to {
            SocketAddr::V4(_) => (&mut self.four, Ipv4Addr::UNSPECIFIED.into()),
            SocketAddr::V6(_) => (&mut self.six, Ipv6Addr::UNSPECIFIED.into()),
        };
        let socket = match socket {
            Some(socket) => socket,
            empty => {
                let made = UdpSocket::bind((any, 0)).map_err(failed)?;
                // A full buffer is told, not waited for.
                made.set_nonblocking(true).map_err(failed)?;
                made.set_broadcast(true).map_err(failed)?;
                empty.insert(made)
            }
        };
        let bytes = packet(out)?;
        match socket.send_to(&bytes, to) {
            Ok(_) => Ok(()),
            // Nobody listened to the message before; this one was not sent.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                socket.send_to(&bytes, to).map(|_| ()).map_err(failed)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// One message less waits for `target`.
    fn sent(&mut self, target: &UdpTarget) {
        if let Some(name) = self.names.get_mut(target) {
            name.waiting = name.waiting.saturating_sub(1);
        }
    }
}

/// The bytes of `out`.
fn packet(out: &OscOut) -> Result<Vec<u8>, EffectError> {
    let args = out.args.iter().map(|arg| match arg {
        OscArg::Int(number) => OscType::Int(*number),
        OscArg::Float(number) => OscType::Float(number.get()),
        OscArg::Text(text) => OscType::String(text.clone()),
        OscArg::Flag(flag) => OscType::Bool(*flag),
    });
    let message = OscMessage { addr: out.address.as_ref().to_owned(), args: args.collect() };
    rosc::encoder::encode(&OscPacket::Message(message))
        .map_err(|error| EffectError::Failed(format!("{out} is no OSC message: {error}")))
}
