//! Sequencer ports as devices: connects them by name, notices when they vanish, finds them again.

use std::ffi::CStr;
use std::time::Duration;

use super::event::{DeviceEventKind, Loss};
use super::port::{PortList, PortsError};
use super::receiver::Receiver;
use super::sink::Sink;
use super::usb::Which;
use super::wake::{Wake, Woken};
use super::watch::{Announcement, Watch};
use crate::gesture::DeviceId;
use crate::midi::{Address, Port, find_port};
use crate::text::Escape as _;

/// How long to wait before a missing sequencer, or a port that would not connect, is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The client other programs find an own port under.
const OWN_CLIENT: &CStr = c"Conductor";
/// The client that connects to the ports of others. Another name, so that `aplaymidi -p Conductor` means the own port.
const READER_CLIENT: &CStr = c"Conductor input";

/// What a device of the sequencer is to be.
pub(super) enum Wanted {
    /// An existing port.
    Port {
        /// Name, beginning of a name, or address.
        pattern: String,
        /// Which of the devices of that name.
        which: Which,
        /// Which one of the device's ports.
        nth: Option<u16>,
        /// Look for it again when it vanishes.
        reconnect: bool,
    },
    /// An own port of this name.
    Virtual(String),
}

/// A device of the sequencer.
pub(super) struct PortDevice {
    id: DeviceId,
    wanted: Wanted,
    link: Link,
    /// It refused to connect, and that has been logged.
    refused: bool,
}

enum Link {
    Missing,
    Connected {
        /// Where; absent for an own port.
        address: Option<Address>,
        /// Held for its lifetime.
        _receiver: Receiver,
    },
    /// Not to be looked for any more.
    Ended,
}

impl PortDevice {
    pub(super) fn new(id: DeviceId, wanted: Wanted) -> Self {
        Self { id, wanted, link: Link::Missing, refused: false }
    }

    /// The name and the one of that name that it alone is to have.
    fn claim(&self) -> Option<(String, Which)> {
        match &self.wanted {
            Wanted::Port { pattern, which, .. } if !which.is_any() => Some((pattern.clone(), which.clone())),
            Wanted::Port { .. } | Wanted::Virtual(_) => None,
        }
    }

    /// Whether it is gone with what `gone` says.
    fn is_lost(&self, gone: Gone) -> bool {
        matches!(self.link, Link::Connected { .. }) && gone.takes(self.address())
    }

    /// Whether it is looked for again where it is lost. A port that is offered is.
    fn comes_back(&self) -> bool {
        matches!(self.wanted, Wanted::Port { reconnect: true, .. } | Wanted::Virtual(_))
    }

    fn address(&self) -> Option<Address> {
        match &self.link {
            Link::Connected { address, .. } => *address,
            Link::Missing | Link::Ended => None,
        }
    }
}

/// What is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    Port(Address),
    Client(u8),
    /// Announcements were missed: whatever others have may be.
    Unknown,
    /// The sequencer itself, and with it what is offered there.
    Everything,
}

impl Gone {
    /// Whether that takes what is at `address`; the ports that are offered here have none.
    fn takes(self, address: Option<Address>) -> bool {
        match self {
            Self::Port(gone) => address == Some(gone),
            Self::Client(client) => address.is_some_and(|address| address.client == client),
            Self::Unknown => address.is_some(),
            Self::Everything => true,
        }
    }
}

/// All devices of the sequencer, served by one thread that sleeps until a port is announced.
pub(super) struct Sequencer {
    devices: Vec<PortDevice>,
    sink: Sink,
    wake: Wake,
    /// The complaint logged last, so that it is not logged again before something has worked.
    complaint: Option<PortsError>,
}

impl Sequencer {
    pub(super) fn new(devices: Vec<PortDevice>, sink: Sink, wake: Wake) -> Self {
        Self { devices, sink, wake, complaint: None }
    }

    /// Serves the devices on this thread until told to stop, or until nobody listens. What fails is logged and tried again every second.
    pub(super) fn run(&mut self) {
        loop {
            match Watch::open() {
                Ok(watch) => {
                    self.complaint = None;
                    match self.serve(&watch) {
                        Ok(()) => return,
                        Err(error) => {
                            self.complain(error);
                            if !self.lose(Gone::Everything) {
                                return;
                            }
                        }
                    }
                }
                Err(error) => self.complain(error),
            }
            if !self.wake.pause(RETRY) {
                return;
            }
        }
    }

    fn complain(&mut self, error: PortsError) {
        if self.complaint.as_ref() != Some(&error) {
            log::warn!("{error}");
            self.complaint = Some(error);
        }
    }

    /// Connects what can be and follows announcements. Ends without an error when told to stop.
    fn serve(&mut self, watch: &Watch) -> Result<(), PortsError> {
        let mut waiting = true;
        loop {
            let Some(all_tried) = self.connect_missing(watch, waiting) else { return Ok(()) };
            waiting = false;
            // Missing ports are announced. Ports that refused are tried again, but not at once: the attempt itself was announced.
            let stop =
                if all_tried { watch.wait(self.wake.descriptor())? == Woken::Stop } else { !self.wake.pause(RETRY) };
            if stop {
                return Ok(());
            }
            let mut announced = Vec::new();
            watch.drain(|announcement| announced.push(announcement))?;
            for announcement in announced {
                let go_on = match announcement {
                    Announcement::Gone(address) => self.lose(Gone::Port(address)),
                    Announcement::ClientGone(client) => self.lose(Gone::Client(client)),
                    Announcement::Missed => self.lose(Gone::Unknown),
                };
                if !go_on {
                    return Ok(());
                }
            }
        }
    }

    /// Takes devices for lost that are gone with `gone`; false when nobody listens any more.
    fn lose(&mut self, gone: Gone) -> bool {
        for device in &mut self.devices {
            if !device.is_lost(gone) {
                continue;
            }
            let reconnect = device.comes_back();
            device.link = if reconnect { Link::Missing } else { Link::Ended };
            if !self.sink.report(device.id, &DeviceEventKind::Lost { reason: Loss::PortVanished }) {
                return false;
            }
            if !reconnect && !self.sink.report(device.id, &DeviceEventKind::Ended) {
                return false;
            }
        }
        true
    }

    /// Connects every missing device whose port is there. Absent when nobody listens any more; else whether every port that is
    /// there could be connected. `first` says in the log what is being waited for.
    fn connect_missing(&mut self, watch: &Watch, first: bool) -> Option<bool> {
        if !self.devices.iter().any(|device| matches!(device.link, Link::Missing)) {
            return Some(true);
        }
        let ports = watch.ports();
        let claims: Vec<_> = self.devices.iter().filter_map(PortDevice::claim).collect();
        let mut taken: Vec<_> = self.devices.iter().filter_map(PortDevice::address).collect();
        let mut all_tried = true;
        for device in &mut self.devices {
            if !matches!(device.link, Link::Missing) {
                continue;
            }
            let (name, address, receiver) = match &device.wanted {
                Wanted::Virtual(name) => {
                    let receiver = Receiver::offer(OWN_CLIENT, name, device.id, self.sink.clone());
                    (format!("{}:{name}", OWN_CLIENT.to_string_lossy()), None, receiver)
                }
                Wanted::Port { pattern, which, nth, .. } => {
                    let meant = meant(&ports, pattern, which, &claims);
                    let Some(port) = find_port(&meant, pattern, *nth, &taken) else {
                        if first {
                            let pattern = pattern.escaped();
                            log::warn!("MIDI port \"{pattern}\"{which} is not there; waiting for it to appear");
                        }
                        continue;
                    };
                    let name = format!("{} ({})", port.full_name(), port.address);
                    let receiver = Receiver::connect(READER_CLIENT, port.address, device.id, self.sink.clone());
                    (name, Some(port.address), receiver)
                }
            };
            match receiver {
                Ok(receiver) => {
                    taken.extend(address);
                    device.refused = false;
                    device.link = Link::Connected { address, _receiver: receiver };
                    if !self.sink.report(device.id, &DeviceEventKind::Connected { name, address }) {
                        return None;
                    }
                }
                Err(error) => {
                    all_tried = false;
                    if !std::mem::replace(&mut device.refused, true) {
                        log::warn!("MIDI port {name}: {error}; trying again");
                    }
                }
            }
        }
        Some(all_tried)
    }
}

/// The input ports that can be the device of this name: those of the one that is meant, or, where any will do, those that nobody else
/// has a claim to.
fn meant(ports: &PortList, pattern: &str, which: &Which, claims: &[(String, Which)]) -> Vec<Port> {
    let claimed = |port: &Port| {
        let usb = ports.usb(port);
        claims.iter().any(|(other, which)| other == pattern && which.means(usb))
    };
    let meant = |port: &&Port| if which.is_any() { !claimed(port) } else { which.means(ports.usb(port)) };
    ports.inputs.iter().filter(meant).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Usb;

    /// Three launchpads of one name, whose clients have these numbers.
    fn plugged([a, b, c]: [u8; 3]) -> PortList {
        let mut list = PortList::default();
        for (client, path, serial) in [(a, "1-1.2", Some("A1B2")), (b, "1-1.3", Some("C3D4")), (c, "1-4", None)] {
            let address = Address { client, port: 0 };
            list.inputs.push(Port { address, client: "Launchpad".to_owned(), name: "Launchpad MIDI 1".to_owned() });
            list.usb.insert(client, Usb { path: path.to_owned(), serial: serial.map(str::to_owned) });
        }
        list.inputs.sort_by_key(|port| port.address);
        list
    }

    #[test]
    fn a_port_that_is_offered_goes_with_the_sequencer_and_with_nothing_else_and_is_offered_again() {
        let [other, mine] = [20, 24].map(|client| Address { client, port: 0 });
        for (gone, of_others, of_another, offered) in [
            (Gone::Port(other), true, false, false),
            (Gone::Client(20), true, false, false),
            (Gone::Unknown, true, true, false),
            (Gone::Everything, true, true, true),
        ] {
            let takes = [Some(other), Some(mine), None].map(|address| gone.takes(address));
            assert_eq!(takes, [of_others, of_another, offered], "{gone:?}");
        }
        let device = |wanted| PortDevice::new(DeviceId(0), wanted);
        let offered = device(Wanted::Virtual("in".to_owned()));
        assert!(offered.comes_back() && !offered.is_lost(Gone::Everything), "it is not there yet");
    }

    #[test]
    fn each_of_three_devices_of_one_name_finds_its_own_again_in_whatever_order_they_were_plugged_in() {
        let which = |serial: Option<&str>, usb: Option<&str>| Which {
            serial: serial.map(str::to_owned),
            usb: usb.map(str::to_owned),
        };
        let wanted = [which(None, None), which(Some("C3D4"), None), which(None, Some("1-1.2"))];
        let claims: Vec<_> = wanted
            .iter()
            .filter(|which| !which.is_any())
            .map(|which| ("Launchpad".to_owned(), which.clone()))
            .collect();
        for clients in [[20, 24, 28], [28, 24, 20], [24, 28, 20], [20, 28, 24]] {
            let ports = plugged(clients);
            let found: Vec<_> = wanted
                .iter()
                .map(|which| {
                    let meant = meant(&ports, "Launchpad", which, &claims);
                    find_port(&meant, "Launchpad", None, &[]).map(|port| port.address.client)
                })
                .collect();
            let [a, b, c] = clients;
            assert_eq!(found, [Some(c), Some(b), Some(a)], "whoever wants any leaves the others theirs");
        }
        // One that is not plugged in is waited for, and no other is taken in its place.
        let mut ports = plugged([20, 24, 28]);
        ports.inputs.remove(1);
        assert!(meant(&ports, "Launchpad", &wanted[1], &claims).is_empty());
    }
}
