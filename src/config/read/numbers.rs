//! Sets of notes, controllers and programs (0–127), and of channels (as the file counts them): a number, a list, a range `"36-51"`, or `"any"`.

use super::Reader;
use super::table::Table;
use super::value::Value;
use crate::config::problem::Problem;
use crate::midi::{Channel, Channels, Numbers};

/// How a set may be written, for messages.
const WANTED: &str = "a number, a list of them, a range such as \"36-51\", or \"any\"";
/// Most elements of a list; there are no more numbers.
const MAX_LIST: usize = 128;
/// Seven bits, as MIDI data is.
const DATA: std::ops::RangeInclusive<i64> = 0..=127;

/// A part of a set, as written: both ends inside.
type Span = (i64, i64);

impl Table<'_> {
    /// The set of numbers (0–127) under the key that goes by `names`. None when it is left out; none, and reported, when it is wrong.
    pub(super) fn optional_numbers(&mut self, names: &[&'static str]) -> Option<Numbers> {
        let spans = spans(&self.take(names)?, DATA)?;
        Some(
            spans.into_iter().flat_map(|(from, to)| from..=to).filter_map(|number| u8::try_from(number).ok()).collect(),
        )
    }

    /// The set of numbers under one of `names`, which must be there. The empty set stands in for one that is missing or wrong.
    pub(super) fn need_numbers(&mut self, names: &[&'static str]) -> Numbers {
        if !names.iter().any(|name| self.has(name)) {
            self.need(names);
            return Numbers::NONE;
        }
        self.optional_numbers(names).unwrap_or(Numbers::NONE)
    }
}

impl Reader<'_> {
    /// The channels under `key`; all where it is left out. All stand in for what is wrong.
    pub(super) fn channels(&mut self, fields: &mut Table<'_>, key: &'static str) -> Channels {
        let Some(value) = fields.take(&[key]) else { return Channels::ANY };
        if value.toml.is_integer() {
            return self.channel_of(&value).map_or(Channels::ANY, Channels::only);
        }
        if let Some(items) = value.toml.as_array().and_then(|_| value.list(MAX_LIST))
            && items.iter().all(|item| item.toml.is_integer())
        {
            if items.is_empty() {
                value.wrong(Problem::Empty { key: key.into(), wanted: WANTED });
            }
            return items.iter().filter_map(|item| self.channel_of(item)).collect();
        }
        let range = self.channels.first().numbers();
        let Some(spans) = spans(&value, range) else { return Channels::ANY };
        // A file that does not say how it counts, and counts from 0, is told so as for a single number.
        spans
            .into_iter()
            .flat_map(|(from, to)| from..=to)
            .filter_map(|number| self.channels.first().channel(u8::try_from(number).ok()?))
            .collect::<Vec<Channel>>()
            .into_iter()
            .collect()
    }
}

fn spans(value: &Value<'_>, range: std::ops::RangeInclusive<i64>) -> Option<Vec<Span>> {
    if value.toml.is_array() {
        let items = value.list(MAX_LIST)?;
        if items.is_empty() {
            value.wrong(Problem::Empty { key: value.key.to_owned(), wanted: WANTED });
            return None;
        }
        return items.iter().map(|item| span(item, range.clone())).collect();
    }
    Some(vec![span(value, range)?])
}

fn span(value: &Value<'_>, range: std::ops::RangeInclusive<i64>) -> Option<Span> {
    let Some(text) = value.toml.as_str() else {
        let number = value.integer(range)?;
        return Some((number, number));
    };
    if text.eq_ignore_ascii_case("any") {
        return Some((*range.start(), *range.end()));
    }
    if text.trim().parse::<i64>().is_ok() {
        value.wrong_type("an integer");
        return None;
    }
    let ends = text.split_once('-').and_then(|(from, to)| {
        let number = |text: &str| text.trim().parse::<u8>().ok().map(i64::from);
        Some((number(from)?, number(to)?))
    });
    let Some((from, to)) = ends.filter(|(from, to)| from <= to && range.contains(from) && range.contains(to)) else {
        value.malformed(text, WANTED);
        return None;
    };
    Some((from, to))
}
