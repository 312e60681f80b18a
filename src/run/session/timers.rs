//! When the triggers of time are due.

use crate::config::{Config, MappingId};
use crate::gesture::Trigger;
use crate::time::{Calendar, Micros, next_time};

/// Longest time without a look at the wall clock, which may be set while a time of day is waited for.
const RECHECK: Micros = 600_000_000;

/// How late a tick of an `Every` may come. Of those that are later, as after a pipe that nobody read for an hour, only the last comes.
const LATE: Micros = 1_000_000;

/// The `Every` and `At` of a configuration.
#[derive(Debug, Default)]
pub(super) struct Timers {
    list: Vec<Timer>,
    /// When the first is due.
    next: Option<Micros>,
}

#[derive(Debug)]
struct Timer {
    mapping: MappingId,
    kind: Kind,
    due: Option<Micros>,
}

#[derive(Debug)]
enum Kind {
    Every {
        interval: Micros,
    },
    At {
        minute: u16,
        days: Vec<u8>,
        /// Unix time, in seconds, of the next one.
        target: Option<i64>,
    },
}

impl Timers {
    /// Those of `config`, counted from `now`.
    pub(super) fn of(config: &Config, now: Micros, calendar: &dyn Calendar) -> Self {
        let list = config.mappings().enumerate().filter_map(|(number, mapping)| {
            let (kind, due) = match &mapping.trigger.trigger {
                Trigger::Every { interval_ms, .. } => {
                    let interval = u64::from((*interval_ms).max(1)) * 1_000;
                    (Kind::Every { interval }, Some(now.saturating_add(interval)))
                }
                Trigger::At { minute, days, .. } => {
                    let mut kind = Kind::At { minute: *minute, days: days.clone(), target: None };
                    let due = kind.wait(now, seconds(calendar.unix_at(now)), calendar);
                    (kind, due)
                }
                _ => return None,
            };
            Some(Timer { mapping: MappingId(number), kind, due })
        });
        let mut timers = Self { list: list.collect(), next: None };
        timers.look();
        timers
    }

    /// When the first is due.
    pub(super) fn next_due(&self) -> Option<Micros> {
        self.next
    }

    /// None is due any more.
    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    /// Takes the first that is due at `due`, while time goes on to `t`. One of which it turns out that its time has not come yet, or is
    /// long past, is put off without a word.
    pub(super) fn take(&mut self, due: Micros, t: Micros, calendar: &dyn Calendar) -> Option<MappingId> {
        let timer = self.list.iter_mut().find(|timer| timer.due.is_some_and(|at| at <= due))?;
        let at = timer.due.unwrap_or(due);
        let mut fires = true;
        match &mut timer.kind {
            Kind::Every { interval } => {
                let late = t.saturating_sub(at);
                let missed = if late > LATE { late / *interval } else { 0 };
                if missed > 0 {
                    timer.due = Some(at.saturating_add(missed.saturating_mul(*interval)));
                    fires = false;
                } else {
                    timer.due = Some(at.saturating_add(*interval));
                }
            }
            Kind::At { target, .. } => {
                let unix = seconds(calendar.unix_at(at));
                let past = target.map_or(-1, |target| unix - target);
                fires = past >= 0 && past.cast_unsigned() <= RECHECK / 1_000_000;
                let after = if past >= 0 { target.unwrap_or(unix).max(unix) } else { unix };
                timer.due = timer.kind.wait(at, after, calendar);
            }
        }
        let mapping = timer.mapping;
        self.look();
        fires.then_some(mapping)
    }

    fn look(&mut self) {
        self.next = self.list.iter().filter_map(|timer| timer.due).min();
    }
}

impl Kind {
    /// When to look at a time of day again, of which the next after `after` is wanted.
    fn wait(&mut self, now: Micros, after: i64, calendar: &dyn Calendar) -> Option<Micros> {
        let Self::At { minute, days, target } = self else { return None };
        *target = next_time(*minute, days, after, calendar);
        let at = u64::try_from((*target)?).ok()?.checked_mul(1_000_000)?;
        let wait = at.saturating_sub(calendar.unix_at(now));
        now.checked_add(wait.min(RECHECK))
    }
}

fn seconds(unix: u64) -> i64 {
    i64::try_from(unix / 1_000_000).unwrap_or(i64::MAX)
}
