//! Brings together what was asked of workers and what came of it, and puts it back into the order of events.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::dispatch::{Report, shutdown_entries};
use super::told::Told;
use crate::journal::{Entry, What};
use crate::sandbox::Done;

/// Calls that may be at work or unreported at once; more were lost in a full queue.
const MAX_PENDING: usize = 65_536;

/// Is given entries in the order of events.
pub type Ordered = Box<dyn FnMut(&Entry) + Send>;

/// Brings together what was asked of workers and what came of it, in whichever order they are heard of.
#[derive(Default)]
pub(super) struct Joined {
    pending: BTreeMap<u64, Entry>,
    early: BTreeMap<u64, Box<Done>>,
}

impl Joined {
    /// All that came of what `report` completes; nothing when it completes nothing.
    pub(super) fn entries(&mut self, report: Report, told: Option<&Told>) -> Option<Vec<Entry>> {
        match report {
            Report::Entry(entry) => Some(vec![entry]),
            Report::Leaving(_) => None,
            Report::Ended(_, entry) => {
                let entry = entry?;
                let effects = match (&entry.what, told) {
                    (What::Shutdown { plugin, tenant, .. }, Some(told)) => told.take(plugin, tenant),
                    _ => Vec::new(),
                };
                Some(with_effects(entry, effects.into_iter().map(What::from)))
            }
            Report::Pending(token, entry) => match self.early.remove(&token) {
                Some(done) => Some(finished(entry, *done, told)),
                None => {
                    bounded(&mut self.pending).insert(token, entry);
                    None
                }
            },
            Report::Done(done) => match self.pending.remove(&done.job.token) {
                Some(entry) => Some(finished(entry, *done, told)),
                None => {
                    bounded(&mut self.early).insert(done.job.token, done);
                    None
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
    let Done { job, before, outcome, after } = done;
    let config = Arc::clone(&entry.config);
    let mut entries = Vec::new();
    for shutdown in before {
        entries.extend(shutdown_entries(&config, shutdown, told));
    }
    let effects = told.map(|told| told.take(&job.call.plugin, &job.call.tenant)).unwrap_or_default();
    let call = Entry { what: What::Call { call: job.call, outcome: Box::new(outcome) }, ..entry };
    entries.extend(with_effects(call, effects.into_iter().map(What::from)));
    if let Some(shutdown) = after {
        entries.extend(shutdown_entries(&config, shutdown, told));
    }
    entries
}

/// `entry`, and behind it what was told in it.
fn with_effects(entry: Entry, effects: impl Iterator<Item = What>) -> Vec<Entry> {
    let base = Entry { what: What::Unmapped, ..entry.clone() };
    std::iter::once(entry).chain(effects.map(|what| Entry { what, ..base.clone() })).collect()
}

/// Puts entries back into the order of events: calls end when they end, but stand where they began, and instances that go stand
/// where that was decided.
pub(super) struct Order {
    tell: Ordered,
    /// Entries in the order of events; of what is at work only its number is known.
    waiting: VecDeque<Waiting>,
}

/// What is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A call, by its number.
    Call(u64),
    /// An instance that goes, by its.
    Shutdown(u64),
}

enum Waiting {
    For(Place),
    Entries(Vec<Entry>),
}

impl Order {
    pub(super) fn new(tell: Ordered) -> Self {
        Self { tell, waiting: VecDeque::new() }
    }

    /// The place of what `report` begins or ends. What ends with nothing to tell gives its place up.
    pub(super) fn place(&mut self, report: &Report) -> Option<Place> {
        let place = match report {
            Report::Entry(_) => return None,
            Report::Pending(token, _) => Place::Call(*token),
            Report::Leaving(number) => Place::Shutdown(*number),
            Report::Done(done) => return Some(Place::Call(done.job.token)),
            Report::Ended(number, entry) => {
                let place = Some(Place::Shutdown(*number));
                if entry.is_none() {
                    self.arrived(place, &[]);
                }
                return place;
            }
        };
        self.waiting.push_back(Waiting::For(place));
        Some(place)
    }

    /// What stands at `place` is complete; without a place it happened at once.
    pub(super) fn arrived(&mut self, place: Option<Place>, entries: &[Entry]) {
        let complete = Waiting::Entries(entries.to_vec());
        match place {
            None => self.waiting.push_back(complete),
            Some(place) => {
                let at_work = |waiting: &&mut Waiting| matches!(waiting, Waiting::For(this) if *this == place);
                if let Some(waiting) = self.waiting.iter_mut().find(at_work) {
                    *waiting = complete;
                }
            }
        }
        loop {
            match self.waiting.front() {
                Some(Waiting::Entries(entries)) => entries.iter().for_each(&mut self.tell),
                // What came of it was lost in a full queue, or everything behind it would be kept for ever.
                Some(Waiting::For(_)) if self.waiting.len() > MAX_PENDING => {}
                _ => return,
            }
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use crate::config::{Config, Environment};
    use crate::gesture::{DeviceId, Gesture, GestureEvent};
    use crate::midi::Channel;

    pub(in super::super) fn entry() -> Entry {
        let loaded = Config::from_text("", "config.toml", Path::new(""), &Environment::default());
        let event = GestureEvent {
            t: 0,
            device: DeviceId(0),
            channel: Channel::from_status(0),
            gesture: Gesture::ProgramChange { program: 1 },
        };
        let config = Arc::new(loaded.expect("an empty configuration").config);
        Entry { config, t: 0, event: Some(event), mapping: None, mode: 0, what: What::Unmapped }
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
