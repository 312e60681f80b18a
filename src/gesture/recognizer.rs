//! The state machine over all devices.

use super::channel::ChannelState;
use super::event::{DeviceId, Gesture, GestureEvent};
use super::plan::Plan;
use super::timer::{Timer, Timers};
use super::trigger::TriggerSpec;
use crate::midi::{Channel, Message, SystemMessage};
use crate::time::Micros;

/// All Sound Off and All Notes Off.
const ALL_SOUND_OFF: u8 = 120;
const ALL_NOTES_OFF: u8 = 123;

/// One device: its sixteen channels, each made when its first message comes.
#[derive(Debug, Default)]
struct Device {
    channels: [Option<Box<ChannelState>>; 16],
}

/// Recognises gestures in the messages of all devices.
///
/// It is handed every message with its time, and told when time passes without one: [`Recognizer::next_due`] says
/// until when nothing can happen. A time before the latest one known counts as that one.
#[derive(Debug)]
pub struct Recognizer {
    plan: Plan,
    devices: Vec<Device>,
    timers: Timers,
    now: Micros,
}

impl Recognizer {
    /// A recogniser for what `triggers` ask for. `device_names` are the configured devices' names, in the order of their
    /// [`DeviceId`]s; a trigger for a device that is not among them never fires.
    #[must_use]
    pub fn new<'a>(triggers: impl IntoIterator<Item = &'a TriggerSpec>, device_names: &[impl AsRef<str>]) -> Self {
        Self { plan: Plan::new(triggers, device_names), devices: Vec::new(), timers: Timers::default(), now: 0 }
    }

    /// Takes a message received at `t` and appends the gestures it completes to `out`, after those that fell due
    /// before it.
    pub fn feed(&mut self, t: Micros, device: DeviceId, message: &Message, out: &mut Vec<GestureEvent>) {
        self.advance(t, out);
        let now = self.now;
        let Some(channel) = message.channel() else {
            if matches!(message, Message::System(SystemMessage::Reset)) {
                self.release_all(device);
            }
            return;
        };
        let mut emit = |gesture| out.push(GestureEvent { t: now, device, channel, gesture });
        match *message {
            Message::NoteOn { note, velocity: velocity @ 1.., .. } => {
                self.cancel_hold(device, channel, note);
                self.state(device, channel).press(now, note, velocity, &mut emit);
                self.start_hold(device, channel, note);
                self.fire_due(out); // a long press of no length is due at once
            }
            Message::NoteOn { note, .. } | Message::NoteOff { note, .. } => {
                self.cancel_hold(device, channel, note);
                self.state(device, channel).release(note);
            }
            Message::ControlChange { controller, value, .. } => {
                if matches!(controller, ALL_SOUND_OFF | ALL_NOTES_OFF) {
                    self.release_channel(device, channel);
                }
                self.state(device, channel).control(controller, value, &mut emit);
            }
            Message::PolyPressure { note, pressure, .. } => emit(Gesture::Aftertouch { note: Some(note), pressure }),
            Message::ChannelPressure { pressure, .. } => emit(Gesture::Aftertouch { note: None, pressure }),
            Message::PitchBend { value, .. } => emit(Gesture::PitchBend { value }),
            Message::ProgramChange { program, .. } => emit(Gesture::ProgramChange { program }),
            Message::SysEx(_) | Message::System(_) => {} // these have no channel and ended above
        }
    }

    /// When the next gesture falls due without a message, if one does.
    #[must_use]
    pub fn next_due(&self) -> Option<Micros> {
        self.timers.next_due()
    }

    /// Time is `t` now: appends the gestures that have fallen due to `out`, each with the time at which it did.
    pub fn advance(&mut self, t: Micros, out: &mut Vec<GestureEvent>) {
        self.now = self.now.max(t);
        self.fire_due(out);
    }

    /// Lets go of everything `device` holds and forgets its taps and encoder positions: it is gone, or was reset.
    pub fn release_all(&mut self, device: DeviceId) {
        self.timers.cancel_device(device);
        if let Some(device) = self.devices.get_mut(usize::from(device.0)) {
            for state in device.channels.iter_mut().flatten() {
                state.release_all();
                state.forget_encoders();
            }
        }
    }

    fn fire_due(&mut self, out: &mut Vec<GestureEvent>) {
        while let Some(Timer { due, device, channel, note }) = self.timers.take_due(self.now) {
            if let Some(gesture) = self.state(device, channel).hold_reached(note) {
                out.push(GestureEvent { t: due, device, channel, gesture });
            }
            self.start_hold(device, channel, note);
        }
    }

    fn start_hold(&mut self, device: DeviceId, channel: Channel, note: u8) {
        if let Some(due) = self.state(device, channel).next_hold(note) {
            self.timers.add(Timer { due, device, channel, note });
        }
    }

    fn cancel_hold(&mut self, device: DeviceId, channel: Channel, note: u8) {
        if let Some(due) = self.state(device, channel).next_hold(note) {
            self.timers.cancel(Timer { due, device, channel, note });
        }
    }

    fn release_channel(&mut self, device: DeviceId, channel: Channel) {
        for note in 0..=127 {
            self.cancel_hold(device, channel, note);
        }
        self.state(device, channel).release_all();
    }

    fn state(&mut self, device: DeviceId, channel: Channel) -> &mut ChannelState {
        let position = usize::from(device.0);
        if self.devices.len() <= position {
            self.devices.resize_with(position + 1, Device::default);
        }
        let plan = &self.plan;
        // The list reaches position as of just above; a nibble is below 16.
        self.devices[position].channels[usize::from(channel.nibble())]
            .get_or_insert_with(|| Box::new(ChannelState::new(plan.channel(device, channel))))
    }
}
