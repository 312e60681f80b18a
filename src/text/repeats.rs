//! Warnings that repeat: said the 1st, 2nd, 4th, 8th … time, so that a flood of what goes wrong is no flood of the log; and how
//! often it was in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often something has happened, and when to say so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    total: u64,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { total: 0 }
    }

    /// It happened `times` more. Answers the total when that is to be said: at 1, 2, 4, 8 …, or the first number beyond.
    pub fn add(&mut self, times: u64) -> Option<Total> {
        let before = self.total;
        self.total = before.saturating_add(times);
        let due = times > 0 && (before == 0 || self.total.ilog2() > before.ilog2());
        due.then_some(Total(self.total))
    }

    /// How often it happened.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.total
    }
}

/// A total that is to be said behind what happened: nothing the first time, then ` (4 times so far)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total(u64);

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => Ok(()),
            total => write!(f, " ({total} times so far)"),
        }
    }
}

/// Kinds of warnings that are told apart; what comes beyond counts as one.
const MAX_KINDS: usize = 512;

/// Bytes of a warning that are kept to be said again at the end.
const MAX_TEXT: usize = 512;

/// Quiet time after which a warning is news again, in microseconds of whoever counts time: a minute.
const QUIET: u64 = 60_000_000;

/// Warnings of one origin, by kind. Those that differ in nothing but numbers are of one kind.
#[derive(Debug, Default)]
pub struct Repeats {
    kinds: Mutex<BTreeMap<String, Kind>>,
}

#[derive(Debug, Default)]
struct Kind {
    total: u64,
    /// Since it was quiet for a while.
    burst: Tally,
    last: u64,
    text: String,
}

impl Repeats {
    /// Nothing was said yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { kinds: Mutex::new(BTreeMap::new()) }
    }

    fn kinds(&self) -> MutexGuard<'_, BTreeMap<String, Kind>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says `text` on the log, or counts it. `who` it is about tells warnings apart even where only numbers differ.
    pub fn warn(&self, who: &str, text: fmt::Arguments<'_>) {
        if let Some(text) = self.count(who, 0, text) {
            log::warn!("{text}");
        }
    }

    /// Counts `text`, a warning about `who` at a time in microseconds; the line to say, if it is to be said now. What has been quiet for
    /// a minute is news again.
    pub fn count(&self, who: &str, at: u64, text: fmt::Arguments<'_>) -> Option<String> {
        let text = text.to_string();
        let mut kinds = self.kinds();
        let mut key = format!("{who}\0{}", without_numbers(&text));
        if kinds.len() >= MAX_KINDS && !kinds.contains_key(&key) {
            key = String::new();
        }
        let kind = kinds.entry(key).or_default();
        if at.saturating_sub(kind.last) >= QUIET {
            kind.burst = Tally::new();
        }
        kind.last = kind.last.max(at);
        kind.total = kind.total.saturating_add(1);
        kind.burst.add(1)?;
        let line = format!("{text}{}", Total(kind.total));
        let cut = text.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_TEXT);
        kind.text = text;
        kind.text.truncate(cut.unwrap_or(usize::MAX));
        Some(line)
    }

    /// What to say at the end: how often each kind came that came more than once. Everything is forgotten.
    pub fn totals(&self) -> Vec<String> {
        let kinds = std::mem::take(&mut *self.kinds());
        let mut totals = Vec::new();
        for (key, Kind { total, text, .. }) in kinds {
            if total > 1 && key.is_empty() {
                totals.push(format!("{total} times in all: further warnings, the last said: {text}"));
            } else if total > 1 {
                totals.push(format!("{total} times in all: {text}"));
            }
        }
        totals
    }

    /// Says the totals on the log.
    pub fn finish(&self) {
        for total in self.totals() {
            log::warn!("{total}");
        }
    }
}

/// The text with every number as `#`, cut where it gets long.
fn without_numbers(text: &str) -> String {
    let mut kind = String::new();
    for c in text.chars() {
        if kind.len() >= MAX_TEXT {
            break;
        }
        match c {
            '0'..='9' | '_' | ',' | '.' if kind.ends_with('#') => {} // inside a number, or behind it
            '0'..='9' => kind.push('#'),
            c => kind.push(c),
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_said_at_powers_of_two_and_in_full_at_the_end() {
        let repeats = Repeats::new();
        let said: Vec<_> = (0..136)
            .filter_map(|n| repeats.count("line 7", 0, format_args!("{} calls are waiting already", 64 + n % 3)))
            .collect();
        assert_eq!(said.len(), 8, "{said:?}");
        assert_eq!(said[0], "64 calls are waiting already");
        assert_eq!(said[7], "65 calls are waiting already (128 times so far)");
        assert_eq!(
            repeats.count("line 8", 0, format_args!("64 calls are waiting already")).as_deref(),
            Some("64 calls are waiting already"),
            "another mapping"
        );
        assert_eq!(repeats.totals(), ["136 times in all: 65 calls are waiting already"]);
        assert_eq!(repeats.totals(), Vec::<String>::new());
    }

    #[test]
    fn many_at_once_are_said_when_they_reach_the_next_power() {
        let mut tally = Tally::new();
        let said: Vec<_> = [0, 3, 1, 3, 1, 500].map(|times| tally.add(times).is_some()).to_vec();
        assert_eq!((said, tally.total()), (vec![false, true, true, false, true, true], 508));
    }

    #[test]
    fn what_was_quiet_for_a_minute_is_news_again_and_keeps_its_total() {
        let repeats = Repeats::new();
        let mut said = Vec::new();
        for second in [0, 1, 2, 3, 60, 130] {
            said.push(repeats.count("pad", second * 1_000_000, format_args!("gone")));
        }
        let said: Vec<_> = said.iter().map(Option::as_deref).collect();
        assert_eq!(
            said,
            [
                Some("gone"),
                Some("gone (2 times so far)"),
                None,
                Some("gone (4 times so far)"),
                None,
                Some("gone (6 times so far)")
            ]
        );
        assert_eq!(repeats.totals(), ["6 times in all: gone"]);
    }

    #[test]
    fn kinds_are_bounded_and_what_is_beyond_is_counted_together() {
        let repeats = Repeats::new();
        let name = |n: u32| n.to_string().bytes().map(|digit| char::from(digit + 49)).collect::<String>();
        let said = (0..10_000).filter_map(|n| repeats.count("", 0, format_args!("{}", name(n)))).count();
        assert_eq!(said, MAX_KINDS + 14);
        let totals = repeats.totals();
        assert_eq!(totals.len(), 1);
        assert!(totals[0].starts_with("9488 times in all: further warnings, the last said: "), "{totals:?}");
    }
}
