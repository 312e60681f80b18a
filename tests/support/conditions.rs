//! A world in which nothing goes on.

use conductor::internals::mapping::ConditionSource;
use conductor::internals::time::{Calendar, Micros};

/// Midnight of a Monday, and no program runs. `frontmost` says whether the window in front is whichever is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Still {
    pub(crate) frontmost: bool,
}

impl ConditionSource for Still {
    fn minute_of_day(&self) -> u16 {
        0
    }
    fn weekday(&self) -> u8 {
        1
    }
    fn app_running(&self, _: &str) -> bool {
        false
    }
    fn app_frontmost(&self, _: &str) -> bool {
        self.frontmost
    }
}

/// Its time is UTC, and the session began with it.
impl Calendar for Still {
    fn unix_at(&self, t: Micros) -> u64 {
        t
    }
    fn offset_at(&self, _: i64) -> i32 {
        0
    }
}
