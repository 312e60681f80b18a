//! Standard MIDI Files → messages with times.

use std::fmt;

use midly::{Format, MetaMessage, MidiMessage, Timing, TrackEventKind};

use super::message::{Channel, Message};
use super::parser::{Dropped, Parser};
use crate::clock::Micros;

/// A Standard MIDI File, played out: every message with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smf {
    /// Messages of all tracks in the order of their times; those of one time in the order of tracks, then of the file.
    pub messages: Vec<(Micros, Message)>,
    /// When the last track ends; never before the last message.
    pub length: Micros,
    /// What escapes and split `SysEx` messages contained that is no message.
    pub dropped: Dropped,
}

/// Why a file is no playable Standard MIDI File. Offsets count bytes from the beginning of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmfError {
    /// It does not begin with `MThd`.
    NotSmf,
    /// It is larger than the limit, in bytes.
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The header chunk is cut short or has an impossible length.
    Header,
    /// The header asks for a format that does not exist.
    Format(u16),
    /// The header asks for a film frame rate that does not exist, in frames a second.
    FrameRate(u8),
    /// The header asks for zero ticks a beat or a frame, which leaves no time to anything.
    NoTicks,
    /// A chunk goes on past the end of the file.
    Truncated {
        /// Where the chunk begins.
        offset: usize,
        /// Bytes it says it has.
        declared: u32,
        /// Bytes that are there.
        present: usize,
    },
    /// A second header stands among the tracks.
    SecondHeader {
        /// Where it begins.
        offset: usize,
    },
    /// There are fewer tracks than the header says.
    MissingTracks {
        /// Tracks the header declares.
        declared: usize,
        /// Tracks that are there.
        present: usize,
    },
    /// An event is damaged.
    Event {
        /// The track, from 1.
        track: usize,
        /// Where the event begins, with its delta time.
        offset: usize,
        /// What is wrong with it.
        what: BadEvent,
    },
    /// There are more messages than the limit.
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// What is wrong with an event of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadEvent {
    /// The track ends inside it.
    Truncated,
    /// It begins with a data byte, and no status byte came before.
    NoStatus,
    /// It has a status byte that does not occur in files.
    Status(u8),
    /// Its data is out of range.
    Data,
}

impl fmt::Display for BadEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the track ends inside this event"),
            Self::NoStatus => f.write_str("the event has no status byte and none came before"),
            Self::Status(status) => write!(f, "status byte 0x{status:02X} cannot stand in a MIDI file"),
            Self::Data => f.write_str("the event's length or data is out of range"),
        }
    }
}

impl fmt::Display for SmfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSmf => f.write_str("not a Standard MIDI File (it does not begin with MThd)"),
            Self::TooLarge { limit } => write!(f, "larger than {} MiB, the limit for a MIDI file", limit >> 20),
            Self::Header => f.write_str("the header (at byte 0) is cut short or has an impossible length"),
            Self::Format(format) => {
                write!(f, "the header asks for format {format} (at byte 8); there are 0, 1 and 2")
            }
            Self::FrameRate(rate) => write!(
                f,
                "the header asks for {rate} frames a second (at byte 12); there are 24, 25, 29 (for 29.97) and 30"
            ),
            Self::NoTicks => f.write_str("the header asks for 0 ticks per beat (at byte 12)"),
            Self::Truncated { offset, declared, present } => write!(
                f,
                "the chunk at byte {offset} is cut short: it declares {declared} bytes, {present} are left; \
                 the file was probably not copied whole"
            ),
            Self::SecondHeader { offset } => write!(f, "a second header stands at byte {offset}"),
            Self::MissingTracks { declared, present } => {
                write!(f, "the header declares {declared} tracks, the file has {present}")
            }
            Self::Event { track, offset, what } => write!(f, "track {track}, byte {offset}: {what}"),
            Self::TooMany { limit } => write!(f, "more than {limit} messages, the limit for a MIDI file"),
        }
    }
}

impl std::error::Error for SmfError {}

/// An event that matters for playing, in ticks.
enum Event {
    Message(Message),
    /// Microseconds per beat.
    Tempo(u32),
    End,
}

impl Smf {
    /// The largest file read, in bytes. Real ones have well under a mebibyte.
    pub const MAX_BYTES: usize = 16 << 20;
    /// The most messages taken from one file: about 32 MB of memory.
    pub const MAX_MESSAGES: usize = 1 << 20;

    /// Reads a whole file. Formats 0 and 1 play their tracks together under one tempo map; format 2 plays its tracks, each
    /// a piece of its own, one after another.
    pub fn parse(bytes: &[u8]) -> Result<Self, SmfError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(SmfError::TooLarge { limit: Self::MAX_BYTES });
        }
        let bytes = whole_chunks(bytes)?;
        let (header, tracks) = midly::parse(bytes).map_err(|_| SmfError::Header)?;
        let mut player = Player::new(header.timing)?;
        let mut dropped = Dropped::default();
        let mut events = Vec::new();
        for (number, track) in tracks.enumerate() {
            let track = track.map_err(|_| SmfError::Header)?; // chunks are whole, as of above
            read_track(bytes, number + 1, track, &mut events, &mut dropped)?;
            if player.messages.len() + events.len() > Self::MAX_MESSAGES {
                return Err(SmfError::TooMany { limit: Self::MAX_MESSAGES });
            }
            if header.format == Format::Sequential {
                player.play(&mut events);
            }
        }
        player.play(&mut events);
        Ok(Self { length: player.length, messages: player.messages, dropped })
    }

    /// Whether `bytes` begin like a Standard MIDI File; four are enough to tell.
    #[must_use]
    pub fn is_smf(bytes: &[u8]) -> bool {
        bytes.starts_with(b"MThd")
    }
}

/// The part of a file that consists of whole chunks: a header and as many tracks as it declares, or more. Bytes after
/// those do not matter. The library sees nothing else: it would take a cut chunk for a whole one, and it negates the
/// frame rate -128 (which no file has) with an overflow.
fn whole_chunks(bytes: &[u8]) -> Result<&[u8], SmfError> {
    let declared = match bytes {
        [b'M', b'T', b'h', b'd', 0, 0, 0, 6..=255, format_high, format, high, low, division, _, ..] => {
            let format = u16::from_be_bytes([*format_high, *format]);
            if format > 2 {
                return Err(SmfError::Format(format));
            }
            // From 0x80 the byte is a negative frame rate.
            let rate = division.wrapping_neg();
            if *division >= 0x80 && !matches!(rate, 24 | 25 | 29 | 30) {
                return Err(SmfError::FrameRate(rate));
            }
            usize::from(u16::from_be_bytes([*high, *low]))
        }
        [b'M', b'T', b'h', b'd', ..] => return Err(SmfError::Header),
        _ => return Err(SmfError::NotSmf),
    };
    let (mut offset, mut present) = (0, 0);
    while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
        let cut_short = match rest.split_at_checked(8) {
            None => Some((8, rest.len())),
            Some((head, _)) if offset > 0 && head.starts_with(b"MThd") => {
                return Err(SmfError::SecondHeader { offset });
            }
            Some((head, data)) => {
                let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]); // head has eight bytes
                if data.len() < length as usize {
                    Some((length, data.len()))
                } else {
                    present += usize::from(head.starts_with(b"MTrk"));
                    offset += 8 + length as usize;
                    None
                }
            }
        };
        match cut_short {
            Some(_) if present >= declared => break,
            Some((declared, present)) => return Err(SmfError::Truncated { offset, declared, present }),
            None => {}
        }
    }
    if present < declared {
        return Err(SmfError::MissingTracks { declared, present });
    }
    Ok(bytes.get(..offset).unwrap_or(bytes))
}

/// Where `part`, a slice of `whole`, begins in it.
fn offset_in(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len())
}

/// Appends the track's events with their times in ticks.
fn read_track(
    bytes: &[u8],
    track: usize,
    mut source: midly::EventIter<'_>,
    events: &mut Vec<(u64, Event)>,
    dropped: &mut Dropped,
) -> Result<(), SmfError> {
    let mut ticks = 0;
    // Escapes and the pieces of split SysEx messages are a byte stream inside the track.
    let mut stream = Parser::new();
    loop {
        let unread = source.unread();
        let running = source.running_status().is_some();
        let event = match source.next() {
            None => break,
            Some(Ok(event)) => event,
            Some(Err(_)) => {
                let offset = offset_in(bytes, unread);
                return Err(SmfError::Event { track, offset, what: diagnose(unread, running) });
            }
        };
        ticks += u64::from(event.delta.as_int());
        match event.kind {
            TrackEventKind::Midi { channel, message } => {
                stream.finish();
                events.push((ticks, Event::Message(channel_message(channel.as_int(), message))));
            }
            TrackEventKind::SysEx(payload) => {
                stream.push(&[0xf0], |_| ()); // a status byte of this kind completes nothing
                stream.push(payload, |message| events.push((ticks, Event::Message(message))));
            }
            TrackEventKind::Escape(payload) => {
                stream.push(payload, |message| events.push((ticks, Event::Message(message))));
            }
            TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => events.push((ticks, Event::Tempo(tempo.as_int()))),
            TrackEventKind::Meta(MetaMessage::EndOfTrack) => break,
            TrackEventKind::Meta(_) => {}
        }
        if events.len() > Smf::MAX_MESSAGES {
            return Err(SmfError::TooMany { limit: Smf::MAX_MESSAGES });
        }
    }
    stream.finish();
    let more = stream.dropped();
    dropped.stray_bytes += more.stray_bytes;
    dropped.truncated += more.truncated;
    dropped.undefined += more.undefined;
    dropped.oversized += more.oversized;
    events.push((ticks, Event::End));
    Ok(())
}

/// What is wrong with the event at the beginning of `unread`.
fn diagnose(unread: &[u8], running: bool) -> BadEvent {
    let delta = unread.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    if delta > 4 {
        return BadEvent::Data;
    }
    match unread.get(delta..) {
        Some([0x00..=0x7f, ..]) if !running => BadEvent::NoStatus,
        Some(&[status @ (0xf1..=0xf6 | 0xf8..=0xfe), ..]) => BadEvent::Status(status),
        // A channel message has two data bytes at most.
        Some([0x80..=0xef, data @ ..] | data @ [0x00..=0x7f, ..]) if data.iter().take(2).any(|byte| *byte >= 0x80) => {
            BadEvent::Data
        }
        _ => BadEvent::Truncated,
    }
}

fn channel_message(channel: u8, message: MidiMessage) -> Message {
    let channel = Channel::from_status(channel);
    match message {
        MidiMessage::NoteOff { key, vel } => Message::NoteOff { channel, note: key.as_int(), velocity: vel.as_int() },
        MidiMessage::NoteOn { key, vel } => Message::NoteOn { channel, note: key.as_int(), velocity: vel.as_int() },
        MidiMessage::Aftertouch { key, vel } => {
            Message::PolyPressure { channel, note: key.as_int(), pressure: vel.as_int() }
        }
        MidiMessage::Controller { controller, value } => {
            Message::ControlChange { channel, controller: controller.as_int(), value: value.as_int() }
        }
        MidiMessage::ProgramChange { program } => Message::ProgramChange { channel, program: program.as_int() },
        MidiMessage::ChannelAftertouch { vel } => Message::ChannelPressure { channel, pressure: vel.as_int() },
        MidiMessage::PitchBend { bend } => Message::PitchBend { channel, value: bend.0.as_int() },
    }
}

/// Turns ticks into microseconds. Sums are exact: a fraction is cut off only when a time is read.
struct Player {
    /// Microseconds a tick, as a fraction: numerator (the tempo, where ticks belong to beats) …
    numerator: u128,
    /// … and denominator.
    denominator: u128,
    /// Whether tempo events count: ticks belong to beats, not to film frames.
    metrical: bool,
    /// Time since the beginning, times the denominator.
    elapsed: u128,
    length: Micros,
    messages: Vec<(Micros, Message)>,
}

/// Microseconds per beat before any tempo event: 120 beats a minute.
const DEFAULT_TEMPO: u128 = 500_000;

impl Player {
    fn new(timing: Timing) -> Result<Self, SmfError> {
        let (numerator, denominator, metrical) = match timing {
            Timing::Metrical(ticks) => (DEFAULT_TEMPO, u128::from(ticks.as_int()), true),
            // 29 stands for 29.97, which is 30000/1001.
            Timing::Timecode(midly::Fps::Fps29, ticks) => (1_001_000_000, 30_000 * u128::from(ticks), false),
            Timing::Timecode(fps, ticks) => (1_000_000, u128::from(fps.as_int()) * u128::from(ticks), false),
        };
        if denominator == 0 {
            return Err(SmfError::NoTicks);
        }
        Ok(Self { numerator, denominator, metrical, elapsed: 0, length: 0, messages: Vec::new() })
    }

    /// Plays `events` after everything played before, and empties them.
    fn play(&mut self, events: &mut Vec<(u64, Event)>) {
        events.sort_by_key(|(ticks, _)| *ticks); // stable: tracks, then the file's order
        if self.metrical {
            self.numerator = DEFAULT_TEMPO;
        }
        let mut last = 0;
        for (ticks, event) in events.drain(..) {
            self.elapsed += u128::from(ticks - last) * self.numerator; // sorted, so never negative
            last = ticks;
            let now = Micros::try_from(self.elapsed / self.denominator).unwrap_or(Micros::MAX);
            self.length = now;
            match event {
                Event::Message(message) => self.messages.push((now, message)),
                Event::Tempo(tempo) if self.metrical => self.numerator = u128::from(tempo),
                Event::Tempo(_) | Event::End => {}
            }
        }
    }
}
