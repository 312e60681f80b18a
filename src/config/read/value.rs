//! One value with the key that leads to it; what it cannot be taken as, it reports.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::report::Report;
use super::table::{Table, shortened};
use crate::config::problem::Problem;
use crate::midi::{MAX_SYSEX, SysExTextError};

/// A value under a key, or in a list under a key.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    /// The key, for messages.
    pub(super) key: &'a str,
    /// The value.
    pub(super) toml: &'a DeValue<'a>,
    /// First byte in the text.
    start: usize,
    /// Byte after the last.
    end: usize,
    /// Whether it is an element of the list under the key.
    element: bool,
    report: &'a Report,
}

impl<'a> Value<'a> {
    pub(super) fn new(key: &'a str, toml: &'a DeValue<'a>, span: Range<usize>, report: &'a Report) -> Self {
        Self { key, toml, start: span.start, end: span.end, element: false, report }
    }
    /// Its bytes in the text.
    pub(super) fn span(&self) -> Range<usize> {
        self.start..self.end
    }
    /// Its line in the text, from 1.
    pub(super) fn line(&self) -> u32 {
        self.report.line(self.start)
    }
    /// Where it reports to.
    pub(super) fn report(&self) -> &'a Report {
        self.report
    }
    /// Reports `problem` here.
    pub(super) fn wrong(&self, problem: Problem) {
        self.report.add(self.span(), problem);
    }
    /// Reports that it is not what is `expected`.
    pub(super) fn wrong_type(&self, expected: &'static str) {
        let corrected = self.corrected(expected);
        self.wrong(Problem::WrongType { key: shortened(self.key), expected, found: kind(self.toml), corrected });
    }
    /// How it was probably meant, where quotes or brackets are all that is wrong.
    fn corrected(&self, expected: &str) -> Option<String> {
        let written = self.report.text(self.span()).filter(|text| text.len() <= 80 && !text.contains('\n'))?;
        let inside = self.toml.as_str().unwrap_or(written);
        let value = match (expected, self.toml) {
            ("a list", DeValue::Array(_)) | ("a string", DeValue::Array(_) | DeValue::Table(_)) => return None,
            ("a list", _) => format!("[{written}]"),
            ("a string", _) => format!("\"{written}\""),
            ("an integer", DeValue::String(_)) => inside.trim().parse::<i64>().ok()?.to_string(),
            ("true or false", DeValue::String(_) | DeValue::Integer(_)) => match inside.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => "true".to_owned(),
                "false" | "no" | "off" | "0" => "false".to_owned(),
                _ => return None,
            },
            _ => return None,
        };
        Some(if self.element { value } else { format!("{} = {value}", shortened(self.key)) })
    }
    /// Reports that it should have been `wanted`.
    pub(super) fn malformed(&self, found: &str, wanted: &'static str) {
        self.wrong(Problem::Malformed { key: shortened(self.key), found: shortened(found), wanted });
    }

    /// A string.
    pub(super) fn string(&self) -> Option<&'a str> {
        let text = self.toml.as_str();
        if text.is_none() {
            self.wrong_type("a string");
        }
        text
    }
    /// A string with something in it, at most `most` bytes, without NUL, which no program, port or file can be told.
    pub(super) fn text(&self, wanted: &'static str, most: usize) -> Option<&'a str> {
        let text = self.string()?;
        if text.is_empty() {
            self.wrong(Problem::Empty { key: shortened(self.key), wanted });
            return None;
        }
        if text.len() > most {
            self.wrong(Problem::TooMuch { what: "bytes of text", found: text.len() as u64, most: most as u64 });
            return None;
        }
        if text.contains('\0') {
            self.malformed(text, "text without NUL characters");
            return None;
        }
        Some(text)
    }
    /// A `SysEx` message or the beginning of one, as `read` understands its text.
    pub(super) fn sysex(&self, read: fn(&str) -> Result<Box<[u8]>, SysExTextError>) -> Option<Box<[u8]>> {
        let text = self.string()?;
        match read(text) {
            Ok(payload) => return Some(payload),
            Err(SysExTextError::Digits) => {
                self.malformed(text, "pairs of hexadecimal digits, for example \"f0 7e 7f 06 01 f7\"");
            }
            Err(SysExTextError::Bytes) => {
                self.malformed(text, "bytes from 00 to 7f, and f0 and f7 only where one message begins and ends");
            }
            Err(SysExTextError::TooLong(found)) => {
                let (found, most) = (found as u64, MAX_SYSEX as u64);
                self.wrong(Problem::TooMuch { what: "bytes of a SysEx message", found, most });
            }
        }
        None
    }
    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Option<bool> {
        let flag = self.toml.as_bool();
        if flag.is_none() {
            self.wrong_type("true or false");
        }
        flag
    }
    /// An integer in `range`.
    pub(super) fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let DeValue::Integer(number) = self.toml else {
            self.wrong_type("an integer");
            return None;
        };
        let parsed = integer(number).filter(|number| range.contains(number));
        if parsed.is_none() {
            self.wrong(Problem::OutOfRange {
                key: shortened(self.key),
                found: shortened(&number.to_string()),
                least: *range.start(),
                most: *range.end(),
            });
        }
        parsed
    }
    /// The integer, when it is one; nothing is reported.
    pub(super) fn plain_integer(&self) -> Option<i64> {
        if let DeValue::Integer(number) = self.toml { integer(number) } else { None }
    }
    /// What this integer is, in 64 bits.
    pub(super) fn whole(&self, number: &DeInteger<'_>) -> Option<i64> {
        let parsed = integer(number);
        if parsed.is_none() {
            self.malformed(&number.to_string(), "an integer of 64 bits");
        }
        parsed
    }
    /// A table, which messages call `within`.
    pub(super) fn table(&self, within: impl Into<String>) -> Option<Table<'a>> {
        let Some(table) = self.toml.as_table() else {
            self.wrong_type("a table");
            return None;
        };
        Some(Table::new(table, self.span(), within.into(), self.report))
    }
    /// The elements of a list of at most `most`.
    pub(super) fn list(&self, most: usize) -> Option<Vec<Self>> {
        let Some(array) = self.toml.as_array() else {
            self.wrong_type("a list");
            return None;
        };
        if array.len() > most {
            self.wrong(Problem::TooMuch {
                what: "elements in this list",
                found: array.len() as u64,
                most: most as u64,
            });
            return None;
        }
        let element = |item: &'a Spanned<DeValue<'a>>| Self {
            element: true,
            ..Self::new(self.key, item.get_ref(), item.span(), self.report)
        };
        Some(array.iter().map(element).collect())
    }
}

/// The integer, if it fits.
fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// What a value is, with its article.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a decimal point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
