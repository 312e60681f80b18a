//! The sequencer's own word on ports: the list of them, and announcements of those that come and go.

use std::os::fd::OwnedFd;
use std::path::Path;

use alsa::seq::{Addr, ClientIter, EventType, PortCap, PortIter, PortSubscribe, PortType, Seq};

use super::client::{Waiting, failed, open};
use super::port::{PortList, PortsError};
use super::usb::{SYSTEM, Usb};
use super::wake::Woken;
use crate::midi::{Address, Port};
use crate::os::is_marked;
use crate::text::Escape as _;

/// Client numbers the kernel keeps for itself (system timer and announcements).
const SYSTEM_CLIENT: i32 = 0;

/// The ports there are now.
pub(super) fn list() -> Result<PortList, PortsError> {
    Ok(ports(&open(c"Conductor list")?))
}

fn ports(seq: &Seq) -> PortList {
    let mut list = PortList::default();
    for client in ClientIter::new(seq).filter(|client| client.get_client() != SYSTEM_CLIENT) {
        // Clients of programs have no card.
        let card = client.get_card().ok().filter(|card| *card >= 0);
        let usb = card.and_then(|card| Usb::of_card(card, Path::new(SYSTEM)));
        if let (Some(usb), Ok(number)) = (usb, u8::try_from(client.get_client())) {
            list.usb.insert(number, usb);
        }
        let client_name = client.get_name().unwrap_or("?").escaped().to_string();
        for port in PortIter::new(seq, client.get_client()) {
            let capability = port.get_capability();
            let Some(address) = address(port.addr()) else { continue };
            let usable = port.get_type().intersects(PortType::MIDI_GENERIC | PortType::SYNTH | PortType::APPLICATION);
            if !usable || capability.contains(PortCap::NO_EXPORT) {
                continue;
            }
            let own = is_marked(&port);
            let port = Port {
                address,
                client: client_name.clone(),
                name: port.get_name().unwrap_or("?").escaped().to_string(),
            };
            if capability.contains(PortCap::READ | PortCap::SUBS_READ) {
                if own {
                    list.own.push(port.clone());
                } else {
                    list.inputs.push(port.clone());
                }
            }
            if capability.contains(PortCap::WRITE | PortCap::SUBS_WRITE) {
                list.outputs.push(port);
            }
        }
    }
    list.own.sort_by_key(|port| port.address);
    list.inputs.sort_by_key(|port| port.address);
    list.outputs.sort_by_key(|port| port.address);
    list
}

fn address(addr: Addr) -> Option<Address> {
    Some(Address { client: u8::try_from(addr.client).ok()?, port: u8::try_from(addr.port).ok()? })
}

/// What the sequencer announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Announcement {
    /// A port vanished.
    Gone(Address),
    /// A client vanished with all its ports.
    ClientGone(u8),
    /// Announcements were lost; anything may have happened.
    Missed,
}

/// A listener to the sequencer's announcements.
pub(super) struct Watch {
    seq: Seq,
}

impl Watch {
    pub(super) fn open() -> Result<Self, PortsError> {
        let seq = open(c"Conductor watch")?;
        let port = seq
            .create_simple_port(c"announcements", PortCap::WRITE | PortCap::NO_EXPORT, PortType::APPLICATION)
            .map_err(failed)?;
        let subscription = PortSubscribe::empty().map_err(failed)?;
        subscription.set_sender(Addr::system_announce());
        subscription.set_dest(Addr { client: seq.client_id().map_err(failed)?, port });
        seq.subscribe_port(&subscription).map_err(failed)?;
        Ok(Self { seq })
    }

    /// The ports there are now.
    pub(super) fn ports(&self) -> PortList {
        ports(&self.seq)
    }

    /// Waits for an announcement or for the order to stop (`stop` becomes readable).
    pub(super) fn wait(&self, stop: &OwnedFd) -> Result<Woken, PortsError> {
        Waiting::new(&self.seq, stop)?.wait()
    }

    /// Hands on what was announced since the last call; true when anything was.
    pub(super) fn drain(&self, mut emit: impl FnMut(Announcement)) -> Result<bool, PortsError> {
        let mut input = self.seq.input();
        let mut any = false;
        loop {
            match input.event_input_pending(true) {
                Ok(0) => return Ok(any),
                Ok(_) => any = true,
                Err(error) if error.errno() == rustix::io::Errno::AGAIN.raw_os_error() => return Ok(any),
                Err(error) if error.errno() == rustix::io::Errno::NOSPC.raw_os_error() => {
                    any = true;
                    emit(Announcement::Missed);
                    continue;
                }
                Err(error) => return Err(failed(error)),
            }
            let event = match input.event_input() {
                Ok(event) => event,
                Err(error) if error.errno() == rustix::io::Errno::NOSPC.raw_os_error() => {
                    emit(Announcement::Missed);
                    continue;
                }
                Err(error) => return Err(failed(error)),
            };
            let Some(about) = event.get_data::<Addr>() else { continue };
            match (event.get_type(), address(about)) {
                (EventType::PortExit, Some(address)) => emit(Announcement::Gone(address)),
                (EventType::ClientExit, Some(address)) => emit(Announcement::ClientGone(address.client)),
                _ => {} // what has come is found by listing
            }
        }
    }
}
