//! Threads that are not confined, for what a confined thread has to have done.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::text::Tally;

/// How long a thread beyond the one that always waits stays without work.
const LINGER: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

thread_local! {
    static CONFINED: Cell<bool> = const { Cell::new(false) };
}

static BROKER: Broker = Broker { state: Mutex::new(Staff::new()), wake: Condvar::new() };

/// Whether this thread has been confined.
#[must_use]
pub fn is_confined() -> bool {
    CONFINED.get()
}

/// Does `work` on a thread that is not confined and waits for it: on this one, if it is not.
///
/// Each confined thread that waits has a thread to itself, so that slow work of one delays no other.
///
/// # Panics
///
/// If `work` does.
pub fn unconfined<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // Without a broker the work is tried here: what the thread may not do then fails, and says so.
    if !is_confined() || !BROKER.is_there() {
        return work();
    }
    let (answer, answered) = std::sync::mpsc::sync_channel(1);
    BROKER.submit(Box::new(move || {
        // The one who waits holds the other end until it has the answer.
        let _ = answer.send(catch_unwind(AssertUnwindSafe(work)));
    }));
    match answered.recv() {
        Ok(Ok(value)) => value,
        Ok(Err(payload)) => resume_unwind(payload),
        // The job sends in any case, and the broker does every job.
        Err(_) => unreachable!("the broker dropped a job"),
    }
}

/// Notes that this thread is confined from here on.
pub(super) fn confined() {
    CONFINED.set(true);
}

/// Starts the broker, if it has no thread yet. A confined thread could start only threads like itself, so this comes first.
pub(super) fn start() -> std::io::Result<()> {
    let mut state = BROKER.lock();
    if state.threads == 0 { BROKER.spawn(&mut state) } else { Ok(()) }
}

/// The threads and their work. One thread more than there is work waits at any time, because only a thread that is not confined
/// can start another.
struct Broker {
    state: Mutex<Staff>,
    wake: Condvar,
}

struct Staff {
    jobs: VecDeque<Job>,
    threads: usize,
    /// Threads that wait for work.
    idle: usize,
    /// Threads that could not be started.
    short: Tally,
}

impl Staff {
    const fn new() -> Self {
        Self { jobs: VecDeque::new(), threads: 0, idle: 0, short: Tally::new() }
    }
}

impl Broker {
    fn lock(&self) -> MutexGuard<'_, Staff> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_there(&self) -> bool {
        self.lock().threads > 0
    }

    fn submit(&self, job: Job) {
        self.lock().jobs.push_back(job);
        self.wake.notify_one();
    }

    fn spawn(&'static self, state: &mut Staff) -> std::io::Result<()> {
        std::thread::Builder::new().name("broker".into()).spawn(|| self.work())?;
        state.threads += 1;
        Ok(())
    }

    fn work(&'static self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                if state.idle == 0
                    && let Err(error) = self.spawn(&mut state)
                    && let Some(total) = state.short.add(1)
                {
                    log::warn!(
                        "no thread for another effect of a plugin at the same time ({error}); effects wait for each other{total}"
                    );
                }
                drop(state);
                job();
                state = self.lock();
                continue;
            }
            let surplus = state.idle > 0;
            state.idle += 1;
            let timed_out;
            (state, timed_out) = if surplus {
                let (state, result) = self.wake.wait_timeout(state, LINGER).unwrap_or_else(PoisonError::into_inner);
                (state, result.timed_out())
            } else {
                (self.wake.wait(state).unwrap_or_else(PoisonError::into_inner), false)
            };
            state.idle -= 1; // added just above
            if timed_out && state.idle > 0 && state.jobs.is_empty() {
                state.threads -= 1; // this one
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_a_thread_that_is_not_confined_stays_there() {
        let here = std::thread::current().id();
        assert_eq!(unconfined(|| std::thread::current().id()), here);
    }
}
