//! Playing a session from a file: virtual time, one thread, as fast as the machine goes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::dispatch::{Calls, Dispatch, Replayed, Report};
use super::session::{Session, SessionEvent};
use crate::action::{ConditionSource, Left};
use crate::capability::Capability;
use crate::config::Config;
use crate::confine::Confinement;
use crate::journal::{Command, Entry, InputKind, Line, Recorder, RevokedRecord, SessionInput};
use crate::os::DryRun;
use crate::plugins::PluginSet;
use crate::sandbox::{InlinePool, Plugin, PluginLog, Services, ThreadError, confinement, on_guest_thread};
use crate::time::{Alarm, Calendar, Clock, Micros, VirtualClock};

/// What a session is played with.
pub struct Playing {
    /// What to do.
    pub config: Arc<Config>,
    /// With which plugins.
    pub plugins: PluginSet,
    /// The clock in `services`, which playing moves.
    pub clock: Arc<VirtualClock>,
    /// What plugins are given.
    pub services: Arc<Services>,
    /// What is behind the way out in `services`, where nothing is done.
    pub dry_run: Option<Arc<DryRun>>,
    /// Records it, if wanted.
    pub recorder: Option<Arc<Recorder>>,
    /// What triggers of time and conditions of modes go by; absent where a recording has when they fired and changed.
    pub calendar: Option<Arc<dyn Calendar>>,
    /// When this is a recorded session: what timing did to it, and when it ended.
    pub replayed: Option<(Replayed, Micros)>,
}

impl std::fmt::Debug for Playing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playing").field("plugins", &self.plugins).finish_non_exhaustive()
    }
}

impl Playing {
    /// How the thread is confined that it is played on: guests run there, and everything else of the session.
    pub fn confinement(&self) -> impl FnOnce() -> Confinement + Send + use<> {
        let files = |plugin: &Arc<Plugin>| {
            plugin.needs().contains(&Capability::Filesystem) || plugin.grant().has(Capability::Filesystem)
        };
        let files = self.plugins.plugins.iter().any(files);
        let (config, services) = (Arc::clone(&self.config), Arc::clone(&self.services));
        move || confinement(&config.wasm.limits(), &services, files)
    }
}

/// Plays `inputs`. What outlasts the last of them falls due before the end; timers that outlast the last message fall due before
/// the end, in a recorded session those before its own end. `tell` is given each entry in order; `false` from it ends the
/// session. Returns the time up to which everything has happened.
pub fn play(
    playing: Playing,
    inputs: impl Iterator<Item = SessionInput> + Send,
    facts: &(dyn ConditionSource + Sync),
    tell: impl FnMut(Entry) -> bool + Send,
) -> Result<Micros, ThreadError> {
    let confined = playing.confinement();
    let Playing {
        config,
        plugins: PluginSet { plugins, refused },
        clock,
        services,
        dry_run,
        recorder,
        calendar,
        replayed,
    } = playing;
    let (mut replayed, end) = replayed.map_or((None, None), |(replayed, end)| (Some(replayed), Some(end)));
    let is_file = replayed.is_none();
    let cut_off = replayed.as_ref().is_some_and(|replayed| replayed.cut_off);
    let mut revoked = replayed.as_mut().map(|replayed| std::mem::take(&mut replayed.revoked)).unwrap_or_default();
    if !plugins.is_empty() {
        Alarm::start_watchdog();
    }
    let (services, held) = services.with_account();
    on_guest_thread(confined, move || {
        let mut session = Session::new(Arc::clone(&config));
        if let Some(calendar) = calendar {
            session = session.timed(calendar);
        }
        let calls = Calls::Inline(InlinePool::new(Arc::clone(&services), &config.wasm.limits(), plugins));
        let outside = held;
        let dispatch = Dispatch::new(calls, refused, outside, dry_run, clock.epoch())
            .recorded(recorder.clone())
            .replayed(replayed);
        let log = Arc::clone(&services.log);
        let mut at_work = AtWork { dispatch, config, tell, log: Arc::clone(&log), wanted: true };
        let mut number = 0;
        session.begin(facts, &mut |happening| {
            at_work.say(happening);
        });
        if is_file {
            show_without_devices(&mut session, recorder.as_deref(), facts, &mut |happening| {
                at_work.say(happening);
            });
        }
        for SessionInput { t, what } in inputs {
            at_work.revoke(&mut session, &mut revoked, number, &clock, facts);
            if !pass(&mut session, Some(t), &clock, facts, &mut |happening| at_work.say(happening)) {
                break;
            }
            clock.advance_to(t);
            let mut hear = |happening: SessionEvent<'_>| {
                at_work.say(happening);
            };
            match what {
                InputKind::Message(device, message) => {
                    if let Some(recorder) = &recorder {
                        recorder.message(session.arrival(t), device, &message);
                    }
                    session.feed(t, device, &message, facts, &mut hear);
                }
                InputKind::Found(device) => session.device_found(t, device, facts, &mut hear),
                InputKind::Lost(device) => session.device_lost(t, device, facts, &mut hear),
                InputKind::Refresh(devices) => session.refresh(t, &devices, facts, &mut hear),
                InputKind::Clock(mapping) => session.clock(t, mapping, facts, &mut hear),
                InputKind::When { mode, holds } => session.when(t, mode, holds, facts, &mut hear),
            }
            number += 1;
        }
        at_work.revoke(&mut session, &mut revoked, number, &clock, facts);
        session.input_over();
        pass(&mut session, end, &clock, facts, &mut |happening| at_work.say(happening));
        let mut hear = |happening: SessionEvent<'_>| {
            at_work.say(happening);
        };
        let until = session.settle(end.unwrap_or_default(), facts, &mut hear);
        clock.advance_to(until);
        let end = if cut_off {
            at_work.dispatch.cut_off();
            until
        } else {
            let (end, left) = session.end(until, facts, &mut hear);
            at_work.close(end, left);
            end
        };
        log.finish();
        services.memory.finish();
        end
    })
}

/// In a session from a file no device connects; what shows something is told so from the beginning.
pub(super) fn show_without_devices(
    session: &mut Session,
    recorder: Option<&Recorder>,
    facts: &dyn ConditionSource,
    say: &mut impl FnMut(SessionEvent<'_>),
) {
    let devices = session.shown_devices();
    if devices.is_empty() {
        return;
    }
    let t = session.now();
    if let Some(recorder) = recorder {
        let args = devices.iter().map(|device| device.0.to_string()).collect();
        recorder.line(Line::Control { t, command: Command::FeedbackRefresh, args });
    }
    session.refresh(t, &devices, facts, say);
}

/// What carries steps out, and who is told.
struct AtWork<F> {
    dispatch: Dispatch,
    config: Arc<Config>,
    tell: F,
    log: Arc<PluginLog>,
    /// Whether the one who is told still wants to be.
    wanted: bool,
}

impl<F: FnMut(Entry) -> bool> AtWork<F> {
    /// Does what `happening` asks for. `false`: the account is not wanted any more.
    fn say(&mut self, happening: SessionEvent<'_>) -> bool {
        let Self { dispatch, config, tell, log, wanted } = self;
        dispatch.handle(config, happening, &mut |report| hand_on(report, tell, log, wanted));
        *wanted
    }

    /// Drops the effects that were dropped before the input of this `number`.
    fn revoke(
        &mut self,
        session: &mut Session,
        revoked: &mut VecDeque<(usize, Micros, RevokedRecord)>,
        number: usize,
        clock: &VirtualClock,
        facts: &dyn ConditionSource,
    ) {
        while revoked.front().is_some_and(|(inputs, ..)| *inputs <= number) {
            let Some((_, t, record)) = revoked.pop_front() else { return }; // it was there
            pass(session, Some(t), clock, facts, &mut |happening| self.say(happening));
            let t = session.settle(t, facts, &mut |happening| {
                self.say(happening);
            });
            clock.advance_to(t);
            let Self { dispatch, config, tell, log, wanted } = self;
            dispatch.revoked(config, t, record, &mut |report| hand_on(report, tell, log, wanted));
        }
    }

    /// The session ends at `at`.
    fn close(self, at: Micros, left: Left) {
        let Self { dispatch, config, mut tell, log, mut wanted } = self;
        dispatch.close(&config, at, left, &mut |report| hand_on(report, &mut tell, &log, &mut wanted));
    }
}

/// Tells of `report`, as long as that is wanted.
fn hand_on(report: Report, tell: &mut impl FnMut(Entry) -> bool, log: &PluginLog, wanted: &mut bool) {
    if let Report::Entry(entry) = report {
        entry.log_plugin_lines(log);
        *wanted = *wanted && tell(entry);
    }
}

/// Lets what falls due before `until` (or at all) happen, each at its own time. `false`: the account is not wanted any more.
fn pass(
    session: &mut Session,
    until: Option<Micros>,
    clock: &VirtualClock,
    facts: &dyn ConditionSource,
    say: &mut impl FnMut(SessionEvent<'_>) -> bool,
) -> bool {
    let mut wanted = true;
    while let Some(due) = session.next_due().filter(|due| wanted && until.is_none_or(|until| *due <= until)) {
        clock.advance_to(due);
        session.advance(due, facts, &mut |happening| wanted = say(happening));
    }
    wanted
}
