//! Writing a transcript as a session goes on.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::journal::{Entry, TranscriptLine};
use crate::text::Escape as _;

/// A transcript being written.
pub(super) struct TranscriptFile {
    path: PathBuf,
    file: BufWriter<File>,
    lines: u64,
    failed: Option<std::io::Error>,
}

impl TranscriptFile {
    /// Makes the file, in place of any there was.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create(path)
            .map_err(|error| Failure::operation(format!("{}: cannot make the transcript: {error}", path.escaped())))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), lines: 0, failed: None })
    }

    /// Adds `entry`. An error is kept for the end: the session comes first.
    pub(super) fn add(&mut self, entry: &Entry) {
        let Some(line) = TranscriptLine::of(entry, self.lines + 1) else { return };
        self.lines += 1;
        if let (None, Err(error)) = (&self.failed, writeln!(self.file, "{}", line.to_json())) {
            self.failed = Some(error);
        }
    }

    /// Hands everything to the system. `lost`: lines that never came here, because too much waited.
    pub(super) fn finish(mut self, lost: u64) -> Result<(), Failure> {
        let flushed = self.file.flush();
        match self.failed.map_or(flushed, Err) {
            Ok(()) if lost == 0 => Ok(()),
            Ok(()) => Err(Failure::operation(format!(
                "{}: the transcript is not complete: {lost} lines are missing, because standard output was read too slowly or a call took too long; the journal of --record has everything, and `conductor replay --json` makes the transcript of it",
                self.path.escaped()
            ))),
            Err(error) => {
                Err(Failure::operation(format!("{}: writing the transcript failed: {error}", self.path.escaped())))
            }
        }
    }
}
