//! What controls of devices show: the bytes, and when they are sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use conductor::internals::config::{Config, Lamp, Shows};
use conductor::internals::gesture::DeviceId;
use conductor::internals::mapping::{holds, value_at};
use conductor::internals::midi::{Channel, Message, Outgoing};
use conductor::internals::run::{Session, SessionEvent};
use conductor::internals::state::{StateTable, StateValue};
use proptest::prelude::*;

use crate::session::{config, play, plays};
use crate::support::conditions::Still;

/// A device `pads` whose section says this, and what follows.
fn pads(told: &str, rest: &str) -> String {
    format!("[[device]]\nname = \"Launchpad\"\nalias = \"pads\"\n[device.feedback]\n{told}\n{rest}")
}

/// A pad that toggles, with a lamp.
fn toggled(told: &str) -> String {
    pads(
        told,
        "[[global_mappings]]\ntrigger = { Note = { note = 36 } }\naction = { Toggle = { name = \"mic\" } }\n\
         feedback = { when = { State = { key = \"toggle.mic\", equals = true } }, on = \"red\", off = \"green\" }\n",
    )
}

const PALETTE: &str = "palette = { off = 0, red = 5, green = 21 }";

#[test]
fn a_lamp_is_told_when_its_device_comes_and_whenever_it_changes() {
    plays(
        &toggled(PALETTE),
        "n36=100 r36 t:10 found t:10 n36=100 r36 t:10 n36=100 r36 t:10 n36=100 r36",
        "0 toggle.mic = true | 10 feedback pads: 90 24 05 | 20 toggle.mic = false | 20 feedback pads: 90 24 15 | \
         30 toggle.mic = true | 30 feedback pads: 90 24 05 | 40 toggle.mic = false | 40 feedback pads: 90 24 15",
    );
}

#[test]
fn a_device_is_greeted_first_and_taken_leave_of_last() {
    let told = format!("init = [\"f0 01 f7\", \"b0 7f 01\"]\nexit = [\"f0 02 f7\"]\n{PALETTE}");
    plays(
        &toggled(&told),
        "found t:5 lost n36=1 r36 t:5 found t:5 refresh",
        "0 feedback pads: f0 01 f7 | 0 feedback pads: b0 7f 01 | 0 feedback pads: 90 24 15 | 5 toggle.mic = true | \
         10 feedback pads: f0 01 f7 | 10 feedback pads: b0 7f 01 | 10 feedback pads: 90 24 05 | \
         15 feedback pads: f0 01 f7 | 15 feedback pads: b0 7f 01 | 15 feedback pads: 90 24 05 | 15 feedback pads: f0 02 f7",
    );
}

#[test]
fn styles_and_colours_make_the_message_that_the_device_understands() {
    let told = "palette = { red = 5 }\nstyle = { flash = { channel = 2 }, pulse = { add = 1 } }\n\
                rgb = \"f0 47 7f {number} {r} {g} {b} {r2} {g2} {b2} f7\"";
    let lamp = |on: &str| {
        pads(
            told,
            &format!(
                "[[feedback]]\nnote = 11\nwhen = \"Always\"\non = {on}\n[[global_mappings]]\ntrigger = {{ Note = {{ note = 1 }} }}\naction = {{ Delay = {{ ms = 1 }} }}\n"
            ),
        )
    };
    for (on, bytes) in [
        ("7", "90 0b 07"),
        ("\"red\"", "90 0b 05"),
        ("{ value = \"red\", style = \"flash\" }", "91 0b 05"),
        ("{ value = 5, style = \"pulse\" }", "90 0b 06"),
        ("{ value = 0, style = \"pulse\" }", "90 0b 00"),
        ("{ rgb = \"ff8800\" }", "f0 47 7f 0b 7f 44 00 01 7f 01 08 00 00 f7"),
    ] {
        plays(&lamp(on), "found", &format!("0 feedback pads: {bytes}"));
    }
}

#[test]
fn a_mode_shows_its_own_and_what_nothing_shows_is_dark() {
    let text = pads(
        "",
        "[[modes]]\nname = \"a\"\n\
         [[modes.mappings]]\ntrigger = { Note = { note = \"1-3\" } }\naction = { ModeChange = { mode = \"b\" } }\n\
         feedback = { when = \"Always\", on = 9 }\n\
         [[modes]]\nname = \"b\"\n\
         [[modes.mappings]]\ntrigger = { Note = { note = 1 } }\naction = { ModeChange = { mode = \"a\" } }\n\
         feedback = { when = \"Always\", on = 8 }\n\
         [[global_mappings]]\ntrigger = { Note = { note = 2 } }\naction = { Delay = { ms = 1 } }\n\
         feedback = { when = { ModeIs = { mode = \"b\" } }, on = 9, off = 7 }\n",
    );
    plays(
        &text,
        "found t:1 n1=1 r1 t:1 n1=1",
        "0 feedback pads: 90 01 09 | 0 feedback pads: 90 02 09 | 0 feedback pads: 90 03 09 | 1 mode b | \
         1 feedback pads: 90 01 08 | 1 feedback pads: 90 03 00 | 2 mode a | 2 feedback pads: 90 01 09 | 2 feedback pads: 90 03 09",
    );
}

/// A fader that a variable moves, and that moves nothing; notes 1 and 2 set the variable.
fn fader(told: &str) -> String {
    let set = |note: u8, value: i32| {
        format!(
            "[[global_mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ Set = {{ key = \"var.level\", value = {value} }} }}\n"
        )
    };
    let follow = "[[feedback]]\ncc = 7\nfrom = \"var.level\"\nin = [-60, 0]\nto = [0, 127]\n";
    pads(told, &format!("{follow}{}{}{}", set(1, -60), set(2, 0), set(3, -30)))
}

#[test]
fn what_is_absent_is_off_and_a_fader_stays_where_it_is() {
    let text = pads(
        "",
        "[[feedback]]\ncc = 7\nfrom = \"var.x\"\nin = [0, 127]\nto = [127, 1]\n\
         [[modes]]\nname = \"one\"\n[[modes]]\nname = \"two\"\n[[modes.mappings]]\ntrigger = { PitchBend = {} }\naction = { Delay = { ms = 1 } }\n\
         feedback = { from = \"var.x\", in = [0, 127], to = [16383, 0] }\n\
         [[global_mappings]]\ntrigger = { Note = { note = 1 } }\naction = { Set = { key = \"var.x\", value = 0 } }\n\
         [[global_mappings]]\ntrigger = { Note = { note = 2 } }\naction = { ModeChange = { mode = \"Next\" } }\n",
    );
    // Whatever is sent for a value, the ring is off while there is none, and nobody moves the fader.
    plays(
        &text,
        "n2=1 r2 found t:1 n1=1 r1 t:1 n2=1 r2 t:1 n2=1 r2",
        "0 mode two | 0 feedback pads: b0 07 00 | 1 var.x = 0 | 1 feedback pads: b0 07 7f | 1 feedback pads: e0 7f 7f | \
         2 mode one | 3 mode two",
    );
}

#[test]
fn what_waits_for_its_turn_is_the_last_value() {
    plays(
        &fader("pace_ms = 10"),
        "found n2=1 r2 t:1 n3=1 r3 t:1 n2=1 r2 n3=1 r3 t:8 n1=1 r1 t:50",
        "0 feedback pads: b0 07 00 | 0 var.level = 0 | 1 var.level = -30 | 2 var.level = 0 | 2 var.level = -30 | \
         10 feedback pads: b0 07 40 | 10 var.level = -60 | 20 feedback pads: b0 07 00",
    );
}

#[test]
fn nothing_is_sent_to_a_fader_under_the_hand_and_then_it_goes_where_it_should_stand() {
    plays(
        &fader("hold_back_ms = 100"),
        "found n2=1 r2 t:1 c7=90 t:50 c7=80 n3=1 r3 t:99 n2=1 r2 t:1 t:20 n1=1 r1 t:1 c7=1 t:100",
        "0 feedback pads: b0 07 00 | 0 var.level = 0 | 0 feedback pads: b0 07 7f | 51 var.level = -30 | 150 var.level = 0 | \
         151 feedback pads: b0 07 7f | 171 var.level = -60 | 171 feedback pads: b0 07 00 | 272 feedback pads: b0 07 00",
    );
}

#[test]
fn bytes_that_come_back_are_no_input_but_what_the_hand_lets_go_is() {
    let text = pads(
        "echo_ms = 50",
        "[[global_mappings]]\ntrigger = { Note = { note = 36 } }\naction = { Toggle = { name = \"mic\" } }\n\
         release = { SendMidi = { port = \"S\", message_type = \"CC\", channel = 1, controller = 1, value = 1 } }\n\
         feedback = { when = { State = { key = \"toggle.mic\", equals = true } }, on = 100, off = 0 }\n",
    );
    plays(
        &text,
        // The echo of the press, of the note off that is none, and the same again when it is none any more.
        "found t:1 n36=90 n36=100 n36=0 t:100 n36=90 n36=0 t:100 n36=100 n36=0",
        "0 feedback pads: 90 24 00 | 1 toggle.mic = true | 1 feedback pads: 90 24 64 | 1 midi S: cc ch 1 1:1 | \
         101 toggle.mic = false | 101 feedback pads: 90 24 00 | 101 midi S: cc ch 1 1:1 | \
         201 toggle.mic = true | 201 feedback pads: 90 24 64 | 201 midi S: cc ch 1 1:1",
    );
}

#[test]
fn a_device_that_cannot_be_told_is_told_everything_later() {
    plays(
        &toggled(PALETTE),
        "unplugged found t:1 n36=1 r36 t:998 plugged t:1 t:100 unplugged n36=1 r36 lost t:5 plugged found",
        "0 feedback pads: 90 24 15 failed | 1 toggle.mic = true | 1000 feedback pads: 90 24 05 | 1100 toggle.mic = false | \
         1100 feedback pads: 90 24 15 failed | 1105 feedback pads: 90 24 15",
    );
    // Each time it waits twice as long, and at the end nobody waits for it.
    plays(
        &toggled(PALETTE),
        "unplugged found t:6999 t:1",
        "0 feedback pads: 90 24 15 failed | 1000 feedback pads: 90 24 15 failed | 3000 feedback pads: 90 24 15 failed | \
         7000 feedback pads: 90 24 15 failed",
    );
}

/// A fader that is picked up, and notes that move what it should stand at to 100 and 20.
fn picked_up() -> String {
    pads(
        "hold_back_ms = 100",
        "[[global_mappings]]\ntrigger = { CC = { cc = 7 } }\npickup = true\n\
         action = { SendMidi = { port = \"S\", message_type = \"CC\", channel = 1, controller = 1, value = { from = \"value\" } } }\n\
         feedback = { from = \"var.level\", in = [0, 127], to = [0, 127] }\n\
         [[global_mappings]]\ntrigger = { Note = { note = 1 } }\naction = { Set = { key = \"var.level\", value = 100 } }\n\
         [[global_mappings]]\ntrigger = { Note = { note = 2 } }\naction = { Set = { key = \"var.level\", value = 20 } }\n",
    )
}

#[test]
fn a_fader_without_a_motor_fires_when_it_has_passed_where_it_should_stand() {
    // Nothing is known of where it should stand; then it has to pass 100, from either side, or to meet it.
    plays(&picked_up(), "c7=50", "0 midi S: cc ch 1 1:50");
    plays(
        &picked_up(),
        "n1=1 r1 c7=50 c7=90 c7=98 c7=105 c7=60 c7=70",
        "0 var.level = 100 | 0 midi S: cc ch 1 1:105 | 0 midi S: cc ch 1 1:60 | 0 midi S: cc ch 1 1:70",
    );
    plays(&picked_up(), "n1=1 r1 c7=127 c7=99", "0 var.level = 100 | 0 midi S: cc ch 1 1:99");
    plays(&picked_up(), "n1=1 r1 c7=120", "0 var.level = 100");
    // Something else moves the value while the hand is elsewhere: the fader is armed again.
    plays(
        &picked_up(),
        "n1=1 r1 c7=100 t:200 n2=1 r2 c7=101 c7=60 c7=15 c7=16",
        "0 var.level = 100 | 0 midi S: cc ch 1 1:100 | 200 var.level = 20 | 200 midi S: cc ch 1 1:15 | 200 midi S: cc ch 1 1:16",
    );
}

// --- what is sent is what is so -----------------------------------------------------------------------------------------

/// Two devices, lamps of modes, of all modes and free-standing, rings and faders.
fn everything(pace: [u32; 2]) -> String {
    let device = |name: &str, pace: u32| {
        format!(
            "[[device]]\nname = \"{name}\"\n[device.feedback]\npace_ms = {pace}\ninit = [\"f0 01 f7\"]\nstyle = {{ flash = {{ channel = 2 }} }}\nrgb = \"{{number}} {{r}} {{g}} {{b}}\"\n"
        )
    };
    let mapping = |list: &str, note: u8, action: &str, rest: &str| {
        format!("[[{list}]]\ntrigger = {{ Note = {{ note = {note}, device = \"a\" }} }}\naction = {action}\n{rest}\n")
    };
    let lamp = |key: &str, on: &str| {
        format!("feedback = {{ when = {{ State = {{ key = \"{key}\", equals = true }} }}, on = {on}, off = 3 }}")
    };
    let mut text = device("a", pace[0]) + &device("b", pace[1]);
    text += "[[modes]]\nname = \"one\"\n";
    text += &mapping(
        "modes.mappings",
        1,
        "{ ModeChange = { mode = \"two\" } }",
        &lamp("toggle.x", "{ value = 5, style = \"flash\" }"),
    );
    text += &mapping("modes.mappings", 2, "{ Toggle = { name = \"x\" } }", &lamp("toggle.y", "{ rgb = \"80ff00\" }"));
    text += "[[modes]]\nname = \"two\"\n";
    text += &mapping("modes.mappings", 2, "{ ModeChange = { mode = \"one\" } }", &lamp("pressed.3", "9"));
    text += &mapping("global_mappings", 1, "{ Toggle = { name = \"x\" } }", &lamp("toggle.x", "7"));
    text += &mapping("global_mappings", 3, "{ Toggle = { name = \"y\" } }", &lamp("toggle.y", "8"));
    text += &mapping("global_mappings", 4, "{ Set = { key = \"var.v\", value = 0.25 } }", "");
    text += &mapping("global_mappings", 5, "{ Set = { key = \"var.v\", value = 1 } }", "");
    text += "[[feedback]]\ndevice = \"a\"\ncc = \"7-8\"\nfrom = \"var.v\"\nin = [0, 1]\nto = [0, 127]\n";
    text += "[[feedback]]\ndevice = \"b\"\ncc = 7\nfrom = \"midi.a.1.cc.7\"\ninvert = true\n";
    text += "[[feedback]]\ndevice = \"b\"\nnote = 1\nwhen = { ModeIs = { mode = \"two\" } }\n";
    text
}

#[derive(Debug, Clone)]
enum Doing {
    Wait(u64),
    Note(u8, bool),
    Cc(u16, u8, u8),
    Found(u16),
    Lost(u16),
    Refresh,
    /// Whether messages to devices fail.
    Fails(bool),
}

fn doing() -> impl Strategy<Value = Doing> {
    prop_oneof![
        3 => (0..30_000_u64).prop_map(Doing::Wait),
        1 => (0..900_000_u64).prop_map(Doing::Wait),
        6 => (1..6_u8, any::<bool>()).prop_map(|(note, down)| Doing::Note(note, down)),
        3 => (0..2_u16, 7..9_u8, 0..128_u8).prop_map(|(device, cc, value)| Doing::Cc(device, cc, value)),
        2 => (0..2_u16).prop_map(Doing::Found),
        1 => (0..2_u16).prop_map(Doing::Lost),
        1 => Just(Doing::Refresh),
        1 => any::<bool>().prop_map(Doing::Fails),
    ]
}

/// What was told to a device, applied in order: what each of its lamps shows.
#[derive(Default)]
struct Shown {
    present: bool,
    lamps: BTreeMap<Vec<u8>, Outgoing>,
}

/// The lamp that a message is for, whatever its style: a note or a controller.
fn lamp_of(message: &Message) -> Option<Vec<u8>> {
    match message {
        Message::NoteOn { note, .. } => Some(vec![0, *note]),
        Message::ControlChange { controller, .. } => Some(vec![1, *controller]),
        Message::SysEx(payload) => payload.first().filter(|_| payload.len() == 4).map(|note| vec![0, *note]),
        _ => None,
    }
}

/// What the lamps of a device should show, worked out anew from the configuration.
fn should_show(config: &Config, device: DeviceId, mode: usize, state: &StateTable) -> BTreeMap<Vec<u8>, Outgoing> {
    let mut lamps = BTreeMap::new();
    let of_device = config.feedback.iter().filter(|feedback| feedback.device == device);
    for feedback in of_device.clone() {
        let first =
            |wanted: Option<usize>| of_device.clone().find(|other| other.lamp == feedback.lamp && other.mode == wanted);
        let shows = first(Some(mode)).or_else(|| first(None)).map(|owner| &owner.shows);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range by the clamp
        let scale = |value: f64| value.round().clamp(0.0, 127.0) as u16;
        let message = match shows {
            None => feedback.lamp.message(0, None),
            Some(Shows::Lamp { when, on, off }) => {
                if holds(when, mode, state, &Still::default()) {
                    on.clone()
                } else {
                    off.clone()
                }
            }
            Some(Shows::Value { key, scaling }) => match state.get(key) {
                Some(StateValue::Number(number)) => feedback.lamp.message(scale(value_at(scaling, number.get())), None),
                _ => feedback.lamp.message(0, None),
            },
        };
        let key = match feedback.lamp {
            Lamp::Note { note, .. } => vec![0, note],
            Lamp::Cc { controller, .. } => vec![1, controller],
            other => panic!("{other:?}"),
        };
        lamps.insert(key, message);
    }
    lamps
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 200 } else { 2_000 }))]

    #[test]
    fn when_all_is_told_and_no_hand_is_on_a_control_devices_show_what_is_so(
        doings in prop::collection::vec(doing(), 1..60),
        pace in prop::sample::select(vec![[0, 0], [0, 3], [7, 1], [40, 0]]),
    ) {
        let config = config(&everything(pace));
        let mut session = Session::new(Arc::clone(&config));
        let world = Still::default();
        let (mut shown, mut fails, mut now) = ([Shown::default(), Shown::default()], false, 0_u64);
        let channel = Channel::new(1).expect("a channel");
        let mut last: [Option<u64>; 2] = [None, None];
        let settle = [Doing::Fails(false), Doing::Wait(70_000_000)];
        for (number, doing) in doings.iter().chain(&settle).enumerate() {
            let paced = pace.map(|ms| u64::from(ms) * 1_000);
            let mut failed_now = false;
            if let Doing::Found(device) = doing {
                shown[usize::from(*device)] = Shown { present: true, lamps: BTreeMap::new() };
            }
            let mut say = |event: SessionEvent<'_>| {
                let SessionEvent::Feedback { t, device, out, failed, .. } = event else { return };
                let of = usize::from(device.0);
                assert!(shown[of].present, "told while it is not there");
                failed.set(fails);
                if fails {
                    failed_now = true;
                    return;
                }
                assert!(last[of].is_none_or(|last| t >= last + paced[of]), "too fast at {t}");
                last[of] = Some(t);
                for message in out.message.messages().iter() {
                    if let Some(lamp) = lamp_of(message) {
                        shown[of].lamps.insert(lamp, out.message.clone());
                    }
                }
            };
            match doing {
                Doing::Wait(time) => {
                    now += time;
                    while !session.advance(now, &world, &mut say) {}
                }
                Doing::Note(note, down) => {
                    let message = Message::NoteOn { channel, note: *note, velocity: u8::from(*down) };
                    session.feed(now, DeviceId(0), &message, &world, &mut say);
                }
                Doing::Cc(device, controller, value) => {
                    let message = Message::ControlChange { channel, controller: *controller, value: *value };
                    session.feed(now, DeviceId(*device), &message, &world, &mut say);
                }
                Doing::Found(device) => session.device_found(now, DeviceId(*device), &world, &mut say),
                Doing::Lost(device) => {
                    session.device_lost(now, DeviceId(*device), &world, &mut say);
                    shown[usize::from(*device)].present = false;
                }
                Doing::Refresh => session.refresh(now, &[], &world, &mut say),
                Doing::Fails(whether) => fails = *whether,
            }
            let caught_up = session.next_due().is_none();
            if number + 1 == doings.len() + settle.len() {
                prop_assert!(caught_up, "it never comes to rest");
            }
            if !caught_up || failed_now {
                continue;
            }
            for (of, shown) in shown.iter().enumerate().filter(|(_, shown)| shown.present) {
                let device = DeviceId(u16::try_from(of).expect("two devices"));
                let should = should_show(&config, device, session.mode(), session.state());
                prop_assert_eq!(&shown.lamps, &should, "device {} after {:?}", of, doing);
            }
        }
    }
}

#[test]
fn what_shows_nothing_is_not_looked_at() {
    let text =
        pads("", "[[global_mappings]]\ntrigger = { Note = { note = 1 } }\naction = { Toggle = { name = \"a\" } }\n");
    plays(&text, "found n1=1 r1", "0 toggle.a = true");
    let config = config(&text);
    assert!(conductor::internals::feedback::Panel::of(&config, &mut StateTable::default()).is_none());
}

#[test]
fn the_examples_of_the_page_play_to_what_stands_below_them() {
    let page = std::fs::read_to_string(crate::support::repository("docs/configuration.md")).expect("the page");
    let (_, section) = page.split_once("\n## What a controller shows\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let blocks = |kind: &str| -> Vec<String> {
        let fence = format!("```{kind}\n");
        let blocks = section.split(&fence).skip(1);
        blocks.map(|block| block.split_once("```").expect("an end").0.to_owned()).collect()
    };
    let (configurations, sessions) = (blocks("toml"), blocks("session"));
    assert_eq!((configurations.len(), sessions.len()), (4, 4));
    for (configuration, session) in configurations.iter().zip(&sessions) {
        let (input, expected) = session.split_once('\n').expect("what happens");
        assert_eq!(play(configuration, input).join("\n"), expected.trim_end(), "{configuration}");
    }
}
