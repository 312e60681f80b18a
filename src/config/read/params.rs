//! Parameters of a plugin call: a TOML table as JSON, keys in the order written.

use toml::de::DeValue;

use super::table::Table;
use super::value::Value;
use crate::config::action::Params;
use crate::config::problem::Problem;

/// Largest parameters, in bytes of JSON. Half of a small plugin's memory page, and far above what a mapping says.
const MAX_JSON: usize = 32 * 1024;

impl Params {
    /// The parameters in `table`; nothing when they cannot be said in JSON, which is reported.
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        let mut json = String::new();
        object(&table.entries(), &mut json)?;
        if json.len() > MAX_JSON {
            let problem = Problem::TooMuch {
                what: "bytes of JSON in these params",
                found: json.len() as u64,
                most: MAX_JSON as u64,
            };
            table.report.add(table.span(), problem);
            return None;
        }
        let mut params = Self { json, ..Self::default() };
        for (_, value) in table.entries() {
            match value.key {
                "action" => params.action = text(&value)?,
                "parameters" => {
                    params.parameters = match value.toml {
                        DeValue::Array(items) => items
                            .iter()
                            .map(|item| text(&Value::new(value.key, item.get_ref(), item.span(), value.report())))
                            .collect::<Option<_>>()?,
                        _ => vec![text(&value)?],
                    }
                }
                key => {
                    if let Some(text) = value.toml.as_str() {
                        params.metadata.insert(key.to_owned(), text.to_owned());
                    }
                }
            }
        }
        Some(params)
    }
}

/// A value as text: strings as they are, everything else as its JSON.
fn text(value: &Value<'_>) -> Option<String> {
    if let Some(text) = value.toml.as_str() {
        return Some(text.to_owned());
    }
    let mut json = String::new();
    write(value, &mut json)?;
    Some(json)
}

fn object(entries: &[(std::ops::Range<usize>, Value<'_>)], into: &mut String) -> Option<()> {
    into.push('{');
    for (number, (_, value)) in entries.iter().enumerate() {
        if number > 0 {
            into.push(',');
        }
        quoted(value.key, into);
        into.push(':');
        write(value, into)?;
    }
    into.push('}');
    Some(())
}

fn quoted(text: &str, into: &mut String) {
    into.push_str(&serde_json::Value::from(text).to_string());
}

/// Depth is bounded: the text was refused before parsing when it nests deeper than `syntax` allows.
fn write(value: &Value<'_>, into: &mut String) -> Option<()> {
    match value.toml {
        DeValue::String(text) => quoted(text, into),
        DeValue::Integer(number) => into.push_str(&value.whole(number)?.to_string()),
        DeValue::Float(number) => {
            // JSON knows neither NaN nor infinity.
            let parsed = number.as_str().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            let Some(parsed) = parsed else {
                value.malformed(number.as_str(), "a finite number; JSON has no other");
                return None;
            };
            into.push_str(&parsed.to_string());
        }
        DeValue::Boolean(flag) => into.push_str(if *flag { "true" } else { "false" }),
        DeValue::Datetime(datetime) => quoted(&datetime.to_string(), into),
        DeValue::Array(items) => {
            into.push('[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    into.push(',');
                }
                write(&Value::new(value.key, item.get_ref(), item.span(), value.report()), into)?;
            }
            into.push(']');
        }
        DeValue::Table(_) => object(&value.table("params")?.entries(), into)?,
    }
    Some(())
}

/// The parameters of a call that names none: an empty table.
pub(super) fn none() -> Params {
    Params { json: "{}".to_owned(), ..Params::default() }
}
