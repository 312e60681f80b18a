//! The header and the chunks of a file.

use std::ops::Range;

use super::error::SmfError;
use super::player::Timing;

/// What a header says.
pub(super) struct Header {
    /// How many tracks there are.
    pub(super) tracks: usize,
    /// Whether each track is a piece of its own.
    pub(super) sequential: bool,
    pub(super) timing: Timing,
}

/// A track's chunk.
pub(super) struct Chunk {
    /// Where it begins, with its head.
    pub(super) start: usize,
    /// Bytes it says it has.
    pub(super) declared: u32,
    /// Where its events begin.
    pub(super) data: usize,
}

/// Goes from track to track.
pub(super) struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Chunks<'a> {
    /// Reads the header.
    pub(super) fn new(bytes: &'a [u8]) -> Result<(Header, Self), SmfError> {
        match bytes {
            [
                b'M',
                b'T',
                b'h',
                b'd',
                0,
                0,
                0,
                length @ 6..=255,
                format_high,
                format,
                high,
                low,
                division,
                ticks,
                ..,
            ] => {
                let format = u16::from_be_bytes([*format_high, *format]);
                if format > 2 {
                    return Err(SmfError::Format(format));
                }
                let header = Header {
                    tracks: usize::from(u16::from_be_bytes([*high, *low])),
                    sequential: format == 2,
                    timing: Timing::new([*division, *ticks])?,
                };
                let present = bytes.len().saturating_sub(8);
                if present < usize::from(*length) {
                    return Err(SmfError::Truncated { offset: 0, declared: (*length).into(), present });
                }
                Ok((header, Self { bytes, at: 8 + usize::from(*length) }))
            }
            [b'M', b'T', b'h', b'd', ..] => Err(SmfError::Header),
            _ => Err(SmfError::NotSmf),
        }
    }

    /// The chunk after the track that was read ends at `next`.
    pub(super) fn go_on(&mut self, next: usize) {
        self.at = next;
    }

    /// The next track; chunks of other kinds are passed over. `enough`: all tracks there are to be were there, so that what is
    /// no whole chunk is only what was left behind them.
    #[allow(clippy::type_complexity)] // an error, an end, a track or what is left
    pub(super) fn next(&mut self, enough: bool) -> Result<Option<Result<Chunk, Range<usize>>>, SmfError> {
        loop {
            let (offset, whole) = (self.at, self.bytes.len());
            let Some(rest) = self.bytes.get(offset..).filter(|rest| !rest.is_empty()) else { return Ok(None) };
            let (declared, present) = match rest.split_at_checked(8) {
                None => (8, rest.len()),
                Some((head, _)) if head.starts_with(b"MThd") => return Err(SmfError::SecondHeader { offset }),
                Some((head, data)) => {
                    let declared = u32::from_be_bytes([head[4], head[5], head[6], head[7]]); // head has eight bytes
                    if head.starts_with(b"MTrk") {
                        return Ok(Some(Ok(Chunk { start: offset, declared, data: offset + 8 })));
                    }
                    if data.len() >= declared as usize {
                        self.at = offset + 8 + declared as usize;
                        continue;
                    }
                    (declared, data.len())
                }
            };
            if enough {
                return Ok(Some(Err(offset..whole)));
            }
            return Err(SmfError::Truncated { offset, declared, present });
        }
    }
}

/// Whether a chunk can begin at `offset`, or the file ends there.
pub(super) fn boundary(bytes: &[u8], offset: usize) -> bool {
    let Some(rest) = bytes.get(offset..) else { return false };
    rest.is_empty() || rest.first_chunk::<4>().is_some_and(|kind| kind.iter().all(|byte| (0x20..0x7f).contains(byte)))
}

/// Whether a track begins at `offset`.
pub(super) fn track_begins(bytes: &[u8], offset: usize) -> bool {
    bytes.get(offset..).is_some_and(|rest| rest.starts_with(b"MTrk"))
}
