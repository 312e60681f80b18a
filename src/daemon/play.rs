//! Playing a session from a file: virtual time, one thread, as fast as the machine goes.

use std::sync::Arc;

use super::dispatch::{Calls, Dispatch, Report};
use super::plugins::PluginSet;
use super::session::{Happening, Session};
use super::told::Told;
use crate::action::{Facts, Outside};
use crate::clock::{Clock, Micros, VirtualClock};
use crate::config::Config;
use crate::gesture::DeviceId;
use crate::journal::Entry;
use crate::midi::Message;
use crate::sandbox::{InlinePool, Services, on_guest_stack};

/// What a session is played with.
#[derive(Debug)]
pub struct Playing {
    /// What to do.
    pub config: Arc<Config>,
    /// With which plugins.
    pub plugins: PluginSet,
    /// Time; moved by playing.
    pub clock: Arc<VirtualClock>,
    /// What plugins are given.
    pub services: Arc<Services>,
    /// The same outside as in `services`, when this is a dry run.
    pub told: Option<Arc<Told>>,
}

/// Plays `messages`. Timers that outlast the last message fall due before the end. `tell` is given each entry in order;
/// `false` from it ends the session.
pub fn play(
    playing: Playing,
    messages: impl Iterator<Item = (Micros, DeviceId, Message)> + Send,
    facts: &(dyn Facts + Sync),
    mut tell: impl FnMut(Entry) -> bool + Send,
) {
    let Playing { config, plugins: PluginSet { plugins, refused }, clock, services, told } = playing;
    on_guest_stack(move || {
        let mut session = Session::new(Arc::clone(&config));
        let calls = Calls::Inline(InlinePool::new(Arc::clone(&services), &config.wasm, plugins));
        let outside: Arc<dyn Outside> = Arc::clone(&services.outside);
        let mut dispatch = Dispatch::new(calls, refused, outside, told, clock.epoch());
        let mut wanted = true;
        let mut say = |happening: Happening<'_>| {
            dispatch.handle(&config, happening, &mut |report| {
                if let Report::Entry(entry) = report {
                    entry.log_plugin_lines();
                    wanted = wanted && tell(entry);
                }
            });
            wanted
        };
        for (t, device, message) in messages {
            if !pass(&mut session, Some(t), &clock, facts, &mut say) {
                break;
            }
            clock.advance_to(t);
            session.feed(t, device, &message, facts, &mut |happening| {
                say(happening);
            });
        }
        pass(&mut session, None, &clock, facts, &mut say);
        if let Calls::Inline(pool) = dispatch.into_calls() {
            pool.close(clock.now());
        }
    });
}

/// Lets what falls due before `until` (or at all) happen, each at its own time. `false`: the account is not wanted any more.
fn pass(
    session: &mut Session,
    until: Option<Micros>,
    clock: &VirtualClock,
    facts: &dyn Facts,
    say: &mut impl FnMut(Happening<'_>) -> bool,
) -> bool {
    let mut wanted = true;
    while let Some(due) = session.next_due().filter(|due| wanted && until.is_none_or(|until| *due <= until)) {
        clock.advance_to(due);
        session.advance(due, facts, &mut |happening| wanted = say(happening));
    }
    wanted
}
