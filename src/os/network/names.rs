//! From names to addresses.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::deadline::Deadline;
use crate::effect::EffectError;

/// Looks names up. May block for as long as it likes; it is called from a thread of its own.
pub trait Lookup: Debug + Send + Sync {
    /// The addresses of `name`.
    fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    }
}

/// Lookups that may be under way at once. One whose deadline passed goes on until the resolver gives up, which can take half
/// a minute; a plugin that asks again and again must not collect threads.
const MAX_LOOKUPS: usize = 16;
/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;
/// A resolver needs little stack, but glibc's loads modules.
const STACK_BYTES: usize = 256 << 10;

static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

struct UnderWay;

impl UnderWay {
    fn begin() -> Result<Self, EffectError> {
        let this = Self;
        if UNDER_WAY.fetch_add(1, Ordering::Relaxed) < MAX_LOOKUPS {
            Ok(this) // dropping it counts down, also below
        } else {
            Err(EffectError::Busy(format!("{MAX_LOOKUPS} names are being looked up already; try again later")))
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The addresses of `name`, as far as there is time.
pub(super) fn lookup(lookup: &Arc<dyn Lookup>, name: &str, deadline: &Deadline) -> Result<Vec<IpAddr>, EffectError> {
    let limit: Duration = deadline.left()?;
    let (sender, receiver) = mpsc::sync_channel(1);
    let under_way = UnderWay::begin()?;
    let (lookup, owned) = (Arc::clone(lookup), name.to_owned());
    std::thread::Builder::new()
        .name("lookup".into())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let result = lookup.addresses(&owned);
            drop(under_way);
            // Nobody listens any more when the deadline passed.
            let _ = sender.send(result);
        })
        .map_err(|error| EffectError::Busy(format!("no thread to look {name} up: {error}")))?;
    let not_found = |reason: &dyn std::fmt::Display| {
        EffectError::NotFound(format!("no address for {name}: {reason}; check the name and the network"))
    };
    match receiver.recv_timeout(limit) {
        Ok(Ok(addresses)) if addresses.is_empty() => Err(not_found(&"the resolver knows none")),
        Ok(Ok(addresses)) => Ok(addresses.into_iter().take(MAX_ADDRESSES).collect()),
        Ok(Err(error)) => Err(not_found(&error)),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(deadline.passed()),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(not_found(&"the resolver failed")),
    }
}
