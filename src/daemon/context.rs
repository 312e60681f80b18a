//! What a plugin is told of a gesture.

use crate::clock::Micros;
use crate::config::Mapping;
use crate::gesture::{Gesture, GestureEvent, VelocityBand};
use crate::mapping::velocity_band;
use crate::sandbox::Context;

/// The context of a call that `event` set off through `mapping`, made at `at` of a session that began at `epoch` (both in
/// microseconds) while the mode with index `mode` was current.
pub(super) fn context(event: &GestureEvent, mapping: &Mapping, mode: usize, epoch: u64, at: Micros) -> Context {
    let mut context = Context {
        current_mode: u32::try_from(mode).ok(),
        timestamp_ms: epoch.saturating_add(at) / 1000,
        ..Context::default()
    };
    match &event.gesture {
        Gesture::Press { note, velocity } => {
            (context.note, context.velocity) = (Some(*note), Some(*velocity));
            let band = match velocity_band(&mapping.trigger.trigger, &event.gesture) {
                Some(VelocityBand::Soft) => "soft",
                Some(VelocityBand::Medium) => "medium",
                Some(VelocityBand::Hard) => "hard",
                None => return context,
            };
            context.metadata.push(("velocity_band".to_owned(), band.to_owned()));
        }
        Gesture::LongPress { note, velocity, .. } | Gesture::DoubleTap { note, velocity, .. } => {
            (context.note, context.velocity) = (Some(*note), Some(*velocity));
        }
        Gesture::Chord { notes, velocity, .. } => {
            context.velocity = Some(*velocity);
            let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
            context.metadata.push(("notes".to_owned(), notes.join(",")));
        }
        Gesture::Encoder { cc, value, direction } => {
            (context.cc, context.value) = (Some(*cc), Some(*value));
            context.metadata.push(("direction".to_owned(), direction.to_string()));
        }
        Gesture::Cc { cc, value } => (context.cc, context.value) = (Some(*cc), Some(*value)),
        Gesture::Aftertouch { note, pressure } => (context.note, context.value) = (*note, Some(*pressure)),
        Gesture::PitchBend { value } => {
            context.value = Some((value >> 7) as u8); // 14 bits: the upper seven fit
            context.metadata.push(("bend".to_owned(), value.to_string()));
        }
        Gesture::ProgramChange { program } => context.value = Some(*program),
    }
    context
}
