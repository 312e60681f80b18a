//! The state machine over all devices.

use super::channel::ChannelState;
use super::control::Control;
use super::event::{DeviceId, Gesture, GestureEvent, Transport};
use super::plan::Plan;
use super::timer::{Timer, Timers};
use super::trigger::TriggerSpec;
use crate::midi::controller::ALL_OFF;
use crate::midi::{Channel, Message, SystemMessage};
use crate::time::Micros;

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
            return self.system(device, message, out);
        };
        let mut emit =
            |gesture| out.push(GestureEvent { t: now, device: Some(device), channel: Some(channel), gesture });
        match *message {
            Message::NoteOn { note, velocity: velocity @ 1.., .. } => {
                self.cancel_hold(device, channel, note);
                self.state(device, channel).press(now, note, velocity, &mut emit);
                self.start_hold(device, channel, note);
                self.fire_due(out); // a long press of no length is due at once
            }
            Message::NoteOn { note, velocity, .. } | Message::NoteOff { note, velocity, .. } => {
                self.cancel_hold(device, channel, note);
                self.state(device, channel).release(note, velocity, &mut emit);
            }
            Message::ControlChange { controller, value, .. } => {
                if ALL_OFF.contains(&controller) {
                    self.release_channel(device, channel, &mut emit);
                }
                self.state(device, channel).control_change(now, controller, value, &mut emit);
            }
            Message::PolyPressure { note, pressure, .. } => {
                self.state(device, channel).control(Control::Pressure(Some(note)), pressure.into(), &mut emit);
            }
            Message::ChannelPressure { pressure, .. } => {
                self.state(device, channel).control(Control::Pressure(None), pressure.into(), &mut emit);
            }
            Message::PitchBend { value, .. } => {
                self.state(device, channel).control(Control::Bend, value, &mut emit);
            }
            Message::ProgramChange { program, .. } => emit(Gesture::ProgramChange { program }),
            Message::SysEx(_) | Message::System(_) => {} // these have no channel and ended above
        }
    }

    /// A message without a channel.
    fn system(&mut self, device: DeviceId, message: &Message, out: &mut Vec<GestureEvent>) {
        let gesture = match message {
            Message::SysEx(payload) => Gesture::SysEx(payload.clone()),
            Message::System(SystemMessage::Reset) => return self.release_all(self.now, device, out),
            Message::System(system) => match Transport::of(*system) {
                Some(transport) => Gesture::Transport(transport),
                None => return,
            },
            _ => return, // those with a channel
        };
        out.push(GestureEvent { t: self.now, device: Some(device), channel: None, gesture });
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

    /// At `t` lets go of everything `device` holds, and appends that to `out`; forgets its taps and where its controls are: it is gone, or
    /// was reset.
    pub fn release_all(&mut self, t: Micros, device: DeviceId, out: &mut Vec<GestureEvent>) {
        self.now = self.now.max(t);
        self.timers.cancel_device(device);
        let now = self.now;
        let Some(state) = self.devices.get_mut(usize::from(device.0)) else { return };
        for (nibble, state) in (0..).zip(&mut state.channels) {
            let Some(state) = state else { continue };
            let channel = Some(Channel::from_status(nibble));
            state.release_all(&mut |gesture| out.push(GestureEvent { t: now, device: Some(device), channel, gesture }));
            state.forget_controls();
        }
    }

    fn fire_due(&mut self, out: &mut Vec<GestureEvent>) {
        while let Some(Timer { due, device, channel, note }) = self.timers.take_due(self.now) {
            if let Some(gesture) = self.state(device, channel).hold_reached(note) {
                out.push(GestureEvent { t: due, device: Some(device), channel: Some(channel), gesture });
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

    fn release_channel(&mut self, device: DeviceId, channel: Channel, emit: &mut impl FnMut(Gesture)) {
        for note in 0..=127 {
            self.cancel_hold(device, channel, note);
        }
        self.state(device, channel).release_all(emit);
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
