//! The lines of a journal after its header.

use serde::{Deserialize, Serialize};

use super::answer::{Answered, Failure};
use super::header::ApprovalRecord;
use crate::clock::Micros;

/// One line: a message that came in, or the answer of something outside, in the order they were consumed.
///
/// Answers to plugins are in order for each plugin and tenant; those of different ones may stand in any order, because they do
/// not see each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// A message was received.
    In {
        /// When, in microseconds since the session began; never less than in the line before.
        t: Micros,
        /// Number of the device, in the configuration's order.
        device: u16,
        /// The complete message, hexadecimal.
        bytes: String,
    },
    /// A device was lost; what it held counts as released.
    Lost {
        /// When.
        t: Micros,
        /// Its number.
        device: u16,
    },
    /// A condition asked something.
    Fact {
        /// What: `minute_of_day`, `weekday`, `app_running` or `app_frontmost`.
        ask: String,
        /// About which program.
        about: Option<String>,
        /// The answer; 0 or 1 for yes or no.
        value: u16,
    },
    /// An effect was asked for.
    Effect {
        /// By this plugin; absent when by a mapping.
        plugin: Option<String>,
        /// In this tenant's name.
        tenant: Option<String>,
        /// The effect, as reports show it.
        what: String,
        /// Why it did not happen; absent when it did.
        error: Option<Failure>,
    },
    /// A plugin asked for something and waited.
    Answer {
        /// Which plugin.
        plugin: String,
        /// In whose name.
        tenant: String,
        /// What it asked for, in short.
        what: String,
        /// How long it waited, in nanoseconds. Its clock moves by as much.
        waited_ns: u64,
        /// What came.
        result: Answered,
    },
    /// What is approved for a plugin has changed, and from here on it runs with that.
    Grant {
        /// Which plugin.
        plugin: String,
        /// In whose name it runs.
        tenant: String,
        /// Number of the run that begins with it, among those of this plugin and tenant, from 1. A run is a call that reaches the
        /// plugin, or its instance being let go.
        run: u64,
        /// What is approved beyond the configuration; absent when nothing is.
        approved: Option<ApprovalRecord>,
    },
    /// A call was not accepted, for a reason that lies in timing.
    Rejected {
        /// Number of the call among all calls of the session, from 1.
        call: u64,
        /// Why.
        reason: Turned,
    },
    /// A call was stopped by the wall clock.
    Deadline {
        /// Number of the call among all calls of the session, from 1.
        call: u64,
        /// Whether that was while its instance started (`_initialize`, `init`).
        starting: bool,
        /// Fuel it had used.
        fuel: u64,
    },
    /// The end.
    End {
        /// When.
        t: Micros,
    },
}

/// Why a call was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turned {
    /// As many calls waited for the instance as may.
    QueueFull,
    /// The plugins were being shut down.
    Closed,
    /// The plugin's signature was no longer trusted.
    Distrusted,
}
