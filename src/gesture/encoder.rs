//! Control change values → turns.

use super::event::Direction;
use super::trigger::EncoderMode;

/// One encoder.
#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) cc: u8,
    mode: EncoderMode,
    /// The last absolute position.
    last: Option<i8>,
}

impl Encoder {
    pub(super) const fn new(cc: u8, mode: EncoderMode) -> Self {
        Self { cc, mode, last: None }
    }

    /// The position is not known any more.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// How far a received value says the encoder was turned, and which way, if it says so: more than 0 steps are clockwise.
    pub(super) fn turn(&mut self, value: u8) -> Option<(Direction, i8)> {
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
        match steps.signum() {
            1 => Some((Direction::Clockwise, steps)),
            -1 => Some((Direction::CounterClockwise, steps)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(mode: EncoderMode, values: &[u8]) -> Vec<Option<i8>> {
        let mut encoder = Encoder::new(16, mode);
        let turn = |value: &u8| {
            let (direction, steps) = encoder.turn(*value)?;
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
}
