//! What conditions ask.

use crate::config::Condition;

/// What conditions can ask about the world.
pub trait Facts {
    /// Index of the current mode.
    fn mode(&self) -> usize;
    /// Minutes since local midnight.
    fn minute_of_day(&self) -> u16;
    /// 1 (Monday) to 7 (Sunday), local.
    fn weekday(&self) -> u8;
    /// Whether a process with this name exists.
    fn app_running(&self, name: &str) -> bool;
    /// Whether the window with the focus belongs to this program.
    fn app_frontmost(&self, name: &str) -> bool;
}

/// Whether `condition` holds in `mode`.
pub(super) fn holds(condition: &Condition, mode: usize, facts: &dyn Facts) -> bool {
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
        Condition::And(all) => all.iter().all(|condition| holds(condition, mode, facts)),
        Condition::Or(any) => any.iter().any(|condition| holds(condition, mode, facts)),
        Condition::Not(condition) => !holds(condition, mode, facts),
    }
}
