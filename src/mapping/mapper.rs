//! The index from gestures to mappings.

use super::index::Index;
use crate::config::{Condition, Config, Mapping, MappingId};
use crate::gesture::{GestureEvent, Match, Slot, Trigger};

/// Finds the mapping a gesture sets off. Made once for a configuration; a lookup allocates nothing and compares only the
/// mappings of that note, controller or program.
#[derive(Debug, Clone)]
pub struct Mapper {
    modes: Vec<List>,
    global: List,
    hooks: List,
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
struct List {
    index: Index<Slot>,
    /// Number of the first.
    first: usize,
}

impl Mapper {
    /// The index of `config`.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut number = 0;
        let mut list = |mappings: &[Mapping]| {
            let first = number;
            number += mappings.len();
            List { index: Index::new(config, mappings, Trigger::slots), first }
        };
        let modes = config.modes.iter().map(|mode| list(&mode.mappings)).collect();
        let global = list(&config.global_mappings);
        Self { modes, global, hooks: list(&config.hooks) }
    }

    /// What becomes of `event` in `mode`; nothing where no mapping waits for it. An unknown mode has only the global mappings.
    /// Conditions of mappings are asked of `holds` when a mapping would have the event otherwise.
    #[must_use]
    pub fn find(&self, mode: usize, event: &GestureEvent, holds: &mut dyn FnMut(&Condition) -> bool) -> Option<Found> {
        let slot = event.gesture.slot();
        let of_mode = self.modes.get(mode).and_then(|list| list.find(slot, event, holds));
        of_mode.or_else(|| self.global.find(slot, event, holds)).or_else(|| self.hooks.find(slot, event, holds))
    }
}

impl List {
    fn find(&self, slot: Slot, event: &GestureEvent, holds: &mut dyn FnMut(&Condition) -> bool) -> Option<Found> {
        self.index.of(slot, event.device, event.channel).find_map(|(position, entry)| {
            let found = match entry.trigger.matches(&event.gesture) {
                Match::No => return None,
                Match::Takes => Found::Takes,
                Match::Fires => Found::Fires,
            };
            entry.is_on(holds).then(|| found(MappingId(self.first + position)))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::config::{Action, Environment};
    use crate::gesture::{
        Control, Controls, DeviceId, Direction, EncoderMode, EncoderStep, Gesture, TriggerSpec, ValueRange,
    };
    use crate::midi::{Channel, Channels, Numbers};

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
