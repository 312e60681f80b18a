//! The numbers of an event that actions can use: which there are, and how far each reaches.

use std::ops::RangeInclusive;

use super::control::{Control, Controls};
use super::event::{Gesture, GestureEvent};
use super::trigger::Trigger;
use crate::midi::Channel;

/// Seven bits, as MIDI data is.
const DATA: RangeInclusive<i32> = 0..=127;
/// Most steps that one message of an encoder says, either way.
const STEPS: RangeInclusive<i32> = -63..=63;

/// A number that an event may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventNumber {
    /// The trigger's own: velocity, controller value, pressure, bend, program, or steps of a turn.
    Value,
    /// Velocity of a note.
    Velocity,
    /// Number of a note.
    Note,
    /// Number of a controller.
    Cc,
    /// Number of a program.
    Program,
    /// Channel, from 1.
    Channel,
    /// Pressure of a note or a channel.
    Pressure,
    /// Pitch bend, 8192 at rest.
    Bend,
    /// Steps of a turn, below 0 counterclockwise.
    Delta,
}

impl EventNumber {
    /// Every number.
    pub const ALL: [Self; 9] = [
        Self::Value,
        Self::Velocity,
        Self::Note,
        Self::Cc,
        Self::Program,
        Self::Channel,
        Self::Pressure,
        Self::Bend,
        Self::Delta,
    ];

    /// What configurations call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Velocity => "velocity",
            Self::Note => "note",
            Self::Cc => "cc",
            Self::Program => "program",
            Self::Channel => "channel",
            Self::Pressure => "pressure",
            Self::Bend => "bend",
            Self::Delta => "delta",
        }
    }

    /// The number with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|number| number.name() == name)
    }

    /// What it is in `event`, where that has one.
    #[must_use]
    pub fn of(self, event: &GestureEvent) -> Option<i32> {
        if self == Self::Channel {
            return event.channel.map(|channel| i32::from(Channel::number(channel)));
        }
        match &event.gesture {
            Gesture::Press { note, velocity }
            | Gesture::Release { note, velocity }
            | Gesture::LongPress { note, velocity, .. }
            | Gesture::DoubleTap { note, velocity, .. } => match self {
                Self::Value | Self::Velocity => Some((*velocity).into()),
                Self::Note => Some((*note).into()),
                _ => None,
            },
            Gesture::Chord { velocity, .. } => {
                matches!(self, Self::Value | Self::Velocity).then_some((*velocity).into())
            }
            Gesture::Encoder { cc, steps, .. } => match self {
                Self::Value | Self::Delta => Some((*steps).into()),
                Self::Cc => Some((*cc).into()),
                _ => None,
            },
            Gesture::Control { control, value } | Gesture::Crossing { control, value, .. } => {
                self.of_control(*control, *value)
            }
            Gesture::ProgramChange { program } => {
                matches!(self, Self::Value | Self::Program).then_some((*program).into())
            }
            Gesture::Transport(_) | Gesture::SysEx(_) | Gesture::Timer { .. } | Gesture::Session(_) => None,
        }
    }

    fn of_control(self, control: Control, value: u16) -> Option<i32> {
        match (self, control) {
            (Self::Value, _) | (Self::Bend, Control::Bend) | (Self::Pressure, Control::Pressure(_)) => {
                Some(value.into())
            }
            (Self::Cc, Control::Cc(cc) | Control::Cc14(cc)) => Some(cc.into()),
            (Self::Note, Control::Pressure(note)) => note.map(Into::into),
            _ => None,
        }
    }
}

impl Trigger {
    /// The scale of `number` in the events that this trigger waits for; nothing where they never have it.
    #[must_use]
    pub fn scale_of(&self, number: EventNumber) -> Option<RangeInclusive<i32>> {
        use EventNumber::{Cc, Delta, Note, Program, Value, Velocity};
        let own = match self {
            Self::Note { .. }
            | Self::VelocityRange { .. }
            | Self::NoteOff { .. }
            | Self::LongPress { .. }
            | Self::DoubleTap { .. } => matches!(number, Value | Velocity | Note).then_some(DATA),
            // It has several notes.
            Self::NoteChord { .. } => matches!(number, Value | Velocity).then_some(DATA),
            Self::EncoderTurn { .. } => match number {
                Value | Delta => Some(STEPS),
                Cc => Some(DATA),
                _ => None,
            },
            Self::Control { controls, .. } => controls.scale_of(number),
            Self::ProgramChange { .. } => matches!(number, Value | Program).then_some(DATA),
            Self::Transport { .. } | Self::SysEx { .. } | Self::Every { .. } | Self::At { .. } | Self::Session(_) => {
                return None;
            }
        };
        if number == EventNumber::Channel { Some(1..=16) } else { own }
    }

    /// The scale of `number` in the events that end what this trigger waits for; nothing where they never have it.
    #[must_use]
    pub fn release_scale_of(&self, number: EventNumber) -> Option<RangeInclusive<i32>> {
        match self {
            // One of its notes is let go.
            Self::NoteChord { .. } if number == EventNumber::Note => Some(DATA),
            trigger if trigger.can_be_held() => trigger.scale_of(number),
            _ => None,
        }
    }
}

impl Controls {
    fn scale_of(&self, number: EventNumber) -> Option<RangeInclusive<i32>> {
        match (number, self) {
            (EventNumber::Value, _) | (EventNumber::Bend, Self::Bend) | (EventNumber::Pressure, Self::Pressure(_)) => {
                Some(0..=self.scale().into())
            }
            (EventNumber::Cc, Self::Cc(_) | Self::Cc14(_)) | (EventNumber::Note, Self::Pressure(_)) => Some(DATA),
            _ => None,
        }
    }
}
