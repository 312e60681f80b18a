//! Text that comes from a guest and may reach a terminal, a log or a message.

/// `text` without control characters (they become spaces) and bidirectional overrides, at most `max` bytes.
#[must_use]
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        let c = if is_unsafe(c) { ' ' } else { c };
        if out.len() + c.len_utf8() > max {
            out.push('…');
            break;
        }
        out.push(c);
    }
    let kept = out.trim_end().len();
    out.truncate(kept);
    out
}

/// As [`clean`], for bytes that may not even be UTF-8.
#[must_use]
pub fn clean_bytes(bytes: &[u8], max: usize) -> String {
    // Four bytes a character at most: what lies further back cannot be shown.
    let window = bytes.get(..max.saturating_mul(4)).unwrap_or(bytes);
    clean(&String::from_utf8_lossy(window), max)
}

/// Characters that move the cursor, colour the screen, or make a line read otherwise than it is.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_guest_says_moves_the_cursor() {
        assert_eq!(clean("a\u{1b}[2Jb\r\nc\u{202e}d\u{9b}5m", 100), "a [2Jb  c d 5m");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(clean("äääää", 5), "ää…");
        assert_eq!(clean_bytes(&[0xff; 10], 3), "\u{fffd}…");
    }
}
