//! The lines of a journal after its header.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answer::{Bytes, Failure, RecordedAnswer};
use super::header::ApprovalRecord;
use crate::call::{PluginEvent, ResidentEvent};
use crate::sandbox::{EntryPoint, Outcome, Shutdown, StopPlace, TimeLimit};
use crate::state::StateValue;
use crate::time::Micros;

/// One line: what came in, what the world answered, or what only timing decided, in the order they were consumed. Every `t` is in
/// microseconds since the session began, and never less than the one before.
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
        /// Number of the device, from 0 in the configuration's order.
        device: u16,
        /// The complete message, hexadecimal.
        bytes: String,
    },
    /// A device was lost; what it held counts as released.
    Lost {
        /// When, in microseconds since the session began; never less than in the line before.
        t: Micros,
        /// Its number.
        device: u16,
    },
    /// A device connected.
    Found {
        /// When, in microseconds since the session began; never less than in the line before.
        t: Micros,
        /// Its number.
        device: u16,
    },
    /// The time of an `Every` or `At` came.
    Clock {
        /// When, in microseconds since the session began; never less than in the line before.
        t: Micros,
        /// Number of its mapping, from 0: those of the modes in order, then the global ones.
        mapping: usize,
    },
    /// The condition of a mode changed.
    When {
        /// When, in microseconds since the session began; never less than in the line before.
        t: Micros,
        /// Index of the mode, from 0.
        mode: usize,
        /// Whether it holds now.
        holds: bool,
    },
    /// Somebody gave the session a command.
    Control {
        /// When; never less than in the line before.
        t: Micros,
        /// Which.
        command: Command,
        /// Of what.
        args: Vec<String>,
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
        result: RecordedAnswer,
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
        /// Number of the call among all calls of the session and the events of resident plugins, from 1.
        call: u64,
        /// Whether its queue was full, the pool was closing, or its plugin no longer trusted.
        reason: RejectReason,
    },
    /// Time stopped a plugin: the wall clock, or the real time a session from a file may take.
    Deadline {
        /// In this call, by its number among all calls of the session, from 1; absent when an instance was let go.
        call: Option<u64>,
        /// Whether that was while its instance started (`_initialize`, `init`).
        starting: bool,
        /// Fuel it had used.
        fuel: u64,
        /// Host calls it had finished.
        host_calls: u64,
        /// In the `shutdown` of this instance; absent when in a call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shutdown: Option<InstanceRecord>,
        /// Whether it was not the deadline, but the real time a call may take where session time stands still.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ceiling: bool,
    },
    /// An effect that a plugin was told is accepted was dropped, because what allows it was revoked while it waited.
    Revoked {
        /// When; never less than in the line before.
        t: Micros,
        /// By this plugin.
        plugin: String,
        /// In this tenant's name.
        tenant: String,
        /// The effect, as reports show it.
        what: String,
        /// The capability that was revoked.
        capability: String,
    },
    /// Growth of an instance's memory or tables was refused because all instances together had as much as they may. Which growth that
    /// is depends on what else was at work.
    Memory {
        /// Which plugin.
        plugin: String,
        /// In whose name the instance works.
        tenant: String,
        /// Which of the instances of this plugin and tenant.
        generation: u64,
        /// Which growth of the instance, from 1; those that its own limits refused do not count.
        growth: u64,
        /// Bytes all instances held.
        held: u64,
    },
    /// This event was handed to the instance of a resident plugin.
    Event {
        /// When; never less than in the line before.
        t: Micros,
        /// Which plugin.
        plugin: String,
        /// What it was told, without the time.
        event: PluginEvent,
        /// The message, where it is one.
        body: Option<Bytes>,
    },
    /// What this call set takes effect here.
    State {
        /// When; never less than in the line before.
        t: Micros,
        /// Which plugin.
        plugin: String,
        /// In whose name it ran.
        tenant: String,
        /// Number of the call among all calls of the session; absent when it was an event's.
        call: Option<u64>,
        /// The values of its keys, as it writes them; absent ones are none any more.
        values: BTreeMap<Box<str>, Option<StateValue>>,
    },
    /// The session ended, and nothing was cut off.
    End {
        /// When, in microseconds since the session began; never less than in the line before.
        t: Micros,
    },
}

/// An instance of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceRecord {
    /// Name of the plugin whose instance it is.
    pub plugin: String,
    /// In whose name it ran.
    pub tenant: String,
    /// Which of those this plugin and tenant had: 0 is the first.
    pub generation: u64,
}

impl Line {
    /// The line of an event that is handed to `plugin` at `t`.
    #[must_use]
    pub fn event(t: Micros, plugin: &str, event: &ResidentEvent) -> Self {
        let body = event.body.as_deref().map(Bytes::of);
        Self::Event { t, plugin: plugin.to_owned(), event: event.event.clone(), body }
    }

    /// The line that says where time stopped the call of this number, if that is how it ended.
    #[must_use]
    pub fn stopped_call(call: u64, outcome: &Outcome) -> Option<Self> {
        let (fault, place) = outcome.stopped()?;
        let starting = matches!(fault.function, EntryPoint::Initialize | EntryPoint::Init);
        Some(Self::stopped(Some(call), starting, place, None))
    }

    /// The line of an instance whose `shutdown` time stopped; none where it did not.
    #[must_use]
    pub fn stopped_shutdown(shutdown: &Shutdown) -> Option<Self> {
        let (_, place) = shutdown.outcome.stopped()?;
        let (plugin, tenant) = (shutdown.plugin.clone(), shutdown.tenant.clone());
        let instance = InstanceRecord { plugin, tenant, generation: shutdown.outcome.generation };
        Some(Self::stopped(None, false, place, Some(instance)))
    }

    fn stopped(call: Option<u64>, starting: bool, place: StopPlace, shutdown: Option<InstanceRecord>) -> Self {
        let StopPlace { fuel, host_calls, limit } = place;
        Self::Deadline { call, starting, fuel, host_calls, shutdown, ceiling: limit == TimeLimit::Ceiling }
    }
}

/// A command to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Command {
    /// Devices are told anew what to show: these, or all that are there.
    FeedbackRefresh,
    /// This mode becomes the current one.
    Mode,
}

/// Why a call was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// As many calls waited for the instance as may.
    QueueFull,
    /// The plugins were being shut down.
    Closed,
    /// The plugin's signature was no longer trusted.
    Distrusted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_names_its_call_or_the_instance_that_went_and_whether_it_was_the_ceiling() {
        let place = |limit| StopPlace { fuel: 7, host_calls: 3, limit };
        let written = |line: Line| serde_json::to_string(&line).expect("JSON");
        let call = Line::stopped(Some(2), true, place(TimeLimit::Deadline), None);
        assert_eq!(written(call), r#"{"k":"deadline","call":2,"starting":true,"fuel":7,"host_calls":3}"#);
        let instance = InstanceRecord { plugin: "p".into(), tenant: "t".into(), generation: 1 };
        let shutdown = Line::stopped(None, false, place(TimeLimit::Ceiling), Some(instance));
        let text = r#"{"k":"deadline","call":null,"starting":false,"fuel":7,"host_calls":3,"shutdown":{"plugin":"p","tenant":"t","generation":1},"ceiling":true}"#;
        assert_eq!(written(shutdown.clone()), text);
        assert_eq!(serde_json::from_str::<Line>(text).expect("the same"), shutdown);
        // What was recorded before host calls were counted cannot be stopped where it was.
        assert!(serde_json::from_str::<Line>(r#"{"k":"deadline","call":2,"starting":false,"fuel":7}"#).is_err());
    }
}
