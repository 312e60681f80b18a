//! A session played from a file.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::clock::Micros;
use crate::midi::{Dropped, Message, Parser, Smf, SmfError};
use crate::text::Escape as _;

/// Microseconds a byte takes on a MIDI cable: ten bits at 31 250 a second.
const BYTE_US: Micros = 320;

/// Messages with their times, from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The file's path, fit for a terminal.
    pub name: String,
    /// Messages in the order of their times.
    pub messages: Vec<(Micros, Message)>,
    /// When it ends.
    pub length: Micros,
    /// What was in the file that is no message.
    pub dropped: Dropped,
}

/// Why a file cannot be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionError {
    /// It cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's word for it.
        error: String,
    },
    /// It is a damaged MIDI file.
    Smf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: SmfError,
    },
    /// It is a raw stream larger than the limit.
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// There is not one message in it.
    NoMessages {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |path: &Path| path.escaped().to_string();
        match self {
            Self::Read { path, error } => write!(f, "{}: {error}", name(path)),
            Self::Smf { path, error } => write!(f, "{}: {error}", name(path)),
            Self::TooLarge { path } => {
                write!(f, "{}: larger than {} MiB, the limit for a session", name(path), Smf::MAX_BYTES >> 20)
            }
            Self::NoMessages { path } => write!(
                f,
                "{}: neither a Standard MIDI File (it does not begin with MThd) nor a raw MIDI stream (there is no message in it)",
                name(path)
            ),
        }
    }
}

impl std::error::Error for SessionError {}

impl Session {
    /// Reads a Standard MIDI File, or else a file of raw MIDI bytes. A raw file has no times: its bytes are taken to come
    /// at the speed of a MIDI cable, 320 µs each.
    pub fn read(path: &Path) -> Result<Self, SessionError> {
        let failed = |error: std::io::Error| SessionError::Read { path: path.to_owned(), error: error.to_string() };
        Self::from_file(File::open(path).map_err(failed)?, path)
    }

    /// The same from an open file; `path` is for messages.
    pub(super) fn from_file(file: File, path: &Path) -> Result<Self, SessionError> {
        let failed = |error: std::io::Error| SessionError::Read { path: path.to_owned(), error: error.to_string() };
        let mut bytes = Vec::new();
        // One byte over the limit tells that there is more.
        file.take(Smf::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        let session = Self::from_bytes(&bytes, path)?;
        if session.dropped.total() > 0 {
            log::warn!("{}: skipped: {}", session.name, session.dropped);
        }
        Ok(session)
    }

    fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, SessionError> {
        let name = path.escaped().to_string();
        if Smf::is_smf(bytes) {
            let Smf { messages, length, dropped } =
                Smf::parse(bytes).map_err(|error| SessionError::Smf { path: path.to_owned(), error })?;
            return Ok(Self { name, messages, length, dropped });
        }
        if bytes.len() > Smf::MAX_BYTES {
            return Err(SessionError::TooLarge { path: path.to_owned() });
        }
        let (mut parser, mut messages, mut t) = (Parser::new(), Vec::new(), 0);
        for byte in bytes {
            t += BYTE_US;
            parser.push(&[*byte], |message| messages.push((t, message)));
            if messages.len() > Smf::MAX_MESSAGES {
                return Err(SessionError::TooLarge { path: path.to_owned() });
            }
        }
        parser.finish();
        if messages.is_empty() {
            return Err(SessionError::NoMessages { path: path.to_owned() });
        }
        Ok(Self { name, messages, length: t, dropped: parser.dropped() })
    }
}
