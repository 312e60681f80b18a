//! A host for a plugin's own tests: on every target but WebAssembly the host functions are these. One per thread, so tests run
//! side by side.

use std::cell::RefCell;
use std::collections::BTreeMap;

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
}

#[derive(Default)]
struct Host {
    record: Record,
    config: BTreeMap<String, String>,
    refusal: Option<(i32, String)>,
    last_error: String,
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

/// As the host does: copies what fits and returns the whole length.
fn copy(text: &str, buffer: &mut [u8]) -> i32 {
    let len = text.len().min(buffer.len());
    buffer[..len].copy_from_slice(&text.as_bytes()[..len]);
    i32::try_from(text.len()).unwrap_or(i32::MAX)
}
