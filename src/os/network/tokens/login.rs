//! A login: what the browser is sent to, and what its answer is exchanged for.

use std::io;
use std::sync::Arc;

use super::super::Network;
use super::answer::Refusal;
use super::form;
use super::token::Token;
use crate::digest::Digest;
use crate::effect::{EffectError, OAuthClient};
use crate::text::base64;
use crate::time::SystemEntropy;

/// A login that has begun (RFC 6749 with RFC 7636).
pub struct Login {
    client: Arc<OAuthClient>,
    /// Where the browser comes back to.
    redirect: String,
    /// What only this process knows, so that nobody else has use for the code.
    verifier: String,
    /// What the browser brings back, so that it is known to come from this login.
    state: String,
}

impl Login {
    /// Begins a login for `client`, whose answer comes to `redirect`.
    pub fn begin(client: Arc<OAuthClient>, redirect: String) -> io::Result<Self> {
        let random = || SystemEntropy::bytes::<32>().map(|bytes| base64::url(&bytes));
        Ok(Self { client, redirect, verifier: random()?, state: random()? })
    }

    /// What the answer has to bring back.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// The address that the user opens in a browser.
    #[must_use]
    pub fn address(&self) -> String {
        let challenge = challenge(&self.verifier);
        let scope = self.client.scopes.join(" ");
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", &self.client.client_id),
            ("redirect_uri", &self.redirect),
            ("state", &self.state),
            ("code_challenge_method", "S256"),
            ("code_challenge", &challenge),
        ];
        if !scope.is_empty() {
            fields.push(("scope", &scope));
        }
        let url = self.client.authorize_url.to_string();
        let join = if url.contains('?') { '&' } else { '?' };
        format!("{url}{join}{}", form::encode(&fields))
    }

    /// Exchanges `code` for a token, and keeps it. The inner error is the service's refusal.
    pub fn redeem(&self, network: &Network, code: &str) -> Result<Result<Token, String>, EffectError> {
        let answer = network.tokens().redeem(&self.client, (code, &self.verifier, &self.redirect))?;
        Ok(answer.map_err(|(Refusal::InvalidGrant(words) | Refusal::Other(words))| words))
    }
}

/// What is said of `verifier` before it is (RFC 7636, method S256).
fn challenge(verifier: &str) -> String {
    base64::url(Digest::of(verifier.as_bytes()).as_bytes())
}

impl std::fmt::Debug for Login {
    /// Without what only this process knows.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("client", &self.client).field("redirect", &self.redirect).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_holds() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
