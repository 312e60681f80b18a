//! Live runs: devices in, workers beside, an account out. The input waits for none of them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::dispatch::{Calls, Dispatch, Report, turned};
use super::plugins::PluginSet;
use super::session::{Happening, Session};
use super::signals::SignalWatch;
use super::told::Told;
use crate::action::{Facts, Outside};
use crate::clock::{Clock, Micros};
use crate::config::Config;
use crate::device::{self, DeviceError, DeviceEvent, DeviceSpec, Devices};
use crate::gesture::DeviceId;
use crate::journal::{Entry, Line, Recorder, What};
use crate::midi::Message;
use crate::sandbox::{Done, Fault, FaultKind, Pool, Services, Status};
use crate::text::Escape as _;

/// What wakes the run loop.
#[derive(Debug)]
pub(super) enum Event {
    /// Something happened on a device.
    Device(DeviceEvent),
    /// A session that is paced has ended.
    Played,
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

/// Is given entries in the order of events.
pub type Ordered = Box<dyn FnMut(&Entry) + Send>;

/// A live run.
pub struct LiveRun {
    /// What to do.
    pub config: Arc<Config>,
    /// With which plugins.
    pub plugins: PluginSet,
    /// On which messages.
    pub feed: Feed,
    /// Real time.
    pub clock: Arc<dyn Clock>,
    /// What plugins are given.
    pub services: Arc<Services>,
    /// The same outside as in `services`, when this is a dry run.
    pub told: Option<Arc<Told>>,
    /// Records it, if wanted.
    pub recorder: Option<Arc<Recorder>>,
    /// Is given each entry in the order of events, for a transcript.
    pub ordered: Option<Ordered>,
}

impl fmt::Debug for LiveRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveRun").field("feed", &self.feed).field("plugins", &self.plugins).finish_non_exhaustive()
    }
}

/// Why a live run could not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveError {
    /// Devices cannot be read at all.
    Device(DeviceError),
    /// The system gives no thread or signal handler.
    System {
        /// The operating system's word for it.
        error: String,
    },
}

impl fmt::Display for LiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(error) => error.fmt(f),
            Self::System { error } => write!(f, "cannot start: {error}"),
        }
    }
}

impl std::error::Error for LiveError {}

impl From<std::io::Error> for LiveError {
    fn from(error: std::io::Error) -> Self {
        Self::System { error: error.to_string() }
    }
}

/// Entries that may wait for a slow reader of the account before new ones are dropped and counted.
const ACCOUNT_QUEUE: usize = 8192;

/// Calls that may be at work or unreported at once; more were lost in a full queue.
const MAX_PENDING: usize = 65_536;

/// How often a quiet daemon looks for instances whose time is up.
const QUIET: Duration = Duration::from_secs(60);

/// Runs until every input has ended and what it set off is done, or a signal asks for the end. `tell` is given each entry, on
/// a thread of its own; `false` from it asks for the end, too. Returns the time up to which everything has happened.
pub fn run_live(
    run: LiveRun,
    facts: &dyn Facts,
    tell: impl FnMut(Entry) -> bool + Send + 'static,
) -> Result<Micros, LiveError> {
    let LiveRun { config, plugins, feed, clock, services, told, recorder, ordered } = run;
    let (events, inbox) = sync_channel::<Event>(Devices::QUEUE);
    let _signals = SignalWatch::start(events.clone())?;
    let account = Account::start(events.clone(), told.clone(), ordered, tell)?;
    let pool = {
        let sender = account.sender();
        let recorder = recorder.clone();
        let report = move |done: Done| {
            if let Some(recorder) = &recorder {
                record_end(recorder, &done);
            }
            sender.send(Report::Done(done));
        };
        Pool::start(Arc::clone(&services), &config.wasm, plugins.plugins, report)?
    };
    let outside: Arc<dyn Outside> = Arc::clone(&services.outside);
    let mut dispatch =
        Dispatch::new(Calls::Workers(pool), plugins.refused, outside, told, clock.epoch()).recorded(recorder.clone());
    let sender = account.sender();
    let mut say = |dispatch: &mut Dispatch, happening: Happening<'_>| {
        dispatch.handle(&config, happening, &mut |report| sender.send(report));
    };
    let mut session = Session::new(Arc::clone(&config));
    let (devices, mut inputs) = match feed {
        Feed::Devices(specs) => {
            (Some(Devices::open(&specs, Arc::clone(&clock), events).map_err(LiveError::Device)?), specs.len())
        }
        Feed::Paced(messages) => {
            pace(messages, Arc::clone(&clock), events)?;
            (None, 1)
        }
    };
    let mut stopped = false;
    while inputs > 0 && !stopped {
        match next_event(&inbox, &session, &*clock) {
            Ok(Event::Device(DeviceEvent { t, device, what })) => match what {
                device::What::Message(message) => {
                    if let Some(recorder) = &recorder {
                        recorder.message(session.arrival(t), device, &message);
                    }
                    session.feed(t, device, &message, facts, &mut |happening| say(&mut dispatch, happening));
                }
                device::What::Connected { name } => log::info!("reading {name}"),
                device::What::Lost { reason } => {
                    log::warn!("{}: {reason}", device_name(&config, device).escaped());
                    let t = session.arrival(t);
                    if let Some(recorder) = &recorder {
                        recorder.line(Line::Lost { t, device: device.0 });
                    }
                    session.device_lost(t, device, facts, &mut |happening| say(&mut dispatch, happening));
                }
                device::What::Ended => inputs -= 1,
            },
            Ok(Event::Played) => inputs -= 1,
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => stopped = true,
            // Only an empty queue lets time pass: what was received before a timer fell due comes before it.
            Err(RecvTimeoutError::Timeout) => quiet(&mut session, &*clock, facts, &mut dispatch, &mut say),
        }
    }
    // The input is over; what it set off goes on until its delays have passed.
    drop(devices);
    while let (Some(_), false) = (session.next_due(), stopped) {
        match next_event(&inbox, &session, &*clock) {
            Ok(Event::Stop) => stopped = true,
            Ok(_) => {}
            Err(_) => quiet(&mut session, &*clock, facts, &mut dispatch, &mut say),
        }
    }
    if let Calls::Workers(pool) = dispatch.into_calls() {
        if !stopped {
            pool.wait_idle();
        }
        pool.close(clock.now());
    }
    drop(sender);
    account.finish();
    Ok(session.now())
}

/// Records what timing did to a call.
fn record_end(recorder: &Recorder, done: &Done) {
    let call = done.job.token;
    match &done.outcome.status {
        Status::Fault(Fault { function, kind: FaultKind::Deadline { fuel, .. }, .. }) => {
            let starting = matches!(*function, "_initialize" | "init");
            recorder.line(Line::Deadline { call, starting, fuel: *fuel });
        }
        Status::Rejected(rejection) => {
            if let Some(reason) = turned(rejection) {
                recorder.line(Line::Rejected { call, reason });
            }
        }
        _ => {}
    }
}

/// Nothing came for a while: lets what is due happen, and instances go whose time is up.
fn quiet(
    session: &mut Session,
    clock: &dyn Clock,
    facts: &dyn Facts,
    dispatch: &mut Dispatch,
    say: &mut impl FnMut(&mut Dispatch, Happening<'_>),
) {
    session.advance(clock.now(), facts, &mut |happening| say(dispatch, happening));
    dispatch.expire(clock.now());
}

/// The next event, or a time-out when something falls due first.
fn next_event(inbox: &Receiver<Event>, session: &Session, clock: &dyn Clock) -> Result<Event, RecvTimeoutError> {
    let wait = match session.next_due() {
        Some(due) => Duration::from_micros(due.saturating_sub(clock.now())).min(QUIET),
        None => QUIET,
    };
    inbox.recv_timeout(wait)
}

fn device_name(config: &Config, device: DeviceId) -> &str {
    config.devices.get(usize::from(device.0)).map_or("the input", |device| &device.name)
}

/// Sends `messages` at their times, counted from now.
fn pace(messages: Vec<(Micros, Message)>, clock: Arc<dyn Clock>, to: SyncSender<Event>) -> std::io::Result<()> {
    let start = clock.now();
    let send = move || {
        for (t, message) in messages {
            clock.sleep(Duration::from_micros(start.saturating_add(t).saturating_sub(clock.now())));
            let event = DeviceEvent { t: clock.now(), device: DeviceId(0), what: device::What::Message(message) };
            if to.send(Event::Device(event)).is_err() {
                return; // the run has ended
            }
        }
        // As above: with nobody listening there is nobody to be told.
        let _ = to.send(Event::Played);
    };
    std::thread::Builder::new().name("pace".into()).spawn(send).map(|_| ())
}

/// Writes the account on a thread of its own, so that a slow reader delays nobody.
struct Account {
    sender: AccountSender,
    thread: JoinHandle<()>,
}

/// The way to the account: never waits; what finds it full is dropped and counted.
#[derive(Clone)]
struct AccountSender {
    /// Has no bound of its own: a channel that has one makes room for all it may ever hold, megabytes that a daemon at rest would
    /// keep resident.
    to: Sender<Report>,
    fill: Arc<Fill>,
}

/// How full the way to the account is.
#[derive(Debug, Default)]
struct Fill {
    waiting: AtomicUsize,
    dropped: AtomicU64,
}

impl AccountSender {
    fn send(&self, report: Report) {
        if self.fill.waiting.fetch_add(1, Ordering::Relaxed) >= ACCOUNT_QUEUE {
            self.fill.waiting.fetch_sub(1, Ordering::Relaxed); // added just above
            let before = self.fill.dropped.fetch_add(1, Ordering::Relaxed);
            if (before + 1).is_power_of_two() {
                log::warn!("{} lines of the account dropped: its reader is too slow", before + 1);
            }
            return;
        }
        // Without a reader the account has ended; a writer that panicked has said so on standard error.
        let _ = self.to.send(report);
    }
}

impl Account {
    fn start(
        events: SyncSender<Event>,
        told: Option<Arc<Told>>,
        ordered: Option<Ordered>,
        mut tell: impl FnMut(Entry) -> bool + Send + 'static,
    ) -> std::io::Result<Self> {
        let (to, reports) = channel();
        let fill = Arc::<Fill>::default();
        let sender = AccountSender { to, fill: Arc::clone(&fill) };
        let write = move || {
            let mut joined = Joined::default();
            let mut order = ordered.map(Order::new);
            let mut wanted = true;
            for report in reports {
                fill.waiting.fetch_sub(1, Ordering::Relaxed); // added when it was sent
                let token = order.as_mut().and_then(|order| order.expect(&report));
                for entry in joined.entries(report, told.as_deref()) {
                    if let Some(order) = &mut order {
                        order.arrived(token, &entry);
                    }
                    entry.log_plugin_lines();
                    warn(&entry);
                    if wanted && !tell(entry) {
                        wanted = false;
                        // A full or closed queue: the end is near in any case, and signals still work.
                        let _ = events.try_send(Event::Stop);
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("account".into()).spawn(write)?;
        Ok(Self { sender, thread })
    }

    fn sender(&self) -> AccountSender {
        self.sender.clone()
    }

    /// Waits until everything is written. All other senders must be gone.
    fn finish(self) {
        drop(self.sender);
        // A writer that panicked has said so on standard error.
        let _ = self.thread.join();
    }
}

/// Brings together what was asked of workers and what came of it, in whichever order they are heard of.
#[derive(Default)]
struct Joined {
    pending: BTreeMap<u64, Entry>,
    early: BTreeMap<u64, Done>,
}

impl Joined {
    fn entries(&mut self, report: Report, told: Option<&Told>) -> Vec<Entry> {
        match report {
            Report::Entry(entry) => vec![entry],
            Report::Pending(token, entry) => match self.early.remove(&token) {
                Some(done) => finished(entry, done, told),
                None => {
                    bounded(&mut self.pending).insert(token, entry);
                    Vec::new()
                }
            },
            Report::Done(done) => match self.pending.remove(&done.job.token) {
                Some(entry) => finished(entry, done, told),
                None => {
                    bounded(&mut self.early).insert(done.job.token, done);
                    Vec::new()
                }
            },
        }
    }
}

/// `map` with room for one more: the oldest goes, whose other half was lost.
fn bounded<T>(map: &mut BTreeMap<u64, T>) -> &mut BTreeMap<u64, T> {
    while map.len() >= MAX_PENDING {
        map.pop_first();
    }
    map
}

fn finished(entry: Entry, done: Done, told: Option<&Told>) -> Vec<Entry> {
    let Done { job, outcome } = done;
    let effects = told.map(|told| told.take(&job.call.plugin, &job.call.tenant));
    let base = Entry { what: What::Unmapped, ..entry.clone() };
    let mut entries = vec![Entry { what: What::Call { call: job.call, outcome: Box::new(outcome) }, ..entry }];
    entries.extend(effects.into_iter().flatten().map(|effect| Entry { what: effect.into(), ..base.clone() }));
    entries
}

/// Says on the log what went wrong, whatever form the account has.
fn warn(entry: &Entry) {
    if let (Some(error), Some(mapping)) = (entry.error(), entry.mapping_name()) {
        log::warn!("{}: {error}", mapping.escaped());
    }
}

/// Puts entries back into the order of events: calls end when they end, but stand where they began.
struct Order {
    tell: Ordered,
    /// Entries in the order of events; of a call that is at work only its number is known.
    waiting: VecDeque<Waiting>,
}

enum Waiting {
    Call(u64),
    Entry(Box<Entry>),
}

impl Order {
    fn new(tell: Ordered) -> Self {
        Self { tell, waiting: VecDeque::new() }
    }

    /// Notes the place of what `report` begins; the number of the call that it ends.
    fn expect(&mut self, report: &Report) -> Option<u64> {
        match report {
            Report::Entry(_) => None,
            Report::Pending(token, _) => {
                self.waiting.push_back(Waiting::Call(*token));
                Some(*token)
            }
            Report::Done(done) => Some(done.job.token),
        }
    }

    /// An entry is complete: that of the call `token`, or one that happened at once.
    fn arrived(&mut self, token: Option<u64>, entry: &Entry) {
        match token {
            None => self.waiting.push_back(Waiting::Entry(Box::new(entry.clone()))),
            Some(token) => {
                let place =
                    self.waiting.iter_mut().find(|waiting| matches!(waiting, Waiting::Call(call) if *call == token));
                // Without a place it is the telling of a dry run, which follows its call and is in no transcript.
                if let Some(place) = place {
                    *place = Waiting::Entry(Box::new(entry.clone()));
                }
            }
        }
        loop {
            match self.waiting.front() {
                Some(Waiting::Entry(entry)) => (self.tell)(entry),
                // What came of it was lost in a full queue, or everything behind it would be kept for ever.
                Some(Waiting::Call(_)) if self.waiting.len() > MAX_PENDING => {}
                _ => return,
            }
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use crate::config::Environment;
    use crate::gesture::{Gesture, GestureEvent};
    use crate::midi::Channel;

    fn entry() -> Entry {
        let loaded = Config::from_text("", "config.toml", Path::new(""), &Environment::default());
        let event = GestureEvent {
            t: 0,
            device: DeviceId(0),
            channel: Channel::from_status(0),
            gesture: Gesture::ProgramChange { program: 1 },
        };
        let config = Arc::new(loaded.expect("an empty configuration").config);
        Entry { config, t: 0, event, mapping: None, mode: 0, what: What::Unmapped }
    }

    #[test]
    fn an_account_nobody_reads_takes_so_much_and_then_counts() {
        let (to, reports) = channel();
        let sender = AccountSender { to, fill: Arc::default() };
        for token in 0..ACCOUNT_QUEUE as u64 + 3 {
            sender.send(Report::Pending(token, entry()));
        }
        assert_eq!(sender.fill.dropped.load(Ordering::Relaxed), 3);
        assert_eq!(reports.try_iter().count(), ACCOUNT_QUEUE);
    }

    #[test]
    fn a_call_whose_end_was_lost_does_not_hold_back_the_transcript_for_ever() {
        let entry = entry();
        let told = Arc::new(Mutex::new(0));
        let count = Arc::clone(&told);
        let mut order = Order::new(Box::new(move |_| *count.lock().expect("no panic holds it") += 1));
        assert_eq!(order.expect(&Report::Pending(1, entry.clone())), Some(1));
        for _ in 0..MAX_PENDING {
            order.arrived(None, &entry);
        }
        assert_eq!(*told.lock().expect("no panic holds it"), MAX_PENDING);
        assert!(order.waiting.is_empty());
    }
}
