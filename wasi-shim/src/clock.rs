//! Time as the embedder gives it.

use std::time::{Duration, Instant};

/// The clocks a program can ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockId {
    /// Nanoseconds since 1970-01-01, UTC.
    Realtime,
    /// Nanoseconds since some moment; never goes back.
    Monotonic,
    /// CPU time of the process.
    ProcessCpu,
    /// CPU time of the thread.
    ThreadCpu,
}

impl ClockId {
    pub(crate) fn parse(raw: u32) -> Result<Self, crate::Errno> {
        match raw {
            0 => Ok(Self::Realtime),
            1 => Ok(Self::Monotonic),
            2 => Ok(Self::ProcessCpu),
            3 => Ok(Self::ThreadCpu),
            _ => Err(crate::Errno::Inval),
        }
    }
}

/// How a sleep ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slept {
    /// The whole duration has passed.
    Through,
    /// The deadline came first; the guest's call traps with [`Trap::Deadline`](crate::Trap::Deadline).
    CutShort,
}

/// What time it is, and how it passes.
pub trait Clock: Send {
    /// Nanoseconds shown by `id`, `fuel_used` units into the current call. Must not go back between two calls.
    fn now(&mut self, id: ClockId, fuel_used: u64) -> u64;

    /// Smallest step of `id` in nanoseconds; never 0.
    fn resolution(&self, _id: ClockId) -> u64 {
        1
    }

    /// Lets `ns` nanoseconds pass, or returns early at the deadline the embedder has set for the current call.
    fn sleep(&mut self, ns: u64) -> Slept;

    /// Whether a sleep is paid for in fuel, 1 unit a nanosecond, before [`Clock::sleep`] is called.
    fn sleep_costs_fuel(&self) -> bool;

    /// A new call into the guest begins; `origin_ns` is the time at which it does.
    fn begin(&mut self, _origin_ns: u64) {}
}

/// Time made of the call's origin and the fuel used since: 1 unit is 1 ns. Nothing ever waits.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock {
    origin: u64,
    latest: u64,
}

impl VirtualClock {
    /// A clock whose first call begins at `origin_ns`, nanoseconds since 1970.
    pub fn new(origin_ns: u64) -> Self {
        Self { origin: origin_ns, latest: origin_ns }
    }
}

impl Clock for VirtualClock {
    fn now(&mut self, _id: ClockId, fuel_used: u64) -> u64 {
        self.latest = self.latest.max(self.origin.saturating_add(fuel_used));
        self.latest
    }

    fn sleep(&mut self, _ns: u64) -> Slept {
        Slept::Through
    }

    fn sleep_costs_fuel(&self) -> bool {
        true
    }

    fn begin(&mut self, origin_ns: u64) {
        // A call may use more time than passes until the next event; the guest's time still only moves forward.
        self.origin = self.latest.max(origin_ns);
    }
}

/// The host's clocks; sleeps pass for real, up to a deadline.
#[derive(Clone, Debug, Default)]
pub struct SystemClock {
    deadline: Option<Instant>,
}

impl SystemClock {
    /// Clocks without a deadline: a guest may sleep as long as it likes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Clocks under which no sleep lasts past `deadline`.
    pub fn until(deadline: Instant) -> Self {
        Self { deadline: Some(deadline) }
    }
}

fn host(id: ClockId) -> rustix::time::ClockId {
    match id {
        ClockId::Realtime => rustix::time::ClockId::Realtime,
        ClockId::Monotonic => rustix::time::ClockId::Monotonic,
        ClockId::ProcessCpu => rustix::time::ClockId::ProcessCPUTime,
        ClockId::ThreadCpu => rustix::time::ClockId::ThreadCPUTime,
    }
}

fn nanoseconds(time: rustix::time::Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

impl Clock for SystemClock {
    fn now(&mut self, id: ClockId, _fuel_used: u64) -> u64 {
        nanoseconds(rustix::time::clock_gettime(host(id)))
    }

    fn resolution(&self, id: ClockId) -> u64 {
        nanoseconds(rustix::time::clock_getres(host(id))).max(1)
    }

    fn sleep(&mut self, ns: u64) -> Slept {
        let wanted = Duration::from_nanos(ns);
        let Some(deadline) = self.deadline else {
            std::thread::sleep(wanted);
            return Slept::Through;
        };
        let left = deadline.saturating_duration_since(Instant::now());
        std::thread::sleep(wanted.min(left));
        if wanted > left { Slept::CutShort } else { Slept::Through }
    }

    fn sleep_costs_fuel(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, ClockId, Slept, SystemClock, VirtualClock};

    #[test]
    fn virtual_time_is_origin_plus_fuel() {
        let mut clock = VirtualClock::new(1_000);
        assert_eq!(clock.now(ClockId::Realtime, 0), 1_000);
        assert_eq!(clock.now(ClockId::Monotonic, 250), 1_250);
    }

    #[test]
    fn virtual_time_never_goes_back_when_a_call_outlasts_its_event() {
        let mut clock = VirtualClock::new(0);
        assert_eq!(clock.now(ClockId::Monotonic, 5_000), 5_000);
        clock.begin(2_000);
        assert_eq!(clock.now(ClockId::Monotonic, 0), 5_000);
        clock.begin(9_000);
        assert_eq!(clock.now(ClockId::Monotonic, 1), 9_001);
    }

    #[test]
    fn a_real_sleep_ends_at_the_deadline() {
        let mut clock = SystemClock::until(std::time::Instant::now());
        assert_eq!(clock.sleep(u64::MAX), Slept::CutShort);
    }
}
