//! Those who follow what happens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::journal::Entry;

/// Lines that wait for one watcher. One that reads slower loses lines, and is told how many.
const WAITING: usize = 1024;

/// Those who follow what happens. Where nobody does, an entry costs one look at a number.
#[derive(Debug, Default)]
pub struct Watchers {
    count: AtomicUsize,
    list: Mutex<Vec<Watcher>>,
}

#[derive(Debug)]
struct Watcher {
    lines: SyncSender<Arc<str>>,
    lost: Arc<AtomicUsize>,
}

/// What one watcher is told.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) lines: Receiver<Arc<str>>,
    lost: Arc<AtomicUsize>,
}

impl Watched {
    /// How many lines were lost since this was asked last.
    pub(super) fn take_lost(&self) -> usize {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

impl Watchers {
    /// Tells everybody of `entry`, in the words of `conductor run --json`. Waits for nobody.
    pub fn tell(&self, entry: &Entry) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let line: Arc<str> = entry.line().to_json().into();
        let mut list = self.list();
        list.retain(|watcher| match watcher.lines.try_send(Arc::clone(&line)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                watcher.lost.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        });
        self.count.store(list.len(), Ordering::Relaxed);
    }

    /// Everybody has heard everything: the session ends.
    pub fn finish(&self) {
        let mut list = self.list();
        list.clear();
        self.count.store(0, Ordering::Relaxed);
    }

    /// One more.
    pub(super) fn add(&self) -> Watched {
        let (sender, lines) = sync_channel(WAITING);
        let lost = Arc::new(AtomicUsize::new(0));
        let mut list = self.list();
        list.push(Watcher { lines: sender, lost: Arc::clone(&lost) });
        self.count.store(list.len(), Ordering::Relaxed);
        Watched { lines, lost }
    }

    fn list(&self) -> MutexGuard<'_, Vec<Watcher>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
