//! Every gesture and its edges, in simulated time.
//!
//! Input is written as in `hand.rs`; `lost` is the device that vanishes.
//!
//! Output is what was recognised: milliseconds, then the gesture as it prints, separated by `|`. The channel and device are
//! shown where they are not the first. Presses are left out where the test says so, and releases everywhere, for brevity.

use conductor::internals::gesture::{
    DeviceId, Direction, EncoderMode, EncoderStep, Gesture, GestureEvent, Recognizer, Trigger, TriggerSpec,
};
use conductor::internals::midi::{Channel, Channels, Message, Numbers};
use proptest::prelude::*;

use crate::hand::{Hand, Move};

const DEVICES: [&str; 2] = ["pads", "keys"];

/// Plays `input` into a recogniser for `triggers`.
fn play(triggers: &[TriggerSpec], input: &str) -> String {
    let mut recognizer = Recognizer::new(triggers, &DEVICES);
    let mut events = Vec::new();
    let mut hand = Hand::new();
    for word in input.split_whitespace() {
        match hand.play(word) {
            Move::Message(message) => recognizer.feed(hand.now, hand.device, &message, &mut events),
            // As a daemon does it: asleep until something is due.
            Move::Time => {
                while let Some(due) = recognizer.next_due().filter(|due| *due <= hand.now) {
                    recognizer.advance(due, &mut events);
                }
            }
            Move::Elsewhere => {}
            Move::Other("lost", _) => recognizer.release_all(hand.now, hand.device, &mut events),
            Move::Other(..) => panic!("{word}: not a word of this language"),
        }
    }
    events.retain(|event| !matches!(event.gesture, Gesture::Release { .. }));
    show(&events)
}

fn show(events: &[GestureEvent]) -> String {
    let text = events.iter().map(|event| {
        let time = if event.t % 1000 == 0 {
            (event.t / 1000).to_string()
        } else {
            format!("{}.{:03}", event.t / 1000, event.t % 1000)
        };
        let channel = match event.channel.map_or(1, Channel::number) {
            1 => String::new(),
            other => format!(" ch{other}"),
        };
        let device = match event.device.map_or(0, |device| device.0) {
            0 => String::new(),
            other => format!(" dev{other}"),
        };
        format!("{time} {}{channel}{device}", event.gesture)
    });
    text.collect::<Vec<_>>().join(" | ")
}

/// Holds what comes of `input` against `expected`.
#[track_caller]
fn sim(triggers: &[TriggerSpec], input: &str, expected: &str) {
    assert_eq!(play(triggers, input), expected, "\nfrom {input}");
}

/// The same without presses and plain control changes.
#[track_caller]
fn derived(triggers: &[TriggerSpec], input: &str, expected: &str) {
    let all = play(triggers, input);
    let rest: Vec<_> = all.split(" | ").filter(|event| !event.contains(" press ") && !event.contains(" cc ")).collect();
    assert_eq!(rest.join(" | "), expected, "\nfrom {input}");
}

fn any(trigger: Trigger) -> TriggerSpec {
    TriggerSpec { trigger, channels: Channels::ANY, device: None }
}
fn on(trigger: Trigger, channel: u8) -> TriggerSpec {
    TriggerSpec { channels: Channel::new(channel).map_or(Channels::ANY, Channels::only), ..any(trigger) }
}
fn from(trigger: Trigger, device: &str) -> TriggerSpec {
    TriggerSpec { device: Some(device.to_owned()), ..any(trigger) }
}
fn long(note: u8, duration_ms: u32) -> Trigger {
    Trigger::LongPress { notes: Numbers::only(note), duration_ms }
}
fn double(note: u8, timeout_ms: u32) -> Trigger {
    Trigger::DoubleTap { notes: Numbers::only(note), timeout_ms }
}
fn chord(notes: &[u8], timeout_ms: u32) -> Trigger {
    Trigger::NoteChord { notes: notes.to_vec(), timeout_ms }
}
fn encoder(cc: u8, mode: EncoderMode) -> Trigger {
    Trigger::EncoderTurn { ccs: Numbers::only(cc), direction: None, mode, step: EncoderStep::Each, acceleration: 1 }
}

#[test]
fn a_press_fires_at_once_whatever_else_waits_for_the_note() {
    let triggers = [any(long(36, 500)), any(double(36, 300)), any(chord(&[36, 38], 50))];
    sim(&triggers, "n36:100", "0 press n36:100");
}

#[test]
fn every_message_becomes_its_gesture_without_any_trigger() {
    sim(
        &[],
        "n36:1 t:1 r36 c7=64 p36=50 p=51 b=16383 g=5",
        "0 press n36:1 | 1 cc c7=64 | 1 aftertouch n36=50 | 1 aftertouch 51 | 1 bend 16383 | 1 program 5",
    );
}

#[test]
fn channel_and_device_of_a_gesture_are_those_of_its_message() {
    sim(&[], "ch:10 n36:9 dev:1 c1=2 ch:1 b=0", "0 press n36:9 ch10 | 0 cc c1=2 ch10 dev1 | 0 bend 0 dev1");
}

#[test]
fn a_long_press_fires_while_held_without_another_message() {
    derived(&[any(long(36, 2000))], "n36:100 t:1999 t:1", "2000 long n36 2000ms");
    derived(&[any(long(36, 2000))], "n36:100 t:5000", "2000 long n36 2000ms");
}

#[test]
fn a_release_cancels_a_long_press_and_one_at_the_very_moment_is_too_late() {
    derived(&[any(long(36, 2000))], "n36:100 t:1999 r36 t:5000", "");
    derived(&[any(long(36, 2000))], "n36:100 t:2000 r36", "2000 long n36 2000ms");
    derived(&[any(long(36, 2000))], "n36:100 t:10 n36:0 t:5000", "");
}

#[test]
fn each_duration_of_a_note_fires_at_its_own_time_once() {
    let triggers = [any(long(36, 1000)), any(long(36, 250)), any(long(36, 1000)), any(long(36, 500))];
    derived(&triggers, "n36:90 t:5000 r36", "250 long n36 250ms | 500 long n36 500ms | 1000 long n36 1000ms");
    derived(&triggers, "n36:90 t:600 r36 t:5000", "250 long n36 250ms | 500 long n36 500ms");
}

#[test]
fn a_long_press_of_no_length_comes_with_the_press() {
    sim(&[any(long(36, 0))], "n36:100 t:1", "0 press n36:100 | 0 long n36 0ms");
}

#[test]
fn a_press_without_a_release_begins_the_hold_anew() {
    derived(&[any(long(36, 1000))], "n36:100 t:900 n36:80 t:900 t:100 t:5000", "1900 long n36 1000ms");
}

#[test]
fn a_second_release_and_a_release_of_nothing_do_nothing() {
    sim(&[any(long(36, 1000))], "r36 r36 n36:5 r36 r36 t:2000", "0 press n36:5");
}

#[test]
fn long_presses_due_together_come_by_device_channel_and_note() {
    let triggers = [any(long(40, 100)), any(long(36, 100))];
    derived(
        &triggers,
        "dev:1 n36:1 dev:0 ch:2 n36:1 ch:1 n40:1 n36:1 t:100",
        "100 long n36 100ms | 100 long n40 100ms | 100 long n36 100ms ch2 | 100 long n36 100ms dev1",
    );
}

#[test]
fn long_presses_that_fall_due_before_a_message_come_before_it() {
    let mut recognizer = Recognizer::new(&[any(long(36, 100))], &DEVICES);
    let (mut events, channel) = (Vec::new(), Channel::new(1).expect("a channel"));
    recognizer.feed(0, DeviceId(0), &Message::NoteOn { channel, note: 36, velocity: 7 }, &mut events);
    recognizer.feed(900_000, DeviceId(0), &Message::NoteOn { channel, note: 50, velocity: 8 }, &mut events);
    assert_eq!(show(&events), "0 press n36:7 | 100 long n36 100ms | 900 press n50:8");
}

#[test]
fn two_presses_within_the_time_are_a_double_tap_its_end_included() {
    sim(
        &[any(double(36, 300))],
        "n36:100 t:30 r36 t:100 n36:90",
        "0 press n36:100 | 130 press n36:90 | 130 double n36:90",
    );
    derived(&[any(double(36, 300))], "n36:1 r36 t:300 n36:2", "300 double n36:2");
    derived(&[any(double(36, 300))], "n36:1 r36 t:300 t:1us n36:2", "");
}

#[test]
fn a_double_tap_uses_up_both_presses() {
    derived(
        &[any(double(36, 300))],
        "n36:1 r36 t:100 n36:2 r36 t:100 n36:3 r36 t:100 n36:4",
        "100 double n36:2 | 300 double n36:4",
    );
}

#[test]
fn a_press_too_late_for_a_double_tap_is_the_first_of_the_next() {
    derived(&[any(double(36, 300))], "n36:1 r36 t:400 n36:2 r36 t:200 n36:3", "600 double n36:3");
}

#[test]
fn a_double_tap_needs_no_release_between() {
    derived(&[any(double(36, 300))], "n36:1 t:100 n36:2", "100 double n36:2");
}

#[test]
fn the_longest_time_of_a_note_makes_the_pair_and_its_distance_is_told() {
    let triggers = [any(double(36, 100)), any(double(36, 400))];
    let mut recognizer = Recognizer::new(&triggers, &DEVICES);
    let (mut events, channel) = (Vec::new(), Channel::new(1).expect("a channel"));
    for t in [0, 350_000] {
        recognizer.feed(t, DeviceId(0), &Message::NoteOn { channel, note: 36, velocity: 7 }, &mut events);
    }
    assert_eq!(events[2].gesture, Gesture::DoubleTap { note: 36, velocity: 7, distance: 350_000 });
}

#[test]
fn taps_on_different_notes_channels_and_devices_are_no_pair() {
    let triggers = [any(double(36, 300)), any(double(38, 300))];
    derived(&triggers, "n36:1 t:10 n38:1", "");
    derived(&triggers, "n36:1 t:10 ch:2 n36:1", "");
    derived(&triggers, "n36:1 t:10 dev:1 n36:1", "");
}

#[test]
fn a_chord_fires_with_its_last_press_in_any_order() {
    sim(
        &[any(chord(&[36, 38, 40], 50))],
        "n40:10 t:20 n36:20 t:30 n38:30",
        "0 press n40:10 | 20 press n36:20 | 50 press n38:30 | 50 chord n36+n38+n40:30",
    );
}

#[test]
fn a_chord_is_measured_from_the_first_press_to_the_last() {
    derived(&[any(chord(&[36, 38, 40], 50))], "n36:1 t:30 n38:1 t:30 n40:1", "");
    derived(&[any(chord(&[36, 38], 50))], "n36:1 t:50 t:1us n38:1", "");
    derived(&[any(chord(&[36, 38], 50))], "n36:1 t:50 n38:1", "50 chord n36+n38:1");
}

#[test]
fn a_chord_needs_all_its_notes_held() {
    derived(&[any(chord(&[36, 38], 50))], "n36:1 t:10 r36 t:10 n38:1", "");
    derived(&[any(chord(&[36, 38], 50))], "n36:1 t:10 n36:0 t:10 n38:1", "");
}

#[test]
fn a_chord_fires_once_until_one_of_its_notes_is_released() {
    let triggers = [any(chord(&[36, 38], 50))];
    derived(&triggers, "n36:1 n38:2 t:10 n36:3 t:10 n38:4", "0 chord n36+n38:2");
    derived(&triggers, "n36:1 n38:2 t:10 r38 t:10 n38:4", "0 chord n36+n38:2 | 20 chord n36+n38:4");
    // Released, but the other note has been down for too long.
    derived(&triggers, "n36:1 n38:2 t:10 r38 t:60 n38:4", "0 chord n36+n38:2");
}

#[test]
fn a_late_chord_can_be_completed_by_pressing_again() {
    derived(&[any(chord(&[36, 38], 50))], "n36:1 t:100 n38:1 t:10 n36:5", "110 chord n36+n38:5");
}

#[test]
fn a_note_may_belong_to_several_chords() {
    let triggers = [any(chord(&[36, 38, 40], 50)), any(chord(&[36, 38], 50)), any(chord(&[38, 40], 50))];
    derived(&triggers, "n36:1 n38:2 n40:3", "0 chord n36+n38:2 | 0 chord n36+n38+n40:3 | 0 chord n38+n40:3");
}

#[test]
fn notes_of_different_channels_or_devices_make_no_chord() {
    let triggers = [any(chord(&[36, 38], 50))];
    derived(&triggers, "n36:1 ch:2 n38:1", "");
    derived(&triggers, "n36:1 dev:1 n38:1", "");
    derived(&triggers, "ch:2 n36:1 n38:1", "0 chord n36+n38:1 ch2");
}

#[test]
fn filters_decide_where_a_gesture_is_recognised() {
    let triggers = [on(long(36, 100), 2), from(double(36, 300), "keys"), on(chord(&[36, 38], 50), 3)];
    derived(&triggers, "n36:1 n36:1 n38:1 t:200", "");
    derived(&triggers, "ch:2 n36:1 n36:1 n38:1 t:200", "100 long n36 100ms ch2");
    derived(&triggers, "dev:1 n36:1 n36:1 n38:1 t:200", "0 double n36:1 dev1");
    derived(&triggers, "ch:3 n36:1 n36:1 n38:1 t:200", "0 chord n36+n38:1 ch3");
}

#[test]
fn a_trigger_for_a_device_that_is_not_configured_never_fires() {
    derived(&[from(long(36, 100), "drums")], "n36:1 dev:1 n36:1 t:500", "");
}

#[test]
fn all_notes_off_releases_its_channel_and_all_sound_off_too() {
    for off in ["c123=0", "c120=0"] {
        let triggers = [any(long(36, 100)), any(chord(&[36, 38], 50)), any(double(40, 300))];
        derived(&triggers, &format!("n36:1 t:10 {off} n38:1 t:500"), "");
        derived(&triggers, &format!("ch:2 n36:1 ch:1 t:10 {off} t:500"), "100 long n36 100ms ch2");
        derived(&triggers, &format!("n36:1 n38:1 {off} n36:1 n38:2 {off}"), "0 chord n36+n38:1 | 0 chord n36+n38:2");
        derived(&triggers, &format!("n40:1 {off} t:10 n40:2"), "");
    }
}

#[test]
fn a_reset_and_a_vanished_device_release_everything_on_it() {
    for event in ["reset", "lost"] {
        let triggers = [any(long(36, 100)), any(double(40, 300)), any(encoder(1, EncoderMode::Absolute))];
        derived(&triggers, &format!("n36:1 ch:2 n36:1 t:10 {event} t:500"), "");
        derived(&triggers, &format!("dev:1 n36:1 dev:0 t:10 {event} t:500"), "100 long n36 100ms dev1");
        derived(&triggers, &format!("n40:1 t:10 {event} n40:1 t:10 n40:1"), "20 double n40:1");
        derived(&triggers, &format!("c1=5 {event} c1=9 c1=10"), "0 encoder c1 clockwise");
    }
}

#[test]
fn an_absolute_encoder_turns_by_the_difference_and_goes_on_at_its_ends() {
    let triggers = [any(encoder(1, EncoderMode::Absolute))];
    sim(&triggers, "c1=64", "0 cc c1=64");
    derived(&triggers, "c1=64 t:1 c1=65 t:1 c1=65 t:1 c1=63", "1 encoder c1 clockwise | 3 encoder c1 counterclockwise");
    derived(
        &triggers,
        "c1=126 t:1 c1=127 t:1 c1=127 t:1 c1=126",
        "1 encoder c1 clockwise | 2 encoder c1 clockwise | 3 encoder c1 counterclockwise",
    );
    derived(&triggers, "c1=1 t:1 c1=0 t:1 c1=0", "1 encoder c1 counterclockwise | 2 encoder c1 counterclockwise");
    derived(&triggers, "c1=5 ch:2 c1=9", "");
}

#[test]
fn relative_encoders_follow_their_mode() {
    let table = [
        (EncoderMode::TwosComplement, [(1, 1), (63, 1), (0, 0), (64, 0), (65, -1), (127, -1)]),
        (EncoderMode::SignMagnitude, [(1, 1), (63, 1), (0, 0), (64, 0), (65, -1), (127, -1)]),
        (EncoderMode::BinaryOffset, [(65, 1), (127, 1), (64, 0), (63, -1), (1, -1), (0, -1)]),
    ];
    for (mode, values) in table {
        for (value, way) in values {
            let expected = match way {
                1 => format!("0 encoder c9 {}", Direction::Clockwise),
                -1 => format!("0 encoder c9 {}", Direction::CounterClockwise),
                _ => String::new(),
            };
            derived(&[any(encoder(9, mode))], &format!("c9={value}"), &expected);
        }
    }
}

#[test]
fn the_first_trigger_decides_how_an_encoder_writes_its_turns() {
    let triggers = [
        on(encoder(9, EncoderMode::BinaryOffset), 2),
        any(encoder(9, EncoderMode::TwosComplement)),
        any(encoder(9, EncoderMode::Absolute)),
    ];
    derived(&triggers, "c9=1", "0 encoder c9 clockwise");
    derived(&triggers, "ch:2 c9=1", "0 encoder c9 counterclockwise ch2");
}

#[test]
fn time_never_goes_back() {
    let mut recognizer = Recognizer::new(&[any(double(36, 300))], &DEVICES);
    let (mut events, channel) = (Vec::new(), Channel::new(1).expect("a channel"));
    for t in [500_000, 100_000] {
        recognizer.feed(t, DeviceId(0), &Message::NoteOn { channel, note: 36, velocity: 7 }, &mut events);
    }
    assert_eq!(show(&events), "500 press n36:7 | 500 press n36:7 | 500 double n36:7");
}

/// A random word of the language above.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        (36_u8..40, 0_u8..3).prop_map(|(note, velocity)| format!("n{note}:{velocity}")),
        (36_u8..40).prop_map(|note| format!("r{note}")),
        (prop_oneof![Just(1_u8), Just(120), Just(123)], 0_u8..=127).prop_map(|(cc, value)| format!("c{cc}={value}")),
        (0_u32..60).prop_map(|ms| format!("t:{ms}")),
        (1_u8..3).prop_map(|channel| format!("ch:{channel}")),
        (0_u8..2).prop_map(|device| format!("dev:{device}")),
        Just("lost".to_owned()),
    ]
}

fn busy_triggers() -> Vec<TriggerSpec> {
    let mut triggers =
        vec![any(chord(&[36, 37], 50)), any(chord(&[36, 38, 39], 30)), on(encoder(1, EncoderMode::Absolute), 1)];
    for note in 36..40 {
        triggers.extend([any(long(note, 40)), any(long(note, 90)), any(double(note, 60))]);
    }
    triggers
}

proptest! {
    #[test]
    fn how_finely_time_is_cut_changes_nothing(words in prop::collection::vec(word(), 0..80)) {
        let coarse = words.join(" ");
        let fine: Vec<_> = words.iter().map(|word| match word.strip_prefix("t:") {
            Some(ms) => vec!["t:1"; ms.parse().expect("a number")].join(" "),
            None => word.clone(),
        }).collect();
        prop_assert_eq!(play(&busy_triggers(), &coarse), play(&busy_triggers(), &fine.join(" ")));
    }

    #[test]
    fn gestures_come_in_the_order_of_their_times_and_nothing_is_due_when_nothing_is_held(
        words in prop::collection::vec(word(), 0..80)
    ) {
        let text = play(&busy_triggers(), &words.join(" "));
        let times: Vec<u64> = text.split(" | ").filter(|event| !event.is_empty())
            .map(|event| event.split(' ').next().and_then(|time| time.parse().ok()).expect("a time")).collect();
        prop_assert!(times.is_sorted(), "{}", text);
        let released: Vec<_> = words.iter().cloned()
            .chain(["dev:0 lost dev:1 lost t:1 dev:0 c7=1 t:500".to_owned()]).collect();
        let after = play(&busy_triggers(), &released.join(" "));
        prop_assert!(after.ends_with("cc c7=1") || after.contains("cc c7=1 ch"), "{}", after);
        prop_assert_eq!(after.matches("cc c7=1").count(), 1);
        prop_assert!(!after.split("cc c7=1").nth(1).expect("it was played").contains("long"), "{}", after);
    }
}
