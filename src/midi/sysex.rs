//! `SysEx` messages, and beginnings of them, as hexadecimal text.

const START: u8 = 0xf0;
const END: u8 = 0xf7;

/// Most bytes of a message that is sent, with F0 and F7. It goes out as one event, which is delivered whole or not at all: a program
/// that reads a port of the sequencer has room for some 5,500 bytes, unless it asks for more, and the kernel's driver of a MIDI device
/// for 4,096. A device on a cable takes 1.3 seconds for them.
pub const MAX_SYSEX: usize = 4_096;

/// Why a text is no such message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SysExTextError {
    /// It is not pairs of hexadecimal digits.
    Digits,
    /// A byte is above 7F where none may be.
    Bytes,
    /// It has this number of bytes, more than [`MAX_SYSEX`].
    TooLong(usize),
}

/// The payload of the message that `text` writes, with or without F0 and F7 around it.
pub fn sysex_payload(text: &str) -> Result<Box<[u8]>, SysExTextError> {
    let bytes = bytes(text)?;
    seven_bits(bytes.strip_suffix(&[END]).unwrap_or(&bytes))
}

/// The beginning of a payload that `text` writes, with or without F0; nothing in it is the beginning of every payload.
pub fn sysex_prefix(text: &str) -> Result<Box<[u8]>, SysExTextError> {
    seven_bits(&bytes(text)?)
}

/// The bytes that `text` writes, blanks between them or not.
fn bytes(text: &str) -> Result<Vec<u8>, SysExTextError> {
    let mut bytes = Vec::new();
    for pair in text.split_ascii_whitespace().flat_map(|word| word.as_bytes().chunks(2)) {
        let digit = |at: usize| pair.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let (Some(upper), Some(lower)) = (digit(0), digit(1)) else { return Err(SysExTextError::Digits) };
        bytes.push((upper << 4 | lower) as u8); // two digits are below 256
    }
    if bytes.len() > MAX_SYSEX { Err(SysExTextError::TooLong(bytes.len())) } else { Ok(bytes) }
}

/// `bytes` without an F0 at the front, when all others have seven bits.
fn seven_bits(bytes: &[u8]) -> Result<Box<[u8]>, SysExTextError> {
    let payload = bytes.strip_prefix(&[START]).unwrap_or(bytes);
    if payload.iter().all(|byte| *byte < 0x80) { Ok(payload.into()) } else { Err(SysExTextError::Bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_may_be_written_with_its_frame_or_without_and_with_blanks_or_without() {
        for text in ["f0 7e 7f f7", "7E7F", "f07e\t7f", " 7e 7f f7\n"] {
            assert_eq!(sysex_payload(text), Ok([0x7e, 0x7f].into()), "{text}");
        }
        assert_eq!(sysex_prefix("F0 7e"), Ok([0x7e].into()));
        assert_eq!(sysex_prefix(" "), Ok([].into()));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in ["7", "7e 7", "0x7e", "7e,7f", "é"] {
            assert_eq!(sysex_payload(text), Err(SysExTextError::Digits), "{text}");
        }
        for text in ["80", "f0 f0", "f7 f7", "f0 7e f7 f0 7e f7"] {
            assert_eq!(sysex_payload(text), Err(SysExTextError::Bytes), "{text}");
        }
        assert_eq!(sysex_prefix("7e f7"), Err(SysExTextError::Bytes));
        assert_eq!(sysex_payload(&"7f".repeat(MAX_SYSEX)).map(|payload| payload.len()), Ok(MAX_SYSEX));
        assert_eq!(sysex_payload(&"7f".repeat(MAX_SYSEX + 1)), Err(SysExTextError::TooLong(MAX_SYSEX + 1)));
    }
}
