//! What a press begins ends once, with the action it was pressed with, whatever happens in between.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use crate::session::{play, plays};

fn mapped(trigger: &str, rest: &str) -> String {
    format!("[[global_mappings]]\ntrigger = {{ {trigger} }}\n{rest}\n")
}

fn keys(name: &str) -> String {
    format!("{{ Keystroke = {{ keys = \"{name}\" }} }}")
}

#[test]
fn a_release_follows_each_trigger_that_can_be_held() {
    let both = format!("action = {}\nrelease = {}", keys("a"), keys("b"));
    for (trigger, input, expected) in [
        ("Note = { note = 36 }", "n36:9 t:5 r36", "0 keys a | 5 keys b"),
        ("Note = { note = 36 }", "n36:9 t:5 n36:0", "0 keys a | 5 keys b"),
        ("VelocityRange = { note = 36 }", "n36:9 t:5 r36", "0 keys a | 5 keys b"),
        ("LongPress = { note = 36, duration_ms = 10 }", "n36:9 t:15 r36", "10 keys a | 15 keys b"),
        ("LongPress = { note = 36, duration_ms = 10 }", "n36:9 t:5 r36 t:50", ""),
        ("NoteChord = { notes = [36, 38] }", "n36:9 n38:9 t:5 r38 t:5 r36", "0 keys a | 5 keys b"),
        ("CC = { cc = 64, value_min = 64 }", "c64=70 t:5 c64=127 t:5 c64=63 t:5 c64=62", "0 keys a | 15 keys b"),
        ("PitchBend = { value_min = 12000 }", "b=13000 t:5 b=11900 t:5 b=8192", "0 keys a | 10 keys b"),
        ("Aftertouch = { pressure_min = 90, pressure_max = 100 }", "p=95 t:5 p=127", "0 keys a | 5 keys b"),
        ("CC = { cc = 64, value_min = 64, repeat = true }", "c64=70 c64=71 c64=0", "0 keys a | 0 keys a | 0 keys b"),
    ] {
        plays(&mapped(trigger, &both), input, expected);
    }
}

#[test]
fn a_pedal_that_flickers_around_its_threshold_fires_once() {
    let pedal = mapped("CC = { cc = 64, value_min = 64 }", &format!("action = {}", keys("a")));
    plays(&pedal, "c64=20 c64=63 c64=64 c64=63 c64=64 c64=63 c64=90 t:5 c64=10 c64=64", "0 keys a | 5 keys a");
    let wide = mapped("CC = { cc = 64, value_min = 64, hysteresis = 30 }", &format!("action = {}", keys("a")));
    plays(&wide, "c64=64 c64=40 c64=64 t:5 c64=34 c64=64", "0 keys a | 5 keys a");
    // The end of the scale is far enough, however near it is.
    let low = mapped("CC = { cc = 64, value_min = 1 }", &format!("action = {}", keys("a")));
    plays(&low, "c64=1 c64=0 c64=1", "0 keys a | 0 keys a");
}

#[test]
fn zones_of_one_fader_fire_each_for_itself_and_a_wide_mapping_behind_has_the_rest() {
    let zone = |from, to, key| {
        mapped(&format!("CC = {{ cc = 7, value_min = {from}, value_max = {to} }}"), &format!("action = {}", keys(key)))
    };
    let all = mapped("CC = { cc = 7 }", &format!("action = {}", keys("z")));
    let text = zone(0, 60, "a") + &zone(50, 100, "b") + &all;
    plays(&text, "c7=30 c7=55 c7=80 c7=30 c7=120 c7=121", "0 keys a | 0 keys b | 0 keys a | 0 keys z | 0 keys z");
}

#[test]
fn keys_go_up_in_the_other_order_and_before_the_action_of_the_release() {
    let text = mapped(
        "Note = { note = 36 }",
        "action = { Sequence = { actions = [{ Keystroke = { keys = \"a\", hold = true } }, \
         { MouseClick = { button = \"Left\", hold = true } }, \
         { SendMidi = { port = \"Synth\", message_type = \"NoteOn\", channel = 2, note = 60, hold = true } }] } }\n\
         release = { Text = { text = \"x\" } }",
    );
    plays(
        &text,
        "n36:9 t:7 r36",
        "0 keys down a | 0 click left down | 0 midi Synth: note on ch 2 60:100 | \
         7 midi Synth: note off ch 2 60:0 | 7 click left up | 7 keys up a | 7 type: x",
    );
}

#[test]
fn what_a_delay_would_press_after_the_release_is_not_pressed() {
    let text = mapped(
        "Note = { note = 36 }",
        "action = { Sequence = { actions = [{ Delay = { ms = 100 } }, { Keystroke = { keys = \"a\", hold = true } }, \
         { Text = { text = \"x\" } }] } }",
    );
    plays(&text, "n36:9 t:50 r36 t:200", "100 type: x");
    plays(&text, "n36:9 t:150 r36 t:200", "100 keys down a | 100 type: x | 150 keys up a");
}

const SHIFT: &str = "[[modes]]\nname = \"One\"\n[[modes]]\nname = \"Two\"\n[[modes]]\nname = \"Three\"\n\
    [[global_mappings]]\ntrigger = { Note = { note = 36 } }\naction = { ModeChange = { mode = \"Two\", while_held = true } }\n\
    [[global_mappings]]\ntrigger = { Note = { note = 37 } }\naction = { ModeChange = { mode = \"Three\" } }\n\
    [[global_mappings]]\ntrigger = { Note = { note = 38 } }\naction = { ModeChange = { mode = \"Last\" } }\n\
    [[global_mappings]]\ntrigger = { Note = { note = 39 } }\naction = { ModeChange = { mode = \"Next\" } }\n\
    [[global_mappings]]\ntrigger = { Note = { note = 40 } }\naction = { ModeChange = { mode = \"Previous\" } }\n";

#[test]
fn a_shift_layer_ends_with_the_pad_unless_another_change_came_between() {
    plays(SHIFT, "n36:9 t:5 r36", "0 mode Two | 5 mode One");
    plays(SHIFT, "n36:9 t:5 n37:9 t:5 r36", "0 mode Two | 5 mode Three");
    plays(SHIFT, "n37:9 t:5 n36:9 t:5 r36", "0 mode Three | 5 mode Two | 10 mode Three");
    plays(SHIFT, "n36:9", "0 mode Two | 0 mode One");
}

#[test]
fn words_for_modes_go_round_and_back() {
    plays(SHIFT, "n39:9 n39:9 n39:9", "0 mode Two | 0 mode Three | 0 mode One");
    plays(SHIFT, "n40:9 n40:9", "0 mode Three | 0 mode Two");
    plays(SHIFT, "n37:9 n38:9 n38:9", "0 mode Three | 0 mode One | 0 mode Three");
    let named = SHIFT.replace("\"Three\"", "\"Next\"");
    plays(&named, "n39:9 n39:9", "0 mode Next | 0 mode Next");
}

#[test]
fn the_release_is_that_of_the_press_whatever_mode_it_comes_in() {
    let text = format!(
        "[[modes]]\nname = \"One\"\n[[modes.mappings]]\ntrigger = {{ Note = {{ note = 50 }} }}\naction = {}\nrelease = {}\n\
         [[modes]]\nname = \"Two\"\n[[modes.mappings]]\ntrigger = {{ Note = {{ note = 50 }} }}\naction = {}\nrelease = {}\n{}",
        keys("a"),
        keys("b"),
        keys("c"),
        keys("d"),
        SHIFT
            .split_once("[[global")
            .map(|(_, rest)| format!("[[global{rest}"))
            .expect("the mappings")
            .replace("Three", "One"),
    );
    plays(&text, "n50:9 n39:9 t:5 r50 n50:9 r50", "0 keys a | 0 mode Two | 5 keys b | 5 keys c | 5 keys d");
}

#[test]
fn a_device_that_goes_and_a_session_that_ends_let_go() {
    let text = mapped("Note = { note = 36 }", "action = { Keystroke = { keys = \"a\", hold = true } }");
    plays(&text, "n36:9 t:5 lost t:5 r36", "0 keys down a | 5 keys up a");
    plays(&text, "n36:9 t:5", "0 keys down a | 5 keys up a");
    plays(&text, "n36:9 t:5 reset", "0 keys down a | 5 keys up a");
    plays(&text, "n36:9 t:5 c123=0", "0 keys down a | 5 keys up a");
    plays(&text, "n36:9 t:5 n36:9 t:5 r36", "0 keys down a | 5 keys up a | 5 keys down a | 10 keys up a");
    let pedal = mapped("CC = { cc = 64, value_min = 64 }", "action = { Keystroke = { keys = \"a\", hold = true } }");
    plays(&pedal, "c64=127 t:5 lost t:5 c64=127", "0 keys down a | 5 keys up a | 10 keys down a | 10 keys up a");
}

#[test]
fn a_trigger_of_its_own_waits_for_the_note_off() {
    let text = mapped("NoteOff = { note = \"36-37\" }", &format!("action = {}", keys("a")));
    plays(&text, "n36:9 t:5 r36 r37 r38", "5 keys a | 5 keys a");
}

/// Mappings of three notes, a pedal and a chord, each with something that is held, in two modes.
fn surface() -> String {
    let mut text = String::new();
    for (mode, keys) in [("One", ["a", "b", "c", "d", "e"]), ("Two", ["f", "g", "h", "i", "j"])] {
        let _ = write!(text, "[[modes]]\nname = \"{mode}\"\n");
        for (trigger, key) in [
            "Note = { note = 36 }",
            "NoteChord = { notes = [36, 37] }",
            "CC = { cc = 64, value_min = 64 }",
            "LongPress = { note = 37, duration_ms = 40 }",
            "CC = { cc = 7, value_min = 20, value_max = 100, repeat = true }",
        ]
        .iter()
        .zip(keys)
        {
            let _ = write!(
                text,
                "[[modes.mappings]]\ntrigger = {{ {trigger} }}\naction = {{ Keystroke = {{ keys = \"{key}\", hold = true }} }}\n\
                 release = {{ Text = {{ text = \"{key}\" }} }}\n"
            );
        }
        for (note, mode) in [(40, "One"), (41, "Two")] {
            let _ = write!(
                text,
                "[[modes.mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ ModeChange = {{ mode = \"{mode}\" }} }}\n"
            );
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_between_each_key_goes_up_once_and_its_release_runs_once(
        words in prop::collection::vec(
            prop_oneof![
                6 => (36..38_u8, 0..2_u8).prop_map(|(note, down)| format!("n{note}:{down}")),
                2 => (36..38_u8).prop_map(|note| format!("r{note}")),
                2 => (40..42_u8).prop_map(|note| format!("n{note}:9")),
                3 => (0..128_u8).prop_map(|value| format!("c64={value}")),
                3 => (0..128_u8).prop_map(|value| format!("c7={value}")),
                3 => (1..60_u8).prop_map(|ms| format!("t:{ms}")),
                1 => Just("lost".to_owned()),
                1 => Just("reset".to_owned()),
                1 => Just("c123=0".to_owned()),
                1 => (1..3_u8).prop_map(|channel| format!("ch:{channel}")),
            ],
            0..60,
        ),
    ) {
        let lines = play(&surface(), &words.join(" "));
        // Two channels press the same keys: downs are counted, and each is let go once.
        let mut down: BTreeMap<String, i32> = BTreeMap::new();
        let mut owed: BTreeMap<String, i32> = BTreeMap::new();
        for line in &lines {
            let what = line.split_once(' ').map_or("", |(_, what)| what);
            if let Some(key) = what.strip_prefix("keys down ") {
                *down.entry(key.to_owned()).or_default() += 1;
                *owed.entry(key.to_owned()).or_default() += 1;
            } else if let Some(key) = what.strip_prefix("keys up ") {
                let times = down.entry(key.to_owned()).or_default();
                *times -= 1;
                prop_assert!(*times >= 0, "{key} went up without having been down: {lines:?}");
            } else if let Some(key) = what.strip_prefix("type: ") {
                let times = owed.entry(key.to_owned()).or_default();
                *times -= 1;
                prop_assert!(*times >= 0, "{key} was released twice: {lines:?}");
            }
        }
        prop_assert!(down.values().all(|times| *times == 0), "left down: {down:?} {lines:?}");
        prop_assert!(owed.values().all(|times| *times == 0), "never released: {owed:?} {lines:?}");
    }
}
