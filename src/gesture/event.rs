//! What the player did.

use crate::midi::Channel;
use crate::time::Micros;

/// Number of a configured device, in the order of the configuration. Stable for a session; never a system index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u16);

/// A gesture with its time and origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GestureEvent {
    /// When it was complete.
    pub t: Micros,
    /// The device it came from.
    pub device: DeviceId,
    /// The channel of the message that completed it.
    pub channel: Channel,
    /// What it was.
    pub gesture: Gesture,
}

/// A recognised gesture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gesture {
    /// A note was pressed.
    Press {
        /// Note number.
        note: u8,
        /// Velocity, 1–127.
        velocity: u8,
    },
    /// A note has been held for one of the durations the configuration asks for.
    LongPress {
        /// Note number.
        note: u8,
        /// Velocity of its press.
        velocity: u8,
        /// The duration that was reached, in milliseconds.
        duration_ms: u32,
    },
    /// A note was pressed twice.
    DoubleTap {
        /// Note number.
        note: u8,
        /// Velocity of the second press.
        velocity: u8,
        /// The distance of the two presses, in microseconds.
        distance: Micros,
    },
    /// All notes of a configured chord are held.
    Chord {
        /// Note numbers, sorted.
        notes: Box<[u8]>,
        /// Velocity of the last press.
        velocity: u8,
        /// The distance from the first to the last press, in microseconds.
        distance: Micros,
    },
    /// An encoder was turned.
    Encoder {
        /// Controller number.
        cc: u8,
        /// Which way.
        direction: Direction,
        /// How far, in steps: more than 0 clockwise, less than 0 the other way, never 0.
        steps: i8,
        /// The value received.
        value: u8,
    },
    /// A control change.
    Cc {
        /// Controller number.
        cc: u8,
        /// Value.
        value: u8,
    },
    /// Pressure: of a note, or of the channel (`note` absent).
    Aftertouch {
        /// Note number for polyphonic pressure.
        note: Option<u8>,
        /// Pressure.
        pressure: u8,
    },
    /// Pitch bend, 0–16383.
    PitchBend {
        /// Value, 8192 at rest.
        value: u16,
    },
    /// Program change.
    ProgramChange {
        /// Program number.
        program: u8,
    },
}

/// The way an encoder turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To higher values.
    Clockwise,
    /// To lower values.
    CounterClockwise,
}

/// The band of a velocity under a [`super::Trigger::VelocityRange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VelocityBand {
    /// Up to `soft_max`.
    Soft,
    /// Up to `medium_max`.
    Medium,
    /// Above.
    Hard,
}
