//! What makes a file no Standard MIDI File that can be played.

use std::fmt;

/// Why a file is no playable Standard MIDI File. Offsets count bytes from the beginning of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmfError {
    /// It does not begin with `MThd`.
    NotSmf,
    /// It is larger than the limit, in bytes.
    TooLarge {
        /// How many bytes there may be.
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
        /// How many messages there may be.
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
