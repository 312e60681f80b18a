//! Sequencer ports: what there is.

use std::collections::BTreeMap;
use std::fmt;

use super::usb::Usb;
use crate::midi::Port;

/// All ports another program can be connected to, in the order of their addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortList {
    /// Ports that messages come from, without those that Conductor itself sends from.
    pub inputs: Vec<Port>,
    /// Ports that Conductor sends from, this process or another; they are never inputs.
    pub own: Vec<Port>,
    /// Ports that messages can be sent to.
    pub outputs: Vec<Port>,
    /// By the number of a client: the USB device behind it, where there is one.
    pub usb: BTreeMap<u8, Usb>,
}

impl PortList {
    /// The USB device behind `port`.
    #[must_use]
    pub fn usb(&self, port: &Port) -> Option<&Usb> {
        self.usb.get(&port.address.client)
    }
}

/// Why ports cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortsError {
    /// This build has no ALSA.
    #[cfg(not(feature = "alsa"))]
    NotBuilt,
    /// There is no sequencer on this machine.
    #[cfg(feature = "alsa")]
    NoSequencer,
    /// The sequencer may not be opened.
    #[cfg(feature = "alsa")]
    NotPermitted,
    /// The sequencer answered with an error.
    #[cfg(feature = "alsa")]
    Failed {
        /// Its text.
        reason: String,
    },
}

impl fmt::Display for PortsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(not(feature = "alsa"))]
            Self::NotBuilt => f.write_str(
                "this build has no MIDI ports (feature alsa); use a raw device such as /dev/snd/midiC1D0, a FIFO or a file",
            ),
            #[cfg(feature = "alsa")]
            Self::NoSequencer => f.write_str(
                "there is no MIDI sequencer on this machine: /dev/snd/seq is missing; load it with: sudo modprobe snd-seq",
            ),
            #[cfg(feature = "alsa")]
            Self::NotPermitted => f.write_str(
                "the MIDI sequencer /dev/snd/seq may not be opened; join its group with: \
                 sudo usermod -aG audio $USER, then log in again",
            ),
            #[cfg(feature = "alsa")]
            Self::Failed { reason } => write!(f, "the MIDI sequencer failed: {reason}"),
        }
    }
}

impl std::error::Error for PortsError {}

/// Lists the ports there are now.
pub fn list_ports() -> Result<PortList, PortsError> {
    #[cfg(feature = "alsa")]
    return super::watch::list();
    #[cfg(not(feature = "alsa"))]
    Err(PortsError::NotBuilt)
}
