//! What a resident plugin is told of, and when its instance begins and ends.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::state::StateValue;

/// Something a resident plugin is told of. As JSON it is what the plugin reads, but for the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum PluginEvent {
    /// Its instance was made.
    Start {
        /// What for.
        reason: StartReason,
    },
    /// The time came that it had set.
    Timer {
        /// Its number for it.
        id: u8,
    },
    /// A connection is open.
    Open {
        /// Its number.
        socket: u32,
        /// What was agreed on to be spoken.
        protocol: Option<String>,
    },
    /// A message came on a connection.
    Message {
        /// Its number.
        socket: u32,
        /// Whether it is text.
        kind: FrameKind,
        /// Bytes of it.
        length: usize,
    },
    /// A connection has ended, or did not come to be.
    Closed {
        /// Its number.
        socket: u32,
        /// The server's number for why.
        code: Option<u16>,
        /// Why.
        reason: String,
    },
    /// Named values that it watches have changed.
    State {
        /// Their values now, by key.
        changes: BTreeMap<String, Option<StateValue>>,
    },
    /// Its instance goes.
    Stop {
        /// What for.
        reason: StopReason,
    },
}

/// Why an instance was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartReason {
    /// The session began.
    Start,
    /// The one before was ended by a fault.
    Fault,
    /// The configuration was read anew.
    Reload,
    /// It may do something else now.
    Grant,
}

/// Why an instance goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The session ends.
    Stop,
    /// The configuration was read anew.
    Reload,
    /// It may do less now.
    Revoke,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameKind {
    /// Text.
    Text,
    /// Bytes.
    Binary,
}

/// An event with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResidentEvent {
    /// What happened.
    pub event: PluginEvent,
    /// The message, where it is one.
    pub body: Option<Arc<[u8]>>,
}

impl PluginEvent {
    /// What events are called.
    pub const NAMES: [&str; 7] = ["start", "timer", "open", "message", "closed", "state", "stop"];

    /// Longest event as JSON, in bytes.
    pub const MAX: usize = 64 << 10;

    /// Writes it as the plugin reads it, happened at `timestamp_ms`, into `out`, which is emptied first.
    pub fn write(&self, timestamp_ms: u64, out: &mut Vec<u8>) {
        out.clear();
        // Text and numbers always serialise, and into a vector nothing fails.
        let _ = serde_json::to_writer(&mut *out, self);
        if out.pop().is_some() {
            out.extend_from_slice(format!(",\"timestamp\":{timestamp_ms}}}").as_bytes());
        }
    }

    /// About how many bytes of memory it holds.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let held = match self {
            Self::State { changes } => changes.keys().map(|key| key.len() + StateValue::MAX_TEXT).sum(),
            Self::Closed { reason, .. } => reason.len(),
            Self::Open { protocol, .. } => protocol.as_ref().map_or(0, String::len),
            _ => 0,
        };
        size_of::<Self>() + held
    }
}

impl ResidentEvent {
    /// About how many bytes of memory it holds.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.event.held_bytes() + self.body.as_ref().map_or(0, |body| body.len())
    }
}

impl From<PluginEvent> for ResidentEvent {
    fn from(event: PluginEvent) -> Self {
        Self { event, body: None }
    }
}

/// Its name and, where it has one, its number: `timer 3`.
impl fmt::Display for PluginEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { .. } => f.write_str("start"),
            Self::Timer { id } => write!(f, "timer {id}"),
            Self::Open { socket, .. } => write!(f, "open {socket}"),
            Self::Message { socket, .. } => write!(f, "message {socket}"),
            Self::Closed { socket, .. } => write!(f, "closed {socket}"),
            Self::State { .. } => f.write_str("state"),
            Self::Stop { .. } => f.write_str("stop"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_written_as_plugins_read_them_and_read_back() {
        let changes = [
            ("mode".to_owned(), StateValue::text("Live")),
            ("toggle.mic".to_owned(), Some(StateValue::Flag(true))),
            ("var.n".to_owned(), Some(StateValue::number(3))),
            ("var.x".to_owned(), None),
        ];
        for (event, text) in [
            (PluginEvent::Start { reason: StartReason::Fault }, r#"{"event":"start","reason":"fault""#),
            (PluginEvent::Timer { id: 3 }, r#"{"event":"timer","id":3"#),
            (
                PluginEvent::Open { socket: 1, protocol: Some("mqtt".into()) },
                r#"{"event":"open","socket":1,"protocol":"mqtt""#,
            ),
            (
                PluginEvent::Message { socket: 1, kind: FrameKind::Text, length: 512 },
                r#"{"event":"message","socket":1,"kind":"text","length":512"#,
            ),
            (
                PluginEvent::Closed { socket: 1, code: None, reason: "gone".into() },
                r#"{"event":"closed","socket":1,"code":null,"reason":"gone""#,
            ),
            (
                PluginEvent::State { changes: changes.into() },
                r#"{"event":"state","changes":{"mode":"Live","toggle.mic":true,"var.n":3,"var.x":null}"#,
            ),
            (PluginEvent::Stop { reason: StopReason::Stop }, r#"{"event":"stop","reason":"stop""#),
        ] {
            let mut written = b"left over".to_vec();
            event.write(1_577_836_800_123, &mut written);
            assert_eq!(String::from_utf8(written), Ok(format!("{text},\"timestamp\":1577836800123}}")));
            assert_eq!(serde_json::from_str::<PluginEvent>(&format!("{text}}}")).expect("the same"), event);
        }
    }
}
