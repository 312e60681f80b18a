//! Live runs: devices in, workers beside, an account out. The input waits for none of them.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::app_watch::AppWatch;
use super::desk::{At, Desk, Inquiry};
use super::dispatch::{Calls, Dispatch, Report};
use super::echo::EchoGuard;
use super::fate::turned;
use super::news::News;
use super::play::show_without_devices;
use super::report::order::Ordered;
use super::report::queue::{LostLines, ReportSender};
use super::report::writer::ReportWriter;
use super::residents::{CallEnd, Ends, Hands, Keeper, Residents};
use super::room::Room;
use super::session::{AppAnswers, Session, SessionEvent};
use super::signals::SignalWatch;
use crate::action::{ConditionSource, Surroundings};
use crate::config::{Config, DeviceConfig};
use crate::device::{self, DeviceError, DeviceEvent, DeviceSpec, Devices};
use crate::gesture::DeviceId;
use crate::journal::{Entry, Line, Recorder, RevokedRecord};
use crate::midi::Message;
use crate::os::DryRun;
use crate::os::{Revocations, RevokedEffect};
use crate::plugins::PluginSet;
use crate::sandbox::{Done, Leaving, Pool, PoolObserver, Services, Shutdown, Status, ThreadError};
use crate::text::Escape as _;
use crate::time::{Clock, Micros};

/// What wakes the run loop.
#[derive(Debug)]
pub(super) enum Event {
    /// Something happened on a device.
    Device(DeviceEvent),
    /// A session that is paced has ended.
    Played,
    /// Programs that conditions of modes ask for came or went.
    Apps(AppAnswers),
    /// An effect was dropped that had waited.
    Revoked(RevokedEffect),
    /// A call has ended of which the session has to know, or something has arrived for a resident plugin.
    News,
    /// Somebody in the process asks something, or tells something.
    Asked(Inquiry),
    /// The end is asked for.
    Stop,
}

impl From<DeviceEvent> for Event {
    fn from(event: DeviceEvent) -> Self {
        Self::Device(event)
    }
}

/// Where messages come from.
#[derive(Debug)]
pub enum Feed {
    /// Devices, read as they send.
    Devices(Vec<DeviceSpec>),
    /// A session, paced in real time.
    Paced(Vec<(Micros, Message)>),
}

/// Everything a live run starts with: the configuration, its plugins, what it reads and what it may reach.
pub struct LiveRun {
    /// What to do.
    pub config: Arc<Config>,
    /// With which plugins.
    pub plugins: PluginSet,
    /// On which messages.
    pub feed: Feed,
    /// What plugins are given. Its clock is the session's, in real time.
    pub services: Arc<Services>,
    /// What is behind the way out in `services`, where nothing is done.
    pub dry_run: Option<Arc<DryRun>>,
    /// Who tells of effects that are dropped while they wait; nobody where none waits.
    pub revocations: Option<Arc<Revocations>>,
    /// Records it, if wanted.
    pub recorder: Option<Arc<Recorder>>,
    /// What triggers of time and conditions of modes go by.
    pub surroundings: Arc<dyn Surroundings>,
    /// Is given each entry in the order of events, for a transcript.
    pub ordered: Option<Ordered>,
    /// Where it is asked while it runs.
    pub desk: Arc<Desk>,
}

impl fmt::Debug for LiveRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveRun").field("feed", &self.feed).field("plugins", &self.plugins).finish_non_exhaustive()
    }
}

/// How a live run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveEnd {
    /// The time up to which everything has happened.
    pub t: Micros,
    /// What was lost because somebody read too slowly.
    pub lost: LostLines,
    /// Whether an input turned out to be no MIDI, which was said.
    pub not_midi: bool,
}

/// Why a live run could not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveError {
    /// Devices cannot be read at all.
    Device(DeviceError),
    /// There is no room for a thread of its own.
    Thread {
        /// What the thread does.
        work: &'static str,
        /// Why there is none.
        error: ThreadError,
    },
    /// The system does not let signals be waited for.
    Signals {
        /// The operating system's word for it.
        reason: String,
    },
}

impl fmt::Display for LiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(error) => error.fmt(f),
            Self::Thread { work, error } => write!(f, "cannot start the thread that {work}: {error}"),
            Self::Signals { reason } => write!(f, "cannot wait for signals: {reason}"),
        }
    }
}

impl std::error::Error for LiveError {}

impl LiveError {
    /// The thread that does `work` did not start.
    pub(super) fn thread(work: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |error| Self::Thread { work, error: ThreadError::new(&error) }
    }
}

/// How long no event has to come until reports are handed on that have waited.
const QUIET_FOR_REPORTS: Micros = 2_000;

/// Turns of the run loop for which a report waits at most.
const MAX_UNSAID_TURNS: u32 = 64;

/// How often a quiet daemon looks for instances whose time is up.
const QUIET: Duration = Duration::from_secs(60);

/// Runs until every input has ended and what it set off is done, or a signal asks for the end. `tell` is given each entry, on
/// a thread of its own; `false` from it asks for the end, too.
pub fn run_live(
    run: LiveRun,
    facts: &dyn ConditionSource,
    tell: impl FnMut(Entry) -> bool + Send + 'static,
) -> Result<LiveEnd, LiveError> {
    let LiveRun { config, plugins, feed, services, dry_run, revocations, recorder, surroundings, ordered, desk } = run;
    let (events, inbox) = sync_channel::<Event>(Devices::QUEUE);
    let (services, held) = services.with_account();
    let clock = Arc::clone(&services.clock);
    let last = Arc::clone(&held);
    let signals = SignalWatch::start(events.clone(), move || last.release_all())?;
    if let Some(revocations) = &revocations {
        let events = events.clone();
        revocations.listen(move |revoked| {
            // A run that has ended has no place for it; it is in the log.
            let _ = events.send(Event::Revoked(revoked));
        });
    }
    let log = Arc::clone(&services.log);
    let writer = ReportWriter::start(events.clone(), dry_run.clone(), Arc::clone(&log), ordered, tell);
    let writer = writer.map_err(LiveError::thread("writes the report"))?;
    let (news, sockets) = (News::new(events.clone()), services.outside.socket_events());
    if let Some(sockets) = &sockets {
        let news = news.clone();
        sockets.listen(Box::new(move || news.tell()));
    }
    let (residents, ends) = (Residents::of(&config, &plugins.plugins, sockets), Ends::default());
    let pool = {
        let (sender, recorder) = (writer.sender(), recorder.clone());
        let (ends, news) = (ends.clone(), news.clone());
        let observer = Arc::new(Observer { sender, recorder, config: Arc::clone(&config), ends, news });
        let pool = Pool::observed(Arc::clone(&services), &config.wasm.limits(), plugins.plugins, observer);
        pool.map_err(LiveError::thread("calls plugins"))?
    };
    let outside = Arc::clone(&held);
    let mut dispatch = Dispatch::new(Calls::Workers(pool), plugins.refused, outside, dry_run, clock.epoch())
        .recorded(recorder.clone());
    let sender = writer.sender();
    let say = |dispatch: &mut Dispatch, happening: SessionEvent<'_>| {
        dispatch.handle(&config, happening, &mut |report| sender.send(report));
    };
    let apps = AppWatch::start(&config, Arc::clone(&surroundings), events.clone());
    let apps = apps.map_err(LiveError::thread("asks for programs"))?;
    let mut session = Session::new(Arc::clone(&config)).timed(surroundings);
    let mut keeper = Keeper::new(residents, ends, &mut session).watching(clock.now());
    let tend = |keeper: &mut Keeper, session: &mut Session, dispatch: &mut Dispatch| {
        if keeper.has_nothing() {
            return; // nearly always, and the time need not be asked for
        }
        let hands = Hands { session, dispatch, config: &config, facts };
        keeper.tend(clock.now(), hands, &mut |report| sender.send(report));
    };
    tend(&mut keeper, &mut session, &mut dispatch);
    session.begin(facts, &mut |happening| say(&mut dispatch, happening));
    if matches!(&feed, Feed::Paced(_)) {
        let mut hear = |happening: SessionEvent<'_>| say(&mut dispatch, happening);
        show_without_devices(&mut session, recorder.as_deref(), facts, &mut hear);
    }
    let feed_one = |session: &mut Session, dispatch: &mut Dispatch, t: Micros, device: DeviceId, message: &Message| {
        // What falls due before comes before, in the recording as well.
        let t = session.settle(t, facts, &mut |happening| say(dispatch, happening));
        if let Some(recorder) = &recorder {
            recorder.message(t, device, message);
        }
        session.feed(t, device, message, facts, &mut |happening| say(dispatch, happening));
    };
    // Only where every input can wait: a device must not wait because a pipe does.
    let mut room = matches!(&feed, Feed::Devices(specs) if specs.iter().all(DeviceSpec::can_wait)).then(Room::default);
    // A file that is played cannot come back.
    let sent = matches!(&feed, Feed::Devices(_)).then(|| services.outside.sent_midi()).flatten();
    let mut guard = sent.map(|sent| {
        sent.begin(Arc::clone(&clock));
        EchoGuard::new(sent)
    });
    let wake = events.clone();
    let (devices, mut inputs) = match feed {
        Feed::Devices(specs) => {
            (Some(Devices::open(&specs, Arc::clone(&clock), events).map_err(LiveError::Device)?), specs.len())
        }
        Feed::Paced(messages) => {
            pace(messages, Arc::clone(&clock), events).map_err(LiveError::thread("paces the session"))?;
            (None, 1)
        }
    };
    desk.open(wake);
    let (mut stopped, mut not_midi, mut unsaid) = (false, false, 0);
    while inputs > 0 && !stopped {
        if let Some(room) = &mut room {
            room.wait(&dispatch, &sender, &*clock, &|| signals.asked());
            stopped = signals.asked();
        }
        tend(&mut keeper, &mut session, &mut dispatch);
        let held = guard.as_ref().and_then(EchoGuard::next_due);
        let due = session.next_due().into_iter().chain(held).chain(keeper.next_due()).min();
        // Reports go on when it is quiet, or after so many turns.
        unsaid = if sender.is_waiting() { unsaid + 1 } else { 0 };
        if unsaid > MAX_UNSAID_TURNS {
            sender.flush();
        }
        let quiet = sender.is_waiting().then(|| clock.now().saturating_add(QUIET_FOR_REPORTS));
        let next = next_event(&inbox, due.into_iter().chain(quiet).min(), &*clock);
        if let (Some(devices), Ok(Event::Device(event))) = (&devices, &next) {
            devices.taken(event);
        }
        match next {
            Ok(Event::Device(DeviceEvent { t, device, what, .. })) => match what {
                device::DeviceEventKind::Message(message) => {
                    if guard.as_mut().is_none_or(|guard| guard.passes(t, device, &message)) {
                        feed_one(&mut session, &mut dispatch, t, device, &message);
                    }
                }
                device::DeviceEventKind::Connected { name, address } => {
                    log::info!("reading {name}");
                    dispatch.connected(device, address);
                    let t = session.settle(t, facts, &mut |happening| say(&mut dispatch, happening));
                    if let Some(recorder) = &recorder {
                        recorder.line(Line::Found { t, device: device.0 });
                    }
                    session.device_found(t, device, facts, &mut |happening| say(&mut dispatch, happening));
                }
                device::DeviceEventKind::Lost { reason } => {
                    log::warn!("{}: {reason}", device_name(&config, device).escaped());
                    if let Some(guard) = &mut guard {
                        guard.lost(device);
                        while let Some((device, message)) = guard.ready() {
                            feed_one(&mut session, &mut dispatch, t, device, &message);
                        }
                    }
                    let t = session.settle(t, facts, &mut |happening| say(&mut dispatch, happening));
                    if let Some(recorder) = &recorder {
                        recorder.line(Line::Lost { t, device: device.0 });
                    }
                    dispatch.connected(device, None);
                    session.device_lost(t, device, facts, &mut |happening| say(&mut dispatch, happening));
                }
                device::DeviceEventKind::NotMidi { what } => {
                    not_midi = true;
                    log::error!("{}: not played: {what}", device_name(&config, device).escaped());
                }
                device::DeviceEventKind::Ended => inputs -= 1,
            },
            Ok(Event::Played) => inputs -= 1,
            Ok(Event::News) => news.came(), // looked at before the next
            Ok(Event::Asked(inquiry)) => {
                stopped = inquiry.asks_for_the_end();
                let at = At { config: &config, recorder: recorder.as_deref(), facts, now: clock.now() };
                inquiry.answer(at, &mut session, &mut |happening| say(&mut dispatch, happening));
            }
            Ok(Event::Apps(answers)) => {
                let t = clock.now();
                session.apps_changed(t, answers, facts, &mut |happening| say(&mut dispatch, happening));
            }
            Ok(Event::Revoked(revoked)) => {
                let t = session.settle(clock.now(), facts, &mut |happening| say(&mut dispatch, happening));
                dispatch.revoked(&config, t, record_of(revoked), &mut |report| sender.send(report));
            }
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => stopped = true,
            // Only an empty queue lets time pass: what was received before a timer fell due comes before it.
            Err(RecvTimeoutError::Timeout) => {
                sender.flush();
                if let Some(guard) = &mut guard {
                    guard.advance(clock.now());
                }
                session.advance(clock.now(), facts, &mut |happening| say(&mut dispatch, happening));
                // Up to where the session has come: what is received next may be no later than that.
                dispatch.expire(&config, session.now(), &mut |report| sender.send(report));
                log.tick(clock.now());
            }
        }
        if let Some(guard) = &mut guard {
            while let Some((device, message)) = guard.ready() {
                feed_one(&mut session, &mut dispatch, clock.now(), device, &message);
            }
            while let Some(found) = guard.news() {
                log::warn!("{}", found.text(device_name(&config, found.device)));
            }
        }
    }
    if let Some(cut) = guard.map(|guard| guard.cut()).filter(|cut| *cut > 0) {
        log::warn!("messages of MIDI loops left out in all: {cut}");
    }
    // The input is over; what it set off goes on until its delays have passed.
    desk.close();
    drop((devices, apps));
    session.input_over();
    while let (Some(due), false) = (session.next_due(), stopped) {
        sender.flush();
        tend(&mut keeper, &mut session, &mut dispatch);
        let due = keeper.next_due().map_or(due, |resident| resident.min(due));
        match next_event(&inbox, Some(due), &*clock) {
            Ok(Event::Stop) => stopped = true,
            Ok(Event::Revoked(revoked)) => {
                let t = session.settle(clock.now(), facts, &mut |happening| say(&mut dispatch, happening));
                dispatch.revoked(&config, t, record_of(revoked), &mut |report| sender.send(report));
            }
            Ok(Event::News) => news.came(),
            Ok(_) => {}
            Err(_) => {
                session.advance(clock.now(), facts, &mut |happening| say(&mut dispatch, happening));
            }
        }
    }
    sender.flush();
    if stopped {
        dispatch.turn_away();
    } else {
        dispatch.wait_idle();
    }
    for event in inbox.try_iter() {
        if let Event::Revoked(revoked) = event {
            let t = session.settle(clock.now(), facts, &mut |happening| say(&mut dispatch, happening));
            dispatch.revoked(&config, t, record_of(revoked), &mut |report| sender.send(report));
        }
    }
    let hands = Hands { session: &mut session, dispatch: &mut dispatch, config: &config, facts };
    keeper.take_in(clock.now(), hands, &mut |report| sender.send(report));
    let (end, left) = session.end(clock.now(), facts, &mut |happening| say(&mut dispatch, happening));
    // What the end has set off comes to its turn; limits bound it.
    dispatch.wait_idle();
    dispatch.close(&config, end, left, keeper.stop(), &mut |report| sender.send(report));
    keeper.take_in_last(end, &mut session, &dispatch);
    let wait = |due: Micros| clock.sleep(Duration::from_micros(due.saturating_sub(clock.now())));
    session.take_leave(wait, &mut |happening| say(&mut dispatch, happening));
    drop((dispatch, sender)); // whoever could still report something
    let lost = writer.finish();
    log.finish();
    services.memory.finish();
    if lost.reported > 0 {
        log::warn!("lines lost in all because standard output was read too slowly: {}", lost.reported);
    }
    Ok(LiveEnd { t: end, lost, not_midi })
}

/// The record of an effect that was dropped.
fn record_of(RevokedEffect { plugin, tenant, what, capability }: RevokedEffect) -> RevokedRecord {
    RevokedRecord { plugin, tenant, what, capability }
}

/// Records what timing did to calls and instances, and hands on what came of them.
struct Observer {
    sender: ReportSender,
    recorder: Option<Arc<Recorder>>,
    config: Arc<Config>,
    ends: Ends,
    news: News,
}

impl Observer {
    fn record(&self, line: Option<Line>) {
        if let (Some(recorder), Some(line)) = (&self.recorder, line) {
            recorder.line(line);
        }
    }
}

impl PoolObserver for Observer {
    fn done(&self, done: Done) {
        let call = done.job.token;
        for shutdown in done.before.iter().chain(&done.after) {
            self.record(Line::stopped_shutdown(shutdown));
        }
        self.record(match &done.outcome.status {
            Status::Rejected(rejection) => turned(rejection).map(|reason| Line::Rejected { call, reason }),
            _ => Line::stopped_call(call, &done.outcome),
        });
        if let Some(end) = CallEnd::of_done(&self.config, &done) {
            self.ends.push(end);
            self.news.tell();
        }
        self.sender.send(Report::Done(Box::new(done)));
    }

    fn leaving(&self, leaving: Leaving) {
        self.sender.send(Report::Leaving(leaving.number));
    }

    fn ended(&self, number: u64, ended: Option<Shutdown>) {
        self.record(ended.as_ref().and_then(Line::stopped_shutdown));
        self.sender.send(Report::Ended(number, ended.map(|shutdown| Entry::shutdown(&self.config, shutdown))));
    }
}

/// The next event, or a time-out when something falls due first.
fn next_event(inbox: &Receiver<Event>, due: Option<Micros>, clock: &dyn Clock) -> Result<Event, RecvTimeoutError> {
    let wait = match due {
        Some(due) => Duration::from_micros(due.saturating_sub(clock.now())).min(QUIET),
        None => QUIET,
    };
    inbox.recv_timeout(clock.real(wait))
}

fn device_name(config: &Config, device: DeviceId) -> &str {
    config.devices.get(usize::from(device.0)).map_or("the input", DeviceConfig::called)
}

/// Sends `messages` at their times, counted from now.
fn pace(messages: Vec<(Micros, Message)>, clock: Arc<dyn Clock>, to: SyncSender<Event>) -> std::io::Result<()> {
    let start = clock.now();
    let send = move || {
        for (t, message) in messages {
            clock.sleep(Duration::from_micros(start.saturating_add(t).saturating_sub(clock.now())));
            let what = device::DeviceEventKind::Message(message);
            let event = DeviceEvent { t: clock.now(), device: DeviceId(0), what, patient: false };
            if to.send(Event::Device(event)).is_err() {
                return; // the run has ended
            }
        }
        // As above: with nobody listening there is nobody to be told.
        let _ = to.send(Event::Played);
    };
    std::thread::Builder::new().name("pace".into()).spawn(send).map(|_| ())
}
