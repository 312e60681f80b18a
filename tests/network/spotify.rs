//! The plugin for Spotify against real servers: a mock of the published specification, which refuses what does not fit it, and an OAuth
//! server that checks what it is sent. Nothing here is Spotify; `tests/live/spotify.sh` asks that.
#![cfg(all(feature = "http", feature = "websocket"))]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::login::{LoggingIn, visit};
use crate::official_servers::{Front, Turn, authority, servers, specification};
use crate::support::sandbox::{call_with, instance, load, params, services, settings};
use crate::support::{Scratch, bin, repository};
use conductor::internals::capability::Capability;
use conductor::internals::config::{OAuth, Params, PluginConfig};
use conductor::internals::effect::{
    Answer, Effect, EffectError, EffectHandler, OAuthClient, Origin, Reply, Request, Url,
};
use conductor::internals::os::{Network, SystemLookup, TokenStore};
use conductor::internals::sandbox::{Context, Instance, Outcome, Services};
use conductor::internals::time::{Clock as _, SystemClock};

const PLUGIN: &str = "fixtures/plugins/conductor_wasm_spotify.wasm";

/// The real network and the real tokens.
struct World(Network);

impl EffectHandler for World {
    fn perform(&self, effect: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        panic!("it only asks the network: {effect}")
    }
    fn request(&self, request: &Request, origin: Origin<'_>, limit: std::time::Duration) -> Answer {
        let Request::Network(request) = request else { panic!("it only asks the network: {request:?}") };
        self.0.request(request, origin, limit)
    }
}

/// The plugin, for somebody who has logged in at `authority` and whose Spotify is at `api`.
fn plugin(scratch: &Scratch, api: &Front, authority: &Front) -> Instance {
    let url = |path: &str| Url::parse(&format!("{}{path}", authority.url())).expect("a URL");
    let client = OAuthClient {
        plugin: "spotify".to_owned(),
        client_id: "the-client".to_owned(),
        authorize_url: url("/authorize"),
        token_url: url("/token"),
        scopes: Vec::new(),
    };
    let oauth =
        OAuth { client: Arc::new(client), hosts: vec![api.url()], name: "token".to_owned(), redirect_port: None };
    let config = PluginConfig {
        granted_capabilities: vec![Capability::Network],
        allowed_hosts: vec![api.url()],
        config: [("api".to_owned(), api.url())].into(),
        oauth: Some(oauth),
        ..settings()
    };
    let wasm = std::fs::read(repository(PLUGIN)).expect("a committed guest");
    let plugin = load("spotify", &wasm, &config).expect("loaded");
    let network = Network::new(Arc::new(SystemClock::start()), Arc::new(SystemLookup), None).expect("a network");
    let network = network.with_tokens(TokenStore::at(scratch.path().to_owned()));
    instance(&plugin, &Services { outside: Arc::new(World(network)), ..services() })
}

/// Keeps a token that lasts for `left` seconds, with the refresh token `refresh`.
fn log_in(scratch: &Scratch, authority: &Front, left: u64, refresh: &str) {
    let now = SystemClock::start().unix_time() / 1_000_000;
    let token = json!({
        "version": 1, "client_id": "the-client", "token_url": format!("{}/token", authority.url()),
        "access_token": "an-access-token", "refresh_token": refresh, "expires_at": now + left,
    });
    scratch.file("spotify/token.json", token.to_string());
}

fn call(instance: &mut Instance, json: &str) -> Outcome {
    let value: Value = serde_json::from_str(json).expect("JSON");
    let params = Params { action: value["action"].as_str().expect("an action").to_owned(), ..params(json) };
    call_with(instance, &params, &Context::default())
}

/// The last line that it logged: why it failed.
fn said(outcome: &Outcome) -> String {
    outcome.logs.last().map(|line| line.text.clone()).unwrap_or_default()
}

/// Nobody, where no login is needed.
fn nobody() -> Front {
    Front::of(SocketAddr::from(([127, 0, 0, 1], 9)))
}

const DEVICES: &str =
    r#"{"devices":[{"id":"74ASZWbe4lXaubB36ztrGX","is_active":false,"is_restricted":false,"name":"Kitchen"}]}"#;

fn devices() -> Turn {
    Turn::Say("200 OK", "", DEVICES.to_owned())
}

#[test]
fn the_published_specification_accepts_every_request() {
    if !servers(module_path!(), "the_published_specification_accepts_every_request") {
        return;
    }
    let (_node, address) = specification();
    let (scratch, api, authority) = (Scratch::new(), Front::of(address), nobody());
    log_in(&scratch, &authority, 3_600, "none");
    let mut plugin = plugin(&scratch, &api, &authority);
    let device = "device_id=74ASZWbe4lXaubB36ztrGX";
    for (json, expected) in [
        (r#"{"action":"play"}"#, &["PUT /me/player/play -> 204"][..]),
        (
            r#"{"action":"play","context":"spotify:album:5ht7ItJgpBH7W6vJ5BqpPr","offset":5,"position":7}"#,
            &[
                r#"PUT /me/player/play {"context_uri":"spotify:album:5ht7ItJgpBH7W6vJ5BqpPr","offset":{"position":5},"position_ms":7000} -> 204"#,
            ],
        ),
        (
            r#"{"action":"play","context":"spotify:album:5ht7ItJgpBH7W6vJ5BqpPr","offset":"spotify:track:1301WleyT98MSxVHPZCA6M"}"#,
            &[
                r#"PUT /me/player/play {"context_uri":"spotify:album:5ht7ItJgpBH7W6vJ5BqpPr","offset":{"uri":"spotify:track:1301WleyT98MSxVHPZCA6M"}} -> 204"#,
            ],
        ),
        (
            r#"{"action":"play","uri":"spotify:track:4iV5W9uYEdYUVa79Axb7Rh"}"#,
            &[r#"PUT /me/player/play {"uris":["spotify:track:4iV5W9uYEdYUVa79Axb7Rh"]} -> 204"#],
        ),
        (r#"{"action":"pause"}"#, &["PUT /me/player/pause -> 204"]),
        (r#"{"action":"toggle"}"#, &["GET /me/player -> 200", "PUT /me/player/pause -> 204"]),
        (r#"{"action":"next"}"#, &["POST /me/player/next -> 204"]),
        (r#"{"action":"previous"}"#, &["POST /me/player/previous -> 204"]),
        (r#"{"action":"seek","position":30}"#, &["PUT /me/player/seek?position_ms=30000 -> 204"]),
        (
            r#"{"action":"seek","change":10}"#,
            &["GET /me/player -> 200", "PUT /me/player/seek?position_ms=10000 -> 204"],
        ),
        (r#"{"action":"volume","percent":7}"#, &["PUT /me/player/volume?volume_percent=7 -> 204"]),
        (r#"{"action":"volume","change":5}"#, &["PUT /me/player/volume?volume_percent=12 -> 204"]),
        (r#"{"action":"shuffle","state":"on"}"#, &["PUT /me/player/shuffle?state=true -> 204"]),
        (r#"{"action":"shuffle"}"#, &["GET /me/player -> 200", "PUT /me/player/shuffle?state=false -> 204"]),
        (r#"{"action":"repeat","mode":"track"}"#, &["PUT /me/player/repeat?state=track -> 204"]),
        (r#"{"action":"repeat"}"#, &["GET /me/player -> 200", "PUT /me/player/repeat?state=context -> 204"]),
    ] {
        let outcome = call(&mut plugin, json);
        assert!(outcome.is_ok(), "{json}: {outcome:?}");
        assert_eq!(api.asked(), expected, "{json}");
    }
    for (json, expected) in [
        (r#"{"action":"play"}"#, format!("PUT /me/player/play?{device} -> 204")),
        (r#"{"action":"pause"}"#, format!("PUT /me/player/pause?{device} -> 204")),
        (r#"{"action":"next"}"#, format!("POST /me/player/next?{device} -> 204")),
        (r#"{"action":"previous"}"#, format!("POST /me/player/previous?{device} -> 204")),
        (r#"{"action":"seek","position":1}"#, format!("PUT /me/player/seek?position_ms=1000&{device} -> 204")),
        (r#"{"action":"volume","percent":1}"#, format!("PUT /me/player/volume?volume_percent=1&{device} -> 204")),
        (r#"{"action":"shuffle","state":"off"}"#, format!("PUT /me/player/shuffle?state=false&{device} -> 204")),
        (r#"{"action":"repeat","mode":"off"}"#, format!("PUT /me/player/repeat?state=off&{device} -> 204")),
        (
            r#"{"action":"transfer","play":true}"#,
            r#"PUT /me/player {"device_ids":["74ASZWbe4lXaubB36ztrGX"],"play":true} -> 204"#.to_owned(),
        ),
    ] {
        api.next([devices()]);
        let json = json.replacen('{', r#"{"device":"Kitchen","#, 1);
        let outcome = call(&mut plugin, &json);
        assert!(outcome.is_ok(), "{json}: {outcome:?}");
        assert_eq!(api.asked(), ["GET /me/player/devices -> 200".to_owned(), expected], "{json}");
    }
    // The list of devices is one the specification knows, too; its own has none that may be steered.
    let outcome = call(&mut plugin, r#"{"action":"pause","device":"string"}"#);
    assert!(said(&outcome).contains("lets nobody steer it"), "{outcome:?}");
    assert_eq!(api.asked(), ["GET /me/player/devices -> 200"]);
    // What does not fit is refused, so that what is above means something.
    let refuses = |line: &str, headers: &str| {
        let mut stream = TcpStream::connect(address).expect("the server");
        write!(stream, "{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}content-length: 0\r\n\r\n")
            .expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("an answer");
        response.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let bearer = "authorization: Bearer x\r\n";
    assert_eq!(refuses("PUT /me/player/volume", bearer), "422");
    assert_eq!(refuses("PUT /me/player/seek?position_ms=early", bearer), "422");
    assert_eq!(refuses("GET /me/player/next", bearer), "405");
    assert_eq!(refuses("PUT /me/player/pause", ""), "401");
}

#[test]
fn what_the_specification_can_answer_otherwise_is_borne() {
    if !servers(module_path!(), "what_the_specification_can_answer_otherwise_is_borne") {
        return;
    }
    let ((_node, address), (_other, tokens)) = (specification(), authority());
    let (scratch, api, authority) = (Scratch::new(), Front::of(address), Front::of(tokens));
    // Nothing plays: pausing is done, and whatever is to go on is told so.
    log_in(&scratch, &authority, 3_600, "none");
    let mut spotify = plugin(&scratch, &api, &authority);
    api.next([Turn::Prefer(204)]);
    let outcome = call(&mut spotify, r#"{"action":"repeat"}"#);
    assert_eq!((outcome.code(), said(&outcome).as_str()), (Some(3), "nothing plays on any device of the account"));
    // Refused, and what plays says why not: it plays already; it is another matter.
    api.asked();
    api.next([Turn::Prefer(403)]);
    let outcome = call(&mut spotify, r#"{"action":"play"}"#);
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(api.asked(), ["PUT /me/player/play -> 403", "GET /me/player -> 200"]);
    api.next([Turn::Prefer(403)]);
    let outcome = call(&mut spotify, r#"{"action":"next"}"#);
    assert_eq!((outcome.code(), said(&outcome).as_str()), (Some(3), "Spotify answered 403: string"));
    // No device plays: one is picked, and the command repeated once, in a form that fits.
    api.asked();
    let none = r#"{"error":{"status":404,"message":"Player command failed: No active device found","reason":"NO_ACTIVE_DEVICE"}}"#;
    api.next([Turn::Say("404 Not Found", "", none.to_owned()), devices()]);
    let outcome = call(&mut spotify, r#"{"action":"next"}"#);
    assert!(outcome.is_ok(), "{outcome:?}");
    let again = "POST /me/player/next?device_id=74ASZWbe4lXaubB36ztrGX -> 204";
    assert_eq!(api.asked(), ["POST /me/player/next -> 404", "GET /me/player/devices -> 200", again]);
    // The server failed, and is asked once more.
    api.next([Turn::Say("502 Bad Gateway", "", String::new())]);
    assert!(call(&mut spotify, r#"{"action":"pause"}"#).is_ok());
    assert_eq!(api.asked(), ["PUT /me/player/pause -> 502", "PUT /me/player/pause -> 204"]);
    // Too many requests: until the time is over none is sent.
    let wait = Turn::Say("429 Too Many Requests", "retry-after: 7\r\n", String::new());
    api.next([wait]);
    for _ in 0..3 {
        let outcome = call(&mut spotify, r#"{"action":"next"}"#);
        assert!(said(&outcome).starts_with("Spotify wants no more requests for 7 s"), "{outcome:?}");
    }
    assert_eq!(api.asked(), ["POST /me/player/next -> 429"]);
    let mut another = plugin(&scratch, &api, &authority);
    api.next([Turn::Prefer(429)]);
    let outcome = call(&mut another, r#"{"action":"next"}"#);
    assert_eq!(said(&outcome), "Spotify wants no more requests for 30 s");
    // The token is refused: it is renewed once, and the request repeated once. Here the OAuth server knows no such refresh token.
    api.asked();
    let mut third = plugin(&scratch, &api, &authority);
    api.next([Turn::Prefer(401)]);
    let outcome = call(&mut third, r#"{"action":"next"}"#);
    assert!(said(&outcome).contains("conductor plugin login spotify"), "{outcome:?}");
    assert_eq!(
        (api.asked(), authority.asked()),
        (vec!["POST /me/player/next -> 401".to_owned()], vec!["POST /token -> 400".to_owned()])
    );
    assert!(!scratch.path().join("spotify/token.json").exists());
}

/// Somebody with a configuration, a browser and a terminal.
struct User {
    scratch: Scratch,
    config: PathBuf,
}

impl User {
    fn new(api: &Front, authority: &Front) -> Self {
        let scratch = Scratch::new();
        let (api, authority) = (api.url(), authority.url());
        let text = format!(
            "[plugins.spotify]\npath = \"{}\"\ngranted_capabilities = [\"Network\"]\nallowed_hosts = [\"{api}\"]\n\
             config = {{ api = \"{api}\" }}\n[plugins.spotify.oauth]\nclient_id = \"the-client\"\n\
             authorize_url = \"{authority}/authorize\"\ntoken_url = \"{authority}/token\"\n\
             scopes = [\"user-read-playback-state\", \"user-modify-playback-state\"]\nhosts = [\"{api}\"]\n",
            repository(PLUGIN).display()
        );
        let config = scratch.file("config.toml", text);
        Self { scratch, config }
    }
    /// Follows the address that is printed, as a browser does; the exit code, and what was said.
    fn logs_in(&self) -> (Option<i32>, String, String) {
        let login = LoggingIn::begin(&self.config, self.scratch.path());
        let (host, target) = login.address.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("http");
        let mut stream = TcpStream::connect(host).expect("the server");
        write!(stream, "GET /{target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("an answer");
        let location = response.lines().find_map(|line| line.strip_prefix("Location: ")).expect("a redirect");
        assert_eq!(visit(location), "200");
        login.ends()
    }
    /// One call of the plugin, for real.
    fn presses(&self, json: &str) -> crate::support::Ran {
        let program = bin("conductor").args("plugin run --perform --config").arg(&self.config).args("spotify --params");
        program.arg(json).env("XDG_STATE_HOME", self.scratch.path()).run()
    }
    fn token(&self) -> Value {
        let text = std::fs::read_to_string(self.scratch.path().join("conductor/tokens/spotify/token.json"));
        text.map_or(Value::Null, |text| serde_json::from_str(&text).expect("JSON"))
    }
    /// The token has so many seconds left.
    fn ages(&self, left: u64) {
        let mut token = self.token();
        token["expires_at"] = json!(SystemClock::start().unix_time() / 1_000_000 + left);
        self.scratch.file("conductor/tokens/spotify/token.json", token.to_string());
    }
}

#[test]
fn a_login_lasts_until_the_service_ends_it() {
    if !servers(module_path!(), "a_login_lasts_until_the_service_ends_it") {
        return;
    }
    let ((_node, address), (mut oauth, tokens)) = (specification(), authority());
    let (api, authority) = (Front::of(address), Front::of(tokens));
    let user = User::new(&api, &authority);
    let before = user.presses(r#"{"action":"next"}"#).exits(1);
    assert!(before.stderr.contains("conductor plugin login spotify"), "{}", before.transcript());
    assert!(api.asked().is_empty());

    let (code, out, err) = user.logs_in();
    assert_eq!((code, out.as_str()), (Some(0), "logged in: spotify\n"), "{err}");
    assert_eq!(authority.asked().last().map(String::as_str), Some("POST /token -> 200"));
    let first = user.token();
    user.presses(r#"{"action":"next"}"#).exits(0);
    assert_eq!((api.asked(), authority.asked().len()), (vec!["POST /me/player/next -> 204".to_owned()], 0));

    // About to end: renewed first, and the refresh token with it.
    user.ages(30);
    user.presses(r#"{"action":"next"}"#).exits(0);
    let second = user.token();
    assert!(first["access_token"] != second["access_token"] && first["refresh_token"] != second["refresh_token"]);
    assert_eq!((api.asked().len(), authority.asked()), (1, vec!["POST /token -> 200".to_owned()]));
    // An answer without a refresh token, and one whose token is over at once.
    oauth.lay_over(200, &json!({ "refresh_token": null, "expires_in": 0 }));
    user.ages(0);
    user.presses(r#"{"action":"next"}"#).exits(0);
    assert_eq!(user.token()["refresh_token"], second["refresh_token"]);
    oauth.lay_over(200, &json!({}));
    user.presses(r#"{"action":"next"}"#).exits(0);
    assert_eq!(authority.asked().len(), 2);
    // Refused before its time: renewed once, and the request repeated once.
    api.asked();
    api.next([Turn::Prefer(401)]);
    user.presses(r#"{"action":"next"}"#).exits(0);
    assert_eq!(api.asked(), ["POST /me/player/next -> 401", "POST /me/player/next -> 204"]);
    assert_eq!(authority.asked(), ["POST /token -> 200"]);
    api.next([Turn::Prefer(401), Turn::Prefer(401)]);
    let ran = user.presses(r#"{"action":"next"}"#).exits(1);
    assert!(ran.transcript().contains("Spotify refuses the token, a new one too"), "{}", ran.transcript());
    assert_eq!((api.asked().len(), authority.asked().len()), (2, 1));
    // Whoever has an old refresh token has lost: it was good once.
    let kept = user.token();
    let mut old = kept.clone();
    old["refresh_token"] = first["refresh_token"].clone();
    user.scratch.file("conductor/tokens/spotify/token.json", old.to_string());
    user.ages(0);
    let ran = user.presses(r#"{"action":"next"}"#).exits(1);
    assert!(
        ran.transcript().contains("invalid_grant); to log in again: conductor plugin login spotify"),
        "{}",
        ran.transcript()
    );
    assert_eq!((user.token(), api.asked().len(), authority.asked().len()), (Value::Null, 0, 1));
    // It is asked no more.
    user.presses(r#"{"action":"next"}"#).exits(1);
    assert_eq!(authority.asked().len(), 0);
    // And in again.
    assert_eq!(user.logs_in().0, Some(0));
    user.presses(r#"{"action":"next"}"#).exits(0);
    bin("conductor").args("plugin logout spotify").env("XDG_STATE_HOME", user.scratch.path()).run().exits(0);
    user.presses(r#"{"action":"next"}"#).exits(1);
}

#[test]
fn only_who_began_a_login_can_end_it() {
    if !servers(module_path!(), "only_who_began_a_login_can_end_it") {
        return;
    }
    // The server checks the verifier; that it does is what makes the login above mean something.
    let (_oauth, tokens) = authority();
    let exchange = |stream: &str, body: &str| {
        let mut connection = TcpStream::connect(tokens).expect("the server");
        write!(
            connection,
            "{stream} HTTP/1.1\r\nhost: {tokens}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut response = String::new();
        connection.read_to_string(&mut response).expect("an answer");
        response
    };
    // RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    for (verifier, status) in [(verifier.to_owned(), "200"), (verifier.to_ascii_uppercase(), "400")] {
        let asked = format!(
            "GET /authorize?response_type=code&client_id=a&redirect_uri=http%3A%2F%2F127.0.0.1%2F&code_challenge={challenge}&code_challenge_method=S256"
        );
        let response = exchange(&asked, "");
        let (_, code) = response.split_once("?code=").expect("a code");
        let code = code.split(['&', '\r', '\n']).next().unwrap_or_default();
        let body = format!("grant_type=authorization_code&client_id=a&code={code}&code_verifier={verifier}");
        let response = exchange("POST /token", &body);
        assert_eq!(response.split(' ').nth(1), Some(status), "{response}");
    }
}
