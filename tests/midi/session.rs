//! A session of a configuration, in simulated time. Its input is written as in `hand.rs`, or as the bytes of a device
//! (`x:b04007`), with `lost`, `found`, `unplugged`, `plugged` and `refresh` for what becomes of the device; what it does is lines such as `100 keys down f13`: milliseconds, then the effect, `mode NAME`, `call PLUGIN` with
//! the parameters, where there are any, or `route NUMBER` with what it passed on.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use conductor::internals::action::Task;
use conductor::internals::config::{Config, Environment, RouteId};
use conductor::internals::effect::Effect;
use conductor::internals::midi::Parser;
use conductor::internals::os::Conditions;
use conductor::internals::run::{Session, SessionEvent};
use conductor::internals::time::{FILE_EPOCH_US, VirtualClock};

use crate::hand::{Hand, Move};
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
    let mut hand = Hand::new();
    let mut parser = Parser::new();
    for word in input.split_whitespace() {
        let made = hand.play(word);
        let Hand { now, device, .. } = hand;
        match made {
            Move::Message(message) => session.feed(now, device, &message, &world, &mut say),
            Move::Time => while !session.advance(now, &world, &mut say) {},
            Move::Elsewhere => {}
            Move::Other("x", hex) => {
                let digit = |at: usize| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
                let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|at| digit(at).expect(word)).collect();
                let mut messages = Vec::new();
                parser.push(&bytes, |message| messages.push(message));
                for message in messages {
                    session.feed(now, device, &message, &world, &mut say);
                }
            }
            Move::Other("lost", _) => session.device_lost(now, device, &world, &mut say),
            Move::Other("found", _) => session.device_found(now, device, &world, &mut say),
            Move::Other("refresh", _) => session.refresh(now, &[], &world, &mut say),
            // Nothing can be sent from here on; or it can again.
            Move::Other(word @ ("unplugged" | "plugged"), _) => unplugged.set(word == "unplugged"),
            Move::Other(..) => panic!("{word}: not a word of this language"),
        }
    }
    session.end(hand.now, &world, &mut say);
    session.take_leave(|_| {}, &mut say);
    lines
}

/// Holds what a session of `text` does with `input` against `expected`, lines separated by `|`.
#[track_caller]
pub(crate) fn plays(text: &str, input: &str, expected: &str) {
    assert_eq!(play(text, input).join(" | "), expected, "\nfrom {input}");
}
