//! Writing a transcript as a session goes on.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::growing::Growing;
use crate::cli::Failure;
use crate::journal::{Entry, TranscriptLine};
use crate::text::Escape as _;

/// A transcript being written.
pub(in crate::cli) struct TranscriptFile {
    path: PathBuf,
    file: BufWriter<File>,
    lines: u64,
    growing: Growing,
}

impl TranscriptFile {
    /// Makes the file, in place of any there was.
    pub(in crate::cli) fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create(path)
            .map_err(|error| Failure::operation(format!("{}: cannot make the transcript: {error}", path.escaped())))?;
        let growing = Growing::new(format!("{}: the transcript", path.escaped()));
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), lines: 0, growing })
    }

    /// Adds `entry`. Where it cannot be written, the session goes on without a transcript.
    pub(in crate::cli) fn add(&mut self, entry: &Entry) {
        let Some(line) = TranscriptLine::of(entry, self.lines + 1) else { return };
        self.lines += 1;
        let file = &mut self.file;
        self.growing.write(|| writeln!(file, "{}", line.to_json()));
    }

    /// Hands what there is to the system.
    pub(in crate::cli) fn hand_on(&mut self) {
        let file = &mut self.file;
        self.growing.write(|| file.flush());
    }

    /// Hands everything to the system. `lost`: lines that never came here, because too much waited.
    pub(in crate::cli) fn finish(mut self, lost: u64) -> Result<(), Failure> {
        self.hand_on();
        match self.growing.finish() {
            Ok(()) if lost == 0 => Ok(()),
            Ok(()) => Err(Failure::operation(format!(
                "{}: the transcript is not complete: {lost} lines are missing, because standard output was read too slowly or a call took too long; the journal of --record has everything, and `conductor replay --json` makes the transcript of it",
                self.path.escaped()
            ))),
            Err(failure) => Err(failure),
        }
    }
}
