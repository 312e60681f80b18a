//! What a plugin was denied: all of it counted, and each thing it asked for named once in the log, up to a bound.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::text::{Escape as _, clean};

/// Things that are named of one plugin. What it asks for beyond is counted.
const MAX_NAMED: usize = 64;

/// Bytes of the name of a thing that tell it from others.
const MAX_NAME: usize = 4_096;

/// Longest line about one of them, in bytes.
pub(in crate::sandbox) const MAX_TEXT: usize = 500;

/// What one plugin was denied, over all its tenants and instances. Rare, so a lock is no harm.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Denials(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// By function and reason.
    counts: BTreeMap<(&'static str, &'static str), u64>,
    /// By reason and name.
    named: BTreeSet<(&'static str, String)>,
    /// It has asked for more than are named.
    more: bool,
    /// Nobody is told of them.
    untold: bool,
}

/// What is to be said about a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// That and why.
    Denied,
    /// That nothing further is said.
    Enough,
    Nothing,
}

impl Denials {
    /// Those that nobody is told of.
    pub(in crate::sandbox) fn untold() -> Self {
        Self(Mutex::new(Inner { untold: true, ..Inner::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts that `function` was denied `target` for this `reason`, and says so in the log, in the words of `text`, when it is the first
    /// time.
    pub(in crate::sandbox) fn deny(
        &self,
        plugin: &str,
        (function, reason): (&'static str, &'static str),
        target: &str,
        text: impl FnOnce() -> String,
    ) {
        let said = self.lock().count((function, reason), target); // and the lock is gone
        let plugin = plugin.escaped();
        match said {
            Said::Denied => {
                log::warn!("plugin \"{plugin}\": {function} denied: {}", clean(&text(), MAX_TEXT));
            }
            Said::Enough => log::warn!(
                "plugin \"{plugin}\": {MAX_NAMED} different things were denied to it; what else it asks for is counted, not named"
            ),
            Said::Nothing => {}
        }
    }

    /// What was named, by reason and name.
    pub(in crate::sandbox) fn named(&self) -> Vec<(&'static str, String)> {
        self.lock().named.iter().cloned().collect()
    }

    /// How many, by function and reason.
    pub(in crate::sandbox) fn counts(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        self.lock().counts.clone()
    }
}

impl Inner {
    fn count(&mut self, (function, reason): (&'static str, &'static str), target: &str) -> Said {
        let counter = self.counts.entry((function, reason)).or_default();
        *counter = counter.saturating_add(1);
        let end = (0..=target.len().min(MAX_NAME)).rev().find(|end| target.is_char_boundary(*end));
        let key = (reason, target[..end.unwrap_or(0)].to_owned()); // 0 is a boundary
        if self.untold || self.named.contains(&key) {
            Said::Nothing
        } else if self.named.len() < MAX_NAMED {
            self.named.insert(key);
            Said::Denied
        } else if std::mem::replace(&mut self.more, true) {
            Said::Nothing
        } else {
            Said::Enough
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_named_once_up_to_the_bound_and_everything_is_counted() {
        let mut inner = Inner::default();
        let http = ("http_request", "host");
        assert_eq!(inner.count(http, "a"), Said::Denied);
        assert_eq!(inner.count(("ws_open", "host"), "a"), Said::Nothing, "the same thing by another way");
        assert_eq!(inner.count(("exec", "command"), "a"), Said::Denied, "another thing of that name");
        for number in 2..MAX_NAMED {
            assert_eq!(inner.count(http, &number.to_string()), Said::Denied, "{number}");
        }
        assert_eq!(inner.count(http, "one too many"), Said::Enough);
        assert_eq!((inner.count(http, "and another"), inner.count(http, "a")), (Said::Nothing, Said::Nothing));
        let long = "ü".repeat(100_000);
        assert_eq!((inner.count(http, &long), inner.named.len()), (Said::Nothing, MAX_NAMED));
        let counts = [(("exec", "command"), 1), (http, MAX_NAMED as u64 + 3), (("ws_open", "host"), 1)];
        assert_eq!(inner.counts, BTreeMap::from(counts));
    }
}
