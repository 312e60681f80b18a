//! What a call is given.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a mapping asks of the plugin, and what the player did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// The mapping's `params.action`.
    pub action: String,
    /// The mapping's `params.parameters`.
    #[serde(default)]
    pub parameters: Vec<String>,
    /// What the player did.
    #[serde(default)]
    pub context: Context,
}

/// What the player did. Parts that do not apply to the gesture are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Context {
    /// Velocity of the note, 0–127.
    pub velocity: Option<u8>,
    /// Note number, 0–127.
    pub note: Option<u8>,
    /// Controller number, 0–127.
    pub cc: Option<u8>,
    /// Controller value, 0–127.
    pub value: Option<u8>,
    /// The mode's position in the config, from 0.
    pub current_mode: Option<u64>,
    /// When, in milliseconds since 1970-01-01.
    pub timestamp: u64,
    /// Every other string of the mapping's `params`.
    pub metadata: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_nulls_and_unknown_keys_is_read() {
        let request: Request = serde_json::from_str(
            r#"{"action": "log", "parameters": ["a", "b"], "later": 1, "context": {"velocity": 100, "note": 60, "cc": null,
                "value": null, "current_mode": 2, "timestamp": 1234, "metadata": {"file": "x"}, "tempo": 120}}"#,
        )
        .expect("a request");
        assert_eq!(request.action, "log");
        assert_eq!(request.parameters, ["a", "b"]);
        assert_eq!((request.context.note, request.context.cc, request.context.current_mode), (Some(60), None, Some(2)));
        assert_eq!(request.context.metadata["file"], "x");
    }

    #[test]
    fn only_the_action_is_required() {
        let request: Request = serde_json::from_str(r#"{"action": "log"}"#).expect("a request");
        assert_eq!(request, Request { action: "log".into(), ..Request::default() });
        assert!(serde_json::from_str::<Request>("{}").is_err());
    }
}
