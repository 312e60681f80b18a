//! Gestures as short text, for reports and tests: `press n36:100`, `long n36 2000ms`, `chord n36+n38:90`.

use std::fmt;

use super::event::{Control, Direction, Gesture, SessionPoint, Transport};

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clockwise => "clockwise",
            Self::CounterClockwise => "counterclockwise",
        })
    }
}

impl Gesture {
    /// Its kind, as plugins are told: `press`, `release`, `long_press`, `double_tap`, `chord`, `encoder`, `cc`, `aftertouch`,
    /// `pitch_bend`, `program_change`, `sysex`, `transport`, `timer`, `start`, `stop`, `device`, `mode`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Press { .. } => "press",
            Self::Release { .. } | Self::Crossing { inside: false, .. } => "release",
            Self::LongPress { .. } => "long_press",
            Self::DoubleTap { .. } => "double_tap",
            Self::Chord { .. } => "chord",
            Self::Encoder { .. } => "encoder",
            Self::Control { control, .. } | Self::Crossing { control, .. } => match control {
                Control::Cc(_) | Control::Cc14(_) | Control::Rpn(_) | Control::Nrpn(_) => "cc",
                Control::Pressure(_) => "aftertouch",
                Control::Bend => "pitch_bend",
            },
            Self::ProgramChange { .. } => "program_change",
            Self::Transport(_) => "transport",
            Self::SysEx(_) => "sysex",
            Self::Timer { .. } => "timer",
            Self::Session(point) => match point {
                SessionPoint::Start => "start",
                SessionPoint::Stop => "stop",
                SessionPoint::Connected(_) | SessionPoint::Disconnected(_) => "device",
                SessionPoint::ModeEntered(_) | SessionPoint::ModeLeft(_) => "mode",
            },
        }
    }
}

impl fmt::Display for Gesture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Press { note, velocity } => write!(f, "press n{note}:{velocity}"),
            Self::Release { note, velocity } => write!(f, "release n{note}:{velocity}"),
            Self::LongPress { note, duration_ms, .. } => write!(f, "long n{note} {duration_ms}ms"),
            Self::DoubleTap { note, velocity, .. } => write!(f, "double n{note}:{velocity}"),
            Self::Chord { notes, velocity, .. } => {
                for (position, note) in notes.iter().enumerate() {
                    write!(f, "{}n{note}", if position == 0 { "chord " } else { "+" })?;
                }
                write!(f, ":{velocity}")
            }
            Self::Encoder { cc, direction, .. } => write!(f, "encoder c{cc} {direction}"),
            Self::Control { control, value } | Self::Crossing { control, value, inside: true, .. } => {
                moved(*control, *value, f)
            }
            Self::Crossing { control, value, .. } => {
                f.write_str("release ")?;
                moved(*control, *value, f)
            }
            Self::ProgramChange { program } => write!(f, "program {program}"),
            Self::Transport(transport) => f.write_str(match transport {
                Transport::Start => "transport start",
                Transport::Stop => "transport stop",
                Transport::Continue => "transport continue",
            }),
            Self::SysEx(payload) => {
                f.write_str("sysex")?;
                for byte in payload.iter().take(16) {
                    write!(f, " {byte:02x}")?;
                }
                if payload.len() > 16 { write!(f, " … ({} bytes)", payload.len()) } else { Ok(()) }
            }
            Self::Timer { timer } => write!(f, "timer {}", timer + 1),
            Self::Session(point) => match point {
                SessionPoint::Start => f.write_str("start"),
                SessionPoint::Stop => f.write_str("stop"),
                SessionPoint::Connected(_) => f.write_str("connected"),
                SessionPoint::Disconnected(_) => f.write_str("disconnected"),
                SessionPoint::ModeEntered(_) => f.write_str("mode entered"),
                SessionPoint::ModeLeft(_) => f.write_str("mode left"),
            },
        }
    }
}

fn moved(control: Control, value: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match control {
        Control::Cc(number) => write!(f, "cc c{number}={value}"),
        Control::Cc14(number) => write!(f, "cc14 c{number}={value}"),
        Control::Rpn(number) => write!(f, "rpn {number}={value}"),
        Control::Nrpn(number) => write!(f, "nrpn {number}={value}"),
        Control::Bend => write!(f, "bend {value}"),
        Control::Pressure(Some(note)) => write!(f, "aftertouch n{note}={value}"),
        Control::Pressure(None) => write!(f, "aftertouch {value}"),
    }
}
