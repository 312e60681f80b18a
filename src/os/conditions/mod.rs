//! What conditions ask of the machine: the local time, which programs run, whose window has the focus.

mod apps;
mod cached;
mod frontmost;
mod local_time;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::process::Environment;
use crate::mapping::ConditionSource;
use crate::time::{Calendar, Clock, LocalTime, Micros};
use apps::Apps;
use cached::Cached;
use frontmost::Frontmost;
use local_time::Zone;

/// How long an answer about programs and windows is good for. Long enough that a row of conditions asks once, short enough
/// that nobody switches windows and presses a pad within it.
const FRESH: Micros = 250_000;

/// The machine's own answers.
#[derive(Debug)]
pub struct Conditions<C> {
    clock: Arc<C>,
    zone: Zone,
    /// Absent where a session is played and must come out the same on every machine.
    machine: Option<Machine>,
}

/// What is asked of the running system.
#[derive(Debug)]
struct Machine {
    apps: Mutex<Option<(Micros, Apps)>>,
    /// What the window with the focus is called. A desktop's tools can be slow, and the input waits for nobody.
    frontmost: Cached<Vec<String>>,
    focus: Arc<Frontmost>,
}

impl<C: Clock> Conditions<C> {
    /// The world as the system shows it, at the time of `clock` and in the zone of `TZ` or `/etc/localtime`.
    #[must_use]
    pub fn live(clock: Arc<C>, environment: Environment) -> Self {
        let zone = Zone::of_system(&environment);
        let (frontmost, focus) = (Cached::new("focus", Vec::new()), Arc::new(Frontmost::new(environment)));
        Self { clock, zone, machine: Some(Machine { apps: Mutex::default(), frontmost, focus }) }
    }

    /// The world of a session that is played from a file: the time of `clock` in UTC, and no programs at all, so that the
    /// same file gives the same account everywhere.
    #[must_use]
    pub fn played(clock: Arc<C>) -> Self {
        Self { clock, zone: Zone::utc(), machine: None }
    }

    fn local_time(&self) -> LocalTime {
        let unix = i64::try_from(self.clock.unix_time() / 1_000_000).unwrap_or(i64::MAX);
        LocalTime::at(unix, self)
    }
    /// The answer kept in `slot`, or a new one from `ask` where it is too old.
    fn fresh<T, R>(&self, slot: &Mutex<Option<(Micros, T)>>, ask: impl FnOnce() -> T, read: impl FnOnce(&T) -> R) -> R {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let kept = slot.take().filter(|(asked, _)| now.saturating_sub(*asked) < FRESH);
        let (_, answer) = slot.insert(kept.unwrap_or_else(|| (now, ask())));
        read(answer)
    }
}

impl<C: Clock> Calendar for Conditions<C> {
    fn unix_at(&self, t: Micros) -> u64 {
        let now = self.clock.now();
        // The wall clock may be set while the session goes on.
        self.clock.unix_time().saturating_add(t).saturating_sub(now)
    }
    fn offset_at(&self, unix: i64) -> i32 {
        self.zone.offset(unix)
    }
}

impl<C: Clock> ConditionSource for Conditions<C> {
    fn minute_of_day(&self) -> u16 {
        self.local_time().minute
    }
    fn weekday(&self) -> u8 {
        self.local_time().weekday
    }
    fn app_running(&self, name: &str) -> bool {
        let running = || Apps::running(Path::new("/proc"));
        let of = |machine: &Machine| self.fresh(&machine.apps, running, |apps| apps.has(name));
        self.machine.as_ref().is_some_and(of)
    }
    fn app_frontmost(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let of = |machine: &Machine| {
            let focus = Arc::clone(&machine.focus);
            machine.frontmost.read(self.clock.now(), move || focus.names(), |names| names.contains(&name))
        };
        self.machine.as_ref().is_some_and(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{FILE_EPOCH_US, VirtualClock};

    #[test]
    fn a_played_session_sees_its_own_time_and_no_programs() {
        let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
        let world = Conditions::played(Arc::clone(&clock));
        clock.advance_to(61 * 60_000_000);
        assert_eq!((world.minute_of_day(), world.weekday()), (61, 3));
        assert!(!world.app_running("systemd") && !world.app_frontmost("anything"));
    }

    #[test]
    fn an_answer_is_asked_for_anew_when_it_is_old() {
        let clock = Arc::new(VirtualClock::new(0));
        let world = Conditions::played(Arc::clone(&clock));
        let slot = Mutex::new(None);
        let read = |answer| world.fresh(&slot, || answer, |kept: &u8| *kept);
        assert_eq!(read(1), 1);
        clock.advance_to(FRESH - 1);
        assert_eq!(read(2), 1);
        clock.advance_to(FRESH);
        assert_eq!(read(3), 3);
    }
}
