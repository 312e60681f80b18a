//! What is down, or will be: a release that belongs to an accepted press is never refused.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::super::worker::Worker;
use super::Input;
use crate::effect::{EffectError, Stroke};

/// Codes that go down and up together.
pub(super) type Codes = Vec<u16>;

/// Keys and buttons whose press was accepted and whose release was not yet, and how often.
#[derive(Debug, Default)]
pub(super) struct Downs(Mutex<BTreeMap<Codes, u32>>);

impl Downs {
    /// Hands `job` to `worker`, which may have no room for it, but for a release of what is down: one for each press that there was
    /// room for, so that these do not fill the queue either.
    pub(super) fn submit(
        &self,
        worker: &Worker,
        part: Option<(Codes, Stroke)>,
        job: impl FnOnce() + Send + 'static,
    ) -> Result<(), EffectError> {
        // An account is whole between two changes, so a poisoned lock holds a whole one.
        let mut downs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match part {
            Some((codes, Stroke::Down)) => {
                worker.submit(job)?;
                *downs.entry(codes).or_default() += 1;
            }
            Some((codes, Stroke::Up)) if downs.contains_key(&codes) => {
                worker.submit_owed(job)?;
                if let Some(times) = downs.get_mut(&codes) {
                    *times -= 1; // it is in the account, so it is at least 1
                    if *times == 0 {
                        downs.remove(&codes);
                    }
                }
            }
            _ => worker.submit(job)?,
        }
        Ok(())
    }
}

impl Input {
    /// The codes it presses or lets go, and which of both; nothing where it is no such part.
    pub(super) fn part(&self) -> Option<(Codes, Stroke)> {
        match self {
            Self::Chord(codes, stroke) => Some((codes.clone(), *stroke)),
            Self::Click { button, stroke, .. } => Some((vec![*button], *stroke)),
            Self::Strokes(_) | Self::Scroll(_) | Self::Move(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_went_down_goes_up_though_the_queue_is_full_and_nothing_else_does() {
        let (worker, downs) = (Worker::new("test"), Downs::default());
        let (open, gate) = channel::<()>();
        let (sender, done) = channel();
        let submit = |name: &'static str, codes: &[u16], stroke| {
            let sender = sender.clone();
            downs.submit(&worker, Some((codes.to_vec(), stroke)), move || sender.send(name).expect("a receiver"))
        };
        submit("talk down", &[29, 57], Stroke::Down).expect("room");
        submit("button down", &[0x110], Stroke::Down).expect("room");
        let (arrived, arrival) = channel();
        let block = move || {
            arrived.send(()).expect("a receiver");
            assert!(gate.recv().is_err(), "nothing is sent");
        };
        worker.submit(block).expect("room");
        // What came before it is done, and nothing makes room from here on.
        arrival.recv().expect("it is at work");
        while submit("tap", &[30], Stroke::Tap).is_ok() {}
        submit("refused down", &[31], Stroke::Down).expect_err("no room");
        submit("refused up", &[31], Stroke::Up).expect_err("it never went down");
        submit("talk up", &[29, 57], Stroke::Up).expect("its press was accepted");
        submit("button up", &[0x110], Stroke::Up).expect("its press was accepted");
        submit("talk up again", &[29, 57], Stroke::Up).expect_err("it is up");
        drop(open);
        assert!(worker.drain(Duration::from_secs(60)));
        let done: Vec<_> = done.try_iter().filter(|name| *name != "tap").collect();
        assert_eq!(done, ["talk down", "button down", "talk up", "button up"]);
    }
}
