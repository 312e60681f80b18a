//! What a session has to say.

use std::cell::Cell;

use crate::action::Step;
use crate::config::{ConditionOf, Mapping, MappingId, RouteId};
use crate::effect::{FeedbackOut, MidiOut};
use crate::gesture::{DeviceId, GestureEvent};
use crate::time::Micros;

/// What a session has to say.
#[derive(Debug)]
pub enum SessionEvent<'a> {
    /// A message completed a gesture, and nothing is mapped to it.
    Unmapped {
        /// The gesture.
        event: &'a GestureEvent,
        /// Index of the current mode.
        mode: usize,
    },
    /// Something is to be done now.
    Step {
        /// What, when and why.
        step: Step,
        /// The mapping behind it.
        mapping: &'a Mapping,
        /// Index of the mode current before the step.
        mode: usize,
    },
    /// A message is to be passed on now, without a mapping.
    Routed {
        /// When.
        t: Micros,
        /// The route.
        route: RouteId,
        /// What goes where.
        out: MidiOut,
        /// Index of the current mode.
        mode: usize,
    },
    /// The time of the `Every` or `At` of a mapping came; what it sets off follows.
    Clock {
        /// When.
        t: Micros,
        /// The mapping.
        mapping: MappingId,
    },
    /// A condition changed that is looked at beside the input.
    When {
        /// When.
        t: Micros,
        /// Which.
        of: ConditionOf,
        /// Whether it holds now.
        holds: bool,
    },
    /// A device is told what to show.
    Feedback {
        /// When.
        t: Micros,
        /// Which device.
        device: DeviceId,
        /// What it is told. Where the configuration names no port, that is the one called like the device.
        out: FeedbackOut,
        /// Index of the current mode.
        mode: usize,
        /// To be set where that could not be sent.
        failed: &'a Cell<bool>,
    },
    /// The mode changed because a condition did.
    Mode {
        /// What stands for the gesture.
        event: &'a GestureEvent,
        /// Index of the mode before.
        from: usize,
        /// Index of the mode now.
        to: usize,
    },
}

impl SessionEvent<'_> {
    /// When it happens.
    #[must_use]
    pub fn at(&self) -> Micros {
        match self {
            Self::Unmapped { event, .. } | Self::Mode { event, .. } => event.t,
            Self::Step { step, .. } => step.at,
            Self::Routed { t, .. } | Self::Clock { t, .. } | Self::When { t, .. } | Self::Feedback { t, .. } => *t,
        }
    }
}
