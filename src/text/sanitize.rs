//! The one cleaner for foreign text: what a terminal or a log is given shows what is there, and obeys none of it.
//!
//! Foreign is whatever this program did not write: names of files, plugins, modules, devices, ports, D-Bus peers; arguments,
//! environment, TOML keys, headers, fields of signatures and journals, the words of plugins and of programs. A value is
//! escaped where it is put into a sentence, newline included ([`Escape::escaped`], [`clean`]), so that it can never look like
//! a line of its own. What goes to the terminal is escaped once more, line by line ([`escape_lines`]).

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::{self, Display, Formatter, Write as _};
use std::path::Path;

/// Whether `c` moves the cursor, colours the screen, ends a line, reorders what stands beside it, or cannot be seen.
///
/// The table is fixed, and not the standard library's, because what a plugin says is part of a transcript: it must not change
/// with the compiler. Letters with combining marks and the variation selectors of emoji are text.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    matches!(u32::from(c),
        // C1 controls, soft hyphen, the joiner that is none.
        0x80..=0x9f | 0xad | 0x034f
        // Arabic, Syriac, Kaithi, Egyptian, shorthand and musical format characters.
        | 0x0600..=0x0605 | 0x061c | 0x06dd | 0x070f | 0x0890..=0x0891 | 0x08e2 | 0x1_10bd | 0x1_10cd
        | 0x1_3430..=0x1_343f | 0x1_bca0..=0x1_bca3 | 0x1_d173..=0x1_d17a
        // Fillers without a glyph: Hangul, Khmer, Mongolian.
        | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x3164 | 0xffa0
        // Zero width, marks and overrides of direction, line and paragraph separators.
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff
        // Private use, noncharacters, specials, and the planes without characters, tags included.
        | 0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xfff0..=0xfffb | 0xfffe..=0xffff
        | 0x1_fffe..=0x1_ffff | 0x2_fffe..=0x2_ffff | 0x3_fffe..=0x10_ffff)
}

/// A value that can be put into a sentence. Implemented for texts and paths.
pub trait Escape {
    /// The value on one line, with [unsafe](is_unsafe) characters as `\n` or `\u{202e}` and stray bytes as `\xff`.
    fn escaped(&self) -> Escaped<'_>;
}

impl Escape for OsStr {
    fn escaped(&self) -> Escaped<'_> {
        Escaped(self)
    }
}

impl Escape for Path {
    fn escaped(&self) -> Escaped<'_> {
        Escaped(self.as_os_str())
    }
}

impl Escape for str {
    fn escaped(&self) -> Escaped<'_> {
        Escaped(OsStr::new(self))
    }
}

/// Shows a value as [`Escape::escaped`] says; width and fill count what is shown.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(&'a OsStr);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.0.to_str().filter(|text| !text.contains(is_unsafe)) {
            return f.pad(text);
        }
        let mut shown = String::new();
        for chunk in self.0.as_encoded_bytes().utf8_chunks() {
            chunk.valid().chars().for_each(|c| push(&mut shown, c));
            for byte in chunk.invalid() {
                write!(shown, "\\x{byte:02x}")?;
            }
        }
        f.pad(&shown)
    }
}

/// Appends `c`, escaped if it has to be.
fn push(to: &mut String, c: char) {
    if is_unsafe(c) { to.extend(c.escape_default()) } else { to.push(c) }
}

/// The name `text` as [`Escape::escaped`] shows it, at most `max` bytes of it.
#[must_use]
pub fn clean_name(text: &str, max: usize) -> String {
    cut(text, max, push)
}

/// The prose `text` on one line, with a space for each unsafe character, and at most `max` bytes of it: what a plugin or an engine
/// says in sentences reads on where a line ended.
#[must_use]
pub fn clean(text: &str, max: usize) -> String {
    cut(text, max, |to, c| to.push(if is_unsafe(c) { ' ' } else { c }))
}

fn cut(text: &str, max: usize, push: impl Fn(&mut String, char)) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    append(&mut out, text, max, &push);
    trimmed(out)
}

/// Appends `text` to `out` as long as that is at most `max` bytes; whether all of it was.
fn append(out: &mut String, text: &str, max: usize, push: &impl Fn(&mut String, char)) -> bool {
    for c in text.chars() {
        let before = out.len();
        push(out, c);
        if out.len() > max {
            out.truncate(before);
            out.push('…');
            return false;
        }
    }
    true
}

fn trimmed(mut text: String) -> String {
    let kept = text.trim_end().len();
    text.truncate(kept);
    text
}

/// As [`clean`], for bytes that may not even be UTF-8.
#[must_use]
pub fn clean_bytes(bytes: &[u8], max: usize) -> String {
    // Four bytes a character at most: what lies further back cannot be shown.
    let window = bytes.get(..max.saturating_mul(4)).unwrap_or(bytes);
    let push = |to: &mut String, c| to.push(if is_unsafe(c) { ' ' } else { c });
    let mut out = String::with_capacity(window.len().min(max));
    // Chunk by chunk, so that nothing is decoded that would be cut off.
    for chunk in window.utf8_chunks() {
        let all = append(&mut out, chunk.valid(), max, &push)
            && (chunk.invalid().is_empty() || append(&mut out, "\u{fffd}", max, &push));
        if !all {
            break;
        }
    }
    trimmed(out)
}

/// `text` of several lines: line ends stay, whatever else is unsafe is escaped.
#[must_use]
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| c != '\n' && is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c == '\n' { out.push(c) } else { push(&mut out, c) }
    }
    Cow::Owned(out)
}

/// A JSON text of the same value in which every unsafe character of a string is written as `\u202e`. Line ends between the
/// tokens stay.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    if !json.contains(|c| c != '\n' && is_unsafe(c)) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if c == '\n' || !is_unsafe(c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    Cow::Owned(out)
}

/// `c` as an excerpt of a file shows it: one character for one, so that a caret below stands where it should.
#[must_use]
pub fn excerpt(c: char) -> char {
    if c != '\t' && is_unsafe(c) { '\u{fffd}' } else { c }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_are_cleaned_like_the_text_they_stand_for(
            bytes in proptest::collection::vec(prop_oneof![Just(0xff_u8), 0x1a_u8..0x30, any::<u8>()], 0..200),
            max in 1_usize..60
        ) {
            let window = bytes.get(..max * 4).unwrap_or(&bytes);
            prop_assert_eq!(clean_bytes(&bytes, max), clean(&String::from_utf8_lossy(window), max));
        }
    }

    #[test]
    fn nothing_foreign_moves_the_cursor_or_ends_the_line() {
        let evil = "a\u{1b}[2Jb\r\nc\u{202e}d\u{9b}5m\u{2028}\u{7f}\u{200b}\u{e0041}";
        let shown = r"a\u{1b}[2Jb\r\nc\u{202e}d\u{9b}5m\u{2028}\u{7f}\u{200b}\u{e0041}";
        assert_eq!(clean_name(evil, 100), shown);
        assert_eq!(evil.escaped().to_string(), shown);
        assert_eq!(escape_lines(evil), shown.replace(r"\n", "\n"));
        assert_eq!(clean(evil, 100), "a [2Jb  c d 5m");
    }

    #[test]
    fn names_in_the_worlds_scripts_stay_as_they_are() {
        for name in ["Grüße", "e\u{301}t\u{e9}", "❤\u{fe0f}", "日本語", "العربية", "हिन्दी", "C:\\x", "a\u{a0}b"]
        {
            assert_eq!(name.escaped().to_string(), name);
        }
    }

    #[test]
    fn what_the_standard_library_escapes_of_the_assigned_characters_is_escaped() {
        // Its table escapes unassigned characters, too, and spaces that are no U+0020; neither does any harm.
        let std_escapes = |c: char| {
            let pair: String = ['a', c].iter().collect();
            pair.escape_debug().count() > 2
        };
        let kept: Vec<char> = ('\u{80}'..='\u{10ffff}')
            .filter(|c| is_unsafe(*c) && !std_escapes(*c) && !c.is_alphanumeric())
            .filter(|c| !matches!(c, '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{17b4}' | '\u{17b5}' | '\u{fff0}'..='\u{fffd}'))
            .filter(|c| !matches!(u32::from(*c), 0xe_0100..=0xe_01ef))
            .collect();
        assert!(kept.is_empty(), "{kept:x?}");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_one_by_one() {
        let path = Path::new(OsStr::from_bytes(b"caf\xe9\x9b2J\n.wasm"));
        assert_eq!(path.escaped().to_string(), r"caf\xe9\x9b2J\n.wasm");
        assert_eq!(format!("{:>6}|{:<4}|", "ab".escaped(), "\n".escaped()), "    ab|\\n  |");
    }

    #[test]
    fn long_text_is_cut_at_a_character_and_never_within_an_escape() {
        assert_eq!(clean("äääää", 5), "ää…");
        assert_eq!(clean_name("abc\u{202e}", 5), "abc…");
        assert_eq!(clean_bytes(&[0xff; 10], 3), "\u{fffd}…");
    }

    #[test]
    fn json_stays_the_same_value() {
        let json = serde_json::to_string("\u{202e}\u{9b}\u{e0041}\n\u{7f}").expect("a string");
        let shown = escape_json(&json);
        assert_eq!(shown, r#""\u202e\u009b\udb40\udc41\n\u007f""#);
        assert_eq!(serde_json::from_str::<String>(&shown).expect("JSON"), "\u{202e}\u{9b}\u{e0041}\n\u{7f}");
    }
}
