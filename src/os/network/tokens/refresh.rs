//! Access tokens for requests: the one there is while it lasts, and a new one before it ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::deadline::Deadline;
use super::super::dial::Dialer;
use super::super::headers::Filled;
use super::super::http;
use super::answer::{self, Refusal};
use super::form;
use super::store::{TokenStore, login_command};
use super::token::Token;
use crate::effect::{EffectError, Host, HttpRequest, OAuthClient, Origin, Reach, Secrets};
use crate::text::Escape as _;
use crate::time::Clock;

/// How long one renewal may take. Whoever needs it may have less time; it goes on without them, because what a server has given
/// out may be gone when nobody takes it.
const LIMIT: Duration = Duration::from_secs(20);

/// Largest answer of a token endpoint, in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// Stack of the thread that renews a token: a TLS handshake, and the system's resolver.
const STACK_BYTES: usize = 512 << 10;

/// Gives out access tokens.
#[derive(Clone)]
pub(in crate::os::network) struct Tokens {
    clock: Arc<dyn Clock>,
    dialer: Dialer,
    store: TokenStore,
    /// By plugin: what is under way. Each is renewed once, however many wait for it.
    renewals: Arc<Mutex<BTreeMap<String, Arc<Renewal>>>>,
    /// By plugin: what could not be stored, and the access token it took the place of.
    unstored: Arc<Mutex<BTreeMap<String, (Token, String)>>>,
}

/// A renewal, and what came of it.
#[derive(Default)]
struct Renewal {
    result: Mutex<Option<Result<Token, EffectError>>>,
    ended: Condvar,
}

impl Tokens {
    pub(in crate::os::network) fn new(clock: Arc<dyn Clock>, dialer: Dialer, store: TokenStore) -> Self {
        Self { clock, dialer, store, renewals: Arc::default(), unstored: Arc::default() }
    }

    /// The access token for `client`, which is renewed where it is about to end, or where it is `refused`.
    pub(in crate::os::network) fn access(
        &self,
        client: &Arc<OAuthClient>,
        refused: Option<&str>,
        deadline: &Deadline,
    ) -> Result<String, EffectError> {
        let token = self.current(client)?;
        let (is_refused, now) = (refused == Some(token.access_token.as_str()), self.now());
        if !is_refused && !token.is_due(now) {
            return Ok(token.access_token);
        }
        match self.renewed(client, &token, deadline) {
            Ok(token) => Ok(token.access_token),
            // It is good for a while yet; the next request tries again.
            Err(error) if !is_refused && token.left(now) > 0 && !matches!(error, EffectError::NotPermitted(_)) => {
                log::debug!("the token of plugin {} is not renewed yet: {error}", client.plugin.escaped());
                Ok(token.access_token)
            }
            Err(error) => Err(error),
        }
    }

    /// The token there is.
    fn current(&self, client: &OAuthClient) -> Result<Token, EffectError> {
        let stored = self.store.read(client)?;
        let mut unstored = lock(&self.unstored);
        if let Some((token, replaced)) = unstored.get(&client.plugin) {
            let is_next = stored.as_ref().is_some_and(|stored| stored.access_token == *replaced);
            if is_next {
                self.store.write(client, token)?;
            }
            let token = token.clone();
            unstored.remove(&client.plugin);
            if is_next {
                return Ok(token);
            }
        }
        stored.ok_or_else(|| {
            let (plugin, command) = (client.plugin.escaped(), login_command(&client.plugin));
            EffectError::NotPermitted(format!("nobody has logged in for plugin {plugin}; to log in: {command}"))
        })
    }

    /// The token in the place of `stale`, as far as there is time.
    fn renewed(&self, client: &Arc<OAuthClient>, stale: &Token, deadline: &Deadline) -> Result<Token, EffectError> {
        let mut renewals = lock(&self.renewals);
        let renewal = if let Some(renewal) = renewals.get(&client.plugin) {
            Arc::clone(renewal)
        } else {
            let renewal = Arc::new(Renewal::default());
            let (tokens, client, stale, of_thread) =
                (self.clone(), Arc::clone(client), stale.clone(), Arc::clone(&renewal));
            let plugin = client.plugin.clone();
            let thread = std::thread::Builder::new().name("token".into()).stack_size(STACK_BYTES);
            let started = thread.spawn(move || {
                let result = tokens.renew(&client, &stale);
                // From here on others begin anew, and find what this one stored.
                lock(&tokens.renewals).remove(&client.plugin);
                *lock(&of_thread.result) = Some(result);
                of_thread.ended.notify_all();
            });
            started.map_err(|error| EffectError::Busy(format!("no thread to renew a token: {error}")))?;
            renewals.insert(plugin, Arc::clone(&renewal));
            renewal
        };
        drop(renewals);
        let waiting = lock(&renewal.result);
        let ended = renewal.ended.wait_timeout_while(waiting, deadline.left()?, |result| result.is_none());
        let (result, _) = ended.unwrap_or_else(PoisonError::into_inner);
        result.clone().unwrap_or_else(|| Err(deadline.passed()))
    }

    /// Renews the token, unless somebody else has.
    fn renew(&self, client: &OAuthClient, stale: &Token) -> Result<Token, EffectError> {
        let deadline = Deadline::after(Arc::clone(&self.clock), LIMIT);
        let _lock = self.store.lock(&client.plugin, &*self.clock, &deadline)?;
        let token = self.current(client)?;
        if token.access_token != stale.access_token {
            return Ok(token);
        }
        let command = login_command(&client.plugin);
        let Some(refresh_token) = &token.refresh_token else {
            return Err(EffectError::NotPermitted(format!(
                "the token of plugin {} is over, and the service gave nothing to renew it with; to log in again: {command}",
                client.plugin.escaped()
            )));
        };
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.as_str()),
            ("client_id", client.client_id.as_str()),
        ];
        match self.ask(client, &fields, &[refresh_token], Some(&token), &deadline)? {
            Ok(new) => {
                // Before it is used: the old one may be worth nothing by now.
                self.store.write(client, &new).inspect_err(|_| {
                    let waiting = (new.clone(), token.access_token.clone());
                    lock(&self.unstored).insert(client.plugin.clone(), waiting);
                })?;
                log::debug!("the token of plugin {} is renewed", client.plugin.escaped());
                Ok(new)
            }
            Err(Refusal::InvalidGrant(words)) => {
                self.store.remove(&client.plugin)?;
                let text = format!(
                    "the login of plugin {} is over ({words}); to log in again: {command}",
                    client.plugin.escaped()
                );
                log::warn!("{text}");
                Err(EffectError::NotPermitted(text))
            }
            Err(Refusal::Other(words)) => Err(EffectError::Failed(format!(
                "the token of plugin {} is not renewed: {words}",
                client.plugin.escaped()
            ))),
        }
    }

    /// Exchanges the code of a login for a token, and keeps it.
    pub(super) fn redeem(
        &self,
        client: &OAuthClient,
        (code, verifier, redirect): (&str, &str, &str),
    ) -> Result<Result<Token, Refusal>, EffectError> {
        let deadline = Deadline::after(Arc::clone(&self.clock), LIMIT);
        let _lock = self.store.lock(&client.plugin, &*self.clock, &deadline)?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("client_id", client.client_id.as_str()),
            ("code_verifier", verifier),
        ];
        let answer = self.ask(client, &fields, &[code, verifier], None, &deadline)?;
        if let Ok(token) = &answer {
            self.store.write(client, token)?;
        }
        Ok(answer)
    }

    /// Sends `fields` to the token endpoint. No message repeats `secrets`.
    fn ask(
        &self,
        client: &OAuthClient,
        fields: &[(&str, &str)],
        secrets: &[&str],
        old: Option<&Token>,
        deadline: &Deadline,
    ) -> Result<Result<Token, Refusal>, EffectError> {
        let url = &client.token_url;
        let listed = if let Host::Address(address) = url.host() { vec![*address] } else { Vec::new() };
        let request = HttpRequest {
            method: "POST".to_owned(),
            url: url.clone(),
            headers: vec![
                ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
                ("accept".to_owned(), "application/json".to_owned()),
            ],
            body: form::encode(fields).into_bytes(),
            // The configuration names the address: it is meant, wherever that is.
            reach: Reach { named: true, listed: listed.into() },
            secrets: Secrets::default(),
            max_body_bytes: MAX_ANSWER,
        };
        let origin = Origin::Plugin { plugin: &client.plugin, tenant: "default" };
        let connection = self.dialer.dial(url, &request.reach, origin, deadline)?;
        let response = http::exchange(connection, &request, &request.headers, deadline)?;
        let mut sent = Filled::default();
        for secret in secrets {
            sent.add(secret, "…");
        }
        Ok(answer::read(&response, client, old, &sent, self.now()))
    }

    /// Unix time in seconds.
    fn now(&self) -> u64 {
        self.clock.unix_time() / 1_000_000
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
