//! What is read and may not be meant is told, with what to write instead.

use super::schema::{ACTION, TRIGGER, good, mapped, pressed, problems, read};
use conductor::internals::config::{Action, Config, Problem};

#[test]
fn two_ways_to_read_one_encoder_are_told() {
    let text = |second: &str| {
        let encoder = |fields: &str| {
            format!("[[global_mappings]]\ntrigger = {{ EncoderTurn = {{ cc = 1, {fields} }} }}\naction = {ACTION}\n")
        };
        let loaded = read(&[encoder("mode = \"SignMagnitude\", channel = 1"), encoder(second)].concat());
        let warnings = loaded.unwrap_or_else(|invalid| panic!("\n{invalid}")).warnings;
        warnings.into_iter().map(|warning| warning.problem).collect::<Vec<_>>()
    };
    assert_eq!(text("direction = \"Clockwise\""), [Problem::EncoderModes { cc: 1, line: 2 }]);
    assert_eq!(text("channel = 2"), [], "another channel is another encoder");
    assert_eq!(text("mode = \"SignMagnitude\""), []);
}

#[test]
fn a_mapping_that_never_fires_is_told_and_kept() {
    let two = |first: &str, second: &str| {
        let text = format!(
            "[[device]]\nname = \"pads\"\n[[global_mappings]]\ntrigger = {first}\naction = {ACTION}\n[[global_mappings]]\ntrigger = {second}\naction = {ACTION}\n"
        );
        let loaded = read(&text).unwrap_or_else(|invalid| panic!("\n{invalid}"));
        assert_eq!(loaded.config.global_mappings.len(), 2);
        loaded.warnings.into_iter().map(|warning| warning.problem).collect::<Vec<_>>()
    };
    for (first, second) in [
        ("{ Note = { note = 1 } }", "{ Note = { note = 1, velocity_min = 9 } }"),
        ("{ Note = { note = 1 } }", "{ VelocityRange = { note = 1, channel = 1 } }"),
        ("{ LongPress = { note = 1 } }", "{ LongPress = { note = 1, device = \"pads\" } }"),
        ("{ DoubleTap = { note = 1, timeout_ms = 9 } }", "{ DoubleTap = { note = 1, timeout_ms = 8 } }"),
        ("{ NoteChord = { notes = [1, 2] } }", "{ NoteChord = { notes = [2, 1] } }"),
        ("{ EncoderTurn = { cc = 1 } }", "{ EncoderTurn = { cc = 1, direction = \"Clockwise\" } }"),
        ("{ Aftertouch = {} }", "{ Aftertouch = { note = 1 } }"),
        ("{ PitchBend = {} }", "{ PitchBend = { value_min = 1 } }"),
        ("{ CC = { cc = 1 } }", "{ CC = { cc = 1, value_max = 1 } }"),
        ("{ ProgramChange = { program = 1 } }", "{ ProgramChange = { program = 1 } }"),
    ] {
        assert_eq!(two(first, second), [Problem::Shadowed { by: 3 }], "{first} before {second}");
    }
    for (first, second) in [
        ("{ Note = { note = 1, velocity_min = 9 } }", "{ Note = { note = 1 } }"),
        ("{ Note = { note = 1, channel = 1 } }", "{ Note = { note = 1 } }"),
        ("{ Note = { note = 1, channel = 1 } }", "{ Note = { note = 1, channel = 2 } }"),
        ("{ Note = { note = 1, device = \"pads\" } }", "{ Note = { note = 1 } }"),
        ("{ LongPress = { note = 1, duration_ms = 5 } }", "{ LongPress = { note = 1, duration_ms = 6 } }"),
        ("{ DoubleTap = { note = 1, timeout_ms = 8 } }", "{ DoubleTap = { note = 1, timeout_ms = 9 } }"),
        ("{ EncoderTurn = { cc = 1 } }", "{ CC = { cc = 1 } }"),
    ] {
        assert_eq!(two(first, second), [], "{first} before {second}");
    }
}

#[track_caller]
fn warned(text: &str) -> (Config, Vec<Problem>) {
    let loaded = read(text).unwrap_or_else(|invalid| panic!("\n{invalid}\nin:\n{text}"));
    (loaded.config, loaded.warnings.into_iter().map(|warning| warning.problem).collect())
}

#[test]
fn the_key_fn_is_left_out_with_a_warning() {
    let of = |fields: &str| warned(&mapped(TRIGGER, &format!("{{ Keystroke = {{ {fields} }} }}")));
    for name in ["fn", "Fn", "FN", "function", "globe"] {
        let (config, warnings) = of(&format!("keys = \"f5\", modifiers = [\"{name}\", \"ctrl\"]"));
        assert_eq!(warnings, [Problem::FnKey { alone: false }], "{name}");
        assert_eq!(pressed(&config), ["ctrl", "f5"]);
        // With nothing left the mapping does nothing, but still keeps its trigger from firing another.
        let (config, warnings) = of(&format!("keys = \"{name}\", modifiers = []"));
        assert_eq!(warnings, [Problem::FnKey { alone: true }], "{name}");
        assert_eq!(*config.modes[0].mappings[0].action, Action::Sequence(Vec::new()));
    }
    let two = "{ Sequence = { actions = [{ Keystroke = { keys = \"fn\" } }, { Text = { text = \"a\" } }] } }";
    let (config, _) = warned(&mapped(TRIGGER, two));
    let Action::Sequence(parts) = &*config.modes[0].mappings[0].action else { panic!("{config:?}") };
    assert_eq!(parts.last(), Some(&Action::Text("a".to_owned().into())), "the rest of a sequence is done");
}

#[test]
fn a_range_in_which_no_press_lies_is_warned_of() {
    for trigger in ["Note", "VelocityRange"] {
        for range in ["velocity_max = 0", "max_velocity = 0", "velocity_min = 0, velocity_max = 0"] {
            let (_, warnings) = warned(&mapped(&format!("{{ {trigger} = {{ note = 60, {range} }} }}"), ACTION));
            assert!(matches!(&warnings[..], [Problem::NeverFires { .. }]), "{trigger} {range}: {warnings:?}");
        }
        good(&mapped(&format!("{{ {trigger} = {{ note = 60, velocity_max = 1 }} }}"), ACTION));
        good(&mapped(&format!("{{ {trigger} = {{ note = 60, velocity_min = 0 }} }}"), ACTION));
        let inverted = problems(&mapped(
            &format!("{{ {trigger} = {{ note = 60, velocity_min = 5, velocity_max = 0 }} }}"),
            ACTION,
        ));
        assert!(matches!(&inverted[..], [Problem::Inverted { .. }]), "{inverted:?}");
    }
}
