//! A call of a plugin, and what it hands over.

use std::collections::BTreeMap;

/// A plugin call.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginCall {
    /// Its name in the configuration.
    pub plugin: String,
    /// Whose instance is called; default `"default"`.
    pub tenant: String,
    /// What it is told.
    pub params: Params,
}

/// Parameters of a plugin call, in the forms the two ABI dialects want, made once when the configuration is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params {
    /// The whole table as compact JSON, keys in the order written; `{}` when absent. What the plain dialect gets.
    pub json: String,
    /// `params.action` (`""` when absent), for the wide dialect.
    pub action: String,
    /// `params.parameters`, positional; numbers and booleans as their text.
    pub parameters: Vec<String>,
    /// Every other string-valued key.
    pub metadata: BTreeMap<String, String>,
}

impl Params {
    /// Parameters from JSON, kept as they are; what the wide dialect wants is taken from an object's keys as from a mapping's
    /// `params`.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        use serde_json::Value;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut params = Self { json: json.trim().to_owned(), ..Self::default() };
        let Value::Object(keys) = serde_json::from_str(json)? else { return Ok(params) };
        for (key, value) in keys {
            match (key.as_str(), value) {
                ("action", value) => params.action = text(&value),
                ("parameters", Value::Array(items)) => params.parameters = items.iter().map(text).collect(),
                ("parameters", value) => params.parameters = vec![text(&value)],
                (_, Value::String(value)) => {
                    params.metadata.insert(key, value);
                }
                _ => {}
            }
        }
        Ok(params)
    }
}
