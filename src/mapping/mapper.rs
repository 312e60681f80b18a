//! The index from gestures to mappings.

use super::matching::matches;
use crate::config::{Config, Mapping};
use crate::gesture::{DeviceId, Gesture, GestureEvent, Trigger};
use crate::midi::Channel;

/// Finds the mapping a gesture sets off. Made once for a configuration; a lookup allocates nothing and compares only the
/// mappings of that note, controller or program.
#[derive(Debug, Clone)]
pub struct Mapper {
    modes: Vec<Index>,
    global: Index,
}

/// The mappings of one list, sorted by slot; those of one slot in the order written.
#[derive(Debug, Clone)]
struct Index(Box<[Entry]>);

#[derive(Debug, Clone)]
struct Entry {
    slot: u16,
    /// Position in `Config::mappings`.
    number: usize,
    channel: Option<Channel>,
    device: Option<DeviceId>,
    trigger: Trigger,
}

impl Mapper {
    /// The index of `config`.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut number = 0;
        let mut index = |mappings: &[Mapping]| {
            let first = number;
            number += mappings.len();
            Index::new(config, mappings, first)
        };
        let modes = config.modes.iter().map(|mode| index(&mode.mappings)).collect();
        Self { modes, global: index(&config.global_mappings) }
    }

    /// The number of the mapping that `event` sets off in `mode`: what [`Config::mapping`] takes. An unknown mode has
    /// only the global mappings.
    #[must_use]
    pub fn find(&self, mode: usize, event: &GestureEvent) -> Option<usize> {
        let slot = slot_of_gesture(&event.gesture);
        self.modes.get(mode).and_then(|index| index.find(slot, event)).or_else(|| self.global.find(slot, event))
    }
}

impl Index {
    fn new(config: &Config, mappings: &[Mapping], first: usize) -> Self {
        let entries = mappings.iter().enumerate().filter_map(|(position, mapping)| {
            let device = match &mapping.trigger.device {
                // A device the configuration does not define never sends anything; the loader refuses such a name.
                Some(name) => Some(device(config, name)?),
                None => None,
            };
            Some(Entry {
                slot: slot_of_trigger(&mapping.trigger.trigger),
                number: first + position,
                channel: mapping.trigger.channel,
                device,
                trigger: mapping.trigger.trigger.clone(),
            })
        });
        let mut entries: Box<[Entry]> = entries.collect();
        entries.sort_by_key(|entry| (entry.slot, entry.number));
        Self(entries)
    }

    fn find(&self, slot: u16, event: &GestureEvent) -> Option<usize> {
        // Never beyond the end: a partition point is at most the length.
        self.0[self.0.partition_point(|entry| entry.slot < slot)..]
            .iter()
            .take_while(|entry| entry.slot == slot)
            .find(|entry| {
                entry.channel.is_none_or(|only| only == event.channel)
                    && entry.device.is_none_or(|only| only == event.device)
                    && matches(&entry.trigger, &event.gesture)
            })
            .map(|entry| entry.number)
    }
}

fn device(config: &Config, name: &str) -> Option<DeviceId> {
    let position = config.devices.iter().position(|device| device.name == name)?;
    u16::try_from(position).ok().map(DeviceId)
}

/// One slot for each kind of gesture and number; those without a number of their own have the first.
const fn slot(kind: u16, number: u8) -> u16 {
    kind << 8 | number as u16
}

fn slot_of_trigger(trigger: &Trigger) -> u16 {
    match trigger {
        Trigger::Note { note, .. } | Trigger::VelocityRange { note, .. } => slot(0, *note),
        Trigger::LongPress { note, .. } => slot(1, *note),
        Trigger::DoubleTap { note, .. } => slot(2, *note),
        Trigger::NoteChord { notes, .. } => slot(3, notes.first().copied().unwrap_or_default()),
        Trigger::EncoderTurn { cc, .. } => slot(4, *cc),
        Trigger::Cc { cc, .. } => slot(5, *cc),
        // One for all notes, so that a mapping for any note keeps its place in the order written.
        Trigger::Aftertouch { .. } => slot(6, 0),
        Trigger::PitchBend { .. } => slot(7, 0),
        Trigger::ProgramChange { program } => slot(8, *program),
    }
}

fn slot_of_gesture(gesture: &Gesture) -> u16 {
    match gesture {
        Gesture::Press { note, .. } => slot(0, *note),
        Gesture::LongPress { note, .. } => slot(1, *note),
        Gesture::DoubleTap { note, .. } => slot(2, *note),
        Gesture::Chord { notes, .. } => slot(3, notes.first().copied().unwrap_or_default()),
        Gesture::Encoder { cc, .. } => slot(4, *cc),
        Gesture::Cc { cc, .. } => slot(5, *cc),
        Gesture::Aftertouch { .. } => slot(6, 0),
        Gesture::PitchBend { .. } => slot(7, 0),
        Gesture::ProgramChange { program } => slot(8, *program),
    }
}
