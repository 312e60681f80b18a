//! Waiting for room before the next message is taken, where whoever sends it can wait: nothing of a pipe is lost because a plugin,
//! a program or the reader of the account is slower than the pipe.

use std::time::Duration;

use super::dispatch::Dispatch;
use super::report::queue::ReportSender;
use crate::time::{Clock, Micros};

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(1);

/// How long the reader of the account is waited for that reads nothing at all. Whoever stopped reading must not stop the mapping:
/// what it would have read is lost and counted instead, until it goes on.
const STALLED: Micros = 1_000_000;

/// Waits for room.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// The reader had read so many reports when it stopped.
    stalled: Option<u64>,
}

impl Room {
    /// Waits until the steps of another message find room with those who carry them out and those who read of it; at once when
    /// `stop` says that the end was asked for.
    pub(super) fn wait(
        &mut self,
        dispatch: &Dispatch,
        sender: &ReportSender,
        clock: &dyn Clock,
        stop: &dyn Fn() -> bool,
    ) {
        while !dispatch.has_room() && !stop() {
            clock.sleep(PAUSE);
        }
        let mut seen = None;
        while let Some(taken) = sender.half_full().filter(|taken| self.stalled != Some(*taken)) {
            match seen {
                Some((before, since)) if before == taken => {
                    if clock.now().saturating_sub(since) >= STALLED {
                        self.stalled = Some(taken);
                        return;
                    }
                }
                _ => seen = Some((taken, clock.now())),
            }
            if stop() {
                return;
            }
            clock.sleep(PAUSE);
        }
    }
}
