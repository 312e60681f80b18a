//! Text with numbers of an event in it: `{value}`, `{note}` and so on.

use crate::gesture::EventNumber;

/// Text of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// As it is.
    Plain(String),
    /// With numbers in it.
    Pieces(Box<[Piece]>),
}

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// A number of the event.
    Number(EventNumber),
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl Template {
    /// The template that is written as `text`. A number's name in one pair of braces is the number, in two pairs the name in
    /// braces; every other brace is itself.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut pieces = Vec::new();
        let (mut plain, mut rest) = (String::new(), text);
        while let Some(open) = rest.find('{') {
            plain.push_str(&rest[..open]); // up to an ASCII character
            let braces = &rest[open..];
            if let Some((name, after)) = named(braces, "{{", "}}") {
                for part in ["{", name.name(), "}"] {
                    plain.push_str(part);
                }
                rest = after;
            } else if let Some((number, after)) = named(braces, "{", "}") {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Number(number));
                rest = after;
            } else {
                plain.push('{');
                rest = &braces[1..]; // behind the brace
            }
        }
        plain.push_str(rest);
        if pieces.is_empty() {
            return Self::Plain(plain);
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Self::Pieces(pieces.into())
    }

    /// The numbers in it, in order.
    pub fn numbers(&self) -> impl Iterator<Item = EventNumber> {
        let pieces: &[Piece] = if let Self::Pieces(pieces) = self { pieces } else { &[] };
        pieces.iter().filter_map(|piece| if let Piece::Number(number) = piece { Some(*number) } else { None })
    }
}

/// The number that `text` begins with, between `open` and `close`, and what comes after it.
fn named<'a>(text: &'a str, open: &str, close: &str) -> Option<(EventNumber, &'a str)> {
    let (name, after) = text.strip_prefix(open)?.split_once(close)?;
    Some((EventNumber::named(name)?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_numbers_and_every_other_brace_is_itself() {
        let plain = |text: &str| Template::Plain(text.to_owned());
        assert_eq!(
            Template::read("{{value}} {{secret:hue}} {x} {} { {Value} }"),
            plain("{value} {{secret:hue}} {x} {} { {Value} }")
        );
        let text = |text: &str| Piece::Text(text.to_owned());
        let pieces = |pieces: Vec<Piece>| Template::Pieces(pieces.into());
        assert_eq!(
            Template::read("ü{note}{velocity}{"),
            pieces(vec![text("ü"), Piece::Number(EventNumber::Note), Piece::Number(EventNumber::Velocity), text("{")])
        );
        assert_eq!(Template::read("{value}"), pieces(vec![Piece::Number(EventNumber::Value)]));
        assert_eq!(
            Template::read("{\"v\": {value}}"),
            pieces(vec![text("{\"v\": "), Piece::Number(EventNumber::Value), text("}")])
        );
        assert_eq!(Template::read("{{value}"), pieces(vec![text("{"), Piece::Number(EventNumber::Value)]));
    }
}
