//! Named values: their keys, what they are set to, and what conditions ask of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::DeValue;

use super::Reader;
use super::report::Report;
use super::table::{Table, shortened};
use super::value::Value;
use crate::config::action::SetValue;
use crate::config::condition::Condition;
use crate::config::problem::Problem;
use crate::config::wasm::PluginConfig;
use crate::state::{KINDS, KeyFault, StateKey, StateNumber, StateTest, StateValue, ValueKind};
use crate::text::nearest;

/// Named values, as far as the file has been read.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// What something asks for.
    pub(super) asked: BTreeSet<StateKey>,
    /// Where.
    places: Vec<(StateKey, Range<usize>)>,
    /// What actions set.
    pub(super) set: BTreeSet<StateKey>,
    /// Tenants that plugins are called for.
    pub(super) tenants: BTreeSet<String>,
}

impl Reader<'_> {
    /// The key that `value` is. Whether the file has such a name is known at its end.
    pub(super) fn state_key(&mut self, value: &Value<'_>) -> Option<StateKey> {
        let key = self.key(value)?;
        self.state.asked.insert(key.clone());
        self.state.places.push((key.clone(), value.span()));
        Some(key)
    }

    fn key(&self, value: &Value<'_>) -> Option<StateKey> {
        let text = value.string()?;
        let first = self.channels.first();
        let fault = match StateKey::parse(text, |number| first.channel(number)) {
            Ok(key) => {
                if let Some(device) = key.device() {
                    self.defined(value, "device", device, &self.devices)?;
                }
                return Some(key);
            }
            Err(fault) => fault,
        };
        match fault {
            KeyFault::TooLong => {
                let (found, most) = (text.len() as u64, StateKey::MAX as u64);
                value.wrong(Problem::TooMuch { what: "bytes of a state key", found, most });
            }
            KeyFault::Malformed => value.malformed(
                text,
                "parts with dots between them, in double quotes where one has other characters than letters, digits, _ and -",
            ),
            KeyFault::Wanted(wanted) => value.malformed(text, wanted),
            KeyFault::Unknown(name) => value.wrong(Problem::UnknownName {
                kind: "state key",
                nearest: nearest(&name, KINDS).map(str::to_owned),
                name: shortened(&name),
                known: KINDS.map(str::to_owned).to_vec(),
            }),
        }
        None
    }

    /// The name under `name`, as a key of the kind that `of` makes. It is one that is set.
    pub(super) fn state_name(&mut self, fields: &mut Table<'_>, of: fn(Box<str>) -> StateKey) -> Option<StateKey> {
        let value = fields.need(&["name"])?;
        let name = value.text("a name", super::MAX_LABEL)?;
        let key = of(name.into());
        // Whatever has a name can be asked for by it.
        if StateKey::parse(&key.to_string(), |_| None).as_ref() != Ok(&key) {
            value.malformed(name, "a name of at most 200 bytes, without control characters");
            return None;
        }
        self.state.set.insert(key.clone());
        Some(key)
    }

    /// The key and the value of a `Set`.
    pub(super) fn set_value(&mut self, fields: &mut Table<'_>) -> Option<(StateKey, SetValue)> {
        let key = fields.need(&["key"]).and_then(|value| {
            let key = self.key(&value)?;
            if !matches!(key, StateKey::Var(_) | StateKey::Toggle(_)) {
                value.malformed(&key.to_string(), "a key that actions may set: \"var.NAME\" or \"toggle.NAME\"");
                return None;
            }
            self.state.set.insert(key.clone());
            Some(key)
        });
        let value = fields.need(&["value"])?;
        let kind = key.as_ref().map_or(ValueKind::Any, StateKey::kind);
        let read = if value.toml.is_table() && matches!(kind, ValueKind::Any | ValueKind::Number) {
            self.value_of(&value).map(|value| SetValue::Of(Box::new(value)))
        } else {
            state_value(&value, kind).map(SetValue::Fixed)
        };
        Some((key?, read?))
    }

    /// What `State` asks.
    pub(super) fn state_condition(&mut self, fields: &mut Table<'_>) -> Option<Condition> {
        let value = fields.need(&["key"]);
        let key = value.and_then(|value| self.state_key(&value));
        let kind = key.as_ref().map_or(ValueKind::Any, StateKey::kind);
        let equals = fields.take(&["equals"]);
        let ends = [fields.take(&["min"]), fields.take(&["max"])];
        let test = match (equals, ends) {
            (Some(wanted), [None, None]) => {
                let wanted_value = state_value(&wanted, kind)?;
                if let (Some(StateKey::Mode), StateValue::Text(name)) = (&key, &wanted_value) {
                    self.defined(&wanted, "mode", name, &self.modes)?;
                }
                StateTest::Equals(wanted_value)
            }
            (None, [min, max]) if min.is_some() || max.is_some() => {
                let [low, high] = [min, max].map(|end| end.and_then(|end| finite(&end)));
                if let (Some(value), false) = (value, matches!(kind, ValueKind::Number | ValueKind::Any)) {
                    let text = key.as_ref().map(ToString::to_string).unwrap_or_default();
                    value.malformed(&text, "a key whose value is a number; others are asked for with `equals`");
                    return None;
                }
                if let (Some(low), Some(high), Some(end)) = (low, high, max)
                    && low > high
                {
                    end.malformed(&high.to_string(), "a number that is not less than `min`");
                }
                StateTest::Within { min: low, max: high }
            }
            (equals, _) => {
                let (within, both) = (fields.within.clone(), equals.is_some());
                let problem = Problem::OneOf { keys: ["equals", "min` or `max"], within, both };
                fields.report.add(fields.span(), problem);
                return None;
            }
        };
        Some(Condition::State { key: key?, test })
    }

    /// Reports names that the file does not have, and gives the keys that something asks for.
    pub(super) fn settle_state(&mut self, plugins: &BTreeMap<String, PluginConfig>) -> BTreeSet<StateKey> {
        let Names { asked, places, set, tenants } = std::mem::take(&mut self.state);
        // Where something is missing because it is wrong, what names it is not.
        if self.report.errors() == 0 {
            for (key, span) in places {
                check(&key, span, &set, plugins, &tenants, self.report);
            }
        }
        asked
    }
}

/// Reports `key` at `span` where the file has no such name.
fn check(
    key: &StateKey,
    span: Range<usize>,
    set: &BTreeSet<StateKey>,
    plugins: &BTreeMap<String, PluginConfig>,
    tenants: &BTreeSet<String>,
    report: &Report,
) {
    let unknown = |kind: &'static str, name: &str, known: Vec<&str>| {
        let close = nearest(name, known.iter().copied()).map(shortened);
        let known = known.into_iter().take(12).map(shortened).collect();
        report.add(span.clone(), Problem::UnknownName { kind, name: shortened(name), nearest: close, known });
    };
    let name_of = |key| match key {
        StateKey::Toggle(name) => Some(("toggle", name)),
        StateKey::Cycle(name) => Some(("cycle", name)),
        StateKey::Var(name) => Some(("variable", name)),
        _ => None,
    };
    if let Some((kind, name)) = name_of(key.clone()).filter(|_| !set.contains(key)) {
        let others: Vec<_> = set.iter().cloned().filter_map(name_of).filter(|(of, _)| *of == kind).collect();
        unknown(kind, &name, others.iter().map(|(_, name)| &**name).collect());
    }
    if let StateKey::Plugin { tenant, plugin, .. } = key {
        if !plugins.contains_key(&**plugin) {
            unknown("plugin", plugin, plugins.keys().map(String::as_str).collect());
        } else if let Some(tenant) = tenant.as_ref().filter(|tenant| !tenants.contains(&***tenant)) {
            unknown("tenant", tenant, tenants.iter().map(String::as_str).collect());
        }
    }
}

/// A value of this kind.
fn state_value(value: &Value<'_>, kind: ValueKind) -> Option<StateValue> {
    match kind {
        ValueKind::Text => text(value),
        ValueKind::Number => finite(value).map(StateValue::Number),
        ValueKind::Flag => value.boolean().map(StateValue::Flag),
        ValueKind::Any => match value.toml {
            DeValue::String(_) => text(value),
            DeValue::Integer(_) | DeValue::Float(_) => finite(value).map(StateValue::Number),
            DeValue::Boolean(flag) => Some(StateValue::Flag(*flag)),
            _ => {
                value.wrong_type("a text, a number, true or false");
                None
            }
        },
    }
}

fn text(value: &Value<'_>) -> Option<StateValue> {
    let text = value.string()?;
    let read = StateValue::text(text);
    if read.is_none() {
        let (found, most) = (text.len() as u64, StateValue::MAX_TEXT as u64);
        value.wrong(Problem::TooMuch { what: "bytes of text", found, most });
    }
    read
}

/// A finite number.
pub(super) fn finite(value: &Value<'_>) -> Option<StateNumber> {
    let written = match value.toml {
        // As the text of a floating-point number, so that every integer is one.
        DeValue::Integer(number) => value.whole(number)?.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        _ => {
            value.wrong_type("a number");
            return None;
        }
    };
    let number = written.parse().ok().and_then(StateNumber::new);
    if number.is_none() {
        value.malformed(&written, "a finite number");
    }
    number
}
