//! A profile: the controls of one controller by name, and how its lamps are lit.

pub(crate) mod places;
pub(in crate::config) mod shipped;

use std::collections::BTreeMap;
use std::fmt;

use crate::config::feedback::FeedbackConfig;
use crate::midi::Channel;

/// What a profile's file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// What the controller is called.
    pub name: String,
    /// Its controls by name. No two send the same.
    pub controls: BTreeMap<String, ProfileControl>,
    /// How it is told what to show.
    pub feedback: FeedbackConfig,
}

/// A pad, button, fader or knob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileControl {
    /// What it sends.
    pub input: ControlAddress,
    /// What its lamp, ring or motor listens to; what it sends, unless the file says otherwise.
    pub lamp: ControlAddress,
}

/// A note or controller on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ControlAddress {
    /// The note or the controller.
    pub number: ControlNumber,
    /// The channel; every one where the file says none.
    pub channel: Option<Channel>,
}

/// The number of a note or of a controller, 0–127.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ControlNumber {
    /// A note.
    Note(u8),
    /// A controller.
    Cc(u8),
}

impl ControlAddress {
    /// Whether a message can be of both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let channels = self.channel.is_none() || other.channel.is_none() || self.channel == other.channel;
        self.number == other.number && channels
    }
}

impl fmt::Display for ControlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(note) => write!(f, "note {note}"),
            Self::Cc(cc) => write!(f, "controller {cc}"),
        }
    }
}

impl Profile {
    /// The control that sends what is sent at `address`, with its name.
    #[must_use]
    pub fn at(&self, address: ControlAddress) -> Option<(&str, &ProfileControl)> {
        let mut controls = self.controls.iter();
        controls.find(|(_, control)| control.input.meets(&address)).map(|(name, control)| (name.as_str(), control))
    }
}
