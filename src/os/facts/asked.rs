//! An answer that may take long, asked for beside the input.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::FRESH;
use crate::os::worker::Worker;
use crate::time::Micros;

/// How long the input waits for a new answer. A desktop gives one within a few milliseconds; nobody feels this much.
const PATIENCE: Duration = Duration::from_millis(20);

/// The last answer to a question, and a thread that asks anew.
#[derive(Debug)]
pub(super) struct Asked<T> {
    shared: Arc<Shared<T>>,
    worker: Worker,
}

#[derive(Debug)]
struct Shared<T> {
    answer: Mutex<Answer<T>>,
    came: Condvar,
}

#[derive(Debug)]
struct Answer<T> {
    value: T,
    /// When it was asked for; nothing before the first time.
    asked: Option<Micros>,
    /// A new one is on its way.
    coming: bool,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Answer<T>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> Asked<T> {
    /// `value` is the answer until there is one. The thread is called `name`.
    pub(super) fn new(name: &'static str, value: T) -> Self {
        let answer = Mutex::new(Answer { value, asked: None, coming: false });
        Self { shared: Arc::new(Shared { answer, came: Condvar::new() }), worker: Worker::new(name) }
    }

    /// Reads the answer. One that is too old at `now` is asked for anew by `ask`; whoever does not answer in time is not waited
    /// for, and the last answer stands until the new one has come.
    pub(super) fn read<R>(
        &self,
        now: Micros,
        ask: impl FnOnce() -> T + Send + 'static,
        read: impl FnOnce(&T) -> R,
    ) -> R {
        let mut answer = self.shared.lock();
        let old = answer.asked.is_none_or(|asked| now.saturating_sub(asked) >= FRESH);
        if old && !answer.coming {
            let shared = Arc::clone(&self.shared);
            let get = move || {
                let value = ask();
                let mut answer = shared.lock();
                (answer.value, answer.coming) = (value, false);
                shared.came.notify_all();
            };
            // Without a thread there is no answer but the last one.
            if self.worker.submit(get).is_ok() {
                (answer.asked, answer.coming) = (Some(now), true);
                let waited = self.shared.came.wait_timeout_while(answer, PATIENCE, |answer| answer.coming);
                answer = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        read(&answer.value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn the_input_goes_on_while_nobody_answers_and_the_answer_counts_when_it_comes() {
        let asked = Asked::new("test", 0);
        let (release, gate) = channel();
        // Answered only after the reading has come back: waiting for it would never end.
        let slow = move || gate.recv().expect("it is released");
        assert_eq!(asked.read(0, slow, |value| *value), 0);
        assert_eq!(asked.read(10 * FRESH, || 9, |value| *value), 0, "one question at a time");
        release.send(7).expect("it waits");
        while asked.read(0, || 8, |value| *value) != 7 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn an_answer_is_asked_for_anew_when_it_is_old() {
        let asked = Asked::new("test", 0);
        let after = |now, answer: i32, expected| {
            while asked.read(now, move || answer, |value| *value) != expected {
                std::thread::yield_now(); // until the thread has had its turn
            }
        };
        after(0, 1, 1);
        after(FRESH - 1, 2, 1);
        after(FRESH, 3, 3);
    }
}
