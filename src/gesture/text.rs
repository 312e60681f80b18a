//! Gestures as short text, for reports and tests: `press n36:100`, `long n36 2000ms`, `chord n36+n38:90`.

use std::fmt;

use super::event::{Direction, Gesture};

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clockwise => "clockwise",
            Self::CounterClockwise => "counterclockwise",
        })
    }
}

impl Gesture {
    /// Its kind, as plugins are told: `press`, `long_press`, `double_tap`, `chord`, `encoder`, `cc`, `aftertouch`, `pitch_bend`,
    /// `program_change`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Press { .. } => "press",
            Self::LongPress { .. } => "long_press",
            Self::DoubleTap { .. } => "double_tap",
            Self::Chord { .. } => "chord",
            Self::Encoder { .. } => "encoder",
            Self::Cc { .. } => "cc",
            Self::Aftertouch { .. } => "aftertouch",
            Self::PitchBend { .. } => "pitch_bend",
            Self::ProgramChange { .. } => "program_change",
        }
    }
}

impl fmt::Display for Gesture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Press { note, velocity } => write!(f, "press n{note}:{velocity}"),
            Self::LongPress { note, duration_ms, .. } => write!(f, "long n{note} {duration_ms}ms"),
            Self::DoubleTap { note, velocity, .. } => write!(f, "double n{note}:{velocity}"),
            Self::Chord { notes, velocity, .. } => {
                for (position, note) in notes.iter().enumerate() {
                    write!(f, "{}n{note}", if position == 0 { "chord " } else { "+" })?;
                }
                write!(f, ":{velocity}")
            }
            Self::Encoder { cc, direction, .. } => write!(f, "encoder c{cc} {direction}"),
            Self::Cc { cc, value } => write!(f, "cc c{cc}={value}"),
            Self::Aftertouch { note: Some(note), pressure } => write!(f, "aftertouch n{note}={pressure}"),
            Self::Aftertouch { note: None, pressure } => write!(f, "aftertouch {pressure}"),
            Self::PitchBend { value } => write!(f, "bend {value}"),
            Self::ProgramChange { program } => write!(f, "program {program}"),
        }
    }
}
