//! `http_request`.

use serde::{Deserialize, Serialize};

use super::answer;
use crate::capability::Capability;
use crate::effect::{HttpRequest, NetworkRequest, Response, Url};
use crate::grant::Denied;
use crate::sandbox::{Args, Errno, HostCall, HostError, HostFunction, ValueType::I32};

/// Fuel of each request that is sent, redirects included.
const REQUEST_FUEL: u64 = 20_000;

/// Fuel of each header of each request: it is checked, copied and written.
const HEADER_FUEL: u64 = 100;

/// Most redirects that are followed.
const MAX_REDIRECTS: u32 = 10;

/// Methods a plugin may use. `CONNECT` would open a tunnel, `TRACE` shows headers that were filled in.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

pub(super) const HTTP_REQUEST: HostFunction = HostFunction {
    name: "http_request",
    params: &[I32, I32, I32, I32],
    results: &[I32],
    capability: Some(Capability::Network),
    doc: "http_request(head_ptr, head_len, body_ptr, body_len) -> length: sends a request to a host that allowed_hosts lists and waits for \
          the answer, whose length it returns; response_read reads it. The head is JSON: {\"url\": …, \"method\": \"GET\", \"headers\": \
          [[name, value], …], \"timeout_ms\": 30000, \"redirects\": 5}, all but the url optional; values of headers may hold \
          {{secret:NAME}}, for hosts that the secret is for; a token of a login that is answered with 401 is renewed, and the request \
          repeated once. The answer's line is {\"status\": …, \"url\": …, \"headers\": [[name, value], …]}. Each redirect is \
          held against the grant again. At most 1 MiB is sent and 4 MiB are received.",
    call: http_request,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    url: String,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    timeout_ms: Option<u32>,
    #[serde(default = "five")]
    redirects: u32,
}

fn get() -> String {
    "GET".to_owned()
}

fn five() -> u32 {
    5
}

#[derive(Serialize)]
struct Answer<'a> {
    status: u16,
    url: String,
    headers: &'a [(String, String)],
}

fn http_request(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let head: Head = answer::head(call, args)?;
    let body = answer::body(call, args, 2)?;
    if !METHODS.contains(&head.method.as_str()) {
        return Err(Errno::Invalid.because(format!("the method must be one of {}", METHODS.join(", "))));
    }
    if !body.is_empty() && matches!(head.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
        return Err(Errno::Invalid.because(format!("{} has no body", head.method)));
    }
    let url = url(call, &head.url)?;
    if url.scheme().websocket() {
        return Err(Errno::Invalid.because("http_request speaks https:// and http://; ws_open opens a WebSocket"));
    }
    let mut request = HttpRequest {
        method: head.method,
        url,
        headers: head.headers,
        body,
        reach: crate::effect::Reach::default(),
        secrets: crate::effect::Secrets::default(),
        max_body_bytes: answer::MAX_ANSWER,
    };
    let mut redirects = head.redirects.min(MAX_REDIRECTS);
    loop {
        let body = request.body.len() as u64;
        call.charge(REQUEST_FUEL.saturating_add(headers_fuel(&request.headers)).saturating_add(body))?;
        request.reach = call.grant().url(&request.url).map_err(|denied| call.deny(&denied))?;
        // At each hop anew: what was meant for one server is not sent to the one it names.
        let secrets = call.plugin().secrets().reaching(&request.url, &request.headers);
        request.secrets = secrets.map_err(|denied| call.deny(&denied))?;
        let Response::Http(response) =
            call.request(&NetworkRequest::Http(request.clone()).into(), answer::wait(head.timeout_ms))?
        else {
            return Err(Errno::Failed.because("the answer is not one to an HTTP request"));
        };
        match response.location().filter(|_| redirects > 0) {
            Some(location) => redirect(call, &mut request, response.status, location)?,
            None => {
                let head = Answer { status: response.status, url: request.url.to_string(), headers: &response.headers };
                return answer::keep(call, &head, &[&response.body]);
            }
        }
        redirects -= 1;
    }
}

/// Fuel of sending `headers`.
pub(super) fn headers_fuel(headers: &[(String, String)]) -> u64 {
    HEADER_FUEL.saturating_mul(headers.len() as u64)
}

/// Reads a URL a plugin wrote.
pub(super) fn url(call: &mut HostCall<'_>, text: &str) -> Result<Url, HostError> {
    Url::parse(text).map_err(|fault| call.deny(&Denied::Url { fault }))
}

/// Makes `request` the one that a redirect asks for. What was meant for one server alone is not sent to another.
fn redirect(call: &mut HostCall<'_>, request: &mut HttpRequest, status: u16, location: &str) -> Result<(), HostError> {
    let next = request.url.join(location).map_err(|fault| call.deny(&Denied::Url { fault }))?;
    if next.scheme().websocket() {
        return Err(Errno::Invalid.because("the server redirects to a WebSocket"));
    }
    request.redirect(status, next);
    Ok(())
}
