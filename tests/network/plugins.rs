//! What a plugin asks of the network is held against its grant at every step, and nothing of it outlives the plugin.
#![cfg(all(feature = "http", feature = "websocket"))]

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::sandbox::{call_with, instance, load, params, services, settings};
use crate::support::server::{Server, answer, read_request};
use conductor::internals::capability::Capability;
use conductor::internals::config::{PluginConfig, Secret};
use conductor::internals::effect::{Answer, Effect, EffectError, EffectHandler, Origin, Reply, Request};
use conductor::internals::grant::{Approval, GrantStore, Identity, LiveGrants};
use conductor::internals::host;
use conductor::internals::os::{Lookup, Network};
use conductor::internals::package::{Policy, admit};
use conductor::internals::sandbox::{
    Context, Errno, FaultKind, Instance, LoadOptions, Manifest, Outcome, Plugin, Services, Status,
};
use conductor::internals::time::{Clock, EventTime, SystemClock, VirtualClock};

/// Every name is this machine.
#[derive(Debug)]
struct Here;

impl Lookup for Here {
    fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

/// The real network, and a note of what was asked of it.
struct World {
    network: Network,
    asked: Mutex<Vec<String>>,
}

impl World {
    fn new() -> Arc<Self> {
        let clock = Arc::new(SystemClock::start());
        let network = Network::new(clock, Arc::new(Here), None).expect("a network");
        Arc::new(Self { network, asked: Mutex::default() })
    }
    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("notes").clone()
    }
}

impl EffectHandler for World {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        Ok(Reply::Done)
    }
    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        let Request::Network(request) = request else { panic!("only the network is asked: {request:?}") };
        let name = format!("{request:?}").split([' ', '(']).next().unwrap_or_default().to_owned();
        self.asked.lock().expect("notes").push(name);
        self.network.request(request, origin, limit)
    }
}

/// Passes its parameters to `http_request` and logs the answer.
const FETCH: &str = r#"(module
  (import "conductor" "http_request" (func $http (param i32 i32 i32 i32) (result i32)))
  (import "conductor" "response_read" (func $read (param i32 i32) (result i32)))
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 4)
  (func (export "execute") (param $ptr i32) (param $len i32) (result i32) (local $code i32)
    (local.set $code (call $http (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 0)))
    (if (i32.lt_s (local.get $code) (i32.const 0)) (then (return (local.get $code))))
    (call $log (i32.const 3) (i32.const 1024) (call $read (i32.const 1024) (i32.const 2000)))
    (i32.const 0)))"#;

/// Opens the socket its parameters name in the first call; in later ones sends `hi` over it and logs what comes back.
const CHAT: &str = r#"(module
  (import "conductor" "ws_open" (func $open (param i32 i32) (result i32)))
  (import "conductor" "ws_send" (func $send (param i32 i32 i32 i32) (result i32)))
  (import "conductor" "ws_recv" (func $recv (param i32 i32) (result i32)))
  (import "conductor" "response_read" (func $read (param i32 i32) (result i32)))
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 4)
  (data (i32.const 16) "hi")
  (global $socket (mut i32) (i32.const 0))
  (func (export "execute") (param $ptr i32) (param $len i32) (result i32) (local $code i32)
    (if (i32.eqz (global.get $socket)) (then
      (local.set $code (call $open (local.get $ptr) (local.get $len)))
      (if (i32.gt_s (local.get $code) (i32.const 0)) (then (global.set $socket (local.get $code)) (return (i32.const 0))))
      (return (local.get $code))))
    (local.set $code (call $send (global.get $socket) (i32.const 0) (i32.const 16) (i32.const 2)))
    (if (i32.lt_s (local.get $code) (i32.const 0)) (then (return (local.get $code))))
    (local.set $code (call $recv (global.get $socket) (i32.const 20000)))
    (if (i32.lt_s (local.get $code) (i32.const 0)) (then (return (local.get $code))))
    (call $log (i32.const 3) (i32.const 1024) (call $read (i32.const 1024) (i32.const 2000)))
    (i32.const 0)))"#;

fn plugin_of(text: &str, hosts: &[String]) -> (Arc<Plugin>, Arc<World>, Services) {
    let config =
        PluginConfig { granted_capabilities: vec![Capability::Network], allowed_hosts: hosts.to_vec(), ..settings() };
    let wasm = wat::parse_str(text).expect("text");
    let plugin = load("test", &wasm, &config).expect("loaded");
    let world = World::new();
    let services = Services { outside: Arc::clone(&world) as Arc<dyn EffectHandler>, ..services() };
    (plugin, world, services)
}

fn fetch(hosts: &[String], head: &str) -> (Outcome, Arc<World>) {
    let (plugin, world, services) = plugin_of(FETCH, hosts);
    (call_with(&mut instance(&plugin, &services), &params(head), &Context::default()), world)
}

#[track_caller]
fn denied(outcome: &Outcome) -> String {
    assert_eq!(outcome.code(), Some(Errno::Denied.code()), "{outcome:?}");
    outcome.last_error.clone().expect("words")
}

fn ok_server() -> Server {
    Server::start(|stream, seen| {
        seen.lock().expect("notes").push(read_request(stream));
        answer(stream, "200 OK", "", "fine");
    })
}

#[test]
fn a_listed_host_is_reached_and_its_answer_read() {
    let server = ok_server();
    let origin = format!("http://nas.example:{}", server.port());
    let head = format!(r#"{{"url":"{origin}/x","headers":[["x-a","b"]]}}"#);
    let (outcome, _) = fetch(std::slice::from_ref(&origin), &head);
    assert!(outcome.is_ok(), "{outcome:?}");
    let said = &outcome.logs[0].text;
    assert!(said.starts_with(&format!(r#"{{"status":200,"url":"{origin}/x","headers":["#)), "{said}");
    assert!(said.ends_with(" fine"), "{said}");
    assert!(server.seen.lock().expect("notes")[0].contains("x-a: b\r\n"));
}

#[test]
fn a_host_that_is_not_listed_is_not_even_asked_for() {
    let (outcome, world) = fetch(&["good.example".to_owned()], r#"{"url":"https://evil.example/"}"#);
    assert_eq!(
        denied(&outcome),
        "http_request: https://evil.example is not an allowed host; only if you expect this: in [plugins.test], add \"evil.example\" to \
         allowed_hosts: allowed_hosts = [\"good.example\", \"evil.example\"]"
    );
    assert!(world.asked().is_empty());
    for disguise in
        ["https://good.example@evil.example/", "https://good.example.evil.example/", "https://good.example:8443/"]
    {
        denied(&fetch(&["good.example".to_owned()], &format!(r#"{{"url":"{disguise}"}}"#)).0);
    }
}

#[test]
fn a_suffix_that_resolves_to_this_machine_is_denied_and_counted() {
    let server = ok_server();
    let (plugin, _, services) = plugin_of(FETCH, &[format!("http://*.example:{}", server.port())]);
    let head = params(&format!(r#"{{"url":"http://rebind.example:{}/"}}"#, server.port()));
    let outcome = call_with(&mut instance(&plugin, &services), &head, &Context::default());
    assert!(denied(&outcome).contains("127.0.0.1, which is this machine"), "{outcome:?}");
    assert_eq!(server.accepted(), 0);
    assert_eq!(plugin.counters().values().denials[&("http_request", "address")], 1);
}

#[test]
fn every_redirect_is_held_against_the_grant() {
    let inner = ok_server();
    let (inner_port, inner_origin) = (inner.port(), format!("http://inner.example:{}", inner.port()));
    let outer = Server::start(move |stream, seen| {
        seen.lock().expect("notes").push(read_request(stream));
        answer(stream, "302 Found", &format!("location: http://inner.example:{inner_port}/there\r\n"), "");
    });
    let origin = format!("http://outer.example:{}", outer.port());
    let head = format!(r#"{{"url":"{origin}/","headers":[["authorization","mine"],["x-a","b"]]}}"#);

    let (outcome, world) = fetch(std::slice::from_ref(&origin), &head);
    assert!(denied(&outcome).contains(&inner_origin), "{outcome:?}");
    assert_eq!((inner.accepted(), world.asked().len()), (0, 1));

    let (outcome, _) = fetch(&[origin.clone(), inner_origin], &head);
    assert!(outcome.logs[0].text.ends_with(" fine"), "{outcome:?}");
    let (first, second) = (outer.seen.lock().expect("notes")[1].clone(), inner.seen.lock().expect("notes")[0].clone());
    assert!(first.contains("authorization: mine\r\n") && second.contains("x-a: b\r\n"));
    assert!(!second.contains("authorization"), "what was meant for one server goes to no other: {second}");

    let (outcome, _) = fetch(std::slice::from_ref(&origin), &head.replace('}', r#","redirects":0}"#));
    assert!(outcome.logs[0].text.starts_with(r#"{"status":302"#), "{outcome:?}");
}

#[test]
fn redirects_end() {
    let server = Server::start(|stream, _| {
        read_request(stream);
        answer(stream, "307 Temporary Redirect", "location: /again\r\n", "");
    });
    let origin = format!("http://loop.example:{}", server.port());
    let (outcome, world) =
        fetch(std::slice::from_ref(&origin), &format!(r#"{{"url":"{origin}/","redirects":4000000000}}"#));
    assert!(outcome.logs[0].text.starts_with(r#"{"status":307"#), "{outcome:?}");
    assert_eq!(world.asked().len(), 11);
}

#[test]
fn a_request_that_is_none_says_what_is_wrong() {
    let (port, said) = (ok_server().port(), |outcome: &Outcome| outcome.last_error.clone().unwrap_or_default());
    let hosts = [format!("http://h.example:{port}")];
    for (head, words) in [
        ("[]".to_owned(), "not understood"),
        (r#"{"url":"https://h.example/","surprise":1}"#.to_owned(), "unknown field `surprise`"),
        (r#"{"url":"https://h.example/","method":"CONNECT"}"#.to_owned(), "the method must be one of GET"),
        (r#"{"url":"ws://h.example/"}"#.to_owned(), "ws_open opens a WebSocket"),
        (
            format!(r#"{{"url":"http://h.example:{port}/","headers":[["host","x"]]}}"#),
            "the header host is set by Conductor",
        ),
    ] {
        let (outcome, _) = fetch(&hosts, &head);
        assert!(outcome.code().is_some_and(|code| code < 0) && said(&outcome).contains(words), "{head}: {outcome:?}");
    }
}

#[test]
fn what_was_waited_ends_with_the_call() {
    let silent = Server::start(|stream, _| {
        read_request(stream);
        let mut rest = [0];
        let _ = stream.read(&mut rest); // until the client hangs up
    });
    let origin = format!("http://slow.example:{}", silent.port());
    let mut config = PluginConfig {
        granted_capabilities: vec![Capability::Network],
        allowed_hosts: vec![origin.clone()],
        ..settings()
    };
    config.wasm.max_execution_ms = 200;
    let plugin = load("test", &wat::parse_str(FETCH).expect("text"), &config).expect("loaded");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let services = Services {
        outside: World::new() as Arc<dyn EffectHandler>,
        clock: Arc::clone(&clock),
        live: true,
        ..services()
    };
    let outcome = call_with(
        &mut instance(&plugin, &services),
        &params(&format!(r#"{{"url":"{origin}/"}}"#)),
        &Context::default(),
    );
    // The answer is waited for as long as the call has time, and then the call has none left.
    let kind = match &outcome.status {
        Status::Fault(fault) => &fault.kind,
        other => panic!("{other:?}"),
    };
    assert!(matches!(kind, FaultKind::Deadline { limit_ms: 200, .. }), "{outcome:?}");
    assert!(clock.now() < 10_000_000, "it took {} µs", clock.now());
}

fn echo_server() -> Server {
    Server::start(|stream, seen| {
        let Ok(mut socket) = tungstenite::accept(stream) else { return };
        while let Ok(message) = socket.read() {
            if message.is_text() && socket.send(message).is_err() {
                break;
            }
        }
        seen.lock().expect("notes").push("gone".to_owned());
    })
}

#[test]
fn a_connection_lives_as_long_as_its_instance() {
    let server = echo_server();
    let origin = format!("ws://chat.example:{}", server.port());
    let (plugin, world, services) = plugin_of(CHAT, std::slice::from_ref(&origin));
    let head = params(&format!(r#"{{"url":"{origin}/"}}"#));
    let mut instance = instance(&plugin, &services);
    assert!(call_with(&mut instance, &head, &Context::default()).is_ok());
    for _ in 0..2 {
        let outcome = call_with(&mut instance, &head, &Context::default());
        assert_eq!(outcome.logs[0].text, r#"{"kind":"text"} hi"#, "{outcome:?}");
    }
    drop(instance);
    assert_eq!(world.asked().last().map(String::as_str), Some("SocketCloseAll"));
    // The server's thread notices when its read ends; it has no other reason to.
    while server.seen.lock().expect("notes").is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn two_tenants_share_no_connection() {
    let server = echo_server();
    let origin = format!("ws://chat.example:{}", server.port());
    let (plugin, _, services) = plugin_of(CHAT, std::slice::from_ref(&origin));
    let head = params(&format!(r#"{{"url":"{origin}/"}}"#));
    let services = Arc::new(services);
    let mut tenants = ["one", "two"].map(|tenant| {
        Instance::new(&plugin, tenant, &services, 0, EventTime::default())
            .unwrap_or_else(|outcome| panic!("{:?}", outcome.error()))
    });
    for instance in &mut tenants {
        assert!(call_with(instance, &head, &Context::default()).is_ok());
    }
    let [one, mut two] = tenants;
    drop(one);
    let outcome = call_with(&mut two, &head, &Context::default());
    assert_eq!(outcome.logs[0].text, r#"{"kind":"text"} hi"#, "the other tenant's connection stays: {outcome:?}");
    assert_eq!(server.accepted(), 2);
}

#[test]
fn revoking_a_host_ends_a_connection_to_it_at_the_next_call() {
    let server = echo_server();
    let origin = format!("ws://chat.example:{}", server.port());
    let scratch = crate::support::Scratch::new();
    let (store, file) = (scratch.path().join("grants.toml"), scratch.path().join("plugin.wasm"));
    std::fs::write(&file, wat::parse_str(CHAT).expect("text")).expect("a file");
    let admitted = admit(&file, &Policy { name: "test".into(), ..Policy::default() }).expect("admitted");
    GrantStore::edit(&store, |store| {
        store.approve(Approval {
            plugin: "test".to_owned(),
            identity: Identity::Digest(admitted.digest()),
            capabilities: vec![Capability::Network],
            hosts: vec![origin.clone()],
            commands: Vec::new(),
            ports: Vec::new(),
            approved_at: "2026-01-01T00:00:00Z".to_owned(),
        });
    })
    .expect("approved");
    let live = LiveGrants::open(&store).expect("a store");
    let cell = live.cell("test", &settings(), [Capability::Network].into(), admitted.digest(), Vec::new());
    let plugin = Plugin::load(
        &Manifest::read(&admitted, host::TABLE).expect("read"),
        LoadOptions::from(&settings()).grant(cell),
    )
    .expect("loaded");
    let world = World::new();
    let services = Services { outside: Arc::clone(&world) as Arc<dyn EffectHandler>, ..services() };
    let head = params(&format!(r#"{{"url":"{origin}/"}}"#));
    let mut instance = instance(&plugin, &services);
    assert!(call_with(&mut instance, &head, &Context::default()).is_ok());
    assert!(call_with(&mut instance, &head, &Context::default()).is_ok());

    GrantStore::edit(&store, |store| store.revoke("test", &[Capability::Network])).expect("revoked");
    let outcome = call_with(&mut instance, &head, &Context::default());
    assert!(denied(&outcome).contains(&origin), "{outcome:?}");
    assert_eq!(world.asked().last().map(String::as_str), Some("SocketClose"));
}

#[test]
fn waiting_moves_the_plugins_clock_and_costs_no_fuel() {
    /// A world that takes three seconds for everything.
    struct Slow;
    impl EffectHandler for Slow {
        fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
            Ok(Reply::Done)
        }
        fn request(&self, _: &Request, _: Origin<'_>, _: Duration) -> Answer {
            Answer { result: Err(EffectError::Failed("slow".to_owned())), waited: Duration::from_secs(3) }
        }
    }
    let text = r#"(module
      (import "conductor" "http_request" (func $http (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
      (memory (export "memory") 4)
      (func (export "execute") (param $ptr i32) (param $len i32) (result i32)
        (drop (call $time (i32.const 0) (i64.const 0) (i32.const 0)))
        (drop (call $http (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 0)))
        (drop (call $time (i32.const 0) (i64.const 0) (i32.const 8)))
        (i32.wrap_i64 (i64.div_u (i64.sub (i64.load (i32.const 8)) (i64.load (i32.const 0))) (i64.const 1000000000)))))"#;
    let (plugin, _, services) = plugin_of(text, &["slow.example".to_owned()]);
    let services = Services { outside: Arc::new(Slow), clock: Arc::new(VirtualClock::new(0)), ..services };
    let outcome = call_with(
        &mut instance(&plugin, &services),
        &params(r#"{"url":"https://slow.example/"}"#),
        &Context::default(),
    );
    assert_eq!(outcome.code(), Some(3), "{outcome:?}");
    assert!(outcome.fuel < 100_000, "{} fuel", outcome.fuel);
}

/// A plugin with the secret `token`, the search path of this process, that may go to `bound`.
fn plugin_with_secret(text: &str, hosts: &[String], bound: Option<&[String]>) -> (Arc<Plugin>, Arc<World>, Services) {
    let token = Secret { variable: "PATH".to_owned(), hosts: bound.map(<[String]>::to_vec) };
    let config = PluginConfig {
        granted_capabilities: vec![Capability::Network],
        allowed_hosts: hosts.to_vec(),
        secrets: [("token".to_owned(), token)].into(),
        ..settings()
    };
    let plugin = load("test", &wat::parse_str(text).expect("text"), &config).expect("loaded");
    let world = World::new();
    let services = Services { outside: Arc::clone(&world) as Arc<dyn EffectHandler>, ..services() };
    (plugin, world, services)
}

/// The head of a request to `url` with the secret in a header.
fn with_secret(url: &str) -> String {
    format!(r#"{{"url":"{url}","headers":[["x-token","<{{{{secret:token}}}}>"],["x-a","b"]]}}"#)
}

#[test]
fn a_secret_goes_to_its_hosts_and_to_no_other_host_that_the_plugin_may_reach() {
    let server = ok_server();
    let host = |name: &str| format!("http://{name}.example:{}", server.port());
    let (mine, other) = (host("mine"), host("other"));
    let path = std::env::var("PATH").expect("PATH");
    let fetch = |bound: Option<&[String]>, url: &str| {
        let (plugin, world, services) = plugin_with_secret(FETCH, &[mine.clone(), other.clone()], bound);
        let outcome = call_with(&mut instance(&plugin, &services), &params(&with_secret(url)), &Context::default());
        (outcome, world, plugin)
    };
    let last = || server.seen.lock().expect("notes").last().cloned().expect("a request");

    let (outcome, ..) = fetch(Some(std::slice::from_ref(&mine)), &mine);
    assert!(outcome.is_ok() && last().contains(&format!("x-token: <{path}>\r\n")), "{outcome:?}");

    let (outcome, world, plugin) = fetch(Some(std::slice::from_ref(&mine)), &other);
    assert_eq!(
        denied(&outcome),
        format!(
            "http_request: the secret \"token\" is not for {other}; only if that host may have it: in [plugins.test], in secrets: \
             token = {{ env = \"PATH\", hosts = [\"{mine}\", \"{other}\"] }}"
        )
    );
    assert!(world.asked().is_empty(), "nothing is sent, and no name is looked up");
    assert_eq!(plugin.counters().values().denials[&("http_request", "secret")], 1);

    // Plain http only where it is written: a rule without it means https.
    let bare = format!("mine.example:{}", server.port());
    assert!(denied(&fetch(Some(&[bare]), &mine).0).contains("is not for"));

    // A secret that is bound to nothing goes wherever the plugin may.
    assert!(fetch(None, &other).0.is_ok() && last().contains(&path));
    // And none of it was in what the plugin saw.
    assert!(!format!("{outcome:?}").contains(&path));
}

#[test]
fn a_secret_does_not_follow_a_redirect() {
    let inner = ok_server();
    let inner_origin = format!("http://inner.example:{}", inner.port());
    let location = format!("location: {inner_origin}/there\r\n");
    let outer = Server::start(move |stream, seen| {
        seen.lock().expect("notes").push(read_request(stream));
        answer(stream, "307 Temporary Redirect", &location, "");
    });
    let origin = format!("http://outer.example:{}", outer.port());
    let path = std::env::var("PATH").expect("PATH");
    for bound in [None, Some(std::slice::from_ref(&origin)), Some(&[origin.clone(), inner_origin.clone()][..])] {
        let (plugin, _, services) = plugin_with_secret(FETCH, &[origin.clone(), inner_origin.clone()], bound);
        let outcome = call_with(&mut instance(&plugin, &services), &params(&with_secret(&origin)), &Context::default());
        assert!(outcome.logs[0].text.ends_with(" fine"), "{outcome:?}");
        assert!(outer.seen.lock().expect("notes").last().is_some_and(|request| request.contains(&path)));
        let second = inner.seen.lock().expect("notes").last().cloned().expect("a request");
        assert!(second.contains("x-a: b\r\n") && !second.contains("x-token"), "{second}");
    }
}

#[test]
fn a_secret_in_a_web_sockets_handshake_is_bound_as_well() {
    let server = Server::start(|stream, seen| seen.lock().expect("notes").push(read_request(stream)));
    let host = |name: &str| format!("ws://{name}.example:{}", server.port());
    let hosts = [host("mine"), host("other")];
    let open = |url: &str| {
        let (plugin, world, services) = plugin_with_secret(CHAT, &hosts, Some(&hosts[..1]));
        let outcome = call_with(&mut instance(&plugin, &services), &params(&with_secret(url)), &Context::default());
        (outcome, world)
    };
    let (outcome, world) = open(&hosts[1]);
    assert!(denied(&outcome).starts_with("ws_open: the secret \"token\" is not for ws://other.example"), "{outcome:?}");
    assert_eq!((world.asked().len(), server.accepted()), (0, 0));
    // The server hangs up in the handshake; what matters is that it got the secret.
    open(&hosts[0]);
    let path = std::env::var("PATH").expect("PATH");
    assert!(server.seen.lock().expect("notes")[0].to_lowercase().contains(&format!("<{path}>").to_lowercase()));
}
