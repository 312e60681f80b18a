//! What a TOML parser says.

use super::{Escape as _, escape_lines};

/// What is wrong with a file, and where: the parser's own words and its excerpt of one line. Its words repeat keys of the file
/// as they are, so those are put on one line.
#[must_use]
pub fn toml_error(error: &toml::de::Error) -> String {
    let text = error.to_string();
    match text.trim_end().strip_suffix(error.message()) {
        Some(place) => format!("{}{}", escape_lines(place), error.message().escaped()),
        None => text.escaped().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::toml_error;

    #[test]
    fn a_key_of_the_file_stays_on_the_line_of_the_message() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}
        let text = "# one\n\"a\\nverdict: admitted\u{202e}\" = 1\n";
        let error = toml::from_str::<Empty>(text).expect_err("an unknown key");
        let shown = toml_error(&error);
        assert!(
            shown
                .starts_with("TOML parse error at line 2, column 1\n  |\n2 | \"a\\nverdict: admitted\\u{202e}\" = 1\n"),
            "{shown}"
        );
        let last = shown.lines().last().expect("a line");
        assert!(last.starts_with(r"unknown field `a\nverdict: admitted\u{202e}`"), "{shown}");
    }
}
