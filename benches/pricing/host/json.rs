//! JSON of any size, and requests that are not understood.

/// A JSON array of as many `item`s as `bytes` hold.
pub(super) fn array(item: &str, bytes: usize) -> String {
    let count = bytes.saturating_sub(2) / (item.len() + 1);
    format!("[{}]", vec![item; count].join(","))
}

/// A JSON string that repeats `text` up to `bytes`.
pub(super) fn string(text: &str, bytes: usize) -> String {
    format!("\"{}\"", text.repeat(bytes.saturating_sub(2) / text.len()))
}

/// Heads of requests that are not understood, of at most `max` bytes.
pub(super) fn refused_heads(max: usize) -> Vec<(&'static str, String)> {
    vec![
        ("no head", String::new()),
        ("a head of numbers", array("1", max)),
        ("a head of brackets", "[".repeat(max)),
        ("a head of spaces", " ".repeat(max)),
        ("a head of lines", "\n".repeat(max)),
        ("a head that is a text", string("\\u0001", max)),
        ("an unknown key of 60 KiB", format!("{{\"{}\":1}}", "k".repeat(60_000))),
        ("an unknown key of 60 KiB of control characters", format!("{{{}:1}}", string("\\u0001", 60_000))),
        ("a number for the url", r#"{"url":1}"#.to_owned()),
        ("a text of 60 KiB for the time", format!(r#"{{"timeout_ms":{}}}"#, string("\\u0001", 60_000))),
    ]
}
