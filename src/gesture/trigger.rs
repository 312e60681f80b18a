//! What a mapping waits for.

use super::event::{Controls, Direction, SessionPoint, Transport, ValueRange};
use crate::midi::{Channels, Numbers};

/// A trigger with its filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerSpec {
    /// What must happen.
    pub trigger: Trigger,
    /// Only on these channels. What has no channel is on all of them.
    pub channels: Channels,
    /// Only from the device configured under this name; any when absent.
    pub device: Option<String>,
}

/// The gestures a mapping can wait for. Notes, controllers and values are 0–127, times milliseconds. Where a trigger has several
/// notes or controllers, it waits for each of them by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A press with a velocity in a range (inclusive).
    Note {
        /// Note numbers.
        notes: Numbers,
        /// Least velocity, default 1.
        velocity_min: u8,
        /// Greatest velocity, default 127.
        velocity_max: u8,
    },
    /// A press, with its velocity put in one of three bands: soft up to `soft_max`, medium up to `medium_max`, else hard.
    VelocityRange {
        /// Note numbers.
        notes: Numbers,
        /// Upper end of the soft band, default 40.
        soft_max: u8,
        /// Upper end of the medium band, default 80.
        medium_max: u8,
        /// Least velocity, default 1.
        velocity_min: u8,
        /// Greatest velocity, default 127.
        velocity_max: u8,
    },
    /// A note that is let go.
    NoteOff {
        /// Note numbers.
        notes: Numbers,
    },
    /// A note held for `duration_ms`; fires while it is still held.
    LongPress {
        /// Note numbers.
        notes: Numbers,
        /// How long, in milliseconds; default `hold_threshold_ms`.
        duration_ms: u32,
    },
    /// Two presses of a note, the second at most `timeout_ms` after the first.
    DoubleTap {
        /// Note numbers.
        notes: Numbers,
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
        /// Controller numbers.
        ccs: Numbers,
        /// Only this way; both when absent.
        direction: Option<Direction>,
        /// How the encoder writes its turns.
        mode: EncoderMode,
        /// How often the action runs for a turn of several steps.
        step: EncoderStep,
        /// By how much a fast turn counts more, at most: 1 (not at all) to 16.
        acceleration: u8,
    },
    /// A controller, bend or pressure inside a range.
    Control {
        /// Which controls.
        controls: Controls,
        /// Which values.
        range: ValueRange,
        /// Fires at every message inside the range; else once, when the control comes into it.
        repeat: bool,
    },
    /// A program change.
    ProgramChange {
        /// Program numbers.
        programs: Numbers,
    },
    /// A transport message.
    Transport {
        /// Which.
        message: Transport,
    },
    /// A system exclusive message whose payload begins with these bytes.
    SysEx {
        /// The bytes, without `F0`; none waits for every such message.
        prefix: Box<[u8]>,
    },
    /// Every so many seconds, counted from the start of the session.
    Every {
        /// Place among the triggers of time, from 0.
        timer: u32,
        /// The distance, in milliseconds.
        interval_ms: u32,
    },
    /// At a time of local days.
    At {
        /// Place among the triggers of time, from 0.
        timer: u32,
        /// Minute of the day, 0–1439.
        minute: u16,
        /// Weekdays, 1 (Monday) to 7 (Sunday), sorted.
        days: Vec<u8>,
    },
    /// A point of the session itself; written as `[on]`, `on_connect`, `on_enter` and the like.
    Session(SessionPoint),
}

/// How often the action of an encoder runs for a message that says several steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EncoderStep {
    /// Once for each step.
    #[default]
    Each,
    /// Once, with all steps in `delta`.
    Once,
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
