//! Parameters made to fit a schema: ordinary ones first, then what its limits allow.

use serde_json::{Map, Number, Value};

use super::{Schema, Type};

/// Values that are made for one schema. Each may be as large as the schema, which is small.
const MOST: usize = 24;

/// Longest text that is made, in characters.
const LONGEST: u64 = 1 << 16;

impl Schema {
    /// Tables that fit: the first with every property that is known, the second with those alone that have to be there, then others.
    /// None where no table does, as far as was tried.
    pub(in crate::sandbox) fn tables(&self) -> Vec<Map<String, Value>> {
        let mut tables = Vec::new();
        for value in self.values.iter().flatten().cloned().chain(self.objects()) {
            match value {
                Value::Object(table) if tables.len() < MOST && self.fits_table(&table) => tables.push(table),
                _ => {}
            }
        }
        tables
    }

    fn fits_table(&self, table: &Map<String, Value>) -> bool {
        self.fits(&Value::Object(table.clone()))
    }

    /// Values that fit, an ordinary one first.
    pub(super) fn samples(&self) -> Vec<Value> {
        let mut samples = match &self.values {
            Some(values) => values.clone(),
            None => self.likely_types().into_iter().flat_map(|ty| self.samples_of(ty)).collect(),
        };
        samples.retain(|sample| self.fits(sample));
        samples.truncate(MOST);
        samples
    }

    /// The types it names; where it names none, those that its keywords are about.
    fn likely_types(&self) -> Vec<Type> {
        if !self.types.is_empty() {
            return self.types.clone();
        }
        if self.closed || !self.properties.is_empty() || !self.required.is_empty() {
            vec![Type::Object]
        } else if self.items.is_some() {
            vec![Type::Array]
        } else if self.minimum.is_some() || self.maximum.is_some() {
            vec![Type::Number]
        } else if self.min_length.is_some() || self.max_length.is_some() {
            vec![Type::String]
        } else {
            vec![Type::String, Type::Number, Type::Boolean]
        }
    }

    fn samples_of(&self, ty: Type) -> Vec<Value> {
        match ty {
            Type::Null => vec![Value::Null],
            Type::Boolean => vec![Value::Bool(true), Value::Bool(false)],
            Type::Integer => self.numbers().into_iter().filter(|number| Type::Integer.is(number)).collect(),
            Type::Number => self.numbers(),
            Type::String => self.texts(),
            Type::Array => self.arrays(),
            Type::Object => self.objects(),
        }
    }

    fn numbers(&self) -> Vec<Value> {
        let bounds = [&self.minimum, &self.maximum].into_iter().flatten();
        // The whole numbers beside a bound that is none; a bound beyond them is left to itself.
        let whole = bounds.clone().filter_map(Number::as_f64).flat_map(|bound| [bound.ceil(), bound.floor()]);
        let whole = whole.filter(|bound| bound.abs() < 9e15).map(|bound| Number::from(bound as i64));
        let ordinary = [70, 1, 0, -1, 127, 65_536].into_iter().map(Number::from);
        let mut numbers: Vec<Value> = ordinary.chain(bounds.cloned()).chain(whole).map(Value::Number).collect();
        numbers.extend(Number::from_f64(0.5).map(Value::Number));
        numbers
    }

    fn texts(&self) -> Vec<Value> {
        let of_length = |length: u64| "x".repeat(usize::try_from(length.min(LONGEST)).unwrap_or(0));
        let bounds = [self.min_length, self.max_length].into_iter().flatten();
        let texts = ["play", "1", "Grüße", ""].map(str::to_owned);
        texts.into_iter().chain(bounds.map(of_length)).map(Value::String).collect()
    }

    fn arrays(&self) -> Vec<Value> {
        let Some(items) = &self.items else {
            return vec![Value::from(vec!["1", "two"]), Value::Array(Vec::new())];
        };
        // One item: an array of arrays would grow with every level.
        let first = items.samples().into_iter().next().map(|item| Value::Array(vec![item]));
        first.into_iter().chain([Value::Array(Vec::new())]).collect()
    }

    fn objects(&self) -> Vec<Value> {
        let known: Vec<(&String, Vec<Value>)> =
            self.properties.iter().map(|(name, schema)| (name, schema.samples())).collect();
        let mut full = Map::new();
        for (name, samples) in &known {
            full.extend(samples.first().map(|first| ((*name).clone(), first.clone())));
        }
        for name in self.required.iter().filter(|name| !self.properties.contains_key(*name)) {
            full.insert(name.clone(), Value::from("1"));
        }
        let mut least = full.clone();
        least.retain(|name, _| self.required.contains(name));
        let mut objects = vec![Value::Object(full.clone()), Value::Object(least)];
        for (name, samples) in known {
            for sample in samples.into_iter().skip(1).take(MOST.saturating_sub(objects.len())) {
                let mut other = full.clone();
                other.insert(name.clone(), sample);
                objects.push(Value::Object(other));
            }
        }
        objects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(schema: &str) -> Vec<String> {
        let schema: Schema = serde_json::from_str(schema).expect(schema);
        let tables = schema.tables();
        assert!(tables.iter().all(|table| schema.fits_table(table)), "{tables:?}");
        tables.into_iter().map(|table| Value::Object(table).to_string()).collect()
    }

    #[test]
    fn every_table_fits_and_every_alternative_is_among_them() {
        let made = tables(
            r#"{"type":"object","required":["action","level"],"additionalProperties":false,"properties":{
              "action":{"enum":["play","stop"]}, "level":{"type":"integer","minimum":99.5,"maximum":101},
              "list":{"type":"array","items":{"type":["null","object"],"required":["x"]}},
              "name":{"type":"string","minLength":6}}}"#,
        );
        assert_eq!(made[0], r#"{"action":"play","level":101,"list":[null],"name":"xxxxxx"}"#);
        assert_eq!(made[1], r#"{"action":"play","level":101}"#);
        assert!(made.iter().any(|table| table.contains(r#""action":"stop""#)), "{made:?}");
        assert!(made.iter().any(|table| table.contains(r#""level":100"#)), "{made:?}");
        assert_eq!(tables("{}"), ["{}", "{}"]);
        assert_eq!(tables(r#"{"enum":[1,{"a":2}]}"#), [r#"{"a":2}"#]);
        assert_eq!(tables(r#"{"required":["what","ever"]}"#)[0], r#"{"ever":"1","what":"1"}"#);
    }

    #[test]
    fn a_schema_that_no_table_fits_gives_none() {
        for schema in [
            r#"{"type":"string"}"#,
            r#"{"required":["a"],"additionalProperties":false}"#,
            r#"{"properties":{"a":{"type":"string","minLength":5,"maxLength":4}},"required":["a"]}"#,
        ] {
            assert_eq!(tables(schema), [""; 0], "{schema}");
        }
    }

    #[test]
    fn what_is_made_stays_small_however_deep_and_wide_a_schema_is() {
        let deep = format!("{}{{}}{}", r#"{"items":"#.repeat(14), "}".repeat(14));
        let wide: Vec<String> = (0..1000).map(|number| format!(r#""p{number}":{deep}"#)).collect();
        let made = tables(&format!(r#"{{"properties":{{{}}}}}"#, wide.join(",")));
        assert_eq!(made.len(), MOST);
        assert!(made.iter().all(|table| table.len() < 100_000));
    }
}
