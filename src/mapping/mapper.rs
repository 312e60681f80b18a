//! The index from gestures to mappings.

use crate::config::{Config, Mapping};
use crate::gesture::{DeviceId, GestureEvent, Slot, Trigger};
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
    slot: Slot,
    /// Position in `Config::mappings`.
    number: usize,
    channel: Option<Channel>,
    /// Those that are called as the trigger says: two of one name may be, and either will do.
    devices: Option<Box<[DeviceId]>>,
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
        let slot = event.gesture.slot();
        self.modes.get(mode).and_then(|index| index.find(slot, event)).or_else(|| self.global.find(slot, event))
    }
}

impl Index {
    fn new(config: &Config, mappings: &[Mapping], first: usize) -> Self {
        let entries = mappings.iter().enumerate().map(|(position, mapping)| {
            // A device the configuration does not define never sends anything; the loader refuses such a name.
            let devices = mapping.trigger.device.as_ref().map(|name| devices(config, name));
            Entry {
                slot: mapping.trigger.trigger.slot(),
                number: first + position,
                channel: mapping.trigger.channel,
                devices,
                trigger: mapping.trigger.trigger.clone(),
            }
        });
        let mut entries: Box<[Entry]> = entries.collect();
        entries.sort_by_key(|entry| (entry.slot, entry.number));
        Self(entries)
    }

    fn find(&self, slot: Slot, event: &GestureEvent) -> Option<usize> {
        // Never beyond the end: a partition point is at most the length.
        self.0[self.0.partition_point(|entry| entry.slot < slot)..]
            .iter()
            .take_while(|entry| entry.slot == slot)
            .find(|entry| {
                entry.channel.is_none_or(|only| only == event.channel)
                    && entry.devices.as_ref().is_none_or(|only| only.contains(&event.device))
                    && entry.trigger.matches(&event.gesture)
            })
            .map(|entry| entry.number)
    }
}

fn devices(config: &Config, name: &str) -> Box<[DeviceId]> {
    let numbered = (0..=u16::MAX).zip(&config.devices);
    numbered.filter(|(_, device)| device.called() == name).map(|(number, _)| DeviceId(number)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::config::{Action, Environment};
    use crate::gesture::{Direction, EncoderMode, Gesture, TriggerSpec};

    fn trigger() -> impl Strategy<Value = Trigger> {
        let small = 0..3u8;
        prop_oneof![
            (small.clone(), 1..4u8, 1..4u8).prop_map(|(note, velocity_min, velocity_max)| Trigger::Note {
                note,
                velocity_min,
                velocity_max
            }),
            (small.clone(), 1..4u8).prop_map(|(note, velocity_min)| Trigger::VelocityRange {
                note,
                soft_max: 1,
                medium_max: 2,
                velocity_min,
                velocity_max: 127
            }),
            (small.clone(), 1..3u32).prop_map(|(note, duration_ms)| Trigger::LongPress { note, duration_ms }),
            (small.clone(), 1..3u32).prop_map(|(note, timeout_ms)| Trigger::DoubleTap { note, timeout_ms }),
            (small.clone(), 1..3u32)
                .prop_map(|(note, timeout_ms)| Trigger::NoteChord { notes: vec![note, note + 1], timeout_ms }),
            (small.clone(), prop::option::of(direction())).prop_map(|(cc, direction)| Trigger::EncoderTurn {
                cc,
                direction,
                mode: EncoderMode::Absolute
            }),
            (prop::option::of(small.clone()), small.clone())
                .prop_map(|(note, pressure_min)| Trigger::Aftertouch { note, pressure_min }),
            (0..3u16, 0..3u16).prop_map(|(value_min, value_max)| Trigger::PitchBend { value_min, value_max }),
            (small.clone(), small.clone(), small.clone()).prop_map(|(cc, value_min, value_max)| Trigger::Cc {
                cc,
                value_min,
                value_max
            }),
            small.prop_map(|program| Trigger::ProgramChange { program }),
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
                value: 1
            }),
            (prop::option::of(small.clone()), small.clone())
                .prop_map(|(note, pressure)| Gesture::Aftertouch { note, pressure }),
            (0..4u16).prop_map(|value| Gesture::PitchBend { value }),
            (small.clone(), small.clone()).prop_map(|(cc, value)| Gesture::Cc { cc, value }),
            small.prop_map(|program| Gesture::ProgramChange { program }),
        ]
    }

    fn mappings() -> impl Strategy<Value = Vec<Mapping>> {
        let device = prop::option::of(prop_oneof![Just("a".to_owned()), Just("b".to_owned())]);
        let channel = prop::option::of((1..3u8).prop_map(|number| Channel::new(number).expect("1 or 2")));
        let mapping = (trigger(), channel, device).prop_map(|(trigger, channel, device)| Mapping {
            trigger: TriggerSpec { trigger, channel, device },
            action: Arc::new(Action::Delay(1)),
            description: None,
            line: 1,
        });
        prop::collection::vec(mapping, 0..24)
    }

    /// What the index must find: the first mapping of a list that matches, looked for one by one.
    fn first(config: &Config, list: &[Mapping], event: &GestureEvent) -> Option<usize> {
        list.iter().position(|mapping| {
            let spec = &mapping.trigger;
            let device = usize::from(event.device.0);
            spec.channel.is_none_or(|only| only == event.channel)
                && spec.device.as_ref().is_none_or(|only| config.devices[device].name == *only)
                && spec.trigger.matches(&event.gesture)
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
                let event = GestureEvent { t: 0, device: DeviceId(device), channel, gesture };
                let before: usize = config.modes.iter().take(mode).map(|mode| mode.mappings.len()).sum();
                let of_mode = config.modes.get(mode).and_then(|mode| first(&config, &mode.mappings, &event));
                let of_all = first(&config, &config.global_mappings, &event);
                let modes: usize = config.modes.iter().map(|mode| mode.mappings.len()).sum();
                let expected = of_mode.map(|at| before + at).or_else(|| of_all.map(|at| modes + at));
                prop_assert_eq!(mapper.find(mode, &event), expected);
            }
        }
    }
}
