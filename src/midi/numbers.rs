//! Sets of the numbers a message carries: notes, controllers and programs (0–127), and channels.

use std::fmt;

use super::message::Channel;

/// A set of notes, controllers or programs: one bit for each of 0–127.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Numbers(u128);

impl Numbers {
    /// The set with every number.
    pub const ANY: Self = Self(u128::MAX);
    /// The set with none.
    pub const NONE: Self = Self(0);

    /// The set with one number; a number above 127 is in no set.
    #[must_use]
    pub const fn only(number: u8) -> Self {
        if number < 128 { Self(1 << number) } else { Self(0) }
    }
    /// Whether `number` is in the set.
    #[must_use]
    pub const fn contains(self, number: u8) -> bool {
        number < 128 && self.0 & (1 << number) != 0
    }
    /// Whether every number of `other` is in this set.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// The set with the numbers of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Whether the set has no number.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// Puts `number` into the set, or takes it out.
    pub const fn set(&mut self, number: u8, inside: bool) {
        if inside { self.0 |= Self::only(number).0 } else { self.0 &= !Self::only(number).0 }
    }
    /// The numbers in rising order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..128).filter(move |number| self.contains(*number))
    }
}

impl FromIterator<u8> for Numbers {
    fn from_iter<I: IntoIterator<Item = u8>>(numbers: I) -> Self {
        numbers.into_iter().fold(Self::NONE, |set, number| Self(set.0 | Self::only(number).0))
    }
}

impl fmt::Display for Numbers {
    /// `36`, `36-51`, `1, 7, 20-24`, or `any`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ANY {
            return f.write_str("any");
        }
        let mut next = 0;
        let mut first = true;
        while let Some(from) = (next..128).find(|number| self.contains(*number)) {
            let to = (from..128).take_while(|number| self.contains(*number)).last().unwrap_or(from);
            f.write_str(if first { "" } else { ", " })?;
            if from == to {
                write!(f, "{from}")?;
            } else {
                write!(f, "{from}-{to}")?;
            }
            (first, next) = (false, to + 1);
        }
        Ok(())
    }
}

/// A set of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channels(u16);

impl Channels {
    /// The set with all sixteen.
    pub const ANY: Self = Self(u16::MAX);
    /// The set with none.
    pub const NONE: Self = Self(0);

    /// The set with one channel.
    #[must_use]
    pub const fn only(channel: Channel) -> Self {
        Self(1 << channel.nibble())
    }
    /// Whether `channel` is in the set.
    #[must_use]
    pub const fn contains(self, channel: Channel) -> bool {
        self.0 & (1 << channel.nibble()) != 0
    }
    /// Whether every channel of `other` is in this set.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// The set with the channels of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// The channels that the sets have in common.
    #[must_use]
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
    /// Whether the sets have a channel in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl FromIterator<Channel> for Channels {
    fn from_iter<I: IntoIterator<Item = Channel>>(channels: I) -> Self {
        channels.into_iter().fold(Self(0), |set, channel| Self(set.0 | Self::only(channel).0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_shows_its_ranges() {
        for (numbers, text) in [
            (Numbers::ANY, "any"),
            (Numbers::only(36), "36"),
            ((36..=51).collect(), "36-51"),
            ([1, 7, 20, 21, 22, 127].into_iter().collect(), "1, 7, 20-22, 127"),
            (Numbers::NONE, ""),
        ] {
            assert_eq!(numbers.to_string(), text);
        }
    }

    #[test]
    fn what_no_message_carries_is_in_no_set() {
        assert!(Numbers::only(200).is_empty() && !Numbers::ANY.contains(128));
    }
}
