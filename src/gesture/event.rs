//! What happened: what the player did, or what else an action can wait for. As text it is short: `press n36:100`,
//! `long n36 2000ms`, `chord n36+n38:90`.

use std::fmt;

use super::control::{Control, ValueRange};
use super::encoder::Direction;
use super::number::EventNumber;
use crate::midi::{Channel, SystemMessage};
use crate::time::Micros;

/// Number of a configured device, in the order of the configuration. Stable for a session; never a system index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u16);

/// A gesture with its time and origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GestureEvent {
    /// When it was complete.
    pub t: Micros,
    /// The device it came from; none for what the session itself brings about.
    pub device: Option<DeviceId>,
    /// The channel of the message that completed it, where that has one.
    pub channel: Option<Channel>,
    /// What it was.
    pub gesture: Gesture,
}

impl GestureEvent {
    /// What the session itself brings about at `t`.
    #[must_use]
    pub const fn of_session(t: Micros, gesture: Gesture) -> Self {
        Self { t, device: None, channel: None, gesture }
    }

    /// What `number` is in it, where it has one.
    #[must_use]
    pub fn number(&self, number: EventNumber) -> Option<i32> {
        use EventNumber::{Cc, Delta, Note, Program, Value, Velocity};
        let own = match &self.gesture {
            Gesture::Press { note, velocity }
            | Gesture::Release { note, velocity }
            | Gesture::LongPress { note, velocity, .. }
            | Gesture::DoubleTap { note, velocity, .. } => match number {
                Value | Velocity => Some((*velocity).into()),
                Note => Some((*note).into()),
                _ => None,
            },
            // It has several notes.
            Gesture::Chord { velocity, .. } => matches!(number, Value | Velocity).then_some((*velocity).into()),
            Gesture::Encoder { cc, steps, .. } => match number {
                Value | Delta => Some((*steps).into()),
                Cc => Some((*cc).into()),
                _ => None,
            },
            Gesture::Control { control, value } | Gesture::Crossing { control, value, .. } => {
                control.number(number, *value)
            }
            Gesture::ProgramChange { program } => matches!(number, Value | Program).then_some((*program).into()),
            Gesture::Transport(_) | Gesture::SysEx(_) | Gesture::Timer { .. } | Gesture::Session(_) => None,
        };
        if number == EventNumber::Channel { self.channel.map(|channel| channel.number().into()) } else { own }
    }
}

/// Something that a mapping can wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gesture {
    /// A note was pressed.
    Press {
        /// Note number.
        note: u8,
        /// Velocity, 1–127.
        velocity: u8,
    },
    /// A note was let go.
    Release {
        /// Note number.
        note: u8,
        /// Release velocity, 0–127; 0 where the controller has none.
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
        steps: i16,
        /// The value received.
        value: u8,
        /// Time since the turn before it, in microseconds, where that went the same way.
        since: Option<Micros>,
    },
    /// A message of a controller, a bend or pressure, whatever its value.
    Control {
        /// Which control moved.
        control: Control,
        /// Where it is now, on the scale of [`Control::scale`].
        value: u16,
    },
    /// A control came into a range that a mapping waits for, or left it.
    Crossing {
        /// Which control moved.
        control: Control,
        /// Where it is now, on the scale of [`Control::scale`].
        value: u16,
        /// The range.
        range: ValueRange,
        /// Whether it came in.
        inside: bool,
    },
    /// Program change.
    ProgramChange {
        /// Program number.
        program: u8,
    },
    /// A transport message: start, stop or continue.
    Transport(Transport),
    /// A system exclusive message: the payload between `F0` and `F7`, both left out.
    SysEx(Box<[u8]>),
    /// The time of an `Every` or `At` trigger came; which one is its place among the triggers of the configuration.
    Timer {
        /// Place of the trigger, from 0.
        timer: u32,
    },
    /// Something of the session itself.
    Session(SessionPoint),
}

/// A transport message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Start from the beginning.
    Start,
    /// Stop, and stay where it is.
    Stop,
    /// Go on where it was stopped.
    Continue,
}

impl Transport {
    /// The transport message that `message` is, if it is one.
    #[must_use]
    pub const fn of(message: SystemMessage) -> Option<Self> {
        match message {
            SystemMessage::Start => Some(Self::Start),
            SystemMessage::Stop => Some(Self::Stop),
            SystemMessage::Continue => Some(Self::Continue),
            _ => None,
        }
    }
}

/// Points of a session at which actions can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionPoint {
    /// It began.
    Start,
    /// It ends.
    Stop,
    /// A device connected.
    Connected(DeviceId),
    /// A device vanished.
    Disconnected(DeviceId),
    /// The mode with this index was entered.
    ModeEntered(usize),
    /// The mode with this index was left.
    ModeLeft(usize),
}

/// The band of a velocity under a [`super::Trigger::VelocityRange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VelocityBand {
    /// Up to `soft_max`.
    Soft,
    /// Up to `medium_max`.
    Medium,
    /// Above `medium_max`.
    Hard,
}

/// Where mappings are looked for: the kind of a gesture and its number. A gesture matches only triggers of its own slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

/// The kinds of gestures among which mappings are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum SlotKind {
    Press,
    LongPress,
    DoubleTap,
    Chord,
    Encoder,
    Cc,
    Pressure,
    Bend,
    ProgramChange,
    Cc14,
    Rpn,
    Nrpn,
    Release,
    Transport,
    SysEx,
    Timer,
    Session,
}

impl Slot {
    /// Those without a number of their own have the first.
    pub(super) const fn new(kind: SlotKind, number: u8) -> Self {
        Self((kind as u16) << 8 | number as u16)
    }
}

impl Gesture {
    /// Where the mappings for it are looked for.
    #[must_use]
    pub fn slot(&self) -> Slot {
        match self {
            Self::Press { note, .. } => Slot::new(SlotKind::Press, *note),
            Self::LongPress { note, .. } => Slot::new(SlotKind::LongPress, *note),
            Self::DoubleTap { note, .. } => Slot::new(SlotKind::DoubleTap, *note),
            Self::Chord { notes, .. } => Slot::new(SlotKind::Chord, notes.first().copied().unwrap_or_default()),
            Self::Encoder { cc, .. } => Slot::new(SlotKind::Encoder, *cc),
            Self::Control { control, .. } | Self::Crossing { control, .. } => match control {
                Control::Cc(number) => Slot::new(SlotKind::Cc, *number),
                Control::Pressure(_) => Slot::new(SlotKind::Pressure, 0),
                Control::Bend => Slot::new(SlotKind::Bend, 0),
                Control::Cc14(number) => Slot::new(SlotKind::Cc14, *number),
                Control::Rpn(_) => Slot::new(SlotKind::Rpn, 0),
                Control::Nrpn(_) => Slot::new(SlotKind::Nrpn, 0),
            },
            Self::ProgramChange { program } => Slot::new(SlotKind::ProgramChange, *program),
            Self::Release { note, .. } => Slot::new(SlotKind::Release, *note),
            Self::Transport(_) => Slot::new(SlotKind::Transport, 0),
            Self::SysEx(_) => Slot::new(SlotKind::SysEx, 0),
            Self::Timer { .. } => Slot::new(SlotKind::Timer, 0),
            Self::Session(_) => Slot::new(SlotKind::Session, 0),
        }
    }

    /// Whether it is worth a word when nothing is mapped to it. Ends of gestures, and what no finger does, are not.
    #[must_use]
    pub const fn is_told_unmapped(&self) -> bool {
        match self {
            Self::Press { .. }
            | Self::LongPress { .. }
            | Self::DoubleTap { .. }
            | Self::Chord { .. }
            | Self::Encoder { .. }
            | Self::Control { .. }
            | Self::ProgramChange { .. } => true,
            Self::Release { .. }
            | Self::Crossing { .. }
            | Self::Transport(_)
            | Self::SysEx(_)
            | Self::Timer { .. }
            | Self::Session(_) => false,
        }
    }

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
