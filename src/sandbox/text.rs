//! Text that comes from a guest and may reach a terminal, a log or a message.

/// `text` without control characters (they become spaces) and bidirectional overrides, at most `max` bytes.
#[must_use]
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    push_clean(&mut out, text, max);
    trimmed(out)
}

/// As [`clean`], for bytes that may not even be UTF-8.
#[must_use]
pub fn clean_bytes(bytes: &[u8], max: usize) -> String {
    // Four bytes a character at most: what lies further back cannot be shown.
    let window = bytes.get(..max.saturating_mul(4)).unwrap_or(bytes);
    let mut out = String::with_capacity(window.len().min(max));
    // Chunk by chunk, so that nothing is decoded that would be cut off.
    for chunk in window.utf8_chunks() {
        if !push_clean(&mut out, chunk.valid(), max) {
            break;
        }
        if !chunk.invalid().is_empty() && !push_clean(&mut out, "\u{fffd}", max) {
            break;
        }
    }
    trimmed(out)
}

/// Appends `text`, cleaned, to `out` as long as that is at most `max` bytes; whether all of it was.
fn push_clean(out: &mut String, text: &str, max: usize) -> bool {
    for c in text.chars() {
        let c = if is_unsafe(c) { ' ' } else { c };
        if out.len() + c.len_utf8() > max {
            out.push('…');
            return false;
        }
        out.push(c);
    }
    true
}

fn trimmed(mut text: String) -> String {
    let kept = text.trim_end().len();
    text.truncate(kept);
    text
}

/// Characters that move the cursor, colour the screen, or make a line read otherwise than it is.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_are_cleaned_like_the_text_they_stand_for(bytes in proptest::collection::vec(prop_oneof![Just(0xff_u8), 0x1a_u8..0x30, any::<u8>()], 0..200), max in 1_usize..60) {
            let window = bytes.get(..max * 4).unwrap_or(&bytes);
            prop_assert_eq!(clean_bytes(&bytes, max), clean(&String::from_utf8_lossy(window), max));
        }
    }

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
