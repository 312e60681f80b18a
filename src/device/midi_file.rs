//! Messages from a file: a Standard MIDI File or raw MIDI bytes.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::midi::{Dropped, Kind, Message, NotMidi, Parser, Remark, Riff, RiffError, Smf, SmfError};
use crate::text::Escape as _;
use crate::text::shell::word;
use crate::time::Micros;

/// Microseconds a byte takes on a MIDI cable: ten bits at 31 250 a second.
const BYTE_US: Micros = 320;

/// Messages with their times, from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MidiFile {
    /// The file's path, fit for a terminal.
    pub name: String,
    /// Messages in the order of their times.
    pub messages: Vec<(Micros, Message)>,
    /// When it ends.
    pub length: Micros,
    /// What was in the file that is no message.
    pub dropped: Dropped,
    /// What is wrong with a MIDI file that is played all the same.
    pub remarks: Vec<Remark>,
    /// How many bytes a RIFF file around it says to have more than it has.
    pub missing: usize,
}

/// How to take a file that may not be what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// A Standard MIDI File, or raw MIDI bytes where it looks like them.
    #[default]
    AsItLooks,
    /// Raw MIDI bytes, whatever it looks like.
    Raw,
}

impl Reading {
    /// How to take a file, by whether raw bytes were asked for.
    #[must_use]
    pub const fn raw(asked: bool) -> Self {
        if asked { Self::Raw } else { Self::AsItLooks }
    }
}

/// Why a file cannot be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MidiFileError {
    /// The file.
    pub subject: PathBuf,
    /// What is wrong with it.
    pub kind: MidiFileErrorKind,
}

/// What is wrong with a file that cannot be played.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MidiFileErrorKind {
    /// It cannot be read.
    Unreadable {
        /// The operating system's word for it.
        reason: String,
    },
    /// It is a damaged MIDI file.
    Smf(SmfError),
    /// It is a damaged MIDI file inside a RIFF file.
    SmfInRiff {
        /// Where the MIDI file begins; what is wrong with it counts from there.
        offset: usize,
        /// What is wrong with it.
        error: SmfError,
    },
    /// It is a RIFF file for MIDI without a MIDI file in it.
    Riff(RiffError),
    /// It is a raw stream larger than the limit.
    TooLarge,
    /// It is no MIDI, but this.
    NotMidi(NotMidi),
    /// It is to be taken for raw bytes, and there is not one message in it.
    NoMessages,
}

impl MidiFileError {
    /// The system does not let the file at `subject` be read.
    pub(super) fn unreadable(subject: &Path, error: &std::io::Error) -> Self {
        MidiFileErrorKind::Unreadable { reason: error.to_string() }.of(subject)
    }

    /// What to do about it, where there is something.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match &self.kind {
            MidiFileErrorKind::NotMidi(what) if what.may_be_raw() => {
                Some("to play its bytes all the same: --raw".to_owned())
            }
            MidiFileErrorKind::NotMidi(NotMidi::Behind { offset }) => Some(format!(
                "to take away what stands before it: tail -c +{} {} > only-the-midi.mid",
                offset + 1,
                word(&self.subject)
            )),
            _ => None,
        }
    }
}

impl MidiFileErrorKind {
    fn of(self, subject: &Path) -> MidiFileError {
        MidiFileError { subject: subject.to_owned(), kind: self }
    }
}

impl fmt::Display for MidiFileErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { reason } => f.write_str(reason),
            Self::Smf(error) => error.fmt(f),
            Self::SmfInRiff { offset, error } => {
                write!(f, "{error}; bytes are counted from the MIDI file in it (at byte {offset})")
            }
            Self::Riff(error) => error.fmt(f),
            Self::TooLarge => write!(f, "larger than {} MiB, the limit for a session", Smf::MAX_BYTES >> 20),
            Self::NotMidi(what) if what.may_be_raw() => what.fmt(f),
            Self::NotMidi(what @ NotMidi::Behind { .. }) => what.fmt(f),
            Self::NotMidi(what) => write!(f, "no MIDI can be played from it: {what}"),
            Self::NoMessages => f.write_str("there is no MIDI message in its bytes"),
        }
    }
}

impl fmt::Display for MidiFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject.escaped(), self.kind)?;
        self.remedy().map_or(Ok(()), |remedy| write!(f, "\n  {remedy}"))
    }
}

impl std::error::Error for MidiFileError {}

impl MidiFile {
    /// Reads a Standard MIDI File, plain or inside a RIFF file, or else a file of raw MIDI bytes. A raw file has no times: its
    /// bytes are taken to come at the speed of a MIDI cable, 320 µs each.
    pub fn read(path: &Path, reading: Reading) -> Result<Self, MidiFileError> {
        let file = File::open(path).map_err(|error| MidiFileError::unreadable(path, &error))?;
        Self::from_file(file, path, reading)
    }

    /// Reads an open file; `path` is for messages.
    pub(super) fn from_file(file: File, path: &Path, reading: Reading) -> Result<Self, MidiFileError> {
        let failed = |error: std::io::Error| MidiFileError::unreadable(path, &error);
        let mut bytes = Vec::new();
        // One byte over the limit tells that there is more.
        file.take(Smf::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        Self::from_bytes(&bytes, path, reading)
    }

    /// What is to be said of it before it is played, a line each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut words: Vec<_> = self.remarks.iter().map(|remark| format!("{}: {remark}", self.name)).collect();
        if self.missing > 0 {
            let missing = self.missing;
            words.push(format!("{}: {missing} bytes shorter than it says; the MIDI file in it is whole", self.name));
        }
        if self.dropped.total() > 0 {
            words.push(format!("{}: skipped: {}", self.name, self.dropped));
        }
        words
    }

    fn from_bytes(bytes: &[u8], path: &Path, reading: Reading) -> Result<Self, MidiFileError> {
        let kind = match reading {
            Reading::AsItLooks => Kind::of(bytes),
            Reading::Raw => Kind::Raw,
        };
        match kind {
            Kind::Smf => {
                let smf = Smf::parse(bytes).map_err(|error| MidiFileErrorKind::Smf(error).of(path))?;
                Ok(Self::played(smf, path))
            }
            Kind::Rmid => {
                let Riff { smf: range, missing } =
                    Riff::find(bytes).map_err(|error| MidiFileErrorKind::Riff(error).of(path))?;
                let offset = range.start;
                let smf = Smf::parse(bytes.get(range).unwrap_or_default())
                    .map_err(|error| MidiFileErrorKind::SmfInRiff { offset, error }.of(path))?;
                Ok(Self { missing, ..Self::played(smf, path) })
            }
            Kind::Raw => Self::raw(bytes, path, reading),
            Kind::Other(what) => Err(MidiFileErrorKind::NotMidi(what).of(path)),
        }
    }

    fn played(smf: Smf, path: &Path) -> Self {
        let Smf { messages, length, dropped, remarks } = smf;
        Self { name: path.escaped().to_string(), messages, length, dropped, remarks, missing: 0 }
    }

    fn raw(bytes: &[u8], path: &Path, reading: Reading) -> Result<Self, MidiFileError> {
        let too_large = || MidiFileErrorKind::TooLarge.of(path);
        if bytes.len() > Smf::MAX_BYTES {
            return Err(too_large());
        }
        let (mut parser, mut messages, mut t) = (Parser::new(), Vec::new(), 0);
        for byte in bytes {
            t += BYTE_US;
            parser.push(&[*byte], |message| messages.push((t, message)));
            if messages.len() > Smf::MAX_MESSAGES {
                return Err(too_large());
            }
        }
        match reading {
            Reading::AsItLooks => {
                if let Kind::Other(what) = Kind::of_read(bytes, messages.len(), parser.dropped()) {
                    return Err(MidiFileErrorKind::NotMidi(what).of(path));
                }
            }
            Reading::Raw if messages.is_empty() => return Err(MidiFileErrorKind::NoMessages.of(path)),
            Reading::Raw => {}
        }
        parser.finish();
        let (name, dropped) = (path.escaped().to_string(), parser.dropped());
        Ok(Self { name, messages, length: t, dropped, remarks: Vec::new(), missing: 0 })
    }
}
