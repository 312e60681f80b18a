//! What a mapping waits for.

use super::event::Direction;
use crate::midi::Channel;

/// A trigger with its filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerSpec {
    /// What must happen.
    pub trigger: Trigger,
    /// Only on this channel; any when absent.
    pub channel: Option<Channel>,
    /// Only from the device configured under this name; any when absent.
    pub device: Option<String>,
}

/// The gestures a mapping can wait for. Notes, controllers and values are 0–127, times milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A press with a velocity in a range (inclusive).
    Note {
        /// Note number.
        note: u8,
        /// Least velocity, default 1.
        velocity_min: u8,
        /// Greatest velocity, default 127.
        velocity_max: u8,
    },
    /// A press, with its velocity put in one of three bands: soft up to `soft_max`, medium up to `medium_max`, else hard.
    VelocityRange {
        /// Note number.
        note: u8,
        /// Upper end of the soft band, default 40.
        soft_max: u8,
        /// Upper end of the medium band, default 80.
        medium_max: u8,
        /// Least velocity, default 1.
        velocity_min: u8,
        /// Greatest velocity, default 127.
        velocity_max: u8,
    },
    /// A note held for `duration_ms`; fires while it is still held.
    LongPress {
        /// Note number.
        note: u8,
        /// How long, in milliseconds; default `hold_threshold_ms`.
        duration_ms: u32,
    },
    /// Two presses of a note, the second at most `timeout_ms` after the first.
    DoubleTap {
        /// Note number.
        note: u8,
        /// Greatest distance, in milliseconds; default `double_tap_timeout_ms`.
        timeout_ms: u32,
    },
    /// All of `notes` held at once, the last pressed at most `timeout_ms` after the first.
    NoteChord {
        /// Note numbers, sorted, at least two, no duplicates.
        notes: Vec<u8>,
        /// Greatest distance, in milliseconds; default `chord_timeout_ms`.
        timeout_ms: u32,
    },
    /// A turn of an encoder.
    EncoderTurn {
        /// Controller number.
        cc: u8,
        /// Only this way; both when absent.
        direction: Option<Direction>,
        /// How the encoder writes its turns.
        mode: EncoderMode,
    },
    /// Pressure, of one note or (`note` absent) of any note or the channel.
    Aftertouch {
        /// Note number for polyphonic pressure.
        note: Option<u8>,
        /// Least pressure, default 0.
        pressure_min: u8,
    },
    /// A bend inside a range (inclusive, 0–16383).
    PitchBend {
        /// Least value, default 0.
        value_min: u16,
        /// Greatest value, default 16383.
        value_max: u16,
    },
    /// A control change inside a range (inclusive).
    Cc {
        /// Controller number.
        cc: u8,
        /// Least value, default 0.
        value_min: u8,
        /// Greatest value, default 127.
        value_max: u8,
    },
    /// A program change.
    ProgramChange {
        /// Program number.
        program: u8,
    },
}

/// How an encoder writes its turns into control change values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EncoderMode {
    /// An absolute position: the direction is the difference to the last value; at 0 and 127 a repeated value counts as
    /// a further turn that way.
    #[default]
    Absolute,
    /// 1–63 clockwise, 65–127 counter-clockwise (127 is −1).
    TwosComplement,
    /// 65–127 clockwise, 0–63 counter-clockwise (64 is 0).
    BinaryOffset,
    /// 1–63 clockwise, 65–127 counter-clockwise (65 is −1).
    SignMagnitude,
}
