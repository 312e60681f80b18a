//! A call of a plugin, and what it hands over.

use std::collections::BTreeMap;
use std::ops::Range;

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
    /// Numbers in `json` that were made for this call, in their order.
    pub made: Vec<MadeNumber>,
}

/// A number in the parameters of a call that was made of what set the call off, and may still be held to what the plugin accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeNumber {
    /// Its key.
    pub key: String,
    /// Its bytes in [`Params::json`].
    pub at: Range<usize>,
}

impl Params {
    /// These parameters with each number that was made for the call as `fit` has it; nothing where none changes.
    #[must_use]
    pub fn fitted(&self, fit: impl Fn(&str, f64) -> f64) -> Option<Self> {
        let (mut json, mut end, mut made, mut changed) = (String::new(), 0, Vec::new(), false);
        for MadeNumber { key, at } in &self.made {
            let written = self.json.get(at.clone())?;
            let number: f64 = written.parse().ok()?;
            json.push_str(self.json.get(end..at.start)?);
            let start = json.len();
            // Adding zero makes zero of what is zero below zero.
            json.push_str(&(fit(key, number) + 0.0).to_string());
            changed |= json.get(start..) != Some(written);
            made.push(MadeNumber { key: key.clone(), at: start..json.len() });
            end = at.end;
        }
        json.push_str(self.json.get(end..)?);
        changed.then(|| Self { json, made, ..self.clone() })
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_numbers_change_where_they_stand_and_nothing_else_does() {
        let json = r#"{"b":1.25,"a":"1.25","c":-0.4}"#;
        let made = [("b", 5..9), ("c", 25..29)].map(|(key, at)| MadeNumber { key: key.to_owned(), at }).into();
        let params = Params { json: json.to_owned(), made, ..Params::default() };
        let fitted = params.fitted(|_, number| number.round()).expect("changed");
        assert_eq!(fitted.json, r#"{"b":1,"a":"1.25","c":0}"#);
        assert_eq!(fitted.fitted(|_, number| number), None, "nothing to change");
        assert_eq!(params.fitted(|_, number| number), None);
    }
}
