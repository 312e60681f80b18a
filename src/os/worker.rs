//! A thread for what takes long, behind a bounded queue.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::effect::EffectError;

/// Jobs that may wait. A few seconds' worth of mixer calls; who presses on gets told instead of served minutes later.
pub(super) const QUEUE: usize = 64;

/// Stack of the thread, in bytes: a desktop's tree of windows is understood level by level. What is not used costs nothing.
const STACK: usize = 1 << 20;

type Job = Box<dyn FnOnce() + Send>;

/// Does jobs one after the other, in the order they came.
#[derive(Debug)]
pub(super) struct Worker {
    name: &'static str,
    sender: Mutex<Option<Sender<Job>>>,
    pending: Arc<Pending>,
}

/// Jobs that were taken and are not done.
#[derive(Debug, Default)]
struct Pending {
    count: Mutex<usize>,
    none: Condvar,
}

impl Worker {
    /// A worker whose thread, called `name`, starts with the first job.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, sender: Mutex::default(), pending: Arc::default() }
    }

    /// Takes `job`, or says that too many wait.
    pub(super) fn submit(&self, job: impl FnOnce() + Send + 'static) -> Result<(), EffectError> {
        // One more than may wait is the one at work.
        self.take(Box::new(job), QUEUE + 1)
    }

    /// Takes `job`, however many wait: whoever calls this bounds how often.
    #[cfg(feature = "keys")] // only keys are held
    pub(super) fn submit_owed(&self, job: impl FnOnce() + Send + 'static) -> Result<(), EffectError> {
        self.take(Box::new(job), usize::MAX)
    }

    /// Takes `job` where fewer than `most` are pending.
    fn take(&self, job: Job, most: usize) -> Result<(), EffectError> {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match &mut *sender {
            Some(sender) => sender,
            empty => empty.insert(self.spawn()?),
        };
        // Counted before it is sent: the thread may be done with it before this function is.
        if !self.pending.add_one(most) {
            return Err(EffectError::Busy(format!("{QUEUE} effects are waiting for the {} thread already", self.name)));
        }
        sender.send(job).map_err(|_| {
            self.pending.done();
            EffectError::Failed(format!("the {} thread has ended", self.name))
        })
    }

    /// Whether less than half of the jobs wait that may.
    pub(super) fn has_room(&self) -> bool {
        *self.pending.lock() < QUEUE / 2
    }

    /// Waits until all jobs are done, at most `limit`; whether they are.
    pub(super) fn drain(&self, limit: Duration) -> bool {
        let count = self.pending.lock();
        let waited = self.pending.none.wait_timeout_while(count, limit, |count| *count > 0);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn spawn(&self) -> Result<Sender<Job>, EffectError> {
        let (sender, receiver) = channel::<Job>();
        let pending = Arc::clone(&self.pending);
        std::thread::Builder::new()
            .name(self.name.into())
            .stack_size(STACK)
            .spawn(move || {
                for job in receiver {
                    job();
                    pending.done();
                }
            })
            .map_err(|error| EffectError::Failed(format!("cannot start the {} thread: {error}", self.name)))?;
        Ok(sender)
    }
}

impl Pending {
    fn lock(&self) -> std::sync::MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// One more, where there are fewer than `most`; whether there were.
    fn add_one(&self, most: usize) -> bool {
        let mut count = self.lock();
        let fits = *count < most;
        *count += usize::from(fits);
        fits
    }
    fn done(&self) {
        let mut count = self.lock();
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.none.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn jobs_are_done_in_order_and_drain_waits_for_them() {
        let worker = Worker::new("test");
        let (sender, receiver) = channel();
        for number in 0..10 {
            let sender = sender.clone();
            worker.submit(move || sender.send(number).expect("a receiver")).expect("room");
        }
        assert!(worker.drain(Duration::from_secs(60)));
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_full_queue_is_told_at_once() {
        let worker = Worker::new("test");
        let (release, gate) = channel::<()>();
        worker.submit(move || assert!(gate.recv().is_err(), "nothing is sent")).expect("room");
        // One is with the thread, sooner or later; the queue itself holds QUEUE more.
        let refused = (0..QUEUE + 2).filter(|_| worker.submit(|| ()).is_err()).count();
        assert!(refused >= 1);
        assert!(!worker.drain(Duration::ZERO));
        drop(release);
        assert!(worker.drain(Duration::from_secs(60)));
    }
}
