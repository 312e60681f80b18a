//! Which gestures a trigger waits for. Whatever has to be said of a trigger is said here, without a catch-all: a new one is led
//! through by the compiler.

use super::event::{Gesture, VelocityBand};
use super::trigger::Trigger;

/// Where mappings are looked for: the kind of a gesture and its number. A gesture matches only triggers of its own slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    /// Those without a number of their own have the first.
    const fn new(kind: u16, number: u8) -> Self {
        Self(kind << 8 | number as u16)
    }
}

impl Trigger {
    /// Where a mapping with it is looked for.
    #[must_use]
    pub fn slot(&self) -> Slot {
        match self {
            Self::Note { note, .. } | Self::VelocityRange { note, .. } => Slot::new(0, *note),
            Self::LongPress { note, .. } => Slot::new(1, *note),
            Self::DoubleTap { note, .. } => Slot::new(2, *note),
            Self::NoteChord { notes, .. } => Slot::new(3, notes.first().copied().unwrap_or_default()),
            Self::EncoderTurn { cc, .. } => Slot::new(4, *cc),
            Self::Cc { cc, .. } => Slot::new(5, *cc),
            // One for all notes, so that a mapping for any note keeps its place in the order written.
            Self::Aftertouch { .. } => Slot::new(6, 0),
            Self::PitchBend { .. } => Slot::new(7, 0),
            Self::ProgramChange { program } => Slot::new(8, *program),
        }
    }

    /// Whether `gesture` is what it waits for. Channel and device are not looked at here.
    #[must_use]
    pub fn matches(&self, gesture: &Gesture) -> bool {
        match self {
            Self::Note { note: wanted, velocity_min, velocity_max }
            | Self::VelocityRange { note: wanted, velocity_min, velocity_max, .. } => matches!(
                gesture,
                Gesture::Press { note, velocity } if wanted == note && (velocity_min..=velocity_max).contains(&velocity)
            ),
            Self::LongPress { note: wanted, duration_ms: least } => matches!(
                gesture,
                Gesture::LongPress { note, duration_ms, .. } if wanted == note && least == duration_ms
            ),
            Self::DoubleTap { note: wanted, timeout_ms } => matches!(
                gesture,
                Gesture::DoubleTap { note, distance, .. } if wanted == note && *distance <= u64::from(*timeout_ms) * 1000
            ),
            Self::NoteChord { notes: wanted, timeout_ms } => matches!(
                gesture,
                Gesture::Chord { notes, distance, .. }
                    if **wanted == **notes && *distance <= u64::from(*timeout_ms) * 1000
            ),
            Self::EncoderTurn { cc: wanted, direction: way, .. } => matches!(
                gesture,
                Gesture::Encoder { cc, direction, .. } if wanted == cc && way.is_none_or(|way| way == *direction)
            ),
            Self::Aftertouch { note: wanted, pressure_min } => matches!(
                gesture,
                Gesture::Aftertouch { note, pressure }
                    if wanted.is_none_or(|wanted| Some(wanted) == *note) && pressure >= pressure_min
            ),
            Self::PitchBend { value_min, value_max } => {
                matches!(gesture, Gesture::PitchBend { value } if (value_min..=value_max).contains(&value))
            }
            Self::Cc { cc: wanted, value_min, value_max } => matches!(
                gesture,
                Gesture::Cc { cc, value } if wanted == cc && (value_min..=value_max).contains(&value)
            ),
            Self::ProgramChange { program: wanted } => {
                matches!(gesture, Gesture::ProgramChange { program } if wanted == program)
            }
        }
    }

    /// Whether it matches every gesture that `other` matches.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match self {
            Self::Note { note, velocity_min, velocity_max }
            | Self::VelocityRange { note, velocity_min, velocity_max, .. } => matches!(
                other,
                Self::Note { note: wanted, velocity_min: from, velocity_max: to }
                | Self::VelocityRange { note: wanted, velocity_min: from, velocity_max: to, .. }
                    if note == wanted && velocity_min <= from && velocity_max >= to
            ),
            Self::LongPress { .. } | Self::ProgramChange { .. } => self == other,
            Self::DoubleTap { note, timeout_ms } => matches!(
                other,
                Self::DoubleTap { note: wanted, timeout_ms: shorter } if note == wanted && timeout_ms >= shorter
            ),
            Self::NoteChord { notes, timeout_ms } => matches!(
                other,
                Self::NoteChord { notes: wanted, timeout_ms: shorter } if notes == wanted && timeout_ms >= shorter
            ),
            Self::EncoderTurn { cc, direction, .. } => matches!(
                other,
                Self::EncoderTurn { cc: wanted, direction: way, .. }
                    if cc == wanted && direction.is_none_or(|direction| Some(direction) == *way)
            ),
            Self::Aftertouch { note, pressure_min } => matches!(
                other,
                Self::Aftertouch { note: wanted, pressure_min: harder }
                    if note.is_none_or(|note| Some(note) == *wanted) && pressure_min <= harder
            ),
            Self::PitchBend { value_min, value_max } => matches!(
                other,
                Self::PitchBend { value_min: from, value_max: to } if value_min <= from && value_max >= to
            ),
            Self::Cc { cc, value_min, value_max } => matches!(
                other,
                Self::Cc { cc: wanted, value_min: from, value_max: to }
                    if cc == wanted && value_min <= from && value_max >= to
            ),
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

    /// Whether it is more than a look at one message.
    pub(super) const fn needs_state(&self) -> bool {
        match self {
            Self::LongPress { .. } | Self::DoubleTap { .. } | Self::NoteChord { .. } | Self::EncoderTurn { .. } => true,
            Self::Note { .. }
            | Self::VelocityRange { .. }
            | Self::Aftertouch { .. }
            | Self::PitchBend { .. }
            | Self::Cc { .. }
            | Self::ProgramChange { .. } => false,
        }
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
            Self::Cc { cc, .. } => Slot::new(5, *cc),
            Self::Aftertouch { .. } => Slot::new(6, 0),
            Self::PitchBend { .. } => Slot::new(7, 0),
            Self::ProgramChange { program } => Slot::new(8, *program),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_end_where_the_trigger_says() {
        let trigger =
            Trigger::VelocityRange { note: 60, soft_max: 40, medium_max: 80, velocity_min: 1, velocity_max: 127 };
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
        assert_eq!(trigger.band(&Gesture::PitchBend { value: 1 }), None);
        let plain = Trigger::Note { note: 60, velocity_min: 1, velocity_max: 127 };
        assert_eq!(plain.band(&Gesture::Press { note: 60, velocity: 9 }), None);
    }
}
