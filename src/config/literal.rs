//! Values as TOML text, for the files this program writes.

/// `text` as a basic string, quotes included. A JSON string is one, but for the delete character, which TOML wants escaped.
pub(crate) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// `texts` as an array of basic strings.
pub(crate) fn array(texts: &[String]) -> String {
    let strings: Vec<_> = texts.iter().map(|text| string(text)).collect();
    format!("[{}]", strings.join(", "))
}

/// `text` as a key, in quotes where TOML wants them.
pub(crate) fn key(text: &str) -> String {
    if is_bare(text) { text.to_owned() } else { string(text) }
}

/// `text` as a string in a message: hostile text comes out harmless on a terminal.
pub(crate) fn shown(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

/// `text` as a key in a message.
pub(crate) fn shown_key(text: &str) -> String {
    if is_bare(text) { text.to_owned() } else { shown(text) }
}

fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_reads_back_as_it_was(one in any::<String>(), other in "[\\x00-\\x20\\x7f\"\\\\']*") {
            let texts = [one.clone(), other.clone()];
            let written = format!("{} = {}\n{} = 1\n", key("texts"), array(&texts), key(&format!("k{one}")));
            let read: toml::Table = toml::from_str(&written).expect(&written);
            let back: Vec<_> = read["texts"].as_array().expect("an array").iter().filter_map(toml::Value::as_str).collect();
            prop_assert_eq!(back, texts);
            let name = format!("k{one}");
            prop_assert!(read.contains_key(&name), "{written}");
        }
    }

    #[test]
    fn only_what_needs_quotes_gets_them() {
        assert_eq!([key("note-logger"), key("a b"), key("")], ["note-logger", "\"a b\"", "\"\""]);
        assert_eq!(string("a\"b\\\n\u{7f}"), "\"a\\\"b\\\\\\n\\u007F\"");
    }
}
