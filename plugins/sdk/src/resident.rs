//! What a resident plugin is told of and asks for (`resident = true` in its section), and named values, which any plugin may set.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::host::{HostError, body, checked};
#[cfg(target_family = "wasm")]
use crate::imports;
#[cfg(not(target_family = "wasm"))]
use crate::testing as imports;

/// Something a resident plugin is told of.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The instance was made: `start`, `fault`, `reload`, `grant`.
    Start {
        /// What for.
        reason: String,
    },
    /// The time came that [`set_timer`] set.
    Timer {
        /// Its number.
        id: u8,
    },
    /// A connection is open.
    Open {
        /// The number of its [`EventSocket`](crate::EventSocket).
        socket: u32,
        /// What was agreed on to be spoken, where headers asked for something.
        protocol: Option<String>,
    },
    /// A message came; [`Event::message`] reads it.
    Message {
        /// The number of its [`EventSocket`](crate::EventSocket).
        socket: u32,
        /// `text` or `binary`.
        kind: String,
        /// Bytes of it.
        length: usize,
    },
    /// A connection has ended, or did not come to be. Comes once for each.
    Closed {
        /// The number of its [`EventSocket`](crate::EventSocket).
        socket: u32,
        /// The server's number for why.
        code: Option<u16>,
        /// Why.
        reason: String,
    },
    /// Named values have changed that [`watch_state`] asked for.
    State {
        /// Their values now, by key; null when there is none any more.
        changes: BTreeMap<String, serde_json::Value>,
    },
    /// The instance goes: `stop`, `reload`, `revoke`.
    Stop {
        /// What for.
        reason: String,
    },
}

impl Event {
    /// The message that this event is of; empty when it is of none. It can be read once.
    pub fn message(&self) -> Result<Vec<u8>, HostError> {
        if let Self::Message { length, .. } = self { body(*length) } else { Ok(Vec::new()) }
    }
}

/// Asks for one [`Event::Timer`] after this time, 10 ms to a day. `id` is 0 to 63; asking again replaces what was asked for.
pub fn set_timer(id: u8, after: Duration) -> Result<(), HostError> {
    // Longer than a day is refused, however long.
    let ms = i32::try_from(after.as_millis()).unwrap_or(i32::MAX);
    checked(imports::timer_set(id.into(), ms.max(1))).map(|_| ())
}

/// Takes a timer back.
pub fn clear_timer(id: u8) -> Result<(), HostError> {
    checked(imports::timer_set(id.into(), 0)).map(|_| ())
}

/// Asks for [`Event::State`] when named values change whose keys begin with `prefix`, in whole parts: the plugin's own, and those
/// that `allowed_state` lists. The first event brings what is set now.
pub fn watch_state(prefix: &str) -> Result<(), HostError> {
    checked(imports::state_watch(prefix.as_bytes())).map(|_| ())
}

/// Sets one of the plugin's own named values: `plugin.NAME.KEY` in a configuration, of which `key` is the end. A value is a text of at
/// most 256 bytes, a number, true or false. What a call sets takes effect together when it ends.
pub fn set_state(key: &str, value: impl Serialize) -> Result<(), HostError> {
    // What cannot be written as JSON is refused by the host like everything else that is no value.
    let json = serde_json::to_vec(&value).unwrap_or_default();
    checked(imports::state_set(key.as_bytes(), &json)).map(|_| ())
}

/// Removes one of the plugin's own named values.
pub fn remove_state(key: &str) -> Result<(), HostError> {
    checked(imports::state_set(key.as_bytes(), b"null")).map(|_| ())
}

/// A part of a name in a key, in double quotes where it needs them: `muted.` and `key_part("Mic/Aux")`.
pub fn key_part(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if bare { name.to_owned() } else { format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn events_are_read_and_what_is_new_in_them_is_left_alone() {
        let read = |text| serde_json::from_str::<Event>(text).expect("an event");
        assert_eq!(read(r#"{"event":"timer","id":3,"timestamp":1}"#), Event::Timer { id: 3 });
        let state = read(r#"{"event":"state","changes":{"mode":"Live","var.x":null},"timestamp":1}"#);
        let Event::State { changes } = state else { panic!("{state:?}") };
        assert_eq!((&changes["mode"], changes["var.x"].is_null()), (&"Live".into(), true));
    }

    #[test]
    fn a_message_is_read_from_the_answer() {
        testing::reset();
        testing::message(b"one\ntwo");
        let event = Event::Message { socket: 1, kind: "text".into(), length: 7 };
        assert_eq!(event.message(), Ok(b"one\ntwo".to_vec()));
        assert_eq!(Event::Timer { id: 1 }.message(), Ok(Vec::new()));
    }

    #[test]
    fn what_is_asked_for_reaches_the_host() {
        testing::reset();
        set_timer(3, Duration::from_secs(2)).expect("set");
        clear_timer(3).expect("taken back");
        watch_state("mode").expect("watched");
        set_state(&format!("muted.{}", key_part("Mic/Aux")), true).expect("set");
        remove_state("muted.x").expect("removed");
        let asked: Vec<_> = testing::take()
            .asked
            .into_iter()
            .map(|asked| {
                let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
                format!("{} {} {}", asked.function, text(asked.head), text(asked.body))
            })
            .collect();
        assert_eq!(
            asked,
            [
                "timer_set 3 2000",
                "timer_set 3 0",
                "state_watch mode ",
                "state_set muted.\"Mic/Aux\" true",
                "state_set muted.x null"
            ]
        );
    }
}
