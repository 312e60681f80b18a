//! Whether a gesture is what a trigger waits for.

use crate::gesture::{Gesture, Trigger, VelocityBand};

/// Whether `gesture` is what `trigger` waits for. Channel and device are not looked at here.
pub(super) fn matches(trigger: &Trigger, gesture: &Gesture) -> bool {
    match (trigger, gesture) {
        (
            Trigger::Note { note: wanted, velocity_min, velocity_max }
            | Trigger::VelocityRange { note: wanted, velocity_min, velocity_max, .. },
            Gesture::Press { note, velocity },
        ) => wanted == note && (velocity_min..=velocity_max).contains(&velocity),
        (Trigger::LongPress { note: wanted, duration_ms: least }, Gesture::LongPress { note, duration_ms, .. }) => {
            wanted == note && least == duration_ms
        }
        (Trigger::DoubleTap { note: wanted, timeout_ms }, Gesture::DoubleTap { note, distance, .. }) => {
            wanted == note && *distance <= u64::from(*timeout_ms) * 1000
        }
        (Trigger::NoteChord { notes: wanted, timeout_ms }, Gesture::Chord { notes, distance, .. }) => {
            **wanted == **notes && *distance <= u64::from(*timeout_ms) * 1000
        }
        (Trigger::EncoderTurn { cc: wanted, direction: way, .. }, Gesture::Encoder { cc, direction, .. }) => {
            wanted == cc && way.is_none_or(|way| way == *direction)
        }
        (Trigger::Aftertouch { note: wanted, pressure_min }, Gesture::Aftertouch { note, pressure }) => {
            wanted.is_none_or(|wanted| Some(wanted) == *note) && pressure >= pressure_min
        }
        (Trigger::PitchBend { value_min, value_max }, Gesture::PitchBend { value }) => {
            (value_min..=value_max).contains(&value)
        }
        (Trigger::Cc { cc: wanted, value_min, value_max }, Gesture::Cc { cc, value }) => {
            wanted == cc && (value_min..=value_max).contains(&value)
        }
        (Trigger::ProgramChange { program: wanted }, Gesture::ProgramChange { program }) => wanted == program,
        _ => false,
    }
}

/// The band of a press under a [`Trigger::VelocityRange`]; nothing for other triggers and gestures.
#[must_use]
pub fn velocity_band(trigger: &Trigger, gesture: &Gesture) -> Option<VelocityBand> {
    let (Trigger::VelocityRange { soft_max, medium_max, .. }, Gesture::Press { velocity, .. }) = (trigger, gesture)
    else {
        return None;
    };
    Some(match velocity {
        soft if soft <= soft_max => VelocityBand::Soft,
        medium if medium <= medium_max => VelocityBand::Medium,
        _ => VelocityBand::Hard,
    })
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
            assert_eq!(velocity_band(&trigger, &Gesture::Press { note: 60, velocity }), Some(band), "{velocity}");
        }
        assert_eq!(velocity_band(&trigger, &Gesture::PitchBend { value: 1 }), None);
        let plain = Trigger::Note { note: 60, velocity_min: 1, velocity_max: 127 };
        assert_eq!(velocity_band(&plain, &Gesture::Press { note: 60, velocity: 9 }), None);
    }
}
