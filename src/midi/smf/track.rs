//! The events of a track.

use super::Smf;
use super::chunk::{boundary, track_begins};
use super::error::{BadEvent, SmfError};
use super::remark::{Place, Remarks};
use crate::midi::{Channel, Dropped, Message, Parser};

/// By how many bytes a track's length may be too short, or too long for a track without an end, to be taken for a slip of the
/// program that wrote it. Such slips leave out the length of one event, or count it twice.
const SLIP: usize = 16;

/// The length of an End of Track with its delta time. Only that may be missing from the end of a file.
const END_OF_TRACK: usize = 4;

/// An event that matters for playing.
pub(super) enum Event {
    Message(Message),
    /// Microseconds per beat.
    Tempo(u32),
    /// The track is over.
    End,
}

/// What became of a track.
pub(super) enum Track {
    /// It was read; what comes after it begins at `next`.
    Whole { next: usize },
    /// The file ends inside it.
    Cut,
}

/// Reads one track.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    /// The track, from 1.
    pub(super) number: usize,
    /// Where its events go, with their times in ticks.
    pub(super) events: &'a mut Vec<(u64, Event)>,
    pub(super) dropped: &'a mut Dropped,
}

/// Where reading ended.
enum Stop {
    /// Behind an End of Track that ends there.
    End(usize),
    /// At the limit, between two events.
    Limit,
    /// Inside the event that begins there.
    Event(usize, BadEvent),
    /// At too many messages.
    TooMany,
}

/// Where a track is.
#[derive(Clone)]
struct Position {
    ticks: u64,
    /// Status byte of the last channel message.
    running: Option<u8>,
    /// Whether something came since that ends running status.
    interrupted: bool,
    /// Escapes and the pieces of split `SysEx` messages are a byte stream inside the track.
    stream: Parser,
}

impl Reader<'_> {
    /// Reads the track whose chunk begins at `start`, with `declared` bytes from `data` on.
    pub(super) fn read(
        &mut self,
        start: usize,
        declared: u32,
        data: usize,
        remarks: &mut Remarks,
    ) -> Result<Track, SmfError> {
        let whole = self.bytes.len();
        let end = data.saturating_add(declared as usize);
        let limit = end.min(whole);
        let mut position = Position { ticks: 0, running: None, interrupted: false, stream: Parser::new() };
        let mut at = data;
        let track = self.number;
        let mut stop = self.read_events(&mut position, &mut at, limit, remarks);
        let short = match stop {
            Stop::Limit => !boundary(self.bytes, limit),
            Stop::Event(_, BadEvent::Truncated) => true,
            _ => false,
        };
        if short && end < whole {
            // The chunk is over and the track is not: does it end a few bytes further on, where the next one begins?
            let (before, further) = (self.events.len(), end.saturating_add(SLIP).min(whole));
            let (mut there, mut beyond, mut more) = (position.clone(), at, Remarks::default());
            match self.read_events(&mut there, &mut beyond, further, &mut more) {
                Stop::End(ended) if ended == whole || track_begins(self.bytes, ended) => {
                    remarks.merge(more);
                    remarks.short_track(Place { track, offset: start }, declared, ended - data);
                    (position, stop) = (there, Stop::End(ended));
                }
                _ => self.events.truncate(before),
            }
        }
        let next = match stop {
            Stop::TooMany => return Err(SmfError::TooMany { limit: Smf::MAX_MESSAGES }),
            Stop::End(ended) if ended > end => ended,
            Stop::End(ended) if ended < end && track_begins(self.bytes, ended) => {
                remarks.long_track(Place { track, offset: start }, declared, ended - data);
                ended
            }
            Stop::End(ended) => {
                if end > whole {
                    remarks.long_track(Place { track, offset: start }, declared, whole - data);
                }
                remarks.after_end(Place { track, offset: ended }, limit - ended);
                limit
            }
            Stop::Limit if end <= whole => end,
            Stop::Limit if end - whole <= END_OF_TRACK && at > data => {
                remarks.long_track(Place { track, offset: start }, declared, whole - data);
                whole
            }
            Stop::Limit => return Ok(Track::Cut),
            Stop::Event(..) if end > whole => return Ok(Track::Cut),
            Stop::Event(offset, what) => return Err(SmfError::Event { track, offset, what }),
        };
        position.stream.finish();
        let more = position.stream.dropped();
        self.dropped.stray_bytes += more.stray_bytes;
        self.dropped.truncated += more.truncated;
        self.dropped.undefined += more.undefined;
        self.dropped.oversized += more.oversized;
        self.events.push((position.ticks, Event::End));
        Ok(Track::Whole { next })
    }

    /// Reads events from `at` on, which is left where the last whole one ends.
    fn read_events(&mut self, position: &mut Position, at: &mut usize, limit: usize, remarks: &mut Remarks) -> Stop {
        let bytes = self.bytes.get(..limit).unwrap_or(self.bytes);
        while *at < limit {
            let mut input = Input { bytes, at: *at };
            match self.event(position, &mut input, remarks) {
                Ok(ended) => {
                    *at = input.at;
                    if ended {
                        return Stop::End(*at);
                    }
                }
                Err(what) => return Stop::Event(*at, what),
            }
            if self.events.len() > Smf::MAX_MESSAGES {
                return Stop::TooMany;
            }
        }
        Stop::Limit
    }

    /// Reads one event; whether it is the track's end. Nothing has happened when it is damaged.
    fn event(
        &mut self,
        position: &mut Position,
        input: &mut Input<'_>,
        remarks: &mut Remarks,
    ) -> Result<bool, BadEvent> {
        let place = Place { track: self.number, offset: input.at };
        let ticks = position.ticks + u64::from(input.number()?);
        let events = &mut *self.events;
        let mut ended = false;
        match input.byte()? {
            first @ 0x00..=0x7f => {
                let status = position.running.ok_or(BadEvent::NoStatus)?;
                let second = if length(status) == 2 { input.data()? } else { 0 };
                if position.interrupted {
                    remarks.running_status(place);
                }
                position.stream.finish();
                events.push((ticks, Event::Message(channel_message(status, first, second))));
            }
            status @ 0x80..=0xef => {
                let first = input.data()?;
                let second = if length(status) == 2 { input.data()? } else { 0 };
                (position.running, position.interrupted) = (Some(status), false);
                position.stream.finish();
                events.push((ticks, Event::Message(channel_message(status, first, second))));
            }
            kind @ (0xf0 | 0xf7) => {
                let payload = input.payload()?;
                position.interrupted = true;
                if kind == 0xf0 {
                    position.stream.push(&[0xf0], |_| ()); // a status byte of this kind completes nothing
                }
                position.stream.push(payload, |message| events.push((ticks, Event::Message(message))));
            }
            0xff => {
                let kind = input.byte()?;
                let payload = input.payload()?;
                position.interrupted = true;
                match (kind, payload) {
                    (0x2f, _) => ended = true,
                    (0x51, [high, middle, low]) => {
                        events.push((ticks, Event::Tempo(u32::from_be_bytes([0, *high, *middle, *low]))));
                    }
                    (0x51, _) => remarks.tempo(place),
                    _ => {} // plays nothing, however long
                }
            }
            status => return Err(BadEvent::Status(status)),
        }
        position.ticks = ticks;
        Ok(ended)
    }
}

/// Bytes of a track being read.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn byte(&mut self) -> Result<u8, BadEvent> {
        let byte = *self.bytes.get(self.at).ok_or(BadEvent::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    /// A byte that is no status byte.
    fn data(&mut self) -> Result<u8, BadEvent> {
        self.byte().and_then(|byte| if byte < 0x80 { Ok(byte) } else { Err(BadEvent::Data) })
    }

    /// A number of up to four bytes with seven bits each.
    fn number(&mut self) -> Result<u32, BadEvent> {
        let mut number = 0;
        for _ in 0..4 {
            let byte = self.byte()?;
            number = number << 7 | u32::from(byte & 0x7f);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(BadEvent::Data)
    }

    /// A length and as many bytes.
    fn payload(&mut self) -> Result<&'a [u8], BadEvent> {
        let length = self.number()? as usize;
        let payload = self.bytes.get(self.at..).and_then(|rest| rest.get(..length)).ok_or(BadEvent::Truncated)?;
        self.at += length;
        Ok(payload)
    }
}

/// Data bytes of a channel message.
const fn length(status: u8) -> usize {
    if matches!(status, 0xc0..=0xdf) { 1 } else { 2 }
}

/// The channel message of a status byte, 0x80 to 0xEF, and its data; one with one data byte ignores `second`.
fn channel_message(status: u8, first: u8, second: u8) -> Message {
    let channel = Channel::from_status(status);
    match status >> 4 {
        0x8 => Message::NoteOff { channel, note: first, velocity: second },
        0x9 => Message::NoteOn { channel, note: first, velocity: second },
        0xa => Message::PolyPressure { channel, note: first, pressure: second },
        0xb => Message::ControlChange { channel, controller: first, value: second },
        0xc => Message::ProgramChange { channel, program: first },
        0xd => Message::ChannelPressure { channel, pressure: first },
        _ => Message::PitchBend { channel, value: u16::from(first) | u16::from(second) << 7 },
    }
}
