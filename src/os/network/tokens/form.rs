//! `application/x-www-form-urlencoded`, as bodies and in queries.

use std::fmt::Write as _;

/// `pairs` as a body or query.
pub(super) fn encode(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        escape(name, &mut text);
        text.push('=');
        escape(value, &mut text);
    }
    text
}

fn escape(part: &str, text: &mut String) {
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

/// The first value of `name` in `query`; none where it is not there, or is no text.
pub(super) fn value(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(key, _)| unescape(key).as_deref() == Some(name))?;
    unescape(value)
}

fn unescape(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_read_again() {
        let nasty = "a b&c=d%+\u{e4}/?#";
        let text = encode(&[("x", nasty), ("state", "s")]);
        assert_eq!(text, "x=a%20b%26c%3Dd%25%2B%C3%A4%2F%3F%23&state=s");
        assert_eq!(value(&text, "x").as_deref(), Some(nasty));
        assert_eq!(value(&text, "state").as_deref(), Some("s"));
        assert_eq!(value("a=b+c&a=d", "a").as_deref(), Some("b c"));
        for (query, name) in [("", "a"), ("a", "a"), ("a=%f", "a"), ("a=%zz", "a"), ("a=%ff", "a"), ("b=1", "a")] {
            assert_eq!(value(query, name), None, "{query}");
        }
    }
}
