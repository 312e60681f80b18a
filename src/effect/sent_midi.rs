//! What was sent to MIDI ports a moment ago, for whoever has to tell an echo from a press.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::effect::MidiOut;
use crate::midi::Message;
use crate::time::{Clock, Micros};

/// Messages that are remembered: more than a loop has under way within milliseconds, unless it multiplies.
const REMEMBERED: usize = 64;

/// Names of ports that are remembered; further ones share the last.
const PORTS: usize = 128;

/// The last messages that were sent, with their times.
#[derive(Default)]
pub struct SentMidi {
    clock: OnceLock<Arc<dyn Clock>>,
    /// When the last one was sent, plus one; 0 before the first.
    last: AtomicU64,
    recent: Mutex<Recent>,
}

#[derive(Default)]
struct Recent {
    messages: VecDeque<Sent>,
    ports: Vec<Arc<str>>,
}

struct Sent {
    t: Micros,
    /// Absent for system exclusive messages.
    message: Option<Message>,
    port: usize,
}

impl SentMidi {
    /// From here on times count by `clock`; what was sent before, and what is sent without a clock, is forgotten. Only the first
    /// clock counts.
    pub fn begin(&self, clock: Arc<dyn Clock>) {
        // There is one session at a time, and one in most processes.
        let _ = self.clock.set(clock);
    }

    /// `out` is being sent. Said before it is: it can come back before a word said afterwards.
    pub fn note(&self, out: &MidiOut) {
        let Some(clock) = self.clock.get() else { return };
        let t = clock.now();
        let mut recent = self.recent();
        let port = match recent.ports.iter().position(|port| **port == *out.port) {
            Some(port) => port,
            None if recent.ports.len() >= PORTS => PORTS - 1,
            None => {
                recent.ports.push(out.port.as_str().into());
                recent.ports.len() - 1 // pushed just above
            }
        };
        // Each by itself: that is how they come back.
        for message in out.message.messages().iter() {
            if recent.messages.len() >= REMEMBERED {
                recent.messages.pop_front();
            }
            let message = (!matches!(message, Message::SysEx(_))).then(|| message.clone());
            recent.messages.push_back(Sent { t, message, port });
        }
        self.last.store(t.saturating_add(1), Ordering::Release);
    }

    /// Whether anything was sent in the `window` before `t` or since.
    #[must_use]
    pub fn any(&self, t: Micros, window: Micros) -> bool {
        match self.last.load(Ordering::Acquire).checked_sub(1) {
            None => false,
            Some(last) if last <= t => t - last <= window,
            // There was something since. What came is near to a message sent before, or those were too many to be remembered.
            Some(_) => {
                let recent = self.recent();
                let full = recent.messages.len() >= REMEMBERED;
                let oldest = recent.messages.front().map_or(Micros::MAX, |sent| sent.t);
                (full && oldest > t) || recent.messages.iter().any(|sent| sent.t.abs_diff(t) <= window)
            }
        }
    }

    /// Whether `message` was sent in the `window` before `t`.
    #[must_use]
    pub fn has(&self, message: &Message, t: Micros, window: Micros) -> bool {
        let same = |sent: &Sent| sent.t.abs_diff(t) <= window && sent.message.as_ref() == Some(message);
        self.recent().messages.iter().any(same)
    }

    /// The port that the last message went to.
    #[must_use]
    pub fn last_port(&self) -> Option<Arc<str>> {
        let recent = self.recent();
        recent.ports.get(recent.messages.back()?.port).cloned()
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for SentMidi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentMidi").field("last", &self.last).finish_non_exhaustive()
    }
}
