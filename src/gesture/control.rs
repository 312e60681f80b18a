//! What moves on a scale, and ranges of it.

use std::ops::RangeInclusive;

use super::number::EventNumber;
use crate::midi::Numbers;

/// Seven bits, as the data of MIDI is.
pub(super) const SEVEN_BITS: RangeInclusive<i32> = 0..=127;

/// What moves on a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Control {
    /// A controller, by number.
    Cc(u8),
    /// A pair of controllers with 14 bits, by the number of the upper one, 0–31.
    Cc14(u8),
    /// A registered parameter, 0–16383.
    Rpn(u16),
    /// A parameter of the maker's, 0–16383.
    Nrpn(u16),
    /// Pitch bend, 8192 at rest.
    Bend,
    /// Pressure of a note, or of the whole channel (`None`).
    Pressure(Option<u8>),
}

impl Control {
    /// Greatest value; the least is 0.
    #[must_use]
    pub const fn scale(self) -> u16 {
        match self {
            Self::Cc(_) | Self::Pressure(_) => 127,
            Self::Cc14(_) | Self::Rpn(_) | Self::Nrpn(_) | Self::Bend => 16_383,
        }
    }

    /// What `number` is where it stands at `value`.
    pub(super) fn number(self, number: EventNumber, value: u16) -> Option<i32> {
        match (number, self) {
            (EventNumber::Value, _) | (EventNumber::Bend, Self::Bend) | (EventNumber::Pressure, Self::Pressure(_)) => {
                Some(value.into())
            }
            (EventNumber::Cc, Self::Cc(cc) | Self::Cc14(cc)) => Some(cc.into()),
            (EventNumber::Note, Self::Pressure(note)) => note.map(Into::into),
            _ => None,
        }
    }
}

/// A range of a control's values, both ends inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueRange {
    /// Least value.
    pub min: u16,
    /// Greatest value.
    pub max: u16,
    /// How far outside the range the control has to go before it can come in again; the end of its scale is always far enough.
    pub hysteresis: u16,
}

impl ValueRange {
    /// Whether `value` lies in it.
    #[must_use]
    pub const fn contains(self, value: u16) -> bool {
        self.min <= value && value <= self.max
    }

    /// Whether `value` is so far outside, on a scale up to `scale`, that the control has left the range.
    #[must_use]
    pub const fn is_left_at(self, value: u16, scale: u16) -> bool {
        let below = value < self.min && (value == 0 || value.saturating_add(self.hysteresis) <= self.min);
        let above = value > self.max && (value >= scale || value >= self.max.saturating_add(self.hysteresis));
        below || above
    }

    /// Whether it is the whole of a scale up to `scale`.
    #[must_use]
    pub const fn is_whole(self, scale: u16) -> bool {
        self.min == 0 && self.max >= scale
    }
}

/// Which controls a trigger waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controls {
    /// Controllers, each for itself.
    Cc(Numbers),
    /// Pairs of controllers with 14 bits, each for itself.
    Cc14(Numbers),
    /// A registered parameter.
    Rpn(u16),
    /// A parameter of the maker's.
    Nrpn(u16),
    /// Pitch bend.
    Bend,
    /// Pressure of these notes, or (`None`) of every note and of the channel.
    Pressure(Option<Numbers>),
}

impl Controls {
    /// Whether `control` is one of them.
    #[must_use]
    pub fn contains(&self, control: Control) -> bool {
        match (self, control) {
            (Self::Cc(numbers), Control::Cc(number)) | (Self::Cc14(numbers), Control::Cc14(number)) => {
                numbers.contains(number)
            }
            (Self::Rpn(wanted), Control::Rpn(number)) | (Self::Nrpn(wanted), Control::Nrpn(number)) => {
                *wanted == number
            }
            (Self::Bend, Control::Bend) | (Self::Pressure(None), Control::Pressure(_)) => true,
            (Self::Pressure(Some(notes)), Control::Pressure(Some(note))) => notes.contains(note),
            _ => false,
        }
    }

    /// Whether every control of `other` is among them.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cc(numbers), Self::Cc(others)) | (Self::Cc14(numbers), Self::Cc14(others)) => {
                numbers.covers(*others)
            }
            (Self::Pressure(None), Self::Pressure(_)) => true,
            (Self::Pressure(Some(notes)), Self::Pressure(Some(others))) => notes.covers(*others),
            _ => self == other,
        }
    }

    /// Whether they are of one kind, so that both can be one set.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rpn(_) | Self::Nrpn(_), _) => self == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Takes in the controls of `other`, which is like it.
    pub(super) fn join(&mut self, other: &Self) {
        match (self, other) {
            (Self::Cc(numbers), Self::Cc(others)) | (Self::Cc14(numbers), Self::Cc14(others)) => {
                *numbers = numbers.with(*others);
            }
            (Self::Pressure(Some(notes)), Self::Pressure(Some(others))) => *notes = notes.with(*others),
            (Self::Pressure(notes), Self::Pressure(None)) => *notes = None,
            _ => {}
        }
    }

    /// Greatest value of each of them.
    #[must_use]
    pub const fn scale(&self) -> u16 {
        match self {
            Self::Cc(_) | Self::Pressure(_) => 127,
            Self::Cc14(_) | Self::Rpn(_) | Self::Nrpn(_) | Self::Bend => 16_383,
        }
    }

    /// The scale of `number` where one of them moved.
    pub(super) fn scale_of(&self, number: EventNumber) -> Option<RangeInclusive<i32>> {
        match (number, self) {
            (EventNumber::Value, _) | (EventNumber::Bend, Self::Bend) | (EventNumber::Pressure, Self::Pressure(_)) => {
                Some(0..=self.scale().into())
            }
            (EventNumber::Cc, Self::Cc(_) | Self::Cc14(_)) | (EventNumber::Note, Self::Pressure(_)) => Some(SEVEN_BITS),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_left_beyond_its_hysteresis_or_at_the_end_of_the_scale() {
        let upper = ValueRange { min: 64, max: 127, hysteresis: 2 };
        assert_eq!([63, 62, 61, 0].map(|value| upper.is_left_at(value, 127)), [false, true, true, true]);
        let narrow = ValueRange { min: 1, max: 126, hysteresis: 2 };
        assert_eq!([0, 1, 126, 127].map(|value| narrow.is_left_at(value, 127)), [true, false, false, true]);
        let none = ValueRange { min: 10, max: 20, hysteresis: 0 };
        assert_eq!([9, 10, 20, 21].map(|value| none.is_left_at(value, 127)), [true, false, false, true]);
    }
}
