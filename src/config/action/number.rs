//! Numbers of actions: as written, or made of what an event brings.

use std::fmt;

use crate::gesture::EventNumber;
use crate::state::StateKey;

/// A number of an action.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// As written.
    Fixed(i64),
    /// Made of a number that is known when the action runs.
    Of(Box<ValueOf>),
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self::Fixed(number)
    }
}

impl Number {
    /// The greatest that it can be, where it is held to at most `most`.
    #[must_use]
    pub fn most(&self, most: i64) -> i64 {
        match self {
            Self::Fixed(number) => *number,
            // What is far beyond is held to `most` in any case.
            #[allow(clippy::cast_possible_truncation)]
            Self::Of(value) => (value.most().ceil() as i64).min(most),
        }
    }
}

/// Where a number comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A number of the event.
    Event(EventNumber),
    /// A named value: a number, or `true` and `false` as 1 and 0.
    State(StateKey),
}

impl fmt::Display for Source {
    /// As configurations write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(number) => f.write_str(number.name()),
            Self::State(key) => key.fmt(f),
        }
    }
}

/// How a number is made of another: `{ from = "value", to = [0, 100] }`.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueOf {
    /// What it is made of.
    pub source: Source,
    /// How.
    pub scaling: Scaling,
}

/// How one number becomes another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaling {
    /// Least and greatest of that; what is beyond counts as the end.
    pub within: [f64; 2],
    /// What those two become; may fall.
    pub to: [f64; 2],
    /// How it goes from one to the other.
    pub curve: Curve,
    /// Whether the ends are exchanged.
    pub invert: bool,
    /// What is added at the end.
    pub add: f64,
}

impl ValueOf {
    /// The greatest that it can be.
    #[must_use]
    pub fn most(&self) -> f64 {
        self.scaling.to[0].max(self.scaling.to[1]) + self.scaling.add
    }
}

/// How a number goes from one end of its range to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Curve {
    /// As far on the new scale as on the old one.
    #[default]
    Linear,
    /// Fast first.
    Log,
    /// Slow first.
    Exp,
}

/// What the fields of actions hold their numbers to.
pub mod ranges {
    use std::ops::RangeInclusive;

    /// Per cent of volume.
    pub const VOLUME: RangeInclusive<i64> = 0..=100;
    /// Pixels: wider than any arrangement of screens.
    pub const PIXELS: RangeInclusive<i64> = -65_536..=65_536;
    /// Notches of a wheel.
    pub const NOTCHES: RangeInclusive<i64> = -1_000..=1_000;
    /// A pause in milliseconds, at most an hour.
    pub const DELAY_MS: RangeInclusive<i64> = 0..=3_600_000;
    /// Rounds of a repeat.
    pub const ROUNDS: RangeInclusive<i64> = 1..=1_000;
}
