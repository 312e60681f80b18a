//! A world in which nothing goes on.

use conductor::internals::mapping::ConditionSource;

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
