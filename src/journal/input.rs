//! What came into a session from outside, in its order.

use std::collections::BTreeMap;

use crate::call::{Owner, ResidentEvent};
use crate::config::MappingId;
use crate::gesture::DeviceId;
use crate::midi::Message;
use crate::state::StateValue;
use crate::time::Micros;

/// Something that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInput {
    /// When.
    pub t: Micros,
    /// What.
    pub what: InputKind,
}

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// A message of a device.
    Message(DeviceId, Message),
    /// A device connected.
    Found(DeviceId),
    /// A device was lost.
    Lost(DeviceId),
    /// The time came of the `Every` or `At` of this mapping.
    Clock(MappingId),
    /// A resident plugin was told of this.
    Event {
        /// Which plugin.
        plugin: String,
        /// What it was told.
        event: ResidentEvent,
    },
    /// What a call of a plugin set took effect.
    State(StateInput),
    /// Devices are told anew what to show: these, which count as there, or all that are.
    Refresh(Vec<DeviceId>),
    /// Somebody changed to the mode with this name.
    Mode(String),
    /// The condition of a mode changed.
    When {
        /// Index of the mode.
        mode: usize,
        /// Whether it holds now.
        holds: bool,
    },
}

/// What a call of a plugin set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateInput {
    /// Whose call.
    pub owner: Owner,
    /// Its number; absent when it was an event's.
    pub call: Option<u64>,
    /// Values by the plugin's own keys.
    pub values: BTreeMap<Box<str>, Option<StateValue>>,
}

impl SessionInput {
    /// A message that `device` sent at `t`.
    #[must_use]
    pub const fn message(t: Micros, device: DeviceId, message: Message) -> Self {
        Self { t, what: InputKind::Message(device, message) }
    }
}
