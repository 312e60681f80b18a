//! Carries out steps, and says what came of them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::context::{Names, context};
use super::fate::{shutdown_entries, turned, with_effects};
use super::residents::{CallEnd, Ends};
use super::session::SessionEvent;
use crate::action::{Dropped, Left, Step, Task};
use crate::call::{DEFAULT_TENANT, Owner, Params, ResidentEvent};
use crate::config::{Config, PluginCall};
use crate::effect::{Effect, EffectHandler as _, FeedbackPort, Held, Origin, Released};
use crate::gesture::DeviceId;
use crate::journal::{Entry, EntryKind, Line, Playback, Recorder, RejectReason, RevokedRecord};
use crate::midi::Address;
use crate::os::DryRun;
use crate::sandbox::{Carried, Context, Done, FuelStop, InlinePool, Job, Outcome, Pool, Shutdown, Status};
use crate::time::Micros;

/// Where calls of plugins go.
#[derive(Debug)]
pub(super) enum Calls {
    /// Carried out at once, on this thread.
    Inline(InlinePool),
    /// Handed to workers, which report through [`Report::Done`].
    Workers(Pool),
}

/// What is reported.
#[derive(Debug)]
pub(super) enum Report {
    /// Something happened.
    Entry(Entry),
    /// A call with this token was handed to the workers; its entry lacks only what came of it.
    Pending(u64, Entry),
    /// A call is done.
    Done(Box<Done>),
    /// An instance will go; what comes of it has its place here.
    Leaving(u64),
    /// The instance of this number is gone; without an entry nothing ran.
    Ended(u64, Option<Entry>),
}

/// Carries out steps.
pub(super) struct Dispatch {
    calls: Calls,
    refused: BTreeMap<String, Arc<str>>,
    outside: Arc<Held>,
    /// What is behind `outside`, where nothing is done.
    dry_run: Option<Arc<DryRun>>,
    epoch: u64,
    /// Where the messages of a device come from, as long as it is there.
    clients: HashMap<DeviceId, Address>,
    /// Of the configuration at work.
    names: Option<Names>,
    /// Number of the last call, counted from 1 in the order of events; what journals call it by.
    token: u64,
    recorder: Option<Arc<Recorder>>,
    replayed: Option<Replayed>,
    /// Of calls that are carried out here, those of which the session has to know.
    ends: Ends,
}

/// What happened to calls of a recorded session because of timing, by their numbers.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Calls that were not accepted.
    pub rejected: HashMap<u64, RejectReason>,
    /// Where time stopped calls.
    pub deadlines: HashMap<u64, FuelStop>,
    /// Effects that were dropped: after how many of the inputs, when, and which.
    pub revoked: VecDeque<(usize, Micros, RevokedRecord)>,
    /// The recording itself, which is told where the session differs from it.
    pub playback: Option<Arc<Playback>>,
    /// The recording has no end: no instance is told that it goes, since none is known to have been.
    pub cut_off: bool,
}

impl Dispatch {
    pub(super) fn new(
        calls: Calls,
        refused: BTreeMap<String, Arc<str>>,
        outside: Arc<Held>,
        dry_run: Option<Arc<DryRun>>,
        epoch: u64,
    ) -> Self {
        Self {
            calls,
            refused,
            outside,
            dry_run,
            epoch,
            clients: HashMap::new(),
            names: None,
            token: 0,
            recorder: None,
            replayed: None,
            ends: Ends::default(),
        }
    }

    /// Calls that are turned away because of timing are recorded.
    pub(super) fn recorded(mut self, recorder: Option<Arc<Recorder>>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Where the ends go of calls that are carried out here.
    pub(super) fn ends(&self) -> Ends {
        self.ends.clone()
    }

    /// Calls meet the fate they had in the recorded session.
    pub(super) fn replayed(mut self, replayed: Option<Replayed>) -> Self {
        self.replayed = replayed;
        self
    }

    /// The messages of `device` come from this port of the sequencer, or from none.
    pub(super) fn connected(&mut self, device: DeviceId, address: Option<Address>) {
        match address {
            Some(address) => self.clients.insert(device, address),
            None => self.clients.remove(&device),
        };
    }

    /// Lets instances go whose time is up at `now`, each at its own time.
    pub(super) fn expire(&mut self, config: &Arc<Config>, now: Micros, report: &mut impl FnMut(Report)) {
        let ended = match &mut self.calls {
            Calls::Workers(pool) => return pool.expire(now),
            Calls::Inline(pool) => pool.expire(now),
        };
        self.tell_ended(config, ended, report);
    }

    /// An effect that waited was dropped at `at`. It is reported, and recorded.
    pub(super) fn revoked(
        &mut self,
        config: &Arc<Config>,
        at: Micros,
        revoked: RevokedRecord,
        report: &mut impl FnMut(Report),
    ) {
        self.expire(config, at, report);
        let RevokedRecord { plugin, tenant, what, capability } = revoked.clone();
        self.record(Some(Line::Revoked { t: at, plugin, tenant, what, capability: capability.name().to_owned() }));
        report(Report::Entry(Entry::revoked(config, at, revoked)));
    }

    /// Whether another message's steps find room with everybody who carries them out.
    pub(super) fn has_room(&self) -> bool {
        let calls = match &self.calls {
            Calls::Workers(pool) => pool.has_room(),
            Calls::Inline(_) => true,
        };
        calls && self.outside.has_room()
    }

    /// The session is about to end: calls that wait for a worker are turned away, so that those come to their turn that the end sets off.
    pub(super) fn turn_away(&self) {
        if let Calls::Workers(pool) = &self.calls {
            pool.turn_away();
        }
    }

    /// Waits until every call that was accepted is done.
    pub(super) fn wait_idle(&self) {
        if let Calls::Workers(pool) = &self.calls {
            pool.wait_idle();
        }
    }

    /// The session ends at `at`, and with it every instance. What waits for a worker is turned away. `left` is what the session did
    /// not come to; whatever is still pressed is let go, and resident plugins are told what `last` says.
    pub(super) fn close(
        &mut self,
        config: &Arc<Config>,
        at: Micros,
        left: Left,
        last: Vec<(String, Arc<ResidentEvent>)>,
        report: &mut impl FnMut(Report),
    ) {
        self.expire(config, at, report);
        let entry = |what| Entry { config: Arc::clone(config), t: at, event: None, mapping: None, mode: 0, what };
        if left.actions > 0 {
            report(Report::Entry(entry(EntryKind::Dropped(Dropped::AtEnd(left)))));
        }
        // At once: calls at work may take their time.
        for Released { effect, result } in self.outside.release(Origin::Mapping, &|_| false) {
            let dry_run = self.dry_run.is_some();
            report(Report::Entry(entry(EntryKind::Released { by: None, effect, result, dry_run })));
        }
        let mut jobs = Vec::new();
        for (plugin, event) in last {
            if let Calls::Inline(_) = self.calls {
                self.event(config, &plugin, event, at, report);
                continue;
            }
            self.record(Some(Line::event(at, &plugin, &event)));
            self.token += 1;
            let (call, context) = self.event_call(&plugin, event, at);
            report(Report::Pending(self.token, entry(EntryKind::Unmapped)));
            jobs.push(Job { call, context, at, token: self.token });
        }
        let ended = match &mut self.calls {
            Calls::Workers(pool) => {
                pool.close_with(at, jobs);
                Vec::new()
            }
            Calls::Inline(pool) => pool.close(at),
        };
        self.tell_ended(config, ended, report);
        // What was pressed by instances that lived for a single call, and are long gone.
        let gone = self.outside.plugins().into_iter().map(|(plugin, tenant)| {
            let origin = Origin::Plugin { plugin: &plugin, tenant: &tenant };
            let outcome = Outcome::released(self.outside.release(origin, &|_| false));
            Shutdown { plugin, tenant, at, outcome }
        });
        self.tell_ended(config, gone, report);
    }

    /// The recording ends before its session did: what is pressed stays as it is.
    pub(super) fn cut_off(self) {
        self.outside.forget();
    }

    fn tell_ended(
        &self,
        config: &Arc<Config>,
        ended: impl IntoIterator<Item = Shutdown>,
        report: &mut impl FnMut(Report),
    ) {
        tell_ended((config, self.dry_run.as_deref(), self.recorder.as_deref()), ended, report);
    }

    pub(super) fn record(&self, line: Option<Line>) {
        if let (Some(recorder), Some(line)) = (&self.recorder, line) {
            recorder.line(line);
        }
    }

    /// Does what `happening` asks for and reports it.
    pub(super) fn handle(
        &mut self,
        config: &Arc<Config>,
        happening: SessionEvent<'_>,
        report: &mut impl FnMut(Report),
    ) {
        // Whose time was up before goes before, whoever notices it.
        self.expire(config, happening.at(), report);
        match happening {
            SessionEvent::Unmapped { event, mode } => {
                let entry = Entry {
                    config: Arc::clone(config),
                    t: event.t,
                    event: Some(event.clone()),
                    mapping: None,
                    mode,
                    what: EntryKind::Unmapped,
                };
                report(Report::Entry(entry));
            }
            SessionEvent::Routed { t, route, out, mode } => {
                let effect = Effect::Midi(out);
                let result = self.outside.perform(&effect, Origin::Mapping).map(|_| ());
                let what = EntryKind::Routed { route, effect, result, dry_run: self.dry_run.is_some() };
                report(Report::Entry(Entry { config: Arc::clone(config), t, event: None, mapping: None, mode, what }));
            }
            SessionEvent::Clock { t, mapping } => self.record(Some(Line::Clock { t, mapping: mapping.0 })),
            SessionEvent::When { t, of, holds } => self.record(Some(Line::when(t, of, holds))),
            SessionEvent::Feedback { t, device, mut out, mode, failed } => {
                let named =
                    config.devices.get(usize::from(device.0)).is_some_and(|device| device.feedback.output.is_some());
                if let Some(address) = self.clients.get(&device).filter(|_| !named) {
                    out.port = FeedbackPort::Client(*address);
                }
                let effect = Effect::Feedback(out);
                let result = self.outside.perform(&effect, Origin::Mapping).map(|_| ());
                failed.set(result.is_err());
                let what = EntryKind::Effect { effect, result, dry_run: self.dry_run.is_some() };
                report(Report::Entry(Entry { config: Arc::clone(config), t, event: None, mapping: None, mode, what }));
            }
            SessionEvent::Mode { event, from, to } => {
                let entry = Entry {
                    config: Arc::clone(config),
                    t: event.t,
                    event: Some(event.clone()),
                    mapping: None,
                    mode: from,
                    what: EntryKind::Mode(to),
                };
                report(Report::Entry(entry));
            }
            SessionEvent::Step { step: Step { at, cause, task, .. }, mapping, mode } => {
                let entry = |what| Entry {
                    config: Arc::clone(config),
                    t: at,
                    event: Some(cause.event.clone()),
                    mapping: Some(cause.mapping),
                    mode,
                    what,
                };
                match task {
                    Task::Plugin(call) => {
                        let names = match self.names.take().filter(|names| names.are_of(config)) {
                            Some(names) => self.names.insert(names),
                            None => self.names.insert(Names::of(config)),
                        };
                        let context = context(&cause.event, mapping, names, mode, self.epoch, at);
                        self.call(config, call, context, at, entry, report);
                    }
                    Task::Effect(effect) => {
                        let result = self.outside.perform(&effect, Origin::Mapping).map(|_| ());
                        report(Report::Entry(entry(EntryKind::Effect {
                            effect,
                            result,
                            dry_run: self.dry_run.is_some(),
                        })));
                    }
                    Task::Mode(mode) => report(Report::Entry(entry(EntryKind::Mode(mode)))),
                    Task::State(change) => report(Report::Entry(entry(EntryKind::State(change)))),
                    Task::Dropped(dropped) => report(Report::Entry(entry(EntryKind::Dropped(dropped)))),
                }
            }
        }
    }

    /// Hands `event` to the instance of a resident plugin, at `t`.
    pub(super) fn event(
        &mut self,
        config: &Arc<Config>,
        plugin: &str,
        event: Arc<ResidentEvent>,
        t: Micros,
        report: &mut impl FnMut(Report),
    ) {
        self.expire(config, t, report);
        self.record(Some(Line::event(t, plugin, &event)));
        let entry = |what| Entry { config: Arc::clone(config), t, event: None, mapping: None, mode: 0, what };
        let (call, context) = self.event_call(plugin, event, t);
        self.call(config, call, context, t, entry, report);
    }

    fn event_call(&self, plugin: &str, event: Arc<ResidentEvent>, t: Micros) -> (Arc<PluginCall>, Context) {
        let (plugin, tenant) = (plugin.to_owned(), DEFAULT_TENANT.to_owned());
        let call = PluginCall { plugin, tenant, params: Params::default() };
        let timestamp_ms = self.epoch.saturating_add(t) / 1_000;
        (Arc::new(call), Context { timestamp_ms, resident: Some(event), ..Context::default() })
    }

    fn call(
        &mut self,
        config: &Arc<Config>,
        call: Arc<PluginCall>,
        context: Context,
        at: Micros,
        entry: impl Fn(EntryKind) -> Entry,
        report: &mut impl FnMut(Report),
    ) {
        if let Some(reason) = self.refused.get(&call.plugin) {
            return report(Report::Entry(entry(EntryKind::Refused { call, reason: Arc::clone(reason) })));
        }
        self.token += 1;
        match &mut self.calls {
            Calls::Inline(pool) => {
                let replayed = self.replayed.as_ref();
                let rejected = replayed.and_then(|replayed| replayed.rejected.get(&self.token));
                let stop = replayed.and_then(|replayed| replayed.deadlines.get(&self.token)).copied();
                let Carried { before, outcome, after } = match rejected {
                    Some(reason) => pool.reject(&call, at, reason.rejection(&call, pool)),
                    None => pool.carry_out(&call, &context, at, stop),
                };
                self.tell_ended(config, before, report);
                if let Status::Rejected(rejection) = &outcome.status {
                    self.record(turned(rejection).map(|reason| Line::Rejected { call: self.token, reason }));
                }
                self.record(Line::stopped_call(self.token, &outcome));
                let owner = Owner::new(&*call.plugin, &*call.tenant);
                let which = (self.token, context.resident.is_some(), at);
                if let Some(end) = CallEnd::of(config, owner, which, &outcome) {
                    self.ends.push(end);
                }
                let called = entry(EntryKind::of_call(call, context.resident, Box::new(outcome)));
                for entry in with_effects(called, self.dry_run.as_deref()) {
                    report(Report::Entry(entry));
                }
                self.tell_ended(config, after, report);
            }
            Calls::Workers(pool) => {
                let job = Job { call: Arc::clone(&call), context, at, token: self.token };
                match pool.submit(job) {
                    // The call is on its way before anybody is told of it.
                    Ok(()) => report(Report::Pending(self.token, entry(EntryKind::Unmapped))),
                    Err(rejection) => {
                        let line = turned(&rejection).map(|reason| Line::Rejected { call: self.token, reason });
                        self.record(line);
                        let outcome = Box::new(Outcome::rejected(rejection));
                        report(Report::Entry(entry(EntryKind::Call { call, outcome })));
                    }
                }
            }
        }
    }
}

/// Reports instances that went, and what they asked for in a dry run; records where time stopped them.
fn tell_ended(
    (config, dry_run, recorder): (&Arc<Config>, Option<&DryRun>, Option<&Recorder>),
    ended: impl IntoIterator<Item = Shutdown>,
    report: &mut impl FnMut(Report),
) {
    for shutdown in ended {
        if let (Some(recorder), Some(line)) = (recorder, Line::stopped_shutdown(&shutdown)) {
            recorder.line(line);
        }
        for entry in shutdown_entries(config, shutdown, dry_run) {
            report(Report::Entry(entry));
        }
    }
}
