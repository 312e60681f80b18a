//! The way from the run loop and the workers to the thread that reports: it never waits, and is bounded in number and in bytes.
//! What finds it full is lost and counted, in whole lines.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::order::Place;
use crate::journal::{Entry, EntryKind};
use crate::os::DryRun;
use crate::run::dispatch::Report;
use crate::sandbox::{Done, Shutdown};
use crate::text::Tally;

/// Reports that may wait for a slow reader.
pub(in crate::run) const MAX_ENTRIES: usize = 8_192;

/// Bytes they may hold.
pub(in crate::run) const MAX_BYTES: usize = 16 << 20;

/// Reports that wait at most until their reader is woken for them.
const MAX_UNSAID: usize = 64;

/// Places the queue keeps for reports when it is empty. Many more, which a burst has made, a daemon at rest would keep resident.
const KEPT_PLACES: usize = 256;

/// Lines that were lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LostLines {
    /// Of the report on standard output.
    pub reported: u64,
    /// Lines that the transcript lacks.
    pub transcript: u64,
}

/// The sending side.
///
/// Its reader is not woken for each report of the run loop, but by [`ReportSender::flush`]: that would take longer than sending a message
/// does, and on a machine with one or two cores it would take the one on which the receiver of the message runs next.
pub(in crate::run) struct ReportSender {
    fill: Arc<Fill>,
    /// Effects that a lost call asked for in a dry run are lost with it.
    dry_run: Option<Arc<DryRun>>,
}

/// The receiving side.
pub(in crate::run) struct ReportReceiver {
    fill: Arc<Fill>,
    dry_run: Option<Arc<DryRun>>,
}

#[allow(clippy::large_enum_variant)] // nearly all are reports
enum Queued {
    Report { bytes: usize, report: Report },
    Lost(Place),
}

/// What the thread that reports is given.
#[allow(clippy::large_enum_variant)] // nearly all are reports
pub(in crate::run) enum Received {
    /// A report to be written, in its turn.
    Report(Report),
    /// What came of this is lost.
    Lost(Place),
}

/// The queue, and how full it is.
#[derive(Default)]
struct Fill {
    counts: Mutex<Counts>,
    /// Tells the reader that there is something, or will be nothing any more.
    more: Condvar,
    /// There is something that the reader has not been woken for.
    unsaid: AtomicBool,
}

#[derive(Default)]
struct Counts {
    queue: VecDeque<Queued>,
    /// Sending sides there are.
    senders: usize,
    /// Nobody reads any more.
    unread: bool,
    entries: usize,
    bytes: usize,
    /// Reports that were taken so far.
    taken: u64,
    lost: LostLines,
    reported: Tally,
    /// What has begun unheard and has not ended; as many as can be at work.
    unreported: BTreeSet<Place>,
    /// The last call whose beginning was sent; they come in the order of their numbers.
    begun: u64,
    /// Calls whose end was lost before their beginning was sent: a worker can be faster than the run loop.
    lost_early: BTreeSet<u64>,
}

impl Fill {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the reader.
    fn wake(&self) {
        self.unsaid.store(false, Ordering::Relaxed);
        self.more.notify_one();
    }

    /// Counts the lines of `report`, which are lost, and says so now and then.
    fn lose(&self, report: &Report) {
        let LostLines { reported, transcript } = lines_of(report);
        if reported == 0 {
            return;
        }
        let mut counts = self.lock();
        counts.lost.transcript += transcript;
        let due = counts.reported.add(reported).is_some();
        counts.lost.reported = counts.reported.total();
        let total = counts.lost.reported;
        drop(counts);
        if due {
            log::warn!("lines lost so far because standard output is read too slowly: {total}");
        }
    }
}

impl Counts {
    /// Makes room for `bytes`, if there is any. One that is larger than the bound alone has its turn when nothing else waits.
    fn admit(&mut self, bytes: usize) -> bool {
        let after = self.bytes.saturating_add(bytes);
        if self.entries >= MAX_ENTRIES || (self.entries > 0 && after > MAX_BYTES) {
            return false;
        }
        self.entries += 1;
        self.bytes = after;
        true
    }
}

/// The two sides. `dry_run` keeps what plugins asked for, where nothing is done.
pub(in crate::run) fn report_queue(dry_run: Option<Arc<DryRun>>) -> (ReportSender, ReportReceiver) {
    let fill = Arc::<Fill>::default();
    fill.lock().senders = 1;
    let sender = ReportSender { fill: Arc::clone(&fill), dry_run: dry_run.clone() };
    (sender, ReportReceiver { fill, dry_run })
}

impl Clone for ReportSender {
    fn clone(&self) -> Self {
        self.fill.lock().senders += 1;
        Self { fill: Arc::clone(&self.fill), dry_run: self.dry_run.clone() }
    }
}

impl Drop for ReportSender {
    fn drop(&mut self) {
        let mut counts = self.fill.lock();
        counts.senders = counts.senders.saturating_sub(1); // added when it was made
        drop(counts);
        self.fill.wake();
    }
}

impl Drop for ReportReceiver {
    fn drop(&mut self) {
        let mut counts = self.fill.lock();
        counts.unread = true;
        counts.queue = VecDeque::new();
    }
}

impl ReportSender {
    /// Hands `report` on, or loses and counts it.
    pub(in crate::run) fn send(&self, report: Report) {
        let bytes = bytes_of(&report);
        let mut counts = self.fill.lock();
        // A reader that panicked has said so on standard error.
        if counts.unread {
            return;
        }
        if let Report::Pending(token, _) = &report {
            counts.begun = *token;
            if counts.lost_early.remove(token) {
                return; // counted when its end was lost
            }
        }
        let ended = Place::ended_by(&report);
        let unheard = ended.is_some_and(|place| counts.unreported.remove(&place));
        if !unheard && counts.admit(bytes) {
            // What other threads add to is told at once.
            let waits = matches!(report, Report::Entry(_)) && counts.queue.len() < MAX_UNSAID;
            counts.queue.push_back(Queued::Report { bytes, report });
            drop(counts);
            if waits {
                self.fill.unsaid.store(true, Ordering::Relaxed);
            } else {
                self.fill.wake();
            }
        } else {
            let lost = ended.filter(|_| !unheard);
            match (Place::begun_by(&report), lost) {
                (Some(place), _) => _ = counts.unreported.insert(place),
                (None, Some(Place::Call(token))) if token > counts.begun => _ = counts.lost_early.insert(token),
                _ => {}
            }
            let early = matches!(lost, Some(Place::Call(token)) if counts.lost_early.contains(&token));
            drop(counts);
            self.fill.lose(&report);
            forget_effects(self.dry_run.as_deref(), &report);
            if let Some(place) = lost.filter(|_| !early) {
                self.fill.lock().queue.push_back(Queued::Lost(place));
                self.fill.wake();
            }
        }
    }

    /// Whether something waits that the reader has not been woken for.
    pub(in crate::run) fn is_waiting(&self) -> bool {
        self.fill.unsaid.load(Ordering::Relaxed)
    }

    /// Wakes the reader for whatever waits.
    pub(in crate::run) fn flush(&self) {
        if self.is_waiting() {
            self.fill.wake();
        }
    }
}

impl ReportSender {
    /// How many reports were taken so far, when half of what may wait does.
    pub(in crate::run) fn half_full(&self) -> Option<u64> {
        let counts = self.fill.lock();
        (counts.entries >= MAX_ENTRIES / 2 || counts.bytes >= MAX_BYTES / 2).then_some(counts.taken)
    }
}

impl ReportReceiver {
    /// The next report, when there is one; `None` when there will be no more.
    pub(in crate::run) fn next(&self) -> Option<Received> {
        loop {
            let mut counts = self.fill.lock();
            let queued = loop {
                if let Some(queued) = counts.queue.pop_front() {
                    break queued;
                }
                if counts.queue.capacity() > KEPT_PLACES {
                    counts.queue = VecDeque::new();
                }
                if counts.senders == 0 {
                    return None;
                }
                counts = self.fill.more.wait(counts).unwrap_or_else(PoisonError::into_inner);
            };
            match queued {
                Queued::Report { bytes, report } => {
                    counts.entries = counts.entries.saturating_sub(1); // both added when it was sent
                    counts.bytes = counts.bytes.saturating_sub(bytes);
                    counts.taken += 1;
                    drop(counts);
                    if !self.is_unheard(&report) {
                        return Some(Received::Report(report));
                    }
                }
                Queued::Lost(place) => return Some(Received::Lost(place)),
            }
        }
    }

    /// Whether `report` is the end of something whose beginning was lost; then it is lost as well.
    pub(in crate::run) fn is_unheard(&self, report: &Report) -> bool {
        let unheard = Place::ended_by(report).is_some_and(|place| self.fill.lock().unreported.remove(&place));
        if unheard {
            self.fill.lose(report);
            forget_effects(self.dry_run.as_deref(), report);
        }
        unheard
    }

    /// What has begun here is given up: its end will be lost.
    pub(in crate::run) fn give_up(&self, place: Place) {
        self.fill.lock().unreported.insert(place);
    }

    /// What was lost so far.
    pub(in crate::run) fn lost(&self) -> LostLines {
        self.fill.lock().lost
    }
}

/// The lines that `report` would have been. A beginning is none: they come with the end.
fn lines_of(report: &Report) -> LostLines {
    let (reported, transcript) = match report {
        Report::Entry(entry) | Report::Ended(_, Some(entry)) => (1, u64::from(!entry.is_account_only())),
        Report::Done(done) => {
            let lines = 1 + done.before.len() as u64 + u64::from(done.after.is_some());
            (lines, lines)
        }
        Report::Pending(..) | Report::Leaving(_) | Report::Ended(_, None) => (0, 0),
    };
    LostLines { reported, transcript }
}

/// About how many bytes of memory `report` holds.
fn bytes_of(report: &Report) -> usize {
    let held = match report {
        Report::Entry(entry) | Report::Pending(_, entry) | Report::Ended(_, Some(entry)) => entry.held_bytes(),
        Report::Done(done) => bytes_of_done(done),
        Report::Leaving(_) | Report::Ended(_, None) => 0,
    };
    size_of::<Queued>() + held
}

/// About how many bytes of memory a call that is done holds.
fn bytes_of_done(done: &Done) -> usize {
    let metadata: usize = done.job.context.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    let event = done.job.context.resident.as_ref().map_or(0, |event| event.held_bytes());
    let shutdowns = done.before.iter().chain(&done.after).map(|gone| size_of::<Shutdown>() + gone.outcome.held_bytes());
    size_of::<Done>() + metadata + event + done.outcome.held_bytes() + shutdowns.sum::<usize>()
}

/// Forgets what was asked for in what `report` tells.
fn forget_effects(dry_run: Option<&DryRun>, report: &Report) {
    let Some(dry_run) = dry_run else { return };
    match report {
        Report::Done(done) => drop(dry_run.take(&done.job.call.plugin, &done.job.call.tenant)),
        Report::Ended(_, Some(Entry { what: EntryKind::Shutdown { plugin, tenant, .. }, .. })) => {
            drop(dry_run.take(plugin, tenant));
        }
        _ => {}
    }
}

#[cfg(test)]
pub(in crate::run) mod tests {
    use super::super::order::tests::entry;
    use super::*;
    use crate::config::{Params, PluginCall};
    use crate::sandbox::{Context, Job, Outcome, Rejection};

    /// The end of the call `token`, with so many bytes of output.
    pub(in super::super) fn done(token: u64, output: usize) -> Report {
        let call = PluginCall { plugin: "p".into(), tenant: "default".into(), params: Params::default() };
        let job = Job { call: Arc::new(call), context: Context::default(), at: 0, token };
        let mut outcome = Outcome::rejected(Rejection::Closed { plugin: "p".into() });
        outcome.output = Some("x".repeat(output));
        Report::Done(Box::new(Done { job, before: Vec::new(), outcome, after: None }))
    }

    fn lost(sender: &ReportSender) -> (u64, u64) {
        let LostLines { reported, transcript } = sender.fill.lock().lost;
        (reported, transcript)
    }

    #[test]
    fn a_queue_nobody_reads_takes_so_many_entries_and_then_counts() {
        let (sender, receiver) = report_queue(None);
        for _ in 0..MAX_ENTRIES + 3 {
            sender.send(Report::Entry(entry()));
        }
        assert_eq!(lost(&sender), (3, 3));
        drop(sender);
        assert_eq!(std::iter::from_fn(|| receiver.next()).count(), MAX_ENTRIES);
    }

    #[test]
    fn a_queue_nobody_reads_takes_so_many_bytes_and_then_counts() {
        let (sender, receiver) = report_queue(None);
        for token in 1..=1_000 {
            sender.send(Report::Pending(token, entry()));
            sender.send(done(token, 164_000));
        }
        assert!(sender.fill.lock().bytes <= MAX_BYTES);
        let (reported, transcript) = lost(&sender);
        assert!((890..=905).contains(&reported), "16 MiB have room for about a hundred of 164 KB: {reported} lost");
        assert_eq!(transcript, reported);
        drop(sender);
        let (mut begun, mut ended, mut given_up) = (0, 0, 0);
        while let Some(received) = receiver.next() {
            match received {
                Received::Report(Report::Done(_)) => ended += 1,
                Received::Report(_) => begun += 1,
                Received::Lost(_) => given_up += 1,
            }
        }
        assert_eq!(ended + given_up, begun, "who heard of a call's beginning hears of its end");
        assert_eq!(ended + reported, 1_000, "every line was told or counted");
        let counts = receiver.fill.lock();
        assert_eq!((counts.entries, counts.bytes, counts.unreported.len()), (0, 0, 0));
    }

    #[test]
    fn an_end_that_comes_before_its_lost_beginning_is_lost_with_it() {
        let (sender, receiver) = report_queue(None);
        for _ in 0..MAX_ENTRIES - 1 {
            sender.send(Report::Entry(entry()));
        }
        sender.send(done(7, 0));
        sender.send(Report::Pending(7, entry()));
        assert_eq!(lost(&sender), (0, 0), "its end is still to be read");
        drop(sender);
        assert_eq!(std::iter::from_fn(|| receiver.next()).count(), MAX_ENTRIES - 1);
        assert_eq!(receiver.lost(), LostLines { reported: 1, transcript: 1 });
    }

    #[test]
    fn an_instance_that_goes_unheard_costs_the_line_it_had_and_no_memory() {
        let (sender, receiver) = report_queue(None);
        for _ in 0..MAX_ENTRIES {
            sender.send(Report::Entry(entry()));
        }
        for number in 0..1_000 {
            sender.send(Report::Leaving(number));
            sender.send(Report::Ended(number, (number % 2 == 0).then(entry)));
        }
        assert_eq!(lost(&sender), (500, 500));
        drop(sender);
        assert_eq!(std::iter::from_fn(|| receiver.next()).count(), MAX_ENTRIES);
        assert!(receiver.fill.lock().unreported.is_empty());
    }

    #[test]
    fn an_end_that_is_lost_before_its_beginning_counts_once() {
        let (sender, receiver) = report_queue(None);
        for _ in 0..MAX_ENTRIES {
            sender.send(Report::Entry(entry()));
        }
        sender.send(done(7, 0));
        sender.send(Report::Pending(7, entry()));
        assert_eq!(lost(&sender), (1, 1));
        drop(sender);
        assert_eq!(std::iter::from_fn(|| receiver.next()).count(), MAX_ENTRIES);
        let counts = receiver.fill.lock();
        assert_eq!((counts.unreported.len(), counts.lost_early.len()), (0, 0));
    }

    #[test]
    fn one_line_larger_than_the_bound_is_told_when_nothing_else_waits() {
        let (sender, _receiver) = report_queue(None);
        sender.send(done(1, MAX_BYTES + 1));
        sender.send(Report::Entry(entry()));
        assert_eq!(lost(&sender), (1, 1));
    }
}
