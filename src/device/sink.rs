//! The one queue all devices deliver to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use super::event::{DeviceEvent, DeviceEventKind};
use super::wake::Wake;
use crate::gesture::DeviceId;
use crate::midi::Message;
use crate::time::Clock;

/// Why an event was not delivered.
enum Undelivered {
    Full,
    NobodyListens,
}

type Deliver = dyn Fn(DeviceEvent) -> Result<(), Undelivered> + Send + Sync;

/// The sending side of the queue. Messages of a device never wait: what finds the queue full is dropped and counted, because a
/// driver that is made to wait loses messages where nobody counts them. Those of a pipe wait: whoever writes to it waits with
/// them, and nothing is lost.
#[derive(Clone)]
pub(super) struct Sink {
    deliver: Arc<Deliver>,
    clock: Arc<dyn Clock>,
    dropped: Arc<AtomicU64>,
    waiting: Waiting,
    wake: Wake,
}

/// Messages of pipes that may wait in the queue: the rest of it is left to devices, which cannot wait.
const MAX_PATIENT: usize = 256;

/// Bytes of long messages that may wait in the queue: 64 of the longest.
const MAX_BYTES: usize = 4 << 20;

/// Counts what of the queue is bounded beside its length: bytes of long messages, and messages of pipes. Whoever takes an event out
/// calls [`Waiting::remove`].
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Bytes of long messages.
    bytes: AtomicUsize,
    /// Messages of pipes.
    patient: AtomicUsize,
}

impl Waiting {
    /// Counts `bytes` of a long message when there is room for them; false, and nothing counted, when not. Messages of pipes are
    /// counted in [`Sink::patient_message`].
    fn add_bytes(&self, bytes: usize) -> bool {
        if bytes == 0 {
            return true;
        }
        let fits = self.0.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= MAX_BYTES;
        if !fits {
            self.remove_bytes(bytes);
        }
        fits
    }

    fn remove_bytes(&self, bytes: usize) {
        if bytes > 0 {
            self.0.bytes.fetch_sub(bytes, Ordering::Relaxed); // added before
        }
    }

    /// `event` was taken out of the queue: takes back its bytes and, of a pipe's, its place.
    pub(super) fn remove(&self, event: &DeviceEvent) {
        if let DeviceEventKind::Message(message) = &event.what {
            self.remove_bytes(message.held_bytes());
        }
        if event.patient {
            self.0.patient.fetch_sub(1, Ordering::Relaxed); // added before
        }
    }
}

/// How long to wait before another attempt to report a change of state to a full queue.
const RETRY: Duration = Duration::from_millis(5);

/// How long a pipe waits before another attempt to hand over a message: long enough to cost nothing, and short enough for a hundred thousand messages a second.
const PATIENCE: Duration = Duration::from_millis(1);

impl Sink {
    pub(super) fn new<T: From<DeviceEvent> + Send + 'static>(
        to: SyncSender<T>,
        clock: Arc<dyn Clock>,
        dropped: Arc<AtomicU64>,
        waiting: Waiting,
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
        let event =
            DeviceEvent { t: self.clock.now(), device, what: DeviceEventKind::Message(message), patient: false };
        let delivered = if self.waiting.add_bytes(bytes) {
            (self.deliver)(event).inspect_err(|_| self.waiting.remove_bytes(bytes))
        } else {
            Err(Undelivered::Full)
        };
        if let Err(Undelivered::Full) = delivered {
            let before = self.dropped.fetch_add(1, Ordering::Relaxed);
            // At 1, 2, 4, 8 …: a flood of messages must not become a flood of warnings.
            if (before + 1).is_power_of_two() {
                log::warn!(
                    "MIDI messages dropped so far, because they come faster than they are worked off: {}",
                    before + 1
                );
            }
        }
    }

    /// Delivers a message that was read now from something that can wait, when there is room for it; false when the thread is to
    /// end, or nobody listens any more.
    pub(super) fn patient_message(&self, device: DeviceId, message: &Message) -> bool {
        let bytes = message.held_bytes();
        loop {
            let patient = &self.waiting.0.patient;
            let room = patient.fetch_add(1, Ordering::Relaxed) < MAX_PATIENT && self.waiting.add_bytes(bytes);
            if room {
                let what = DeviceEventKind::Message(message.clone());
                match (self.deliver)(DeviceEvent { t: self.clock.now(), device, what, patient: true }) {
                    Ok(()) => return true,
                    Err(Undelivered::NobodyListens) => return false,
                    Err(Undelivered::Full) => self.waiting.remove_bytes(bytes),
                }
            }
            patient.fetch_sub(1, Ordering::Relaxed); // added above
            if !self.wake.pause(PATIENCE) {
                return false;
            }
        }
    }

    /// Reports a change of state, waiting for room where necessary; false when nobody listens any more.
    pub(super) fn report(&self, device: DeviceId, what: &DeviceEventKind) -> bool {
        let t = self.clock.now();
        loop {
            match (self.deliver)(DeviceEvent { t, device, what: what.clone(), patient: false }) {
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
        let waiting = Waiting::default();
        assert_eq!((0..100).filter(|_| waiting.add_bytes(64 << 10)).count(), 64);
        assert!(waiting.add_bytes(0), "short messages are bounded by their number");
        waiting.remove_bytes(64 << 10);
        assert!(waiting.add_bytes(64 << 10));
    }
}
