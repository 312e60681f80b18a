//! What a plugin is told of a gesture.

use std::sync::Arc;

use crate::config::{Config, Mapping};
use crate::gesture::{Control, Gesture, GestureEvent, VelocityBand};
use crate::midi::Channel;
use crate::sandbox::Context;
use crate::time::Micros;

/// The names a configuration gives to modes and devices, shared with the contexts of calls, so that none is copied for an event.
#[derive(Debug)]
pub(super) struct Names {
    of: Arc<Config>,
    modes: Box<[Arc<str>]>,
    devices: Box<[Arc<str>]>,
}

impl Names {
    pub(super) fn of(config: &Arc<Config>) -> Self {
        Self {
            of: Arc::clone(config),
            modes: config.modes.iter().map(|mode| mode.name.as_str().into()).collect(),
            devices: config.devices.iter().map(|device| device.name.as_str().into()).collect(),
        }
    }

    /// Whether they are those of `config`.
    pub(super) fn are_of(&self, config: &Arc<Config>) -> bool {
        Arc::ptr_eq(&self.of, config)
    }
}

/// The context of a call that `event` set off through `mapping`, made at `at` of a session that began at `epoch` (both in
/// microseconds) while the mode with index `mode` was current.
pub(super) fn context(
    event: &GestureEvent,
    mapping: &Mapping,
    names: &Names,
    mode: usize,
    epoch: u64,
    at: Micros,
) -> Context {
    let mut context = Context {
        current_mode: u32::try_from(mode).ok(),
        timestamp_ms: epoch.saturating_add(at) / 1000,
        channel: event.channel.map(Channel::number),
        // What comes from a file or a pipe has no name unless the configuration gives it one.
        device: event.device.and_then(|device| names.devices.get(usize::from(device.0)).cloned()),
        gesture: Some(event.gesture.kind()),
        mode: names.modes.get(mode).cloned(),
        ..Context::default()
    };
    match &event.gesture {
        Gesture::Press { note, velocity } => {
            (context.note, context.velocity) = (Some(*note), Some(*velocity));
            let band = match mapping.trigger.trigger.band(&event.gesture) {
                Some(VelocityBand::Soft) => "soft",
                Some(VelocityBand::Medium) => "medium",
                Some(VelocityBand::Hard) => "hard",
                None => return context,
            };
            context.metadata.push(("velocity_band".to_owned(), band.to_owned()));
        }
        Gesture::Release { note, velocity }
        | Gesture::LongPress { note, velocity, .. }
        | Gesture::DoubleTap { note, velocity, .. } => {
            (context.note, context.velocity) = (Some(*note), Some(*velocity));
        }
        Gesture::Chord { notes, velocity, .. } => {
            context.velocity = Some(*velocity);
            let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
            context.metadata.push(("notes".to_owned(), notes.join(",")));
        }
        Gesture::Encoder { cc, value, direction, steps, .. } => {
            (context.cc, context.value, context.delta) = (Some(*cc), Some(*value), Some(*steps));
            context.metadata.push(("direction".to_owned(), direction.to_string()));
        }
        Gesture::Control { control, value } | Gesture::Crossing { control, value, .. } => {
            moved(*control, *value, &mut context);
        }
        Gesture::ProgramChange { program } => (context.value, context.program) = (Some(*program), Some(*program)),
        Gesture::Transport(_) | Gesture::SysEx(_) | Gesture::Timer { .. } | Gesture::Session(_) => {}
    }
    context
}

/// What a plugin is told of a control that moved. A value of 14 bits has its upper seven in `value`, which readers hold as one byte.
fn moved(control: Control, value: u16, context: &mut Context) {
    let byte = |value: u16| u8::try_from(value).ok();
    match control {
        Control::Cc(cc) => (context.cc, context.value) = (Some(cc), byte(value)),
        Control::Cc14(cc) => (context.cc, context.value) = (Some(cc), byte(value >> 7)),
        Control::Rpn(_) | Control::Nrpn(_) => context.value = byte(value >> 7),
        Control::Pressure(note) => {
            (context.note, context.value, context.pressure) = (note, byte(value), byte(value));
        }
        Control::Bend => {
            (context.bend, context.value) = (Some(value), byte(value >> 7));
            context.metadata.push(("bend".to_owned(), value.to_string()));
        }
    }
}
