//! What conditions ask.

use crate::config::Condition;
use crate::state::StateTable;
use crate::time::Calendar;

/// What conditions can ask about the world.
pub trait ConditionSource {
    /// Minutes since local midnight.
    fn minute_of_day(&self) -> u16;
    /// 1 (Monday) to 7 (Sunday), local.
    fn weekday(&self) -> u8;
    /// Whether a process with this name exists.
    fn app_running(&self, name: &str) -> bool;
    /// Whether the window with the focus belongs to this program.
    fn app_frontmost(&self, name: &str) -> bool;
}

/// What sets off modes and times by itself: programs, and local time.
pub trait Surroundings: ConditionSource + Calendar {}

impl<T: ConditionSource + Calendar> Surroundings for T {}

/// Whether `condition` holds in `mode`, the index of a mode, with these values. What decides first decides: the rest is not asked.
#[must_use]
pub fn holds(condition: &Condition, mode: usize, state: &StateTable, facts: &dyn ConditionSource) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Never => false,
        Condition::TimeRange { start, end } => {
            let now = facts.minute_of_day();
            if start <= end { (start..end).contains(&&now) } else { now >= *start || now < *end }
        }
        Condition::DayOfWeek { days } => days.contains(&facts.weekday()),
        Condition::AppRunning { app_name } => facts.app_running(app_name),
        Condition::AppFrontmost { app_name } => facts.app_frontmost(app_name),
        Condition::ModeIs { mode: wanted } => *wanted == mode,
        Condition::State { key, test } => test.passes(state.get(key)),
        Condition::And(all) => all.iter().all(|condition| holds(condition, mode, state, facts)),
        Condition::Or(any) => any.iter().any(|condition| holds(condition, mode, state, facts)),
        Condition::Not(condition) => !holds(condition, mode, state, facts),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A world at a time, which remembers what it was asked.
    struct World {
        minute: u16,
        weekday: u8,
        asked: RefCell<Vec<String>>,
    }

    impl ConditionSource for World {
        fn minute_of_day(&self) -> u16 {
            self.minute
        }
        fn weekday(&self) -> u8 {
            self.weekday
        }
        fn app_running(&self, name: &str) -> bool {
            self.asked.borrow_mut().push(name.to_owned());
            name == "obs"
        }
        fn app_frontmost(&self, name: &str) -> bool {
            name == "editor"
        }
    }

    fn at(minute: u16) -> World {
        World { minute, weekday: 3, asked: RefCell::default() }
    }

    fn asked(condition: &Condition, mode: usize, world: &World) -> bool {
        holds(condition, mode, &StateTable::default(), world)
    }

    fn running(name: &str) -> Condition {
        Condition::AppRunning { app_name: name.into() }
    }

    #[test]
    fn a_range_of_the_day_starts_sharp_and_ends_before_its_end() {
        let day = Condition::TimeRange { start: 9 * 60, end: 17 * 60 };
        for (minute, expected) in [(9 * 60 - 1, false), (9 * 60, true), (17 * 60 - 1, true), (17 * 60, false)] {
            assert_eq!(asked(&day, 0, &at(minute)), expected, "{minute}");
        }
    }

    #[test]
    fn a_range_that_ends_before_it_starts_goes_over_midnight() {
        let night = Condition::TimeRange { start: 22 * 60, end: 6 * 60 };
        for (minute, expected) in [
            (22 * 60 - 1, false),
            (22 * 60, true),
            (23 * 60 + 59, true),
            (0, true),
            (6 * 60 - 1, true),
            (6 * 60, false),
        ] {
            assert_eq!(asked(&night, 0, &at(minute)), expected, "{minute}");
        }
        let whole = Condition::TimeRange { start: 0, end: 24 * 60 };
        assert!((0..24 * 60).all(|minute| asked(&whole, 0, &at(minute))));
    }

    #[test]
    fn days_modes_and_programs_are_looked_up() {
        let world = at(0);
        assert!(asked(&Condition::DayOfWeek { days: vec![1, 3] }, 0, &world));
        assert!(!asked(&Condition::DayOfWeek { days: vec![2] }, 0, &world));
        assert!(asked(&Condition::ModeIs { mode: 2 }, 2, &world));
        assert!(!asked(&Condition::ModeIs { mode: 2 }, 0, &world));
        assert!(asked(&Condition::AppFrontmost { app_name: "editor".into() }, 0, &world));
        assert!(asked(&Condition::Not(Box::new(running("x"))), 0, &world));
    }

    #[test]
    fn what_decides_first_decides_and_the_rest_is_not_asked() {
        let world = at(0);
        assert!(!asked(&Condition::And(vec![Condition::Never, running("costly")]), 0, &world));
        assert!(asked(&Condition::Or(vec![Condition::Always, running("costly")]), 0, &world));
        assert!(world.asked.borrow().is_empty());
        assert!(asked(&Condition::Or(vec![running("x"), running("obs"), running("costly")]), 0, &world));
        assert_eq!(*world.asked.borrow(), ["x", "obs"]);
    }
}
