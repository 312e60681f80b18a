//! A token and what belongs to it, as it is kept.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::effect::OAuthClient;

/// What a login gave.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Of the file's form.
    version: u32,
    /// Whom it was given to; another client has no use for it.
    client_id: String,
    /// Who gave it; nobody else is sent the refresh token.
    token_url: String,
    /// What is put into headers.
    pub(super) access_token: String,
    /// What the next access token is asked for with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
    /// When the access token ends, in seconds of Unix time, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<u64>,
    /// How long it was good for when it was given, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) life: Option<u64>,
    /// What it is good for, as the service said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
}

/// Version of the file's form.
const VERSION: u32 = 1;

/// How long before its end a token is renewed, in seconds: longer than a request takes, and than clocks differ.
const LEAD_S: u64 = 60;

impl Token {
    pub(super) fn new(client: &OAuthClient, access_token: String) -> Self {
        Self {
            version: VERSION,
            client_id: client.client_id.clone(),
            token_url: client.token_url.to_string(),
            access_token,
            refresh_token: None,
            expires_at: None,
            life: None,
            scope: None,
        }
    }

    /// Whether it was given to `client`.
    pub(super) fn is_of(&self, client: &OAuthClient) -> bool {
        self.version == VERSION && self.client_id == client.client_id && self.token_url == client.token_url.to_string()
    }

    /// Seconds that its access token is good for at `now`, in seconds of Unix time.
    pub(super) fn left(&self, now: u64) -> u64 {
        self.expires_at.map_or(u64::MAX, |end| end.saturating_sub(now))
    }

    /// Whether its access token is to be renewed at `now`: its end is near, for a token of its life.
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.left(now) <= self.life.map_or(LEAD_S, |life| LEAD_S.min(life / 4))
    }

    /// What it is good for, as the service said it.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Whether it can be renewed without the user.
    #[must_use]
    pub fn renews(&self) -> bool {
        self.refresh_token.is_some()
    }
}

impl fmt::Debug for Token {
    /// Without the tokens themselves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("client_id", &self.client_id)
            .field("token_url", &self.token_url)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
