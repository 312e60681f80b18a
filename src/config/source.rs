//! A configuration's text, and places in it.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use crate::text::excerpt;

/// Widest piece of a source line that a message shows, in characters.
const MAX_EXCERPT: usize = 160;

/// The text of a configuration and the name messages call it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    /// Where each line starts, in bytes. Never empty: the first line starts at 0.
    starts: Arc<[usize]>,
}

impl Source {
    /// `text`, called `name` in messages.
    pub fn new(name: &str, text: &str) -> Self {
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(feeds.map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text: text.into(), starts }
    }
    /// What messages call it: the path as given.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The whole text, as read.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The place of the bytes `span`. What is `hidden` is not shown.
    pub(super) fn place(&self, span: &Range<usize>, hidden: &[Range<usize>]) -> Place {
        let text = &*self.text;
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1; // 0 is a boundary
        }
        let line_number = self.line(start);
        // A boundary: the start, or right after a line feed. Line numbers count from 1.
        let line_start = self.starts[line_number as usize - 1];
        let line = &text[line_start..];
        let line = line.split('\n').next().unwrap_or(line).trim_end_matches('\r');
        let before = text[line_start..start].chars().count();
        let end = span.end.max(start);
        let marked = line.char_indices().filter(|(at, _)| (start..end).contains(&(line_start + at))).count().max(1);

        // A long line is shown around the place only, so that a message stays short whatever the file is like.
        let total = line.chars().count();
        let first = if total > MAX_EXCERPT { before.saturating_sub(MAX_EXCERPT / 2) } else { 0 };
        let mut shown: String = line
            .char_indices()
            .skip(first)
            .take(MAX_EXCERPT)
            .map(|(at, c)| {
                let hidden = hidden.iter().any(|hidden| hidden.contains(&(line_start + at)));
                if hidden { '•' } else { excerpt(c) }
            })
            .collect();
        let mut indent = before - first;
        if first > 0 {
            shown.insert(0, '…');
            indent += 1;
        }
        if first + MAX_EXCERPT < total {
            shown.push('…');
        }
        Place {
            file: Arc::clone(&self.name),
            line: line_number,
            column: u32::try_from(before + 1).unwrap_or(u32::MAX),
            marked: marked.min(shown.chars().count().saturating_sub(indent).max(1)),
            indent,
            excerpt: shown,
        }
    }
    /// The number of the line `offset` is on, from 1.
    pub(super) fn line(&self, offset: usize) -> u32 {
        // At least 1: the first line starts at 0, which no offset is before.
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }
}

/// A place in a configuration, with the text that stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The source line without control characters; a long one around the place only.
    pub excerpt: String,
    /// Characters of `excerpt` before the place.
    indent: usize,
    /// Characters of `excerpt` that are meant, at least 1.
    marked: usize,
}

impl Place {
    /// The source line with carets below what is meant, each behind a margin.
    pub fn pointed(&self) -> String {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let indent: String =
            self.excerpt.chars().take(self.indent).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write!(text, "  {number} | {}\n  {margin} | {indent}{}", self.excerpt, "^".repeat(self.marked));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn a_place_counts_characters_from_one() {
        let place = Source::new("f", "a = 1\r\nü = \"ä\" # x\n").place(&(7..9), &[]);
        assert_eq!((place.line, place.column, place.excerpt.as_str()), (2, 1, "ü = \"ä\" # x"));
        assert_eq!(place.pointed(), "  2 | ü = \"ä\" # x\n    | ^");
    }

    #[test]
    fn a_place_past_the_end_or_inside_a_character_is_still_a_place() {
        let source = Source::new("f", "ü");
        assert_eq!(source.place(&(1..1), &[]).column, 1);
        assert_eq!(source.place(&(90..99), &[]).column, 2);
        assert_eq!(Source::new("f", "").place(&(0..0), &[]).line, 1);
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        let place = Source::new("f", &text).place(&(5000..5001), &[]);
        let shown = place.pointed();
        assert!(shown.chars().count() < 400, "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let caret = lines[1].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[0].chars().nth(caret), Some('X'));
    }
}
