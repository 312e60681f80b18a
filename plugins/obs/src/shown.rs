//! What OBS does, as named values of this plugin: each is set when it changes.

use std::collections::{BTreeMap, BTreeSet};

use conductor_plugin::{Level, key_part, log, remove_state, set_state};
use serde::Serialize;

/// Longest text of a named value, in bytes.
const MAX_TEXT: usize = 256;

/// A named value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Flag(bool),
    Number(f64),
    Text(String),
}

impl Value {
    /// A text, as much of it as a value may have.
    pub(crate) fn text(text: &str) -> Self {
        let mut end = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self::Text(text[..end].to_owned())
    }
}

/// What is set now.
#[derive(Default)]
pub(crate) struct Shown {
    values: BTreeMap<String, Value>,
    /// Keys of things with names, as far as they were found since somebody began to look: those that are not found are gone.
    found: Option<BTreeSet<String>>,
    /// That something finds no room was said.
    said: bool,
}

impl Shown {
    /// Sets `key`, or removes it.
    pub(crate) fn set(&mut self, key: &str, value: Option<Value>) {
        if let (Some(found), Some(_)) = (&mut self.found, &value) {
            found.insert(key.to_owned());
        }
        if self.values.get(key) == value.as_ref() {
            return;
        }
        let done = match &value {
            Some(value) => set_state(key, value),
            None => remove_state(key),
        };
        match (done, value) {
            (Ok(()), Some(value)) => drop(self.values.insert(key.to_owned(), value)),
            (Ok(()), None) => drop(self.values.remove(key)),
            // A name that is too long, or more of them than a plugin may set: the others are shown.
            (Err(refused), _) => {
                if !std::mem::replace(&mut self.said, true) {
                    log(Level::Warn, &format!("{key} is not shown, and perhaps others are not: {refused}"));
                }
            }
        }
    }

    pub(crate) fn flag(&mut self, key: &str, value: bool) {
        self.set(key, Some(Value::Flag(value)));
    }

    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.set(key, Some(Value::text(text)));
    }

    /// The same for something of OBS's that has a name: `muted.` and `Mic/Aux`.
    pub(crate) fn named(&mut self, prefix: &str, name: &str, value: Value) {
        self.set(&format!("{prefix}.{}", key_part(name)), Some(value));
    }

    /// The same for something in something: `visible.`, a scene, a source.
    pub(crate) fn inside(&mut self, prefix: &str, outer: &str, name: &str, value: bool) {
        self.set(&format!("{prefix}.{}.{}", key_part(outer), key_part(name)), Some(Value::Flag(value)));
    }

    /// Whether `prefix.outer.name` was found since [`begin`](Self::begin).
    pub(crate) fn is_found(&self, prefix: &str, outer: &str, name: &str) -> bool {
        let key = format!("{prefix}.{}.{}", key_part(outer), key_part(name));
        self.found.as_ref().is_some_and(|found| found.contains(&key))
    }

    /// From here on it is noted what there is.
    pub(crate) fn begin(&mut self) {
        self.found = Some(BTreeSet::new());
    }

    /// All there is was found: what has a name and was not found goes.
    pub(crate) fn end(&mut self) {
        let Some(found) = self.found.take() else { return };
        let gone: Vec<String> =
            self.values.keys().filter(|key| key.contains('.') && !found.contains(*key)).cloned().collect();
        for key in gone {
            self.set(&key, None);
        }
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&mut self) {
        self.found = None;
        let keys: Vec<String> = self.values.keys().cloned().collect();
        for key in keys {
            self.set(&key, None);
        }
        self.said = false;
    }
}
