//! Parameters of a plugin call: a TOML table as JSON, keys in the order written.

use toml::de::DeValue;

use crate::config::action::{ParamValues, Params};
use crate::config::call_places::WrittenCall;
use crate::config::problem::Problem;
use crate::config::read::Reader;
use crate::config::read::table::Table;
use crate::config::read::value::Value;

/// Largest parameters, in bytes of JSON. Half of a small plugin's memory page, and far above what a mapping says.
const MAX_JSON: usize = 32 * 1024;

/// A key's place, and its value.
type Entry<'a> = (std::ops::Range<usize>, Value<'a>);

impl Params {
    /// The parameters in `table`; nothing when they cannot be said in JSON, which is reported.
    pub(in crate::config::read) fn read(table: &Table<'_>) -> Option<Self> {
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

impl Reader<'_> {
    /// The parameters of a call, and what is laid over them. Their places go into `places`.
    pub(in crate::config::read) fn params(
        &mut self,
        fields: &mut Table<'_>,
        places: &mut WrittenCall,
    ) -> (Option<Params>, Option<Box<ParamValues>>) {
        let table = fields.take(&["params"]).map(|value| value.table("params"));
        let written = table.as_ref().and_then(Option::as_ref).map(Table::entries).unwrap_or_default();
        if let Some(Some(table)) = &table {
            places.whole = table.span();
        }
        let mut keep = |entries: &[Entry<'_>]| {
            let kept = entries.iter().map(|(key, value)| (value.key.to_owned(), key.clone(), value.span()));
            places.parameters.splice(0..0, kept);
        };
        keep(&written);
        let params = match &table {
            Some(table) => table.as_ref().and_then(Params::read),
            // A call that names none has an empty table.
            None => Some(Params { json: "{}".to_owned(), ..Params::default() }),
        };
        let values = fields.take(&["values"]).and_then(|value| value.table("values"));
        let entries = values.map(|values| values.entries()).filter(|_| params.is_some());
        if let Some(entries) = &entries {
            keep(entries); // before those they are laid over
            places.made = entries.iter().map(|(_, value)| value.key.to_owned()).collect();
        }
        let values = entries.map(|entries| self.values(&entries, &written));
        (params, values.flatten().map(Box::new))
    }

    /// The JSON of the parameters `written`, with `values` in the place of those of their names, and behind them.
    fn values(&mut self, values: &[Entry<'_>], written: &[Entry<'_>]) -> Option<ParamValues> {
        let mut made = Vec::new();
        for (_, value) in values {
            made.push((value.key, self.value_of(value)?));
        }
        let mut laid = ParamValues { numbers: Vec::new(), rest: "{".to_owned() };
        let keys = written.iter().map(|(_, value)| value.key);
        let new = made.iter().map(|(key, _)| *key).filter(|key| !written.iter().any(|(_, value)| value.key == *key));
        for (number, key) in keys.chain(new).enumerate() {
            if number > 0 {
                laid.rest.push(',');
            }
            quoted(key, &mut laid.rest);
            laid.rest.push(':');
            if let Some((_, value)) = made.iter().find(|(name, _)| *name == key) {
                laid.numbers.push((std::mem::take(&mut laid.rest), key.to_owned(), value.clone()));
            } else if let Some((_, value)) = written.iter().find(|(_, value)| value.key == key) {
                write(value, &mut laid.rest)?;
            }
        }
        laid.rest.push('}');
        (!laid.numbers.is_empty()).then_some(laid)
    }
}
