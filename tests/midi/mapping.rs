//! Which mapping a gesture sets off: modes before globals, first match first, filters by channel and device.

use std::path::Path;

use conductor::internals::config::{Config, Environment, MappingId};
use conductor::internals::gesture::{Control, DeviceId, Direction, Gesture, GestureEvent};
use conductor::internals::mapping::{Found, Mapper};
use conductor::internals::midi::Channel;

const CONFIG: &str = r#"
[[device]]
name = "keys"
[[device]]
name = "pads"

[[modes]]
name = "Default"
[[modes.mappings]]
description = "hard"
trigger = { Note = { note = 36, velocity_min = 100 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "soft"
trigger = { Note = { note = 36, velocity_max = 40 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "ranged"
trigger = { VelocityRange = { note = 37 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "never reached"
trigger = { Note = { note = 37 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "pads only"
trigger = { Note = { note = 38, device = "pads" } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "channel ten"
trigger = { Note = { note = 38, channel = 10 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "tap"
trigger = { DoubleTap = { note = 36, timeout_ms = 200 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "hold"
trigger = { LongPress = { note = 36, duration_ms = 500 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "longer"
trigger = { LongPress = { note = 36, duration_ms = 900 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "chord"
trigger = { NoteChord = { notes = [43, 36, 40] } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "up"
trigger = { EncoderTurn = { cc = 16, direction = "Clockwise" } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "either way"
trigger = { EncoderTurn = { cc = 16 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "one key's pressure"
trigger = { Aftertouch = { note = 50, pressure_min = 10 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "any pressure"
trigger = { Aftertouch = { pressure_min = 64 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "bent up"
trigger = { PitchBend = { value_min = 8193 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "fader low"
trigger = { CC = { cc = 7, value_max = 63 } }
action = { Delay = { ms = 1 } }
[[modes.mappings]]
description = "program five"
trigger = { ProgramChange = { program = 5 } }
action = { Delay = { ms = 1 } }

[[modes]]
name = "Other"
[[modes.mappings]]
description = "other"
trigger = { Note = { note = 36 } }
action = { Delay = { ms = 1 } }

[[global_mappings]]
description = "global"
trigger = { Note = { note = 36 } }
action = { Delay = { ms = 1 } }
[[global_mappings]]
description = "global 90"
trigger = { Note = { note = 90 } }
action = { Delay = { ms = 1 } }
"#;

struct Player {
    config: Config,
    mapper: Mapper,
}

impl Player {
    fn new() -> Self {
        let loaded = Config::from_text(CONFIG, "test", Path::new(""), &Environment::default())
            .unwrap_or_else(|invalid| panic!("{invalid}"));
        Self { mapper: Mapper::new(&loaded.config), config: loaded.config }
    }
    /// The description of what takes `gesture`.
    fn from(&self, mode: usize, device: u16, channel: u8, gesture: Gesture) -> Option<&str> {
        let channel = Channel::new(channel).expect("1–16");
        let event = GestureEvent { t: 0, device: Some(DeviceId(device)), channel: Some(channel), gesture };
        let (Found::Fires(mapping) | Found::Takes(mapping)) = self.mapper.find(mode, &event, &mut |_| true)?;
        self.config.mapping(mapping).expect("a mapping of that number").description.as_deref()
    }
    fn plays(&self, gesture: Gesture) -> Option<&str> {
        self.from(0, 0, 1, gesture)
    }
}

fn press(note: u8, velocity: u8) -> Gesture {
    Gesture::Press { note, velocity }
}

#[test]
fn the_mode_comes_before_the_global_mappings() {
    let player = Player::new();
    assert_eq!(player.from(1, 0, 1, press(36, 64)), Some("other"));
    // In the first mode neither band takes 64, so the global mapping does.
    assert_eq!(player.from(0, 0, 1, press(36, 64)), Some("global"));
    assert_eq!(player.from(0, 0, 1, press(90, 1)), Some("global 90"));
    assert_eq!(player.from(1, 0, 1, press(90, 1)), Some("global 90"));
    assert_eq!(player.from(9, 0, 1, press(90, 1)), Some("global 90"), "a mode that does not exist has the global ones");
    assert_eq!(player.from(0, 0, 1, press(91, 1)), None);
}

#[test]
fn the_first_mapping_that_matches_is_taken() {
    let player = Player::new();
    assert_eq!(player.plays(press(36, 100)), Some("hard"));
    assert_eq!(player.plays(press(36, 40)), Some("soft"));
    assert_eq!(player.plays(press(37, 1)), Some("ranged"));
    assert_eq!(player.plays(press(37, 127)), Some("ranged"));
    let turn = |direction| Gesture::Encoder { cc: 16, direction, steps: 1, value: 1, since: None };
    assert_eq!(player.plays(turn(Direction::Clockwise)), Some("up"));
    assert_eq!(player.plays(turn(Direction::CounterClockwise)), Some("either way"));
}

#[test]
fn channel_and_device_filter() {
    let player = Player::new();
    assert_eq!(player.from(0, 1, 1, press(38, 9)), Some("pads only"));
    assert_eq!(player.from(0, 0, 10, press(38, 9)), Some("channel ten"));
    assert_eq!(player.from(0, 1, 10, press(38, 9)), Some("pads only"));
    assert_eq!(player.from(0, 0, 1, press(38, 9)), None);
}

#[test]
fn times_are_held_against_each_trigger() {
    let player = Player::new();
    let tap = |distance| Gesture::DoubleTap { note: 36, velocity: 1, distance };
    assert_eq!(player.plays(tap(200_000)), Some("tap"));
    assert_eq!(player.plays(tap(200_001)), None);
    let hold = |duration_ms| Gesture::LongPress { note: 36, velocity: 1, duration_ms };
    assert_eq!(player.plays(hold(500)), Some("hold"));
    assert_eq!(player.plays(hold(900)), Some("longer"));
    assert_eq!(player.plays(hold(700)), None);
    let chord = |notes: &[u8], distance| Gesture::Chord { notes: notes.into(), velocity: 1, distance };
    assert_eq!(player.plays(chord(&[36, 40, 43], 50_000)), Some("chord"));
    assert_eq!(player.plays(chord(&[36, 40, 43], 50_001)), None);
    assert_eq!(player.plays(chord(&[36, 40], 0)), None);
}

#[test]
fn ranges_include_both_ends() {
    let player = Player::new();
    for (note, pressure, expected) in [
        (Some(50), 9, None),
        (Some(50), 10, Some("one key's pressure")),
        (Some(51), 63, None),
        (Some(51), 64, Some("any pressure")),
        (None, 64, Some("any pressure")),
    ] {
        assert_eq!(
            player.plays(Gesture::Control { control: Control::Pressure(note), value: pressure }),
            expected,
            "{note:?} {pressure}"
        );
    }
    assert_eq!(player.plays(Gesture::Control { control: Control::Bend, value: 8192 }), None);
    assert_eq!(player.plays(Gesture::Control { control: Control::Bend, value: 16_383 }), Some("bent up"));
    assert_eq!(player.plays(Gesture::Control { control: Control::Cc(7), value: 63 }), Some("fader low"));
    assert_eq!(player.plays(Gesture::Control { control: Control::Cc(7), value: 64 }), None);
    assert_eq!(player.plays(Gesture::ProgramChange { program: 5 }), Some("program five"));
    assert_eq!(player.plays(Gesture::ProgramChange { program: 6 }), None);
}

#[test]
fn every_number_leads_back_to_its_mapping() {
    let player = Player::new();
    let all: Vec<_> = player.config.mappings().collect();
    for (number, mapping) in all.iter().enumerate() {
        assert!(std::ptr::eq(*mapping, player.config.mapping(MappingId(number)).expect("a mapping")));
    }
    assert!(player.config.mapping(MappingId(all.len())).is_none());
}
