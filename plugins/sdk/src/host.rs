//! What the host does for a plugin.

use std::fmt;

#[cfg(target_family = "wasm")]
use crate::imports;
#[cfg(not(target_family = "wasm"))]
use crate::testing as imports;

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something looks wrong.
    Warn = 2,
    /// Worth knowing.
    Info = 3,
    /// For whoever looks for a fault.
    Debug = 4,
    /// Every step.
    Trace = 5,
}

/// A host function refused. [`last_error`] says why in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostError {
    /// The negative number the host function returned.
    pub code: i32,
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = last_error();
        if reason.is_empty() { write!(f, "the host refused (error {})", self.code) } else { f.write_str(&reason) }
    }
}

impl std::error::Error for HostError {}

pub(crate) fn checked(result: i32) -> Result<usize, HostError> {
    usize::try_from(result).map_err(|_| HostError { code: result })
}

/// Writes a line to Conductor's log.
pub fn log(level: Level, text: &str) {
    imports::log(level as i32, text.as_bytes());
}

/// Sets the call's output, one JSON value, in place of any set before in the same call.
pub fn output(bytes: &[u8]) -> Result<(), HostError> {
    checked(imports::output_set(bytes)).map(|_| ())
}

/// A value of the plugin's `config` table; none when the key is not there. For a key of `secrets` it is a placeholder, to be put
/// into the value of a header, where the host fills it in.
pub fn config(key: &str) -> Result<Option<String>, HostError> {
    match filled(|buffer| imports::config_get(key.as_bytes(), buffer)) {
        Ok(value) => Ok(Some(value)),
        Err(HostError { code: imports::NOT_FOUND }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends complete MIDI messages to the output port called `port`.
pub fn midi_send(port: &str, bytes: &[u8]) -> Result<(), HostError> {
    checked(imports::midi_send(port.as_bytes(), bytes)).map(|_| ())
}

/// Why the last host function refused, in words; empty when none did.
pub fn last_error() -> String {
    filled(imports::last_error).unwrap_or_default()
}

/// The last answer: the line of JSON it begins with, and its body.
pub(crate) fn answer(len: usize) -> Result<(Vec<u8>, Vec<u8>), HostError> {
    let mut bytes = body(len)?;
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let body = bytes.get(end + 1..).unwrap_or_default().to_vec();
    bytes.truncate(end);
    Ok((bytes, body))
}

/// All of the last answer, which is `len` bytes long.
pub(crate) fn body(len: usize) -> Result<Vec<u8>, HostError> {
    let (mut bytes, mut at) = (vec![0; len], 0);
    while at < len {
        match checked(imports::response_read(&mut bytes[at..]))? {
            0 => break,
            count => at += count.min(len - at),
        }
    }
    bytes.truncate(at);
    // Reading once more finds the end, and lets the host forget the answer.
    let _ = imports::response_read(&mut [0]);
    Ok(bytes)
}

/// The text that `fill` writes into a buffer, which is made larger when `fill` asks for it: it returns the whole length.
fn filled(fill: impl Fn(&mut [u8]) -> i32) -> Result<String, HostError> {
    let mut buffer = vec![0; 256];
    loop {
        let len = checked(fill(&mut buffer))?;
        if len <= buffer.len() {
            buffer.truncate(len);
            return Ok(String::from_utf8_lossy(&buffer).into_owned());
        }
        buffer.resize(len, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn config_values_of_any_length_arrive_whole() {
        testing::reset();
        let long = "x".repeat(1000);
        testing::set_config("short", "DE");
        testing::set_config("long", &long);
        assert_eq!(config("short"), Ok(Some("DE".to_owned())));
        assert_eq!(config("long"), Ok(Some(long)));
        assert_eq!(config("absent"), Ok(None));
    }

    #[test]
    fn a_refusal_says_why() {
        testing::reset();
        testing::refuse(-3, "port \"out\" is not allowed");
        let error = midi_send("out", &[0x90, 60, 100]).expect_err("refused");
        assert_eq!(error.code, -3);
        assert_eq!(error.to_string(), "port \"out\" is not allowed");
    }

    #[test]
    fn what_is_sent_and_logged_reaches_the_host() {
        testing::reset();
        log(Level::Warn, "careful");
        midi_send("synth", &[0xb0, 7, 127]).expect("sent");
        output(b"1").expect("set");
        output(b"2").expect("set again");
        let host = testing::take();
        assert_eq!(host.log, [(Level::Warn, "careful".to_owned())]);
        assert_eq!(host.midi, [("synth".to_owned(), vec![0xb0, 7, 127])]);
        assert_eq!(host.output.as_deref(), Some(b"2".as_slice()));
    }
}
