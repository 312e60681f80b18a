//! Text → TOML: what must hold before the parser may see a text, and what can be told about one that is not TOML.

use std::ops::Range;

use toml::de::{DeTable, Error};
use toml_parser::Source as Lexed;
use toml_parser::lexer::TokenKind;

use super::report::Report;
use crate::config::problem::Problem;
use crate::text::is_unsafe;

/// Deepest nesting of brackets and dotted keys. The parser itself allows 80 brackets and 80 dots at each of them; a tree
/// that deep overflows a thread's stack when it is dropped. No configuration needs a third of this.
const MAX_NESTING: u64 = 128;

/// What a text is before it is parsed.
pub(super) struct Scan {
    /// Bytes at which JSON's colon stands between a key and its value.
    colons: Vec<usize>,
    /// The place where nesting first goes beyond [`MAX_NESTING`].
    too_deep: Option<Range<usize>>,
}

impl Scan {
    /// Looks over `text`, without building anything from it.
    pub(super) fn of(text: &str) -> Self {
        let mut found = Self { colons: Vec::new(), too_deep: None };
        // One entry for each open bracket: whether it is a brace, and the dots that led to it.
        let mut open: Vec<(bool, u64)> = Vec::new();
        let (mut depth, mut dots) = (0, 0);
        let mut at = Spot::Key;
        for token in Lexed::new(text).lex() {
            let span = token.span();
            let brace = open.last().is_none_or(|(brace, _)| *brace);
            match token.kind() {
                TokenKind::Dot => dots += 1,
                TokenKind::LeftCurlyBracket | TokenKind::LeftSquareBracket => {
                    let brace = token.kind() == TokenKind::LeftCurlyBracket;
                    open.push((brace, dots + 1));
                    depth += dots + 1;
                    dots = 0;
                    at = if brace { Spot::Key } else { Spot::Value };
                }
                TokenKind::RightCurlyBracket | TokenKind::RightSquareBracket => {
                    // A bracket that closes none of its kind closes nothing, here as for the parser.
                    let brace = token.kind() == TokenKind::RightCurlyBracket;
                    if let Some((_, added)) = open.pop_if(|(opened, _)| *opened == brace) {
                        depth -= added;
                    }
                    dots = 0;
                    at = Spot::Value;
                }
                TokenKind::Comma | TokenKind::Newline => {
                    dots = 0;
                    at = if brace { Spot::Key } else { Spot::Value };
                }
                TokenKind::Equals => at = Spot::Value,
                TokenKind::BasicString | TokenKind::LiteralString => {
                    at = if at == Spot::Key { Spot::AfterKey } else { Spot::Value };
                }
                TokenKind::Atom => {
                    let atom = text.get(span.start()..span.end()).unwrap_or_default();
                    let colon = match at {
                        Spot::Key => atom.find(':'),
                        Spot::AfterKey => atom.starts_with(':').then_some(0),
                        Spot::Value => None,
                    };
                    match colon {
                        Some(colon) => {
                            found.colons.push(span.start() + colon);
                            at = Spot::Value;
                        }
                        None if at == Spot::Key => at = Spot::AfterKey,
                        None => {}
                    }
                }
                _ => {}
            }
            if depth + dots > MAX_NESTING && found.too_deep.is_none() {
                found.too_deep = Some(span.start()..span.end());
            }
        }
        found
    }

    /// The text as TOML. Reports what is wrong with it; nothing when so much is that reading on would only mislead.
    ///
    /// `mended` is where a text with JSON's colons is kept once they are replaced; no byte changes its place by that.
    pub(super) fn parse<'t>(&self, text: &'t str, mended: &'t mut String, report: &Report) -> Option<DeTable<'t>> {
        if let Some(span) = &self.too_deep {
            let problem = Problem::TooMuch {
                what: "brackets and dotted keys inside each other",
                found: MAX_NESTING + 1,
                most: MAX_NESTING,
            };
            report.add(span.clone(), problem);
            return None;
        }
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() || self.colons.is_empty() {
            return usable(&errors, report).then(|| table.into_inner());
        }
        *mended = self.mend(text, report);
        let (table, errors) = DeTable::parse_recoverable(mended);
        usable(&errors, report).then(|| table.into_inner())
    }

    /// The text with `=` in place of each colon. Reports each line that has one.
    fn mend(&self, text: &str, report: &Report) -> String {
        let mut mended = String::with_capacity(text.len());
        let mut done = 0;
        for &colon in &self.colons {
            // A colon is one byte, so both sides are at boundaries.
            mended.push_str(&text[done..colon]);
            mended.push('=');
            done = colon + 1;
        }
        mended.push_str(&text[done..]);

        let mut told = 0;
        for &colon in &self.colons {
            if colon < told {
                continue;
            }
            let start = text[..colon].rfind('\n').map_or(0, |feed| feed + 1);
            let end = text[colon..].find('\n').map_or(text.len(), |feed| colon + feed);
            told = end;
            report.add(colon..colon + 1, Problem::JsonColon { corrected: self.corrected(text, start..end) });
        }
        mended
    }

    /// The line at `span` with each colon as ` = `.
    fn corrected(&self, text: &str, span: Range<usize>) -> String {
        let mut line = String::new();
        let mut done = span.start;
        let first = self.colons.partition_point(|colon| *colon < span.start);
        for &colon in self.colons[first..].iter().take_while(|colon| **colon < span.end) {
            line.push_str(text[done..colon].trim_end_matches([' ', '\t']));
            line.push_str(" = ");
            let rest = &text[colon + 1..span.end];
            done = span.end - rest.trim_start_matches([' ', '\t']).len();
        }
        line.push_str(&text[done..span.end]);
        let line: String = line.trim().chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect();
        // A line too long to read is no help; its beginning is.
        match line.char_indices().nth(200) {
            Some((at, _)) => format!("{}…", &line[..at]),
            None => line,
        }
    }
}

/// Where in a table the next token stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spot {
    /// A key may start.
    Key,
    /// Right after a key's first part.
    AfterKey,
    /// Anywhere else.
    Value,
}

/// The parser's word for a key that is there already.
const TWICE: &str = "duplicate key";

/// Reports `errors`, one for each line, and tells whether the tree is nevertheless what was meant.
fn usable(errors: &[Error], report: &Report) -> bool {
    let mut errors: Vec<(Range<usize>, &str)> =
        errors.iter().map(|error| (error.span().unwrap_or_default(), error.message())).collect();
    errors.sort_by_key(|(span, _)| span.start);
    let mut line = 0;
    for (span, message) in &errors {
        let this = report.line(span.start);
        // The parser stumbles on over the rest of a line it did not understand.
        if this != line {
            let (what, insert) = explained(message);
            let corrected = insert.and_then(|insert| inserted(span, insert, report));
            report.add(span.clone(), Problem::Syntax { what: what.to_owned(), corrected });
        }
        line = this;
    }
    errors.iter().all(|(_, message)| *message == TWICE)
}

/// What would mend a line.
#[derive(Clone, Copy)]
enum Insert {
    /// This, at the place of the error.
    There(&'static str),
    /// Quotes around what is meant.
    Quotes,
}

/// The parser's message for people, and what would mend the line. A message that is not known stays as it is.
fn explained(message: &str) -> (&str, Option<Insert>) {
    match message {
        TWICE => ("this key is given twice", None),
        "unclosed table, expected `]`" => ("a header ends with `]`", Some(Insert::There("]"))),
        "unclosed array table, expected `]`" => ("a header of this kind ends with `]]`", Some(Insert::There("]"))),
        "invalid basic string, expected `\"`" => ("a text ends with `\"`", Some(Insert::There("\""))),
        "invalid literal string, expected `'`" => ("a text ends with `'`", Some(Insert::There("'"))),
        "string values must be quoted, expected literal string" => {
            ("a value is missing, or a text without quotes", Some(Insert::Quotes))
        }
        "key with no value, expected `=`" => ("a key without a value; write it like key = \"value\"", None),
        "unexpected key or value, expected newline, `#`" => {
            ("something is left over; a line has one key and its value", None)
        }
        other => (other, None),
    }
}

/// The line of `span` with what was missing; nothing when it would be too long to read.
fn inserted(span: &Range<usize>, insert: Insert, report: &Report) -> Option<String> {
    let text = report.text(0..usize::MAX)?;
    let start = text.get(..span.start)?.rfind('\n').map_or(0, |feed| feed + 1);
    let end = text.get(span.end..)?.find('\n').map_or(text.len(), |feed| span.end + feed);
    let (before, meant, after) = (text.get(start..span.start)?, text.get(span.clone())?, text.get(span.end..end)?);
    let line = match insert {
        Insert::There(missing) => format!("{before}{meant}{missing}{after}"),
        Insert::Quotes if meant.is_empty() => return None,
        Insert::Quotes => format!("{before}\"{meant}\"{after}"),
    };
    let line = line.trim();
    (line.len() <= 160 && !line.contains(is_unsafe)).then(|| line.to_owned())
}
