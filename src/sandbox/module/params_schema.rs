//! What parameters a plugin accepts, as a subset of JSON Schema in its metadata (`params_schema`), held against every call
//! before it is made.
//!
//! Keywords: `type`, `properties`, `required`, `additionalProperties` (a boolean), `items`, `enum`, `minimum`, `maximum`,
//! `minLength`, `maxLength`. Annotations (`title`, `description`, `default`, `examples`, `$schema`, `$comment`) are passed over.
//! Any other keyword is an error: a check that is not made must not look as if it were.

mod finding;
mod sample;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Number, Value};

use crate::text::clean_name;
pub use finding::Finding;

/// Schemas inside schemas; real ones have three or four levels.
const MAX_DEPTH: usize = 16;

/// Longest value repeated in a message, in bytes.
const MAX_SHOWN: usize = 80;

/// Values of an `enum` that a message lists.
const MAX_LISTED: usize = 16;

/// What a value has to be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Value")]
pub struct Schema {
    types: Vec<Type>,
    properties: BTreeMap<String, Schema>,
    required: Vec<String>,
    closed: bool,
    items: Option<Box<Schema>>,
    values: Option<Vec<Value>>,
    minimum: Option<Number>,
    maximum: Option<Number>,
    min_length: Option<u64>,
    max_length: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    const ALL: [Self; 7] =
        [Self::Null, Self::Boolean, Self::Integer, Self::Number, Self::String, Self::Array, Self::Object];

    const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
    fn is(self, value: &Value) -> bool {
        match (self, value) {
            // As JSON Schema has it, 3.0 is an integer.
            (Self::Integer, Value::Number(number)) => {
                number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            (Self::Null, Value::Null)
            | (Self::Boolean, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::String, Value::String(_))
            | (Self::Array, Value::Array(_))
            | (Self::Object, Value::Object(_)) => true,
            _ => false,
        }
    }
}

/// What is wrong with a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    keyword: String,
    problem: &'static str,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "params_schema: {}: {}", clean_name(&self.keyword, MAX_SHOWN), self.problem)
    }
}

impl std::error::Error for SchemaError {}

impl TryFrom<Value> for Schema {
    type Error = SchemaError;

    fn try_from(value: Value) -> Result<Self, SchemaError> {
        Self::read(&value, 0)
    }
}

impl Schema {
    fn read(value: &Value, depth: usize) -> Result<Self, SchemaError> {
        let fail = |keyword: &str, problem| Err(SchemaError { keyword: keyword.to_owned(), problem });
        if depth > MAX_DEPTH {
            return fail("properties", "nested too deeply");
        }
        let Value::Object(keywords) = value else { return fail("schema", "must be an object") };
        let mut schema = Self::default();
        for (keyword, value) in keywords {
            match (keyword.as_str(), value) {
                ("type", Value::String(name)) => schema.types = vec![read_type(name)?],
                ("type", Value::Array(names)) => {
                    for name in names {
                        schema.types.push(read_type(name.as_str().unwrap_or_default())?);
                    }
                }
                ("properties", Value::Object(properties)) => {
                    for (name, value) in properties {
                        schema.properties.insert(name.clone(), Self::read(value, depth + 1)?);
                    }
                }
                ("required", Value::Array(names)) => {
                    for name in names {
                        let Value::String(name) = name else { return fail(keyword, "must list names") };
                        schema.required.push(name.clone());
                    }
                }
                ("additionalProperties", Value::Bool(open)) => schema.closed = !open,
                ("items", items) => schema.items = Some(Box::new(Self::read(items, depth + 1)?)),
                ("enum", Value::Array(values)) if !values.is_empty() => schema.values = Some(values.clone()),
                ("minimum", Value::Number(number)) => schema.minimum = Some(number.clone()),
                ("maximum", Value::Number(number)) => schema.maximum = Some(number.clone()),
                ("minLength", Value::Number(number)) if number.is_u64() => schema.min_length = number.as_u64(),
                ("maxLength", Value::Number(number)) if number.is_u64() => schema.max_length = number.as_u64(),
                ("title" | "description" | "default" | "examples" | "$schema" | "$comment", _) => {}
                (
                    "type"
                    | "properties"
                    | "required"
                    | "additionalProperties"
                    | "enum"
                    | "minimum"
                    | "maximum"
                    | "minLength"
                    | "maxLength",
                    _,
                ) => return fail(keyword, "its value is not one this keyword takes"),
                _ => return fail(keyword, "this keyword is not supported"),
            }
        }
        Ok(schema)
    }

    /// Whether `value` fits.
    pub(in crate::sandbox) fn fits(&self, value: &Value) -> bool {
        self.check_value(value, &mut String::new()).is_ok()
    }

    /// `number` as the parameter `key` takes it: whole where that is whole, and not beyond its least or greatest value.
    #[must_use]
    pub fn fit(&self, key: &str, number: f64) -> f64 {
        let Some(schema) = self.properties.get(key) else { return number };
        let whole = schema.types.contains(&Type::Integer) && !schema.types.contains(&Type::Number);
        let number = if whole { number.round() } else { number };
        let end = |end: &Option<Number>| end.as_ref().and_then(Number::as_f64);
        let least = end(&schema.minimum).map_or(number, |least| number.max(least));
        end(&schema.maximum).map_or(least, |most| least.min(most))
    }

    /// Holds parameters, as JSON, against the schema. The error says where they differ, and how.
    pub fn check(&self, json: &str) -> Result<(), Mismatch> {
        let value: Value = serde_json::from_str(json)
            .map_err(|error| Mismatch { place: "params".to_owned(), problem: format!("not JSON: {error}") })?;
        let mut place = "params".to_owned();
        self.check_value(&value, &mut place)
    }

    fn check_value(&self, value: &Value, place: &mut String) -> Result<(), Mismatch> {
        let fail = |place: &str, problem: String| Err(Mismatch { place: place.to_owned(), problem });
        if !self.types.is_empty() && !self.types.iter().any(|ty| ty.is(value)) {
            let names: Vec<_> = self.types.iter().map(|ty| ty.name()).collect();
            return fail(place, format!("must be {}, and is {}", names.join(" or "), shown(value)));
        }
        if let Some(values) = &self.values
            && !values.iter().any(|known| same(known, value))
        {
            let mut known = values.iter().take(MAX_LISTED).map(shown).collect::<Vec<_>>().join(", ");
            if values.len() > MAX_LISTED {
                known.push_str(", …");
            }
            return fail(place, format!("must be one of {known}, and is {}", shown(value)));
        }
        match value {
            Value::Number(number) => {
                if let Some(minimum) = self.minimum.as_ref().filter(|minimum| less(number, minimum)) {
                    return fail(place, format!("must be at least {minimum}, and is {number}"));
                }
                if let Some(maximum) = self.maximum.as_ref().filter(|maximum| less(maximum, number)) {
                    return fail(place, format!("must be at most {maximum}, and is {number}"));
                }
            }
            Value::String(text) => {
                let length = text.chars().count() as u64;
                if let Some(minimum) = self.min_length.filter(|minimum| length < *minimum) {
                    return fail(place, format!("must have at least {minimum} characters, and has {length}"));
                }
                if let Some(maximum) = self.max_length.filter(|maximum| length > *maximum) {
                    return fail(place, format!("must have at most {maximum} characters, and has {length}"));
                }
            }
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    if let Some(items) = &self.items {
                        within(place, &format!("[{index}]"), |place| items.check_value(value, place))?;
                    }
                }
            }
            Value::Object(fields) => {
                if let Some(missing) = self.required.iter().find(|name| !fields.contains_key(*name)) {
                    return fail(place, format!("needs \"{}\"", clean_name(missing, MAX_SHOWN)));
                }
                for (name, value) in fields {
                    match self.properties.get(name) {
                        Some(schema) => within(place, &format!(".{name}"), |place| schema.check_value(value, place))?,
                        None if self.closed => {
                            return fail(place, format!("there is no \"{}\"", clean_name(name, MAX_SHOWN)));
                        }
                        None => {}
                    }
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
        Ok(())
    }
}

/// Checks something inside `place`.
fn within(
    place: &mut String,
    step: &str,
    check: impl FnOnce(&mut String) -> Result<(), Mismatch>,
) -> Result<(), Mismatch> {
    let outer = place.len();
    place.push_str(step);
    let result = check(place);
    place.truncate(outer);
    result
}

fn read_type(name: &str) -> Result<Type, SchemaError> {
    Type::ALL
        .into_iter()
        .find(|ty| ty.name() == name)
        .ok_or_else(|| SchemaError { keyword: format!("type {name}"), problem: "there is no such type" })
}

/// Whether two values are equal as JSON Schema has it: 1 and 1.0 are.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => !less(one, other) && !less(other, one),
        _ => one == other,
    }
}

/// Whether `one` is less than `other`, exactly for integers.
fn less(one: &Number, other: &Number) -> bool {
    let integer = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (integer(one), integer(other)) {
        (Some(one), Some(other)) => one < other,
        _ => one.as_f64().partial_cmp(&other.as_f64()) == Some(std::cmp::Ordering::Less),
    }
}

fn shown(value: &Value) -> String {
    clean_name(&value.to_string(), MAX_SHOWN)
}

/// Where parameters differ from what a plugin accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Which value: `params.level`, `params.parameters[0]`.
    pub place: String,
    /// How it differs.
    pub problem: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", clean_name(&self.place, MAX_SHOWN), self.problem)
    }
}

impl std::error::Error for Mismatch {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn schema(json: &str) -> Schema {
        serde_json::from_str(json).expect(json)
    }

    #[track_caller]
    fn said(schema: &Schema, json: &str) -> String {
        schema.check(json).map_or_else(|mismatch| mismatch.to_string(), |()| "fits".to_owned())
    }

    #[test]
    fn parameters_are_held_against_every_keyword() {
        let schema = schema(
            r#"{"$schema": "x", "type": "object", "required": ["action"], "additionalProperties": false, "properties": {
              "action": {"type": "string", "enum": ["play", "stop"]},
              "level": {"type": ["integer", "null"], "minimum": 0, "maximum": 100},
              "ratio": {"type": "number", "minimum": 0.5},
              "name": {"type": "string", "minLength": 1, "maxLength": 3},
              "parameters": {"type": "array", "items": {"type": "string"}}}}"#,
        );
        for (json, expected) in [
            (r#"{"action":"play","level":70,"ratio":0.5,"name":"äöü","parameters":["a"]}"#, "fits"),
            (r#"{"action":"play","level":null}"#, "fits"),
            (r#"{"action":"play","level":3.0}"#, "fits"),
            ("{}", "params: needs \"action\""),
            ("[]", "params: must be object, and is []"),
            (r#"{"action":"jump"}"#, r#"params.action: must be one of "play", "stop", and is "jump""#),
            (r#"{"action":"play","level":101}"#, "params.level: must be at most 100, and is 101"),
            (r#"{"action":"play","level":-1}"#, "params.level: must be at least 0, and is -1"),
            (r#"{"action":"play","level":1.5}"#, "params.level: must be integer or null, and is 1.5"),
            (
                r#"{"action":"play","level":18446744073709551615}"#,
                "params.level: must be at most 100, and is 18446744073709551615",
            ),
            (r#"{"action":"play","ratio":0.25}"#, "params.ratio: must be at least 0.5, and is 0.25"),
            (r#"{"action":"play","name":""}"#, "params.name: must have at least 1 characters, and has 0"),
            (r#"{"action":"play","name":"four"}"#, "params.name: must have at most 3 characters, and has 4"),
            (r#"{"action":"play","parameters":["a",1]}"#, "params.parameters[1]: must be string, and is 1"),
            (r#"{"action":"play","volume":1}"#, "params: there is no \"volume\""),
        ] {
            assert_eq!(said(&schema, json), expected, "{json}");
        }
        assert!(said(&schema, "{").starts_with("params: not JSON: "));
    }

    #[test]
    fn numbers_are_equal_by_value() {
        let schema = schema(r#"{"properties": {"n": {"enum": [1, 2.0]}}}"#);
        assert_eq!(said(&schema, r#"{"n":1.0}"#), "fits");
        assert_eq!(said(&schema, r#"{"n":2}"#), "fits");
        assert_ne!(said(&schema, r#"{"n":"1"}"#), "fits");
    }

    #[test]
    fn a_schema_that_promises_more_than_is_checked_is_an_error() {
        let deep = format!("{}{{}}{}", r#"{"items":"#.repeat(20), "}".repeat(20));
        for (json, expected) in [
            (r#"{"pattern": "x"}"#, "params_schema: pattern: this keyword is not supported"),
            (r#"{"type": "text"}"#, "params_schema: type text: there is no such type"),
            (r#"{"minimum": "1"}"#, "params_schema: minimum: its value is not one this keyword takes"),
            (r#"{"enum": []}"#, "params_schema: enum: its value is not one this keyword takes"),
            ("3", "params_schema: schema: must be an object"),
            (deep.as_str(), "params_schema: properties: nested too deeply"),
        ] {
            let error = serde_json::from_str::<Schema>(json).expect_err(json);
            assert_eq!(error.to_string(), expected);
        }
    }
}
