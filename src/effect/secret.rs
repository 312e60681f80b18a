//! Placeholders for secrets in the headers of requests, and what they stand for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Url;

/// Names that stand for secrets, and where their values are found. Values are read when a request is sent, and stand nowhere else.
pub type Secrets = Arc<BTreeMap<String, SecretSource>>;

/// Where the value of a secret is found when a request is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In this environment variable.
    Variable(String),
    /// It is the access token that a login for this client gave.
    Token(Arc<OAuthClient>),
}

/// What is registered with a service so that a plugin can act for its user there (OAuth 2.0, a public client).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthClient {
    /// The plugin it is for.
    pub plugin: String,
    /// The identifier that the service gave.
    pub client_id: String,
    /// Where the user agrees.
    pub authorize_url: Url,
    /// Where tokens are given out.
    pub token_url: Url,
    /// What the tokens are to be good for.
    pub scopes: Vec<String>,
}

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
