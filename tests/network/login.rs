//! `conductor plugin login` and `logout`, and that a token is in nothing that a session leaves behind.
#![cfg(all(feature = "http", feature = "websocket"))]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::server::{Server, answer, read_request};
use crate::support::{Program, Scratch, bin, start};

/// Sends what it is called with as the head of a request, and as its body, too.
const FETCH: &str = r#"(module
  (import "conductor" "http_request" (func $http (param i32 i32 i32 i32) (result i32)))
  (import "conductor" "response_read" (func $read (param i32 i32) (result i32)))
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 4)
  (func (export "execute") (param $ptr i32) (param $len i32) (result i32) (local $code i32)
    (local.set $code (call $http (local.get $ptr) (local.get $len) (local.get $ptr) (local.get $len)))
    (if (i32.lt_s (local.get $code) (i32.const 0)) (then (return (local.get $code))))
    (call $log (i32.const 3) (i32.const 1024) (call $read (i32.const 1024) (i32.const 2000)))
    (i32.const 0)))"#;

/// A user, a service, and a plugin that sends a token.
struct Home {
    scratch: Scratch,
    service: Server,
    elsewhere: Server,
}

impl Home {
    /// The service answers `token` to whoever asks for a token, and everyone else with what they sent.
    fn new(token: &str) -> Self {
        let token = token.to_owned();
        let service = Server::start(move |stream, seen| {
            let request = read_request(stream);
            seen.lock().expect("notes").push(request.clone());
            match request.starts_with("POST /token ") {
                true if token.contains("access_token") => answer(stream, "200 OK", "", &token),
                true => answer(stream, "400 Bad Request", "", &token),
                false => answer(stream, "200 OK", "", &request),
            }
        });
        let elsewhere = Server::start(|stream, seen| {
            seen.lock().expect("notes").push(read_request(stream));
            answer(stream, "200 OK", "", "");
        });
        Self { scratch: Scratch::new(), service, elsewhere }
    }
    fn config(&self) -> PathBuf {
        let (mine, other) = (self.service.address, self.elsewhere.address);
        self.scratch.file("fetch.wasm", wat::parse_str(FETCH).expect("text"));
        let head = |to: std::net::SocketAddr| {
            format!(
                "{{ url = \"http://{to}/api\", method = \"POST\", headers = [[\"authorization\", \"Bearer {{{{secret:token}}}}\"]] }}"
            )
        };
        let text = format!(
            "[plugins.spotify]\npath = \"fetch.wasm\"\ngranted_capabilities = [\"Network\"]\n\
             sha256 = \"{}\"\nallowed_hosts = [\"http://{mine}\", \"http://{other}\"]\n\
             [plugins.spotify.oauth]\nclient_id = \"the client\"\nauthorize_url = \"https://accounts.example.com/authorize?ui=1\"\n\
             token_url = \"http://{mine}/token\"\nscopes = [\"read\", \"write\"]\nhosts = [\"http://{mine}\"]\n\
             [[global_mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\n\
             action = {{ WasmPlugin = {{ plugin = \"spotify\", params = {} }} }}\n\
             [[global_mappings]]\ntrigger = {{ Note = {{ note = 61 }} }}\n\
             action = {{ WasmPlugin = {{ plugin = \"spotify\", params = {} }} }}\n",
            conductor::internals::digest::Digest::of(&wat::parse_str(FETCH).expect("text")),
            head(mine),
            head(other),
        );
        self.scratch.file("config.toml", text)
    }
    fn file(&self) -> PathBuf {
        self.scratch.path().join("conductor/tokens/spotify/token.json")
    }
    fn conductor(&self, line: &str) -> Program {
        bin("conductor").args(line).env("XDG_STATE_HOME", self.scratch.path()).directory(self.scratch.path())
    }
    fn login(&self) -> LoggingIn {
        LoggingIn::begin(&self.config(), self.scratch.path())
    }
    /// What was asked of the token endpoint.
    fn exchanged(&self) -> Vec<String> {
        let seen = self.service.seen.lock().expect("notes");
        seen.iter().filter(|request| request.starts_with("POST /token ")).cloned().collect()
    }
}

/// A login that has printed its address.
pub(crate) struct LoggingIn {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: String,
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two digits"));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("text")
}

impl LoggingIn {
    /// Begins a login for the plugin `spotify` of `config`.
    pub(crate) fn begin(config: &Path, state: &Path) -> Self {
        let words = start("conductor");
        let mut command = Command::new(&words[0]); // the path, if nothing stands before it
        command.args(&words[1..]).args(["plugin", "login", "spotify", "--config"]).arg(config);
        command.env("XDG_STATE_HOME", state).env("HOME", "/nonexistent");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut address = String::new();
        stdout.read_line(&mut address).expect("an address");
        Self { stdin: child.stdin.take(), child, stdout, address: address.trim().to_owned() }
    }
    /// What is asked for in the address.
    fn asked(&self) -> BTreeMap<String, String> {
        let (_, query) = self.address.split_once('?').expect("a query");
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.into(), decoded(value)))
            .collect()
    }
    /// The address at which the browser ends, with `query` and the state.
    fn ends_at(&self, query: &str) -> String {
        let asked = self.asked();
        format!("{}?{query}&state={}", asked["redirect_uri"], asked["state"])
    }
    fn paste(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("a pipe"), "{line}").expect("it reads");
    }
    /// Its exit code, and what it said after the address.
    pub(crate) fn ends(mut self) -> (Option<i32>, String, String) {
        drop(self.stdin.take());
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).expect("text");
        self.child.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
        (self.child.wait().expect("it ends").code(), out, err)
    }
}

/// A browser gets `address`; the status.
pub(crate) fn visit(address: &str) -> String {
    let (host, target) = address.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an address");
    let mut stream = TcpStream::connect(host).expect("a port");
    write!(stream, "GET /{target} HTTP/1.1\r\nhost: {host}\r\n\r\n").expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("an answer");
    response.split_whitespace().nth(1).unwrap_or_default().to_owned()
}
const TOKEN: &str = r#"{"access_token":"the-access-token","token_type":"Bearer","expires_in":3600,"refresh_token":"the-refresh-token","scope":"read write"}"#;

#[test]
fn a_browser_that_comes_back_logs_in() {
    let home = Home::new(TOKEN);
    let login = home.login();
    let asked = login.asked();
    assert!(
        login
            .address
            .starts_with("https://accounts.example.com/authorize?ui=1&response_type=code&client_id=the%20client&")
    );
    assert_eq!((asked["scope"].as_str(), asked["code_challenge_method"].as_str()), ("read write", "S256"));
    assert!(asked["redirect_uri"].starts_with("http://127.0.0.1:") && asked["redirect_uri"].ends_with("/callback"));
    assert!(asked["state"].len() == 43 && asked["code_challenge"].len() == 43, "{asked:?}");
    // What is not the answer is sent away, and waited past.
    let state = &asked["state"];
    let redirect = &asked["redirect_uri"];
    for (address, status) in [
        (format!("{redirect}?code=evil&state=guess"), "400"),
        (format!("{redirect}?state={state}"), "400"),
        (redirect.replace("callback", "favicon.ico"), "404"),
        (redirect.replace("callback", "callback/?code=evil&state=x"), "404"),
    ] {
        assert_eq!(visit(&address), status, "{address}");
    }
    let host = redirect.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("a host").0.to_owned();
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(&host).expect("a port")).collect();
    assert_eq!(visit(&login.ends_at("code=the%2Dcode")), "200");
    drop(silent);
    let (code, out, err) = login.ends();
    assert_eq!((code, out.as_str()), (Some(0), "logged in: spotify\n"), "{err}");
    let exchanged = home.exchanged();
    assert_eq!(exchanged.len(), 1);
    for part in [
        "grant_type=authorization_code&code=the-code&redirect_uri=http%3A%2F%2F127.0.0.1%3A",
        "&client_id=the%20client&code_verifier=",
    ] {
        assert!(exchanged[0].contains(part), "{}", exchanged[0]);
    }
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&home.file()), 0o600);
    assert_eq!(mode(home.file().parent().expect("a directory")), 0o700);
    assert!(!format!("{out}{err}").contains("the-access-token"));
}

#[test]
fn an_address_that_is_pasted_logs_in() {
    let home = Home::new(TOKEN);
    let mut login = home.login();
    login.paste("");
    login.paste("http://127.0.0.1/callback?code=evil&state=guess");
    let address = login.ends_at("code=pasted");
    login.paste(&format!("  {address}  "));
    let (code, out, err) = login.ends();
    assert_eq!((code, out.as_str()), (Some(0), "logged in: spotify\n"), "{err}");
    assert_eq!(err.matches("that is not the address the browser ended at").count(), 1, "{err}");
    assert!(home.exchanged()[0].contains("code=pasted"));
}

#[test]
fn nobody_at_the_keyboard_is_no_reason_to_stop_waiting() {
    let home = Home::new(TOKEN);
    let mut login = home.login();
    drop(login.stdin.take());
    assert_eq!(visit(&login.ends_at("code=a")), "200");
    assert_eq!(login.ends().0, Some(0));
}

#[test]
fn a_refusal_of_the_user_or_of_the_service_is_no_login() {
    let home = Home::new(TOKEN);
    let login = home.login();
    assert_eq!(visit(&login.ends_at("error=access_denied&error_description=not%20today%1b")), "200");
    let (code, out, err) = login.ends();
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("not logged in: the answer was access_denied: not today"), "{err}");
    assert!(!err.contains('\u{1b}') && !home.file().exists() && home.exchanged().is_empty());

    let home = Home::new(r#"{"error":"invalid_grant","error_description":"bad code secret-code"}"#);
    let login = home.login();
    visit(&login.ends_at("code=secret-code"));
    let (code, _, err) = login.ends();
    assert_eq!(code, Some(1));
    assert!(err.contains("not logged in: http://127.0.0.1:") && err.contains("invalid_grant: bad code"), "{err}");
    assert!(!err.contains("secret-code") && !home.file().exists(), "{err}");
}

#[test]
fn less_than_was_asked_for_is_said() {
    let home = Home::new(r#"{"access_token":"a","token_type":"bearer","scope":"read"}"#);
    let login = home.login();
    visit(&login.ends_at("code=a"));
    let (code, _, err) = login.ends();
    assert_eq!(code, Some(0));
    assert!(err.contains("missing: write\n") && err.contains("when it ends, log in again"), "{err}");
}

#[test]
fn what_cannot_be_logged_in_to_says_why() {
    let home = Home::new(TOKEN);
    let config = home.config();
    let ran = home.conductor("plugin login obs --config").arg(&config).run().exits(2);
    assert!(ran.stderr.contains("the configuration has no plugin \"obs\"; it has spotify"), "{}", ran.stderr);
    let plain = home.scratch.file("plain.toml", "[plugins.obs]\npath = \"fetch.wasm\"\n");
    let ran = home.conductor("plugin login obs --config").arg(plain).run().exits(2);
    assert!(
        ran.stderr.contains("plugin \"obs\" has no login; its section would be [plugins.obs.oauth]"),
        "{}",
        ran.stderr
    );
    let text = fs::read_to_string(&config).expect("a file");
    let taken = format!("redirect_port = {}\nclient_id", home.service.port());
    let taken = home.scratch.file("taken.toml", text.replace("client_id", &taken));
    let ran = home.conductor("plugin login spotify --config").arg(taken).run().exits(2);
    assert!(ran.stderr.contains(&format!("cannot open port {} of 127.0.0.1", home.service.port())), "{}", ran.stderr);
}

#[test]
fn a_logout_forgets_the_token_and_check_says_how_to_log_in() {
    let home = Home::new(TOKEN);
    let config = home.config();
    let warned = "[plugins.spotify]: nobody has logged in for the token that it sends\n  = to log in: conductor plugin login spotify";
    let check = || home.conductor("check").arg(&config).run().exits(0).stderr;
    assert!(check().contains(warned), "{}", check());
    let login = home.login();
    visit(&login.ends_at("code=a"));
    assert_eq!(login.ends().0, Some(0));
    assert_eq!(check(), "");
    home.conductor("plugin logout spotify").run().exits(0);
    assert!(!home.file().exists());
    assert!(check().contains(warned));
    let ran = home.conductor("plugin logout spotify").run().exits(1);
    assert!(ran.stderr.contains("nobody was logged in for \"spotify\""), "{}", ran.stderr);
    fs::write(home.scratch.path().join("conductor/token.json"), "mine").expect("a file");
    home.conductor("plugin logout ../").run().exits(2);
    home.conductor("plugin logout ..").run().exits(2);
    assert!(home.scratch.path().join("conductor/token.json").exists());
}

#[test]
fn a_token_reaches_its_host_and_nothing_that_a_session_leaves_behind() {
    let home = Home::new(TOKEN);
    let login = home.login();
    visit(&login.ends_at("code=a"));
    assert_eq!(login.ends().0, Some(0));
    let log = home.scratch.path().join("log");
    let text = fs::read_to_string(home.config()).expect("a file");
    let text = format!("{text}\n[logging]\nlevel = \"trace\"\nfile = \"log\"\n");
    let config = home.scratch.file("logging.toml", text);
    let input = home.scratch.file("input.raw", [0x90, 60, 100, 0x80, 60, 0, 0x90, 61, 100]);
    let (journal, transcript) = ("s.journal.jsonl", "s.transcript.jsonl");
    let ran = home
        .conductor("run --config")
        .arg(config)
        .arg("--input")
        .arg(input)
        .args("--record s.journal.jsonl --transcript s.transcript.jsonl --data data --json")
        .run()
        .exits(0);
    // To its host, in the header and not in the body; to the other host that the plugin may reach, not at all.
    let seen = home.service.seen.lock().expect("notes").clone();
    let request = seen.iter().find(|request| request.starts_with("POST /api ")).expect("a request");
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    assert!(head.ends_with("authorization: Bearer the-access-token"), "{head}");
    assert!(body.contains("Bearer {{secret:token}}") && !body.contains("the-access-token"), "{body}");
    assert_eq!(home.elsewhere.accepted(), 0);
    let line = "the token \\\"token\\\" is not for http://127.0.0.1:";
    assert!(ran.stdout.contains(line), "{}", ran.transcript());
    assert!(
        format!("{}{}", ran.stdout, ran.stderr).contains("in [plugins.spotify.oauth]: hosts = ["),
        "{}",
        ran.transcript()
    );

    let read = |name: &str| fs::read_to_string(home.scratch.path().join(name)).expect("a file");
    let (journal_text, transcript_text) = (read(journal), read(transcript));
    assert!(
        journal_text.contains("{{secret:token}}"),
        "the server repeated the header, and it is scrubbed: {journal_text}"
    );
    for text in [&journal_text, &transcript_text, &ran.stdout, &ran.stderr, &fs::read_to_string(log).expect("the log")]
    {
        assert!(!text.contains("the-access-token") && !text.contains("the-refresh-token"), "{text}");
    }
    // A replay asks nobody, and has no use for a login.
    let asked = home.service.accepted();
    home.conductor("plugin logout spotify").run().exits(0);
    let replay = home.conductor("replay").arg(journal).args("--expect").arg(transcript).run();
    assert_eq!((replay.code, home.service.accepted()), (Some(0), asked), "{}", replay.transcript());
}
