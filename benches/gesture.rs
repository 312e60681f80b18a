//! Gestures only: bytes → messages → gestures, beside the parser alone. No plugin, no mapping.
//!
//! The stream is a busy player's: pads with long presses, double taps and chords, encoders, pressure, bends and clock, one
//! message a millisecond, so that timers are set, cancelled and fall due.

use std::hint::black_box;

use conductor::internals::gesture::{DeviceId, EncoderMode, EncoderStep, Recognizer, Trigger, TriggerSpec};
use conductor::internals::midi::{Channels, Message, Numbers, Parser};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Messages in the stream.
const MESSAGES: u64 = 10_000;

fn stream() -> Vec<u8> {
    let mut bytes = Vec::new();
    for round in 0..MESSAGES / 10 {
        let note = 36 + (round % 16) as u8;
        let value = (round * 7 % 128) as u8;
        bytes.extend([0x99, note, 100, note + 1, 90]); // two pads under running status, a chord
        bytes.extend([0xa9, note, value]); // pressure
        bytes.extend([0xb0, 16, value, 7, 127 - value]); // an encoder and a fader
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
        acceleration: 1,
    });
    triggers.into_iter().map(|trigger| TriggerSpec { trigger, channels: Channels::ANY, device: None }).collect()
}

fn parse(parser: &mut Parser, bytes: &[u8], emit: impl FnMut(Message)) {
    parser.push(black_box(bytes), emit);
}

fn gesture(criterion: &mut Criterion) {
    let bytes = stream();
    let mut count = 0;
    parse(&mut Parser::new(), &bytes, |_| count += 1);
    assert_eq!(count, MESSAGES);

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
