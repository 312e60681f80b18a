//! Tokens of logins: put into headers, renewed in time, kept where nobody else reads them, and seen by no plugin.
#![cfg(all(feature = "http", feature = "websocket"))]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Scratch;
use crate::support::server::{Server, answer, read_request};
use conductor::internals::effect::{
    Answer, EffectError, HttpRequest, HttpResponse, NetworkRequest, OAuthClient, Origin, Reach, Response, SecretSource,
    Url,
};
use conductor::internals::os::{Network, SystemLookup, TokenStore};
use conductor::internals::time::{Clock as _, SystemClock};

/// A service: `/token` gives out tokens, `/api` is what they are for and answers with the header it got.
pub(crate) struct Service {
    server: Server,
    /// How often a token was renewed.
    renewed: Arc<AtomicUsize>,
}

/// What a token endpoint makes of the number of the renewal and the request: status line, headers and body.
type Renew = dyn Fn(usize, &str) -> (String, String, String) + Send + Sync;

impl Service {
    /// One whose `/api` takes `valid` tokens only.
    fn start(valid: impl Fn(&str) -> bool + Send + Sync + 'static, renew: Arc<Renew>) -> Self {
        let renewed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&renewed);
        let server = Server::start(move |stream, seen| {
            let request = read_request(stream);
            seen.lock().expect("notes").push(request.clone());
            if request.starts_with("POST /token ") {
                let (status, headers, body) = renew(count.fetch_add(1, Ordering::SeqCst), &request);
                return answer(stream, &status, &headers, &body);
            }
            let line = request.lines().find_map(|line| line.strip_prefix("authorization: "));
            let token = line.and_then(|line| line.strip_prefix("Bearer ")).unwrap_or_default();
            let status = if valid(token) { "200 OK" } else { "401 Unauthorized" };
            answer(stream, status, &format!("x-echo: {token}\r\n"), &format!("you sent {token}"));
        });
        Self { server, renewed }
    }
    /// One that takes every token and gives out `new-access-N` with what `fields` say of the Nth.
    fn rotating(fields: impl Fn(usize) -> Value + Send + Sync + 'static) -> Self {
        Self::start(|_| true, Arc::new(move |number, _| granted(number, &fields(number))))
    }
    fn renewals(&self) -> usize {
        self.renewed.load(Ordering::SeqCst)
    }
    fn seen(&self) -> Vec<String> {
        self.server.seen.lock().expect("notes").clone()
    }
    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.server.address)).expect("a URL")
    }
    fn client(&self) -> Arc<OAuthClient> {
        Arc::new(OAuthClient {
            plugin: "spotify".to_owned(),
            client_id: "the-client".to_owned(),
            authorize_url: self.url("/authorize"),
            token_url: self.url("/token"),
            scopes: Vec::new(),
        })
    }
}

fn granted(number: usize, fields: &Value) -> (String, String, String) {
    let mut body =
        json!({ "access_token": format!("new-access-{number}"), "token_type": "bearer", "expires_in": 3600 });
    let fields = fields.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(fields);
    ("200 OK".to_owned(), String::new(), body.to_string())
}

fn refused(status: &str, error: &str) -> (String, String, String) {
    // A server may repeat what it was sent.
    let body = json!({ "error": error, "error_description": "what about old-refresh?" });
    (status.to_owned(), String::new(), body.to_string())
}

fn now() -> u64 {
    SystemClock::start().unix_time() / 1_000_000
}

/// A user's tokens.
struct Kept(Scratch);

impl Kept {
    fn new() -> Self {
        Self(Scratch::new())
    }
    fn file(&self) -> PathBuf {
        self.0.path().join("spotify/token.json")
    }
    /// Puts `old-access` there, which is good for `left` seconds.
    fn login(&self, service: &Service, left: u64) {
        let token = json!({
            "version": 1, "client_id": "the-client", "token_url": service.client().token_url.to_string(),
            "access_token": "old-access", "refresh_token": "old-refresh", "expires_at": now() + left,
        });
        self.0.file("spotify/token.json", token.to_string());
    }
    fn token(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.file()).expect("a token")).expect("JSON")
    }
    fn network(&self) -> Network {
        let network = Network::new(Arc::new(SystemClock::start()), Arc::new(SystemLookup), None).expect("a network");
        network.with_tokens(TokenStore::at(self.0.path().to_owned()))
    }
}

fn ask_within(network: &Network, service: &Service, limit: Duration) -> Answer {
    let url = service.url("/api");
    let listed = vec![service.server.address.ip()];
    let secrets = [("token".to_owned(), SecretSource::Token(service.client()))];
    let request = HttpRequest {
        method: "GET".to_owned(),
        url,
        headers: vec![("authorization".to_owned(), "Bearer {{secret:token}}".to_owned())],
        body: Vec::new(),
        reach: Reach { named: true, listed: listed.into() },
        secrets: Arc::new(secrets.into_iter().collect()),
        max_body_bytes: 1 << 16,
    };
    let origin = Origin::Plugin { plugin: "spotify", tenant: "default" };
    network.request(&NetworkRequest::Http(request), origin, limit)
}

fn ask(network: &Network, service: &Service) -> Result<HttpResponse, EffectError> {
    match ask_within(network, service, Duration::from_secs(30)).result {
        Ok(Response::Http(response)) => Ok(response),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    }
}

/// The token that `/api` was sent last.
#[track_caller]
fn sent(service: &Service) -> String {
    let seen = service.seen();
    let request = seen.iter().rev().find(|request| request.starts_with("GET /api ")).expect("a request");
    let line = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).expect("a header");
    line.to_owned()
}

#[test]
fn a_token_stands_in_the_header_and_not_in_what_comes_back() {
    let (service, kept) = (Service::rotating(|_| json!({})), Kept::new());
    kept.login(&service, 3600);
    let response = ask(&kept.network(), &service).expect("an answer");
    assert_eq!((sent(&service).as_str(), service.renewals()), ("old-access", 0));
    assert_eq!(response.body, b"you sent {{secret:token}}");
    assert!(response.headers.contains(&("x-echo".to_owned(), "{{secret:token}}".to_owned())), "{response:?}");
}

#[test]
fn a_token_that_is_about_to_end_is_renewed_first_and_once() {
    let (service, kept) =
        (Service::rotating(|_| json!({ "refresh_token": "new-refresh", "scope": "a b" })), Kept::new());
    kept.login(&service, 30);
    let network = kept.network();
    for _ in 0..2 {
        ask(&network, &service).expect("an answer");
        assert_eq!(sent(&service), "new-access-0");
    }
    assert_eq!(service.renewals(), 1);
    let request = service.seen().into_iter().find(|request| request.starts_with("POST")).expect("a renewal");
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    assert_eq!(body, "grant_type=refresh_token&refresh_token=old-refresh&client_id=the-client");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    let token = kept.token();
    assert_eq!(
        (token["access_token"].as_str(), token["refresh_token"].as_str()),
        (Some("new-access-0"), Some("new-refresh"))
    );
    assert!(token["expires_at"].as_u64().is_some_and(|end| (3590..=3610).contains(&(end - now()))), "{token}");
    let mode = fs::metadata(kept.file()).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "however wide it was");
    let files = fs::read_dir(kept.file().parent().expect("a directory")).expect("the directory").count();
    assert_eq!(files, 1, "nothing is left beside it");
}

#[test]
fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    let (service, kept) = (Service::rotating(|_| json!({ "expires_in": 0 })), Kept::new());
    kept.login(&service, 0);
    let network = kept.network();
    for number in 0..2 {
        ask(&network, &service).expect("an answer");
        assert_eq!(sent(&service), format!("new-access-{number}"));
        assert_eq!(kept.token()["refresh_token"], "old-refresh");
    }
}

#[test]
fn a_token_of_a_short_life_is_not_renewed_at_every_request() {
    let (service, kept) = (Service::rotating(|_| json!({ "expires_in": 40 })), Kept::new());
    kept.login(&service, 0);
    let network = kept.network();
    for _ in 0..3 {
        ask(&network, &service).expect("an answer");
    }
    assert_eq!(service.renewals(), 1);
}

#[test]
fn a_new_token_is_stored_before_it_is_used() {
    let kept = Kept::new();
    let (file, stored) = (kept.file(), Arc::new(Mutex::new(Vec::new())));
    let noted = Arc::clone(&stored);
    let valid = move |_: &str| {
        noted.lock().expect("notes").push(fs::read_to_string(&file).expect("a token"));
        true
    };
    let service = Service::start(valid, Arc::new(|number, _| granted(number, &json!({ "refresh_token": "next" }))));
    kept.login(&service, 0);
    ask(&kept.network(), &service).expect("an answer");
    let stored = stored.lock().expect("notes");
    assert!(stored[0].contains("new-access-0") && stored[0].contains("next"), "{stored:?}");
}

#[test]
fn a_refused_token_is_renewed_and_the_request_repeated_once() {
    let new = Service::start(|token| token == "new-access-0", Arc::new(|number, _| granted(number, &json!({}))));
    let kept = Kept::new();
    kept.login(&new, 3600);
    assert_eq!(ask(&kept.network(), &new).expect("an answer").status, 200);
    assert_eq!((sent(&new).as_str(), new.renewals(), new.seen().len()), ("new-access-0", 1, 3));

    let never = Service::start(|_| false, Arc::new(|number, _| granted(number, &json!({}))));
    kept.login(&never, 3600);
    assert_eq!(ask(&kept.network(), &never).expect("an answer").status, 401, "the second answer is the answer");
    assert_eq!((never.renewals(), never.seen().len()), (1, 3));
}

#[test]
fn a_login_that_is_over_is_forgotten_and_the_line_to_type_is_said() {
    let (service, kept) =
        (Service::start(|_| true, Arc::new(|_, _| refused("400 Bad Request", "invalid_grant"))), Kept::new());
    kept.login(&service, 30);
    let network = kept.network();
    for _ in 0..2 {
        let Err(EffectError::NotPermitted(words)) = ask(&network, &service) else { panic!("it has no token") };
        assert!(words.contains("conductor plugin login spotify"), "{words}");
        assert!(!words.contains("old-refresh"), "{words}");
    }
    assert!(!kept.file().exists());
    assert_eq!((service.renewals(), service.seen().len()), (1, 1), "it is asked once, and nothing is sent without");
}

#[test]
fn without_a_login_and_with_that_of_another_client_nothing_is_sent() {
    let (service, kept) = (Service::rotating(|_| json!({})), Kept::new());
    let refusal = |kept: &Kept| match ask(&kept.network(), &service) {
        Err(EffectError::NotPermitted(words)) => words,
        other => panic!("{other:?}"),
    };
    assert!(refusal(&kept).contains("conductor plugin login spotify"));
    kept.login(&service, 0);
    let login = fs::read_to_string(kept.file()).expect("a token");
    for (what, other) in [("the-client", "other"), ("/token", "/elsewhere"), ("\"version\":1", "\"version\":2")] {
        kept.0.file("spotify/token.json", login.replace(what, other));
        assert!(refusal(&kept).contains("conductor plugin login spotify"), "{what}");
    }
    kept.0.file("spotify/token.json", "{\"access_token\": \"half");
    let words = refusal(&kept);
    assert!(words.contains("conductor plugin login spotify") && !words.contains("half"), "{words}");
    assert_eq!(service.seen().len(), 0);
}

#[test]
fn a_token_that_still_lasts_is_used_when_it_cannot_be_renewed() {
    let (service, kept) = (Service::start(|_| true, Arc::new(|_, _| refused("503 Busy", "server_error"))), Kept::new());
    let network = kept.network();
    kept.login(&service, 30);
    ask(&network, &service).expect("an answer");
    assert_eq!((sent(&service).as_str(), service.renewals()), ("old-access", 1));
    kept.login(&service, 0);
    let Err(EffectError::Failed(words)) = ask(&network, &service) else { panic!("it is over") };
    assert!(words.contains("answered 503, server_error") && !words.contains("old-refresh"), "{words}");
    assert_eq!(kept.token()["refresh_token"], "old-refresh", "another day it may be good");
}

#[test]
fn nothing_but_a_token_is_taken_for_one() {
    let kept = Kept::new();
    for body in [
        "",
        "{}",
        "[]",
        r#"{"access_token":"a","token_type":"mac"}"#,
        r#"{"access_token":"a b","token_type":"bearer"}"#,
        r#"{"access_token":"a\r\nx-evil: b","token_type":"bearer"}"#,
        r#"{"access_token":"","token_type":"bearer"}"#,
        r#"{"access_token":"a","token_type":"bearer","refresh_token":""}"#,
    ] {
        let service = Service::start(|_| true, Arc::new(move |_, _| ("200 OK".into(), String::new(), body.to_owned())));
        kept.login(&service, 0);
        assert!(matches!(ask(&kept.network(), &service), Err(EffectError::Failed(_))), "{body}");
        assert_eq!((service.seen().len(), kept.token()["access_token"].as_str()), (1, Some("old-access")), "{body}");
    }
}

#[test]
fn a_token_endpoint_that_redirects_is_not_followed() {
    let elsewhere = Server::start(|stream, _| answer(stream, "200 OK", "", "{}"));
    let location = format!("location: http://{}/\r\n", elsewhere.address);
    let renew = move |_: usize, _: &str| ("307 Elsewhere".to_owned(), location.clone(), String::new());
    let (service, kept) = (Service::start(|_| true, Arc::new(renew)), Kept::new());
    kept.login(&service, 0);
    assert!(matches!(ask(&kept.network(), &service), Err(EffectError::Failed(_))));
    assert_eq!(elsewhere.accepted(), 0);
}

#[test]
fn however_many_ask_in_however_many_processes_it_is_renewed_once() {
    // Whoever comes too late with the old one has lost the login.
    let renew = |number: usize, request: &str| {
        if request.contains("refresh_token=old-refresh") && number == 0 {
            granted(number, &json!({ "refresh_token": "next" }))
        } else {
            refused("400 Bad Request", "invalid_grant")
        }
    };
    let (service, kept) = (Service::start(|_| true, Arc::new(renew)), Kept::new());
    kept.login(&service, 0);
    let networks = [kept.network(), kept.network()];
    std::thread::scope(|threads| {
        let networks = networks.iter().cycle().take(8);
        let asking: Vec<_> = networks.map(|network| threads.spawn(|| ask(network, &service))).collect();
        for asked in asking {
            assert_eq!(asked.join().expect("no panic").map(|response| response.status), Ok(200));
        }
    });
    assert_eq!(service.renewals(), 1);
}

#[test]
fn a_renewal_goes_on_when_nobody_has_the_time_to_wait_for_it() {
    let (go, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    let renew = move |number: usize, _: &str| {
        if number == 0 {
            wait.lock().expect("a gate").recv().expect("a word");
        }
        granted(number, &json!({ "refresh_token": "next" }))
    };
    let (service, kept) = (Service::start(|_| true, Arc::new(renew)), Kept::new());
    kept.login(&service, 0);
    let network = kept.network();
    let hurried = ask_within(&network, &service, Duration::from_millis(50));
    assert!(matches!(hurried.result, Err(EffectError::TimedOut(_))), "{hurried:?}");
    go.send(()).expect("somebody waits");
    ask(&network, &service).expect("an answer");
    assert_eq!((sent(&service).as_str(), service.renewals()), ("new-access-0", 1));
    assert_eq!(kept.token()["refresh_token"], "next");
}

#[test]
fn what_could_not_be_stored_is_not_used_and_not_lost() {
    let kept = Kept::new();
    let (directory, aside) = (kept.0.path().join("spotify"), kept.0.path().join("aside"));
    let (from, to) = (directory.clone(), aside.clone());
    let renew = move |number: usize, _: &str| {
        fs::rename(&from, &to).expect("renamed");
        fs::write(&from, "in the way").expect("a file");
        granted(number, &json!({ "refresh_token": "next" }))
    };
    let service = Service::start(|_| true, Arc::new(renew));
    kept.login(&service, 0);
    let network = kept.network();
    let Err(EffectError::Failed(words)) = ask(&network, &service) else { panic!("it is not stored") };
    assert!(words.contains("cannot write") && words.contains("spotify"), "{words}");
    assert_eq!(service.seen().len(), 1, "nothing was sent with it");
    fs::remove_file(&directory).expect("removed");
    fs::rename(&aside, &directory).expect("renamed");
    ask(&network, &service).expect("an answer");
    assert_eq!((sent(&service).as_str(), service.renewals()), ("new-access-0", 1));
    assert_eq!(kept.token()["refresh_token"], "next");
}
