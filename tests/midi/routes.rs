//! Messages that are passed on without a mapping.

use std::path::Path;
use std::sync::Arc;

use conductor::internals::config::{Config, Environment};
use conductor::internals::gesture::DeviceId;
use conductor::internals::midi::{Channel, Message, SystemMessage};
use conductor::internals::run::{Session, SessionEvent};

use crate::session::{config, plays};
use crate::support::conditions::Still;

const DEVICES: &str = "[[device]]\nname = \"pads\"\n[[device]]\nname = \"keys\"\n";

/// A configuration with a route of `keys` from the pads, and `rest` behind it.
fn routed(keys: &str, rest: &str) -> String {
    format!("{DEVICES}[[route]]\nfrom = \"pads\"\nto = \"Synth\"\n{keys}\n{rest}")
}

#[test]
fn everything_of_the_device_is_passed_as_it_is_and_nothing_of_another() {
    plays(
        &routed("", ""),
        "ch:3 n60:100 t:5 c7:1 p:9 p60:8 b:8192 g:4 r60 dev:1 n60:100 r60",
        "0 route 0 midi Synth: note on ch 3 60:100 | 5 route 0 midi Synth: cc ch 3 7:1 | \
         5 route 0 midi Synth: channel pressure ch 3 9 | 5 route 0 midi Synth: pressure ch 3 60:8 | \
         5 route 0 midi Synth: bend ch 3 +0 | 5 route 0 midi Synth: program ch 3 4 | \
         5 route 0 midi Synth: note off ch 3 60:64",
    );
}

#[test]
fn a_route_filters_and_remaps() {
    plays(
        &routed("channels = \"1-2\"\nnotes = \"36-51\"\nonly = [\"NoteOn\", \"CC\"]\ntranspose = 12\nchannel = 10", ""),
        "n36:1 r36 n35:1 r35 n52:1 r52 c1:5 g:1 b:0 ch:3 n36:1 r36 c1:5",
        "0 route 0 midi Synth: note on ch 10 48:1 | 0 route 0 midi Synth: note off ch 10 48:64 | \
         0 route 0 midi Synth: cc ch 10 1:5",
    );
}

#[test]
fn a_note_that_is_transposed_beyond_the_scale_is_dropped_on_and_off() {
    let up = routed("transpose = 12", "");
    plays(
        &up,
        "n115:1 r115 n116:1 r116",
        "0 route 0 midi Synth: note on ch 1 127:1 | 0 route 0 midi Synth: note off ch 1 127:64",
    );
    let down = routed("transpose = -12", "");
    plays(
        &down,
        "n11:1 r11 n12:1 r12",
        "0 route 0 midi Synth: note on ch 1 0:1 | 0 route 0 midi Synth: note off ch 1 0:64",
    );
}

const MAPPED: &str = "[[modes]]\nname = \"one\"\n\
    [[modes.mappings]]\ntrigger = { Note = { note = 36 } }\naction = { ModeChange = { mode = \"two\" } }\n\
    [[modes.mappings]]\ntrigger = { Note = { note = 37, velocity_min = 100 } }\naction = { Keystroke = { keys = \"a\" } }\n\
    [[modes.mappings]]\ntrigger = { NoteChord = { notes = [40, 41] } }\naction = { Keystroke = { keys = \"b\" } }\n\
    [[modes]]\nname = \"two\"\n\
    [[modes.mappings]]\ntrigger = { Note = { note = 38 } }\naction = { ModeChange = { mode = \"one\" } }\n\
    [[global_mappings]]\ntrigger = { CC = { cc = 7, value_min = 64 } }\naction = { Keystroke = { keys = \"c\" } }\n";

#[test]
fn what_a_mapping_of_the_mode_or_a_global_one_names_is_not_passed_whether_or_not_it_fires() {
    plays(
        &routed("", MAPPED),
        "n37:1 r37 n41:9 r41 c7:1 c7:99 n39:1 r39",
        "0 keys c | 0 route 0 midi Synth: note on ch 1 39:1 | 0 route 0 midi Synth: note off ch 1 39:64",
    );
}

#[test]
fn a_route_for_all_passes_that_too_before_what_the_mapping_does() {
    plays(
        &routed("pass = \"all\"", MAPPED),
        "n37:100 r37",
        "0 route 0 midi Synth: note on ch 1 37:100 | 0 keys a | 0 route 0 midi Synth: note off ch 1 37:64",
    );
}

#[test]
fn a_note_goes_off_the_way_it_went_on_whatever_mode_came_between() {
    // 38 passes in the first mode and is named in the second; 36 is named in the first, and its release is nobody's in the second.
    plays(
        &routed("transpose = 2", MAPPED),
        "n38:1 n36:1 t:10 r38 r36 n36:5 r36 n38:1 r38",
        "0 route 0 midi Synth: note on ch 1 40:1 | 0 mode two | 10 route 0 midi Synth: note off ch 1 40:64 | \
         10 route 0 midi Synth: note on ch 1 38:5 | 10 route 0 midi Synth: note off ch 1 38:64 | 10 mode one",
    );
}

#[test]
fn a_mapping_counts_where_its_filters_and_its_condition_let_it() {
    let mapping = |trigger: &str, when: &str| {
        let mapping =
            format!("[[global_mappings]]\ntrigger = {trigger}\naction = {{ Keystroke = {{ keys = \"a\" }} }}\n{when}");
        routed("", &mapping)
    };
    let passed = "0 route 0 midi Synth: note on ch 1 60:1 | 0 route 0 midi Synth: note off ch 1 60:64";
    for (text, expected) in [
        (mapping("{ Note = { note = 60 } }", ""), "0 keys a"),
        (mapping("{ Note = { note = 60, channel = 2 } }", ""), passed),
        (mapping("{ Note = { note = 60, device = \"keys\" } }", ""), passed),
        (mapping("{ Note = { note = 60, device = \"pads\" } }", ""), "0 keys a"),
        (mapping("{ Note = { note = 60 } }", "when = \"Never\""), passed),
        (mapping("{ Note = { note = 60 } }", "when = \"Always\""), "0 keys a"),
        (mapping("{ DoubleTap = { note = 60 } }", ""), ""),
        (mapping("{ CC = { cc = 60 } }", ""), passed),
    ] {
        plays(&text, "n60:1 r60", expected);
    }
}

#[test]
fn what_passed_and_is_down_is_let_go_when_the_device_is_lost_and_at_the_end() {
    plays(
        &routed("channel = 2", ""),
        "n60:1 n61:1 n61:1 c64:127 r60 t:5 lost r61 c64:0",
        "0 route 0 midi Synth: note on ch 2 60:1 | 0 route 0 midi Synth: note on ch 2 61:1 | \
         0 route 0 midi Synth: note on ch 2 61:1 | 0 route 0 midi Synth: cc ch 2 64:127 | \
         0 route 0 midi Synth: note off ch 2 60:64 | 5 route 0 midi Synth: note off ch 2 61:0 | \
         5 route 0 midi Synth: note off ch 2 61:0 | 5 route 0 midi Synth: cc ch 2 64:0 | \
         5 route 0 midi Synth: cc ch 2 64:0",
    );
    plays(
        &routed("", ""),
        "n60:1 t:7",
        "0 route 0 midi Synth: note on ch 1 60:1 | 7 route 0 midi Synth: note off ch 1 60:0",
    );
    plays(
        &routed("only = [\"NoteOn\"]", ""),
        "n60:1 n61:0 c123:0",
        "0 route 0 midi Synth: note on ch 1 60:1 | 0 route 0 midi Synth: note off ch 1 60:0",
    );
    plays(
        &routed("only = [\"NoteOn\"]", ""),
        "n60:1 reset",
        "0 route 0 midi Synth: note on ch 1 60:1 | 0 route 0 midi Synth: note off ch 1 60:0",
    );
}

#[test]
fn several_routes_of_a_device_each_pass_what_is_theirs() {
    let text = format!(
        "{DEVICES}[[route]]\nfrom = \"pads\"\nto = \"Bass\"\nnotes = \"0-59\"\n\
         [[route]]\nfrom = \"pads\"\nto = \"Piano\"\nnotes = \"60-127\"\n\
         [[route]]\nfrom = \"pads\"\nto = \"Piano\"\nnotes = \"60-127\"\ntranspose = 12\n\
         [[route]]\nfrom = \"keys\"\nto = \"Piano\"\nonly = [\"CC\"]\n"
    );
    plays(
        &text,
        "n48:1 n60:1 r48 r60 dev:1 n60:1 c1:1",
        "0 route 0 midi Bass: note on ch 1 48:1 | 0 route 1 midi Piano: note on ch 1 60:1 | \
         0 route 2 midi Piano: note on ch 1 72:1 | 0 route 0 midi Bass: note off ch 1 48:64 | \
         0 route 1 midi Piano: note off ch 1 60:64 | 0 route 2 midi Piano: note off ch 1 72:64 | \
         0 route 3 midi Piano: cc ch 1 1:1",
    );
}

#[test]
fn a_route_of_releases_alone_passes_each() {
    plays(&routed("only = [\"NoteOff\"]", ""), "n60:1 r60", "0 route 0 midi Synth: note off ch 1 60:64");
}

/// What routes of `text` send for `messages` of the first device, its end left out.
fn sent(text: &str, messages: &[Message]) -> Vec<Message> {
    let mut session = Session::new(config(text));
    let mut sent = Vec::new();
    for message in messages {
        session.feed(0, DeviceId(0), message, &Still::default(), &mut |event| {
            if let SessionEvent::Routed { out, .. } = event {
                sent.extend(out.message.single().cloned());
            }
        });
    }
    sent
}

#[test]
fn messages_without_a_channel_pass_but_for_active_sensing() {
    use SystemMessage::{
        ActiveSensing, Continue, QuarterFrame, Reset, SongPosition, SongSelect, Start, Stop, TimingClock,
    };
    let all: Vec<Message> =
        [Start, Stop, Continue, TimingClock, SongPosition(3), QuarterFrame(1), SongSelect(1), Reset, ActiveSensing]
            .map(Message::System)
            .into_iter()
            .chain([Message::SysEx([1, 2].into())])
            .collect();
    let passed: Vec<_> = all.iter().filter(|message| **message != Message::System(ActiveSensing)).cloned().collect();
    assert_eq!(sent(&routed("channels = 2\nchannel = 3", ""), &all), passed);
    let clock = [Start, Stop, Continue, TimingClock, SongPosition(3)].map(Message::System);
    let only = "only = [\"Start\", \"Stop\", \"Continue\", \"Clock\", \"SongPosition\"]";
    assert_eq!(sent(&routed(only, ""), &all), clock);
    assert_eq!(sent(&routed("only = [\"SysEx\"]", ""), &all), [Message::SysEx([1, 2].into())]);
}

#[test]
fn every_note_that_goes_on_goes_off_whatever_happens() {
    // A small machine that plays at random: modes, losses and releases in any order leave nothing down.
    let text = routed("", MAPPED);
    let config = config(&text);
    let mut seed = 1_u64;
    for round in 0..200 {
        let mut session = Session::new(Arc::clone(&config));
        let mut down = std::collections::BTreeMap::<(u8, u8), i32>::new();
        let mut hear = |event: SessionEvent<'_>| {
            let SessionEvent::Routed { out, .. } = event else { return };
            match *out.message.single().expect("one message") {
                Message::NoteOn { channel, note, velocity: 1.. } => {
                    *down.entry((channel.number(), note)).or_default() += 1;
                }
                Message::NoteOn { channel, note, .. } | Message::NoteOff { channel, note, .. } => {
                    *down.entry((channel.number(), note)).or_default() -= 1;
                }
                _ => {}
            }
            assert!(down.values().all(|times| *times >= 0), "nothing goes off that is not on");
        };
        for step in 0..100 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = |shift: u32, of: u64| u8::try_from((seed >> shift) % of).expect("small");
            let channel = Channel::new(number(20, 2) + 1).expect("a channel");
            let note = 35 + number(30, 7);
            let world = Still::default();
            match number(40, 16) {
                0 => session.device_lost(step, DeviceId(0), &world, &mut hear),
                1 => {
                    let message = Message::ControlChange { channel, controller: 123, value: 0 };
                    session.feed(step, DeviceId(0), &message, &world, &mut hear);
                }
                2..9 => {
                    session.feed(step, DeviceId(0), &Message::NoteOn { channel, note, velocity: 1 }, &world, &mut hear);
                }
                9 => {
                    session.feed(step, DeviceId(0), &Message::NoteOn { channel, note, velocity: 0 }, &world, &mut hear);
                }
                _ => {
                    session.feed(
                        step,
                        DeviceId(0),
                        &Message::NoteOff { channel, note, velocity: 9 },
                        &world,
                        &mut hear,
                    );
                }
            }
        }
        session.end(1_000, &Still::default(), &mut hear);
        assert!(down.values().all(|times| *times == 0), "round {round}: {down:?}");
    }
}

/// What `check` says of a configuration that can be used, in short.
#[track_caller]
fn warns(text: &str, expected: &[&str]) {
    let loaded = Config::from_text(text, "config.toml", Path::new(""), &Environment::default());
    let loaded = loaded.unwrap_or_else(|invalid| panic!("{invalid}\n{text}"));
    let found: Vec<_> = loaded.warnings.iter().map(|warning| warning.problem.to_string()).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_route_that_never_passes_anything_is_told() {
    let idle = |why| format!("this route never passes anything: {why}");
    let (beyond, named) =
        (idle("its notes would all lie beyond 0 to 127"), idle("mappings name all that it could pass"));
    warns(&routed("only = [\"NoteOn\", \"NoteOff\"]\nnotes = \"120-127\"\ntranspose = 12", ""), &[&beyond]);
    warns(&routed("only = [\"NoteOn\", \"NoteOff\"]\nnotes = \"115-127\"\ntranspose = 12", ""), &[]);
    let any = "trigger = { Note = { note = \"any\" } }\naction = { Keystroke = { keys = \"a\" } }\n";
    let global = format!("[[global_mappings]]\n{any}");
    let notes = "only = [\"NoteOn\", \"NoteOff\"]";
    warns(&routed(notes, &global), &[&named]);
    warns(&routed("", &global), &[]);
    warns(&routed(&format!("{notes}\npass = \"all\""), &global), &[]);
    warns(&routed(notes, &global.replace("\"any\"", "\"any\", channel = 1")), &[]);
    warns(&routed(&format!("{notes}\nchannels = 1"), &global.replace("\"any\"", "\"any\", channel = 1")), &[&named]);
    warns(&routed(notes, &global.replace("\"any\"", "\"any\", device = \"keys\"")), &[]);
    warns(&routed(notes, &format!("{global}when = \"Always\"\n")), &[]);
    let mode = |name: &str, mapping: &str| format!("[[modes]]\nname = \"{name}\"\n{mapping}");
    let mapped = format!("[[modes.mappings]]\n{any}");
    warns(&routed(notes, &(mode("one", &mapped) + &mode("two", &mapped))), &[&named]);
    warns(&routed(notes, &(mode("one", &mapped) + &mode("two", ""))), &[]);
}

#[test]
fn keys_that_mean_nothing_and_routes_that_overlap_are_told() {
    let idle = |key: &str, of: &str| format!("`{key}` means nothing here: no message that this route passes has {of}");
    warns(
        &routed("only = [\"CC\"]\nnotes = 36\ntranspose = 1", ""),
        &[&idle("notes", "a note"), &idle("transpose", "a note")],
    );
    warns(
        &routed("only = [\"Clock\"]\nchannels = 1\nchannel = 2", ""),
        &[&idle("channels", "a channel"), &idle("channel", "a channel")],
    );
    let second = |keys: &str| format!("[[route]]\nfrom = \"pads\"\nto = \"Synth\"\n{keys}\n");
    let twice = "this route sends what the one on line 5 sends: the same messages to the same port";
    warns(&routed("", &second("")), &[twice]);
    warns(&routed("notes = \"0-59\"", &second("notes = \"60-127\"")), &[]);
    warns(&routed("notes = \"0-60\"", &second("notes = \"60-127\"")), &[twice]);
    warns(&routed("", &second("transpose = 12")), &[]);
    warns(&routed("only = [\"CC\"]", &second("only = [\"NoteOn\"]")), &[]);
    warns(&routed("channels = 1", &second("channels = 2")), &[]);
}

#[test]
fn what_is_wrong_with_a_route_is_told() {
    for (keys, expected) in [
        ("only = []", "`only` is empty; it takes one kind of message or more, such as [\"NoteOn\", \"CC\"]"),
        ("only = [\"Notes\"]", "unknown message type \"Notes\""),
        ("transpose = 128", "`transpose` is 128, which is not from -127 to 127"),
        ("channel = 17", "`channel` is 17, which is not from 1 to 16"),
        ("pass = \"some\"", "unknown word for what passes \"some\""),
        ("volume = 1", "unknown key `volume` in [[route]]"),
    ] {
        let text = routed(keys, "");
        let invalid = Config::from_text(&text, "config.toml", Path::new(""), &Environment::default()).expect_err(keys);
        assert_eq!(invalid.errors[0].problem.to_string(), expected, "{keys}");
    }
    let unknown = format!("{DEVICES}[[route]]\nfrom = \"pad\"\nto = \"Synth\"\n");
    let invalid =
        Config::from_text(&unknown, "config.toml", Path::new(""), &Environment::default()).expect_err("a slip");
    let text = invalid.to_string();
    assert!(text.contains("unknown device \"pad\"") && text.contains("did you mean \"pads\"?"), "{text}");
}
