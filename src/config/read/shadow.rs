//! Mappings that never fire: an earlier one of the same list takes everything they wait for.

use std::ops::Range;

use super::report::Report;
use crate::config::model::Mapping;
use crate::config::problem::Problem;
use crate::gesture::{Trigger, TriggerSpec};

/// Warns about each mapping of `list` that never fires. The ranges are where the mappings stand.
pub(super) fn warn(list: &[(Mapping, Range<usize>)], report: &Report) {
    for (position, (mapping, span)) in list.iter().enumerate() {
        let before = list.iter().take(position);
        if let Some(taker) = before.map(|(before, _)| before).find(|before| takes(&before.trigger, &mapping.trigger)) {
            report.add(span.clone(), Problem::Shadowed { by: taker.line });
        }
    }
}

/// Whether `first` matches every gesture that `second` matches.
fn takes(first: &TriggerSpec, second: &TriggerSpec) -> bool {
    let filters = first.channel.is_none_or(|only| Some(only) == second.channel)
        && first.device.as_ref().is_none_or(|only| Some(only) == second.device.as_ref());
    filters && takes_all_of(&first.trigger, &second.trigger)
}

fn takes_all_of(first: &Trigger, second: &Trigger) -> bool {
    if let (Some((note, low, high)), Some((other, from, to))) = (press(first), press(second)) {
        return note == other && low <= from && high >= to;
    }
    match (first, second) {
        (Trigger::LongPress { .. }, Trigger::LongPress { .. })
        | (Trigger::ProgramChange { .. }, Trigger::ProgramChange { .. }) => first == second,
        (Trigger::DoubleTap { note, timeout_ms }, Trigger::DoubleTap { note: other, timeout_ms: shorter }) => {
            note == other && timeout_ms >= shorter
        }
        (Trigger::NoteChord { notes, timeout_ms }, Trigger::NoteChord { notes: other, timeout_ms: shorter }) => {
            notes == other && timeout_ms >= shorter
        }
        (Trigger::EncoderTurn { cc, direction, .. }, Trigger::EncoderTurn { cc: other, direction: way, .. }) => {
            cc == other && direction.is_none_or(|direction| Some(direction) == *way)
        }
        (Trigger::Aftertouch { note, pressure_min }, Trigger::Aftertouch { note: other, pressure_min: harder }) => {
            note.is_none_or(|note| Some(note) == *other) && pressure_min <= harder
        }
        (Trigger::PitchBend { value_min, value_max }, Trigger::PitchBend { value_min: from, value_max: to }) => {
            value_min <= from && value_max >= to
        }
        (Trigger::Cc { cc, value_min, value_max }, Trigger::Cc { cc: other, value_min: from, value_max: to }) => {
            cc == other && value_min <= from && value_max >= to
        }
        _ => false,
    }
}

/// Note and velocities of the triggers that wait for a press.
fn press(trigger: &Trigger) -> Option<(u8, u8, u8)> {
    match *trigger {
        Trigger::Note { note, velocity_min, velocity_max }
        | Trigger::VelocityRange { note, velocity_min, velocity_max, .. } => Some((note, velocity_min, velocity_max)),
        _ => None,
    }
}
