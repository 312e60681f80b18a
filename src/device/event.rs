//! What devices report.

use std::fmt;

use crate::gesture::DeviceId;
use crate::midi::{Address, Message, NotMidi};
use crate::time::Micros;

/// Something that happened on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceEvent {
    /// When it was received.
    pub t: Micros,
    /// Which device.
    pub device: DeviceId,
    /// What happened.
    pub what: DeviceEventKind,
    /// Whether it is a message of a pipe, which waited for room in the queue.
    pub patient: bool,
}

/// What happened on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceEventKind {
    /// It is there and being read.
    Connected {
        /// What it is called: the port's `client:port` and address, or the path. Fit for a terminal.
        name: String,
        /// The port of the sequencer that its messages come from, where it is one of another program or device.
        address: Option<Address>,
    },
    /// It is gone. Whatever it held counts as released.
    Lost {
        /// What happened to the device, or to the way to it.
        reason: Loss,
    },
    /// A message came.
    Message(Message),
    /// What comes is no stream of messages, and is not read any further.
    NotMidi {
        /// What it is instead.
        what: NotMidi,
    },
    /// Nothing will come from it any more: its input ended, or it is gone and not to be looked for again.
    Ended,
}

/// Why a device is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Its sequencer port vanished.
    #[cfg(feature = "alsa")]
    PortVanished,
    /// The other end of the pipe was closed.
    WriterGone,
    /// Reading failed.
    Failed {
        /// The operating system's word for it.
        reason: String,
    },
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "alsa")]
            Self::PortVanished => f.write_str("its port vanished"),
            Self::WriterGone => f.write_str("the writer closed the pipe"),
            Self::Failed { reason } => write!(f, "reading failed: {reason}"),
        }
    }
}
