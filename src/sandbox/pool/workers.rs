//! The threads of a pool. There are as many as slots are at work at once, but never fewer than two nor more than fit; each takes
//! the slot that has waited longest, carries out one call, and puts it back behind the others.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::confine::Confinement;
use crate::sandbox::engine::stack::spawn_worker;
use crate::sandbox::pool::slot::{Item, Slot};
use crate::text::Tally;

/// Workers that stay when there is nothing to do.
pub(in crate::sandbox) const BASE: usize = 2;

/// Workers at most: one for each instance at work, as far as addresses for their stacks reach.
pub(in crate::sandbox) const MOST: usize = if cfg!(target_pointer_width = "64") { 64 } else { 16 };

/// How long a worker beyond the base waits for more before it ends.
const LINGER: Duration = Duration::from_secs(10);

/// What workers do with an item.
pub(in crate::sandbox) type Handler = dyn Fn(&Slot, Item) + Send + Sync;

/// The workers of one pool and the slots that wait for them.
pub(in crate::sandbox) struct Workers {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<Roster>,
    wake: Condvar,
    idle: Condvar,
    most: usize,
    confinement: Confinement,
    handler: Box<Handler>,
}

/// Who works and what waits.
#[derive(Default)]
struct Roster {
    ready: VecDeque<Arc<Slot>>,
    workers: usize,
    waiting: usize,
    /// Slots that are with a worker.
    busy: usize,
    /// Threads that could not be started.
    short: Tally,
    stopping: bool,
}

impl Workers {
    /// Starts the base; at most `most` threads at any time, each under `confinement`.
    pub(in crate::sandbox) fn start(
        most: u32,
        confinement: Confinement,
        handler: Box<Handler>,
    ) -> std::io::Result<Self> {
        let most = (most as usize).clamp(BASE, MOST);
        let inner = Arc::new(Inner {
            state: Mutex::default(),
            wake: Condvar::new(),
            idle: Condvar::new(),
            most,
            confinement,
            handler,
        });
        for _ in 0..BASE {
            inner.lock().workers += 1;
            if let Err(error) = Inner::spawn(&inner) {
                inner.stop();
                return Err(error);
            }
        }
        Ok(Self { inner })
    }

    /// Hands over a slot that has something to do and is not here yet.
    pub(in crate::sandbox) fn schedule(&self, slot: Arc<Slot>) {
        let mut state = self.inner.lock();
        state.ready.push_back(slot);
        // A worker that was woken but has not come yet counts as waiting, and so does the slot it will take.
        let short = state.ready.len() > state.waiting && state.workers < self.inner.most;
        if short {
            state.workers += 1;
        }
        drop(state);
        if !short {
            self.inner.wake.notify_one();
        } else if let Err(error) = Inner::spawn(&self.inner) {
            let total = self.inner.lock().short.add(1);
            if let Some(total) = total {
                log::warn!(
                    "no thread for another plugin at work ({error}); calls wait for the {BASE} there are{total}"
                );
            }
            self.inner.wake.notify_one();
        }
    }

    /// Waits until nothing waits and nothing is at work.
    pub(in crate::sandbox) fn wait_idle(&self) {
        let mut state = self.inner.lock();
        while state.busy > 0 || !state.ready.is_empty() {
            state = self.inner.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets the workers end when nothing is left to do, and waits for that.
    pub(in crate::sandbox) fn stop(&self) {
        self.inner.stop();
        let mut state = self.inner.lock();
        while state.workers > 0 {
            state = self.inner.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let short = std::mem::take(&mut state.short).total();
        drop(state);
        if short > 1 {
            log::warn!("{short} times in all: no thread for another plugin at work");
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Roster> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.lock().stopping = true;
        self.wake.notify_all();
    }

    /// Starts a worker that is counted already.
    fn spawn(inner: &Arc<Self>) -> std::io::Result<()> {
        let worker = Arc::clone(inner);
        match spawn_worker("plugin".into(), inner.confinement.clone(), move || worker.work()) {
            Ok(_detached) => Ok(()),
            Err(error) => {
                inner.lock().workers -= 1; // counted by the caller
                Err(error)
            }
        }
    }

    fn work(&self) {
        while let Some(slot) = self.take() {
            if let Some(item) = slot.next() {
                (self.handler)(&slot, item);
            }
            let more = slot.has_more();
            let mut state = self.lock();
            state.busy -= 1; // taken by `take`
            if more {
                state.ready.push_back(slot);
                // This worker takes the first of them; somebody else may take the next.
                if state.ready.len() > 1 {
                    self.wake.notify_one();
                }
            }
            if state.busy == 0 && state.ready.is_empty() {
                self.idle.notify_all();
            }
        }
    }

    /// The slot that has waited longest; `None` ends the worker.
    fn take(&self) -> Option<Arc<Slot>> {
        let mut state = self.lock();
        loop {
            if let Some(slot) = state.ready.pop_front() {
                state.busy += 1;
                return Some(slot);
            }
            let surplus = state.workers > BASE;
            if state.stopping {
                return self.leave(state);
            }
            state.waiting += 1;
            let timed_out;
            (state, timed_out) = if surplus {
                let (state, result) = self.wake.wait_timeout(state, LINGER).unwrap_or_else(PoisonError::into_inner);
                (state, result.timed_out())
            } else {
                (self.wake.wait(state).unwrap_or_else(PoisonError::into_inner), false)
            };
            state.waiting -= 1; // added just above
            if timed_out && state.ready.is_empty() && state.workers > BASE {
                return self.leave(state);
            }
        }
    }

    fn leave(&self, mut state: MutexGuard<'_, Roster>) -> Option<Arc<Slot>> {
        state.workers -= 1; // this one
        drop(state);
        self.idle.notify_all();
        None
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers").field("most", &self.inner.most).finish_non_exhaustive()
    }
}
