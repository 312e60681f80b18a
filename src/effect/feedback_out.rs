//! What a device is told to show.

use std::fmt;
use std::sync::Arc;

use super::text::OneLine;
use crate::midi::{Address, Outgoing};

/// A message to a device, for it to show something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedbackOut {
    /// What triggers call the device.
    pub device: Arc<str>,
    /// The port it goes to.
    pub port: FeedbackPort,
    /// What is sent.
    pub message: Outgoing,
}

/// A port that leads to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedbackPort {
    /// The one of this name.
    Named(Arc<str>),
    /// One of the client whose messages come from here; this one, where it takes any.
    Client(Address),
}

impl fmt::Display for FeedbackPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Client(address) => address.fmt(f),
        }
    }
}

/// For example `feedback pads: 90 24 05`. The port is not shown: a device has another number each time it is plugged in.
impl fmt::Display for FeedbackOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "feedback {}:", OneLine(&self.device))?;
        let mut bytes = Vec::new();
        for message in self.message.messages().iter() {
            message.encode(&mut bytes);
        }
        bytes.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
    }
}
