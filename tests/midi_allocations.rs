//! From bytes to gestures nothing is allocated but the notes of a chord that fired, and a message that a route passes costs the name of
//! its port, as one that a mapping sends does.

#![allow(unsafe_code)] // an allocator that counts can be written in no other way

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use conductor::internals::config::{Config, Environment};
use conductor::internals::gesture::{DeviceId, EncoderMode, EncoderStep, Gesture, Recognizer, Trigger, TriggerSpec};
use conductor::internals::midi::{Channels, Numbers, Parser};
use conductor::internals::run::{Session, SessionEvent};

#[path = "support/conditions.rs"]
#[allow(dead_code)] // a part of it
mod conditions;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed on unchanged to the system's allocator, which keeps the contract; counting touches a plain
// number of this thread that needs no allocation and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn channel_messages_and_gestures_cost_no_allocation_but_the_notes_of_a_chord() {
    let any = |trigger| TriggerSpec { trigger, channels: Channels::ANY, device: None };
    let mut triggers = vec![
        any(Trigger::NoteChord { notes: vec![36, 38], timeout_ms: 100 }),
        any(Trigger::EncoderTurn {
            ccs: Numbers::only(16),
            direction: None,
            mode: EncoderMode::Absolute,
            step: EncoderStep::Each,
            acceleration: 1,
        }),
    ];
    for note in 36..52 {
        triggers
            .extend([50, 2000].map(|duration_ms| any(Trigger::LongPress { notes: Numbers::only(note), duration_ms })));
        triggers.push(any(Trigger::DoubleTap { notes: Numbers::only(note), timeout_ms: 300 }));
    }
    let names: [&str; 0] = [];
    let (mut recognizer, mut parser, mut events) = (Recognizer::new(&triggers, &names), Parser::new(), Vec::new());
    let mut bytes = Vec::new();
    for note in 36..52 {
        bytes.extend([0x90, note, 100, 0xb0, 16, note, 0xe0, 0, note, 0xa0, note, 5, 0xd0, 6, 0xf8]);
    }
    for note in 36..52 {
        bytes.extend([0x80, note, 0]);
    }
    let mut now = 0;
    let mut play = |events: &mut Vec<_>| {
        parser.push(&bytes, |message| {
            now += 5000;
            recognizer.feed(now, DeviceId(0), &message, events);
        });
    };
    play(&mut events); // makes room once for the channel, the timers and the events
    events.clear();
    events.reserve(10_000);
    let before = ALLOCATIONS.with(Cell::get);
    for _ in 0..100 {
        play(&mut events);
        events.retain(|event| matches!(event.gesture, Gesture::Chord { .. }));
    }
    let allocations = ALLOCATIONS.with(Cell::get) - before;
    assert_eq!((allocations, events.len()), (100, 100), "one for each chord");
}

/// Allocations of `rounds` rounds in a session of `text`, and the messages it sends.
fn session(text: &str, rounds: usize) -> (u64, u64) {
    let loaded = Config::from_text(text, "test", Path::new(""), &Environment::default()).expect("a configuration");
    let mut session = Session::new(Arc::new(loaded.config));
    let mut parser = Parser::new();
    let (world, mut now, mut sent) = (conditions::Still::default(), 0, 0);
    let mut play = |sent: &mut u64| {
        parser.push(&[0x90, 60, 100, 62, 90, 0x80, 60, 0, 62, 0, 0xb0, 1, 5, 0xe0, 0, 64], |message| {
            now += 1000;
            session.feed(now, DeviceId(0), &message, &world, &mut |event| {
                *sent += u64::from(matches!(event, SessionEvent::Routed { .. } | SessionEvent::Step { .. }));
            });
        });
    };
    play(&mut sent); // makes room once
    sent = 0;
    let before = ALLOCATIONS.with(Cell::get);
    for _ in 0..rounds {
        play(&mut sent);
    }
    (ALLOCATIONS.with(Cell::get) - before, sent)
}

#[test]
fn a_message_that_is_passed_on_costs_no_more_than_one_that_a_mapping_sends() {
    let device = "[device]\nname = \"keys\"\n";
    let named = "[[global_mappings]]\ntrigger = { Note = { note = 36 } }\naction = { Delay = { ms = 1 } }\n";
    let route = format!("{device}[[route]]\nfrom = \"keys\"\nto = \"Synth\"\ntranspose = 12\nchannel = 3\n{named}");
    assert_eq!(session(&route, 100), (600, 600), "one for each, the name of the port");
    let mapping = |trigger: &str| {
        let message = "port = \"Synth\", message_type = \"CC\", channel = 1, controller = 1, value = 1";
        format!("[[global_mappings]]\ntrigger = {trigger}\naction = {{ SendMidi = {{ {message} }} }}\n")
    };
    let mapped = format!("{device}{}", mapping("{ Note = { note = \"any\" } }"));
    let (allocations, sent) = session(&mapped, 100);
    assert!(sent == 200 && allocations >= sent, "{allocations} for {sent}");
}
