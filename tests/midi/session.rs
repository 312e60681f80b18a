//! A session of a configuration, in simulated time. Its input is written as in `gestures.rs`, or as the bytes of a device
//! (`x:b04007`); what it does is lines such as `100 keys down f13`: milliseconds, then the effect, `mode NAME`, `call PLUGIN` with
//! the parameters, where there are any, or `route NUMBER` with what it passed on.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use conductor::internals::action::Task;
use conductor::internals::config::{Config, Environment, RouteId};
use conductor::internals::effect::Effect;
use conductor::internals::gesture::DeviceId;
use conductor::internals::midi::{Channel, Message, Parser, SystemMessage};
use conductor::internals::os::Conditions;
use conductor::internals::run::{Session, SessionEvent};
use conductor::internals::time::{FILE_EPOCH_US, VirtualClock};

use crate::support::conditions::Still;

/// The configuration that `text` is.
#[track_caller]
pub(crate) fn config(text: &str) -> Arc<Config> {
    let loaded = Config::from_text(text, "config.toml", Path::new(""), &Environment::default());
    Arc::new(loaded.unwrap_or_else(|invalid| panic!("{invalid}\n{text}")).config)
}

/// What a session of `text` does with `input`, its end included.
#[track_caller]
pub(crate) fn play(text: &str, input: &str) -> Vec<String> {
    let config = config(text);
    let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
    let mut session = Session::new(Arc::clone(&config)).timed(Arc::new(Conditions::played(clock)));
    let mut lines = Vec::new();
    let unplugged = Cell::new(false);
    let mut say = |event: SessionEvent<'_>| {
        let step = match event {
            SessionEvent::Step { step, .. } => step,
            SessionEvent::Feedback { t, out, failed, .. } => {
                failed.set(unplugged.get());
                return lines.push(format!("{} {out}{}", t / 1000, if unplugged.get() { " failed" } else { "" }));
            }
            SessionEvent::Routed { t, route: RouteId(route), out, .. } => {
                return lines.push(format!("{} route {route} {}", t / 1000, Effect::Midi(out)));
            }
            _ => return,
        };
        let what = match &step.task {
            Task::Effect(effect) => effect.to_string(),
            Task::Mode(mode) => format!("mode {}", config.modes[*mode].name),
            Task::Plugin(call) if call.params.json == "{}" => format!("call {}", call.plugin),
            Task::Plugin(call) => format!("call {} {}", call.plugin, call.params.json),
            Task::State(change) => change.to_string(),
            Task::Dropped(dropped) => dropped.to_string(),
        };
        lines.push(format!("{} {what}", step.at / 1000));
    };
    let world = Still::default();
    session.begin(&world, &mut say);
    let (mut now, mut channel, mut device) = (0, Channel::new(1).expect("a channel"), DeviceId(0));
    let mut parser = Parser::new();
    for word in input.split_whitespace() {
        let (head, tail) = word.split_once([':', '=']).unwrap_or((word, ""));
        let number = |text: &str| text.parse::<u16>().unwrap_or_else(|_| panic!("{word}: not a number: {text:?}"));
        let byte = |text: &str| u8::try_from(number(text)).unwrap_or_else(|_| panic!("{word}: too large"));
        let message = match (head.split_at(1), tail) {
            _ if head == "ch" => {
                channel = Channel::new(byte(tail)).expect("a channel");
                continue;
            }
            _ if head == "dev" => {
                device = DeviceId(number(tail));
                continue;
            }
            _ if head == "x" => {
                let digit = |at: usize| tail.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
                let bytes: Vec<u8> = (0..tail.len()).step_by(2).map(|at| digit(at).expect(word)).collect();
                let mut messages = Vec::new();
                parser.push(&bytes, |message| messages.push(message));
                for message in messages {
                    session.feed(now, device, &message, &world, &mut say);
                }
                continue;
            }
            _ if head == "lost" => {
                session.device_lost(now, device, &world, &mut say);
                continue;
            }
            _ if head == "found" => {
                session.device_found(now, device, &world, &mut say);
                continue;
            }
            _ if head == "refresh" => {
                session.refresh(now, &[], &world, &mut say);
                continue;
            }
            // Nothing can be sent from here on; or it can again.
            _ if head == "unplugged" || head == "plugged" => {
                unplugged.set(head == "unplugged");
                continue;
            }
            _ if head == "start" => Message::System(SystemMessage::Start),
            _ if head == "reset" => Message::System(SystemMessage::Reset),
            (("t", ""), time) => {
                now += u64::from(number(time)) * 1000;
                while !session.advance(now, &world, &mut say) {}
                continue;
            }
            (("n", note), velocity) => Message::NoteOn { channel, note: byte(note), velocity: byte(velocity) },
            (("r", note), _) => Message::NoteOff { channel, note: byte(note), velocity: 64 },
            (("c", cc), value) => Message::ControlChange { channel, controller: byte(cc), value: byte(value) },
            (("p", ""), pressure) => Message::ChannelPressure { channel, pressure: byte(pressure) },
            (("p", note), pressure) => Message::PolyPressure { channel, note: byte(note), pressure: byte(pressure) },
            (("b", _), value) => Message::PitchBend { channel, value: number(value) },
            (("g", _), program) => Message::ProgramChange { channel, program: byte(program) },
            _ => panic!("{word}: not a word of this language"),
        };
        session.feed(now, device, &message, &world, &mut say);
    }
    session.end(now, &world, &mut say);
    lines
}

/// Holds what a session of `text` does with `input` against `expected`, lines separated by `|`.
#[track_caller]
pub(crate) fn plays(text: &str, input: &str, expected: &str) {
    assert_eq!(play(text, input).join(" | "), expected, "\nfrom {input}");
}
