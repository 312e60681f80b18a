//! Which MIDI port a name in the configuration means. Ports are never known by their position: that changes whenever
//! something is plugged in.

/// A port of the ALSA sequencer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port {
    /// Numbers of client and port.
    pub(super) address: (i32, i32),
    /// Name of the client: a device, or a program.
    pub(super) client: String,
    /// Name of the port.
    pub(super) name: String,
}

impl Port {
    /// As people write it: `Client:Port`.
    pub(super) fn full_name(&self) -> String {
        format!("{}:{}", self.client, self.name)
    }
    /// How well `wanted` names this port; less is better, none is not at all.
    fn rank(&self, wanted: &str) -> Option<u8> {
        if address(wanted) == Some(self.address) {
            return Some(0);
        }
        let full = self.full_name();
        let names = [self.name.as_str(), self.client.as_str(), full.as_str()];
        if names.contains(&wanted) {
            Some(1)
        } else if names.iter().any(|name| name.starts_with(wanted)) {
            Some(2)
        } else {
            None
        }
    }
}

/// The port of `ports` that `wanted` means: by `client:port` in numbers, then by exact name (of the port, the client or both
/// with a colon), then by the beginning of one. Among equals the first.
pub(super) fn choose<'a>(ports: &'a [Port], wanted: &str) -> Option<&'a Port> {
    if wanted.is_empty() {
        return None;
    }
    ports.iter().filter_map(|port| Some((port.rank(wanted)?, port))).min_by_key(|(rank, _)| *rank).map(|(_, port)| port)
}

/// `wanted` as `client:port` in numbers.
fn address(wanted: &str) -> Option<(i32, i32)> {
    let (client, port) = wanted.split_once(':')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    Some((number(client)?, number(port)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports() -> Vec<Port> {
        let port = |client: i32, port: i32, name: &str, of: &str| Port {
            address: (client, port),
            client: of.to_owned(),
            name: name.to_owned(),
        };
        vec![
            port(14, 0, "Midi Through Port-0", "Midi Through"),
            port(20, 0, "Synth MIDI 1", "Synth"),
            port(20, 1, "Synth MIDI 2", "Synth"),
            port(24, 0, "Synth", "Synth Deluxe"),
            port(128, 0, "20:1", "Trick"),
        ]
    }

    #[test]
    fn numbers_come_before_exact_names_and_those_before_beginnings() {
        let ports = ports();
        for (wanted, address) in [
            ("20:1", Some((20, 1))),
            ("Synth MIDI 2", Some((20, 1))),
            ("Synth", Some((20, 0))),
            ("Synth Deluxe", Some((24, 0))),
            ("Synth:Synth MIDI 1", Some((20, 0))),
            ("Synth D", Some((24, 0))),
            ("Midi", Some((14, 0))),
            ("99:0", None),
            ("synth", None),
            ("", None),
            ("+20:1", None),
        ] {
            assert_eq!(choose(&ports, wanted).map(|port| port.address), address, "{wanted}");
        }
    }
}
