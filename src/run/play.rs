//! Playing a session from a file: virtual time, one thread, as fast as the machine goes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::dispatch::{Calls, Dispatch, Replayed, Report};
use super::residents::{Hands, Keeper, Residents};
use super::session::{Session, SessionEvent};
use crate::action::{ConditionSource, Left};
use crate::call::{PluginEvent, ResidentEvent, StartReason, StopReason};
use crate::capability::Capability;
use crate::config::Config;
use crate::confine::Confinement;
use crate::journal::{Command, Entry, InputKind, Line, Playback, Recorder, RevokedRecord, SessionInput, StateInput};
use crate::os::DryRun;
use crate::plugins::PluginSet;
use crate::sandbox::{InlinePool, Plugin, PluginLog, Services, ThreadError, confinement, on_guest_thread};
use crate::text::Escape as _;
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
    let playback = replayed.as_ref().and_then(|replayed| replayed.playback.clone());
    let (is_recorded, resident) = (replayed.is_some(), plugins.clone());
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
        let ends = dispatch.ends();
        let keeper = if is_recorded {
            Keeper::recorded(ends)
        } else {
            Keeper::new(Residents::of(&config, &resident, None), ends, &mut session)
        };
        let mut at_work =
            AtWork { dispatch, keeper, config, tell, log: Arc::clone(&log), wanted: true, facts, playback };
        let mut number = 0;
        let mut inputs = inputs.peekable();
        // As in a live session: instances are made before anything is done.
        while let Some(SessionInput { t, what: InputKind::Event { plugin, event } }) = inputs.next_if(is_first_start) {
            at_work.event(&plugin, event, t);
            number += 1;
        }
        at_work.tend(&mut session, 0);
        session.begin(facts, &mut |happening| {
            at_work.say(happening);
        });
        if is_file {
            show_without_devices(&mut session, recorder.as_deref(), facts, &mut |happening| {
                at_work.say(happening);
            });
        }
        at_work.tend(&mut session, 0);
        let mut last = Vec::new();
        for SessionInput { t, what } in inputs {
            at_work.revoke(&mut session, &mut revoked, number, &clock);
            if !at_work.pass(&mut session, Some(t), &clock) {
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
                InputKind::Mode(mode) => {
                    if session.change_mode(t, &mode, facts, &mut hear).is_none() {
                        log::warn!("the recording changes to mode \"{}\", which there is not", mode.escaped());
                    }
                }
                InputKind::Clock(mapping) => session.clock(t, mapping, facts, &mut hear),
                InputKind::When { mode, holds } => session.when(t, mode, holds, facts, &mut hear),
                InputKind::Event { plugin, event } if is_last_stop(&event) => last.push((plugin, Arc::new(event))),
                InputKind::Event { plugin, event } => {
                    session.settle(t, facts, &mut hear);
                    at_work.event(&plugin, event, t);
                }
                InputKind::State(input) => at_work.set_as_recorded(&mut session, t, &input),
            }
            at_work.tend(&mut session, t);
            number += 1;
        }
        at_work.revoke(&mut session, &mut revoked, number, &clock);
        session.input_over();
        at_work.pass(&mut session, end, &clock);
        let mut hear = |happening: SessionEvent<'_>| {
            at_work.say(happening);
        };
        let until = session.settle(end.unwrap_or_default(), facts, &mut hear);
        clock.advance_to(until);
        at_work.take_in(&mut session, until);
        let mut hear = |happening: SessionEvent<'_>| {
            at_work.say(happening);
        };
        let end = if cut_off {
            at_work.dispatch.cut_off();
            until
        } else {
            let (end, left) = session.end(until, facts, &mut hear);
            at_work.close(end, left, last);
            end
        };
        log.finish();
        services.memory.finish();
        end
    })
}

/// Whether it is the start of an instance with which a recorded session begins.
fn is_first_start(input: &SessionInput) -> bool {
    let InputKind::Event { event, .. } = &input.what else { return false };
    matches!(event.event, PluginEvent::Start { reason: StartReason::Start })
}

/// Whether it is what a resident plugin is told at the end of a session.
fn is_last_stop(event: &ResidentEvent) -> bool {
    matches!(event.event, PluginEvent::Stop { reason: StopReason::Stop })
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
struct AtWork<'a, F> {
    dispatch: Dispatch,
    keeper: Keeper,
    facts: &'a dyn ConditionSource,
    /// Who is told where the session differs from its recording.
    playback: Option<Arc<Playback>>,
    config: Arc<Config>,
    tell: F,
    log: Arc<PluginLog>,
    /// Whether the one who is told still wants to be.
    wanted: bool,
}

impl<F: FnMut(Entry) -> bool> AtWork<'_, F> {
    /// Does what `happening` asks for. `false`: the account is not wanted any more.
    fn say(&mut self, happening: SessionEvent<'_>) -> bool {
        let Self { dispatch, config, tell, log, wanted, .. } = self;
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
    ) {
        let facts = self.facts;
        while revoked.front().is_some_and(|(inputs, ..)| *inputs <= number) {
            let Some((_, t, record)) = revoked.pop_front() else { return }; // it was there
            self.pass(session, Some(t), clock);
            let t = session.settle(t, facts, &mut |happening| {
                self.say(happening);
            });
            clock.advance_to(t);
            let Self { dispatch, config, tell, log, wanted, .. } = self;
            dispatch.revoked(config, t, record, &mut |report| hand_on(report, tell, log, wanted));
        }
    }

    /// Lets what falls due before `until` (or at all) happen, each at its own time. `false`: the account is not wanted any more.
    fn pass(&mut self, session: &mut Session, until: Option<Micros>, clock: &VirtualClock) -> bool {
        let facts = self.facts;
        loop {
            let due = session.next_due();
            // What plugins asked for goes on for as long as something else does.
            let asked = self.keeper.next_due().filter(|_| due.is_some() || until.is_some());
            let next = due.into_iter().chain(asked).min();
            let Some(next) = next.filter(|next| self.wanted && until.is_none_or(|until| *next <= until)) else {
                return self.wanted;
            };
            clock.advance_to(next);
            if due == Some(next) {
                session.advance(next, facts, &mut |happening| _ = self.say(happening));
            }
            self.tend(session, next);
        }
    }

    /// Takes in what calls have set, and hands out events.
    fn tend(&mut self, session: &mut Session, now: Micros) {
        let Self { dispatch, keeper, config, tell, log, wanted, facts, .. } = self;
        let hands = Hands { session, dispatch, config, facts: *facts };
        keeper.tend(now, hands, &mut |report| hand_on(report, tell, log, wanted));
    }

    /// Takes in what calls have set, at the end.
    fn take_in(&mut self, session: &mut Session, now: Micros) {
        let Self { dispatch, keeper, config, tell, log, wanted, facts, .. } = self;
        let hands = Hands { session, dispatch, config, facts: *facts };
        keeper.take_in(now, hands, &mut |report| hand_on(report, tell, log, wanted));
    }

    /// Hands an event to a plugin, as a recording has it.
    fn event(&mut self, plugin: &str, event: ResidentEvent, t: Micros) {
        let Self { dispatch, config, tell, log, wanted, .. } = self;
        dispatch.event(config, plugin, Arc::new(event), t, &mut |report| hand_on(report, tell, log, wanted));
    }

    /// What a call has set takes effect, as a recording has it.
    fn set_as_recorded(&mut self, session: &mut Session, t: Micros, input: &StateInput) {
        let Self { dispatch, keeper, config, tell, log, wanted, facts, playback } = self;
        let hands = Hands { session, dispatch, config, facts: *facts };
        let set = keeper.set_as_recorded(t, input, hands, &mut |report| hand_on(report, tell, log, wanted));
        if let (Err(diverged), Some(playback)) = (set, playback) {
            playback.differs(diverged);
        }
    }

    /// The session ends at `at`.
    fn close(self, at: Micros, left: Left, last: Vec<(String, Arc<ResidentEvent>)>) {
        let Self { dispatch, mut keeper, config, mut tell, log, mut wanted, .. } = self;
        let last = [last, keeper.stop()].concat();
        dispatch.close(&config, at, left, last, &mut |report| hand_on(report, &mut tell, &log, &mut wanted));
    }
}

/// Tells of `report`, as long as that is wanted.
fn hand_on(report: Report, tell: &mut impl FnMut(Entry) -> bool, log: &PluginLog, wanted: &mut bool) {
    if let Report::Entry(entry) = report {
        entry.log_plugin_lines(log);
        *wanted = *wanted && tell(entry);
    }
}
