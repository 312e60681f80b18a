//! The way of plugins' lines into the log: so many bytes for each plugin in a minute. Transcripts have every line.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use log::Level;

use crate::call::PLUGIN_LOG_BYTES_PER_MINUTE;
use crate::time::Micros;

/// Microseconds of a minute.
const MINUTE: Micros = 60_000_000;

/// Bytes a line costs beside its text: the level and the end.
const LINE: u64 = 16;

/// Takes plugins' lines to the log. Minutes are those of the session, so that a session played from a file logs the same each
/// time.
#[derive(Debug)]
pub struct PluginLog {
    bytes_per_minute: u64,
    plugins: Mutex<BTreeMap<(Source, String), Minute>>,
}

/// What a line is about: what the plugin wrote, or why a call failed. Neither takes the other's room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Lines,
    Errors,
}

/// What a plugin wrote in a minute.
#[derive(Debug, Default)]
struct Minute {
    number: u64,
    bytes: u64,
    dropped: u64,
    dropped_bytes: u64,
}

impl Default for PluginLog {
    fn default() -> Self {
        Self::new(PLUGIN_LOG_BYTES_PER_MINUTE)
    }
}

impl PluginLog {
    /// A log that takes so much of each plugin.
    #[must_use]
    pub fn new(bytes_per_minute: u32) -> Self {
        Self { bytes_per_minute: bytes_per_minute.into(), plugins: Mutex::default() }
    }

    fn plugins(&self) -> MutexGuard<'_, BTreeMap<(Source, String), Minute>> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes `text`, a line of `plugin` at `at`, if there is room for it.
    pub fn line(&self, plugin: &str, at: Micros, level: Level, text: fmt::Arguments<'_>) {
        self.write(Source::Lines, plugin, at, level, text);
    }

    /// Writes `text`, which says why a call of `plugin` at `at` failed, if there is room for it.
    pub fn error(&self, plugin: &str, at: Micros, text: fmt::Arguments<'_>) {
        self.write(Source::Errors, plugin, at, Level::Warn, text);
    }

    fn write(&self, source: Source, plugin: &str, at: Micros, level: Level, text: fmt::Arguments<'_>) {
        if !log::log_enabled!(target: "plugin", level) {
            return;
        }
        let text = text.to_string();
        let mut plugins = self.plugins();
        let minute = plugins.entry((source, plugin.to_owned())).or_default();
        let ended = minute.advance(at / MINUTE);
        let (fits, first) = minute.take(text.len() as u64 + LINE, self.bytes_per_minute);
        drop(plugins);
        if let Some(ended) = ended {
            ended.tell(source, plugin);
        }
        match source {
            Source::Lines if fits => log::log!(target: "plugin", level, "{text}"),
            Source::Errors if fits => log::log!(level, "{text}"),
            _ if first => log::warn!(
                "plugin \"{plugin}\": {} fill the log: the rest of this minute is dropped and counted; to have more: plugin_bytes_per_minute under [logging] (now {})",
                source.name(),
                self.bytes_per_minute
            ),
            _ => {}
        }
    }

    /// Says what was dropped in minutes that are over at `now`.
    pub fn tick(&self, now: Micros) {
        self.settle(Some(now / MINUTE));
    }

    /// At the end of a session: says what was dropped in the minute that is not over. Called when the last line is written.
    pub fn finish(&self) {
        self.settle(None);
    }

    fn settle(&self, now: Option<u64>) {
        let mut ended = Vec::new();
        for ((source, plugin), minute) in self.plugins().iter_mut() {
            let next = now.unwrap_or_else(|| minute.number.saturating_add(1));
            ended.extend(minute.advance(next).map(|minute| (*source, plugin.clone(), minute)));
        }
        for (source, plugin, minute) in ended {
            minute.tell(source, &plugin);
        }
    }
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Lines => "its lines",
            Self::Errors => "errors of its calls",
        }
    }
}

impl Minute {
    /// Starts minute `number` if it is later, and returns the one that ended if lines of it were dropped. A call is logged when it
    /// ends, so a line may belong to an earlier minute; it counts for the current one.
    fn advance(&mut self, number: u64) -> Option<Self> {
        if number <= self.number {
            return None;
        }
        let ended = std::mem::replace(self, Self { number, ..Self::default() });
        (ended.dropped > 0).then_some(ended)
    }

    /// Takes `bytes`: whether they fit, and if not, whether they are the first that do not. One that did not fit closes the minute, or
    /// short lines would go on between the gaps of long ones.
    fn take(&mut self, bytes: u64, limit: u64) -> (bool, bool) {
        let after = self.bytes.saturating_add(bytes);
        if self.dropped == 0 && after <= limit {
            self.bytes = after;
            return (true, false);
        }
        self.dropped += 1;
        self.dropped_bytes = self.dropped_bytes.saturating_add(bytes);
        (false, self.dropped == 1)
    }

    fn tell(&self, source: Source, plugin: &str) {
        log::warn!(
            "plugin \"{plugin}\": {} lines ({} bytes) of {} were dropped in minute {} of the session",
            self.dropped,
            self.dropped_bytes,
            source.name(),
            self.number.saturating_add(1)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_takes_so_many_bytes_and_counts_the_rest() {
        let mut minute = Minute::default();
        assert_eq!((minute.take(60, 100), minute.take(40, 100)), ((true, false), (true, false)));
        assert_eq!((minute.take(1, 100), minute.take(7, 100)), ((false, true), (false, false)));
        assert!(minute.advance(0).is_none(), "the minute goes on");
        let ended = minute.advance(3).expect("something was dropped");
        assert_eq!((ended.number, ended.dropped, ended.dropped_bytes), (0, 2, 8));
        assert_eq!(minute.take(100, 100), (true, false));
        assert!(minute.advance(2).is_none(), "time does not go back");
        assert!(minute.advance(4).is_none(), "nothing was dropped");
    }

    #[test]
    fn a_line_that_does_not_fit_closes_the_minute_for_shorter_ones() {
        let mut minute = Minute::default();
        assert_eq!((minute.take(90, 100), minute.take(20, 100)), ((true, false), (false, true)));
        assert_eq!(minute.take(5, 100), (false, false));
    }
}
