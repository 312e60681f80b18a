//! Whatever servers do, threads and descriptors are back to where they were. Alone in its process, so that it can count them.
#![cfg(all(feature = "http", feature = "websocket", target_os = "linux"))]

mod support;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use conductor::internals::effect::{HttpRequest, Message, NetworkRequest, Origin, Reach, Response, SocketOpen, Url};
use conductor::internals::os::{Lookup, Network};
use conductor::internals::time::SystemClock;
use support::server::{Server, Stream, answer, read_request};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(30);

#[derive(Debug)]
struct Here;

impl Lookup for Here {
    fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

/// Entries of a directory that the kernel makes for this process.
fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).expect("a directory of the kernel").count()
}

/// Waits until both counts are what they were. Closing takes the other side a moment to notice; nothing else may be left.
#[track_caller]
fn settles_at(descriptors: usize, threads: usize) {
    let settled = (0..2_000_000).any(|_| {
        std::thread::yield_now();
        count("fd") <= descriptors && count("task") <= threads
    });
    assert!(settled, "{} descriptors, were {descriptors}; {} threads, were {threads}", count("fd"), count("task"));
}

fn http(network: &Network, port: u16, limit: Duration) {
    let request = HttpRequest {
        method: "GET".to_owned(),
        url: Url::parse(&format!("http://h.example:{port}/")).expect("a URL"),
        headers: Vec::new(),
        body: Vec::new(),
        reach: Reach { named: true, listed: Arc::default() },
        secrets: Arc::default(),
        max_body_bytes: 1000,
    };
    // What comes of it is held elsewhere; here only what is left of it counts.
    let _ = network.request(&NetworkRequest::Http(request), origin(0), limit);
}

fn origin(tenant: usize) -> Origin<'static> {
    Origin::Plugin { plugin: "p", tenant: ["a", "b", "c", "d"][tenant % 4] }
}

fn echo(stream: &mut dyn Stream) {
    let Ok(mut socket) = tungstenite::accept(stream) else { return };
    while let Ok(message) = socket.read() {
        if message.is_text() && socket.send(message).is_err() {
            return;
        }
    }
}

#[test]
fn threads_and_descriptors_come_back() {
    let served = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&served);
    let kind = Server::start(move |stream, _| {
        read_request(stream);
        counted.fetch_add(1, Ordering::SeqCst);
        answer(stream, "200 OK", "", "fine");
    });
    let endless = Server::start(|stream, _| {
        read_request(stream);
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
        while stream.write_all(&[b'x'; 1000]).is_ok() {}
    });
    let silent = Server::start(|stream, _| {
        read_request(stream);
        let mut rest = [0];
        let _ = stream.read(&mut rest); // until the client hangs up
    });
    let garbage = Server::start(|stream, _| {
        read_request(stream);
        let _ = write!(stream, "\0\x01 nonsense\r\n\r\n");
    });
    let chat = Server::start(|stream, _| echo(stream));
    let network = Network::new(Arc::new(SystemClock::start()), Arc::new(Here), None).expect("a network");
    http(&network, kind.port(), LONG);
    let (descriptors, threads) = (count("fd"), count("task"));

    for _ in 0..25 {
        http(&network, kind.port(), LONG);
        http(&network, endless.port(), LONG);
        http(&network, silent.port(), SHORT);
        http(&network, garbage.port(), LONG);
        http(&network, 1, LONG); // nobody listens
    }
    settles_at(descriptors, threads);
    assert_eq!(served.load(Ordering::SeqCst), 26);

    let open = |port: u16, tenant: usize, limit: Duration| {
        let url = Url::parse(&format!("ws://h.example:{port}/")).expect("a URL");
        let reach = Reach { named: true, listed: Arc::default() };
        let open = SocketOpen { url, headers: Vec::new(), reach, secrets: Arc::default(), events: None };
        network.request(&NetworkRequest::SocketOpen(open), origin(tenant), limit).result
    };
    for round in 0..10 {
        for tenant in 0..4 {
            let Ok(Response::Socket(socket)) = open(chat.port(), tenant, LONG) else { panic!("not open") };
            let message = Message::Text("hello".to_owned());
            network
                .request(&NetworkRequest::SocketSend { socket, message }, origin(tenant), LONG)
                .result
                .expect("sent");
            if round % 2 == 0 {
                network.request(&NetworkRequest::SocketClose { socket }, origin(tenant), LONG).result.expect("closed");
            }
            assert!(open(silent.port(), tenant, SHORT).is_err());
            assert!(open(garbage.port(), tenant, LONG).is_err());
        }
        for tenant in 0..4 {
            network.request(&NetworkRequest::SocketCloseAll, origin(tenant), LONG).result.expect("closed");
        }
    }
    settles_at(descriptors, threads);

    // A network that goes takes what is open with it.
    for tenant in 0..4 {
        assert!(matches!(open(chat.port(), tenant, LONG), Ok(Response::Socket(_))));
    }
    drop(network);
    settles_at(descriptors, threads);
}
