//! How long a request may still take.

use std::sync::Arc;
use std::time::Duration;

use crate::effect::EffectError;
use crate::time::{Clock, Micros};

/// A moment after which a request is given up.
#[derive(Clone)]
pub(super) struct Deadline {
    clock: Arc<dyn Clock>,
    start: Micros,
    end: Micros,
}

impl Deadline {
    pub(super) fn after(clock: Arc<dyn Clock>, limit: Duration) -> Self {
        let start = clock.now();
        Self { end: start.saturating_add(u64::try_from(limit.as_micros()).unwrap_or(u64::MAX)), start, clock }
    }
    /// What is left; an error when nothing is.
    pub(super) fn left(&self) -> Result<Duration, EffectError> {
        match self.end.saturating_sub(self.clock.now()) {
            0 => Err(self.passed()),
            left => Ok(Duration::from_micros(left)),
        }
    }
    /// What was waited so far.
    pub(super) fn waited(&self) -> Duration {
        Duration::from_micros(self.clock.now().saturating_sub(self.start))
    }
    /// That the time is over.
    pub(super) fn passed(&self) -> EffectError {
        EffectError::TimedOut(format!(
            "no answer within {} ms; ask for less, or raise timeout_ms in the request or max_execution_ms",
            (self.end - self.start) / 1000 // end is start plus a limit
        ))
    }
}

impl std::fmt::Debug for Deadline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deadline").field("start", &self.start).field("end", &self.end).finish_non_exhaustive()
    }
}
