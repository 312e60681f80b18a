//! What a token endpoint answers.

use serde::Deserialize;

use super::super::headers::Filled;
use super::token::Token;
use crate::effect::{HttpResponse, OAuthClient};
use crate::text::clean;

/// Longest token, in bytes: it has to fit into a header.
const MAX_TOKEN: usize = 8_000;

/// Longest life that is believed, in seconds.
const MAX_LIFE: u64 = 10 * 366 * 86_400;

/// Longest words of a server that are shown, in bytes.
const MAX_WORDS: usize = 200;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// What was sent for a token is good for none, and never will be.
    InvalidGrant(String),
    /// Anything else.
    Other(String),
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: Option<f64>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

/// The token in `response`, which came at `now`, in seconds of Unix time. What it leaves out is as in `old`. `sent` are secrets that
/// were sent, which no message repeats.
pub(super) fn read(
    response: &HttpResponse,
    client: &OAuthClient,
    old: Option<&Token>,
    sent: &Filled,
    now: u64,
) -> Result<Token, Refusal> {
    let endpoint = client.token_url.origin();
    if !(200..300).contains(&response.status) {
        return Err(refused(response, &endpoint, sent));
    }
    let unusable = |why: &str| Refusal::Other(format!("{endpoint} answered with {why}"));
    // What serde says about it could repeat it.
    let granted: Granted =
        serde_json::from_slice(&response.body).map_err(|_| unusable("something that holds no access_token"))?;
    if !granted.token_type.eq_ignore_ascii_case("bearer") {
        return Err(unusable("a token of a type other than Bearer"));
    }
    let fits =
        |token: &str| (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits(&granted.access_token) || granted.refresh_token.as_deref().is_some_and(|token| !fits(token)) {
        return Err(unusable("a token that fits into no header"));
    }
    let old_refresh = old.and_then(|old| old.refresh_token.clone());
    let old_scope = old.and_then(|old| old.scope.clone());
    #[allow(clippy::cast_sign_loss)] // held to be above zero; a float beyond the integers becomes the nearest
    let life = granted.expires_in.map(|seconds| (seconds.max(0.0) as u64).min(MAX_LIFE));
    let mut token = Token::new(client, granted.access_token);
    token.refresh_token = granted.refresh_token.or(old_refresh);
    token.expires_at = life.map(|life| now.saturating_add(life));
    token.life = life;
    token.scope = granted.scope.filter(|scope| scope.len() <= MAX_TOKEN).or(old_scope);
    Ok(token)
}

fn refused(response: &HttpResponse, endpoint: &str, sent: &Filled) -> Refusal {
    let status = response.status;
    let Ok(Refused { error, error_description }) = serde_json::from_slice(&response.body) else {
        return Refusal::Other(format!("{endpoint} answered {status}"));
    };
    let invalid_grant = error == "invalid_grant";
    let mut words = error_description.map_or_else(|| error.clone(), |description| format!("{error}: {description}"));
    sent.scrub_text(&mut words);
    let words = format!("{endpoint} answered {status}, {}", clean(&words, MAX_WORDS));
    if invalid_grant { Refusal::InvalidGrant(words) } else { Refusal::Other(words) }
}
