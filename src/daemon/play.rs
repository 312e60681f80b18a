//! Playing a session from a file: virtual time, one thread, as fast as the machine goes.

use std::sync::Arc;

use super::dispatch::{Calls, Dispatch, Replayed, Report};
use super::plugins::PluginSet;
use super::session::{Happening, Session};
use super::told::Told;
use crate::action::{Facts, Outside};
use crate::clock::{Clock, Micros, VirtualClock};
use crate::config::Config;
use crate::gesture::DeviceId;
use crate::journal::{Entry, Recorder};
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
    /// Records it, if wanted.
    pub recorder: Option<Arc<Recorder>>,
    /// When this is a recorded session: what timing did to it, and when it ended.
    pub replayed: Option<(Replayed, Micros)>,
}

/// Plays `messages`; in the place of one that is absent its device is lost. Timers that outlast the last message fall due before
/// the end, in a recorded session those before its own end. `tell` is given each entry in order; `false` from it ends the
/// session. Returns the time up to which everything has happened.
pub fn play(
    playing: Playing,
    messages: impl Iterator<Item = (Micros, DeviceId, Option<Message>)> + Send,
    facts: &(dyn Facts + Sync),
    mut tell: impl FnMut(Entry) -> bool + Send,
) -> Micros {
    let Playing { config, plugins: PluginSet { plugins, refused }, clock, services, told, recorder, replayed } =
        playing;
    let (replayed, end) = replayed.map_or((None, None), |(replayed, end)| (Some(replayed), Some(end)));
    let cut_off = replayed.as_ref().is_some_and(|replayed| replayed.cut_off);
    on_guest_stack(move || {
        let mut session = Session::new(Arc::clone(&config));
        let calls = Calls::Inline(InlinePool::new(Arc::clone(&services), &config.wasm, plugins));
        let outside: Arc<dyn Outside> = Arc::clone(&services.outside);
        let mut dispatch =
            Dispatch::new(calls, refused, outside, told, clock.epoch()).recorded(recorder.clone()).replayed(replayed);
        let mut wanted = true;
        let mut tell = |report| {
            if let Report::Entry(entry) = report {
                entry.log_plugin_lines();
                wanted = wanted && tell(entry);
            }
            wanted
        };
        let mut say = |happening: Happening<'_>| {
            let mut wanted = true;
            dispatch.handle(&config, happening, &mut |report| wanted = tell(report));
            wanted
        };
        for (t, device, message) in messages {
            if !pass(&mut session, Some(t), &clock, facts, &mut say) {
                break;
            }
            clock.advance_to(t);
            let mut hear = |happening: Happening<'_>| {
                say(happening);
            };
            if let Some(message) = message {
                if let Some(recorder) = &recorder {
                    recorder.message(session.arrival(t), device, &message);
                }
                session.feed(t, device, &message, facts, &mut hear);
            } else {
                session.device_lost(t, device, facts, &mut hear);
            }
        }
        pass(&mut session, end, &clock, facts, &mut say);
        let end = session.end(end.unwrap_or_default(), facts, &mut |happening| {
            say(happening);
        });
        clock.advance_to(end);
        if !cut_off {
            dispatch.close(&config, end, true, &mut |report| {
                tell(report);
            });
        }
        end
    })
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
