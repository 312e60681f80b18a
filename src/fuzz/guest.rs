//! A plugin that hands host functions any numbers for pointers and lengths, and any bytes for texts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::draw::Draw;
use super::encode::{self, Number, Op};
use super::module::{admitted, run};
use super::shown;
use crate::capability::Capability;
use crate::config::PluginConfig;
use crate::effect::{
    Answer, Effect, EffectError, EffectHandler, HttpResponse, Message, NetworkRequest, Origin, ProgramEnd, Reply,
    Request, Response,
};
use crate::grant::Grant;
use crate::host;
use crate::sandbox::{LoadOptions, Manifest, Outcome, Plugin, Status, on_guest_stack};
use crate::text::is_unsafe;

/// Most instructions of one plugin.
const MAX_OPS: u8 = 40;

/// Instructions drawn from the bytes, the first of which says how many; what is left lies in the plugin's memory, as texts between
/// zero bytes. Whatever it asks for, a host function answers, or the call ends because its fuel is used up; it never gets more than it
/// may, nothing reaches the world that is not granted, and a second run is as the first.
pub fn guest(data: &[u8]) {
    let wasm = plugin(data);
    let (settings, world) = (settings(), World::default());
    let manifest = Manifest::read(&admitted(&wasm), host::TABLE).expect("what is encoded is a plugin");
    let plugin = Plugin::load(&manifest, LoadOptions::from(&settings).grant(Grant::from_config(&settings)))
        .expect("what is encoded is a plugin");
    let run = |plugin: &Arc<Plugin>, world: &World| on_guest_stack(|| run(plugin, world)).expect("a thread");
    let outcomes = run(&plugin, &world);
    held(&outcomes, &settings);
    for outcome in &outcomes {
        let stopped = match &outcome.status {
            Status::Ok => true,
            Status::Fault(fault) => ["fuel", "ended", "pointer"].contains(&fault.kind.name()),
            Status::Failed(_) | Status::Rejected(_) => false,
        };
        assert!(stopped, "{:?}", outcome.status);
    }
    let again = World::default();
    assert_eq!(run(&plugin, &again), outcomes, "two runs differ");
    assert_eq!(again.asked(), world.asked());
    let nothing = World::default();
    let ungranted = Plugin::load(&manifest, LoadOptions::from(&settings)).expect("what is encoded is a plugin");
    held(&run(&ungranted, &nothing), &settings);
    assert_eq!(nothing.asked(), 0, "the world was reached without a grant");
}

/// Small limits, and everything granted.
pub(super) fn settings() -> PluginConfig {
    let mut settings = PluginConfig {
        granted_capabilities: Capability::ALL.to_vec(),
        allowed_ports: vec!["out".to_owned(), String::new()],
        allowed_hosts: vec!["example.com".to_owned(), "*.example.org".to_owned(), "ws://localhost:80".to_owned()],
        allowed_commands: vec!["echo".to_owned(), "/bin/true".to_owned()],
        ..PluginConfig::new("p.wasm".into())
    };
    settings.config.insert("key".to_owned(), "value".to_owned());
    settings.secrets.insert("token".to_owned(), "TOKEN".into());
    let wasm = &mut settings.wasm;
    (wasm.max_fuel, wasm.max_memory_bytes, wasm.max_output_bytes) = (300_000, 1 << 20, 1_000);
    wasm.max_execution_ms = 3_600_000; // fuel ends it, on the slowest machine
    settings
}

/// What holds of every call under `settings`.
pub(super) fn held(outcomes: &[Outcome], settings: &PluginConfig) {
    let clean = |text: &str| !text.contains(is_unsafe);
    for outcome in outcomes {
        assert!(outcome.fuel <= settings.wasm.max_fuel, "{outcome:?}");
        assert!(outcome.init_fuel <= settings.wasm.max_fuel, "{outcome:?}");
        assert!(outcome.peak_memory as u64 <= settings.wasm.max_memory_bytes, "{outcome:?}");
        if let Some(output) = &outcome.output {
            assert!(output.len() <= settings.wasm.max_output_bytes as usize);
            assert!(serde_json::from_str::<&serde_json::value::RawValue>(output).is_ok(), "{output}");
        }
        assert!(outcome.logs.len() <= 100 + 5); // the last of a call that was stopped come on top
        assert!(outcome.logs.iter().all(|line| line.text.len() <= 1_100 && clean(&line.text)), "{:?}", outcome.logs);
        if let Some(text) = &outcome.last_error {
            assert!(text.len() <= 600 && clean(text), "{text:?}");
        }
        if let Some(error) = outcome.error() {
            shown(&error);
        }
    }
}

/// A world that answers everything, each time in another way, and counts.
#[derive(Debug, Clone, Default)]
pub(super) struct World(Arc<AtomicUsize>);

impl World {
    fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    fn asked(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl EffectHandler for World {
    fn perform(&self, effect: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        if let Effect::Midi(out) = effect {
            assert!(["out", ""].contains(&&*out.port), "not granted: {effect:?}");
        }
        if self.next() % 3 == 2 { Err(EffectError::Busy("too much\u{1b}[2J".to_owned())) } else { Ok(Reply::Done) }
    }

    fn request(&self, request: &Request, _: Origin<'_>, _: Duration) -> Answer {
        let number = self.next();
        let body = || vec![number as u8; number % 5 * 900];
        let result = match request {
            Request::Network(NetworkRequest::Http(http)) if number.is_multiple_of(2) => {
                Ok(Response::Http(HttpResponse {
                    status: [200, 302, 404, 307][number / 2 % 4],
                    headers: vec![
                        ("location".to_owned(), format!("{}/x", http.url)),
                        ("x".to_owned(), "\u{1b}\"".to_owned()),
                    ],
                    body: body(),
                }))
            }
            Request::Network(NetworkRequest::SocketOpen(_)) => Ok(Response::Socket(number as u32)),
            Request::Network(NetworkRequest::SocketReceive { .. }) => Ok(Response::Message(match number % 3 {
                0 => None,
                1 => Some(Message::Text("\"text\"\n".repeat(number % 4))),
                _ => Some(Message::Binary(body())),
            })),
            Request::Program(_) => {
                Ok(Response::Program(ProgramEnd { code: -1, output: body(), errors: body(), truncated: true }))
            }
            Request::Network(NetworkRequest::Http(_)) => Err(EffectError::TimedOut("no answer\n".to_owned())),
            _ => Ok(Response::Done),
        };
        Answer { result, waited: Duration::from_millis(number as u64) }
    }
}

/// The plugin that `data` says.
fn plugin(data: &[u8]) -> Vec<u8> {
    let mut draw = Draw(data);
    let (count, allocates) = (draw.byte(), draw.byte());
    let mut ops = Vec::new();
    // The texts come after the instructions and are needed for them: so the instructions are passed over first.
    let mut ahead = Draw(draw.0);
    for _ in 0..count.min(MAX_OPS) {
        op(&mut ahead, &[]);
    }
    let memory = &ahead.0[..ahead.0.len().min(0x8000)];
    let texts = texts(memory);
    for _ in 0..count.min(MAX_OPS) {
        ops.push(op(&mut draw, &texts));
    }
    let alloc = match allocates {
        0..=0x7f => None,
        0x80..=0xbf => Some(0x9000),
        _ => Some(number(u32::from(allocates), 0)),
    };
    encode::plugin(host::TABLE, &ops, memory, alloc)
}

/// Where the pieces between zero bytes are, and how long.
fn texts(memory: &[u8]) -> Vec<(u32, u32)> {
    let mut at = 0;
    memory
        .split(|byte| *byte == 0)
        .map(|text| {
            let place = (at, text.len() as u32);
            at += text.len() as u32 + 1;
            place
        })
        .collect()
}

fn op(draw: &mut Draw<'_>, texts: &[(u32, u32)]) -> Op {
    let functions = host::TABLE.len() as u8;
    let code = draw.byte();
    if code == 0xff {
        return Op::Grow(draw.byte());
    }
    if code >= 0xf0 {
        return Op::Store(draw.u32() as u16, draw.u32());
    }
    let function = usize::from(code % functions);
    let mut arguments = Vec::new();
    let mut length = None;
    for _ in host::TABLE[function].params {
        let argument = length.take().unwrap_or_else(|| match draw.byte() {
            // A text, and then its length.
            kind @ 0..=0x7f => {
                let (at, len) = texts.get(usize::from(kind)).copied().unwrap_or_default();
                length = Some(Number::Constant(len));
                Number::Constant(at)
            }
            0x80..=0x8f => Number::Result,
            kind => Number::Constant(number(u32::from(kind), draw.u32())),
        });
        arguments.push(argument);
    }
    Op::Call(function, arguments)
}

/// A number as a guest lies with it: small, around the end of its memory, around the end of the type, or any.
fn number(kind: u32, any: u32) -> u32 {
    match kind {
        0x90..=0xaf => any & 0xff,
        0xb0..=0xbf => 0x1_0000 + (any & 0x1f) - 0x10,
        0xc0..=0xcf => u32::MAX - (any & 0x1f),
        0xd0..=0xdf => any & 0xffff,
        _ => any,
    }
}

/// Bytes that [`guest`] takes for these calls, each of a host function by name with the numbers of the texts it is given.
#[cfg(test)]
pub(super) fn seed(calls: &[(&str, &[u8])], texts: &[&str]) -> Vec<u8> {
    let mut bytes = vec![calls.len() as u8, 0];
    for (name, arguments) in calls {
        let number = host::TABLE.iter().position(|function| function.name == *name).expect("a host function");
        bytes.push(number as u8);
        bytes.extend(*arguments);
    }
    bytes.extend(texts.join("\0").bytes());
    bytes
}
