//! When an event happened, as those outside of the session's own time are told it.

use super::{Clock, Micros};

/// When an event happened, since the Unix epoch. Known to the microsecond; told in nanoseconds to guests' clocks and in milliseconds
/// to plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventTime {
    micros: u64,
}

impl EventTime {
    /// So many microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix(micros: u64) -> Self {
        Self { micros }
    }

    /// At `at` of the session that `clock` counts.
    #[must_use]
    pub fn of(clock: &dyn Clock, at: Micros) -> Self {
        Self::from_unix(clock.epoch().saturating_add(at))
    }

    /// The time at this moment, by the clock of the session.
    #[must_use]
    pub fn now(clock: &dyn Clock) -> Self {
        Self::of(clock, clock.now())
    }

    /// In nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.micros.saturating_mul(1_000)
    }

    /// In milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.micros / 1_000
    }
}
