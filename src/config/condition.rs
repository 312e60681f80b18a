//! What a conditional action asks.

use crate::state::{StateKey, StateTest};

/// A question that a conditional action asks when it is reached; times are local, programs are known by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It holds whatever goes on: the `then` branch is always taken.
    Always,
    /// Does not hold.
    Never,
    /// Local time of day in a range; one that ends before it starts goes over midnight.
    TimeRange {
        /// First minute of the range, from midnight.
        start: u16,
        /// First minute after the range, from midnight.
        end: u16,
    },
    /// Local weekday.
    DayOfWeek {
        /// 1 (Monday) to 7 (Sunday), sorted.
        days: Vec<u8>,
    },
    /// A process with this name exists.
    AppRunning {
        /// Name of the program.
        app_name: String,
    },
    /// The window with the focus belongs to this program.
    AppFrontmost {
        /// Name of the program.
        app_name: String,
    },
    /// The current mode is this one (an index in the configuration's modes).
    ModeIs {
        /// Mode index.
        mode: usize,
    },
    /// A named value passes a test.
    State {
        /// Its name.
        key: StateKey,
        /// The test.
        test: StateTest,
    },
    /// All hold.
    And(Vec<Condition>),
    /// At least one holds.
    Or(Vec<Condition>),
    /// Does not hold.
    Not(Box<Condition>),
}

/// A condition that is looked at beside the input, and what goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionOf {
    /// The mode with this index.
    Mode(usize),
    /// Feedback: its number among those conditions of feedback that ask for the time or for programs, in the order of the configuration.
    Feedback(usize),
}

impl Condition {
    /// Whether it asks for something that is in no table of the session: the time, or programs.
    #[must_use]
    pub fn asks_the_world(&self) -> bool {
        self.leaves().iter().any(|leaf| {
            matches!(
                leaf,
                Self::TimeRange { .. } | Self::DayOfWeek { .. } | Self::AppRunning { .. } | Self::AppFrontmost { .. }
            )
        })
    }

    /// The conditions in it that have no others inside.
    pub fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::And(conditions) | Self::Or(conditions) => conditions.iter().flat_map(Self::leaves).collect(),
            Self::Not(condition) => condition.leaves(),
            _ => vec![self],
        }
    }
}
