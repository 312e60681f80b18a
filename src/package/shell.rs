//! Words of commands that messages suggest.

/// `text` as one word for a shell. Names come from files that anybody may have written, and people paste what they are told.
pub(crate) fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./@:+,%=~".contains(&byte);
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
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
}
