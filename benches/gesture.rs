//! Gestures only: bytes → messages → gestures, beside the parser alone. No plugin, no mapping.
//!
//! The stream is a busy player's: pads with long presses, double taps and chords, encoders, faders of 7 and 14 bits, a parameter, a pedal,
//! pressure, bends, transport and clock, one message a millisecond, so that timers are set, cancelled and fall due. The plan has every
//! kind of trigger there is but those of time: ranges of notes and controllers, releases, and ranges of values that controls cross.

use std::hint::black_box;

use conductor::internals::gesture::{
    Control, Controls, DeviceId, EncoderMode, EncoderStep, Gesture, Recognizer, Transport, Trigger, TriggerSpec,
    ValueRange,
};
use conductor::internals::midi::{Channels, Message, Numbers, Parser};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Messages in the stream.
const MESSAGES: u64 = 10_000;

fn stream() -> Vec<u8> {
    let mut bytes = Vec::new();
    for round in 0..MESSAGES / 20 {
        let note = 36 + (round % 16) as u8;
        let value = (round * 7 % 128) as u8;
        bytes.extend([0x99, note, 100, note + 1, 90]); // two pads under running status, a chord
        bytes.extend([0xa9, note, value]); // pressure
        bytes.extend([0xb0, 16, value, 7, 127 - value]); // an encoder and a fader
        bytes.extend([64, value]); // a pedal, which flickers on its way
        bytes.extend([1, value, 33, 127 - value]); // a fader of 14 bits
        bytes.extend([99, 9, 98, 82, 6, value, 38, 127 - value]); // a parameter of the maker's
        bytes.extend([0xd0, value]); // pressure of the channel
        bytes.extend([0xc0, value]); // a program
        bytes.push(0xfa); // start
        bytes.push(0xf8); // clock
        bytes.extend([0xe0, 0, value]); // bend
        bytes.extend([0x89, note, 64, note + 1, 64]); // both let go
        bytes.push(0xfe); // active sensing
    }
    bytes
}

fn triggers() -> Vec<TriggerSpec> {
    let mut triggers = Vec::new();
    for note in 36..53 {
        triggers.push(Trigger::LongPress { notes: Numbers::only(note), duration_ms: 3 });
        triggers.push(Trigger::LongPress { notes: Numbers::only(note), duration_ms: 2000 });
        triggers.push(Trigger::DoubleTap { notes: Numbers::only(note), timeout_ms: 300 });
        triggers.push(Trigger::NoteChord { notes: vec![note, note + 1], timeout_ms: 50 });
    }
    triggers.push(Trigger::EncoderTurn {
        ccs: Numbers::only(16),
        direction: None,
        mode: EncoderMode::Absolute,
        step: EncoderStep::Each,
        acceleration: 4,
    });
    let pads: Numbers = (36..=51).collect();
    triggers.push(Trigger::Note { notes: pads, velocity_min: 1, velocity_max: 127 });
    triggers.push(Trigger::VelocityRange {
        notes: pads,
        soft_max: 40,
        medium_max: 80,
        velocity_min: 1,
        velocity_max: 127,
    });
    triggers.push(Trigger::NoteOff { notes: Numbers::ANY });
    triggers.push(Trigger::ProgramChange { programs: Numbers::ANY });
    triggers.push(Trigger::Transport { message: Transport::Start });
    triggers.push(Trigger::SysEx { prefix: [0x7e].into() });
    let crossing = |controls, min, max, hysteresis| {
        let range = ValueRange { min, max, hysteresis };
        Trigger::Control { controls, range, repeat: false }
    };
    let whole = |controls: Controls| {
        let range = ValueRange { min: 0, max: controls.scale(), hysteresis: 2 };
        Trigger::Control { controls, range, repeat: true }
    };
    let faders: Numbers = (0..=31).collect();
    triggers.push(crossing(Controls::Cc(Numbers::only(64)), 64, 127, 2)); // a pedal
    triggers.push(crossing(Controls::Cc(faders), 0, 42, 2)); // three zones of every fader
    triggers.push(crossing(Controls::Cc(faders), 43, 85, 2));
    triggers.push(crossing(Controls::Cc(faders), 86, 127, 2));
    triggers.push(whole(Controls::Cc(Numbers::ANY)));
    triggers.push(whole(Controls::Cc14(faders)));
    triggers.push(crossing(Controls::Cc14(faders), 8192, 16_383, 128));
    triggers.push(whole(Controls::Nrpn(1234)));
    triggers.push(crossing(Controls::Nrpn(1234), 8192, 16_383, 128));
    triggers.push(whole(Controls::Rpn(0)));
    triggers.push(crossing(Controls::Bend, 12_000, 16_383, 128));
    triggers.push(crossing(Controls::Pressure(Some(pads)), 64, 127, 2));
    triggers.push(crossing(Controls::Pressure(None), 100, 127, 2));
    triggers.into_iter().map(|trigger| TriggerSpec { trigger, channels: Channels::ANY, device: None }).collect()
}

fn parse(parser: &mut Parser, bytes: &[u8], emit: impl FnMut(Message)) {
    parser.push(black_box(bytes), emit);
}

/// Every kind of gesture comes of the stream, or its figure is one of something else.
fn assert_all_recognised(bytes: &[u8]) {
    let names: [&str; 0] = [];
    let (mut recognizer, mut now, mut events) = (Recognizer::new(&triggers(), &names), 0, Vec::new());
    parse(&mut Parser::new(), bytes, |message| {
        now += 1000;
        recognizer.feed(now, DeviceId(0), &message, &mut events);
    });
    let made = |kind: fn(&Gesture) -> bool| events.iter().any(|event| kind(&event.gesture));
    assert!(made(|gesture| matches!(gesture, Gesture::LongPress { .. })));
    assert!(made(|gesture| matches!(gesture, Gesture::DoubleTap { .. })));
    assert!(made(|gesture| matches!(gesture, Gesture::Chord { .. })));
    assert!(made(|gesture| matches!(gesture, Gesture::Encoder { .. })));
    assert!(made(|gesture| matches!(gesture, Gesture::Release { .. })));
    for scale in [Control::Cc(64), Control::Cc14(1), Control::Nrpn(1234), Control::Bend, Control::Pressure(None)] {
        let crossed = |way| {
            events.iter().any(|event| {
                matches!(event.gesture, Gesture::Crossing { control, inside, .. } if control == scale && inside == way)
            })
        };
        assert!(crossed(true) && crossed(false), "{scale:?} comes into its range and leaves it");
    }
}

fn gesture(criterion: &mut Criterion) {
    let bytes = stream();
    let mut count = 0;
    parse(&mut Parser::new(), &bytes, |_| count += 1);
    assert_eq!(count, MESSAGES);
    assert_all_recognised(&bytes);

    let mut group = criterion.benchmark_group("gesture");
    group.throughput(Throughput::Elements(MESSAGES));

    group.bench_function("baseline: parse only", |bencher| {
        let mut parser = Parser::new();
        bencher.iter(|| parse(&mut parser, &bytes, |message| drop(black_box(message))));
    });

    group.bench_function("parse and recognise", |bencher| {
        let names: [&str; 0] = [];
        let (mut parser, mut recognizer) = (Parser::new(), Recognizer::new(&triggers(), &names));
        let (mut now, mut events) = (0, Vec::new());
        bencher.iter(|| {
            parse(&mut parser, &bytes, |message| {
                now += 1000;
                recognizer.feed(now, DeviceId(0), &message, &mut events);
                black_box(&events);
                events.clear();
            });
        });
    });
    group.finish();
}

criterion_group!(benches, gesture);
criterion_main!(benches);
