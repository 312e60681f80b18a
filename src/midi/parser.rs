//! Bytes → [`Message`], incrementally and totally: any bytes, cut anywhere, give messages and counts, never an error.

use std::fmt;

use super::message::{Channel, Message, SystemMessage};

/// What a stream contained that is not part of any complete message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Data bytes with no status byte they could belong to, and `F7` outside a `SysEx` message.
    pub stray_bytes: u64,
    /// Messages cut short by another status byte or the end of the stream.
    pub truncated: u64,
    /// Status bytes MIDI 1.0 leaves undefined: `F4`, `F5`, `F9`, `FD`.
    pub undefined: u64,
    /// `SysEx` messages longer than the limit.
    pub oversized: u64,
}

impl Dropped {
    /// Everything dropped, whatever the reason.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.stray_bytes.saturating_add(self.truncated).saturating_add(self.undefined).saturating_add(self.oversized)
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (self.stray_bytes, "stray byte", "stray bytes"),
            (self.truncated, "message cut short", "messages cut short"),
            (self.undefined, "undefined status byte", "undefined status bytes"),
            (self.oversized, "SysEx message too long", "SysEx messages too long"),
        ];
        let mut separator = "";
        for (count, one, many) in kinds.into_iter().filter(|(count, _, _)| *count > 0) {
            write!(f, "{separator}{count} {}", if count == 1 { one } else { many })?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}

/// Where the parser is inside a `SysEx` message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SysEx {
    Outside,
    Collecting,
    /// Over the limit; the rest is read past.
    Oversized,
}

/// A streaming MIDI 1.0 parser.
///
/// Running status is kept across real-time messages and cancelled by system common and exclusive ones. Real-time
/// messages are handed on at once, wherever they stand. A channel message costs no allocation.
#[derive(Debug, Clone)]
pub struct Parser {
    /// Status byte that data bytes belong to; 0 when there is none.
    status: u8,
    /// The first data byte of a message that needs two, once it has come.
    first: Option<u8>,
    /// Whether the status byte still waits for its first complete message: cut short, that one counts as truncated.
    fresh: bool,
    sysex: SysEx,
    payload: Vec<u8>,
    sysex_limit: usize,
    dropped: Dropped,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Parser {
    /// The longest `SysEx` payload kept by default, in bytes: sample dumps and firmware come in larger ones, and nothing
    /// here can be mapped to those.
    pub const SYSEX_LIMIT: usize = 64 * 1024;

    /// A parser at the beginning of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_sysex_limit(Self::SYSEX_LIMIT)
    }

    /// A parser that drops `SysEx` messages with a payload of more than `sysex_limit` bytes.
    #[must_use]
    pub const fn with_sysex_limit(sysex_limit: usize) -> Self {
        Self {
            status: 0,
            first: None,
            fresh: false,
            sysex: SysEx::Outside,
            payload: Vec::new(),
            sysex_limit,
            dropped: Dropped { stray_bytes: 0, truncated: 0, undefined: 0, oversized: 0 },
        }
    }

    /// What has been dropped so far.
    #[must_use]
    pub const fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Takes the next bytes of the stream and hands on each message they complete.
    pub fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(Message)) {
        for &byte in bytes {
            match byte {
                0x00..=0x7f => {
                    if let Some(message) = self.data(byte) {
                        emit(message);
                    }
                }
                0xf8..=0xff => match real_time(byte) {
                    Some(message) => emit(Message::System(message)),
                    None => self.dropped.undefined += 1,
                },
                0xf7 if self.sysex != SysEx::Outside => {
                    if let Some(message) = self.end_sysex() {
                        emit(message);
                    }
                }
                _ => {
                    self.abandon();
                    if let Some(message) = self.status(byte) {
                        emit(message);
                    }
                }
            }
        }
    }

    /// The stream ended, or lost its place: whatever is incomplete is dropped, running status is forgotten.
    pub fn finish(&mut self) {
        self.abandon();
        self.status = 0;
    }

    /// Whether a `SysEx` message has begun and not ended.
    #[must_use]
    pub const fn in_sysex(&self) -> bool {
        !matches!(self.sysex, SysEx::Outside)
    }

    /// Drops the message in progress, if there is one.
    fn abandon(&mut self) {
        let cut_short = match self.sysex {
            SysEx::Collecting => true,
            SysEx::Oversized => false, // counted already
            SysEx::Outside => self.first.is_some() || self.fresh,
        };
        if cut_short {
            self.dropped.truncated += 1;
        }
        self.sysex = SysEx::Outside;
        self.payload.clear();
        self.first = None;
        self.fresh = false;
    }

    /// A status byte other than real-time and the end of a `SysEx` message.
    fn status(&mut self, byte: u8) -> Option<Message> {
        self.status = 0;
        match byte {
            0xf0 => self.sysex = SysEx::Collecting,
            0xf4 | 0xf5 => self.dropped.undefined += 1,
            0xf6 => return Some(Message::System(SystemMessage::TuneRequest)),
            0xf7 => self.dropped.stray_bytes += 1,
            _ => {
                self.status = byte;
                self.fresh = true;
            }
        }
        None
    }

    fn data(&mut self, byte: u8) -> Option<Message> {
        match self.sysex {
            SysEx::Outside => {}
            SysEx::Collecting => {
                if self.payload.len() < self.sysex_limit {
                    self.payload.push(byte);
                } else {
                    self.sysex = SysEx::Oversized;
                    self.dropped.oversized += 1;
                    self.payload = Vec::new();
                }
                return None;
            }
            SysEx::Oversized => return None,
        }
        let (first, second) = match (self.status, self.first) {
            (0, _) => {
                self.dropped.stray_bytes += 1;
                return None;
            }
            (0xc0..=0xdf | 0xf1 | 0xf3, _) => (byte, 0), // these have one data byte
            (_, None) => {
                self.first = Some(byte);
                return None;
            }
            (_, Some(first)) => (first, byte),
        };
        self.first = None;
        self.fresh = false;
        let message = complete(self.status, first, second);
        if self.status >= 0xf0 {
            self.status = 0; // system common messages have no running status
        }
        message
    }

    fn end_sysex(&mut self) -> Option<Message> {
        let complete = self.sysex == SysEx::Collecting;
        self.sysex = SysEx::Outside;
        self.status = 0;
        let payload = std::mem::take(&mut self.payload);
        complete.then(|| Message::SysEx(payload.into_boxed_slice()))
    }
}

/// The message of a status byte and its data; a message with one data byte ignores `second`.
fn complete(status: u8, first: u8, second: u8) -> Option<Message> {
    let channel = Channel::from_status(status);
    let wide = u16::from(first) | u16::from(second) << 7;
    Some(match status {
        0x80..=0x8f => Message::NoteOff { channel, note: first, velocity: second },
        0x90..=0x9f => Message::NoteOn { channel, note: first, velocity: second },
        0xa0..=0xaf => Message::PolyPressure { channel, note: first, pressure: second },
        0xb0..=0xbf => Message::ControlChange { channel, controller: first, value: second },
        0xc0..=0xcf => Message::ProgramChange { channel, program: first },
        0xd0..=0xdf => Message::ChannelPressure { channel, pressure: first },
        0xe0..=0xef => Message::PitchBend { channel, value: wide },
        0xf1 => Message::System(SystemMessage::QuarterFrame(first)),
        0xf2 => Message::System(SystemMessage::SongPosition(wide)),
        0xf3 => Message::System(SystemMessage::SongSelect(first)),
        _ => return None, // no other status byte is ever kept
    })
}

const fn real_time(byte: u8) -> Option<SystemMessage> {
    Some(match byte {
        0xf8 => SystemMessage::TimingClock,
        0xfa => SystemMessage::Start,
        0xfb => SystemMessage::Continue,
        0xfc => SystemMessage::Stop,
        0xfe => SystemMessage::ActiveSensing,
        0xff => SystemMessage::Reset,
        _ => return None,
    })
}
