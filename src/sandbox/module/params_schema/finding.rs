//! Parameters as a configuration has them, held against a schema before any call is made: everything that is wrong, and what to write.

use serde_json::{Map, Value};

use super::{MAX_LISTED, MAX_SHOWN, Schema, shown};
use crate::text::clean_name;
use crate::text::nearest;

/// Something that a plugin would not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The parameter it is about; the table as a whole where there is none.
    pub parameter: Option<String>,
    /// Whether it is the parameter's name that is wrong, and not its value.
    pub unknown: bool,
    /// What is wrong.
    pub problem: String,
    /// What to write.
    pub help: Option<String>,
}

impl Schema {
    /// Everything that is wrong with the parameters `written`, as JSON, of which those called `made` are numbers that are known when the
    /// call is made. They are rounded and held to their range then, so only what a number can never be is found of them.
    #[must_use]
    pub fn findings(&self, written: &str, made: &[String]) -> Vec<Finding> {
        let mut fields: Map<String, Value> = serde_json::from_str(written).unwrap_or_default();
        for name in made {
            let number = serde_json::Number::from_f64(self.fit(name, 0.0)).map_or(Value::Null, Value::Number);
            fields.insert(name.clone(), number);
        }
        let mut findings = Vec::new();
        for name in self.required.iter().filter(|name| !fields.contains_key(*name)) {
            let sample = self.properties.get(name).and_then(|schema| schema.samples().iter().find_map(literal));
            findings.push(Finding {
                parameter: None,
                unknown: false,
                problem: format!("the parameter `{}` is missing", clean_name(name, MAX_SHOWN)),
                help: Some(format!("add: {} = {}", key(name), sample.as_deref().unwrap_or("…"))),
            });
        }
        for (name, value) in &fields {
            let made = made.contains(name);
            findings.extend(match self.properties.get(name) {
                Some(schema) if made => schema.finding_of_number(name),
                Some(schema) => schema.finding(name, value),
                None if self.closed => Some(self.unknown(name)),
                None => None,
            });
        }
        // What is said of the table as a whole, where each parameter is as it should be.
        if findings.is_empty()
            && made.is_empty()
            && let Err(mismatch) = self.check_value(&Value::Object(fields), &mut "params".to_owned())
        {
            findings.push(Finding { parameter: None, unknown: false, problem: mismatch.problem, help: None });
        }
        findings
    }

    fn unknown(&self, name: &str) -> Finding {
        let help = match nearest(name, self.properties.keys().map(String::as_str)) {
            Some(nearest) => format!("did you mean `{}`?", clean_name(nearest, MAX_SHOWN)),
            None if self.properties.is_empty() => "it takes no parameters".to_owned(),
            None => {
                let known = self.properties.keys().take(MAX_LISTED).map(|name| clean_name(name, MAX_SHOWN));
                let more = if self.properties.len() > MAX_LISTED { ", …" } else { "" };
                format!("it takes: {}{more}", known.collect::<Vec<_>>().join(", "))
            }
        };
        Finding {
            parameter: Some(name.to_owned()),
            unknown: true,
            problem: format!("there is no parameter `{}`", clean_name(name, MAX_SHOWN)),
            help: Some(help),
        }
    }

    /// What is wrong with `value` of the parameter `name`, which this is the schema of.
    fn finding(&self, name: &str, value: &Value) -> Option<Finding> {
        let mut place = clean_name(name, MAX_SHOWN);
        let mismatch = self.check_value(value, &mut place).err()?;
        let close = match (value, &self.values) {
            (Value::String(text), Some(values)) => {
                nearest(text, values.iter().filter_map(Value::as_str)).map(Value::from)
            }
            // Only the range can be wrong of what is whole where it has to be.
            (Value::Number(number), None) => {
                let table = Self { properties: [(name.to_owned(), self.clone())].into(), ..Self::default() };
                let near = number.as_f64().map(|number| table.fit(name, number));
                let quoted = Value::from(number.to_string());
                near.and_then(whole_or_not)
                    .filter(|near| self.fits(near))
                    .or(Some(quoted).filter(|text| self.fits(text)))
            }
            // Quotes too many, or too few.
            (Value::String(text), None) => text.parse().ok().and_then(whole_or_not).filter(|number| self.fits(number)),
            (Value::Bool(_), None) => Some(Value::from(value.to_string())).filter(|text| self.fits(text)),
            _ => None,
        };
        let help = match close.as_ref().and_then(literal) {
            Some(close) => format!("the nearest that it takes: {} = {close}", key(name)),
            None => format!("write it like: {} = {}", key(name), self.samples().iter().find_map(literal)?),
        };
        let problem = format!("`{}` {}", clean_name(&mismatch.place, MAX_SHOWN), mismatch.problem);
        Some(Finding { parameter: Some(name.to_owned()), unknown: false, problem, help: Some(help) })
    }

    /// What is wrong with a number of the event in the place of the parameter `name`, which this is the schema of.
    fn finding_of_number(&self, name: &str) -> Option<Finding> {
        let takes = self.types.is_empty() || self.types.iter().any(|ty| matches!(ty.name(), "integer" | "number"));
        (!takes).then(|| {
            let names: Vec<_> = self.types.iter().map(|ty| ty.name()).collect();
            Finding {
                parameter: Some(name.to_owned()),
                unknown: false,
                problem: format!("`{}` must be {}, and is a number", clean_name(name, MAX_SHOWN), names.join(" or ")),
                help: Some("write it into `params`, where it stays as written".to_owned()),
            }
        })
    }
}

/// `number` as JSON: whole where it is.
fn whole_or_not(number: f64) -> Option<Value> {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Some(Value::from(number as i64));
    }
    serde_json::Number::from_f64(number).map(Value::Number)
}

/// `value` as TOML has it, where it is written alike there and is short.
fn literal(value: &Value) -> Option<String> {
    let simple = match value {
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(items) => items.iter().all(|item| item.is_string() || item.is_number()),
        Value::Null | Value::Object(_) => false,
    };
    (simple && value.to_string().len() <= MAX_SHOWN).then(|| shown(value))
}

/// `name` as a key of TOML.
fn key(name: &str) -> String {
    crate::text::literal::shown_key(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(params: &str, made: &[&str]) -> Vec<String> {
        let schema: Schema = serde_json::from_str(
            r#"{"type":"object","required":["action"],"additionalProperties":false,"properties":{
              "action":{"type":"string","enum":["play","stop"]},"level":{"type":"integer","minimum":0,"maximum":100},
              "name":{"type":"string"},"tags":{"type":"array","items":{"type":"string"}},"on":{"type":"boolean"}}}"#,
        )
        .expect("a schema");
        let made: Vec<String> = made.iter().map(|name| (*name).to_owned()).collect();
        let findings = schema.findings(params, &made).into_iter();
        findings.map(|found| format!("{}; {}", found.problem, found.help.unwrap_or_default())).collect()
    }

    #[test]
    fn every_parameter_is_looked_at_and_what_to_write_is_said() {
        assert_eq!(found(r#"{"action":"play","level":70,"on":true,"tags":["a"]}"#, &[]), [""; 0]);
        assert_eq!(
            found(r#"{"action":"plai","level":101,"on":1,"levle":1,"tags":["a",1]}"#, &[]),
            [
                r#"`action` must be one of "play", "stop", and is "plai"; the nearest that it takes: action = "play""#,
                "`level` must be at most 100, and is 101; the nearest that it takes: level = 100",
                "there is no parameter `levle`; did you mean `level`?",
                "`on` must be boolean, and is 1; write it like: on = true",
                r#"`tags[1]` must be string, and is 1; write it like: tags = ["play"]"#,
            ]
        );
        assert_eq!(
            found(r#"{"level":1.5,"other":1,"name":3}"#, &[]),
            [
                r#"the parameter `action` is missing; add: action = "play""#,
                "`level` must be integer, and is 1.5; the nearest that it takes: level = 2",
                "`name` must be string, and is 3; the nearest that it takes: name = \"3\"",
                "there is no parameter `other`; it takes: action, level, name, on, tags",
            ]
        );
    }

    #[test]
    fn of_numbers_that_come_with_the_event_only_what_they_can_never_be_is_found() {
        assert_eq!(found(r#"{"action":"play","level":900}"#, &["level"]), [""; 0]);
        assert_eq!(
            found(r#"{"action":"play"}"#, &["name", "levle"]),
            [
                "there is no parameter `levle`; did you mean `level`?",
                "`name` must be string, and is a number; write it into `params`, where it stays as written",
            ]
        );
    }
}
