//! What a call is given.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::Failure;

/// What a mapping asks of the plugin, and what the player did.
///
/// Whatever the mapping's `params` say can be read into a struct of the plugin's own with [`Request::params`].
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
    /// All of the mapping's `params`.
    #[serde(default)]
    pub params: Params,
}

impl Request {
    /// All of the mapping's `params`, as a struct of the plugin's own. What does not fit is a failure that says what and is
    /// returned as [`Failure::BAD_REQUEST`].
    ///
    /// ```
    /// # use conductor_plugin::{Failure, Request};
    /// #[derive(serde::Deserialize)]
    /// struct Fade {
    ///     volume: u8,
    ///     #[serde(default)]
    ///     speakers: Vec<String>,
    /// }
    ///
    /// fn fade(request: &Request) -> Result<(), Failure> {
    ///     let Fade { volume, speakers } = request.params()?;
    ///     # let _ = (volume, speakers);
    ///     Ok(())
    /// }
    /// # let params = conductor_plugin::Params::of(&serde_json::json!({"volume": 70, "speakers": ["left"]})).expect("JSON");
    /// # fade(&Request { params, ..Request::default() }).expect("it fits");
    /// ```
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(self.params.json()).map_err(|error| {
            Failure::new(format!("the mapping's params are not what the plugin understands: {error}"))
                .with_code(Failure::BAD_REQUEST)
        })
    }
}

/// A mapping's `params` as they came: JSON that [`Request::params`] reads when it is asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params(Box<str>);

impl Params {
    /// The parameters that `value` is written as, for a plugin's own tests.
    pub fn of(value: &impl Serialize) -> Result<Self, Failure> {
        Ok(Self(serde_json::to_string(value)?.into()))
    }

    /// Their JSON.
    pub fn json(&self) -> &str {
        &self.0
    }
}

/// No parameters: an empty table.
impl Default for Params {
    fn default() -> Self {
        Self("{}".into())
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(deserializer)?.into()))
    }
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
    /// Every other string of the mapping's `params`, and what else there is to tell of the event.
    pub metadata: BTreeMap<String, String>,
    /// Channel, 1–16.
    pub channel: Option<u8>,
    /// The device's name, as the configuration has it.
    pub device: Option<String>,
    /// What kind of gesture it was, for example `press` or `encoder`.
    pub gesture: Option<String>,
    /// The name of the control, where the device's controls have names.
    pub control: Option<String>,
    /// The mode's name.
    pub mode: Option<String>,
    /// Pressure, 0–127.
    pub pressure: Option<u8>,
    /// Pitch bend, 0–16383; 8192 at rest.
    pub bend: Option<u16>,
    /// Steps an encoder was turned; below 0 counterclockwise.
    pub delta: Option<i32>,
    /// Program number, 0–127.
    pub program: Option<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_nulls_and_unknown_keys_is_read() {
        let request: Request = serde_json::from_str(
            r#"{"action": "log", "parameters": ["a", "b"], "later": 1, "context": {"velocity": 100, "note": 60, "cc": null,
                "value": null, "current_mode": 2, "timestamp": 1234, "metadata": {"file": "x"}, "tempo": 120,
                "channel": 10, "device": "pads", "gesture": "encoder", "control": null, "mode": "Live", "pressure": 3,
                "bend": 16383, "delta": -4, "program": 5}, "params": {"action":"log", "volume": 70}}"#,
        )
        .expect("a request");
        assert_eq!(request.action, "log");
        assert_eq!(request.parameters, ["a", "b"]);
        assert_eq!((request.context.note, request.context.cc, request.context.current_mode), (Some(60), None, Some(2)));
        assert_eq!(request.context.metadata["file"], "x");
        let Context { channel, device, gesture, control, mode, pressure, bend, delta, program, .. } = request.context;
        assert_eq!((channel, pressure, bend, delta, program), (Some(10), Some(3), Some(16_383), Some(-4), Some(5)));
        let names = [device, gesture, control, mode];
        assert_eq!(names.each_ref().map(Option::as_deref), [Some("pads"), Some("encoder"), None, Some("Live")]);
        assert_eq!(request.params.json(), r#"{"action":"log", "volume": 70}"#);
    }

    #[test]
    fn every_parameter_is_read_into_the_plugins_own_struct() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Fade {
            volume: u8,
            over: f64,
            speakers: Vec<String>,
            curve: BTreeMap<String, bool>,
        }
        let request: Request = serde_json::from_str(
            r#"{"action":"fade","params":{"action":"fade","volume":70,"over":1.5,"speakers":["left"],"curve":{"log":true}}}"#,
        )
        .expect("a request");
        let fade = Fade {
            volume: 70,
            over: 1.5,
            speakers: vec!["left".to_owned()],
            curve: BTreeMap::from([("log".to_owned(), true)]),
        };
        assert_eq!(request.params(), Ok(fade));
        let failure = request.params::<BTreeMap<String, u8>>().expect_err("not all are numbers");
        assert_eq!(failure.code(), Failure::BAD_REQUEST);
        assert!(failure.to_string().starts_with("the mapping's params are not"), "{failure}");
        // A host that does not send them sends none.
        let old: Request = serde_json::from_str(r#"{"action":"fade"}"#).expect("a request");
        assert_eq!(old.params::<BTreeMap<String, u8>>(), Ok(BTreeMap::new()));
    }

    #[test]
    fn only_the_action_is_required() {
        let request: Request = serde_json::from_str(r#"{"action": "log"}"#).expect("a request");
        assert_eq!(request, Request { action: "log".into(), ..Request::default() });
        assert!(serde_json::from_str::<Request>("{}").is_err());
    }
}
