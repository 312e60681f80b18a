//! What a configuration asks of the named values of a plugin, held against what the plugin says that it sets.

use std::collections::BTreeSet;

use crate::config::{Condition, Config, Shows};
use crate::sandbox::Metadata;
use crate::state::{StateKey, StatePattern, StateTest, StateValue, ValueKind};
use crate::text::{clean, literal};

/// Longest list of keys that is shown, in bytes.
const MAX_LIST: usize = 200;

/// What `config` asks of the plugin called `name` and that does not set, going by its `metadata`. A plugin that says of no value that it
/// sets it may set any.
pub(super) fn mistakes(config: &Config, name: &str, metadata: &Metadata) -> Vec<String> {
    let declared: Vec<_> = metadata
        .state
        .iter()
        .filter_map(|info| Some((StatePattern::parse(&info.key)?, info.value_kind().unwrap_or(ValueKind::Any))))
        .collect();
    if declared.is_empty() {
        return Vec::new();
    }
    let of_it = |key: &&StateKey| matches!(key, StateKey::Plugin { plugin, .. } if &**plugin == name);
    let kinds = |key: &StateKey| -> BTreeSet<&'static str> {
        let own = key.of_its_plugin().unwrap_or_default();
        declared.iter().filter(|(pattern, _)| pattern.matches(own)).map(|(_, kind)| word(*kind)).collect()
    };
    let known: Vec<&str> = metadata.state.iter().map(|info| info.key.as_str()).collect();
    let unset = config.state_keys.iter().filter(of_it).filter(|key| kinds(key).is_empty()).map(|key| {
        let known = clean(&known.join(", "), MAX_LIST);
        format!("{} is never set: the plugin says that it sets {known}", literal::shown(&key.to_string()))
    });
    let wrong = asked(config).into_iter().filter(|(key, _)| of_it(key)).filter_map(|(key, wanted)| {
        let kinds = kinds(key);
        let fits = kinds.is_empty() || kinds.contains(ANY) || kinds.contains(wanted);
        let kinds: Vec<&str> = kinds.into_iter().collect();
        (!fits).then(|| {
            let key = literal::shown(&key.to_string());
            format!("{key} is asked for as {wanted}: the plugin says that it is {}", kinds.join(" or "))
        })
    });
    let all: BTreeSet<String> = unset.chain(wrong).collect();
    all.into_iter().collect()
}

const ANY: &str = "anything";

fn word(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Text => "a text",
        ValueKind::Number => "a number",
        ValueKind::Flag => "a boolean",
        ValueKind::Any => ANY,
    }
}

/// Keys that something goes by, and what that takes them for.
fn asked(config: &Config) -> Vec<(&StateKey, &'static str)> {
    let of_feedback = config.feedback.iter().filter_map(|feedback| match &feedback.shows {
        Shows::Lamp { when, .. } => Some(&**when),
        Shows::Value { .. } => None,
    });
    let of_modes = config.modes.iter().filter_map(|mode| mode.when.as_ref());
    let of_mappings = config.mappings().filter_map(|mapping| mapping.when.as_ref());
    let tested = of_feedback.chain(of_modes).chain(of_mappings).flat_map(Condition::leaves);
    let tested = tested.filter_map(|leaf| match leaf {
        Condition::State { key, test: StateTest::Equals(StateValue::Text(_)) } => Some((key, word(ValueKind::Text))),
        Condition::State { key, test: StateTest::Equals(StateValue::Flag(_)) } => Some((key, word(ValueKind::Flag))),
        Condition::State { key, .. } => Some((key, word(ValueKind::Number))),
        _ => None,
    });
    let shown = config.feedback.iter().filter_map(|feedback| match &feedback.shows {
        Shows::Value { key, .. } => Some((key, word(ValueKind::Number))),
        Shows::Lamp { .. } => None,
    });
    tested.chain(shown).collect()
}
