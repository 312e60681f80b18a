//! Time and randomness, the only place that takes either from the operating system.
//!
//! Everything else is handed a time as a number: [`Micros`] since the session began. A session also has an
//! *epoch*, the Unix time of its beginning, so that `epoch + now` is a date. Live sessions take the epoch from the
//! operating system, sessions played from a file use [`FILE_EPOCH_US`].

mod alarm;
mod calendar;
mod event_time;
mod timestamp;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use alarm::Alarm;
pub use calendar::{Calendar, LocalTime, next_time};
pub use event_time::EventTime;
pub use timestamp::Timestamp;

/// Microseconds since the session began.
pub type Micros = u64;

/// Epoch of a session played from a file: 2020-01-01T00:00:00Z, in microseconds since the Unix epoch. Fixed, so that
/// the same file plays to the same bytes on any day.
pub const FILE_EPOCH_US: u64 = 1_577_836_800_000_000;

/// A source of time.
pub trait Clock: Send + Sync {
    /// Microseconds since the session began; never goes back.
    fn now(&self) -> Micros;
    /// Unix time of the session's beginning, in microseconds.
    fn epoch(&self) -> u64;
    /// Unix time now, in microseconds: what a wall clock shows. On a real clock it follows the system's when that is set,
    /// as on a machine that learns the time from the network only after it has started.
    fn unix_time(&self) -> u64 {
        self.epoch().saturating_add(self.now())
    }
    /// Lets `duration` pass: for real on a real clock, at once on a virtual one.
    fn sleep(&self, duration: Duration);
    /// How long `duration` of this clock is for whoever waits for something else beside it. The same, unless the clock runs faster
    /// or slower than real time.
    fn real(&self, duration: Duration) -> Duration {
        duration
    }
    /// Has `alarm` raised when this clock comes to `at`. A clock that stands still while somebody works never gets there, which
    /// is what the provided method is for.
    fn alarm_at(&self, at: Micros, alarm: &Alarm) {
        let _ = at;
        alarm.clear();
    }
    /// Has `alarm` raised after `duration` of real time, whatever this clock shows.
    fn alarm_after(&self, duration: Duration, alarm: &Alarm) {
        alarm.raise_after(duration);
    }
}

/// A source of random bytes.
pub trait Entropy: Send {
    /// Fills `buf`.
    fn fill(&mut self, buf: &mut [u8]);
}

/// The operating system's monotonic clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
    epoch: u64,
}

impl SystemClock {
    /// A clock whose session begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now(), epoch: unix_time() }
    }
}

/// The system's wall clock, in microseconds since the Unix epoch.
fn unix_time() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Clock for SystemClock {
    fn now(&self) -> Micros {
        let elapsed = self.start.elapsed();
        // Asked at every plugin call, so without 128-bit arithmetic.
        elapsed.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(elapsed.subsec_micros()))
    }
    fn epoch(&self) -> u64 {
        self.epoch
    }
    fn unix_time(&self) -> u64 {
        unix_time()
    }
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
    fn alarm_at(&self, at: Micros, alarm: &Alarm) {
        match self.start.checked_add(Duration::from_micros(at)) {
            Some(at) => alarm.raise_at(at),
            None => alarm.clear(), // beyond the end of time
        }
    }
}

/// A clock that moves when told to.
#[derive(Debug)]
pub struct VirtualClock {
    now: AtomicU64,
    epoch: u64,
}

impl VirtualClock {
    /// A clock at zero whose session began at `epoch` (microseconds since the Unix epoch).
    #[must_use]
    pub fn new(epoch: u64) -> Self {
        Self { now: AtomicU64::new(0), epoch }
    }
    /// Moves to `to`, or stays where it is when that would go back.
    pub fn advance_to(&self, to: Micros) {
        self.now.fetch_max(to, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Micros {
        self.now.load(Ordering::Relaxed)
    }
    fn epoch(&self) -> u64 {
        self.epoch
    }
    fn sleep(&self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        // A sum past the end of time stays at the end of time.
        let _ = self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_add(us)));
    }
}

/// The operating system's randomness, fit for keys and for the seed of a session.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

impl SystemEntropy {
    /// `N` random bytes. Waits for the system's generator to be seeded, early after boot.
    pub fn bytes<const N: usize>() -> std::io::Result<[u8; N]> {
        let mut bytes = [0; N];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += match rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()) {
                Err(rustix::io::Errno::INTR) => 0,
                count => count?,
            };
        }
        Ok(bytes)
    }
}

/// Number of the system call behind [`SystemEntropy`], which a confined thread may make: hash tables are seeded by it.
#[cfg(all(feature = "second-wall", target_os = "linux"))]
pub(crate) const RANDOM_BYTES_CALL: u32 = linux_raw_sys::general::__NR_getrandom;

/// A seeded generator: the same seed gives the same bytes on every machine. Not for keys.
///
/// The stream is `SHA-256(seed ‖ counter)` for counter 0, 1, 2 … (little-endian `u64`), read in order.
#[derive(Debug, Clone)]
pub struct SeededEntropy {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl SeededEntropy {
    /// A generator for `seed`.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0, block: [0; 32], used: 32 }
    }
    /// The seed of a plugin's instance, derived from the session's seed, so that instances are independent of each
    /// other and of the order in which they were made.
    #[must_use]
    pub fn for_instance(session_seed: &[u8; 32], plugin: &str, tenant: &str, generation: u64) -> Self {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        hash.update(session_seed);
        for part in [plugin.as_bytes(), tenant.as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(generation.to_le_bytes());
        Self::new(hash.finalize().into())
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, buf: &mut [u8]) {
        use sha2::{Digest, Sha256};
        for byte in buf {
            if self.used == self.block.len() {
                let mut hash = Sha256::new();
                hash.update(self.seed);
                hash.update(self.counter.to_le_bytes());
                self.block = hash.finalize().into();
                self.counter = self.counter.wrapping_add(1);
                self.used = 0;
            }
            *byte = self.block[self.used]; // used < 32: reset just above
            self.used += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_never_goes_back() {
        let clock = VirtualClock::new(FILE_EPOCH_US);
        clock.advance_to(5);
        clock.advance_to(3);
        clock.sleep(Duration::from_micros(2));
        assert_eq!(clock.now(), 7);
    }

    #[test]
    fn the_systems_randomness_differs_from_draw_to_draw() {
        let (one, other) = (SystemEntropy::bytes::<32>().unwrap(), SystemEntropy::bytes::<32>().unwrap());
        assert_ne!(one, other);
        assert_ne!(one, [0; 32]);
    }

    #[test]
    fn a_seeded_stream_does_not_depend_on_how_it_is_read() {
        let (mut whole, mut parts) = ([0; 100], [0; 100]);
        SeededEntropy::new([7; 32]).fill(&mut whole);
        let mut entropy = SeededEntropy::new([7; 32]);
        for chunk in parts.chunks_mut(7) {
            entropy.fill(chunk);
        }
        assert_eq!(whole, parts);
    }
}
