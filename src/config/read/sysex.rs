//! `SysEx` messages, and beginnings of them, as hexadecimal text.

use super::value::Value;
use crate::config::problem::Problem;

/// Most bytes of a message, with F0 and F7. It goes out as one event, which is delivered whole or not at all: a program that reads a
/// port of the sequencer has room for some 5,500 bytes, unless it asks for more, and the kernel's driver of a MIDI device for 4,096. A
/// device on a cable takes 1.3 seconds for them.
const MAX_BYTES: usize = 4_096;

/// Longest text: each byte with a blank behind it, and as much again for the eye.
const MAX_TEXT: usize = 6 * MAX_BYTES;

const START: u8 = 0xf0;
const END: u8 = 0xf7;

/// The payload of the message that `value` writes, with or without F0 and F7 around it.
pub(super) fn payload(value: &Value<'_>) -> Option<Box<[u8]>> {
    let mut bytes = bytes(value)?;
    if bytes.last() == Some(&END) {
        bytes.pop();
    }
    seven_bits(value, &bytes, "bytes from 00 to 7f, and F0 and F7 only around them: one message")
}

/// The beginning of a payload that `value` writes, with or without F0; nothing in it is the beginning of every payload.
pub(super) fn prefix(value: &Value<'_>) -> Option<Box<[u8]>> {
    if value.string()?.trim().is_empty() {
        return Some(Box::default());
    }
    let bytes = bytes(value)?;
    seven_bits(value, &bytes, "bytes from 00 to 7f, and F0 only before them: the beginning of a message")
}

/// The bytes that `value` writes.
fn bytes(value: &Value<'_>) -> Option<Vec<u8>> {
    const WANTED: &str = "pairs of hexadecimal digits, for example \"f0 7e 7f 06 01 f7\"";
    let text = value.text(WANTED, MAX_TEXT)?;
    let mut bytes = Vec::new();
    for word in text.split_ascii_whitespace() {
        for pair in word.as_bytes().chunks(2) {
            let digit = |at: usize| pair.get(at).and_then(|digit| char::from(*digit).to_digit(16));
            let (Some(upper), Some(lower)) = (digit(0), digit(1)) else {
                value.malformed(text, WANTED);
                return None;
            };
            bytes.push((upper << 4 | lower) as u8); // two digits are below 256
        }
    }
    if bytes.len() > MAX_BYTES {
        let (found, most) = (bytes.len() as u64, MAX_BYTES as u64);
        value.wrong(Problem::TooMuch { what: "bytes of a SysEx message", found, most });
        return None;
    }
    Some(bytes)
}

/// `bytes` without an F0 at the front, when all others have seven bits.
fn seven_bits(value: &Value<'_>, bytes: &[u8], wanted: &'static str) -> Option<Box<[u8]>> {
    let payload = bytes.strip_prefix(&[START]).unwrap_or(bytes);
    if payload.iter().any(|byte| *byte > 0x7f) {
        value.malformed(value.string()?, wanted);
        return None;
    }
    Some(payload.into())
}
