//! What conditions ask of the machine: the local time, which programs run, whose window has the focus.

mod apps;
mod asked;
mod frontmost;
mod local_time;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::process::Environment;
use crate::mapping::Facts;
use crate::time::{Clock, Micros};
use apps::Apps;
use asked::Asked;
use frontmost::Frontmost;
use local_time::{LocalTime, Zone};

/// How long an answer about programs and windows is good for. Long enough that a row of conditions asks once, short enough
/// that nobody switches windows and presses a pad within it.
const FRESH: Micros = 250_000;

/// The machine's own answers.
#[derive(Debug)]
pub struct World<C> {
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
    frontmost: Asked<Vec<String>>,
    focus: Arc<Frontmost>,
}

impl<C: Clock> World<C> {
    /// The world as the system shows it, at the time of `clock` and in the zone of `TZ` or `/etc/localtime`.
    #[must_use]
    pub fn live(clock: Arc<C>, environment: Environment) -> Self {
        let zone = Zone::of_system(&environment);
        let (frontmost, focus) = (Asked::new("focus", Vec::new()), Arc::new(Frontmost::new(environment)));
        Self { clock, zone, machine: Some(Machine { apps: Mutex::default(), frontmost, focus }) }
    }

    /// The world of a session that is played from a file: the time of `clock` in UTC, and no programs at all, so that the
    /// same file gives the same account everywhere.
    #[must_use]
    pub fn played(clock: Arc<C>) -> Self {
        Self { clock, zone: Zone::utc(), machine: None }
    }

    fn local_time(&self) -> LocalTime {
        self.zone.at(self.clock.unix_time() / 1_000_000)
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

impl<C: Clock> World<C> {
    /// What conditions see while the mode with index `mode` is current.
    pub fn in_mode(&self, mode: usize) -> impl Facts + '_ {
        InMode { world: self, mode }
    }
}

/// The world, and the mode Conductor is in.
struct InMode<'a, C> {
    world: &'a World<C>,
    mode: usize,
}

impl<C: Clock> Facts for InMode<'_, C> {
    fn mode(&self) -> usize {
        self.mode
    }
    fn minute_of_day(&self) -> u16 {
        self.world.local_time().minute
    }
    fn weekday(&self) -> u8 {
        self.world.local_time().weekday
    }
    fn app_running(&self, name: &str) -> bool {
        let running = || Apps::running(Path::new("/proc"));
        let of = |machine: &Machine| self.world.fresh(&machine.apps, running, |apps| apps.has(name));
        self.world.machine.as_ref().is_some_and(of)
    }
    fn app_frontmost(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let of = |machine: &Machine| {
            let focus = Arc::clone(&machine.focus);
            machine.frontmost.read(self.world.clock.now(), move || focus.names(), |names| names.contains(&name))
        };
        self.world.machine.as_ref().is_some_and(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{FILE_EPOCH_US, VirtualClock};

    #[test]
    fn a_played_session_sees_its_own_time_and_no_programs() {
        let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
        let world = World::played(Arc::clone(&clock));
        clock.advance_to(61 * 60_000_000);
        let facts = world.in_mode(3);
        assert_eq!((facts.mode(), facts.minute_of_day(), facts.weekday()), (3, 61, 3));
        assert!(!facts.app_running("systemd") && !facts.app_frontmost("anything"));
    }

    #[test]
    fn an_answer_is_asked_for_anew_when_it_is_old() {
        let clock = Arc::new(VirtualClock::new(0));
        let world = World::played(Arc::clone(&clock));
        let slot = Mutex::new(None);
        let read = |answer| world.fresh(&slot, || answer, |kept: &u8| *kept);
        assert_eq!(read(1), 1);
        clock.advance_to(FRESH - 1);
        assert_eq!(read(2), 1);
        clock.advance_to(FRESH);
        assert_eq!(read(3), 3);
    }
}
