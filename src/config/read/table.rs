//! A table that remembers which keys were asked for, so that what is left over is an error.

use std::ops::{Range, RangeInclusive};

use toml::de::DeTable;

use super::report::Report;
use super::value::Value;
use crate::config::problem::Problem;
use crate::text::Escape as _;
use crate::text::nearest;

/// A table being read. A key may go by several names: the first is the name, the others are aliases.
pub(super) struct Table<'a> {
    entries: &'a DeTable<'a>,
    span: Range<usize>,
    /// What messages call it.
    pub(super) within: String,
    known: Vec<&'static str>,
    pub(super) report: &'a Report,
}

impl<'a> Table<'a> {
    pub(super) fn new(entries: &'a DeTable<'a>, span: Range<usize>, within: String, report: &'a Report) -> Self {
        Self { entries, span, within, known: Vec::new(), report }
    }
    /// Its bytes in the text: the header's for `[table]`, all of it for an inline table.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }
    /// Every key with its value, in the order written.
    pub(super) fn entries(&self) -> Vec<(Range<usize>, Value<'a>)> {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| (key.span(), Value::new(key.get_ref(), value.get_ref(), value.span(), self.report)))
            .collect();
        entries.sort_by_key(|(key, _)| key.start);
        entries
    }
    /// Whether the key is there, without asking for it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value of `key`, if it is there, before its turn comes to be taken.
    pub(super) fn peek(&self, key: &str) -> Option<Value<'a>> {
        let (key, value) = self.entries.get_key_value(key)?;
        Some(Value::new(key.get_ref(), value.get_ref(), value.span(), self.report))
    }
    /// The value of the key that goes by `names`, if it is there.
    pub(super) fn take(&mut self, names: &[&'static str]) -> Option<Value<'a>> {
        self.known.extend(names);
        let mut found: Option<(&'static str, Value<'a>)> = None;
        for name in names {
            let Some((key, value)) = self.entries.get_key_value(*name) else { continue };
            if let Some((first, _)) = found {
                self.report.add(key.span(), Problem::SaidTwice { key: first, alias: name });
            } else {
                found = Some((name, Value::new(key.get_ref(), value.get_ref(), value.span(), self.report)));
            }
        }
        found.map(|(_, value)| value)
    }
    /// Takes the value under one of `names`. That there is none is an error.
    pub(super) fn need(&mut self, names: &[&'static str]) -> Option<Value<'a>> {
        let value = self.take(names);
        if value.is_none() {
            // The first name is the key's name; every caller gives one.
            let key = names.first().copied().unwrap_or_default();
            self.report.add(self.span(), Problem::MissingKey { key, within: self.within.clone() });
        }
        value
    }
    /// A number in `range`, or `default`.
    pub(super) fn number<T: TryFrom<i64>>(
        &mut self,
        names: &[&'static str],
        range: RangeInclusive<i64>,
        default: T,
    ) -> T {
        self.optional_number(names, range).unwrap_or(default)
    }
    /// A number in `range`, or nothing.
    pub(super) fn optional_number<T: TryFrom<i64>>(
        &mut self,
        names: &[&'static str],
        range: RangeInclusive<i64>,
    ) -> Option<T> {
        T::try_from(self.take(names)?.integer(range)?).ok()
    }
    /// A number in `range` that must be there. Zero stands in for one that is missing; the error is reported.
    pub(super) fn need_number<T: TryFrom<i64> + Default>(
        &mut self,
        names: &[&'static str],
        range: RangeInclusive<i64>,
    ) -> T {
        let number = self.need(names).and_then(|value| value.integer(range));
        number.and_then(|number| T::try_from(number).ok()).unwrap_or_default()
    }
    /// A flag, or `default`.
    pub(super) fn flag(&mut self, name: &'static str, default: bool) -> bool {
        self.take(&[name]).and_then(|value| value.boolean()).unwrap_or(default)
    }
    /// Reports a range whose lower end is above its upper end.
    pub(super) fn ordered(&self, least: &'static str, from: i64, most: &'static str, to: i64) {
        if from > to {
            self.report.add(self.span(), Problem::Inverted { least, most, from, to });
        }
    }
    /// Reports every key nobody asked for.
    pub(super) fn finish(self) {
        for (span, value) in self.entries() {
            if self.known.contains(&value.key) {
                continue;
            }
            if self.report.is_full() {
                self.report.drop_one();
                continue;
            }
            if value.key == "channels_from" {
                let (key, within) = (value.key.to_owned(), self.within.clone());
                let remedy = "it holds for the whole file: make it the first line, above every [table]".to_owned();
                self.report.add(span, Problem::MisplacedKey { key, within, remedy });
                continue;
            }
            self.report.add(
                span,
                Problem::UnknownKey {
                    key: shortened(value.key),
                    within: self.within.clone(),
                    nearest: nearest(value.key, self.known.iter().copied()).map(str::to_owned),
                    known: self.known.clone(),
                },
            );
        }
    }
}

/// Characters of a name that a message shows.
const MAX_SHOWN: usize = 80;

/// A name from the file, for a message: bounded, and without what would disturb a terminal.
pub(super) fn shortened(name: &str) -> String {
    match name.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("{}…", name[..at].escaped()),
        None => name.escaped().to_string(),
    }
}
