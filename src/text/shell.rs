//! Words of commands that messages suggest.

use std::ffi::OsStr;
use std::fmt::Write as _;

use super::is_unsafe;

/// `text` as one word for a shell. Names come from files that anybody may have written, and people paste what they are told.
/// What a terminal would obey, and what is no UTF-8, stands as `$'\302\233'`.
pub(crate) fn word(text: impl AsRef<OsStr>) -> String {
    let text = text.as_ref();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./@:+,%=~".contains(&byte);
    match text.to_str() {
        Some(text) if !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain) => text.into(),
        Some(text) if !text.contains(is_unsafe) => format!("'{}'", text.replace('\'', "'\\''")),
        _ => {
            let mut word = String::from("$'");
            for byte in text.as_encoded_bytes() {
                // Writing to a string does not fail.
                let _ = match byte {
                    b'\'' | b'\\' => write!(word, "\\{}", char::from(*byte)),
                    b' '..=b'~' => word.write_char(char::from(*byte)),
                    _ => write!(word, "\\{byte:03o}"),
                };
            }
            word + "'"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::word;

    #[test]
    fn a_word_stays_one_word_and_runs_nothing() {
        assert_eq!(word("~/plugins/lights.wasm"), "~/plugins/lights.wasm");
        assert_eq!(word("Your Name"), "'Your Name'");
        assert_eq!(word("$(reboot)\"`x`"), "'$(reboot)\"`x`'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word("--help"), "'--help'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn a_word_is_fit_for_a_terminal_and_still_names_the_file() {
        assert_eq!(word("a\nb'\\\u{9b}"), r"$'a\012b\'\\\302\233'");
        assert_eq!(word(OsStr::from_bytes(b"caf\xe9")), r"$'caf\351'");
    }
}
