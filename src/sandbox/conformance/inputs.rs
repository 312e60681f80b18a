//! What the gate calls a plugin with.

use serde_json::{Map, Value, json};

use super::CheckName;
use crate::call::Params;
use crate::sandbox::module::metadata::Metadata;
use crate::sandbox::module::params_schema::Schema;

/// Length of the huge parameters, in bytes.
const HUGE: usize = 256 << 10;

/// Brackets of the parameters that would exhaust the stack of a careless parser.
const DEEP: usize = 10_000;

/// Actions that are tried, of those a plugin declares.
const MOST_ACTIONS: usize = 64;

/// What is handed to `execute`.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// Parameters as a mapping may have them, of whatever kind.
    Mapping(Params),
    /// Bytes that no mapping leads to: only a host that is broken hands them over.
    Broken(String),
}

/// The inputs of each check, in order.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) checks: [(CheckName, Vec<Input>); 5],
    /// What a plugin declares and cannot be tried.
    pub(super) remarks: Vec<String>,
}

impl Inputs {
    /// Inputs for a plugin that says this of itself, and is handed the parameters alone when it is `raw`: then what is no JSON comes from
    /// a broken host. Otherwise they are a part of the request, which is JSON whatever they are.
    pub(super) fn of(metadata: Option<&Metadata>, raw: bool) -> Self {
        let (ordinary, remarks) = ordinary(metadata);
        let checks = [
            (CheckName::EmptyParams, vec![Value::Object(Map::new())]),
            (CheckName::OrdinaryParams, ordinary.clone()),
            (CheckName::UnexpectedParams, unexpected(ordinary.first())),
            (CheckName::HugeParams, vec![huge(metadata, &ordinary)]),
        ]
        .map(|(name, values)| (name, values.iter().map(mapping).collect()));
        let [empty, ordinary, unexpected, huge] = checks;
        Self { checks: [empty, ordinary, unexpected, huge, (CheckName::MalformedParams, malformed(raw))], remarks }
    }
}

fn mapping(value: &Value) -> Input {
    let json = value.to_string();
    // JSON that was just written can be read.
    Input::Mapping(Params::from_json(&json).unwrap_or_default())
}

/// Parameters that fit what the plugin declares: its schema and each of its actions. Of a plugin that declares nothing, those that a
/// mapping is likely to have. The first is there twice, for a plugin that keeps something from call to call.
fn ordinary(metadata: Option<&Metadata>) -> (Vec<Value>, Vec<String>) {
    let schema = metadata.and_then(|metadata| metadata.params_schema.as_ref());
    let tables = schema.map(Schema::tables).unwrap_or_default();
    let fits = |table: &Map<String, Value>| schema.is_none_or(|schema| schema.fits(&Value::Object(table.clone())));
    let mut remarks = Vec::new();
    let mut made: Vec<Value> = Vec::new();
    let actions = metadata.map(|metadata| metadata.actions.as_slice()).unwrap_or_default();
    for action in actions.iter().filter(|action| !action.name.is_empty()).take(MOST_ACTIONS) {
        let parameters: Vec<String> = (1..=action.parameters.len()).map(|number| number.to_string()).collect();
        let with = |table: &Map<String, Value>, parameters: &[String]| {
            let mut table = table.clone();
            table.insert("action".into(), action.name.clone().into());
            if !parameters.is_empty() {
                table.insert("parameters".into(), parameters.into());
            }
            table
        };
        let empty = Map::new();
        // As much as fits of what there is to say.
        let fitting =
            tables.iter().chain([&empty]).flat_map(|table| [with(table, &parameters), with(table, &[])]).find(fits);
        match fitting {
            Some(table) => made.push(Value::Object(table)),
            None => remarks.push(format!("its params_schema turns away its own action \"{}\"", action.name)),
        }
    }
    if actions.len() > MOST_ACTIONS {
        remarks.push(format!("of its {} actions {MOST_ACTIONS} were tried", actions.len()));
    }
    made.extend(tables.into_iter().map(Value::Object));
    if schema.is_none() {
        made.push(json!({"action": "play", "parameters": ["1", "two"], "level": 70, "on": true, "name": "Grüße"}));
    }
    if let Some(first) = made.first().cloned() {
        made.insert(0, first);
    }
    (made, remarks)
}

/// Parameters that a mapping may have as well: of other types than they usually are, and with keys that nobody asked for.
fn unexpected(ordinary: Option<&Value>) -> Vec<Value> {
    let mut made = vec![
        json!({"action": 5}),
        json!({"action": true}),
        json!({"action": ["play"]}),
        json!({"action": {"name": "play"}}),
        json!({"action": ""}),
        json!({"action": "no such action"}),
        json!({"action": "play", "parameters": "1"}),
        json!({"action": "play", "parameters": [1, -2.5, true, ["x"], {"y": []}]}),
        json!({"level": i64::MIN, "on": "yes", "name": [[[]]]}),
    ];
    if let Some(Value::Object(table)) = ordinary {
        let mut table = table.clone();
        table.insert("unexpected".into(), json!({"a": [1]}));
        made.push(Value::Object(table));
    }
    made
}

/// The first ordinary parameters with a text in them that is huge, where such fit.
fn huge(metadata: Option<&Metadata>, ordinary: &[Value]) -> Value {
    let text = Value::String("x".repeat(HUGE));
    let fits = |value: &Value| {
        let schema = metadata.and_then(|metadata| metadata.params_schema.as_ref());
        schema.is_none_or(|schema| schema.fits(value))
    };
    let play = json!({"action": "play", "text": text});
    let Some(Value::Object(table)) = ordinary.first() else { return play };
    let texts =
        table.iter().filter(|(name, value)| *name != "action" && value.is_string()).map(|(name, _)| name.as_str());
    let with = |name: &str| {
        let mut table = table.clone();
        table.insert(name.to_owned(), text.clone());
        Value::Object(table)
    };
    ["text"].into_iter().chain(texts).chain(["action"]).map(with).find(fits).unwrap_or(play)
}

/// What is no parameters at all: handed over as it is to a plugin that is given them `raw`, and to another as its action.
fn malformed(raw: bool) -> Vec<Input> {
    let deep = "[".repeat(DEEP);
    let texts = [r#"{"action":"pla"#, "[1,2", "", "\u{0}", "nonsense", "[]", "5", "null", &deep];
    let input = |text: &str| {
        if raw { Input::Broken(text.to_owned()) } else { mapping(&json!({ "action": text })) }
    };
    texts.into_iter().map(input).collect()
}
