//! What a plugin says of itself.

use serde::Deserialize;

use crate::capability::Capability;
use crate::sandbox::module::params_schema::Schema;
use crate::text::json_error;

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

    /// The capabilities it asks for, as far as they exist.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capability> {
        self.capability_names.iter().filter_map(|name| Capability::from_name(name)).collect()
    }
}
