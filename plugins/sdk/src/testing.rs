//! A host for a plugin's own tests: on every target but WebAssembly the host functions are these. One per thread, so tests run
//! side by side.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use crate::Level;

/// What the plugin did to its host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Lines logged, in order.
    pub log: Vec<(Level, String)>,
    /// The output set last.
    pub output: Option<Vec<u8>>,
    /// Port and bytes of each MIDI message, in order.
    pub midi: Vec<(String, Vec<u8>)>,
    /// Everything else that was asked of the host, in order.
    pub asked: Vec<HostRequest>,
}

/// Something that was asked of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRequest {
    /// The host function.
    pub function: &'static str,
    /// The request: JSON, or what the function takes in its place.
    pub head: Vec<u8>,
    /// What goes with it.
    pub body: Vec<u8>,
}

#[derive(Default)]
struct Host {
    record: Record,
    config: BTreeMap<String, String>,
    refusal: Option<(i32, String)>,
    last_error: String,
    answers: VecDeque<Vec<u8>>,
    reading: Vec<u8>,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

/// Forgets everything: record, config values, refusals.
pub fn reset() {
    HOST.take();
}

/// What the plugin did since [`reset`] or the last `take`.
pub fn take() -> Record {
    HOST.with_borrow_mut(|host| std::mem::take(&mut host.record))
}

/// Gives a key of the plugin's `config` table a value.
pub fn set_config(key: &str, value: &str) {
    HOST.with_borrow_mut(|host| host.config.insert(key.to_owned(), value.to_owned()));
}

/// From now on every host function that can refuse does, with this code and reason.
pub fn refuse(code: i32, reason: &str) {
    HOST.with_borrow_mut(|host| host.refusal = Some((code, reason.to_owned())));
}

/// Prepares the answer to the next request that has one: the line of JSON it begins with, and its body.
pub fn answer(head: &str, body: &[u8]) {
    HOST.with_borrow_mut(|host| host.answers.push_back([head.as_bytes(), b"\n", body].concat()));
}

/// Prepares the message of the next event.
pub fn message(body: &[u8]) {
    HOST.with_borrow_mut(|host| host.reading = body.to_vec());
}

pub(crate) const NOT_FOUND: i32 = -2;

impl Host {
    fn permitted(&mut self) -> Result<(), i32> {
        match &self.refusal {
            None => Ok(()),
            Some((code, reason)) => {
                self.last_error.clone_from(reason);
                Err(*code)
            }
        }
    }
}

pub(crate) fn log(level: i32, text: &[u8]) {
    let level = match level {
        1 => Level::Error,
        2 => Level::Warn,
        3 => Level::Info,
        4 => Level::Debug,
        _ => Level::Trace,
    };
    HOST.with_borrow_mut(|host| host.record.log.push((level, String::from_utf8_lossy(text).into_owned())));
}

pub(crate) fn output_set(bytes: &[u8]) -> i32 {
    HOST.with_borrow_mut(|host| match host.permitted() {
        Ok(()) => {
            host.record.output = Some(bytes.to_vec());
            0
        }
        Err(code) => code,
    })
}

pub(crate) fn config_get(key: &[u8], buffer: &mut [u8]) -> i32 {
    HOST.with_borrow_mut(|host| match (host.permitted(), host.config.get(&*String::from_utf8_lossy(key))) {
        (Err(code), _) => code,
        (Ok(()), Some(value)) => copy(value, buffer),
        (Ok(()), None) => NOT_FOUND,
    })
}

pub(crate) fn last_error(buffer: &mut [u8]) -> i32 {
    HOST.with_borrow(|host| copy(&host.last_error, buffer))
}

pub(crate) fn midi_send(port: &[u8], bytes: &[u8]) -> i32 {
    HOST.with_borrow_mut(|host| match host.permitted() {
        Ok(()) => {
            host.record.midi.push((String::from_utf8_lossy(port).into_owned(), bytes.to_vec()));
            0
        }
        Err(code) => code,
    })
}

/// Notes what was asked, and refuses where it was told to.
fn ask(function: &'static str, head: &[u8], body: &[u8]) -> i32 {
    HOST.with_borrow_mut(|host| {
        host.record.asked.push(HostRequest { function, head: head.to_vec(), body: body.to_vec() });
        host.permitted().err().unwrap_or(0)
    })
}

/// The same, for what has an answer: its length.
fn ask_for(function: &'static str, head: &[u8], body: &[u8]) -> i32 {
    match ask(function, head, body) {
        0 => HOST.with_borrow_mut(|host| {
            host.reading = host.answers.pop_front().unwrap_or_default();
            i32::try_from(host.reading.len()).unwrap_or(i32::MAX)
        }),
        refused => refused,
    }
}

pub(crate) fn response_read(buffer: &mut [u8]) -> i32 {
    // In pieces, as a host may do it.
    HOST.with_borrow_mut(|host| {
        let len = host.reading.len().min(buffer.len()).min(7);
        buffer[..len].copy_from_slice(&host.reading[..len]);
        host.reading.drain(..len);
        i32::try_from(len).unwrap_or(i32::MAX)
    })
}

pub(crate) fn http_request(head: &[u8], body: &[u8]) -> i32 {
    ask_for("http_request", head, body)
}

pub(crate) fn ws_open(head: &[u8]) -> i32 {
    ask("ws_open", head, &[])
}

pub(crate) fn ws_send(_socket: i32, kind: i32, bytes: &[u8]) -> i32 {
    ask("ws_send", kind.to_string().as_bytes(), bytes)
}

pub(crate) fn ws_recv(_socket: i32, timeout_ms: i32) -> i32 {
    ask_for("ws_recv", timeout_ms.to_string().as_bytes(), &[])
}

pub(crate) fn ws_close(_socket: i32) -> i32 {
    ask("ws_close", &[], &[])
}

pub(crate) fn audio_control(operation: &[u8], percent: i32) -> i32 {
    ask("audio_control", format!("{} {percent}", String::from_utf8_lossy(operation)).as_bytes(), &[])
}

pub(crate) fn exec(head: &[u8], input: &[u8]) -> i32 {
    ask_for("exec", head, input)
}

pub(crate) fn system_control(request: &[u8]) -> i32 {
    ask("system_control", request, &[])
}

pub(crate) fn keys_send(request: &[u8]) -> i32 {
    ask("keys_send", request, &[])
}

pub(crate) fn state_set(key: &[u8], json: &[u8]) -> i32 {
    ask("state_set", key, json)
}

pub(crate) fn state_watch(prefix: &[u8]) -> i32 {
    ask("state_watch", prefix, &[])
}

pub(crate) fn timer_set(id: i32, ms: i32) -> i32 {
    ask("timer_set", id.to_string().as_bytes(), ms.to_string().as_bytes())
}

/// As the host does: copies what fits and returns the whole length.
fn copy(text: &str, buffer: &mut [u8]) -> i32 {
    let len = text.len().min(buffer.len());
    buffer[..len].copy_from_slice(&text.as_bytes()[..len]);
    i32::try_from(text.len()).unwrap_or(i32::MAX)
}
