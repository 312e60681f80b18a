//! Standard MIDI Files wrapped in a RIFF file (`.rmi`).

use std::fmt;
use std::ops::Range;

/// A RIFF file, as far as it concerns MIDI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Riff {
    /// Where in the file the Standard MIDI File stands.
    pub smf: Range<usize>,
    /// How many bytes the wrapping promises that are not there.
    pub missing: usize,
}

/// Why no MIDI file is found in a RIFF file of the form `RMID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RiffError {
    /// There is no chunk `data`.
    NoData,
}

impl fmt::Display for RiffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoData => {
                f.write_str("a RIFF file for MIDI (RMID) without a MIDI file in it (it has no chunk `data`)")
            }
        }
    }
}

impl std::error::Error for RiffError {}

impl Riff {
    /// Whether `bytes` begin like a RIFF file with MIDI in it; twelve are enough to tell.
    #[must_use]
    pub fn is_rmid(bytes: &[u8]) -> bool {
        matches!(bytes, [b'R', b'I', b'F', b'F', _, _, _, _, b'R', b'M', b'I', b'D', ..])
    }

    /// Finds the MIDI file in a RIFF file. Its length need not be right: the MIDI file inside knows its own.
    pub fn find(bytes: &[u8]) -> Result<Self, RiffError> {
        let mut at = 12;
        while let Some(&[a, b, c, d, l0, l1, l2, l3]) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
            let start = at + 8;
            let end = start.saturating_add(length);
            if &[a, b, c, d] == b"data" {
                let present = end.min(bytes.len());
                return Ok(Self { smf: start..present, missing: end - present });
            }
            at = end.saturating_add(length & 1); // chunks begin at even places
        }
        Err(RiffError::NoData)
    }
}
