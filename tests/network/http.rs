//! A plugin's requests reach the hosts that were listed, at addresses that were checked, within their limits, and nothing else.
#![cfg(feature = "http")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::server::{Authority, Server, answer, read_request};
use crate::support::test_name;
use conductor::internals::effect::{
    Answer, EffectError, HttpRequest, HttpResponse, NetworkRequest, Origin, Reach, Response, SecretSource, Url,
};
use conductor::internals::os::{Lookup, Network};
use conductor::internals::time::SystemClock;

const ME: Origin<'static> = Origin::Plugin { plugin: "p", tenant: "t" };
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);

/// Every name is this machine, but for one that is also somewhere else, and one that is nowhere.
#[derive(Debug)]
struct Rebinding;

impl Lookup for Rebinding {
    fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        let addresses: &[&str] = match name {
            "metadata.example" => &["169.254.169.254"],
            "six.example" => &["::ffff:127.0.0.1", "64:ff9b::7f00:1", "::"],
            "empty.example" => &[],
            "stuck.example" => {
                // A resolver that never answers, for as long as the test's process lives.
                loop {
                    std::thread::park();
                }
            }
            _ => &["127.0.0.1"],
        };
        Ok(addresses.iter().map(|address| address.parse().expect("an address")).collect())
    }
}

fn network(authorities: Option<&Path>) -> Network {
    Network::new(Arc::new(SystemClock::start()), Arc::new(Rebinding), authorities).expect("a network")
}

fn request(url: &str) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url: Url::parse(url).expect(url),
        headers: Vec::new(),
        body: Vec::new(),
        reach: Reach { named: true, listed: Arc::default() },
        secrets: Arc::default(),
        max_body_bytes: 1 << 16,
    }
}

fn exchange(network: &Network, request: HttpRequest, limit: Duration) -> Answer {
    network.request(&NetworkRequest::Http(request), ME, limit)
}

#[track_caller]
fn response(answer: Answer) -> HttpResponse {
    match answer.result {
        Ok(Response::Http(response)) => response,
        other => panic!("not an HTTP response: {other:?}"),
    }
}

#[test]
fn a_request_and_its_answer_go_through_whole() {
    let server = Server::start(|stream, seen| {
        seen.lock().expect("notes").push(read_request(stream));
        answer(stream, "201 Created", "x-Note: hello\r\nset-cookie: a=b\r\n", "{\"ok\":true}");
    });
    let mut request = request(&format!("http://nas.example:{}/v1?q=1", server.port()));
    request.method = "POST".to_owned();
    request.headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    request.body = b"{\"a\":1}".to_vec();
    let response = response(exchange(&network(None), request, LONG));
    assert_eq!(response.status, 201);
    assert_eq!(response.body, b"{\"ok\":true}");
    assert!(response.headers.contains(&("x-note".to_owned(), "hello".to_owned())));
    let seen = server.seen.lock().expect("notes")[0].clone();
    assert!(seen.starts_with("POST /v1?q=1 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("host: nas.example:{}\r\n", server.port())), "{seen}");
    assert!(seen.contains("content-type: application/json\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
}

#[test]
fn names_that_turn_out_to_be_this_machine_are_not_reached() {
    let server = Server::start(|stream, _| answer(stream, "200 OK", "", "secret"));
    let network = network(None);
    for (name, named) in [("rebind.example", false), ("six.example", false), ("metadata.example", true)] {
        let mut request = request(&format!("http://{name}:{}/", server.port()));
        request.reach.named = named;
        let result = exchange(&network, request, LONG).result;
        let Err(EffectError::Denied(text)) = result else { panic!("{name}: {result:?}") };
        assert!(text.contains("allowed_hosts"), "{text}");
    }
    assert_eq!(server.accepted(), 0, "nothing was even connected");
}

#[test]
fn a_listed_address_is_reached_under_any_name_that_passes() {
    let server = Server::start(|stream, _| {
        read_request(stream);
        answer(stream, "204 No Content", "", "");
    });
    let mut request = request(&format!("http://any.example:{}/", server.port()));
    request.reach = Reach { named: false, listed: [IpAddr::from([127, 0, 0, 1])].into() };
    assert_eq!(response(exchange(&network(None), request, LONG)).status, 204);
}

#[test]
fn a_redirect_is_handed_back_and_not_followed() {
    let inner = Server::start(|stream, _| answer(stream, "200 OK", "", "secret"));
    let location = format!("location: http://127.0.0.1:{}/\r\n", inner.port());
    let outer = Server::start(move |stream, _| {
        read_request(stream);
        answer(stream, "302 Found", &location, "");
    });
    let response = response(exchange(&network(None), request(&format!("http://a.example:{}/", outer.port())), LONG));
    assert_eq!(response.status, 302);
    assert_eq!(inner.accepted(), 0);
}

#[test]
fn a_proxy_in_the_environment_is_not_used() {
    // The variables of this test's process are those of all its threads, so a child looks at itself.
    if std::env::var_os("HTTP_PROXY").is_none() {
        let test = std::env::current_exe().expect("this test");
        let ran = std::process::Command::new(test)
            .args([&test_name(module_path!(), "a_proxy_in_the_environment_is_not_used"), "--exact"])
            .env("HTTP_PROXY", "http://127.0.0.1:1")
            .env("ALL_PROXY", "http://127.0.0.1:1")
            .output()
            .expect("it runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
        return;
    }
    let server = Server::start(|stream, _| {
        read_request(stream);
        answer(stream, "200 OK", "", "direct");
    });
    let answer = exchange(&network(None), request(&format!("http://a.example:{}/", server.port())), LONG);
    assert_eq!(response(answer).body, b"direct");
}

#[test]
fn a_server_that_never_ends_is_cut_off_at_the_cap() {
    let server = Server::start(|stream, _| {
        read_request(stream);
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while write!(stream, "400\r\n{}\r\n", "x".repeat(0x400)).is_ok() {}
    });
    let result = exchange(&network(None), request(&format!("http://a.example:{}/", server.port())), LONG).result;
    let Err(EffectError::Failed(text)) = result else { panic!("{result:?}") };
    assert!(text.contains("larger than 65536 bytes"), "{text}");
}

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let server = Server::start(|stream, _| {
        read_request(stream);
        let _ = write!(stream, "HTTP/1.1 200 OK\r\n");
        while write!(stream, "x-{}: y\r\n", "x".repeat(0x100)).is_ok() {}
    });
    let result = exchange(&network(None), request(&format!("http://a.example:{}/", server.port())), LONG).result;
    assert!(matches!(result, Err(EffectError::Failed(_))), "{result:?}");
}

#[test]
fn a_slow_server_ends_with_the_time_it_was_given() {
    let silent = Server::start(|stream, _| {
        read_request(stream);
        let mut rest = [0];
        let _ = stream.read(&mut rest); // until the client hangs up
    });
    // One byte in every interval that a mere time-out per read would allow.
    let dripping = Server::start(|stream, _| {
        read_request(stream);
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
        let (_never, wait) = std::sync::mpsc::channel::<()>();
        while stream.write_all(b"x").and_then(|()| stream.flush()).is_ok() {
            let _ = wait.recv_timeout(Duration::from_millis(5));
        }
    });
    for server in [silent, dripping] {
        let answer = exchange(&network(None), request(&format!("http://a.example:{}/", server.port())), SHORT);
        assert!(matches!(answer.result, Err(EffectError::TimedOut(_))), "{:?}", answer.result);
        assert!(answer.waited >= SHORT && answer.waited < LONG / 2, "{:?}", answer.waited);
    }
}

#[test]
fn a_resolver_that_never_answers_ends_with_the_time_it_was_given() {
    let answer = exchange(&network(None), request("http://stuck.example/"), SHORT);
    assert!(matches!(answer.result, Err(EffectError::TimedOut(_))), "{:?}", answer.result);
    let empty = exchange(&network(None), request("http://empty.example/"), LONG).result;
    assert!(matches!(empty, Err(EffectError::NotFound(_))), "{empty:?}");
}

#[test]
fn tls_is_spoken_only_with_a_server_that_proves_its_name() {
    let authority = Authority::new();
    let scratch = crate::support::Scratch::new();
    let file = authority.write(scratch.path().join("authority.pem"));
    let server = Server::start_tls(authority.server(&["good.example", "127.0.0.1"]), |stream, _| {
        read_request(stream);
        answer(stream, "200 OK", "", "encrypted");
    });
    let trusting = network(Some(&file));
    for host in ["good.example", "127.0.0.1"] {
        let answer = exchange(&trusting, request(&format!("https://{host}:{}/", server.port())), LONG);
        assert_eq!(response(answer).body, b"encrypted", "{host}");
    }
    let wrong_name = exchange(&trusting, request(&format!("https://other.example:{}/", server.port())), LONG);
    let stranger = exchange(&network(None), request(&format!("https://good.example:{}/", server.port())), LONG);
    for answer in [wrong_name, stranger] {
        let Err(EffectError::Failed(text)) = answer.result else { panic!("{:?}", answer.result) };
        assert!(text.starts_with("no TLS with"), "{text}");
    }
}

#[test]
fn a_file_of_authorities_that_is_none_is_an_error() {
    let scratch = crate::support::Scratch::new();
    let file = scratch.path().join("empty.pem");
    let open = || Network::new(Arc::new(SystemClock::start()), Arc::new(Rebinding), Some(&file)).expect_err("refused");
    assert!(open().to_string().contains("cannot read"), "{}", open());
    std::fs::write(&file, "nothing").expect("a file");
    assert!(open().to_string().contains("it holds no certificate"), "{}", open());
}

#[test]
fn a_request_says_how_long_its_body_is_and_sends_no_chunks() {
    let server = Server::start(|stream, seen| {
        seen.lock().expect("notes").push(read_request(stream).to_ascii_lowercase());
        answer(stream, "200 OK", "", "fine");
    });
    for (method, body, length) in [
        ("GET", "", None),
        ("HEAD", "", None),
        ("DELETE", "", None),
        ("OPTIONS", "", None),
        ("POST", "", Some(0)),
        ("PUT", "", Some(0)),
        ("PATCH", "", Some(0)),
        ("POST", "hello", Some(5)),
        ("DELETE", "{}", Some(2)),
    ] {
        let mut request = request(&format!("http://a.example:{}/", server.port()));
        (request.method, request.body) = (method.to_owned(), body.as_bytes().to_vec());
        assert!(exchange(&network(None), request, LONG).result.is_ok(), "{method}");
        let sent = server.seen.lock().expect("notes").last().cloned().expect("a request");
        let lengths: Vec<&str> = sent.lines().filter_map(|line| line.strip_prefix("content-length: ")).collect();
        assert_eq!(lengths, length.map(|length: usize| length.to_string()).as_slice(), "{method}: {sent}");
        assert!(!sent.contains("transfer-encoding"), "{method}: {sent}");
    }
}

#[test]
fn a_secret_reaches_the_server_and_nobody_else() {
    let server = Server::start(|stream, seen| {
        let request = read_request(stream);
        seen.lock().expect("notes").push(request.clone()); // before anybody can have read the answer
        answer(stream, "200 OK", "", &request); // a server that echoes what it is sent
    });
    let path = std::env::var("PATH").expect("PATH");
    let mut request = request(&format!("http://a.example:{}/", server.port()));
    request.headers = vec![("authorization".to_owned(), "Bearer {{secret:token}}".to_owned())];
    request.secrets = Arc::new(BTreeMap::from([("token".to_owned(), SecretSource::Variable("PATH".to_owned()))]));
    assert!(!format!("{request:?}").contains(&path));
    let response = response(exchange(&network(None), request, LONG));
    let body = String::from_utf8(response.body).expect("text");
    assert!(server.seen.lock().expect("notes")[0].contains(&format!("authorization: Bearer {path}\r\n")));
    assert!(body.contains("authorization: Bearer {{secret:token}}\r\n"), "{body}");
}

#[cfg(feature = "websocket")]
mod websocket {
    use super::*;
    use conductor::internals::effect::{Message, SocketOpen};

    fn open(network: &Network, origin: Origin<'_>, url: &str) -> Result<Response, EffectError> {
        let open = SocketOpen {
            url: Url::parse(url).expect(url),
            headers: Vec::new(),
            reach: Reach { named: true, listed: Arc::default() },
            secrets: Arc::default(),
            events: None,
        };
        network.request(&NetworkRequest::SocketOpen(open), origin, LONG).result
    }

    #[track_caller]
    fn opened(network: &Network, origin: Origin<'_>, url: &str) -> u32 {
        match open(network, origin, url) {
            Ok(Response::Socket(socket)) => socket,
            other => panic!("not open: {other:?}"),
        }
    }

    fn send(network: &Network, origin: Origin<'_>, socket: u32, message: Message) -> Result<Response, EffectError> {
        network.request(&NetworkRequest::SocketSend { socket, message }, origin, LONG).result
    }

    fn receive(network: &Network, origin: Origin<'_>, socket: u32, limit: Duration) -> Result<Response, EffectError> {
        network.request(&NetworkRequest::SocketReceive { socket }, origin, limit).result
    }

    fn text(text: &str) -> Message {
        Message::Text(text.to_owned())
    }

    /// Sends back what it is sent; to `many` it answers with as many messages as can be written.
    fn echo(stream: &mut dyn crate::support::server::Stream) {
        let Ok(mut socket) = tungstenite::accept(stream) else { return };
        while let Ok(message) = socket.read() {
            if message.to_text().is_ok_and(|text| text == "many") {
                for number in 0..200 {
                    if socket.send(tungstenite::Message::text(number.to_string())).is_err() {
                        return;
                    }
                }
            } else if message.to_text().is_ok_and(|text| text == "bye") {
                let _ = socket.close(None);
            } else if (message.is_text() || message.is_binary()) && socket.send(message).is_err() {
                return;
            }
        }
    }

    fn echo_server() -> Server {
        Server::start(|stream, _| echo(stream))
    }

    #[test]
    fn a_connection_stays_open_between_calls() {
        let server = echo_server();
        let network = network(None);
        let socket = opened(&network, ME, &format!("ws://a.example:{}/chat", server.port()));
        for message in [text("hello"), Message::Binary(vec![0, 255, 3]), text("again")] {
            assert_eq!(send(&network, ME, socket, message.clone()), Ok(Response::Done));
            assert_eq!(receive(&network, ME, socket, LONG), Ok(Response::Message(Some(message))));
        }
        assert_eq!(receive(&network, ME, socket, SHORT), Ok(Response::Message(None)), "nothing came");
    }

    #[test]
    fn it_is_encrypted_where_the_url_says_so() {
        let authority = Authority::new();
        let scratch = crate::support::Scratch::new();
        let file = authority.write(scratch.path().join("authority.pem"));
        let server = Server::start_tls(authority.server(&["good.example"]), |stream, _| echo(stream));
        let network = network(Some(&file));
        let socket = opened(&network, ME, &format!("wss://good.example:{}/", server.port()));
        send(&network, ME, socket, text("hello")).expect("sent");
        assert_eq!(receive(&network, ME, socket, LONG), Ok(Response::Message(Some(text("hello")))));
        let other = open(&network, ME, &format!("wss://other.example:{}/", server.port()));
        assert!(matches!(other, Err(EffectError::Failed(_))), "{other:?}");
    }

    #[test]
    fn a_flood_waits_at_the_server_and_loses_nothing() {
        let server = echo_server();
        let network = network(None);
        let socket = opened(&network, ME, &format!("ws://a.example:{}/", server.port()));
        send(&network, ME, socket, text("many")).expect("sent");
        for number in 0..200 {
            assert_eq!(
                receive(&network, ME, socket, LONG),
                Ok(Response::Message(Some(text(&number.to_string())))),
                "message {number}"
            );
        }
    }

    #[test]
    fn no_instance_reaches_the_connection_of_another() {
        let server = echo_server();
        let network = network(None);
        let socket = opened(&network, ME, &format!("ws://a.example:{}/", server.port()));
        for other in [Origin::Plugin { plugin: "p", tenant: "u" }, Origin::Plugin { plugin: "q", tenant: "t" }] {
            let sent = send(&network, other, socket, text("mine now"));
            assert!(matches!(sent, Err(EffectError::NotFound(_))), "{sent:?}");
        }
    }

    #[test]
    fn unloading_an_instance_closes_its_connections_and_no_others() {
        let server = echo_server();
        let network = network(None);
        let other = Origin::Plugin { plugin: "p", tenant: "u" };
        let url = format!("ws://a.example:{}/", server.port());
        let (mine, theirs) = (opened(&network, ME, &url), opened(&network, other, &url));
        network.request(&NetworkRequest::SocketCloseAll, ME, LONG).result.expect("closed");
        assert!(matches!(send(&network, ME, mine, text("x")), Err(EffectError::NotFound(_))));
        assert_eq!(send(&network, other, theirs, text("x")), Ok(Response::Done));
    }

    #[test]
    fn connections_are_counted() {
        let server = echo_server();
        let network = network(None);
        let url = format!("ws://a.example:{}/", server.port());
        let first = opened(&network, ME, &url);
        for _ in 1..8 {
            opened(&network, ME, &url);
        }
        assert!(matches!(open(&network, ME, &url), Err(EffectError::Busy(_))));
        network.request(&NetworkRequest::SocketClose { socket: first }, ME, LONG).result.expect("closed");
        opened(&network, ME, &url);
    }

    #[test]
    fn a_secret_that_comes_back_comes_back_as_its_placeholder() {
        let server = Server::start(|stream, _| {
            let mut told = String::new();
            let note = |request: &tungstenite::handshake::server::Request, response| {
                told = request.headers()["x-token"].to_str().expect("text").to_owned();
                Ok(response)
            };
            let Ok(mut socket) = tungstenite::accept_hdr(stream, note) else { return };
            let _ = socket.send(tungstenite::Message::text(told));
            let _ = socket.read();
        });
        let network = network(None);
        let open = SocketOpen {
            url: Url::parse(&format!("ws://a.example:{}/", server.port())).expect("a URL"),
            headers: vec![("x-token".to_owned(), "<{{secret:token}}>".to_owned())],
            reach: Reach { named: true, listed: Arc::default() },
            secrets: Arc::new(BTreeMap::from([("token".to_owned(), SecretSource::Variable("PATH".to_owned()))])),
            events: None,
        };
        let Ok(Response::Socket(socket)) = network.request(&NetworkRequest::SocketOpen(open), ME, LONG).result else {
            panic!("not open")
        };
        assert_eq!(receive(&network, ME, socket, LONG), Ok(Response::Message(Some(text("<{{secret:token}}>")))));
    }

    #[test]
    fn the_end_is_told_after_the_last_message() {
        let server = echo_server();
        let network = network(None);
        let socket = opened(&network, ME, &format!("ws://a.example:{}/", server.port()));
        send(&network, ME, socket, text("last")).expect("sent");
        send(&network, ME, socket, text("bye")).expect("sent");
        assert_eq!(receive(&network, ME, socket, LONG), Ok(Response::Message(Some(text("last")))));
        assert!(matches!(receive(&network, ME, socket, LONG), Err(EffectError::NotFound(_))));
    }

    #[test]
    fn a_message_beyond_the_cap_ends_the_connection() {
        let server = Server::start(|stream, _| {
            let Ok(mut socket) = tungstenite::accept(stream) else { return };
            let _ = socket.send(tungstenite::Message::binary(vec![0; (1 << 20) + 1]));
            let _ = socket.read();
        });
        let network = network(None);
        let socket = opened(&network, ME, &format!("ws://a.example:{}/", server.port()));
        let received = receive(&network, ME, socket, LONG);
        assert!(matches!(received, Err(EffectError::NotFound(_))), "{received:?}");
        let own = send(&network, ME, socket, Message::Binary(vec![0; (1 << 20) + 1]));
        assert!(matches!(own, Err(EffectError::Failed(_))), "{own:?}");
    }
}
