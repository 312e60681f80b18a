//! Flags that one thread raises when their time has come, so that whoever works past it sees that for the price of an atomic load.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::text::Tally;

/// The time of an alarm that is raised.
const RAISED: u64 = 0;

/// The time of an alarm that is not set.
const NEVER: u64 = u64::MAX;

/// Alarms that are known before those are looked for that are gone.
const FEW: usize = 64;

/// Stack of the thread, in bytes: it looks at numbers and waits.
const STACK: usize = 64 << 10;

/// A flag that is raised when a time has come. Its clones are the same flag.
#[derive(Debug, Clone)]
pub struct Alarm(Arc<Flag>);

#[derive(Debug)]
struct Flag {
    /// [`RAISED`], [`NEVER`], or nanoseconds since [`BASE`]. One number, so that an alarm that is set anew is never raised for the
    /// time it was set to before.
    due: AtomicU64,
    /// Whether the watchdog knows it.
    known: AtomicBool,
}

/// What times of alarms count from.
static BASE: LazyLock<Instant> = LazyLock::new(Instant::now);

static WATCHDOG: Watchdog = Watchdog {
    next: AtomicU64::new(NEVER),
    alarms: Mutex::new(Alarms { flags: Vec::new(), room: FEW, runs: false, short: Tally::new() }),
    wake: Condvar::new(),
};

/// The thread that raises the alarms of the process.
struct Watchdog {
    /// When it looks next.
    next: AtomicU64,
    alarms: Mutex<Alarms>,
    wake: Condvar,
}

struct Alarms {
    flags: Vec<Weak<Flag>>,
    /// How many there may be before those are looked for that are gone.
    room: usize,
    /// Whether the thread was started.
    runs: bool,
    /// How often it could not be.
    short: Tally,
}

impl Default for Alarm {
    fn default() -> Self {
        Self(Arc::new(Flag { due: AtomicU64::new(NEVER), known: AtomicBool::new(false) }))
    }
}

impl Alarm {
    /// Starts the thread that raises alarms, if it does not run. Setting the first alarm starts it as well, but then it inherits the
    /// confinement of the thread that does; so this is called from one that is not confined.
    pub fn start_watchdog() {
        WATCHDOG.start(&mut WATCHDOG.lock());
    }

    /// Whether its time has come.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.due.load(Ordering::Relaxed) == RAISED
    }

    /// Raises it now.
    pub fn raise(&self) {
        self.0.due.store(RAISED, Ordering::SeqCst);
    }

    /// Takes it back, raised or not.
    pub fn clear(&self) {
        self.0.due.store(NEVER, Ordering::SeqCst);
    }

    /// Has it raised after `duration`, in place of any time it was set to.
    pub fn raise_after(&self, duration: Duration) {
        match Instant::now().checked_add(duration) {
            Some(at) => self.raise_at(at),
            None => self.clear(), // beyond the end of time
        }
    }

    /// Has it raised at `at`, in place of any time it was set to.
    pub fn raise_at(&self, at: Instant) {
        let due = nanoseconds(at.saturating_duration_since(*BASE));
        if !self.0.known.swap(true, Ordering::Relaxed) {
            WATCHDOG.add(&self.0);
        }
        self.0.due.store(due, Ordering::SeqCst);
        // The thread writes `next` before it looks at the alarms, so it has seen this one or is woken.
        if WATCHDOG.next.load(Ordering::SeqCst) > due {
            drop(WATCHDOG.lock());
            WATCHDOG.wake.notify_one();
        }
    }
}

/// As an alarm's time: neither of the two that mean something else.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER).clamp(RAISED + 1, NEVER - 1)
}

impl Watchdog {
    fn lock(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets to know an alarm.
    fn add(&'static self, flag: &Arc<Flag>) {
        let mut alarms = self.lock();
        if alarms.flags.len() >= alarms.room {
            alarms.flags.retain(|flag| flag.strong_count() > 0);
            alarms.room = alarms.flags.len().saturating_mul(2).max(FEW);
        }
        alarms.flags.push(Arc::downgrade(flag));
        self.start(&mut alarms);
    }

    fn start(&'static self, alarms: &mut Alarms) {
        if alarms.runs {
            return;
        }
        let thread = std::thread::Builder::new().name("watchdog".into()).stack_size(STACK);
        match thread.spawn(move || self.watch()) {
            Ok(_detached) => alarms.runs = true,
            // The next alarm tries again; until then calls end by their fuel, and between slices by the clock.
            Err(error) => {
                if let Some(total) = alarms.short.add(1) {
                    log::warn!("no thread that looks after time limits: {error}{total}");
                }
            }
        }
    }

    fn watch(&self) {
        let mut alarms = self.lock();
        loop {
            self.next.store(NEVER, Ordering::SeqCst);
            let now = nanoseconds(BASE.elapsed());
            let mut next = NEVER;
            for flag in alarms.flags.iter().filter_map(Weak::upgrade) {
                let due = flag.due.load(Ordering::SeqCst);
                if due > now {
                    next = next.min(due);
                } else {
                    // What was set anew meanwhile stays; who set it wakes this thread. What is raised stays raised.
                    let _ = flag.due.compare_exchange(due, RAISED, Ordering::SeqCst, Ordering::Relaxed);
                }
            }
            self.next.store(next, Ordering::SeqCst);
            alarms = if next == NEVER {
                self.wake.wait(alarms).unwrap_or_else(PoisonError::into_inner)
            } else {
                let wait = Duration::from_nanos(next - now); // next > now
                self.wake.wait_timeout(alarms, wait).unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough for any machine; only a test that fails waits for it.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn is_raised_in_time(alarm: &Alarm) -> bool {
        let begun = Instant::now();
        while !alarm.is_raised() && begun.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
        alarm.is_raised()
    }

    #[test]
    fn an_alarm_is_raised_when_its_time_has_come_and_no_other_is() {
        let (late, soon, unset) = (Alarm::default(), Alarm::default(), Alarm::default());
        late.raise_after(PATIENCE * 60);
        soon.raise_after(Duration::from_millis(1));
        assert!(is_raised_in_time(&soon));
        assert!(!late.is_raised() && !unset.is_raised());
        // Earlier than the thread meant to look.
        late.raise_after(Duration::ZERO);
        assert!(is_raised_in_time(&late));
        soon.clear();
        assert!(!soon.is_raised());
    }

    #[test]
    fn an_alarm_set_anew_is_not_raised_for_the_time_before() {
        let (alarm, other) = (Alarm::default(), Alarm::default());
        for _ in 0..2_000 {
            alarm.raise_after(Duration::from_micros(20));
            alarm.raise_after(PATIENCE * 60);
            other.raise_after(Duration::ZERO); // the thread looks
            assert!(!alarm.is_raised());
        }
    }

    #[test]
    fn alarms_that_are_gone_are_forgotten() {
        for _ in 0..10_000 {
            Alarm::default().raise_after(PATIENCE);
        }
        assert!(WATCHDOG.lock().flags.len() < 5_000);
    }
}
