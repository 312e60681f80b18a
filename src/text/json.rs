//! Whether a text is JSON that every reader can read, and what a JSON parser says.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::clean_name;

/// Deepest nesting of arrays and objects. What is checked stands a little deeper in a line of a transcript, and readers, this
/// program among them, end at 128 or a few times that.
const MAX_DEPTH: u8 = 100;

/// Longest words of a parser that are shown, in bytes.
const MAX_WORDS: usize = 300;

/// What is wrong with a file, and where. The parser's words repeat names and values of the file as they are, however long: here they
/// stand on one line, escaped and cut.
#[must_use]
pub fn json_error(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(words) => clean_name(words, MAX_WORDS) + &place,
        None => clean_name(&text, MAX_WORDS),
    }
}

/// Holds `text` to be one JSON value of bounded depth, whose strings are Unicode and whose numbers can be represented.
pub fn check_json(text: &str) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Readable { depth: MAX_DEPTH }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// A value that is looked at and not kept.
#[derive(Clone, Copy)]
struct Readable {
    /// Levels it may still have.
    depth: u8,
}

impl Readable {
    fn inside<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        depth
            .map(|depth| Self { depth })
            .ok_or_else(|| E::custom(format!("arrays and objects nested deeper than {MAX_DEPTH}")))
    }
}

impl<'de> DeserializeSeed<'de> for Readable {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Not as something to be ignored: then strings and numbers would be skipped and not read.
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while sequence.next_element_seed(inside)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while map.next_key_seed(inside)?.is_some() {
            map.next_value_seed(inside)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_parser_repeats_of_a_file_is_escaped_and_cut_and_the_place_stays() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}
        let said = |text: &str| json_error(&serde_json::from_str::<Empty>(text).expect_err("an unknown key"));
        let shown = said("{\n\"a\u{7f}\\n\u{202e}\": 1}");
        assert_eq!(shown, r"unknown field `a\u{7f}\n\u{202e}`, there are no fields at line 2 column 9");
        let long = said(&format!("{{\"{}\": 1}}", "k".repeat(1 << 20)));
        assert!(long.len() < 400, "{} bytes", long.len());
        assert!(long.ends_with("… at line 1 column 1048579"), "{long}");
    }

    fn nested(depth: usize) -> String {
        "[".repeat(depth) + &"]".repeat(depth)
    }

    #[test]
    fn what_any_reader_reads_passes() {
        let deep = nested(100);
        for text in [
            "{\"a\":[1,-2.5e3,\"\\ud83d\\ude00\\u0000\",null,true]}",
            " 7 ",
            "\"\"",
            "18446744073709551616",
            "1e-999",
            &deep,
        ] {
            assert!(check_json(text).is_ok(), "{text}");
            let line = format!("{{\"output\":{{\"inner\":{text}}}}}");
            assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "in a line: {text}");
        }
    }

    #[test]
    fn what_breaks_readers_is_refused() {
        for (text, why) in [
            (nested(101), "nested deeper than 100"),
            (nested(30_000), "nested deeper than 100"),
            ("{\"a\":".repeat(101) + "1" + &"}".repeat(101), "nested deeper than 100"),
            ("\"\\ud800\"".to_owned(), "hex escape"),
            ("\"\\ud800\\u0041\"".to_owned(), "surrogate"),
            ("{\"\\udc00\":1}".to_owned(), "surrogate"),
            ("1e999".to_owned(), "out of range"),
            ("[-1e400]".to_owned(), "out of range"),
            ("1 2".to_owned(), "trailing"),
            (String::new(), "EOF"),
            ("NaN".to_owned(), "expected value"),
        ] {
            let error = check_json(&text).expect_err(&text).to_string();
            assert!(error.contains(why), "{text:.20}: {error}");
        }
    }
}
