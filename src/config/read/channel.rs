//! `channels_from`, and every `channel` of the file. Inside, channels are what musicians count: 1 to 16.

use std::ops::Range;

use super::Reader;
use super::report::Report;
use super::table::Table;
use super::value::Value;
use crate::config::action::number::ValueOf;
use crate::config::model::FirstChannel;
use crate::config::problem::Problem;
use crate::midi::Channel;

/// How the file counts its channels, and what it wrote before that was known.
#[derive(Debug, Default)]
pub(super) struct Channels {
    first: FirstChannel,
    /// Whether the file says so itself, rightly or wrongly.
    said: bool,
    /// Where a channel is 0 in a file that does not say how it counts.
    zeros: Vec<Range<usize>>,
    /// Whether a channel is 16 or more: such a file does not count from 0.
    above: bool,
}

impl Channels {
    /// `channels_from`, where the file has it.
    pub(super) fn read(value: Option<Value<'_>>) -> Self {
        let first = match value.and_then(|value| value.integer(0..=1)) {
            Some(0) => FirstChannel::Zero,
            _ => FirstChannel::One,
        };
        Self { first, said: value.is_some(), ..Self::default() }
    }

    /// How the file counts.
    pub(super) fn first(&self) -> FirstChannel {
        self.first
    }

    /// How many were 0 so far where nobody knows what that means: an error, told at the end.
    pub(super) fn zeros(&self) -> usize {
        self.zeros.len()
    }
}

impl Reader<'_> {
    /// Reads a channel that must be there, or (`Err`) how it is made of what the event brings. Channel 1 stands in for one that is
    /// missing or wrong.
    pub(super) fn need_channel(&mut self, fields: &mut Table<'_>) -> Result<Channel, ValueOf> {
        const FIRST: Channel = Channel::from_status(0);
        let Some(value) = fields.need(&["channel"]) else { return Ok(FIRST) };
        if !value.toml.is_table() {
            return Ok(self.channel_of(&value).unwrap_or(FIRST));
        }
        let Some(mut made) = self.value_of(&value) else { return Ok(FIRST) };
        if self.channels.first == FirstChannel::Zero {
            made.scaling.add += 1.0; // what the file makes counts as the file does
        }
        Err(made)
    }

    pub(super) fn channel_of(&mut self, value: &Value<'_>) -> Option<Channel> {
        self.channels.channel_of(value)
    }

    /// Tells once what a file means that has channels 0 and does not say how it counts.
    pub(super) fn tell_zero_channels(&self) {
        self.channels.tell_zeros(self.report);
    }
}

impl Channels {
    /// The channel that `value` is.
    pub(super) fn channel_of(&mut self, value: &Value<'_>) -> Option<Channel> {
        let Self { first, said, zeros, above } = self;
        if !*said {
            match value.plain_integer() {
                // What it means is known when the whole file is read.
                Some(0) => {
                    zeros.push(value.span());
                    return None;
                }
                Some(16..) => *above = true,
                _ => {}
            }
        }
        let number = value.integer(first.numbers())?;
        first.channel(u8::try_from(number).ok()?)
    }

    /// Tells once what a file means that has channels 0 and does not say how it counts.
    pub(super) fn tell_zeros(&self, report: &Report) {
        let Self { zeros, above, .. } = self;
        let Some(place) = zeros.iter().min_by_key(|place| place.start) else { return };
        if !above {
            return report.add(place.clone(), Problem::ChannelZero { more: zeros.len() - 1 });
        }
        for place in zeros {
            let (key, found) = ("channel".to_owned(), "0".to_owned());
            report.add(place.clone(), Problem::OutOfRange { key, found, least: 1, most: 16 });
        }
    }
}
