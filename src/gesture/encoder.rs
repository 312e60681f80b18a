//! How encoders write their turns, and control change values → turns.

use std::fmt;
use std::ops::RangeInclusive;

use crate::time::Micros;

/// The way an encoder turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To higher values.
    Clockwise,
    /// To lower values.
    CounterClockwise,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clockwise => "clockwise",
            Self::CounterClockwise => "counterclockwise",
        })
    }
}

/// How often the action of an encoder runs for a message that says several steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EncoderStep {
    /// Once for each step.
    #[default]
    Each,
    /// Once, with all steps in `delta`.
    Once,
}

/// How an encoder writes its turns into control change values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EncoderMode {
    /// An absolute position: the direction is the difference to the last value; at 0 and 127 a repeated value counts as
    /// a further turn that way.
    #[default]
    Absolute,
    /// 1–63 clockwise, 65–127 counter-clockwise (127 is −1).
    TwosComplement,
    /// 65–127 clockwise, 0–63 counter-clockwise (64 is 0).
    BinaryOffset,
    /// 1–63 clockwise, 65–127 counter-clockwise (65 is −1).
    SignMagnitude,
}

/// How many steps one message can say, either way.
pub(super) const STEPS: RangeInclusive<i32> = -63..=63;

/// One encoder.
#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) cc: u8,
    mode: EncoderMode,
    /// The last absolute position.
    last: Option<i8>,
    /// When it was turned last, and whether clockwise.
    turned: Option<(Micros, bool)>,
}

/// A turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) direction: Direction,
    /// How far: more than 0 clockwise, less than 0 the other way, never 0.
    pub(super) steps: i16,
    /// Time since the turn before it, where that went the same way.
    pub(super) since: Option<Micros>,
}

impl Encoder {
    pub(super) const fn new(cc: u8, mode: EncoderMode) -> Self {
        Self { cc, mode, last: None, turned: None }
    }

    /// The position is not known any more.
    pub(super) fn forget(&mut self) {
        (self.last, self.turned) = (None, None);
    }

    /// The turn that a value received at `now` says, if it says one.
    pub(super) fn turn(&mut self, now: Micros, value: u8) -> Option<Turn> {
        let value = value.cast_signed().max(0); // a data byte is below 128
        let steps = match self.mode {
            EncoderMode::Absolute => {
                let last = self.last.replace(value)?;
                match (value - last, value) {
                    // At the end of its scale it can be turned on, and says the same value again.
                    (0, 127) => 1,
                    (0, 0) => -1,
                    (steps, _) => steps,
                }
            }
            EncoderMode::TwosComplement => match value {
                64 => 0, // as far one way as the other
                0..64 => value,
                _ => value - 127 - 1,
            },
            EncoderMode::SignMagnitude => {
                if value < 64 {
                    value
                } else {
                    64 - value
                }
            }
            EncoderMode::BinaryOffset => value - 64,
        };
        if steps == 0 {
            return None;
        }
        let clockwise = steps > 0;
        let before = self.turned.replace((now, clockwise));
        let since = before.filter(|(_, way)| *way == clockwise).map(|(at, _)| now.saturating_sub(at));
        let direction = if clockwise { Direction::Clockwise } else { Direction::CounterClockwise };
        Some(Turn { direction, steps: steps.into(), since })
    }
}

/// By how much a turn `since` after the one before it counts more, where the most is `acceleration`: as much as that up to 15 ms,
/// nothing from 120 ms on.
#[must_use]
pub fn factor(since: Option<Micros>, acceleration: u8) -> i16 {
    const FAST: Micros = 15_000;
    const SLOW: Micros = 120_000;
    let left = SLOW - since.unwrap_or(SLOW).clamp(FAST, SLOW);
    let more = u64::from(acceleration.saturating_sub(1)) * left / (SLOW - FAST);
    1 + i16::try_from(more).unwrap_or_default() // at most 254
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(mode: EncoderMode, values: &[u8]) -> Vec<Option<i16>> {
        let mut encoder = Encoder::new(16, mode);
        let turn = |value: &u8| {
            let Turn { direction, steps, .. } = encoder.turn(0, *value)?;
            assert_eq!(direction == Direction::Clockwise, steps > 0, "{value}: {steps}");
            Some(steps)
        };
        values.iter().map(turn).collect()
    }

    #[test]
    fn each_convention_says_how_far_and_which_way() {
        assert_eq!(
            turns(EncoderMode::Absolute, &[60, 63, 60, 60, 0, 0, 127, 127]),
            [None, Some(3), Some(-3), None, Some(-60), Some(-1), Some(127), Some(1)]
        );
        assert_eq!(
            turns(EncoderMode::TwosComplement, &[1, 63, 127, 65, 0, 64]),
            [Some(1), Some(63), Some(-1), Some(-63), None, None]
        );
        assert_eq!(
            turns(EncoderMode::SignMagnitude, &[1, 63, 65, 127, 0, 64]),
            [Some(1), Some(63), Some(-1), Some(-63), None, None]
        );
        assert_eq!(
            turns(EncoderMode::BinaryOffset, &[65, 127, 63, 0, 64]),
            [Some(1), Some(63), Some(-1), Some(-64), None]
        );
    }

    #[test]
    fn fast_turns_count_more() {
        let factors = [None, Some(200_000), Some(120_000), Some(67_500), Some(15_000), Some(0)];
        assert_eq!(factors.map(|since| factor(since, 9)), [1, 1, 1, 5, 9, 9]);
        assert_eq!(factors.map(|since| factor(since, 1)), [1; 6]);
    }
}
