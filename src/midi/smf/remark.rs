//! What is against the format in a file that is played all the same.

use std::fmt;
use std::ops::Range;

/// Where something stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The track, from 1.
    pub track: usize,
    /// Bytes from the beginning of the file.
    pub offset: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "track {}, byte {}", self.track, self.offset)
    }
}

/// What is against the format, with how often it is, and where first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// Events without a status byte, after a meta event or a `SysEx` message: the channel's last one was taken.
    RunningStatus {
        /// How many.
        events: u64,
        /// The track and offset of the first of them.
        first: Place,
    },
    /// Tempo events that are not three bytes long were left out.
    Tempo {
        /// How many.
        events: u64,
        /// The track and offset of the first of them.
        first: Place,
    },
    /// Tracks that are shorter than their length says.
    LongTrack {
        /// How many.
        tracks: u64,
        /// Where the first begins.
        first: Place,
        /// Bytes it says it has.
        declared: u32,
        /// Bytes it has.
        present: usize,
    },
    /// Tracks that are longer than their length says.
    ShortTrack {
        /// How many.
        tracks: u64,
        /// Where the first begins.
        first: Place,
        /// Bytes it says it has.
        declared: u32,
        /// Bytes it has.
        present: usize,
    },
    /// Tracks go on after their End of Track; what stands there is not played.
    AfterEnd {
        /// How many bytes, in all tracks.
        bytes: u64,
        /// In how many tracks.
        tracks: u64,
        /// Where the first such bytes are.
        first: Place,
    },
    /// Something that is no chunk stands after the last track; it is not played.
    AfterLastTrack {
        /// How many bytes.
        bytes: u64,
        /// Where it begins.
        offset: usize,
    },
}

/// A number of things.
struct Count(u64, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = |f: &mut fmt::Formatter<'_>, tracks: u64| match tracks - 1 {
            0 => Ok(()),
            more => write!(f, "; so are {}", Count(more, "more track")),
        };
        match self {
            Self::RunningStatus { events, first } => write!(
                f,
                "{} without a status byte after a meta event or a SysEx message, which a MIDI file may not have; \
                 played with the status byte before it (the first: {first})",
                Count(*events, "event")
            ),
            Self::Tempo { events, first } => {
                write!(f, "{} not three bytes long, left out (the first: {first})", Count(*events, "tempo event"))
            }
            Self::LongTrack { tracks, first, declared, present } => {
                write!(
                    f,
                    "{first}: the track is shorter than it says: {present} bytes, not {declared}; played to its end"
                )?;
                more(f, *tracks)
            }
            Self::ShortTrack { tracks, first, declared, present } => {
                write!(
                    f,
                    "{first}: the track is longer than it says: {present} bytes, not {declared}; played to its end"
                )?;
                more(f, *tracks)
            }
            Self::AfterEnd { bytes, tracks, first } => write!(
                f,
                "not played: {} after an End of Track, in {} (the first: {first})",
                Count(*bytes, "byte"),
                Count(*tracks, "track")
            ),
            Self::AfterLastTrack { bytes, offset } => {
                write!(f, "not played: {} after the last track (from byte {offset} on)", Count(*bytes, "byte"))
            }
        }
    }
}

/// Remarks on one file.
#[derive(Debug, Default)]
pub(super) struct Remarks(Vec<Remark>);

impl Remarks {
    pub(super) fn into_vec(self) -> Vec<Remark> {
        self.0
    }

    /// Adds what `more` says.
    pub(super) fn merge(&mut self, more: Self) {
        for remark in more.0 {
            self.add(remark);
        }
    }

    pub(super) fn running_status(&mut self, first: Place) {
        self.add(Remark::RunningStatus { events: 1, first });
    }

    pub(super) fn tempo(&mut self, first: Place) {
        self.add(Remark::Tempo { events: 1, first });
    }

    pub(super) fn long_track(&mut self, first: Place, declared: u32, present: usize) {
        self.add(Remark::LongTrack { tracks: 1, first, declared, present });
    }

    pub(super) fn short_track(&mut self, first: Place, declared: u32, present: usize) {
        self.add(Remark::ShortTrack { tracks: 1, first, declared, present });
    }

    pub(super) fn after_end(&mut self, first: Place, bytes: usize) {
        if bytes > 0 {
            self.add(Remark::AfterEnd { bytes: bytes as u64, tracks: 1, first });
        }
    }

    pub(super) fn after_last_track(&mut self, left: Range<usize>) {
        self.add(Remark::AfterLastTrack { bytes: left.len() as u64, offset: left.start });
    }

    /// Counts `new` with those of its kind.
    fn add(&mut self, new: Remark) {
        for known in &mut self.0 {
            match (known, new) {
                (Remark::RunningStatus { events, .. }, Remark::RunningStatus { events: more, .. })
                | (Remark::Tempo { events, .. }, Remark::Tempo { events: more, .. }) => {
                    *events += more;
                    return;
                }
                (Remark::LongTrack { tracks, .. }, Remark::LongTrack { tracks: more, .. })
                | (Remark::ShortTrack { tracks, .. }, Remark::ShortTrack { tracks: more, .. }) => {
                    *tracks += more;
                    return;
                }
                (
                    Remark::AfterEnd { bytes, tracks, .. },
                    Remark::AfterEnd { bytes: more_bytes, tracks: more_tracks, .. },
                ) => {
                    *bytes += more_bytes;
                    *tracks += more_tracks;
                    return;
                }
                _ => {}
            }
        }
        self.0.push(new);
    }
}
