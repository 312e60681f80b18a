//! Long presses that are due later, in the order in which they will be.

use std::collections::VecDeque;

use super::event::DeviceId;
use crate::midi::Channel;
use crate::time::Micros;

/// The next long press of a held note. The order of the fields is the order of timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub(super) due: Micros,
    pub(super) device: DeviceId,
    pub(super) channel: Channel,
    pub(super) note: u8,
}

/// Pending timers, sorted. A held note has at most one, so there are never more than held notes.
#[derive(Debug, Default)]
pub(super) struct Timers {
    sorted: VecDeque<Timer>,
}

impl Timers {
    pub(super) fn next_due(&self) -> Option<Micros> {
        self.sorted.front().map(|timer| timer.due)
    }

    /// Adds a timer. New ones mostly are the latest, so this seldom moves anything.
    pub(super) fn add(&mut self, timer: Timer) {
        if let Err(position) = self.sorted.binary_search(&timer) {
            self.sorted.insert(position, timer);
        }
    }

    pub(super) fn cancel(&mut self, timer: Timer) {
        if let Ok(position) = self.sorted.binary_search(&timer) {
            self.sorted.remove(position);
        }
    }

    /// Takes the first timer, when it is due at `now`.
    pub(super) fn take_due(&mut self, now: Micros) -> Option<Timer> {
        if self.next_due()? <= now { self.sorted.pop_front() } else { None }
    }

    pub(super) fn cancel_device(&mut self, device: DeviceId) {
        self.sorted.retain(|timer| timer.device != device);
    }
}
