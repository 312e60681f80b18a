//! What a plugin says of itself.

use serde::Deserialize;

use crate::call::PluginEvent;
use crate::capability::Capability;
use crate::sandbox::module::params_schema::Schema;
use crate::state::{StatePattern, ValueKind};
use crate::text::{clean_name, json_error};

/// What a plugin says of itself. Claims: nothing here was checked against a signature, and every text may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The name it gives itself; the configuration's name for it may be another.
    pub name: String,
    /// The version it gives itself, in any form.
    pub version: String,
    /// What it is for.
    pub description: String,
    /// Who wrote it.
    pub author: String,
    /// Under which licence.
    pub license: String,
    /// `action` or `trigger`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where to read more.
    pub homepage: Option<String>,
    /// Capabilities it asks for, as it spells them.
    #[serde(rename = "capabilities")]
    pub capability_names: Vec<String>,
    /// What it can be asked to do.
    pub actions: Vec<ActionInfo>,
    /// Events that it does something at.
    pub events: Vec<String>,
    /// Named values that it sets.
    pub state: Vec<StateInfo>,
    /// What its parameters have to be; held against every call before it is made.
    pub params_schema: Option<Schema>,
}

/// Something a plugin can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ActionInfo {
    /// What stands in `params.action`.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Names of its positional parameters, when they are listed as plain text; else empty.
    #[serde(deserialize_with = "texts")]
    pub parameters: Vec<String>,
}

/// Named values that a plugin sets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct StateInfo {
    /// What their keys look like, as it writes them: `muted.*`.
    pub key: String,
    /// What they are: `text`, `number` or `boolean`; anything where it is empty.
    #[serde(rename = "type")]
    pub kind: String,
    /// What they say.
    pub description: String,
}

impl StateInfo {
    /// What they are; nothing where that is not said in a word that is known.
    #[must_use]
    pub fn value_kind(&self) -> Option<ValueKind> {
        match self.kind.as_str() {
            "" => Some(ValueKind::Any),
            "text" => Some(ValueKind::Text),
            "number" => Some(ValueKind::Number),
            "boolean" => Some(ValueKind::Flag),
            _ => None,
        }
    }
}

/// Existing plugins list parameters as text or as objects; only text is kept.
fn texts<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let values = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(values
        .into_iter()
        .filter_map(|value| match value {
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Object(mut fields) => match fields.remove("name") {
                Some(serde_json::Value::String(text)) => Some(text),
                _ => None,
            },
            _ => None,
        })
        .collect())
}

impl Metadata {
    /// Reads the JSON a plugin carries; the error is for people.
    pub(in crate::sandbox) fn parse(json: &[u8]) -> Result<Self, String> {
        // Some tool chains pad the section or end it with a zero byte.
        let json = json.trim_ascii();
        let json = json.strip_suffix(b"\0").unwrap_or(json);
        serde_json::from_slice(json).map_err(|error| format!("not the JSON it should be: {}", json_error(&error)))
    }

    /// What of its events and named values says nothing to the host.
    pub(in crate::sandbox) fn unknown_words(&self, hears: bool) -> Vec<String> {
        let shown = |text: &str| format!("\"{}\"", clean_name(text, 40));
        let mut remarks = Vec::new();
        if let Some(name) = self.events.iter().find(|name| !PluginEvent::NAMES.contains(&name.as_str())) {
            let known = PluginEvent::NAMES.join(", ");
            remarks.push(format!("says that it hears of {}, which is no event; there are {known}", shown(name)));
        }
        if !self.events.is_empty() && !hears {
            remarks.push("says that it hears of events, and does not export on_event".to_owned());
        }
        if let Some(info) = self.state.iter().find(|info| StatePattern::parse(&info.key).is_none()) {
            remarks.push(format!("says that it sets {}, which is no key of a named value", shown(&info.key)));
        }
        if let Some(info) = self.state.iter().find(|info| info.value_kind().is_none()) {
            let (key, kind) = (shown(&info.key), shown(&info.kind));
            remarks.push(format!("says that {key} is {kind}; a named value is a text, a number or a boolean"));
        }
        remarks
    }

    /// The capabilities it asks for, as far as they exist.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capability> {
        self.capability_names.iter().filter_map(|name| Capability::from_name(name)).collect()
    }
}
