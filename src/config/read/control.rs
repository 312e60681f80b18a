//! `control`: controls by the names that a device's profile gives them.

use std::sync::Arc;

use super::Reader;
use super::table::{Table, shortened};
use super::value::Value;
use crate::config::lamp::Lamp;
use crate::config::problem::Problem;
use crate::config::profile::{ControlAddress, ControlNumber, Profile, ProfileControl};
use crate::gesture::DeviceId;
use crate::midi::{Channel, Numbers};
use crate::text::nearest;

/// Most controls of one list.
const MAX_LIST: usize = 128;

/// The controls that a trigger names.
pub(super) struct Named<'a> {
    /// Where they stand.
    value: Value<'a>,
    /// The device that has them; nothing where something was wrong, which is told.
    pub(super) device: Option<String>,
    controls: Vec<(&'a str, ProfileControl)>,
    /// The channel they send on; every one where the profile says none.
    channel: Option<Channel>,
}

impl Reader<'_> {
    /// The profile of the device called `device`, or of the only one that has one, with what triggers call it.
    pub(super) fn profile_of(&self, value: &Value<'_>, device: Option<&str>) -> Option<(String, Arc<Profile>)> {
        let called = |name: &String| device.is_none_or(|device| device == name);
        let mut with_profile = self
            .devices
            .iter()
            .zip(&self.profiles)
            .filter(|(name, _)| called(name))
            .filter_map(|(name, profile)| Some((name, profile.as_ref()?)));
        match (with_profile.next(), with_profile.next()) {
            (Some((name, profile)), second) if device.is_some() || second.is_none() => {
                Some((name.clone(), Arc::clone(profile)))
            }
            (first, _) => {
                // A profile that is wrong is told of where it is.
                if !self.profile_missing {
                    let problem = Problem::NoProfile { device: device.map(shortened), several: first.is_some() };
                    value.wrong(problem);
                }
                None
            }
        }
    }

    /// What `control` of a trigger for `device` names.
    pub(super) fn named_controls<'v>(&self, value: Value<'v>, device: Option<&str>) -> Named<'v> {
        let mut named = Named::nothing(value);
        let Some((device, profile)) = self.profile_of(&value, device) else { return named };
        let items = if value.toml.is_array() { value.list(MAX_LIST).unwrap_or_default() } else { vec![value] };
        if value.toml.as_array().is_some_and(|list| list.is_empty()) {
            value.wrong(Problem::Empty { key: "control".to_owned(), wanted: "the name of a control, or a list" });
        }
        named.controls = items.iter().filter_map(|item| control_of(item, &profile)).collect();
        named.channel = named.controls.first().and_then(|(_, control)| control.input.channel);
        if let Some((name, control)) = named.controls.iter().find(|(_, control)| control.input.channel != named.channel)
        {
            let first = self.channels.first();
            let [one, other] =
                [named.channel, control.input.channel].map(|channel| channel.map(|channel| first.number(channel)));
            value.wrong(Problem::ControlsApart { name: shortened(name), one, other });
        }
        named.device = Some(device);
        named
    }
}

impl Reader<'_> {
    /// The lamps of the controls that `value` names, of the first of `devices`. The profile says all that `note`, `cc` and `channel`
    /// would.
    pub(super) fn lamps_named(
        &self,
        fields: &mut Table<'_>,
        value: &Value<'_>,
        devices: Option<&[DeviceId]>,
    ) -> Option<Vec<Lamp>> {
        for key in ["note", "cc", "channel"] {
            if let Some(other) = fields.take(&[key]) {
                let (keys, within, both) = ([key, "control"], fields.within.clone(), true);
                other.wrong(Problem::OneOf { keys, within, both });
            }
        }
        let device = self.devices.get(usize::from(devices?.first()?.0))?;
        let (_, profile) = self.profile_of(value, Some(device))?;
        let items = if value.toml.is_array() { value.list(MAX_LIST)? } else { vec![*value] };
        if items.is_empty() {
            value.wrong(Problem::Empty { key: "control".to_owned(), wanted: "the name of a control, or a list" });
        }
        let lamp = |item: &Value<'_>| Some(lamp_at(control_of(item, &profile)?.1.lamp, FIRST));
        items.iter().map(lamp).collect()
    }
}

/// Where a lamp listens whose profile says no channel.
const FIRST: Channel = Channel::from_status(0);

/// The lamp at `address`, which is on `channel` where that says none.
fn lamp_at(address: ControlAddress, channel: Channel) -> Lamp {
    let channel = address.channel.unwrap_or(channel);
    match address.number {
        ControlNumber::Note(note) => Lamp::Note { channel, note },
        ControlNumber::Cc(controller) => Lamp::Cc { channel, controller },
    }
}

/// The lamp of the control in `profile` that sends what `lamp` would be told; that itself where the profile has none.
pub(super) fn lamp_in(profile: &Profile, lamp: Lamp) -> Lamp {
    let (number, channel) = match lamp {
        Lamp::Note { channel, note } => (ControlNumber::Note(note), channel),
        Lamp::Cc { channel, controller } => (ControlNumber::Cc(controller), channel),
        Lamp::Cc14 { .. } | Lamp::Bend { .. } => return lamp,
    };
    let control = profile.at(ControlAddress { number, channel: Some(channel) });
    control.map_or(lamp, |(_, control)| lamp_at(control.lamp, channel))
}

impl<'a> Named<'a> {
    /// None of which anything is known; what is wrong is told.
    pub(super) fn nothing(value: Value<'a>) -> Self {
        Self { value, device: None, controls: Vec::new(), channel: None }
    }

    /// Whether what they send is known of all of them.
    pub(super) fn is_whole(&self) -> bool {
        !self.controls.is_empty()
    }

    /// The numbers of the controls, which have to be what `of` takes, in the order written.
    fn numbers(&self, wanted: &'static str, of: fn(ControlNumber) -> Option<u8>) -> Vec<u8> {
        let number = |(name, control): &(&str, ProfileControl)| {
            let number = of(control.input.number);
            if number.is_none() {
                let is = control.input.number.to_string();
                self.value.wrong(Problem::WrongControl { name: shortened(name), is, wanted });
            }
            number
        };
        self.controls.iter().filter_map(number).collect()
    }

    /// The notes or controllers (`key`) of the controls.
    pub(super) fn numbers_of(&self, key: &'static str) -> Vec<u8> {
        if key == "cc" {
            self.numbers("a controller", |number| match number {
                ControlNumber::Cc(cc) => Some(cc),
                ControlNumber::Note(_) => None,
            })
        } else {
            self.numbers("a note", |number| match number {
                ControlNumber::Note(note) => Some(note),
                ControlNumber::Cc(_) => None,
            })
        }
    }

    /// The channel they are on, where the profile says one. `channel` beside it has nothing left to say.
    pub(super) fn channel(&self, fields: &mut Table<'_>) -> Option<Channel> {
        let channel = self.channel?;
        if let Some(written) = fields.take(&["channel"]) {
            let remedy = "leave it out: the profile says which channel the control is on".to_owned();
            let (key, within) = ("channel".to_owned(), fields.within.clone());
            written.wrong(Problem::MisplacedKey { key, within, remedy });
        }
        Some(channel)
    }
}

/// The numbers under `key`, or those of the controls that stand there instead. The empty set stands in for what is wrong.
pub(super) fn numbers(fields: &mut Table<'_>, key: &'static str, named: Option<&Named<'_>>) -> Numbers {
    match named {
        Some(named) => instead(fields, key, named).into_iter().collect(),
        None => fields.need_numbers(&[key]),
    }
}

/// The numbers of controls that stand in the place of `key`.
pub(super) fn instead(fields: &mut Table<'_>, key: &'static str, named: &Named<'_>) -> Vec<u8> {
    if let Some(value) = fields.take(&[key]) {
        let (keys, within, both) = ([key, "control"], fields.within.clone(), true);
        value.wrong(Problem::OneOf { keys, within, both });
    }
    named.numbers_of(if key == "notes" { "note" } else { key })
}

/// The control of `profile` that `value` names.
fn control_of<'v>(value: &Value<'v>, profile: &Profile) -> Option<(&'v str, ProfileControl)> {
    let name = value.string()?;
    let found = profile.controls.get(name);
    if found.is_none() {
        let nearest = nearest(name, profile.controls.keys().map(String::as_str)).map(shortened);
        let known = profile.controls.keys().take(12).map(|name| shortened(name)).collect();
        value.wrong(Problem::UnknownName { kind: "control", name: shortened(name), nearest, known });
    }
    found.map(|control| (name, *control))
}
