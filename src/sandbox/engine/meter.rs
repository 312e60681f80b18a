//! Fuel and time of one call: what it may use, what it has used, and where it has to stop.

use std::time::Duration;

use crate::call::Limits;
use crate::time::Micros;

/// Where a call was stopped by time. Host calls belong to it because a host function charges before it has an effect, and the next
/// slice may begin at the very fuel of that charge, after the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopPlace {
    /// Fuel it had used.
    pub fuel: u64,
    /// Host calls it had finished, those of WASI among them.
    pub host_calls: u64,
    /// Which time was up.
    pub limit: TimeLimit,
}

/// Where time stopped a call when it was recorded: there it stops again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FuelStop {
    /// Whether that was while its instance started, and not in the call itself.
    pub starting: bool,
    /// How far the call had come when time stopped it.
    pub place: StopPlace,
}

impl FuelStop {
    /// Where the instance stops while it starts.
    pub(in crate::sandbox) fn at_start(self) -> Option<StopPlace> {
        self.starting.then_some(self.place)
    }

    /// Where the call itself stops.
    pub(in crate::sandbox) fn in_call(self) -> Option<StopPlace> {
        (!self.starting).then_some(self.place)
    }
}

/// A time a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// `max_execution_ms` of session time.
    Deadline,
    /// The real time a call may take where session time stands still meanwhile: twenty times `max_execution_ms`, at least 30 s.
    Ceiling,
}

/// How much longer than `max_execution_ms` a call may take in a session from a file and in a replay, which have no deadline.
const CEILING_FACTOR: u32 = 20;

/// What every such call has at least: the slowest machine needs less for all the fuel there is by default.
const CEILING_AT_LEAST: Duration = Duration::from_secs(30);

/// Real time a call may take where session time stands still while it runs.
pub(in crate::sandbox) fn ceiling(limits: &Limits) -> Duration {
    let limit = Duration::from_millis(limits.max_execution_ms.into());
    limit.saturating_mul(CEILING_FACTOR).max(CEILING_AT_LEAST)
}

/// What is known of how much fuel a call wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FuelDemand {
    /// Fuel it would have used with what it was refused; 0 when it was refused nothing.
    pub fuel: u64,
    /// What of it is for sleep: a nanosecond of sleep is one fuel.
    pub slept: u64,
}

/// Why a host function ended the call. Travels through the engine as a host error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Stopped {
    /// The call's fuel is used up.
    Fuel,
    /// The call's time is up, or was here when the session was recorded.
    Deadline,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fuel => f.write_str("the call's fuel is used up"),
            Self::Deadline => f.write_str("the call's time is up"),
        }
    }
}

impl wasmi::errors::HostError for Stopped {}

/// Fuel and time of the current call. What is in the store is part of what was given.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Meter {
    /// Fuel the call may use.
    pub(in crate::sandbox) budget: u64,
    /// Fuel it was given so far.
    pub(in crate::sandbox) given: u64,
    /// What it asked for that it was not given, and for what.
    pub(in crate::sandbox) asked: FuelDemand,
    /// Host calls it has finished.
    pub(in crate::sandbox) host_calls: u64,
    /// When it has to end, in session time.
    pub(in crate::sandbox) deadline: Micros,
    /// Where it has to end because it did when it was recorded.
    pub(in crate::sandbox) stop: Option<StopPlace>,
}

impl Meter {
    /// Fuel the call may still be given.
    pub(in crate::sandbox) fn reserve(&self) -> u64 {
        self.budget.saturating_sub(self.given)
    }

    /// Takes `fuel` out of the `left` in the store, then out of the reserve; what is left in the store then.
    pub(in crate::sandbox) fn charge(&mut self, left: u64, fuel: u64) -> Result<u64, Stopped> {
        if let Some(rest) = left.checked_sub(fuel) {
            return Ok(rest);
        }
        let missing = fuel - left; // left < fuel
        let enough = missing <= self.reserve();
        if !enough {
            self.asked.fuel = self.used(left).saturating_add(fuel);
        }
        self.given = self.given.saturating_add(missing.min(self.reserve()));
        if enough { Ok(0) } else { Err(Stopped::Fuel) }
    }

    /// Fuel the call has used, with `left` in the store.
    pub(in crate::sandbox) fn used(&self, left: u64) -> u64 {
        self.given.saturating_sub(left)
    }

    /// Whether the call, having used `used`, is where it was stopped when it was recorded.
    pub(in crate::sandbox) fn stopped_here(&self, used: u64) -> bool {
        self.stop.is_some_and(|stop| used >= stop.fuel && self.host_calls >= stop.host_calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_is_twenty_times_the_deadline_and_half_a_minute_at_least() {
        let with = |max_execution_ms| ceiling(&Limits { max_execution_ms, ..Limits::default() });
        assert_eq!([1, 1_500, 5_000, 3_600_000].map(|ms| with(ms).as_secs()), [30, 30, 100, 72_000]);
    }

    #[test]
    fn a_recorded_stop_waits_for_the_fuel_and_for_the_host_calls() {
        let stop = StopPlace { fuel: 100, host_calls: 2, limit: TimeLimit::Deadline };
        let mut meter = Meter { stop: Some(stop), host_calls: 1, ..Meter::default() };
        assert!(!meter.stopped_here(100), "the charge before the second effect");
        meter.host_calls = 2;
        assert!(!meter.stopped_here(99));
        assert!(meter.stopped_here(100), "the slice after it");
    }
}
