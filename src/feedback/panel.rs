//! All devices that show something.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::device::{Device, LampState, Owner, Source};
use crate::config::{Condition, Config, Lamp, Shows};
use crate::gesture::DeviceId;
use crate::midi::{Message, Outgoing};
use crate::state::{Place, StateKey, StateTable};
use crate::time::Micros;

/// Something that a device is told.
#[derive(Debug)]
pub struct Telling<'a> {
    /// Which device.
    pub device: DeviceId,
    /// What triggers call it.
    pub name: &'a Arc<str>,
    /// The output port, where the configuration names one.
    pub port: Option<&'a Arc<str>>,
    /// What it is told.
    pub message: Outgoing,
}

/// All devices that show something, and what their lamps go by.
#[derive(Debug)]
pub struct Panel {
    devices: BTreeMap<DeviceId, Device>,
    /// By the place of a value: the lamps that go by it.
    lamps: HashMap<Place, Vec<(DeviceId, usize)>>,
    /// By the number of a condition that somebody else looks at: whether it holds, and the lamps that go by it.
    told: Box<[bool]>,
    told_lamps: Box<[Vec<(DeviceId, usize)>]>,
    /// No input comes any more.
    is_over: bool,
}

impl Panel {
    /// The devices of `config` that show something, none of them there yet; nothing where no device does. The values they go by get
    /// their place in `state`.
    #[must_use]
    pub fn of(config: &Config, state: &mut StateTable) -> Option<Self> {
        let mut owners: BTreeMap<DeviceId, BTreeMap<Lamp, Vec<Owner>>> = BTreeMap::new();
        let mut keys: BTreeMap<(DeviceId, Lamp), Vec<StateKey>> = BTreeMap::new();
        let conditions = config.conditions_of_feedback();
        let numbers: HashMap<_, usize> =
            (0..).zip(&conditions).map(|(number, when)| (Arc::as_ptr(when), number)).collect();
        let mut by_condition: BTreeMap<(DeviceId, Lamp), Vec<usize>> = BTreeMap::new();
        for feedback in &config.feedback {
            let asked = keys.entry((feedback.device, feedback.lamp)).or_default();
            if feedback.mode.is_some() {
                asked.push(StateKey::Mode);
            }
            let source = match &feedback.shows {
                shows @ Shows::Lamp { when, .. } => {
                    let number = numbers.get(&Arc::as_ptr(when)).copied();
                    by_condition.entry((feedback.device, feedback.lamp)).or_default().extend(number);
                    asked.extend(when.leaves().into_iter().filter_map(|leaf| match leaf {
                        Condition::State { key, .. } => Some(key.clone()),
                        Condition::ModeIs { .. } => Some(StateKey::Mode),
                        _ => None,
                    }));
                    number.map_or_else(|| Source::Lamp(shows.clone()), |number| Source::Told(shows.clone(), number))
                }
                shows @ Shows::Value { key, .. } => {
                    asked.push(key.clone());
                    Source::Value(shows.clone(), state.place(key))
                }
            };
            let lamps = owners.entry(feedback.device).or_default();
            lamps.entry(feedback.lamp).or_default().push((feedback.mode, source));
        }
        let mut panel = Self {
            devices: BTreeMap::new(),
            lamps: HashMap::new(),
            told: vec![false; conditions.len()].into(),
            told_lamps: vec![Vec::new(); conditions.len()].into(),
            is_over: false,
        };
        for (id, device) in (0..=u16::MAX).map(DeviceId).zip(&config.devices) {
            let told = &device.feedback;
            let own = owners.remove(&id).unwrap_or_default();
            if own.is_empty() && told.init.is_none() && told.exit.is_none() {
                continue;
            }
            let mut lamps = Vec::with_capacity(own.len());
            for (number, (lamp, owners)) in own.into_iter().enumerate() {
                for key in keys.remove(&(id, lamp)).unwrap_or_default() {
                    let asking = panel.lamps.entry(state.place(&key)).or_default();
                    if asking.last() != Some(&(id, number)) {
                        asking.push((id, number));
                    }
                }
                for condition in by_condition.remove(&(id, lamp)).unwrap_or_default() {
                    if let Some(asking) = panel.told_lamps.get_mut(condition) {
                        asking.push((id, number));
                    }
                }
                lamps.push(LampState::new(lamp, owners));
            }
            panel.devices.insert(id, Device::new(device, lamps));
        }
        (!panel.devices.is_empty()).then_some(panel)
    }

    /// The numbers of its devices.
    pub fn devices(&self) -> impl Iterator<Item = DeviceId> {
        self.devices.keys().copied()
    }

    /// The device is there: all is told.
    pub fn found(&mut self, device: DeviceId) {
        if let Some(device) = self.devices.get_mut(&device) {
            device.found();
        }
    }

    /// The device is gone: nothing is told until it is back.
    pub fn lost(&mut self, device: DeviceId) {
        if let Some(device) = self.devices.get_mut(&device) {
            device.lost();
        }
    }

    /// All devices that are there are told everything anew.
    pub fn refresh(&mut self) {
        self.devices.values_mut().for_each(Device::everything);
    }

    /// No input comes any more: what could not be told is not tried again.
    pub fn input_over(&mut self) {
        self.is_over = true;
    }

    /// Takes in what has changed in `state` since it was settled.
    pub fn note_changes(&mut self, state: &StateTable) {
        let Self { lamps, devices, .. } = self;
        for (device, number) in state.changed_places().iter().filter_map(|place| lamps.get(place)).flatten() {
            if let Some(device) = devices.get_mut(device) {
                device.changed(*number);
            }
        }
    }

    /// The condition of this number holds now, or does not.
    pub fn condition_changed(&mut self, condition: usize, holds: bool) {
        let Some(told) = self.told.get_mut(condition).filter(|told| **told != holds) else { return };
        *told = holds;
        for (device, number) in self.told_lamps.get(condition).into_iter().flatten() {
            if let Some(device) = self.devices.get_mut(device) {
                device.changed(*number);
            }
        }
    }

    /// When something is to be told without anything having changed.
    #[must_use]
    pub fn next_due(&self) -> Option<Micros> {
        self.devices.values().filter_map(|device| device.next_due(self.is_over)).min()
    }

    /// Tells what is to be told at `now` in `mode`; `send` says whether that could be sent.
    pub fn tell(&mut self, now: Micros, mode: usize, state: &StateTable, send: &mut dyn FnMut(Telling<'_>) -> bool) {
        for (id, device) in &mut self.devices {
            if device.next_due(self.is_over).is_some_and(|due| due <= now) {
                let device_id = *id;
                device.tell(now, mode, state, &self.told, &mut |name, port, message| {
                    send(Telling { device: device_id, name, port, message })
                });
            }
        }
    }

    /// The session ends: each device is still told what waits, in its time, and then that.
    pub fn finish(&mut self) {
        self.is_over = true;
        self.devices.values_mut().for_each(Device::finish);
    }

    /// Nothing more is told, but what is left of what devices are told at the end.
    pub fn stop(&mut self, send: &mut dyn FnMut(Telling<'_>) -> bool) {
        for (id, device) in &mut self.devices {
            let id = *id;
            device.stop(&mut |name, port, message| send(Telling { device: id, name, port, message }));
        }
    }

    /// Whether `message`, which came from `device` at `now`, is what that was told just before, and no input.
    pub fn is_echo(&mut self, now: Micros, device: DeviceId, mode: usize, message: &Message) -> bool {
        self.devices.get_mut(&device).is_some_and(|device| device.is_echo(now, mode, message))
    }
}
