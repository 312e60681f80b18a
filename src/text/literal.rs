//! Values as TOML text, for the files this program writes.

use std::fmt::Write as _;

use crate::text::is_unsafe;

/// `text` as a basic string, quotes included, on one line, with what a terminal would obey escaped. A JSON string is one, but
/// for the characters that JSON leaves as they are.
pub(crate) fn string(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    if !json.contains(is_unsafe) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        // Writing to a string does not fail.
        let _ = match u32::from(c) {
            _ if !is_unsafe(c) => out.write_char(c),
            code @ 0..=0xffff => write!(out, "\\u{code:04X}"),
            code => write!(out, "\\U{code:08X}"),
        };
    }
    out
}

/// `texts` as an array of basic strings.
pub(crate) fn array(texts: &[String]) -> String {
    let strings: Vec<_> = texts.iter().map(|text| string(text)).collect();
    format!("[{}]", strings.join(", "))
}

/// A secret with its hosts, as it stands in `secrets`.
pub(crate) fn secret(variable: &str, hosts: &[String]) -> String {
    format!("{{ env = {}, hosts = {} }}", string(variable), array(hosts))
}

/// `text` as a key, in quotes where TOML wants them.
pub(crate) fn key(text: &str) -> String {
    if is_bare(text) { text.to_owned() } else { string(text) }
}

/// `text` as a string in a message, as it can be pasted into a configuration.
pub(crate) fn shown(text: &str) -> String {
    string(text)
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
