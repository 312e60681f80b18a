//! Numbers of an event in actions: what the documentation shows does what it says, and every number stays where it belongs.

use conductor::internals::action::Task;
use conductor::internals::config::{Config, Curve, Environment, Number, NumberSource, Scaling, ValueOf};
use conductor::internals::effect::Effect;
use conductor::internals::gesture::{Control, DeviceId, EventNumber, Gesture, GestureEvent};
use conductor::internals::mapping::{Given, number_of, value_at, whole};
use conductor::internals::midi::{Channel, Message};
use conductor::internals::run::{Session, SessionEvent};
use conductor::internals::state::StateTable;
use proptest::prelude::*;
use std::path::Path;

use crate::session::{config, play, plays};
use crate::support::conditions::Still;

/// The blocks of the documentation's section, in its order.
fn documented() -> Vec<String> {
    let page = std::fs::read_to_string(crate::support::repository("docs/configuration.md")).expect("the page");
    let (_, section) = page.split_once("### Values\n").expect("the section");
    let (section, _) = section.split_once("\n### ").expect("its end");
    section.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_the_page_shows_does_what_it_says() {
    let blocks = documented();
    let plays_of = [
        ("c7=0 c7=64 c7=127", "0 volume set 0% | 0 volume set 90% | 0 volume set 100%"),
        (
            "ch:3 c1=0 c1=127 c1=64",
            "0 midi Synth: cc ch 3 74:20 | 0 midi Synth: cc ch 3 74:100 | 0 midi Synth: cc ch 3 74:60",
        ),
        ("n36:90 t:5 r36", "0 midi Synth: note on ch 1 48:90 | 5 midi Synth: note off ch 1 48:0"),
        (
            "n60:127 r60 n60:64 r60 n60:1 r60",
            "0 midi Synth: note on ch 1 60:127 | 0 midi Synth: note off ch 1 60:64 | 0 midi Synth: note on ch 1 60:13 | \
             0 midi Synth: note off ch 1 60:64 | 0 midi Synth: note on ch 1 60:1 | 0 midi Synth: note off ch 1 60:64",
        ),
        ("b=0 b=16383 b=8192", "0 midi Synth: cc ch 1 1:127 | 0 midi Synth: cc ch 1 1:0 | 0 midi Synth: cc ch 1 1:63"),
        ("n60:7 n72:1", "0 type: note 60 at 7, {value} {}"),
        ("c20=127", "0 shell: light --set $((CONDUCTOR_VALUE * 100 / 127))"),
        (
            "c7=0 c7=127 c7=1",
            r#"0 call obs {"action":"volume","db":-60,"input":"Mic","raw":0} | 0 call obs {"action":"volume","db":0,"input":"Mic","raw":127} | 0 call obs {"action":"volume","db":-59.52755905511811,"input":"Mic","raw":1}"#,
        ),
    ];
    assert_eq!(blocks.len(), plays_of.len());
    for (block, (input, expected)) in blocks.iter().zip(plays_of) {
        plays(block, input, expected);
    }
}

/// The tasks of what `text` does with `messages`.
fn tasks(text: &str, messages: &[Message]) -> Vec<Task> {
    let mut session = Session::new(config(text));
    let mut tasks = Vec::new();
    for message in messages {
        session.feed(0, DeviceId(0), message, &Still::default(), &mut |event| {
            if let SessionEvent::Step { step, .. } = event {
                tasks.push(step.task);
            }
        });
    }
    tasks
}

#[test]
fn a_program_finds_the_numbers_of_its_event_and_no_others() {
    let text = "[[global_mappings]]\ntrigger = { Aftertouch = {} }\naction = { Launch = { app = \"x\" } }\n";
    let channel = Channel::new(16).expect("a channel");
    let made = tasks(
        text,
        &[Message::ChannelPressure { channel, pressure: 5 }, Message::PolyPressure { channel, note: 0, pressure: 127 }],
    );
    let set: Vec<Vec<String>> = made
        .iter()
        .map(|task| {
            let Task::Effect(Effect::Launch(command)) = task else { panic!("{task:?}") };
            command.variables.iter().filter_map(|(name, number)| Some(format!("{name}={}", number?))).collect()
        })
        .collect();
    assert_eq!(
        set,
        [
            vec!["CONDUCTOR_VALUE=5", "CONDUCTOR_CHANNEL=16", "CONDUCTOR_PRESSURE=5"],
            vec!["CONDUCTOR_VALUE=127", "CONDUCTOR_NOTE=0", "CONDUCTOR_CHANNEL=16", "CONDUCTOR_PRESSURE=127"],
        ]
    );
}

#[test]
fn every_number_of_an_action_can_be_one_of_the_event() {
    let on =
        |action: &str| format!("[[global_mappings]]\ntrigger = {{ Note = {{ note = \"any\" }} }}\naction = {action}\n");
    let midi = |fields: &str| on(&format!("{{ SendMidi = {{ port = \"P\", channel = 1, {fields} }} }}"));
    let note = "{ from = \"note\" }";
    for (fields, expected) in [
        (format!("message_type = \"NoteOff\", note = {note}, velocity = {note}"), "0 midi P: note off ch 1 60:60"),
        (format!("message_type = \"CC\", controller = {note}, value = {note}"), "0 midi P: cc ch 1 60:60"),
        (format!("message_type = \"ProgramChange\", program = {note}"), "0 midi P: program ch 1 60"),
        (format!("message_type = \"PitchBend\", pitch = {note}"), "0 midi P: bend ch 1 +60"),
        (format!("message_type = \"Aftertouch\", pressure = {note}"), "0 midi P: channel pressure ch 1 60"),
        (format!("message_type = \"Aftertouch\", note = {note}, pressure = 1"), "0 midi P: pressure ch 1 60:1"),
        (
            "message_type = \"ProgramChange\", program = { from = \"note\", add = 1000 }".into(),
            "0 midi P: program ch 1 127",
        ),
        (
            "message_type = \"PitchBend\", pitch = { from = \"note\", to = [-8192, 8191], invert = true }".into(),
            "0 midi P: bend ch 1 +451",
        ),
    ] {
        plays(&midi(&fields), "n60:1 r60", expected);
    }
    for (action, input, expected) in [
        (
            "{ MouseClick = { button = \"Left\", x = { from = \"note\", add = -70 }, y = { from = \"velocity\", to = [0, 1080] } } }",
            "n60:127",
            "0 click left at -10,1080",
        ),
        (
            "{ Sequence = { actions = [{ Delay = { ms = { from = \"velocity\", to = [0, 1000] } } }, { Text = { text = \"a\" } }] } }",
            "n60:127 t:2000",
            "1000 type: a",
        ),
        (
            "{ Repeat = { count = { from = \"note\", in = [0, 60], to = [0, 3] }, delay_ms = { from = \"velocity\" }, action = { Text = { text = \"a\" } } } }",
            "n60:10 t:100",
            "0 type: a | 10 type: a | 20 type: a",
        ),
        ("{ VolumeControl = { operation = \"Up\", value = { from = \"velocity\" } } }", "n60:127", "0 volume up 100%"),
    ] {
        plays(&on(action), input, expected);
    }
}

#[test]
fn channels_count_as_the_file_does() {
    let text = |first: &str, channel: &str| {
        format!(
            "{first}[[global_mappings]]\ntrigger = {{ CC = {{ cc = 1 }} }}\n\
             action = {{ SendMidi = {{ port = \"P\", message_type = \"CC\", channel = {{ from = \"channel\" {channel} }}, controller = {{ from = \"channel\" }}, value = 0 }} }}\n"
        )
    };
    for (first, channel, input, expected) in [
        ("", "", "ch:16 c1=1", "0 midi P: cc ch 16 16:0"),
        ("channels_from = 0\n", "", "ch:16 c1=1", "0 midi P: cc ch 16 15:0"),
        ("channels_from = 0\n", ", add = 1", "ch:4 c1=1", "0 midi P: cc ch 5 3:0"),
        ("channels_from = 0\n", ", in = [0, 3]", "ch:9 c1=1", "0 midi P: cc ch 4 8:0"),
        ("channels_from = 0\n", ", to = [15, 0]", "ch:1 c1=1", "0 midi P: cc ch 16 0:0"),
        ("", ", in = [1, 2], to = [9, 10]", "ch:1 c1=1 ch:2 c1=1", "0 midi P: cc ch 9 1:0 | 0 midi P: cc ch 10 2:0"),
    ] {
        plays(&text(first, channel), input, expected);
    }
}

#[test]
fn an_action_that_uses_a_number_fires_at_every_message_unless_the_file_says_otherwise() {
    let text = |trigger: &str, rest: &str| format!("[[global_mappings]]\ntrigger = {{ {trigger} }}\n{rest}\n");
    let volume = "action = { VolumeControl = { operation = \"Set\", value = { from = \"value\" } } }";
    let ranged = "CC = { cc = 7, value_min = 50 }";
    let input = "c7=60 c7=70 c7=10 c7=80";
    let all = "0 volume set 60% | 0 volume set 70% | 0 volume set 80%";
    plays(&text(ranged, volume), input, all);
    plays(
        &text("CC = { cc = 7, value_min = 50, repeat = false }", volume),
        input,
        "0 volume set 60% | 0 volume set 80%",
    );
    plays(&text(ranged, "action = { Text = { text = \"{value}\" } }"), input, "0 type: 60 | 0 type: 70 | 0 type: 80");
    plays(&text(ranged, "action = { Text = { text = \"a\" } }"), input, "0 type: a | 0 type: a");
    plays(
        &text(ranged, "action = { Shell = { command = \"echo $CONDUCTOR_VALUE\" } }"),
        "c7=60 c7=70",
        "0 shell: echo $CONDUCTOR_VALUE | 0 shell: echo $CONDUCTOR_VALUE",
    );
    plays(
        &text(ranged, "action = { Text = { text = \"in\" } }\nrelease = { Text = { text = \"out {value}\" } }"),
        "c7=60 c7=70 c7=10",
        "0 type: in | 0 type: in | 0 type: out 10",
    );
}

#[test]
fn a_held_note_lets_go_the_note_it_pressed_whatever_the_release_brings() {
    let text = "[[global_mappings]]\ntrigger = { NoteChord = { notes = [60, 64] } }\n\
        action = { SendMidi = { port = \"P\", message_type = \"NoteOn\", channel = { from = \"channel\" }, note = { from = \"velocity\", add = 12 }, hold = true } }\n";
    plays(text, "n60:1 n64:50 t:9 r60", "0 midi P: note on ch 1 62:100 | 9 midi P: note off ch 1 62:0");
}

#[test]
fn what_is_made_of_a_number_the_event_lacks_is_left_out_with_a_word() {
    let text = "[[global_mappings]]\ntrigger = \"Aftertouch\"\naction = { Sequence = { actions = [{ Text = { text = \"{note}\" } }, { Text = { text = \"on\" } }] } }\n";
    plays(text, "p=5 p7=5", "0 Text was left out: the event has no `note` | 0 type: on | 0 type: 7 | 0 type: on");
}

#[test]
fn turns_have_their_steps() {
    let text = "[[global_mappings]]\ntrigger = { EncoderTurn = { cc = 9, mode = \"TwosComplement\", step = \"once\" } }\n\
        action = { Text = { text = \"{value} {delta} {cc}\" } }\n";
    plays(text, "c9=3 c9=127", "0 type: 3 3 9 | 0 type: -1 -1 9");
}

/// What is wrong with a mapping of `rest`.
fn wrong(rest: &str) -> String {
    let text = format!("[[global_mappings]]\n{rest}\n");
    let invalid = Config::from_text(&text, "c.toml", Path::new(""), &Environment::default()).expect_err(&text);
    invalid.to_string()
}

#[test]
fn a_number_the_trigger_never_has_is_a_mistake_with_its_place() {
    let cc = "trigger = { CC = { cc = 7 } }";
    let bound = |from: &str| format!("action = {{ Delay = {{ ms = {{ from = \"{from}\" }} }} }}");
    let said = wrong(&format!("{cc}\n{}", bound("velocity")));
    assert!(said.contains("c.toml:3:") && said.contains("what this trigger waits for has no `velocity`"), "{said}");
    assert!(said.contains("it has: value, cc, channel"), "{said}");
    let said = wrong(&format!("{cc}\naction = {{ Text = {{ text = \"{{note}}\" }} }}"));
    assert!(said.contains("for the word in braces write {{note}}"), "{said}");
    let said = wrong(&format!("trigger = {{ Transport = {{ message = \"Start\" }} }}\n{}", bound("channel")));
    assert!(said.contains("it has no numbers"), "{said}");
    let said = wrong(&format!("{cc}\n{}", bound("volume")));
    assert!(said.contains("unknown source of a value \"volume\""), "{said}");
    let release = "trigger = { LongPress = { note = 1 } }\naction = { Delay = { ms = 1 } }\nrelease = { Delay = { ms = { from = \"cc\" } } }";
    let said = wrong(release);
    assert!(said.contains("the end of what this trigger waits for has no `cc`"), "{said}");
    for (fields, expected) in [
        ("in = [5, 5]", "two numbers of which the second is greater"),
        ("in = [5]", "`in` has 1, and at least 2 are needed"),
        ("to = [1, 2, 3]", "3 elements in this list"),
        ("curve = \"s\"", "unknown curve \"s\""),
        ("add = 2000000000", "`add` is 2000000000, which is not from -1000000000 to 1000000000"),
        ("add = nan", "`add` is nan"),
        ("too = 1", "unknown key `too` in this value"),
    ] {
        let said = wrong(&format!("{cc}\naction = {{ Delay = {{ ms = {{ from = \"value\", {fields} }} }} }}"));
        assert!(said.contains(expected), "{fields}: {said}");
    }
    let bomb = "action = { Repeat = { count = { from = \"value\", to = [1, 1000] }, action = { Repeat = { count = 100, action = { Delay = { ms = 0 } } } } } }";
    assert!(wrong(&format!("{cc}\n{bomb}")).contains("steps, repeats multiplied out"));
}

#[test]
fn a_release_of_a_chord_knows_its_note_and_a_chord_does_not() {
    let text = |key: &str| {
        format!(
            "trigger = {{ NoteChord = {{ notes = [60, 64] }} }}\naction = {{ Text = {{ text = \"a\" }} }}\n{key} = {{ Text = {{ text = \"{{note}}\" }} }}"
        )
    };
    let lines = play(&format!("[[global_mappings]]\n{}", text("release")), "n60:1 n64:1 r64");
    assert_eq!(lines, ["0 type: a", "0 type: 64"]);
    assert!(wrong(&text("action").replacen("action = { Text = { text = \"a\" } }\n", "", 1)).contains("has no `note`"));
}

fn event(value: u16) -> GestureEvent {
    GestureEvent { t: 0, device: None, channel: None, gesture: Gesture::Control { control: Control::Cc14(0), value } }
}

prop_compose! {
    fn any_value()(
        low in -2000_i32..16_384,
        span in 1_i32..20_000,
        to in prop::array::uniform2(-20_000_i32..20_000),
        curve in prop::sample::select(vec![Curve::Linear, Curve::Log, Curve::Exp]),
        invert: bool,
        add in -300_i32..300,
    ) -> ValueOf {
        let within = [low.into(), (low + span).into()];
        let scaling = Scaling { within, to: to.map(Into::into), curve, invert, add: add.into() };
        ValueOf { source: NumberSource::Event(EventNumber::Value), scaling }
    }
}

/// The same in whole numbers alone, where nothing is bent: `first + (last - first) * way / whole`, rounded half away from zero.
#[allow(clippy::cast_possible_truncation)]
fn in_whole_numbers(value: &Scaling, source: i128) -> i128 {
    let [low, high] = value.within.map(|end| end as i128);
    let [first, last] = value.to.map(|end| end as i128);
    let (way, whole) = (source.clamp(low, high) - low, high - low);
    let way = if value.invert { whole - way } else { way };
    let number = (first + value.add as i128) * whole + (last - first) * way;
    let rounded = (2 * number.abs() + whole) / (2 * whole);
    if number < 0 { -rounded } else { rounded }
}

proptest! {
    #[test]
    #[allow(clippy::float_cmp)] // whole numbers
    fn ends_become_ends_and_between_them_nothing_turns_back(value in any_value(), sources: [u16; 2]) {
        let value = value.scaling;
        let [low, high] = value.within;
        let [first, last] = if value.invert { [value.to[1], value.to[0]] } else { value.to };
        prop_assert_eq!(value_at(&value, low), first + value.add);
        prop_assert_eq!(value_at(&value, high), last + value.add);
        prop_assert_eq!(value_at(&value, low - 1.0), first + value.add);
        let mut sources = sources.map(f64::from);
        sources.sort_by(f64::total_cmp);
        let [a, b] = sources.map(|source| value_at(&value, source));
        prop_assert!(if first <= last { a <= b } else { a >= b }, "{} {}", a, b);
        let (least, most) = (first.min(last) + value.add, first.max(last) + value.add);
        prop_assert!(least <= a && a <= most);
    }

    #[test]
    fn whole_numbers_come_to_the_same_with_and_without_fractions(value in any_value(), source in 0_u16..16_384) {
        let scaling = Scaling { curve: Curve::Linear, ..value.scaling };
        let straight = ValueOf { scaling, ..value };
        let expected = in_whole_numbers(&scaling, source.into());
        let number = Number::Of(Box::new(straight.clone()));
        let whole_number = whole(&number, Given { event: &event(source), state: &StateTable::default() }, &(i64::MIN..=i64::MAX));
        prop_assert_eq!(whole_number.map(i128::from), Ok(expected));
        let fraction = number_of(&straight, Given { event: &event(source), state: &StateTable::default() }).expect("a value");
        #[allow(clippy::cast_precision_loss)]
        let expected = expected as f64;
        prop_assert!((fraction - expected).abs() <= 0.5 + 1e-9);
    }

    #[test]
    fn what_comes_out_is_what_the_field_takes(value in any_value(), source in 0_u16..16_384, range in prop::array::uniform2(-9000_i64..9000)) {
        let range = range[0].min(range[1])..=range[0].max(range[1]);
        let number = whole(&Number::Of(Box::new(value)), Given { event: &event(source), state: &StateTable::default() }, &range).expect("a value");
        prop_assert!(range.contains(&number));
    }

    #[test]
    fn every_event_has_only_what_its_trigger_says(cc in 0_u8..32, value in 0_u16..16_384) {
        use conductor::internals::gesture::{Controls, Trigger, ValueRange};
        use conductor::internals::midi::Numbers;
        let range = ValueRange { min: 0, max: 16_383, hysteresis: 0 };
        for (control, controls) in [
            (Control::Cc(cc), Controls::Cc(Numbers::only(cc))),
            (Control::Cc14(cc), Controls::Cc14(Numbers::only(cc))),
            (Control::Rpn(5), Controls::Rpn(5)),
            (Control::Bend, Controls::Bend),
            (Control::Pressure(None), Controls::Pressure(None)),
            (Control::Pressure(Some(cc)), Controls::Pressure(None)),
        ] {
            let trigger = Trigger::Control { controls, range, repeat: true };
            let value = value.min(control.scale());
            let event = GestureEvent { gesture: Gesture::Control { control, value }, ..event(value) };
            for number in EventNumber::ALL {
                if let Some(found) = event.number(number) {
                    prop_assert!(trigger.scale_of(number).is_some_and(|scale| scale.contains(&found)));
                }
            }
        }
    }
}

#[test]
fn a_named_value_is_a_number_like_those_of_the_event() {
    let text = "[[global_mappings]]
trigger = { CC = { cc = 7 } }
action = { Set = { key = \"var.level\", value = { from = \"value\", to = [0, 100] } } }
[[global_mappings]]
trigger = { Note = { note = 36 } }
action = { VolumeControl = { operation = \"Set\", value = { from = \"var.level\" } } }
[[global_mappings]]
trigger = { Note = { note = 37 } }
action = { SendMidi = { port = \"Synth\", channel = 1, message_type = \"CC\", controller = 1, value = { from = \"var.level\", in = [0, 50], to = [127, 0] } } }
";
    plays(
        text,
        "n36:9 c7=127 n36:9 n37:9 c7=32 n37:9",
        "0 VolumeControl was left out: `var.level` is no number now | 0 var.level = 100 | 0 volume set 100% | \
         0 midi Synth: cc ch 1 1:0 | 0 var.level = 25.19685039370079 | 0 midi Synth: cc ch 1 1:63",
    );
    let refused = |value: &str| {
        let text = text.replace("{ from = \"var.level\" }", value);
        Config::from_text(&text, "config.toml", Path::new(""), &Environment::default())
            .map(|_| ())
            .expect_err("a mistake")
            .to_string()
    };
    assert!(refused("{ from = \"var.level\", to = [0, 9] }").contains("`in`"), "nobody knows how far it reaches");
    assert!(refused("{ from = \"var.other\" }").contains("var.other"), "nothing sets it");
}
