//! Brings together what was asked of workers and what came of it, and puts it back into the order of events.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::queue::ReportReceiver;
use crate::journal::{Entry, EntryKind};
use crate::os::DryRun;
use crate::run::dispatch::Report;
use crate::run::fate::{shutdown_entries, with_effects};
use crate::sandbox::Done;
use crate::text::Tally;

/// Calls that may be at work or unreported at once, and places that may wait for one of them.
const MAX_PENDING: usize = 65_536;

/// Bytes that what is known of them may hold, and what waits for one of them.
const MAX_BYTES: usize = 16 << 20;

/// Is given entries in the order of events.
pub type Ordered = Box<dyn FnMut(&Entry) + Send>;

/// Brings together what was asked of workers and what came of it, in whichever order they are heard of.
#[derive(Default)]
pub(in crate::run) struct Joined {
    pending: BTreeMap<u64, Entry>,
    /// Bytes that `pending` holds.
    bytes: usize,
    /// Bounded by the queue: the beginning of each is in it, or was lost.
    early: BTreeMap<u64, Box<Done>>,
}

impl Joined {
    /// All that came of what `report` completes; nothing when it completes nothing.
    pub(in crate::run) fn entries(&mut self, report: Report, dry_run: Option<&DryRun>) -> Option<Vec<Entry>> {
        match report {
            Report::Entry(entry) => Some(vec![entry]),
            Report::Leaving(_) => None,
            Report::Ended(_, entry) => {
                let entry = entry?;
                Some(with_effects(entry, dry_run))
            }
            Report::Pending(token, entry) => match self.early.remove(&token) {
                Some(done) => Some(finished(entry, *done, dry_run)),
                None => {
                    self.bytes = self.bytes.saturating_add(entry.held_bytes());
                    self.pending.insert(token, entry);
                    None
                }
            },
            Report::Done(done) => match self.begun(done.job.token) {
                Some(entry) => Some(finished(entry, *done, dry_run)),
                None => {
                    self.early.insert(done.job.token, done);
                    None
                }
            },
        }
    }

    /// Takes what is known of the beginning of the call `token`.
    pub(in crate::run) fn begun(&mut self, token: u64) -> Option<Entry> {
        let entry = self.pending.remove(&token)?;
        self.bytes = self.bytes.saturating_sub(entry.held_bytes()); // added when it was inserted
        Some(entry)
    }

    /// The oldest call that is at work, if there are too many or what is known of them is too much; it is forgotten.
    pub(in crate::run) fn surplus(&mut self) -> Option<Place> {
        let much = self.pending.len() > MAX_PENDING || self.bytes > MAX_BYTES;
        let oldest = *self.pending.keys().next().filter(|_| much)?;
        self.begun(oldest).map(|_| Place::Call(oldest))
    }

    /// Ends that came before their beginnings, of which `receiver` knows that those were lost.
    pub(in crate::run) fn forget_unheard(&mut self, receiver: &ReportReceiver) {
        for token in self.early.keys().copied().collect::<Vec<_>>() {
            if let Some(done) = self.early.remove(&token) {
                let report = Report::Done(done);
                if !receiver.is_unheard(&report)
                    && let Report::Done(done) = report
                {
                    self.early.insert(token, done);
                }
            }
        }
    }
}

fn finished(entry: Entry, done: Done, dry_run: Option<&DryRun>) -> Vec<Entry> {
    let Done { job, before, outcome, after } = done;
    let config = Arc::clone(&entry.config);
    let mut entries = Vec::new();
    for shutdown in before {
        entries.extend(shutdown_entries(&config, shutdown, dry_run));
    }
    let call = Entry { what: EntryKind::of_call(job.call, job.context.resident, Box::new(outcome)), ..entry };
    entries.extend(with_effects(call, dry_run));
    if let Some(shutdown) = after {
        entries.extend(shutdown_entries(&config, shutdown, dry_run));
    }
    entries
}

/// Puts entries back into the order of events: calls end when they end, but stand where they began, and instances that go stand
/// where that was decided.
pub(in crate::run) struct Order {
    tell: Ordered,
    /// Entries in the order of events; of what is at work only its number is known.
    waiting: VecDeque<Waiting>,
    /// Bytes of the entries.
    bytes: usize,
    /// What has lost its place because too much waited for it.
    late: BTreeSet<Place>,
    /// Places that were given up for it.
    given_up: Tally,
    /// Lines that had no place any more.
    lost: u64,
}

/// What is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::run) enum Place {
    /// A call, by its number.
    Call(u64),
    /// An instance that goes, by its.
    Shutdown(u64),
}

impl Place {
    /// What begins with `report`.
    pub(in crate::run) fn begun_by(report: &Report) -> Option<Self> {
        match report {
            Report::Pending(token, _) => Some(Self::Call(*token)),
            Report::Leaving(number) => Some(Self::Shutdown(*number)),
            Report::Entry(_) | Report::Done(_) | Report::Ended(..) => None,
        }
    }

    /// What ends with `report`.
    pub(in crate::run) fn ended_by(report: &Report) -> Option<Self> {
        match report {
            Report::Done(done) => Some(Self::Call(done.job.token)),
            Report::Ended(number, _) => Some(Self::Shutdown(*number)),
            Report::Entry(_) | Report::Pending(..) | Report::Leaving(_) => None,
        }
    }
}

enum Waiting {
    For(Place),
    Entries(Vec<Entry>),
}

impl Order {
    pub(in crate::run) fn new(tell: Ordered) -> Self {
        Self { tell, waiting: VecDeque::new(), bytes: 0, late: BTreeSet::new(), given_up: Tally::new(), lost: 0 }
    }

    /// The place of what `report` begins or ends. What ends with nothing to tell gives its place up.
    pub(in crate::run) fn place(&mut self, report: &Report) -> Option<Place> {
        if let Some(place) = Place::begun_by(report) {
            self.waiting.push_back(Waiting::For(place));
            return Some(place);
        }
        let place = Place::ended_by(report);
        if let Report::Ended(_, None) = report {
            self.arrived(place, &[]);
        }
        place
    }

    /// What stands at `place` is complete; without a place it happened at once.
    pub(in crate::run) fn arrived(&mut self, place: Option<Place>, entries: &[Entry]) {
        let at = match place {
            None => {
                self.waiting.push_back(Waiting::Entries(Vec::new()));
                self.waiting.len() - 1 // it was pushed just above
            }
            Some(place) => match self.position(place) {
                Some(at) => at,
                None => {
                    if self.late.remove(&place) {
                        self.lost += entries.iter().filter(|entry| !entry.is_account_only()).count() as u64;
                    }
                    return;
                }
            },
        };
        self.waiting[at] = Waiting::Entries(entries.to_vec()); // a place there is
        self.bytes += held_bytes(entries);
        self.tell_what_is_ready();
    }

    /// What came of `place` is lost. Whoever lost it counts it.
    pub(in crate::run) fn give_up(&mut self, place: Place) {
        self.late.remove(&place);
        if let Some(at) = self.position(place) {
            self.waiting.remove(at);
            self.tell_what_is_ready();
        }
    }

    /// Lines that were lost because too much waited for them.
    pub(in crate::run) fn lost(&self) -> u64 {
        self.lost
    }

    fn position(&self, place: Place) -> Option<usize> {
        self.waiting.iter().position(|waiting| matches!(waiting, Waiting::For(this) if *this == place))
    }

    fn tell_what_is_ready(&mut self) {
        loop {
            match self.waiting.front() {
                Some(Waiting::Entries(entries)) => {
                    self.bytes = self.bytes.saturating_sub(held_bytes(entries)); // added when they arrived
                    entries.iter().for_each(&mut self.tell);
                }
                // Or everything behind it would be kept for as long as it takes.
                Some(Waiting::For(place)) if self.waiting.len() > MAX_PENDING || self.bytes > MAX_BYTES => {
                    if let Some(total) = self.given_up.add(1) {
                        log::warn!(
                            "too much waits for a call that takes long: its line will be missing from the transcript{total}"
                        );
                    }
                    self.late.insert(*place);
                }
                _ => return,
            }
            self.waiting.pop_front();
        }
    }
}

fn held_bytes(entries: &[Entry]) -> usize {
    entries.iter().map(Entry::held_bytes).sum()
}

#[cfg(test)]
pub(in crate::run) mod tests {
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use crate::config::{Config, Environment, Params, PluginCall};
    use crate::gesture::{DeviceId, Gesture, GestureEvent};
    use crate::midi::Channel;
    use crate::sandbox::{Outcome, Rejection};

    pub(in super::super) fn entry() -> Entry {
        let loaded = Config::from_text("", "config.toml", Path::new(""), &Environment::default());
        let event = GestureEvent {
            t: 0,
            device: Some(DeviceId(0)),
            channel: Some(Channel::from_status(0)),
            gesture: Gesture::ProgramChange { program: 1 },
        };
        let config = Arc::new(loaded.expect("an empty configuration").config);
        Entry { config, t: 0, event: Some(event), mapping: None, mode: 0, what: EntryKind::Unmapped }
    }

    /// An order that writes down the times of what it tells.
    fn order() -> (Order, Arc<Mutex<Vec<u64>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let times = Arc::clone(&told);
        (Order::new(Box::new(move |entry| times.lock().expect("no panic holds it").push(entry.t))), told)
    }

    #[test]
    fn a_call_whose_end_was_lost_does_not_hold_back_the_transcript_for_ever() {
        let (mut order, told) = order();
        let entry = entry();
        assert_eq!(order.place(&Report::Pending(1, entry.clone())), Some(Place::Call(1)));
        for _ in 0..MAX_PENDING {
            order.arrived(None, std::slice::from_ref(&entry));
        }
        assert_eq!(told.lock().expect("no panic holds it").len(), MAX_PENDING);
        assert!(order.waiting.is_empty());
        assert_eq!((order.bytes, order.lost()), (0, 0));
        order.arrived(Some(Place::Call(1)), &[entry]);
        assert_eq!((order.lost(), order.late.len()), (1, 0), "its place was gone");
    }

    #[test]
    fn what_waits_for_a_long_call_is_bounded_in_bytes() {
        let (mut order, told) = order();
        order.place(&Report::Pending(1, entry()));
        let large = |token| {
            let mut outcome = Outcome::rejected(Rejection::Closed { plugin: "p".into() });
            outcome.output = Some("x".repeat(164_000));
            let call = PluginCall { plugin: "p".into(), tenant: "default".into(), params: Params::default() };
            Entry { t: token, what: EntryKind::Call { call: Arc::new(call), outcome: Box::new(outcome) }, ..entry() }
        };
        for token in 2..=200 {
            let place = order.place(&Report::Pending(token, entry()));
            order.arrived(place, &[large(token)]);
            assert!(order.bytes <= MAX_BYTES);
        }
        assert_eq!(told.lock().expect("no panic holds it").len(), 199);
        order.arrived(Some(Place::Call(1)), &[large(1)]);
        assert_eq!((told.lock().expect("no panic holds it").len(), order.lost()), (199, 1));
    }

    #[test]
    fn what_was_lost_on_the_way_gives_its_place_up() {
        let (mut order, told) = order();
        let at = |t| Entry { t, ..entry() };
        order.place(&Report::Pending(1, at(0)));
        let second = order.place(&Report::Pending(2, at(0)));
        order.arrived(second, &[at(2)]);
        order.give_up(Place::Call(1));
        assert_eq!((told.lock().expect("no panic holds it").as_slice(), order.lost()), (&[2][..], 0));
    }

    #[test]
    fn an_instance_that_goes_stands_where_that_was_decided_and_one_with_nothing_to_tell_nowhere() {
        let (mut order, told) = order();
        let at = |t| Entry { t, ..entry() };
        let one = order.place(&Report::Leaving(1));
        order.place(&Report::Leaving(2));
        let call = order.place(&Report::Pending(1, at(0)));
        order.arrived(None, &[at(4)]);
        order.arrived(call, &[at(2), at(3)]);
        assert!(told.lock().expect("no panic holds it").is_empty());
        order.place(&Report::Ended(2, None));
        order.arrived(one, &[at(1)]);
        assert_eq!(*told.lock().expect("no panic holds it"), [1, 2, 3, 4]);
    }
}
