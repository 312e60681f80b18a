//! A server that waits for an acknowledgement gets it at once.
#![cfg(all(feature = "http", feature = "websocket"))]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conductor::internals::effect::{Message, NetworkRequest, Origin, Reach, Response, SocketOpen, Url};
use conductor::internals::os::{Lookup, Network};
use conductor::internals::time::SystemClock;

use crate::support::server::Server;

const LONG: Duration = Duration::from_secs(20);

/// Pairs of small messages. Where the kernel puts its acknowledgement off, each takes 40 ms: 4 s in all.
const PAIRS: u32 = 100;

#[derive(Debug)]
struct Here;

impl Lookup for Here {
    fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

#[test]
fn the_second_of_two_small_messages_does_not_wait_for_the_first() {
    // Like OBS, it sends the second message only once the first is acknowledged, which is TCP's default.
    let server = Server::start(|stream, _| {
        let Ok(mut socket) = tungstenite::accept(stream) else { return };
        while socket.read().is_ok_and(|message| message.is_text()) {
            for text in ["an answer", "an event"] {
                if socket.send(tungstenite::Message::text(text)).is_err() {
                    return;
                }
            }
        }
    });
    let origin = Origin::Plugin { plugin: "p", tenant: "default" };
    let network = Network::new(Arc::new(SystemClock::start()), Arc::new(Here), None).expect("a network");
    let ask = |request: NetworkRequest| network.request(&request, origin, LONG).result;
    let open = SocketOpen {
        url: Url::parse(&format!("ws://a.example:{}/", server.port())).expect("a URL"),
        headers: Vec::new(),
        reach: Reach { named: true, listed: Arc::default() },
        secrets: Arc::default(),
        events: None,
    };
    let Ok(Response::Socket(socket)) = ask(NetworkRequest::SocketOpen(open)) else { panic!("not open") };
    let from = Instant::now();
    for _ in 0..PAIRS {
        let message = Message::Text("a request".to_owned());
        ask(NetworkRequest::SocketSend { socket, message }).expect("sent");
        for _ in 0..2 {
            let came = ask(NetworkRequest::SocketReceive { socket });
            assert!(matches!(came, Ok(Response::Message(Some(_)))), "{came:?}");
        }
    }
    assert!(from.elapsed() < Duration::from_secs(2), "{PAIRS} pairs took {:?}", from.elapsed());
}
