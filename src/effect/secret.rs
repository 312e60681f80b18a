//! Placeholders for secrets in the headers of requests.

/// How a placeholder begins; the secret's name and [`CLOSE`] follow.
pub const OPEN: &str = "{{secret:";
/// How a placeholder ends.
pub const CLOSE: &str = "}}";

/// The placeholder of the secret `name`.
#[must_use]
pub fn placeholder(name: &str) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// The names of the secrets that `value` has placeholders for, in order. What is not closed names none.
pub fn placeholders(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once(OPEN)?.1.split_once(CLOSE)?;
        rest = after;
        Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_is_found() {
        let names: Vec<_> = placeholders("Bearer {{secret:a}}{{secret:b c}}, {{secret:}} {{secret:open").collect();
        assert_eq!(names, ["a", "b c", ""]);
        assert_eq!(placeholders(&placeholder("token")).collect::<Vec<_>>(), ["token"]);
    }
}
