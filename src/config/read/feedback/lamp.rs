//! What controls of devices show: `feedback` of a mapping, `[[feedback]]`, `pickup`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::light::{Light, written_light};
use crate::config::action::number::Scaling;
use crate::config::condition::Condition;
use crate::config::feedback::FeedbackConfig;
use crate::config::lamp::{Feedback, Lamp, Pickup, Shows};
use crate::config::model::DeviceConfig;
use crate::config::problem::Problem;
use crate::config::read::Reader;
use crate::config::read::control::lamp_in;
use crate::config::read::number::Written;
use crate::config::read::table::{Table, shortened};
use crate::config::read::value::Value;
use crate::gesture::{Controls, DeviceId, Trigger, TriggerSpec};
use crate::midi::{Channel, Channels};
use crate::state::{MidiValue, StateKey, ValueKind};

/// Most entries of `[[feedback]]`.
const MAX_FREE: usize = 4_096;
/// Most lamps of all mappings and entries together, each note of a range counted.
const MAX_LAMPS: usize = 16_384;

/// What of devices a lamp's entry needs to know.
#[derive(Debug)]
pub(in crate::config::read) struct Device {
    pub(super) called: String,
    /// Messages come from a file or a port of Conductor's own, to which nothing can be sent back.
    is_one_way: bool,
    pub(super) told: FeedbackConfig,
}

impl Device {
    pub(in crate::config::read) fn of(device: &DeviceConfig) -> Self {
        let name = device.name.as_str();
        Self {
            called: device.called().to_owned(),
            is_one_way: name == "-" || name.starts_with('/') || name.starts_with("virtual:"),
            told: device.feedback.clone(),
        }
    }
}

/// What has been read of lamps.
#[derive(Debug, Default)]
pub(in crate::config::read) struct Lamps {
    pub(in crate::config::read) devices: Vec<Device>,
    /// The mode whose mappings are read.
    pub(in crate::config::read) mode: Option<usize>,
    list: Vec<(Feedback, Range<usize>)>,
}

/// What an entry says of a lamp, before it is known which lamps it means.
enum Said {
    Lamp { when: Arc<Condition>, on: Light, off: Light },
    Value { key: StateKey, written: Written },
}

impl Reader<'_> {
    /// `feedback` and `pickup` of a mapping.
    pub(in crate::config::read) fn mapping_feedback(
        &mut self,
        table: &mut Table<'_>,
        trigger: Option<&TriggerSpec>,
        line: u32,
    ) -> Option<Pickup> {
        let value = table.take(&["feedback"]);
        let wants_pickup = table.take(&["pickup"]).filter(|value| value.boolean() == Some(true));
        let said = value.and_then(|value| {
            let mut fields = value.table("this feedback")?;
            let said = self.entry(&mut fields, trigger, line);
            fields.finish();
            said
        });
        let pickup = wants_pickup?;
        let controls = match trigger.map(|spec| &spec.trigger) {
            Some(Trigger::Control { controls, .. }) => Some(controls),
            Some(_) => None,
            None => return None,
        };
        match (controls, said) {
            (Some(controls), Some(Said::Value { key, written })) => {
                let scaling = scaling(&key, &written, controls.scale());
                Some(Pickup { key, scaling })
            }
            // What is wrong with it is said already.
            (Some(_), None) if value.is_some() => None,
            (controls, _) => {
                pickup.wrong(Problem::PickupOfNothing { moves: controls.is_some() });
                None
            }
        }
    }

    /// The entries of `[[feedback]]`.
    pub(in crate::config::read) fn free_feedback(&mut self, value: Value<'_>) {
        for mut table in super::super::settings::tables(value, MAX_FREE, "[feedback]") {
            let line = self.report.line(table.span().start);
            self.entry(&mut table, None, line);
            table.finish();
        }
    }

    /// Reads an entry and keeps what its lamps show.
    fn entry(&mut self, fields: &mut Table<'_>, trigger: Option<&TriggerSpec>, line: u32) -> Option<Said> {
        let span = fields.span();
        let devices = self.devices_of(fields, trigger);
        let named = fields.take(&["control"]);
        let lamps = match named {
            Some(named) => self.lamps_named(fields, &named, devices.as_deref()),
            None => self.lamps_of(fields, trigger, devices.as_deref()),
        };
        let said = self.said(fields)?;
        let (devices, lamps) = (devices?, lamps?);
        let mut lacks_output = false;
        for id in &devices {
            let Some(device) = self.lamps.devices.get(usize::from(id.0)) else { continue };
            if device.is_one_way && device.told.output.is_none() && !lacks_output {
                lacks_output = true;
                let (device, what) = (
                    shortened(&device.called),
                    "output port: what comes from a file or a port of Conductor's own has none",
                );
                self.report.add(span.clone(), Problem::DeviceLacks { device, what, add: "output = \"NAME\"" });
            }
        }
        let before = self.report.errors();
        for (id, lamp) in devices.iter().flat_map(|id| lamps.iter().map(move |lamp| (*id, *lamp))) {
            if self.report.errors() > before {
                break; // once is enough
            }
            let shows = match &said {
                Said::Value { key, written } => {
                    Shows::Value { key: key.clone(), scaling: scaling(key, written, lamp.scale()) }
                }
                Said::Lamp { when, on, off } => {
                    let (Some(on), Some(off)) = (self.light(id, lamp, on), self.light(id, lamp, off)) else { continue };
                    Shows::Lamp { when: Arc::clone(when), on, off }
                }
            };
            let mode = self.lamps.mode;
            self.lamps.list.push((Feedback { mode, device: id, lamp, shows, line }, span.clone()));
            if self.lamps.list.len() > MAX_LAMPS {
                let (found, most) = (self.lamps.list.len() as u64, MAX_LAMPS as u64);
                self.report.add(span.clone(), Problem::TooMuch { what: "lamps in all", found, most });
            }
        }
        Some(said)
    }

    /// The devices of an entry: those it names, its trigger does, or the only one.
    fn devices_of(&mut self, fields: &mut Table<'_>, trigger: Option<&TriggerSpec>) -> Option<Vec<DeviceId>> {
        let written = fields.take(&["device"]);
        let name = match (written, trigger.and_then(|spec| spec.device.as_deref())) {
            (Some(value), _) => {
                let name = value.string()?;
                self.defined(&value, "device", name, &self.devices)?;
                name.to_owned()
            }
            (None, Some(device)) => device.to_owned(),
            (None, None) => match self.devices.as_slice() {
                [only] => only.clone(),
                _ => {
                    let (key, within) = ("device", fields.within.clone());
                    self.report.add(fields.span(), Problem::MissingKey { key, within });
                    return None;
                }
            },
        };
        let numbered = (0..=u16::MAX).zip(&self.devices);
        Some(numbered.filter(|(_, called)| **called == name).map(|(number, _)| DeviceId(number)).collect())
    }

    /// The lamps of an entry: those it gives the numbers of, or its trigger's own.
    fn lamps_of(
        &mut self,
        fields: &mut Table<'_>,
        trigger: Option<&TriggerSpec>,
        devices: Option<&[DeviceId]>,
    ) -> Option<Vec<Lamp>> {
        const FIRST: Channel = Channel::from_status(0);
        let channel = fields.take(&["channel"]);
        let channel = channel.map(|value| self.channel_of(&value).unwrap_or(FIRST));
        let (has_note, has_cc) = (fields.has("note"), fields.has("cc"));
        let (notes, ccs) = (fields.optional_numbers(&["note"]), fields.optional_numbers(&["cc"]));
        if has_note && has_cc || (!has_note && !has_cc && trigger.is_none()) {
            let (within, both) = (fields.within.clone(), has_note);
            self.report.add(fields.span(), Problem::OneOf { keys: ["note", "cc"], within, both });
            return None;
        }
        let of_trigger = trigger.map(|spec| spec.channels).filter(|channels| *channels != Channels::ANY);
        let channels: Vec<Channel> = match (channel, of_trigger) {
            (Some(channel), _) => vec![channel],
            (None, Some(some)) => (1..=16).filter_map(Channel::new).filter(|one| some.contains(*one)).collect(),
            (None, None) => vec![FIRST],
        };
        let each = |numbers: Vec<u8>, of: &dyn Fn(Channel, u8) -> Lamp| {
            let on = |channel: &Channel| numbers.iter().map(|number| of(*channel, *number)).collect::<Vec<_>>();
            Some(channels.iter().flat_map(on).collect::<Vec<_>>())
        };
        let note = |channel, note| Lamp::Note { channel, note };
        let cc = |channel, controller| Lamp::Cc { channel, controller };
        if has_note {
            return each(notes?.iter().collect(), &note);
        }
        if has_cc {
            return each(ccs?.iter().collect(), &cc);
        }
        let lamps = match &trigger?.trigger {
            Trigger::Note { notes, .. }
            | Trigger::VelocityRange { notes, .. }
            | Trigger::NoteOff { notes }
            | Trigger::LongPress { notes, .. }
            | Trigger::DoubleTap { notes, .. } => each(notes.iter().collect(), &note),
            Trigger::NoteChord { notes, .. } => each(notes.clone(), &note),
            Trigger::EncoderTurn { ccs, .. } => each(ccs.iter().collect(), &cc),
            Trigger::Control { controls: Controls::Cc(numbers), .. } => each(numbers.iter().collect(), &cc),
            Trigger::Control { controls: Controls::Cc14(numbers), .. } => {
                each(numbers.iter().collect(), &|channel, controller| Lamp::Cc14 { channel, controller })
            }
            Trigger::Control { controls: Controls::Bend, .. } => each(vec![0], &|channel, _| Lamp::Bend { channel }),
            Trigger::Control { .. }
            | Trigger::ProgramChange { .. }
            | Trigger::Transport { .. }
            | Trigger::SysEx { .. }
            | Trigger::Every { .. }
            | Trigger::At { .. }
            | Trigger::Session(_) => {
                self.report.add(fields.span(), Problem::NoLamp);
                None
            }
        };
        // A profile may say that the lamp of a control listens to something else than the control sends.
        let profile = devices.and_then(|devices| self.profiles.get(usize::from(devices.first()?.0))?.clone());
        match profile.filter(|_| channel.is_none()) {
            Some(profile) => lamps.map(|lamps| lamps.into_iter().map(|lamp| lamp_in(&profile, lamp)).collect()),
            None => lamps,
        }
    }

    /// What is shown.
    fn said(&mut self, fields: &mut Table<'_>) -> Option<Said> {
        let (when, from) = (fields.take(&["when"]), fields.take(&["from"]));
        match (when, from) {
            (Some(when), None) => {
                let condition = self.condition(when, 0);
                let on = fields.take(&["on"]).map_or(Some(Light::Value(u16::MAX)), |value| written_light(&value));
                let off = fields.take(&["off"]).map_or(Some(Light::Value(0)), |value| written_light(&value));
                let condition = condition?;
                Some(Said::Lamp { when: Arc::new(condition), on: on?, off: off? })
            }
            (None, Some(from)) => {
                let key = self.state_key(&from);
                let written = Written::of(fields);
                let key = key?;
                if !matches!(key.kind(), ValueKind::Number | ValueKind::Any) {
                    from.malformed(
                        &key.to_string(),
                        "a key whose value is a number; others are shown with `when`, `on` and `off`",
                    );
                    return None;
                }
                let stretched = written.to.is_some() || written.curve.is_some() || written.invert;
                if stretched && !written.has_within && scale_of(&key).is_none() {
                    let (key, within) = ("in", fields.within.clone());
                    self.report.add(fields.span(), Problem::MissingKey { key, within });
                    return None;
                }
                Some(Said::Value { key, written })
            }
            (when, _) => {
                // Without either nobody can say which of the others belong; they are not complained about.
                for key in ["on", "off", "in", "to", "curve", "invert", "add"] {
                    fields.take(&[key]);
                }
                let (within, both) = (fields.within.clone(), when.is_some());
                self.report.add(fields.span(), Problem::OneOf { keys: ["when", "from"], within, both });
                None
            }
        }
    }

    /// All that is shown. Where two would show something at one lamp, the second is told.
    pub(in crate::config::read) fn settle_lamps(&mut self) -> Vec<Feedback> {
        let list = std::mem::take(&mut self.lamps.list);
        let mut owners: HashMap<(Option<usize>, DeviceId, Lamp), u32> = HashMap::new();
        let mut told = None;
        for (feedback, span) in &list {
            let Feedback { mode, device, lamp, line, .. } = feedback;
            let first = *owners.entry((*mode, *device, *lamp)).or_insert(*line);
            if first != *line && told != Some(*line) {
                told = Some(*line);
                self.report.add(span.clone(), Problem::SecondOwner { lamp: lamp.to_string(), line: first });
            }
        }
        list.into_iter().map(|(feedback, _)| feedback).collect()
    }
}

/// The scale of a value that has one.
fn scale_of(key: &StateKey) -> Option<f64> {
    match key {
        StateKey::Midi { of: MidiValue::Bend, .. } => Some(16_383.0),
        StateKey::Midi { .. } => Some(127.0),
        _ => None,
    }
}

/// How the value of `key` becomes one on a scale up to `scale`.
fn scaling(key: &StateKey, written: &Written, scale: u16) -> Scaling {
    let within = written.within.unwrap_or([0.0, scale_of(key).unwrap_or(scale.into())]);
    Scaling {
        within,
        to: written.to.unwrap_or(within),
        curve: written.curve.unwrap_or_default(),
        invert: written.invert,
        add: written.add,
    }
}
