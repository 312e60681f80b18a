//! What a session came to, line by line, and how two of them differ.

use std::fmt;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::entry::{Entry, EntryKind, RevokedRecord};
use super::event::{Status, output_value};
use crate::sandbox::Outcome;
use crate::time::Micros;

/// One line of a transcript: everything about an event that has to be the same on every machine. Keys are written in this
/// order, and what is absent is `null`.
#[derive(Debug, Clone, Serialize)]
pub struct TranscriptLine {
    /// Number of the line, from 1.
    pub n: u64,
    /// Microseconds since the session began.
    pub t_us: Micros,
    /// The gesture; absent when an instance goes.
    pub gesture: Option<String>,
    /// Name of the mode; absent when an instance goes.
    pub mode: Option<String>,
    /// What the mapping is called in reports; absent when the gesture has none.
    pub mapping: Option<String>,
    /// The action's name.
    pub action: Option<&'static str>,
    /// Name of the plugin the line is about; absent when it is about none.
    pub plugin: Option<String>,
    /// Whose instance.
    pub tenant: Option<String>,
    /// Which instance: 0 is the first of this plugin and tenant.
    pub generation: Option<u64>,
    /// Fuel of the call.
    pub fuel: Option<u64>,
    /// Fuel of `_initialize` and `init`, when the call was an instance's first.
    pub init_fuel: Option<u64>,
    /// Linear memory at the end of the call.
    pub peak_memory_bytes: Option<u64>,
    /// How it ended.
    pub status: Option<Status>,
    /// What the plugin returned.
    pub code: Option<i32>,
    /// What the plugin put out.
    pub output: Option<Box<RawValue>>,
    /// What a mapping had done, the mode it went to, or the value it set; of a plugin, what was let go for it afterwards.
    pub effect: Option<String>,
    /// Lines the plugin logged: level and text.
    pub logs: Option<Vec<(&'static str, String)>>,
    /// Host functions it called: name, digest of what they read from it, result.
    pub host_calls: Option<Vec<(&'static str, String, i32)>>,
    /// What went wrong.
    pub error: Option<String>,
    /// What happened that no gesture set off: `shutdown`, `revoked`, `released`.
    pub event: Option<&'static str>,
}

/// A transcript in the making.
#[derive(Debug, Default)]
pub struct Transcript {
    lines: Vec<String>,
}

impl Transcript {
    /// Adds `entry`, unless only the account has it.
    pub fn add(&mut self, entry: &Entry) {
        if let Some(line) = TranscriptLine::of(entry, self.lines.len() as u64 + 1) {
            self.lines.push(line.to_json());
        }
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The whole, as it is written to a file.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().fold(String::new(), |text, line| text + line + "\n")
    }

    /// The first difference to `expected`, the text of another transcript.
    #[must_use]
    pub fn differs_from(&self, expected: &str) -> Option<Difference> {
        let expected: Vec<&str> = expected.lines().collect();
        let same = expected.iter().zip(&self.lines).take_while(|(expected, line)| *expected == line).count();
        if same == expected.len() && same == self.lines.len() {
            return None;
        }
        let line = |lines: &[&str], at: Option<usize>| at.and_then(|at| lines.get(at)).map(|line| (*line).to_owned());
        let actual: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        Some(Difference {
            number: same as u64 + 1,
            before: line(&actual, same.checked_sub(1)),
            expected: line(&expected, Some(same)),
            actual: line(&actual, Some(same)),
            after: line(&actual, Some(same + 1)),
        })
    }
}

impl TranscriptLine {
    /// The line as JSON, without a line end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and valid JSON always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The line number `n` for `entry`; nothing when only the account has it.
    #[must_use]
    pub fn of(entry: &Entry, n: u64) -> Option<Self> {
        let (action, status) = entry.action_and_status();
        // Whether an effect was performed or only told makes no difference to the session.
        let status = status.map(|status| if status == Status::DryRun { Status::Ok } else { status });
        let mut line = Self {
            n,
            t_us: entry.t,
            gesture: entry.gesture(),
            mode: entry.own_mode_name(),
            mapping: entry.mapping_name(),
            action,
            plugin: None,
            tenant: None,
            generation: None,
            fuel: None,
            init_fuel: None,
            peak_memory_bytes: None,
            status,
            code: None,
            output: None,
            effect: None,
            logs: None,
            host_calls: None,
            error: entry.error(),
            event: None,
        };
        match &entry.what {
            EntryKind::PluginEffect { .. } | EntryKind::Released { by: Some(_), .. } => return None,
            EntryKind::Unmapped | EntryKind::Dropped(_) => {}
            EntryKind::Mode(mode) => line.effect = entry.config.modes.get(*mode).map(|mode| mode.name.clone()),
            EntryKind::State(change) => line.effect = Some(change.to_string()),
            EntryKind::Effect { effect, .. } | EntryKind::Routed { effect, .. } => {
                line.effect = Some(effect.to_string());
            }
            EntryKind::Released { effect, .. } => {
                line.effect = Some(effect.to_string());
                line.event = Some("released");
            }
            EntryKind::Refused { call, .. } => {
                (line.plugin, line.tenant) = (Some(call.plugin.clone()), Some(call.tenant.clone()));
            }
            EntryKind::Call { call, outcome } => line.ran(&call.plugin, &call.tenant, outcome),
            EntryKind::Revoked(RevokedRecord { plugin, tenant, what, .. }) => {
                (line.plugin, line.tenant) = (Some(plugin.clone()), Some(tenant.clone()));
                line.effect = Some(what.clone());
                line.event = Some("revoked");
            }
            EntryKind::Shutdown { plugin, tenant, outcome } => {
                line.ran(plugin, tenant, outcome);
                line.event = Some("shutdown");
            }
        }
        Some(line)
    }

    /// What a plugin that ran came to.
    fn ran(&mut self, plugin: &str, tenant: &str, outcome: &Outcome) {
        (self.plugin, self.tenant) = (Some(plugin.to_owned()), Some(tenant.to_owned()));
        self.generation = Some(outcome.generation);
        self.fuel = Some(outcome.fuel);
        self.init_fuel = Some(outcome.init_fuel);
        self.peak_memory_bytes = Some(outcome.peak_memory as u64);
        self.code = outcome.code();
        self.output = outcome.output.as_deref().and_then(output_value);
        let logs = outcome.log_lines().map(|line| (line.level.level().as_str(), line.into_owned().text));
        self.logs = Some(logs.collect());
        let released: Vec<String> = outcome.released.iter().map(|released| released.effect.to_string()).collect();
        self.effect = (!released.is_empty()).then(|| released.join("; "));
        let calls = outcome.host_calls.iter();
        self.host_calls = Some(calls.map(|call| (call.function, call.read.clone(), call.result)).collect());
    }
}

/// The first place where two transcripts part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Number of the line, from 1.
    pub number: u64,
    /// The line before, the same in both.
    pub before: Option<String>,
    /// What was expected; absent when the expected transcript ends here.
    pub expected: Option<String>,
    /// What came; absent when the session ends here.
    pub actual: Option<String>,
    /// The line after the one that came.
    pub after: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the transcripts part at line {}", self.number)?;
        if let Some(before) = &self.before {
            writeln!(f, "  before:   {}", brief(before))?;
        }
        match (&self.expected, &self.actual) {
            (Some(expected), Some(actual)) => {
                writeln!(f, "  here:     {}", brief(actual))?;
                for (key, expected, actual) in fields(expected, actual) {
                    writeln!(f, "    {key}\n      expected: {expected}\n      came:     {actual}")?;
                }
            }
            (Some(expected), None) => writeln!(f, "  expected: {}\n  came:     the end", brief(expected))?,
            (None, Some(actual)) => writeln!(f, "  expected: the end\n  came:     {}", brief(actual))?,
            (None, None) => {}
        }
        match &self.after {
            Some(after) => write!(f, "  after:    {}", brief(after)),
            None => write!(f, "  after:    the end"),
        }
    }
}

/// A line in short.
fn brief(line: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let mut text = String::new();
    for key in ["n", "t_us", "gesture", "event", "mapping", "plugin", "effect", "status"] {
        match value.get(key) {
            None | Some(Value::Null) => {}
            // Writing to a string does not fail.
            Some(Value::String(words)) => drop(write!(text, "{key} {words:?}, ")),
            Some(other) => drop(write!(text, "{key} {other}, ")),
        }
    }
    text.trim_end_matches(", ").to_owned()
}

/// The fields in which two lines differ.
fn fields(expected: &str, actual: &str) -> Vec<(String, String, String)> {
    let parse = |line| serde_json::from_str::<serde_json::Map<String, Value>>(line);
    let (Ok(expected_keys), Ok(actual_keys)) = (parse(expected), parse(actual)) else {
        return vec![("line".to_owned(), expected.to_owned(), actual.to_owned())];
    };
    let shown = |value: Option<&Value>| value.map_or_else(|| "(absent)".to_owned(), ToString::to_string);
    let keys = expected_keys.keys().chain(actual_keys.keys().filter(|key| !expected_keys.contains_key(*key)));
    let mut fields: Vec<_> = keys
        .map(|key| (key.clone(), shown(expected_keys.get(key)), shown(actual_keys.get(key))))
        .filter(|(_, expected, actual)| expected != actual)
        .collect();
    if fields.is_empty() {
        // The same values in other words: another order of keys, other white space.
        fields.push(("line".to_owned(), expected.to_owned(), actual.to_owned()));
    }
    fields
}
