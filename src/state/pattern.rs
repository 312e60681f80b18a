//! What keys of a plugin look like.

use super::key_text::{parts, parts_or_any};

/// What keys of a plugin look like, as it writes them: `muted.*` is each of `muted.Mic` and `muted."Mic/Aux".left`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePattern(Vec<Option<String>>);

impl StatePattern {
    /// Longest pattern, in bytes.
    const MAX: usize = 256;

    /// Reads `text`: a key, in which a bare `*` stands for a part, and at the end for at least one; nothing where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() <= Self::MAX).then(|| parts_or_any(text)).flatten().map(Self)
    }

    /// Whether `key`, as the plugin writes it, looks so.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        let (Self(wanted), Some(parts)) = (self, parts(key)) else { return false };
        let is_open = matches!(wanted.last(), Some(None));
        let long_enough = if is_open { parts.len() >= wanted.len() } else { parts.len() == wanted.len() };
        long_enough
            && wanted.iter().zip(&parts).all(|(wanted, part)| wanted.as_ref().is_none_or(|wanted| wanted == part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_a_part_and_at_the_end_all_that_follow() {
        for (pattern, key, matches) in [
            ("muted.*", "muted.Mic", true),
            ("muted.*", "muted.\"Mic/Aux\".left", true),
            ("muted.*", "muted", false),
            ("*.volume", "a.volume", true),
            ("*.volume", "a.b.volume", false),
            ("*", "a.b", true),
            ("\"*\"", "a", false),
            ("connected", "\"connected\"", true),
            ("connected", "connected.a", false),
        ] {
            assert_eq!(StatePattern::parse(pattern).expect("a pattern").matches(key), matches, "{pattern} {key}");
        }
        for text in ["", "a.", "a*", "*a", "a b"] {
            assert_eq!(StatePattern::parse(text), None, "{text}");
        }
    }
}
