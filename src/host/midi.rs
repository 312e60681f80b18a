//! `midi_send`.

use crate::capability::Capability;
use crate::effect::Effect;
use crate::effect::MidiOut;
use crate::midi::{Message, Parser};
use crate::sandbox::{Args, Errno, HostCall, HostError, HostFunction, ValueType::I32};

/// Longest name of a port, in bytes.
const MAX_PORT: usize = 256;

/// Most bytes sent at once. A synthesizer's patch fits; a sample dump has to be cut.
const MAX_BYTES: usize = 8 << 10;

/// Fuel of each message sent.
const MESSAGE_FUEL: u64 = 2_000;

/// Fuel of each byte: it may be a message of its own, which is read before it is known whether all are whole.
const BYTE_FUEL: u64 = 8;

/// Fuel of each byte of a port's name, which is looked up and, when it is not allowed, put into words.
const NAME_FUEL: u64 = 2;

pub(super) const MIDI_SEND: HostFunction = HostFunction {
    name: "midi_send",
    params: &[I32, I32, I32, I32],
    results: &[I32],
    capability: Some(Capability::Midi),
    doc: "midi_send(port_ptr, port_len, bytes_ptr, bytes_len) -> 0: sends complete MIDI messages to an output port that \
          allowed_ports lists. Either all bytes are whole messages, or nothing is sent (invalid, -1).",
    call: midi_send,
};

fn midi_send(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let port = call.read_text_priced(args.slice(0), MAX_PORT, NAME_FUEL)?.to_owned();
    if let Err(denied) = call.grant().port(&port) {
        return Err(call.deny(&denied));
    }
    let messages = complete(call.read_priced(args.slice(2), MAX_BYTES, BYTE_FUEL)?)?;
    call.charge(MESSAGE_FUEL.saturating_mul(messages.len() as u64))?;
    for message in messages {
        call.perform(&Effect::Midi(MidiOut { port: port.clone(), message: message.into() }))?;
    }
    Ok(0)
}

/// The messages `bytes` consist of, when they consist of whole messages alone.
fn complete(bytes: &[u8]) -> Result<Vec<Message>, HostError> {
    let mut parser = Parser::with_sysex_limit(MAX_BYTES);
    let mut messages = Vec::new();
    parser.push(bytes, |message| messages.push(message));
    let unfinished = parser.in_sysex();
    parser.finish();
    if unfinished || parser.dropped().total() > 0 || messages.is_empty() {
        return Err(Errno::Invalid.because("the bytes are not complete MIDI messages"));
    }
    Ok(messages)
}
