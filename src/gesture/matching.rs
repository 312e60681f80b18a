//! Which gestures a trigger waits for. Whatever has to be said of a trigger is said here, without a catch-all: a new one is led
//! through by the compiler.

use super::event::{Control, Controls, Gesture, ValueRange, VelocityBand};
use super::trigger::Trigger;
use crate::midi::Numbers;

/// Where mappings are looked for: the kind of a gesture and its number. A gesture matches only triggers of its own slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    /// Those without a number of their own have the first.
    const fn new(kind: u16, number: u8) -> Self {
        Self(kind << 8 | number as u16)
    }
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
fn slots(kind: u16, numbers: Numbers) -> Vec<Slot> {
    numbers.iter().map(|number| Slot::new(kind, number)).collect()
}

impl Trigger {
    /// Where a mapping with it is looked for.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        match self {
            Self::Note { notes, .. } | Self::VelocityRange { notes, .. } => slots(0, *notes),
            Self::LongPress { notes, .. } => slots(1, *notes),
            Self::DoubleTap { notes, .. } => slots(2, *notes),
            Self::NoteChord { notes, .. } => vec![Slot::new(3, notes.first().copied().unwrap_or_default())],
            Self::EncoderTurn { ccs, .. } => slots(4, *ccs),
            Self::Control { controls, .. } => match controls {
                Controls::Cc(numbers) => slots(5, *numbers),
                // One for all notes, so that a mapping for any note keeps its place in the order written.
                Controls::Pressure(_) => vec![Slot::new(6, 0)],
                Controls::Bend => vec![Slot::new(7, 0)],
                Controls::Cc14(numbers) => slots(9, *numbers),
                Controls::Rpn(_) => vec![Slot::new(10, 0)],
                Controls::Nrpn(_) => vec![Slot::new(11, 0)],
            },
            Self::ProgramChange { programs } => slots(8, *programs),
            Self::NoteOff { notes } => slots(12, *notes),
            Self::Transport { .. } => vec![Slot::new(13, 0)],
            Self::SysEx { .. } => vec![Slot::new(14, 0)],
            Self::Every { .. } | Self::At { .. } => vec![Slot::new(15, 0)],
            Self::Session(_) => vec![Slot::new(16, 0)],
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

impl Gesture {
    /// Where the mappings for it are looked for.
    #[must_use]
    pub fn slot(&self) -> Slot {
        match self {
            Self::Press { note, .. } => Slot::new(0, *note),
            Self::LongPress { note, .. } => Slot::new(1, *note),
            Self::DoubleTap { note, .. } => Slot::new(2, *note),
            Self::Chord { notes, .. } => Slot::new(3, notes.first().copied().unwrap_or_default()),
            Self::Encoder { cc, .. } => Slot::new(4, *cc),
            Self::Control { control, .. } | Self::Crossing { control, .. } => match control {
                Control::Cc(number) => Slot::new(5, *number),
                Control::Pressure(_) => Slot::new(6, 0),
                Control::Bend => Slot::new(7, 0),
                Control::Cc14(number) => Slot::new(9, *number),
                Control::Rpn(_) => Slot::new(10, 0),
                Control::Nrpn(_) => Slot::new(11, 0),
            },
            Self::ProgramChange { program } => Slot::new(8, *program),
            Self::Release { note, .. } => Slot::new(12, *note),
            Self::Transport(_) => Slot::new(13, 0),
            Self::SysEx(_) => Slot::new(14, 0),
            Self::Timer { .. } => Slot::new(15, 0),
            Self::Session(_) => Slot::new(16, 0),
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
