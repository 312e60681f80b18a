//! What came of a call.

pub(super) mod session_requests;
pub(super) mod guest_log;
pub(super) mod leaving;
pub(super) mod quarantine;

use std::borrow::Cow;

use crate::effect::Released;
use crate::sandbox::engine::fault::{Fault, FaultKind};
use crate::sandbox::engine::meter::{StopPlace, TimeLimit};
use crate::sandbox::module::params_schema::Mismatch;
use crate::sandbox::outcome::guest_log::{LAST_LINES, MAX_LINES};
use crate::sandbox::outcome::quarantine::Quarantined;
use crate::sandbox::outcome::session_requests::SessionRequests;
use crate::sandbox::units::Section;
use crate::text::Escape as _;

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// Fuel the call used, host functions included. 0 when it never began.
    pub fuel: u64,
    /// Fuel it took to make the instance, and `_initialize` and `init` used, when this call was its first; else 0.
    pub init_fuel: u64,
    /// Bytes of linear memory at the end; memory never shrinks, so this is the most there was.
    pub peak_memory: usize,
    /// What the plugin gave `output_set` last: valid JSON.
    pub output: Option<String>,
    /// What the plugin wrote, in order.
    pub logs: Vec<LogLine>,
    /// Lines that were dropped because a call may write no more.
    pub logs_dropped: u32,
    /// Effects that were performed for it.
    pub effects: u32,
    /// What was let go afterwards because the plugin could not any more: its instance is gone, or its grant.
    pub released: Vec<Released>,
    /// What it asked for and was denied, that of its start included when this call was its first.
    pub denied: u32,
    /// The host functions it called, in order, where `super::Services::trace` asks for them: the first thousand, and behind them a
    /// record called `more` whose result is how many are missing, where some are.
    pub host_calls: Vec<HostCallRecord>,
    /// The last error a host function told the plugin of.
    pub last_error: Option<String>,
    /// Which instance answered: 0 is the plugin's and tenant's first.
    pub generation: u64,
    /// Set when this fault put the plugin into quarantine.
    pub quarantined: Option<Quarantined>,
    /// What it asks of the session.
    pub asked: SessionRequests,
}

/// A call of a host function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCallRecord {
    /// Its name.
    pub function: &'static str,
    /// Digest of what it read from the guest's memory: the last 8 bytes, hexadecimal. Empty when it read nothing.
    pub read: String,
    /// What it returned.
    pub result: i32,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The plugin returned 0.
    Ok,
    /// The plugin returned this; the instance lives on.
    Failed(i32),
    /// The call was stopped; the instance is gone.
    Fault(Fault),
    /// The call never began.
    Rejected(Rejection),
}

/// Why a call never began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// As many calls wait for this instance as may.
    QueueFull {
        /// Name of the plugin whose queue is full.
        plugin: String,
        /// How many calls may wait: `queue` in its section.
        limit: u32,
    },
    /// The plugin faulted too often among its last calls.
    Quarantined {
        /// Name of the plugin that rests.
        plugin: String,
        /// How many of its last calls faulted, and until when it rests.
        state: Quarantined,
    },
    /// The parameters are not what the plugin says it accepts.
    Params {
        /// Name of the plugin that was to be called.
        plugin: String,
        /// Where they differ, and how.
        mismatch: Mismatch,
    },
    /// No plugin of that name is loaded.
    Unknown {
        /// The name that no plugin has.
        plugin: String,
    },
    /// The trust store changed since the plugin was admitted, and it would no longer be.
    Distrusted {
        /// Name of the plugin that is no longer trusted.
        plugin: String,
    },
    /// The plugin is resident, and none of it runs now.
    NotRunning {
        /// Name of the plugin that was to be called.
        plugin: String,
    },
    /// The pool is shutting down.
    Closed {
        /// Name of the plugin that was to be called.
        plugin: String,
    },
}

/// A line a plugin wrote: clean text, one line, capped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How it was written.
    pub level: LogLevel,
    /// What it wrote, fit for a terminal.
    pub text: String,
}

/// How a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// `log` at level 1, and anything written to standard error.
    Error,
    /// `log` at level 2.
    Warn,
    /// `log` at level 3, and anything written to standard output.
    Info,
    /// `log` at level 4.
    Debug,
    /// `log` at level 5.
    Trace,
}

impl Outcome {
    /// A call that never began.
    #[must_use]
    pub fn rejected(rejection: Rejection) -> Self {
        Self::empty(Status::Rejected(rejection))
    }

    /// What the plugin wrote, and behind it how many lines are missing, where some are: of a call that was stopped, before its last.
    pub fn log_lines(&self) -> impl Iterator<Item = Cow<'_, LogLine>> {
        let mark = || {
            let text = format!("{} more lines dropped: a call may write {MAX_LINES}", self.logs_dropped);
            Cow::Owned(LogLine { level: LogLevel::Warn, text })
        };
        let (first, last) = self.logs.split_at(self.logs.len().min(MAX_LINES));
        let mark = (self.logs_dropped > 0).then(mark);
        first.iter().map(Cow::Borrowed).chain(mark).chain(last.iter().map(Cow::Borrowed))
    }

    /// About how many bytes of memory it holds beside its own size. What a fault or a rejection says beside the names is short.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let logs: usize = self.logs.iter().map(|line| size_of::<LogLine>() + line.text.len()).sum();
        let calls: usize = self.host_calls.iter().map(|call| size_of::<HostCallRecord>() + call.read.len()).sum();
        let released: usize = self.released.iter().map(Released::held_bytes).sum();
        let names = self.fault().map_or(0, |fault| fault.backtrace.held_bytes());
        text(&self.output) + text(&self.last_error) + logs + calls + names + released + self.asked.held_bytes()
    }

    /// Whether nothing of the plugin ran, so that a shutdown needs no line of its own; what was let go has its own. A call that was
    /// rejected is told.
    #[must_use]
    pub fn ran_nothing(&self) -> bool {
        self.is_ok() && self.fuel == 0 // whatever runs costs fuel
    }

    /// Nothing ran, but this was let go.
    #[must_use]
    pub fn released(released: Vec<Released>) -> Self {
        Self { released, ..Self::empty(Status::Ok) }
    }

    pub(in crate::sandbox) fn empty(status: Status) -> Self {
        Self {
            status,
            fuel: 0,
            init_fuel: 0,
            peak_memory: 0,
            output: None,
            logs: Vec::new(),
            logs_dropped: 0,
            effects: 0,
            released: Vec::new(),
            denied: 0,
            host_calls: Vec::new(),
            last_error: None,
            generation: 0,
            quarantined: None,
            asked: SessionRequests::default(),
        }
    }

    /// What stopped it, if something did.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        if let Status::Fault(fault) = &self.status { Some(fault) } else { None }
    }

    /// What the plugin returned, if it returned.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        match self.status {
            Status::Ok => Some(0),
            Status::Failed(code) => Some(code),
            Status::Fault(_) | Status::Rejected(_) => None,
        }
    }

    /// Where time stopped it, and in which function, if that is how it ended.
    #[must_use]
    pub fn stopped(&self) -> Option<(&Fault, StopPlace)> {
        let Status::Fault(fault) = &self.status else { return None };
        let (fuel, host_calls, limit) = match fault.kind {
            FaultKind::Deadline { fuel, host_calls, .. } => (fuel, host_calls, TimeLimit::Deadline),
            FaultKind::Ceiling { fuel, host_calls, .. } => (fuel, host_calls, TimeLimit::Ceiling),
            _ => return None,
        };
        Some((fault, StopPlace { fuel, host_calls, limit }))
    }

    /// Whether the plugin returned 0.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// The last lines of a call that was stopped: what says why.
    #[must_use]
    pub fn last_lines(&self) -> &[LogLine] {
        let first = if self.fault().is_some() { self.logs.len().saturating_sub(LAST_LINES) } else { self.logs.len() };
        self.logs.get(first..).unwrap_or_default()
    }

    /// Why the call did not succeed, for people: one line naming the plugin and what to do; `None` when it did.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        match &self.status {
            Status::Ok => None,
            Status::Failed(code) => {
                // A plugin's own words come first; a host function's error may be one it expected and dealt with.
                let complaint = self.logs.iter().rev().find(|line| line.level <= LogLevel::Warn);
                let said = match (complaint, &self.last_error, self.logs.last()) {
                    (Some(line), _, _) | (None, None, Some(line)) => format!(": {}", line.text),
                    (None, Some(text), _) => format!(": {text}"),
                    (None, None, None) => String::new(),
                };
                Some(format!("the plugin returned {code}{}{said}", meaning(*code)))
            }
            Status::Fault(fault) => match &self.quarantined {
                Some(state) => Some(format!("{fault}; {state}")),
                None => Some(fault.to_string()),
            },
            Status::Rejected(rejection) => Some(rejection.to_string()),
        }
    }
}

/// What plugins mean by their status, by convention.
fn meaning(code: i32) -> &'static str {
    match code {
        1 => " (by convention: it could not read the request)",
        2 => " (by convention: it could not parse the request)",
        3 => " (by convention: the action failed)",
        _ => "",
    }
}

impl Status {
    /// One word, as machine-readable output has it: `ok`, `failed`, `fault`, `rejected`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed(_) => "failed",
            Self::Fault(_) => "fault",
            Self::Rejected(_) => "rejected",
        }
    }
}

impl LogLevel {
    /// The level a plugin means by `number`: 1 error … 5 trace; what lies beyond counts as the nearest.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        match number {
            0 | 1 => Self::Error,
            2 => Self::Warn,
            3 => Self::Info,
            4 => Self::Debug,
            _ => Self::Trace,
        }
    }

    /// The level of the logging facade.
    #[must_use]
    pub fn level(self) -> log::Level {
        match self {
            Self::Error => log::Level::Error,
            Self::Warn => log::Level::Warn,
            Self::Info => log::Level::Info,
            Self::Debug => log::Level::Debug,
            Self::Trace => log::Level::Trace,
        }
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::QueueFull { plugin, limit } => write!(
                f,
                "plugin \"{}\": {limit} calls are waiting already, this one is dropped; \
                 if bursts are expected: queue = {} under {}",
                plugin.escaped(),
                limit.saturating_mul(2),
                Section(plugin)
            ),
            Self::Params { plugin, mismatch } => {
                write!(f, "plugin \"{}\": {mismatch}; correct the mapping's params", plugin.escaped())
            }
            Self::Quarantined { plugin, state } => write!(f, "plugin \"{}\": {state}", plugin.escaped()),
            Self::Unknown { plugin } => {
                write!(
                    f,
                    "plugin \"{}\" is not loaded; is there a {}, and did it load?",
                    plugin.escaped(),
                    Section(plugin)
                )
            }
            Self::Distrusted { plugin } => write!(
                f,
                "plugin \"{}\": it would no longer be admitted, by the trust store; see: conductor check --plugins",
                plugin.escaped()
            ),
            Self::NotRunning { plugin } => write!(
                f,
                "plugin \"{}\": it is resident, and was ended by a fault, has not started, or may not do any more what it needs; it starts again by itself",
                plugin.escaped()
            ),
            Self::Closed { plugin } => write!(f, "plugin \"{}\": the plugins are being shut down", plugin.escaped()),
        }
    }
}

impl std::error::Error for Rejection {}
