//! Control change values → turns.

use super::event::Direction;
use super::trigger::EncoderMode;

/// One encoder.
#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) cc: u8,
    mode: EncoderMode,
    /// The last absolute position.
    last: Option<u8>,
}

impl Encoder {
    pub(super) const fn new(cc: u8, mode: EncoderMode) -> Self {
        Self { cc, mode, last: None }
    }

    /// The position is not known any more.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// The way a received value says the encoder was turned, if it says one.
    pub(super) fn turn(&mut self, value: u8) -> Option<Direction> {
        use Direction::{Clockwise, CounterClockwise};
        match self.mode {
            EncoderMode::Absolute => {
                let last = self.last.replace(value)?;
                match (value.cmp(&last), value) {
                    (std::cmp::Ordering::Greater, _) | (_, 127) => Some(Clockwise),
                    (std::cmp::Ordering::Less, _) | (_, 0) => Some(CounterClockwise),
                    _ => None,
                }
            }
            EncoderMode::TwosComplement | EncoderMode::SignMagnitude => match value {
                1..=63 => Some(Clockwise),
                65..=127 => Some(CounterClockwise),
                _ => None,
            },
            EncoderMode::BinaryOffset => match value {
                65..=127 => Some(Clockwise),
                0..=63 => Some(CounterClockwise),
                _ => None,
            },
        }
    }
}
