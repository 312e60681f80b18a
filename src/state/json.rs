//! Values as JSON.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::value::{StateNumber, StateValue};

/// Whole numbers up to here are written without a fraction, and are what they say.
const WHOLE: f64 = 9_007_199_254_740_992.0;

impl Serialize for StateValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => {
                let number = number.get();
                if number.fract() == 0.0 && number.abs() <= WHOLE {
                    serializer.serialize_i64(number as i64) // whole, and far inside
                } else {
                    serializer.serialize_f64(number)
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for StateValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfJson)
    }
}

struct OfJson;

impl Visitor<'_> for OfJson {
    type Value = StateValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of at most {} bytes, a number, true or false", StateValue::MAX_TEXT)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<StateValue, E> {
        Ok(StateValue::Flag(flag))
    }
    #[allow(clippy::cast_precision_loss)] // as JavaScript reads it
    fn visit_i64<E: Error>(self, number: i64) -> Result<StateValue, E> {
        self.visit_f64(number as f64)
    }
    #[allow(clippy::cast_precision_loss)] // as above
    fn visit_u64<E: Error>(self, number: u64) -> Result<StateValue, E> {
        self.visit_f64(number as f64)
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<StateValue, E> {
        StateNumber::new(number)
            .map(StateValue::Number)
            .ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<StateValue, E> {
        StateValue::text(text).ok_or_else(|| E::invalid_length(text.len(), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were_and_what_is_none_is_refused() {
        for text in [r#""a\"b""#, "1", "-3", "0.5", "1e300", "true", "9007199254740992"] {
            let value: StateValue = serde_json::from_str(text).expect("a value");
            let again = serde_json::to_string(&value).expect("JSON");
            assert_eq!(serde_json::from_str::<StateValue>(&again).expect("a value"), value);
        }
        let written =
            |text| serde_json::to_string(&serde_json::from_str::<StateValue>(text).expect("one")).expect("JSON");
        assert_eq!([written("1.0"), written("-0"), written("0.25")], ["1", "0", "0.25"]);
        for text in ["[]", "{}", "1e400", "null", &format!("\"{}\"", "x".repeat(257))] {
            assert!(serde_json::from_str::<StateValue>(text).is_err(), "{text}");
        }
        assert_eq!(serde_json::from_str::<Option<StateValue>>("null").expect("none"), None);
    }
}
