//! A text file that only grows, line by line.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file of lines. What has been counted is remembered, so that a call costs the same however long the file has grown.
#[derive(Debug)]
pub(crate) struct Logbook {
    path: PathBuf,
    counted: Counted,
}

/// The lines in the first `bytes` bytes of the file.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    bytes: u64,
    lines: u64,
}

impl Logbook {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), counted: Counted::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends `line`, which has no line break, and gives the number of lines then.
    pub(crate) fn append(&mut self, line: &str) -> Result<u64> {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        // One write: a quota that is reached in its middle is the only thing that could leave half a line.
        file.write_all(format!("{line}\n").as_bytes())?;
        self.count()
    }

    /// The number of lines; none when there is no file. Another instance may have written since, so the file is looked at.
    pub(crate) fn count(&mut self) -> Result<u64> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.counted = Counted::default();
                return Ok(0);
            }
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() < self.counted.bytes {
            self.counted = Counted::default(); // it was started anew
        }
        file.seek(SeekFrom::Start(self.counted.bytes))?;
        let mut buffer = [0; 4096];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(self.counted.lines),
                len => {
                    self.counted.bytes += len as u64;
                    self.counted.lines += buffer[..len].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
                }
            }
        }
    }

    /// Empties the file, which is there afterwards.
    pub(crate) fn clear(&mut self) -> Result<()> {
        self.counted = Counted::default();
        File::create(&self.path).map(|_| ())
    }
}
