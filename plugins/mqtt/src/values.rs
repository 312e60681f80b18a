//! The named values that topics are held as.

use std::collections::{BTreeMap, BTreeSet};

use conductor_plugin::{Level, log, remove_state, set_state};
use serde_json::Value;

/// Longest text that a named value can be, in bytes.
const MAX_TEXT: usize = 256;

/// Things that are said once each; what comes beyond is not said.
const MAX_SAID: usize = 64;

/// What is held, and what was said of it.
#[derive(Debug, Default)]
pub(crate) struct Values {
    held: BTreeMap<String, Value>,
    said: BTreeSet<String>,
}

impl Values {
    /// What `key` is.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.held.get(key)
    }

    /// `key` becomes `value`; null removes it. What is so already is not set again.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        let same = if value.is_null() { !self.held.contains_key(key) } else { self.held.get(key) == Some(&value) };
        if same {
            return;
        }
        let set = if value.is_null() { remove_state(key) } else { set_state(key, &value) };
        match set {
            Ok(()) if value.is_null() => drop(self.held.remove(key)),
            Ok(()) => drop(self.held.insert(key.to_owned(), value)),
            Err(error) => self.say(&format!("{key} cannot be held: {error}")),
        }
    }

    /// Says it, once.
    pub(crate) fn say(&mut self, text: &str) {
        if self.said.len() < MAX_SAID && self.said.insert(text.to_owned()) {
            log(Level::Warn, text);
        }
    }
}

/// What `payload` is as a value, at this place of its JSON where one is asked for: null where it says that there is none, and
/// nothing where it says nothing of it.
pub(crate) fn value(payload: &[u8], at: &[String]) -> Result<Option<Value>, String> {
    let text = std::str::from_utf8(payload).map_err(|_| "is not text".to_owned())?;
    if at.is_empty() {
        return plain(text).map(Some);
    }
    if text.trim().is_empty() {
        return Ok(Some(Value::Null));
    }
    let whole: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    let mut place = &whole;
    for part in at {
        let inner = match place {
            Value::Array(list) => part.parse::<usize>().ok().and_then(|at| list.get(at)),
            other => other.get(part),
        };
        let Some(inner) = inner else { return Ok(None) };
        place = inner;
    }
    match place {
        Value::Array(_) | Value::Object(_) => Err(format!("has no single value at {}", at.join("."))),
        Value::String(text) => short(text).map(Some),
        other => Ok(Some(other.clone())),
    }
}

/// Numbers, true and false are themselves; everything else is text.
fn plain(text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    match trimmed.as_bytes().first() {
        None => return Ok(Value::Null),
        Some(b'-' | b'0'..=b'9') => {
            if let Ok(number) = serde_json::from_str::<serde_json::Number>(trimmed) {
                return Ok(Value::Number(number));
            }
        }
        _ => {}
    }
    match trimmed {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        text => short(text),
    }
}

fn short(text: &str) -> Result<Value, String> {
    if text.len() > MAX_TEXT {
        return Err(format!(
            "is {} bytes long; a value has at most {MAX_TEXT}, and at FIELD takes one out of JSON",
            text.len()
        ));
    }
    Ok(Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_payload_is_the_value_that_it_reads_like() {
        for (payload, wanted) in [
            ("true", json!(true)),
            (" 63 ", json!(63)),
            ("-6.5", json!(-6.5)),
            ("ON", json!("ON")),
            ("007", json!("007")),
            ("{\"a\":1}", json!("{\"a\":1}")),
            ("", json!(null)),
        ] {
            assert_eq!(value(payload.as_bytes(), &[]), Ok(Some(wanted)), "{payload}");
        }
        assert!(value(&[0xff], &[]).is_err() && value(&[b'x'; 257], &[]).is_err());
    }

    #[test]
    fn a_place_of_its_json_is_taken_out() {
        let at = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        let payload = br#"{"state":"ON","color":{"x":0.3},"list":[1,true],"none":null}"#;
        for (path, wanted) in [
            ("state", Ok(Some(json!("ON")))),
            ("color.x", Ok(Some(json!(0.3)))),
            ("list.1", Ok(Some(json!(true)))),
            ("none", Ok(Some(json!(null)))),
            ("absent", Ok(None)),
            ("state.deeper", Ok(None)),
            ("color", Err("has no single value at color".to_owned())),
        ] {
            assert_eq!(value(payload, &at(path)), wanted, "{path}");
        }
        assert!(value(b"ON", &at("state")).is_err());
    }
}
