//! Requests to the Web API, and what its errors mean.

use std::cell::Cell;

use conductor_plugin::{Failure, HttpRequest, HttpResponse, config};
use serde::Deserialize;

use crate::clock::now_ms;

/// Where the Web API is, unless the configuration says otherwise.
const API: &str = "https://api.spotify.com/v1";

/// How long one request may take, in milliseconds.
const REQUEST_MS: u64 = 2_500;

/// How long all requests of a call may take together: less than calls may by default, so that it ends by itself.
const CALL_MS: u64 = 4_200;

/// How long is waited after "too many requests" where Spotify does not say it: its window.
const WINDOW_S: u64 = 30;

thread_local! {
    /// Nothing is sent before.
    static NOT_BEFORE: Cell<u64> = const { Cell::new(0) };
}

/// The Web API, for one call.
pub(crate) struct Api {
    base: String,
    authorization: String,
    began: u64,
}

/// What an answer other than 2xx says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    message: String,
    reason: String,
}

#[derive(Deserialize)]
struct Body {
    error: Refusal,
}

/// An answer: a body, or why not.
pub(crate) type ApiAnswer = Result<Vec<u8>, Refusal>;

impl Api {
    pub(crate) fn of_this_call() -> Result<Self, Failure> {
        let token = config("token")?.ok_or_else(|| {
            Failure::new(
                "it has no login: the configuration needs a section [plugins.NAME.oauth], which its README shows",
            )
        })?;
        let base = config("api")?.unwrap_or_else(|| API.to_owned());
        Ok(Self { base, authorization: format!("Bearer {token}"), began: now_ms() })
    }

    /// Sends a request, and repeats it once where the server failed.
    pub(crate) fn ask(&self, method: &str, target: &str, body: Option<&[u8]>) -> Result<ApiAnswer, Failure> {
        let response = self.send(method, target, body)?;
        // After a gateway gave up waiting, a skip may have happened.
        let again = response.status >= 500 && !(response.status == 504 && method == "POST");
        let response = if again { self.send(method, target, body)? } else { response };
        if (200..300).contains(&response.status) {
            return Ok(Ok(response.body));
        }
        let mut refusal = serde_json::from_slice::<Body>(&response.body).map(|body| body.error).unwrap_or_default();
        refusal.status = response.status;
        Ok(Err(refusal))
    }

    fn send(&self, method: &str, target: &str, body: Option<&[u8]>) -> Result<HttpResponse, Failure> {
        let now = now_ms();
        if let Some(left) = waiting(now) {
            return Err(Failure::new(format!("Spotify wants no more requests for {left} s")));
        }
        let left = (self.began + CALL_MS).saturating_sub(now);
        if left == 0 {
            return Err(Failure::new("Spotify took too long to answer"));
        }
        let mut request = HttpRequest::new(method, &format!("{}{target}", self.base))
            .header("authorization", &self.authorization)
            .timeout_ms(u32::try_from(left.min(REQUEST_MS)).unwrap_or(u32::MAX));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send()?;
        if response.status == 429 {
            let said = response.headers.iter().find(|(name, _)| name == "retry-after");
            let wait = said.and_then(|(_, seconds)| seconds.trim().parse().ok()).unwrap_or(WINDOW_S);
            NOT_BEFORE.set(now_ms().saturating_add(wait.saturating_mul(1000)));
            return Err(Failure::new(format!("Spotify wants no more requests for {wait} s")));
        }
        Ok(response)
    }
}

/// Seconds for which nothing may be sent.
pub(crate) fn waiting(now: u64) -> Option<u64> {
    match NOT_BEFORE.get().saturating_sub(now) {
        0 => None,
        left => Some(left.div_ceil(1000)),
    }
}

/// Forgets what Spotify asked to wait for.
#[cfg(test)]
pub(crate) fn forget() {
    NOT_BEFORE.set(0);
}

impl Refusal {
    /// Whether there is no device that plays.
    pub(crate) fn no_device(&self) -> bool {
        self.status == 404 && (self.reason == "NO_ACTIVE_DEVICE" || self.reason.is_empty())
    }

    /// Whether what was asked for is so already.
    pub(crate) fn already(&self) -> bool {
        matches!(self.reason.as_str(), "ALREADY_PAUSED" | "ALREADY_PLAYING" | "NOT_PAUSED")
    }

    /// Whether only the player's state tells what it means.
    pub(crate) fn restricted(&self) -> bool {
        self.status == 403 && (matches!(self.reason.as_str(), "" | "UNKNOWN") && !self.about_login())
    }

    /// Whether the token is not good for it.
    fn about_login(&self) -> bool {
        self.message.contains("scope")
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Refusal { status, message, reason } = &refusal;
        let text = match (status, reason.as_str()) {
            (401, _) => {
                "Spotify refuses the token, a new one too; log in again: conductor plugin login, and the plugin's name"
            }
            (_, "PREMIUM_REQUIRED") => "Spotify lets other programs steer its player only with Premium",
            (403, _) if refusal.about_login() => {
                "the login is not good for this; scopes needs user-read-playback-state and user-modify-playback-state; then log in again"
            }
            (_, "NO_PREV_TRACK") => "there is no track before this one",
            (_, "NO_NEXT_TRACK") => "there is no next track",
            (_, "NO_SPECIFIC_TRACK") => "the track is not in what plays",
            (_, "NOT_PLAYING_LOCALLY" | "NOT_PLAYING_TRACK" | "NOT_PLAYING_CONTEXT") => {
                "nothing plays that this could be done to"
            }
            (_, "ENDLESS_CONTEXT") => "what plays has no end, and no such setting",
            (_, "CONTEXT_DISALLOW") => "what plays does not allow this",
            (_, "REMOTE_CONTROL_DISALLOW" | "DEVICE_NOT_CONTROLLABLE") => {
                "the device lets nobody steer it from outside"
            }
            (_, "VOLUME_CONTROL_DISALLOW") => "the volume of the device cannot be set from here",
            (_, "QUOTA_EXCEEDED") => {
                "the app has asked Spotify for all it may ask for; its page at developer.spotify.com says more"
            }
            (404, _) if refusal.no_device() => "no device plays, and none can: open Spotify on one",
            _ => "",
        };
        let said: String = message.chars().filter(|c| !c.is_control()).take(200).collect();
        Failure::new(match (text, said.as_str()) {
            ("", "") => format!("Spotify answered {status}"),
            ("", said) => format!("Spotify answered {status}: {said}"),
            (text, _) => text.to_owned(),
        })
    }
}
