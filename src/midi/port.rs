//! Ports of a MIDI system by name, and which one a configured name means. Ports are never known by their place in a list:
//! that changes whenever something is plugged in.

use std::fmt;

/// The address of a sequencer port, `client:port`. Addresses of hardware stay with their slot, others are given out anew;
/// so an address is only a way to name a port, never remembered for one that vanished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Client number.
    pub client: u8,
    /// Port number.
    pub port: u8,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.client, self.port)
    }
}

/// A sequencer port. Names are fit for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Numbers of its client and of the port, which the sequencer hands out anew at every connection.
    pub address: Address,
    /// Name of its client: a device or a program.
    pub client: String,
    /// Name of the port.
    pub name: String,
}

impl Port {
    /// `client:port`, by name.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.client, self.name)
    }
}

/// How well a name fits; the first that fits at all counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Address,
    Exact,
    OtherCase,
    Prefix,
    PrefixOtherCase,
}

fn fit(port: &Port, pattern: &str) -> Option<Fit> {
    if port.address.to_string() == pattern {
        return Some(Fit::Address);
    }
    let full = port.full_name();
    let names = [full.as_str(), &port.client, &port.name];
    let any = |fits: &dyn Fn(&str) -> bool| names.iter().any(|name| fits(name));
    let lower = pattern.to_lowercase();
    if pattern.is_empty() {
        None
    } else if any(&|name| name == pattern) {
        Some(Fit::Exact)
    } else if any(&|name| name.to_lowercase() == lower) {
        Some(Fit::OtherCase)
    } else if any(&|name| name.starts_with(pattern)) {
        Some(Fit::Prefix)
    } else {
        any(&|name| name.to_lowercase().starts_with(&lower)).then_some(Fit::PrefixOtherCase)
    }
}

/// The port that `pattern` means: its address, else its name (of the client, the port, or both with a colon), else the
/// beginning of one; upper and lower case count only where that decides. Among equals the lowest address. `nth` picks among
/// the input ports of the device that was found, in the order of addresses. Ports in `taken` are left out, so that
/// two devices of the same name get a port each.
pub(crate) fn find_port<'a>(ports: &'a [Port], pattern: &str, nth: Option<u16>, taken: &[Address]) -> Option<&'a Port> {
    let free = || ports.iter().filter(|port| !taken.contains(&port.address));
    let best = free()
        .filter_map(|port| Some((fit(port, pattern)?, port.address, port)))
        .min_by_key(|(fit, address, _)| (*fit, *address));
    let (_, _, found) = best?;
    let Some(nth) = nth else { return Some(found) };
    let chosen = ports.iter().filter(|port| port.address.client == found.address.client).nth(nth.into())?;
    (!taken.contains(&chosen.address)).then_some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports() -> Vec<Port> {
        let port = |client, port, client_name: &str, name: &str| Port {
            address: Address { client, port },
            client: client_name.to_owned(),
            name: name.to_owned(),
        };
        vec![
            port(14, 0, "Midi Through", "Midi Through Port-0"),
            port(20, 0, "Maschine Mikro MK3", "Maschine Mikro MK3 MIDI 1"),
            port(20, 1, "Maschine Mikro MK3", "Maschine Mikro MK3 MIDI 2"),
            port(24, 0, "Launchpad", "Launchpad MIDI 1"),
            port(28, 0, "Launchpad Mini", "Launchpad Mini MIDI 1"),
            port(32, 0, "Launchpad", "Launchpad MIDI 1"),
        ]
    }

    #[track_caller]
    fn finds(pattern: &str, address: Option<&str>) {
        let ports = ports();
        let found = find_port(&ports, pattern, None, &[]).map(|port| port.address.to_string());
        assert_eq!(found.as_deref(), address, "{pattern}");
    }

    #[test]
    fn a_port_is_found_by_address_name_or_beginning() {
        finds("20:1", Some("20:1"));
        finds("Maschine Mikro MK3", Some("20:0"));
        finds("Maschine Mikro MK3 MIDI 2", Some("20:1"));
        finds("Maschine Mikro MK3:Maschine Mikro MK3 MIDI 2", Some("20:1"));
        finds("Maschine", Some("20:0"));
        finds("maschine mikro mk3", Some("20:0"));
        finds("masch", Some("20:0"));
        finds("Midi Through", Some("14:0"));
        finds("Drums", None);
        finds("", None);
        finds("2", None);
        finds("2:1", None);
        finds("200:1", None);
    }

    #[test]
    fn an_exact_name_wins_over_the_beginning_of_another() {
        finds("Launchpad", Some("24:0"));
        finds("Launchpad Mini", Some("28:0"));
        finds("Launch", Some("24:0"));
    }

    #[test]
    fn a_number_picks_among_the_ports_of_the_device_not_of_the_system() {
        let ports = ports();
        let address = |pattern, nth| find_port(&ports, pattern, Some(nth), &[]).map(|port| port.address.to_string());
        assert_eq!(address("Maschine", 0).as_deref(), Some("20:0"));
        assert_eq!(address("Maschine", 1).as_deref(), Some("20:1"));
        assert_eq!(address("Maschine", 2), None);
    }

    #[test]
    fn two_devices_of_one_name_get_a_port_each() {
        let ports = ports();
        let taken = [Address { client: 24, port: 0 }];
        assert_eq!(find_port(&ports, "Launchpad", None, &taken).map(|port| port.address.client), Some(32));
        let taken = [Address { client: 20, port: 1 }];
        assert_eq!(find_port(&ports, "Maschine", Some(1), &taken), None);
    }
}
