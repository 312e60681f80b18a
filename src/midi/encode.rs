//! [`Message`] → bytes.

use super::message::{Message, SystemMessage};

impl Message {
    /// Appends the message's bytes to `out`, with its status byte. Values are cut to the seven (or fourteen) bits the
    /// wire has, so what is written is always one well-formed message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let low = |value: u16| (value & 0x7f) as u8;
        let high = |value: u16| (value >> 7 & 0x7f) as u8;
        match self {
            Self::NoteOff { channel, note, velocity } => {
                out.extend([0x80 | channel.nibble(), note & 0x7f, velocity & 0x7f]);
            }
            Self::NoteOn { channel, note, velocity } => {
                out.extend([0x90 | channel.nibble(), note & 0x7f, velocity & 0x7f]);
            }
            Self::PolyPressure { channel, note, pressure } => {
                out.extend([0xa0 | channel.nibble(), note & 0x7f, pressure & 0x7f]);
            }
            Self::ControlChange { channel, controller, value } => {
                out.extend([0xb0 | channel.nibble(), controller & 0x7f, value & 0x7f]);
            }
            Self::ProgramChange { channel, program } => out.extend([0xc0 | channel.nibble(), program & 0x7f]),
            Self::ChannelPressure { channel, pressure } => out.extend([0xd0 | channel.nibble(), pressure & 0x7f]),
            Self::PitchBend { channel, value } => out.extend([0xe0 | channel.nibble(), low(*value), high(*value)]),
            Self::SysEx(payload) => {
                out.push(0xf0);
                out.extend(payload.iter().map(|byte| byte & 0x7f));
                out.push(0xf7);
            }
            Self::System(message) => {
                out.push(message.status());
                match *message {
                    SystemMessage::QuarterFrame(data) | SystemMessage::SongSelect(data) => out.push(data & 0x7f),
                    SystemMessage::SongPosition(beats) => out.extend([low(beats), high(beats)]),
                    _ => {} // nothing but their status
                }
            }
        }
    }
}
