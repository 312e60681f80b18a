//! Standard MIDI Files → messages with times.

mod chunk;
mod error;
mod player;
mod remark;
mod riff;
mod track;

pub use error::{BadEvent, SmfError};
pub use remark::{Place, Remark};
pub use riff::{Riff, RiffError};

use super::{Dropped, Message};
use crate::time::Micros;
use chunk::{Chunk, Chunks};
use player::Player;
use remark::Remarks;
use track::{Reader, Track};

/// A Standard MIDI File, played out: every message with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smf {
    /// Messages of all tracks in the order of their times; those of one time in the order of tracks, then of the file.
    pub messages: Vec<(Micros, Message)>,
    /// When the last track ends; never before the last message.
    pub length: Micros,
    /// What escapes and split `SysEx` messages contained that is no message.
    pub dropped: Dropped,
    /// What is wrong with the file and was read all the same, each kind once.
    pub remarks: Vec<Remark>,
}

impl Smf {
    /// The largest file read, in bytes. Real ones have well under a mebibyte.
    pub const MAX_BYTES: usize = 16 << 20;
    /// The most messages taken from one file: about 32 MB of memory.
    pub const MAX_MESSAGES: usize = 1 << 20;

    /// Reads a whole file. Formats 0 and 1 play their tracks together under one tempo map; format 2 plays its tracks, each
    /// a piece of its own, one after another.
    ///
    /// What is against the format and leaves no doubt about what is to be played is played and remarked on; where there is
    /// doubt, the file is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, SmfError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(SmfError::TooLarge { limit: Self::MAX_BYTES });
        }
        let (header, mut chunks) = Chunks::new(bytes)?;
        let mut player = Player::new(header.timing);
        let (mut dropped, mut remarks) = (Dropped::default(), Remarks::default());
        let (mut events, mut present) = (Vec::new(), 0);
        while let Some(chunk) = chunks.next(present >= header.tracks)? {
            let Chunk { start, declared, data } = match chunk {
                Ok(track) => track,
                Err(left) => {
                    remarks.after_last_track(left);
                    break;
                }
            };
            let before = events.len();
            let mut reader = Reader { bytes, number: present + 1, events: &mut events, dropped: &mut dropped };
            match reader.read(start, declared, data, &mut remarks)? {
                Track::Whole { next } => chunks.go_on(next),
                Track::Cut if present >= header.tracks => {
                    events.truncate(before);
                    remarks.after_last_track(start..bytes.len());
                    break;
                }
                Track::Cut => {
                    let present = bytes.len().saturating_sub(data);
                    return Err(SmfError::Truncated { offset: start, declared, present });
                }
            }
            present += 1;
            if player.messages() + events.len() > Self::MAX_MESSAGES {
                return Err(SmfError::TooMany { limit: Self::MAX_MESSAGES });
            }
            if header.sequential {
                player.play(&mut events);
            }
        }
        if present < header.tracks {
            return Err(SmfError::MissingTracks { declared: header.tracks, present });
        }
        player.play(&mut events);
        let (messages, length) = player.finish();
        Ok(Self { messages, length, dropped, remarks: remarks.into_vec() })
    }

    /// Whether `bytes` begin like a Standard MIDI File; four are enough to tell.
    #[must_use]
    pub fn is_smf(bytes: &[u8]) -> bool {
        bytes.starts_with(b"MThd")
    }
}
