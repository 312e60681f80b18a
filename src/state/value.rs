//! Values of the table, and what conditions ask of them.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::text::literal;

/// A finite number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateNumber(f64);

impl StateNumber {
    /// The number, unless it is infinite or none.
    #[must_use]
    pub fn new(number: f64) -> Option<Self> {
        // Zero has no sign here: two that are equal are written alike.
        number.is_finite().then_some(Self(if number == 0.0 { 0.0 } else { number }))
    }

    /// As a floating-point number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl From<u32> for StateNumber {
    fn from(number: u32) -> Self {
        Self(number.into())
    }
}

// A finite number equals itself.
impl Eq for StateNumber {}

impl PartialOrd for StateNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for StateNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl fmt::Display for StateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateValue {
    /// Text of at most [`StateValue::MAX_TEXT`] bytes.
    Text(Arc<str>),
    /// A number.
    Number(StateNumber),
    /// True or false.
    Flag(bool),
}

impl StateValue {
    /// Longest text, in bytes.
    pub const MAX_TEXT: usize = 256;

    /// `text` as a value; nothing where it is too long.
    #[must_use]
    pub fn text(text: &str) -> Option<Self> {
        (text.len() <= Self::MAX_TEXT).then(|| Self::Text(text.into()))
    }

    /// `number` as a value.
    #[must_use]
    pub fn number(number: u32) -> Self {
        Self::Number(number.into())
    }
}

/// As TOML and JSON write it.
impl fmt::Display for StateValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&literal::string(text)),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

/// What a condition asks of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateTest {
    /// It is this one.
    Equals(StateValue),
    /// It is a number in this range, both ends inside.
    Within {
        /// Least.
        min: Option<StateNumber>,
        /// Greatest.
        max: Option<StateNumber>,
    },
}

impl StateTest {
    /// Whether `value` passes. What is absent passes no test.
    #[must_use]
    pub fn passes(&self, value: Option<&StateValue>) -> bool {
        match (self, value) {
            (Self::Equals(wanted), Some(value)) => wanted == value,
            (Self::Within { min, max }, Some(StateValue::Number(number))) => {
                min.is_none_or(|min| min <= *number) && max.is_none_or(|max| *number <= max)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_compare_values_of_their_kind_and_nothing_that_is_absent() {
        let number = |number: f64| StateValue::Number(StateNumber::new(number).expect("finite"));
        let within = |min: Option<f64>, max: Option<f64>| StateTest::Within {
            min: min.and_then(StateNumber::new),
            max: max.and_then(StateNumber::new),
        };
        assert!(within(Some(1.0), None).passes(Some(&number(1.0))));
        assert!(!within(Some(1.0), Some(2.0)).passes(Some(&number(2.5))));
        assert!(!within(None, Some(2.0)).passes(Some(&StateValue::Flag(true))));
        assert!(StateTest::Equals(number(0.0)).passes(Some(&number(-0.0))));
        assert!(!StateTest::Equals(StateValue::Flag(false)).passes(None));
        assert_eq!(StateNumber::new(f64::NAN).or(StateNumber::new(f64::INFINITY)), None);
        assert_eq!([number(1.0), number(-0.5)].map(|value| value.to_string()), ["1", "-0.5"]);
    }
}
