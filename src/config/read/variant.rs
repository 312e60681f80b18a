//! The two spellings of a trigger, an action or a condition: `{ Note = { note = 60 } }`, and `type = "Note"` with the
//! fields beside it. A variant without fields may be a plain string.

use std::ops::Range;
use std::sync::LazyLock;

use toml::de::DeTable;

use super::table::{Table, shortened};
use super::value::Value;
use crate::config::problem::Problem;
use crate::text::nearest;

/// What a set of variants is called and how one is written.
pub(super) struct Family {
    /// For example "trigger".
    pub(super) kind: &'static str,
    /// Every variant that is told to who asks for another.
    pub(super) names: &'static [&'static str],
    /// Further ones that files in the wild have.
    pub(super) unlisted: &'static [&'static str],
    /// How one is written.
    pub(super) example: &'static str,
}

/// A variant by name, with the table of its fields.
pub(super) struct Variant<'a> {
    /// One of the family's names.
    pub(super) name: &'static str,
    /// Where the name stands.
    pub(super) span: Range<usize>,
    /// Its fields.
    pub(super) fields: Table<'a>,
}

impl Family {
    /// The variant `value` names.
    pub(super) fn read<'a>(&self, value: Value<'a>) -> Option<Variant<'a>> {
        static NO_FIELDS: LazyLock<DeTable<'static>> = LazyLock::new(DeTable::new);
        if let Some(name) = value.toml.as_str() {
            let name = self.known(name, &value)?;
            let fields = Table::new(&NO_FIELDS, value.span(), self.within(name), value.report());
            return Some(Variant { name, span: value.span(), fields });
        }
        if !value.toml.is_table() {
            value.wrong(Problem::NoVariant { kind: self.kind, example: self.example });
            return None;
        }
        let mut table = value.table(format!("this {}", self.kind))?;
        if let Some(tag) = table.take(&["type"]) {
            let name = self.known(tag.string()?, &tag)?;
            table.within = self.within(name);
            return Some(Variant { name, span: tag.span(), fields: table });
        }
        let entries = table.entries();
        if let [(span, body)] = entries.as_slice() {
            if !body.toml.is_table() && nearest(body.key, self.names.iter().copied()).is_none() {
                // A lone field: no variant was named at all.
                value.wrong(Problem::NoVariant { kind: self.kind, example: self.example });
                return None;
            }
            let named = Value::new(body.key, body.toml, span.clone(), value.report());
            let name = self.known(body.key, &named)?;
            return Some(Variant { name, span: span.clone(), fields: body.table(self.within(name))? });
        }
        // Keys beside the variant's name are fields that were left outside its braces.
        let inner = entries.iter().find_map(|(_, body)| self.all().find(|name| **name == body.key));
        let Some(name) = inner else {
            value.wrong(Problem::NoVariant { kind: self.kind, example: self.example });
            return None;
        };
        for (span, body) in entries.iter().filter(|(_, body)| body.key != *name) {
            let remedy = if self.names.contains(&body.key) {
                format!("a {} is one thing: `{name}` or `{}`", self.kind, body.key)
            } else {
                format!("put it inside: {{ {name} = {{ …, {} = … }} }}", shortened(body.key))
            };
            let problem =
                Problem::MisplacedKey { key: shortened(body.key), within: format!("this {}", self.kind), remedy };
            value.report().add(span.clone(), problem);
        }
        None
    }

    fn all(&self) -> impl Iterator<Item = &'static &'static str> {
        self.names.iter().chain(self.unlisted)
    }

    fn within(&self, name: &str) -> String {
        format!("the {} {name}", self.kind)
    }

    fn known(&self, name: &str, value: &Value<'_>) -> Option<&'static str> {
        let known = self.all().find(|known| **known == name).copied();
        if known.is_none() {
            value.wrong(Problem::UnknownName {
                kind: self.kind,
                name: shortened(name),
                nearest: nearest(name, self.names.iter().copied()).map(str::to_owned),
                known: self.names.iter().map(|name| (*name).to_owned()).collect(),
            });
        }
        known
    }
}

/// One word of a closed set, with the words it may be.
pub(super) fn choice<T: Copy>(value: &Value<'_>, kind: &'static str, words: &[(&'static str, T)]) -> Option<T> {
    let word = value.string()?;
    let found = words.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning);
    if found.is_none() {
        value.wrong(Problem::UnknownName {
            kind,
            name: shortened(word),
            nearest: nearest(word, words.iter().map(|(known, _)| *known)).map(str::to_owned),
            known: words.iter().map(|(known, _)| (*known).to_owned()).collect(),
        });
    }
    found
}
