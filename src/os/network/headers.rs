//! Request headers: which a plugin may set, and the secrets that are put into them at the last moment.

use std::sync::Arc;

#[cfg(feature = "http")]
use crate::effect::HttpResponse;
use crate::effect::{CLOSE, EffectError, OAuthClient, OPEN, SecretSource, Secrets, placeholder};
use crate::text::Escape as _;
use crate::text::literal;

/// Most headers of one request.
const MAX_HEADERS: usize = 64;
/// Longest header, name and value, in bytes; servers commonly accept 8 KiB for all of them.
const MAX_HEADER_BYTES: usize = 8192;
/// Shortest secret that is looked for in answers: shorter ones occur by chance.
const MIN_SCRUBBED_BYTES: usize = 6;

/// Headers that frame the message or name its destination. A plugin that set them could speak to another server behind the
/// one that was checked, or smuggle a second request.
const RESERVED: [&str; 16] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "accept-encoding",
    "http2-settings",
    "forwarded",
    "via",
    "origin",
];

/// Secrets that were put into a request.
#[derive(Default)]
pub(super) struct Filled(Vec<(String, String)>);

impl Filled {
    /// Adds a secret that was sent.
    pub(super) fn add(&mut self, value: &str, name: &str) {
        let known = || self.0.iter().any(|(known, _)| known == value);
        if value.len() >= MIN_SCRUBBED_BYTES && !known() {
            self.0.push((value.to_owned(), placeholder(name)));
            self.0.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        }
    }
    /// Puts the placeholders back where an answer repeats the secrets, so that neither a plugin nor a recording gets them from
    /// a server that echoes its requests.
    #[cfg(feature = "http")]
    pub(super) fn scrub(&self, response: &mut HttpResponse) {
        for (_, header) in &mut response.headers {
            self.scrub_text(header);
        }
        self.scrub_bytes(&mut response.body);
    }
    /// Puts the placeholders back where their values stand in `text`.
    pub(super) fn scrub_text(&self, text: &mut String) {
        for (value, placeholder) in &self.0 {
            if text.contains(value.as_str()) {
                *text = text.replace(value.as_str(), placeholder);
            }
        }
    }
    /// Puts the placeholders back where their values stand in `bytes`.
    pub(super) fn scrub_bytes(&self, bytes: &mut Vec<u8>) {
        for (value, placeholder) in &self.0 {
            replace(bytes, value.as_bytes(), placeholder.as_bytes());
        }
    }
}

/// One pass from front to back: whoever sends the answer chooses how often the secret stands in it.
fn replace(body: &mut Vec<u8>, what: &[u8], by: &[u8]) {
    let find = |from: usize| {
        let rest = body.get(from..)?;
        rest.windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    let Some(mut at) = find(0) else { return };
    let mut replaced = Vec::with_capacity(body.len());
    let mut from = 0;
    loop {
        replaced.extend_from_slice(&body[from..at]); // from <= at: `find` looks from there on
        replaced.extend_from_slice(by);
        from = at + what.len();
        match find(from) {
            Some(next) => at = next,
            None => break,
        }
    }
    replaced.extend_from_slice(&body[from..]); // the end of a part that was found
    *body = replaced;
}

/// What gives the access token of a login.
pub(super) type TokenSource<'a> = dyn FnMut(&Arc<OAuthClient>) -> Result<String, EffectError> + 'a;

/// Checks `headers` and replaces `{{secret:NAME}}` in their values. Tokens come from `token`.
pub(super) fn fill(
    headers: &[(String, String)],
    secrets: &Secrets,
    token: &mut TokenSource<'_>,
) -> Result<(Vec<(String, String)>, Filled), EffectError> {
    if headers.len() > MAX_HEADERS {
        return Err(EffectError::Failed(format!("more than {MAX_HEADERS} headers")));
    }
    let mut filled = Filled::default();
    let mut sent = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if !is_token(&lower) {
            return Err(EffectError::Failed(format!("\"{}\" is no header name", name.escaped())));
        }
        let reserved = RESERVED.contains(&lower.as_str()) || lower.starts_with("sec-websocket-");
        // Sub-protocols are the application's own business.
        if reserved && lower != "sec-websocket-protocol" {
            return Err(EffectError::Failed(format!("the header {lower} is set by Conductor; leave it out")));
        }
        let value = expand(value, secrets, token, &mut filled)?;
        if lower.len() + value.len() > MAX_HEADER_BYTES {
            return Err(EffectError::Failed(format!("the header {lower} is longer than {MAX_HEADER_BYTES} bytes")));
        }
        // Line breaks would begin another header. The value is not shown: a secret may be in it.
        if !value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
            return Err(EffectError::Failed(format!("the header {lower} has characters outside printable ASCII")));
        }
        sent.push((lower, value));
    }
    // Longest first: a secret that is part of another must not spoil it. Each once, however often a plugin used it: every one
    // costs a look at the whole answer.
    filled.0.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    filled.0.dedup_by(|(one, _), (other, _)| one == other);
    Ok((sent, filled))
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// What the environment holds for the secret `name` of a message.
#[cfg(feature = "websocket")]
pub(super) fn secret(name: &str, secrets: &Secrets) -> Result<String, EffectError> {
    value_of(name, secrets, &mut |_| {
        Err(EffectError::NotPermitted(format!("the token {} goes into headers only", literal::shown(name))))
    })
}

/// What the environment holds for the secret `name`, or `token` gives for it.
fn value_of(name: &str, secrets: &Secrets, token: &mut TokenSource<'_>) -> Result<String, EffectError> {
    let source = secrets.get(name).ok_or_else(|| {
        EffectError::NotFound(format!(
            "there is no secret {}; add to the plugin: secrets = {{ {} = {{ env = \"VARIABLE\", hosts = [\"HOST\"] }} }}",
            literal::shown(name),
            literal::key(name)
        ))
    })?;
    let variable = match source {
        SecretSource::Variable(variable) => variable,
        SecretSource::Token(client) => return token(client),
    };
    std::env::var(variable).ok().filter(|secret| !secret.is_empty()).ok_or_else(|| {
        EffectError::NotFound(format!(
            "the environment variable {variable} of the secret \"{name}\" is not set, or not text"
        ))
    })
}

/// `value` with its placeholders replaced by what they stand for.
fn expand(
    value: &str,
    secrets: &Secrets,
    token: &mut TokenSource<'_>,
    filled: &mut Filled,
) -> Result<String, EffectError> {
    let mut expanded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (name, after) = after
            .split_once(CLOSE)
            .ok_or_else(|| EffectError::Failed("a {{secret:…}} placeholder is not closed".to_owned()))?;
        let secret = value_of(name, secrets, token)?;
        expanded.push_str(before);
        expanded.push_str(&secret);
        if secret.len() >= MIN_SCRUBBED_BYTES {
            filled.0.push((secret, placeholder(name)));
        }
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(entries: &[(&str, &str)]) -> Secrets {
        let variable = |variable: &str| SecretSource::Variable(variable.to_owned());
        Arc::new(entries.iter().map(|(name, value)| ((*name).to_owned(), variable(value))).collect())
    }

    fn filled(headers: &[(String, String)], secrets: &Secrets) -> Result<(Vec<(String, String)>, Filled), EffectError> {
        fill(headers, secrets, &mut |client| Ok(format!("token-of-{}", client.plugin)))
    }

    fn one(name: &str, value: &str, secrets: &Secrets) -> Result<String, EffectError> {
        filled(&[(name.to_owned(), value.to_owned())], secrets).map(|(mut headers, _)| headers.remove(0).1)
    }

    #[test]
    fn a_placeholder_is_filled_from_the_environment_only() {
        let path = std::env::var("PATH").expect("PATH");
        let secrets = secrets(&[("token", "PATH"), ("gone", "CONDUCTOR_NO_SUCH_VARIABLE")]);
        assert_eq!(one("authorization", "Bearer {{secret:token}}!", &secrets), Ok(format!("Bearer {path}!")));
        assert_eq!(one("a", "{{secret:token}}{{secret:token}}", &secrets), Ok(format!("{path}{path}")));
        assert!(matches!(one("a", "{{secret:other}}", &secrets), Err(EffectError::NotFound(_))));
        assert!(matches!(one("a", "{{secret:gone}}", &secrets), Err(EffectError::NotFound(_))));
        assert!(matches!(one("a", "{{secret:HOME}}", &secrets), Err(EffectError::NotFound(_))));
        assert!(matches!(one("a", "{{secret:token", &secrets), Err(EffectError::Failed(_))));
    }

    #[test]
    fn headers_that_frame_or_smuggle_are_refused() {
        let none = secrets(&[]);
        for (name, value) in [
            ("Host", "evil"),
            ("content-length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("Sec-WebSocket-Key", "x"),
            ("a b", "x"),
            ("", "x"),
            ("x", "a\r\nhost: evil"),
            ("x", "a\nb"),
            ("x", "\u{e4}"),
        ] {
            assert!(matches!(one(name, value, &none), Err(EffectError::Failed(_))), "{name}: {value:?}");
        }
        assert_eq!(one("Sec-WebSocket-Protocol", "obs", &none), Ok("obs".to_owned()));
    }

    #[cfg(feature = "http")]
    #[test]
    fn an_answer_that_repeats_a_secret_does_not_give_it_away() {
        let path = std::env::var("PATH").expect("PATH");
        let secrets = secrets(&[("token", "PATH")]);
        let (_, filled) = filled(&[("x".to_owned(), "{{secret:token}}".to_owned())], &secrets).expect("filled");
        let mut response = HttpResponse {
            status: 200,
            headers: vec![("echo".to_owned(), format!("<{path}>"))],
            body: format!("{path} and {path}").into_bytes(),
        };
        filled.scrub(&mut response);
        assert_eq!(response.headers[0].1, "<{{secret:token}}>");
        assert_eq!(response.body, b"{{secret:token}} and {{secret:token}}");
    }

    #[test]
    fn a_secret_used_many_times_is_looked_for_once() {
        let secrets = secrets(&[("a", "PATH"), ("b", "PATH")]);
        let headers: Vec<_> =
            (0..64).map(|number| (format!("x-{number}"), "{{secret:a}}{{secret:b}}".to_owned())).collect();
        let (_, filled) = filled(&headers, &secrets).expect("filled");
        assert_eq!(filled.0.len(), 1);
    }

    #[test]
    fn an_answer_full_of_secrets_is_cleaned_in_one_pass() {
        // Moving the rest of the answer at each find would take minutes for this one.
        let filled = Filled(vec![("secret".to_owned(), "{{secret:token}}".to_owned())]);
        let mut body = b"secret".repeat(1 << 19);
        filled.scrub_bytes(&mut body);
        assert_eq!(body, b"{{secret:token}}".repeat(1 << 19));
        let mut body = b"-secretsecre".to_vec();
        filled.scrub_bytes(&mut body);
        assert_eq!(body, b"-{{secret:token}}secre");
    }
}
