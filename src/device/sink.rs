//! The one queue all devices deliver to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use super::event::{DeviceEvent, What};
use super::wake::Wake;
use crate::clock::Clock;
use crate::gesture::DeviceId;
use crate::midi::Message;

/// Why an event was not delivered.
enum Undelivered {
    Full,
    NobodyListens,
}

type Deliver = dyn Fn(DeviceEvent) -> Result<(), Undelivered> + Send + Sync;

/// The sending side of the queue. Messages never wait: what finds the queue full is dropped and counted, because a
/// driver that is made to wait loses messages where nobody counts them.
#[derive(Clone)]
pub(super) struct Sink {
    deliver: Arc<Deliver>,
    clock: Arc<dyn Clock>,
    dropped: Arc<AtomicU64>,
    waiting: WaitingBytes,
    wake: Wake,
}

/// Bytes of long messages that may wait in the queue: 64 of the longest.
const MAX_BYTES: usize = 4 << 20;

/// Bytes of the long messages that wait in the queue. Whoever takes them out of it says so.
#[derive(Debug, Clone, Default)]
pub(super) struct WaitingBytes(Arc<AtomicUsize>);

impl WaitingBytes {
    /// Whether there is room for `bytes` more, which then wait.
    fn add(&self, bytes: usize) -> bool {
        if bytes == 0 {
            return true;
        }
        let fits = self.0.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= MAX_BYTES;
        if !fits {
            self.remove(bytes);
        }
        fits
    }

    /// `bytes` of what was added wait no more.
    pub(super) fn remove(&self, bytes: usize) {
        if bytes > 0 {
            self.0.fetch_sub(bytes, Ordering::Relaxed); // added before
        }
    }
}

/// How long to wait before another attempt to report a change of state to a full queue.
const RETRY: Duration = Duration::from_millis(5);

impl Sink {
    pub(super) fn new<T: From<DeviceEvent> + Send + 'static>(
        to: SyncSender<T>,
        clock: Arc<dyn Clock>,
        dropped: Arc<AtomicU64>,
        waiting: WaitingBytes,
        wake: Wake,
    ) -> Self {
        let deliver = Arc::new(move |event: DeviceEvent| {
            to.try_send(T::from(event)).map_err(|error| match error {
                TrySendError::Full(_) => Undelivered::Full,
                TrySendError::Disconnected(_) => Undelivered::NobodyListens,
            })
        });
        Self { deliver, clock, dropped, waiting, wake }
    }

    /// Delivers a message received now, or drops and counts it.
    pub(super) fn message(&self, device: DeviceId, message: Message) {
        let bytes = message.held_bytes();
        let event = DeviceEvent { t: self.clock.now(), device, what: What::Message(message) };
        let delivered = if self.waiting.add(bytes) {
            (self.deliver)(event).inspect_err(|_| self.waiting.remove(bytes))
        } else {
            Err(Undelivered::Full)
        };
        if let Err(Undelivered::Full) = delivered {
            let before = self.dropped.fetch_add(1, Ordering::Relaxed);
            // At 1, 2, 4, 8 …: a flood of messages must not become a flood of warnings.
            if (before + 1).is_power_of_two() {
                log::warn!("{} MIDI messages dropped: they come faster than they are worked off", before + 1);
            }
        }
    }

    /// Reports a change of state, waiting for room where necessary; false when nobody listens any more.
    pub(super) fn report(&self, device: DeviceId, what: &What) -> bool {
        let t = self.clock.now();
        loop {
            match (self.deliver)(DeviceEvent { t, device, what: what.clone() }) {
                Ok(()) => return true,
                Err(Undelivered::NobodyListens) => return false,
                Err(Undelivered::Full) => {
                    if !self.wake.pause(RETRY) {
                        return false;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_wait_up_to_a_bound_in_bytes_and_short_ones_beside_them() {
        let waiting = WaitingBytes::default();
        assert_eq!((0..100).filter(|_| waiting.add(64 << 10)).count(), 64);
        assert!(waiting.add(0), "short messages are bounded by their number");
        waiting.remove(64 << 10);
        assert!(waiting.add(64 << 10));
    }
}
