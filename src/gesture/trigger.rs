//! What a mapping waits for, and which gestures that are. Whatever has to be said of a trigger is said here and, of its messages, in
//! `message_key.rs`, without a catch-all: the compiler leads whoever adds one.

use std::ops::RangeInclusive;

use super::control::{Controls, SEVEN_BITS, ValueRange};
use super::encoder::{Direction, EncoderMode, EncoderStep, STEPS};
use super::event::{Gesture, SessionPoint, Slot, SlotKind, Transport, VelocityBand};
use super::number::EventNumber;
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
        /// The message it waits for.
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

/// What a trigger says to a gesture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It waits for something else.
    No,
    /// It takes the gesture from those behind it, and nothing happens: the control has not left its range since.
    Takes,
    /// It fires.
    Fires,
}

impl From<bool> for Match {
    fn from(fires: bool) -> Self {
        if fires { Self::Fires } else { Self::No }
    }
}

/// The slots of a kind with these numbers.
fn slots(kind: SlotKind, numbers: Numbers) -> Vec<Slot> {
    numbers.iter().map(|number| Slot::new(kind, number)).collect()
}

impl Trigger {
    /// Where a mapping with it is looked for.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        match self {
            Self::Note { notes, .. } | Self::VelocityRange { notes, .. } => slots(SlotKind::Press, *notes),
            Self::LongPress { notes, .. } => slots(SlotKind::LongPress, *notes),
            Self::DoubleTap { notes, .. } => slots(SlotKind::DoubleTap, *notes),
            Self::NoteChord { notes, .. } => {
                vec![Slot::new(SlotKind::Chord, notes.first().copied().unwrap_or_default())]
            }
            Self::EncoderTurn { ccs, .. } => slots(SlotKind::Encoder, *ccs),
            Self::Control { controls, .. } => match controls {
                Controls::Cc(numbers) => slots(SlotKind::Cc, *numbers),
                // One for all notes, so that a mapping for any note keeps its place in the order written.
                Controls::Pressure(_) => vec![Slot::new(SlotKind::Pressure, 0)],
                Controls::Bend => vec![Slot::new(SlotKind::Bend, 0)],
                Controls::Cc14(numbers) => slots(SlotKind::Cc14, *numbers),
                Controls::Rpn(_) => vec![Slot::new(SlotKind::Rpn, 0)],
                Controls::Nrpn(_) => vec![Slot::new(SlotKind::Nrpn, 0)],
            },
            Self::ProgramChange { programs } => slots(SlotKind::ProgramChange, *programs),
            Self::NoteOff { notes } => slots(SlotKind::Release, *notes),
            Self::Transport { .. } => vec![Slot::new(SlotKind::Transport, 0)],
            Self::SysEx { .. } => vec![Slot::new(SlotKind::SysEx, 0)],
            Self::Every { .. } | Self::At { .. } => vec![Slot::new(SlotKind::Timer, 0)],
            Self::Session(_) => vec![Slot::new(SlotKind::Session, 0)],
        }
    }

    /// What it says to `gesture`. Channel and device are not looked at here.
    #[must_use]
    pub fn matches(&self, gesture: &Gesture) -> Match {
        let fires = match self {
            Self::Note { notes, velocity_min, velocity_max }
            | Self::VelocityRange { notes, velocity_min, velocity_max, .. } => matches!(
                gesture,
                Gesture::Press { note, velocity }
                    if notes.contains(*note) && (velocity_min..=velocity_max).contains(&velocity)
            ),
            Self::NoteOff { notes } => matches!(gesture, Gesture::Release { note, .. } if notes.contains(*note)),
            Self::LongPress { notes, duration_ms: least } => matches!(
                gesture,
                Gesture::LongPress { note, duration_ms, .. } if notes.contains(*note) && least == duration_ms
            ),
            Self::DoubleTap { notes, timeout_ms } => matches!(
                gesture,
                Gesture::DoubleTap { note, distance, .. }
                    if notes.contains(*note) && *distance <= u64::from(*timeout_ms) * 1000
            ),
            Self::NoteChord { notes: wanted, timeout_ms } => matches!(
                gesture,
                Gesture::Chord { notes, distance, .. }
                    if **wanted == **notes && *distance <= u64::from(*timeout_ms) * 1000
            ),
            Self::EncoderTurn { ccs, direction: way, .. } => matches!(
                gesture,
                Gesture::Encoder { cc, direction, .. } if ccs.contains(*cc) && way.is_none_or(|way| way == *direction)
            ),
            Self::Control { controls, range, repeat } => return control(controls, *range, *repeat, gesture),
            Self::ProgramChange { programs } => {
                matches!(gesture, Gesture::ProgramChange { program } if programs.contains(*program))
            }
            Self::Transport { message: wanted } => {
                matches!(gesture, Gesture::Transport(message) if wanted == message)
            }
            Self::SysEx { prefix } => matches!(gesture, Gesture::SysEx(payload) if payload.starts_with(prefix)),
            Self::Every { timer: wanted, .. } | Self::At { timer: wanted, .. } => {
                matches!(gesture, Gesture::Timer { timer } if wanted == timer)
            }
            Self::Session(wanted) => matches!(gesture, Gesture::Session(point) if wanted == point),
        };
        fires.into()
    }

    /// Whether it takes every gesture that `other` waits for.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match self {
            Self::Note { notes, velocity_min, velocity_max }
            | Self::VelocityRange { notes, velocity_min, velocity_max, .. } => matches!(
                other,
                Self::Note { notes: others, velocity_min: from, velocity_max: to }
                | Self::VelocityRange { notes: others, velocity_min: from, velocity_max: to, .. }
                    if notes.covers(*others) && velocity_min <= from && velocity_max >= to
            ),
            Self::NoteOff { notes } => matches!(other, Self::NoteOff { notes: others } if notes.covers(*others)),
            Self::LongPress { notes, duration_ms } => matches!(
                other,
                Self::LongPress { notes: others, duration_ms: same } if notes.covers(*others) && duration_ms == same
            ),
            Self::ProgramChange { programs } => {
                matches!(other, Self::ProgramChange { programs: others } if programs.covers(*others))
            }
            Self::DoubleTap { notes, timeout_ms } => matches!(
                other,
                Self::DoubleTap { notes: others, timeout_ms: shorter }
                    if notes.covers(*others) && timeout_ms >= shorter
            ),
            Self::NoteChord { notes, timeout_ms } => matches!(
                other,
                Self::NoteChord { notes: wanted, timeout_ms: shorter } if notes == wanted && timeout_ms >= shorter
            ),
            Self::EncoderTurn { ccs, direction, .. } => matches!(
                other,
                Self::EncoderTurn { ccs: others, direction: way, .. }
                    if ccs.covers(*others) && direction.is_none_or(|direction| Some(direction) == *way)
            ),
            Self::Control { controls, range, repeat } => match other {
                Self::Control { controls: others, range: narrower, repeat: repeats } => {
                    let wider = range.min <= narrower.min && range.max >= narrower.max;
                    // Two that wait for different crossings leave each other alone.
                    controls.covers(others) && wider && (*repeat || *repeats || range == narrower)
                }
                _ => false,
            },
            Self::SysEx { prefix } => {
                matches!(other, Self::SysEx { prefix: longer } if longer.starts_with(prefix))
            }
            Self::Transport { .. } => self == other,
            Self::Every { .. } | Self::At { .. } | Self::Session(_) => false, // each is its own
        }
    }

    /// The band that `gesture`, a press, falls into under [`Trigger::VelocityRange`]; none for other triggers and gestures.
    #[must_use]
    pub fn band(&self, gesture: &Gesture) -> Option<VelocityBand> {
        let (Self::VelocityRange { soft_max, medium_max, .. }, Gesture::Press { velocity, .. }) = (self, gesture)
        else {
            return None;
        };
        Some(match velocity {
            soft if soft <= soft_max => VelocityBand::Soft,
            medium if medium <= medium_max => VelocityBand::Medium,
            _ => VelocityBand::Hard,
        })
    }

    /// The scale of `number` in the events that this trigger waits for; nothing where they never have it.
    #[must_use]
    pub fn scale_of(&self, number: EventNumber) -> Option<RangeInclusive<i32>> {
        use EventNumber::{Cc, Delta, Note, Program, Value, Velocity};
        let own = match self {
            Self::Note { .. }
            | Self::VelocityRange { .. }
            | Self::NoteOff { .. }
            | Self::LongPress { .. }
            | Self::DoubleTap { .. } => matches!(number, Value | Velocity | Note).then_some(SEVEN_BITS),
            // It has several notes.
            Self::NoteChord { .. } => matches!(number, Value | Velocity).then_some(SEVEN_BITS),
            Self::EncoderTurn { .. } => match number {
                Value | Delta => Some(STEPS),
                Cc => Some(SEVEN_BITS),
                _ => None,
            },
            Self::Control { controls, .. } => controls.scale_of(number),
            Self::ProgramChange { .. } => matches!(number, Value | Program).then_some(SEVEN_BITS),
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
            Self::NoteChord { .. } if number == EventNumber::Note => Some(SEVEN_BITS),
            trigger if trigger.can_be_held() => trigger.scale_of(number),
            _ => None,
        }
    }

    /// Whether what it waits for has an end: a note that is let go, or a range that is left.
    #[must_use]
    pub fn can_be_held(&self) -> bool {
        match self {
            Self::Note { .. } | Self::VelocityRange { .. } | Self::LongPress { .. } | Self::NoteChord { .. } => true,
            Self::Control { controls, range, .. } => !range.is_whole(controls.scale()),
            Self::NoteOff { .. }
            | Self::DoubleTap { .. }
            | Self::EncoderTurn { .. }
            | Self::ProgramChange { .. }
            | Self::Transport { .. }
            | Self::SysEx { .. }
            | Self::Every { .. }
            | Self::At { .. }
            | Self::Session(_) => false,
        }
    }

    /// Whether it is more than a look at one message.
    pub(super) fn needs_state(&self) -> bool {
        match self {
            Self::LongPress { .. } | Self::DoubleTap { .. } | Self::NoteChord { .. } | Self::EncoderTurn { .. } => true,
            Self::Control { controls, range, repeat } => {
                let assembled = matches!(controls, Controls::Cc14(_) | Controls::Rpn(_) | Controls::Nrpn(_));
                assembled || !repeat || !range.is_whole(controls.scale())
            }
            Self::Note { .. }
            | Self::VelocityRange { .. }
            | Self::NoteOff { .. }
            | Self::ProgramChange { .. }
            | Self::Transport { .. }
            | Self::SysEx { .. }
            | Self::Every { .. }
            | Self::At { .. }
            | Self::Session(_) => false,
        }
    }
}

/// What a trigger for `controls` in `range` says to `gesture`. A crossing is taken by the mapping that waits for it, unless one
/// before it fires at every message there; a message goes to the first whose range it lies in.
fn control(controls: &Controls, range: ValueRange, repeat: bool, gesture: &Gesture) -> Match {
    match gesture {
        Gesture::Control { control, value } if controls.contains(*control) && range.contains(*value) => {
            if repeat {
                Match::Fires
            } else {
                Match::Takes
            }
        }
        Gesture::Crossing { control, value, range: crossed, inside: true } if controls.contains(*control) => {
            if repeat && range.contains(*value) { Match::Takes } else { (!repeat && range == *crossed).into() }
        }
        _ => Match::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_end_where_the_trigger_says() {
        let trigger = Trigger::VelocityRange {
            notes: Numbers::only(60),
            soft_max: 40,
            medium_max: 80,
            velocity_min: 1,
            velocity_max: 127,
        };
        for (velocity, band) in [
            (1, VelocityBand::Soft),
            (40, VelocityBand::Soft),
            (41, VelocityBand::Medium),
            (80, VelocityBand::Medium),
            (81, VelocityBand::Hard),
            (127, VelocityBand::Hard),
        ] {
            assert_eq!(trigger.band(&Gesture::Press { note: 60, velocity }), Some(band), "{velocity}");
        }
        assert_eq!(trigger.band(&Gesture::ProgramChange { program: 1 }), None);
        let plain = Trigger::Note { notes: Numbers::only(60), velocity_min: 1, velocity_max: 127 };
        assert_eq!(plain.band(&Gesture::Press { note: 60, velocity: 9 }), None);
    }
}
