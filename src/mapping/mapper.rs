//! The index from gestures to mappings.

use crate::config::{Condition, Config, Mapping, MappingId};
use crate::gesture::{DeviceId, GestureEvent, Match, Slot, Trigger};
use crate::midi::Channels;

/// Finds the mapping a gesture sets off. Made once for a configuration; a lookup allocates nothing and compares only the
/// mappings of that note, controller or program.
#[derive(Debug, Clone)]
pub struct Mapper {
    modes: Vec<Index>,
    global: Index,
    hooks: Index,
}

/// What becomes of a gesture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// This mapping fires.
    Fires(MappingId),
    /// This mapping takes the gesture, and nothing happens: the control has not left its range since it fired.
    Takes(MappingId),
}

/// The mappings of one list.
#[derive(Debug, Clone)]
struct Index {
    /// Slots with the positions of the mappings that wait there, sorted.
    slots: Box<[(Slot, u32)]>,
    /// In the order written.
    entries: Box<[Entry]>,
    /// Number of the first.
    first: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    channels: Channels,
    /// Those that are called as the trigger says: two of one name may be, and either will do.
    devices: Option<Box<[DeviceId]>>,
    trigger: Trigger,
    when: Option<Condition>,
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
        let global = index(&config.global_mappings);
        Self { modes, global, hooks: index(&config.hooks) }
    }

    /// What becomes of `event` in `mode`; nothing where no mapping waits for it. An unknown mode has only the global mappings.
    /// Conditions of mappings are asked of `holds` when a mapping would have the event otherwise.
    #[must_use]
    pub fn find(&self, mode: usize, event: &GestureEvent, holds: &mut dyn FnMut(&Condition) -> bool) -> Option<Found> {
        let slot = event.gesture.slot();
        let of_mode = self.modes.get(mode).and_then(|index| index.find(slot, event, holds));
        of_mode.or_else(|| self.global.find(slot, event, holds)).or_else(|| self.hooks.find(slot, event, holds))
    }
}

impl Index {
    fn new(config: &Config, mappings: &[Mapping], first: usize) -> Self {
        let entry = |mapping: &Mapping| Entry {
            channels: mapping.trigger.channels,
            // A device the configuration does not define never sends anything; the loader refuses such a name.
            devices: mapping.trigger.device.as_ref().map(|name| devices(config, name)),
            trigger: mapping.trigger.trigger.clone(),
            when: mapping.when.clone(),
        };
        let positions = (0..=u32::MAX).zip(mappings);
        let slots = positions.flat_map(|(position, mapping)| {
            mapping.trigger.trigger.slots().into_iter().map(move |slot| (slot, position))
        });
        let mut slots: Box<[(Slot, u32)]> = slots.collect();
        slots.sort_unstable();
        Self { slots, entries: mappings.iter().map(entry).collect(), first }
    }

    fn find(&self, slot: Slot, event: &GestureEvent, holds: &mut dyn FnMut(&Condition) -> bool) -> Option<Found> {
        // Never beyond the end: a partition point is at most the length.
        let waiting = &self.slots[self.slots.partition_point(|(known, _)| *known < slot)..];
        for (_, position) in waiting.iter().take_while(|(known, _)| *known == slot) {
            let position = *position as usize;
            let Some(entry) = self.entries.get(position) else { continue };
            let filtered = event.channel.is_none_or(|channel| entry.channels.contains(channel))
                && entry.devices.as_ref().is_none_or(|only| event.device.is_some_and(|id| only.contains(&id)));
            if !filtered {
                continue;
            }
            let found = match entry.trigger.matches(&event.gesture) {
                Match::No => continue,
                Match::Takes => Found::Takes,
                Match::Fires => Found::Fires,
            };
            if entry.when.as_ref().is_none_or(&mut *holds) {
                return Some(found(MappingId(self.first + position)));
            }
        }
        None
    }
}

/// The devices that are called `name`.
pub(super) fn devices(config: &Config, name: &str) -> Box<[DeviceId]> {
    let numbered = (0..=u16::MAX).zip(&config.devices);
    numbered.filter(|(_, device)| device.called() == name).map(|(number, _)| DeviceId(number)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::config::{Action, Environment};
    use crate::gesture::{Control, Controls, Direction, EncoderMode, EncoderStep, Gesture, TriggerSpec, ValueRange};
    use crate::midi::{Channel, Numbers};

    fn trigger() -> impl Strategy<Value = Trigger> {
        let small = 0..3u8;
        prop_oneof![
            (small.clone(), 1..4u8, 1..4u8).prop_map(|(note, velocity_min, velocity_max)| Trigger::Note {
                notes: [note, note + 1].into_iter().collect(),
                velocity_min,
                velocity_max
            }),
            (small.clone(), 1..4u8).prop_map(|(note, velocity_min)| Trigger::VelocityRange {
                notes: Numbers::only(note),
                soft_max: 1,
                medium_max: 2,
                velocity_min,
                velocity_max: 127
            }),
            (small.clone(), 1..3u32)
                .prop_map(|(note, duration_ms)| Trigger::LongPress { notes: Numbers::only(note), duration_ms }),
            (small.clone(), 1..3u32)
                .prop_map(|(note, timeout_ms)| Trigger::DoubleTap { notes: Numbers::only(note), timeout_ms }),
            (small.clone(), 1..3u32)
                .prop_map(|(note, timeout_ms)| Trigger::NoteChord { notes: vec![note, note + 1], timeout_ms }),
            (small.clone(), prop::option::of(direction())).prop_map(|(cc, direction)| Trigger::EncoderTurn {
                ccs: Numbers::only(cc),
                direction,
                mode: EncoderMode::Absolute,
                step: EncoderStep::Each,
                acceleration: 1
            }),
            (controls(), 0..3u16, 0..3u16, any::<bool>()).prop_map(|(controls, min, max, repeat)| Trigger::Control {
                controls,
                range: ValueRange { min, max, hysteresis: 1 },
                repeat
            }),
            small.prop_map(|program| Trigger::ProgramChange { programs: Numbers::only(program) }),
        ]
    }

    fn controls() -> impl Strategy<Value = Controls> {
        let numbers = || (0..3u8, 0..3u8).prop_map(|(from, to)| (from..=to).collect::<Numbers>());
        prop_oneof![
            numbers().prop_map(Controls::Cc),
            Just(Controls::Bend),
            prop::option::of(numbers()).prop_map(Controls::Pressure),
        ]
    }

    fn control() -> impl Strategy<Value = Control> {
        prop_oneof![
            (0..3u8).prop_map(Control::Cc),
            Just(Control::Bend),
            prop::option::of(0..3u8).prop_map(Control::Pressure),
        ]
    }

    fn direction() -> impl Strategy<Value = Direction> {
        prop_oneof![Just(Direction::Clockwise), Just(Direction::CounterClockwise)]
    }

    fn gesture() -> impl Strategy<Value = Gesture> {
        let small = 0..3u8;
        let velocity = 1;
        prop_oneof![
            (small.clone(), 1..5u8).prop_map(|(note, velocity)| Gesture::Press { note, velocity }),
            (small.clone(), 1..3u32).prop_map(move |(note, duration_ms)| Gesture::LongPress {
                note,
                velocity,
                duration_ms
            }),
            (small.clone(), 0..3_000u64).prop_map(move |(note, distance)| Gesture::DoubleTap {
                note,
                velocity,
                distance
            }),
            (small.clone(), 0..3_000u64).prop_map(move |(note, distance)| Gesture::Chord {
                notes: [note, note + 1].into(),
                velocity,
                distance
            }),
            (small.clone(), direction()).prop_map(|(cc, direction)| Gesture::Encoder {
                cc,
                direction,
                steps: 1,
                value: 1,
                since: None
            }),
            (control(), 0..4u16).prop_map(|(control, value)| Gesture::Control { control, value }),
            (control(), 0..4u16, 0..3u16, 0..3u16).prop_map(|(control, value, min, max)| Gesture::Crossing {
                control,
                value,
                range: ValueRange { min, max, hysteresis: 1 },
                inside: true
            }),
            small.prop_map(|program| Gesture::ProgramChange { program }),
        ]
    }

    fn mappings() -> impl Strategy<Value = Vec<Mapping>> {
        let device = prop::option::of(prop_oneof![Just("a".to_owned()), Just("b".to_owned())]);
        let channel = prop::option::of((1..3u8).prop_map(|number| Channel::new(number).expect("1 or 2")));
        let mapping = (trigger(), channel, device).prop_map(|(trigger, channel, device)| Mapping {
            trigger: TriggerSpec { trigger, channels: channel.map_or(Channels::ANY, Channels::only), device },
            action: Arc::new(Action::Delay(1.into())),
            release: None,
            when: None,
            pickup: None,
            description: None,
            line: 1,
        });
        prop::collection::vec(mapping, 0..24)
    }

    /// What the index must find: the first mapping of a list that matches, looked for one by one.
    fn first(config: &Config, list: &[Mapping], event: &GestureEvent) -> Option<(usize, Match)> {
        list.iter().enumerate().find_map(|(position, mapping)| {
            let spec = &mapping.trigger;
            let device = usize::from(event.device?.0);
            let filtered = spec.channels.contains(event.channel?)
                && spec.device.as_ref().is_none_or(|only| config.devices[device].name == *only);
            let found = spec.trigger.matches(&event.gesture);
            (filtered && found != Match::No).then_some((position, found))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_index_finds_what_a_search_one_by_one_finds(
            lists in (mappings(), mappings(), mappings()),
            events in prop::collection::vec((gesture(), 0..2u16, 1..3u8, 0..3usize), 1..40),
        ) {
            let text = "[[device]]\nname = \"a\"\n[[device]]\nname = \"b\"\n[[modes]]\nname = \"x\"\n[[modes]]\nname = \"y\"\n";
            let loaded = Config::from_text(text, "test", std::path::Path::new(""), &Environment::default());
            let mut config = loaded.expect("a good configuration").config;
            (config.modes[0].mappings, config.modes[1].mappings, config.global_mappings) = lists;
            let mapper = Mapper::new(&config);
            for (gesture, device, channel, mode) in events {
                let channel = Channel::new(channel).expect("1 or 2");
                let event = GestureEvent { t: 0, device: Some(DeviceId(device)), channel: Some(channel), gesture };
                let before: usize = config.modes.iter().take(mode).map(|mode| mode.mappings.len()).sum();
                let of_mode = config.modes.get(mode).and_then(|mode| first(&config, &mode.mappings, &event));
                let of_all = first(&config, &config.global_mappings, &event);
                let modes: usize = config.modes.iter().map(|mode| mode.mappings.len()).sum();
                let of_mode = of_mode.map(|(at, found)| (before + at, found));
                let expected = of_mode.or_else(|| of_all.map(|(at, found)| (modes + at, found)));
                let found = mapper.find(mode, &event, &mut |_| true).map(|found| match found {
                    Found::Fires(MappingId(number)) => (number, Match::Fires),
                    Found::Takes(MappingId(number)) => (number, Match::Takes),
                });
                prop_assert_eq!(found, expected);
            }
        }
    }
}
