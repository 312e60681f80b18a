//! What a plugin is told of a gesture.

use std::sync::Arc;

use crate::config::{Config, ControlAddress, ControlNumber, DeviceConfig, Mapping};
use crate::gesture::{Control, EventNumber, Gesture, GestureEvent, VelocityBand};
use crate::midi::Channel;
use crate::sandbox::Context;
use crate::time::Micros;

/// The names a configuration gives to modes and devices, shared with the contexts of calls, so that none is copied for an event.
#[derive(Debug)]
pub(super) struct Names {
    of: Arc<Config>,
    modes: Box<[Arc<str>]>,
    devices: Box<[Arc<str>]>,
    /// The controls of each device, sorted.
    controls: Box<[Controls]>,
}

/// Controls of a device that have names.
type Controls = Box<[(ControlAddress, Arc<str>)]>;

impl Names {
    pub(super) fn of(config: &Arc<Config>) -> Self {
        Self {
            of: Arc::clone(config),
            modes: config.modes.iter().map(|mode| mode.name.as_str().into()).collect(),
            devices: config.devices.iter().map(|device| device.name.as_str().into()).collect(),
            controls: config.devices.iter().map(controls).collect(),
        }
    }

    /// The control that was touched, where it has a name: what sends the note or the controller of `event`.
    fn control(&self, event: &GestureEvent) -> Option<Arc<str>> {
        let seven = |number: EventNumber| event.number(number).and_then(|number| u8::try_from(number).ok());
        // A chord is no single control.
        let number = match &event.gesture {
            Gesture::Chord { .. } => return None,
            _ => seven(EventNumber::Note).map(ControlNumber::Note).or(seven(EventNumber::Cc).map(ControlNumber::Cc))?,
        };
        let controls = self.controls.get(usize::from(event.device?.0))?;
        let named = &controls[controls.partition_point(|(address, _)| address.number < number)..];
        let mut same = named.iter().take_while(|(address, _)| address.number == number);
        let found = same.find(|(address, _)| address.meets(&ControlAddress { number, channel: event.channel }))?;
        Some(Arc::clone(&found.1))
    }

    /// Whether they are those of `config`.
    pub(super) fn are_of(&self, config: &Arc<Config>) -> bool {
        Arc::ptr_eq(&self.of, config)
    }
}

fn controls(device: &DeviceConfig) -> Controls {
    let controls = device.profile.iter().flat_map(|profile| &profile.controls);
    let mut controls: Vec<_> = controls.map(|(name, control)| (control.input, name.as_str().into())).collect();
    controls.sort_unstable();
    controls.into()
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
    let seven = |number: EventNumber| event.number(number).and_then(|number| u8::try_from(number).ok());
    let mut context = Context {
        velocity: seven(EventNumber::Velocity),
        note: seven(EventNumber::Note),
        cc: seven(EventNumber::Cc),
        value: value(&event.gesture),
        current_mode: u32::try_from(mode).ok(),
        timestamp_ms: epoch.saturating_add(at) / 1000,
        channel: event.channel.map(Channel::number),
        // What comes from a file or a pipe has no name unless the configuration gives it one.
        device: event.device.and_then(|device| names.devices.get(usize::from(device.0)).cloned()),
        gesture: Some(event.gesture.kind()),
        control: names.control(event),
        mode: names.modes.get(mode).cloned(),
        pressure: seven(EventNumber::Pressure),
        bend: event.number(EventNumber::Bend).and_then(|bend| u16::try_from(bend).ok()),
        delta: event.number(EventNumber::Delta).and_then(|delta| i16::try_from(delta).ok()),
        program: seven(EventNumber::Program),
        ..Context::default()
    };
    let mut tell = |key: &str, value: String| context.metadata.push((key.to_owned(), value));
    match &event.gesture {
        Gesture::Press { .. } => match mapping.trigger.trigger.band(&event.gesture) {
            Some(VelocityBand::Soft) => tell("velocity_band", "soft".to_owned()),
            Some(VelocityBand::Medium) => tell("velocity_band", "medium".to_owned()),
            Some(VelocityBand::Hard) => tell("velocity_band", "hard".to_owned()),
            None => {}
        },
        Gesture::Chord { notes, .. } => {
            let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
            tell("notes", notes.join(","));
        }
        Gesture::Encoder { direction, .. } => tell("direction", direction.to_string()),
        Gesture::Control { control: Control::Bend, value }
        | Gesture::Crossing { control: Control::Bend, value, .. } => tell("bend", value.to_string()),
        _ => {} // the numbers above say it all
    }
    context
}

/// The value that was received, in the one byte that readers hold it in: of a value of 14 bits the upper seven.
fn value(gesture: &Gesture) -> Option<u8> {
    match gesture {
        Gesture::Encoder { value, .. } => Some(*value),
        Gesture::Control { control, value } | Gesture::Crossing { control, value, .. } => {
            let value = if control.scale() > 127 { value >> 7 } else { *value };
            u8::try_from(value).ok()
        }
        Gesture::ProgramChange { program } => Some(*program),
        _ => None,
    }
}
