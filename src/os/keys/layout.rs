//! The US keyboard layout: which key, with or without Shift, makes a character.

use super::codes;

/// The key that makes a character, and whether Shift is held with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::os) struct KeyStroke {
    /// Linux key code.
    pub(super) code: u16,
    /// Whether Shift is held.
    pub(super) shift: bool,
}

/// The keys that make characters, row by row: code of the first key, then what the keys make without and with Shift.
const ROWS: [(u16, &str, &str); 4] = [
    (codes::KEY_1, "1234567890-=", "!@#$%^&*()_+"),
    (codes::KEY_Q, "qwertyuiop[]", "QWERTYUIOP{}"),
    (codes::KEY_A, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (codes::KEY_BACKSLASH, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
];

/// What types `c`; none where the layout has no key for it.
pub(super) fn stroke(c: char) -> Option<KeyStroke> {
    let plain = |code| Some(KeyStroke { code, shift: false });
    match c {
        ' ' => return plain(codes::KEY_SPACE),
        '\n' => return plain(codes::KEY_ENTER),
        '\t' => return plain(codes::KEY_TAB),
        _ => {}
    }
    for (first, without, with) in ROWS {
        // Both rows are ASCII and at most 12 long, so a byte's position is its key's.
        for (keys, shift) in [(without, false), (with, true)] {
            if let Some(position) = keys.chars().position(|key| key == c) {
                return Some(KeyStroke { code: first + position as u16, shift });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_printable_ascii_character_can_be_typed_by_a_stroke_of_its_own() {
        let strokes: Vec<_> = (' '..='~').map(|c| stroke(c).unwrap_or_else(|| panic!("no key makes {c:?}"))).collect();
        for (position, stroke) in strokes.iter().enumerate() {
            assert!(!strokes[..position].contains(stroke), "{stroke:?} makes two characters");
        }
    }

    #[test]
    fn the_keys_are_those_the_kernel_names() {
        // From linux/input-event-codes.h.
        for (c, code, shift) in [
            ('a', 30, false),
            ('A', 30, true),
            ('z', 44, false),
            ('m', 50, false),
            ('p', 25, false),
            ('l', 38, false),
            ('0', 11, false),
            (')', 11, true),
            ('=', 13, false),
            ('_', 12, true),
            ('[', 26, false),
            ('}', 27, true),
            (';', 39, false),
            ('"', 40, true),
            ('`', 41, false),
            ('~', 41, true),
            ('\\', 43, false),
            ('|', 43, true),
            (',', 51, false),
            ('?', 53, true),
            (' ', 57, false),
            ('\n', 28, false),
            ('\t', 15, false),
        ] {
            assert_eq!(stroke(c), Some(KeyStroke { code, shift }), "{c:?}");
        }
    }

    #[test]
    fn what_the_layout_lacks_has_no_stroke() {
        for c in ['ä', '€', '\u{7f}', '\r', '\0', '한'] {
            assert_eq!(stroke(c), None);
        }
    }
}
