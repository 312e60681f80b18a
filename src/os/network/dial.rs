//! Resolve, check, connect: in this order, once, and to the very address that was checked.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::ClientConfig;

use super::deadline::Deadline;
use super::names::{self, Lookup};
use super::tls;
use super::wire::{Connection, Wire};
use crate::effect::{EffectError, Host, Origin, Reach, Url};
use crate::grant::{Denied, permits};

/// Makes connections.
#[derive(Debug, Clone)]
pub(super) struct Dialer {
    lookup: Arc<dyn Lookup>,
    tls: Arc<ClientConfig>,
}

impl Dialer {
    pub(super) fn new(lookup: Arc<dyn Lookup>, tls: Arc<ClientConfig>) -> Self {
        Self { lookup, tls }
    }
    /// Connects to the host of `url`, with TLS where its scheme says so. No proxy is ever used: it would resolve the name
    /// once more, and differently.
    pub(super) fn dial(
        &self,
        url: &Url,
        reach: &Reach,
        origin: Origin<'_>,
        deadline: &Deadline,
    ) -> Result<Connection, EffectError> {
        let addresses = match url.host() {
            Host::Address(address) => vec![*address],
            Host::Name(name) => names::lookup(&self.lookup, name, deadline)?,
        };
        let (allowed, refused): (Vec<IpAddr>, Vec<_>) =
            addresses.into_iter().partition(|address| permits(reach, *address).is_ok());
        if allowed.is_empty() {
            // A name has at least one address, so one was refused.
            return Err(refused
                .first()
                .map_or_else(|| deadline.passed(), |address| denied(url, reach, *address, origin)));
        }
        let tcp = connect(url, &allowed, deadline)?;
        let wire = Wire::new(tcp, deadline.clone());
        if url.scheme().encrypted() { tls::handshake(&self.tls, url.host(), wire) } else { Ok(Connection::plain(wire)) }
    }
}

/// Tries one address after the other; each gets an equal share of what is left.
fn connect(url: &Url, addresses: &[IpAddr], deadline: &Deadline) -> Result<TcpStream, EffectError> {
    let mut last = None;
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.left()?;
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(1).max(1);
        match TcpStream::connect_timeout(&SocketAddr::new(*address, url.port()), share) {
            Ok(tcp) => {
                // Requests are written whole; waiting for more to send only delays them. Not having it is no failure.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) if error.kind() == std::io::ErrorKind::TimedOut => Err(deadline.passed()),
        Some(error) => Err(EffectError::Failed(format!("cannot connect to {}: {error}", url.origin()))),
        None => Err(deadline.passed()),
    }
}

fn denied(url: &Url, reach: &Reach, address: IpAddr, origin: Origin<'_>) -> EffectError {
    let Err(class) = permits(reach, address) else { return EffectError::Denied(url.origin()) };
    let denied = Denied::Address { origin: url.origin(), address, class };
    EffectError::Denied(match origin {
        Origin::Plugin { plugin, .. } => format!("{denied}; {}", denied.remedy(plugin)),
        Origin::Mapping => denied.to_string(),
    })
}
