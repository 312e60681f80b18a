//! A log file that makes place for a new one when it is full: `FILE` becomes `FILE.1`, that becomes `FILE.2`, and so on.
//!
//! No line is lost in between: the new file is there before the old one is let go. Where the system does not let a file be renamed or
//! made, the lines go on into the one there is.

use crate::text::Escape as _;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A log file and its predecessors.
#[derive(Debug)]
pub(super) struct LogFile {
    /// With links resolved, so that what a link leads to is renamed and not the link.
    path: PathBuf,
    file: File,
    /// Length of the file in bytes, as last looked up: others may write to it.
    bytes: u64,
    /// Bytes at which it makes place for a new one; `None` for what is no file, such as a pipe.
    full: Option<u64>,
    max_bytes: u64,
    keep: u32,
    /// A line was cut off: the next one begins with a line's end.
    torn: bool,
    /// Lines that could not be written, since one could.
    missing: u64,
    /// Lines that could not be written.
    lost: u64,
    /// The complaint that was made last, so that it is made once.
    complaint: Option<String>,
}

impl LogFile {
    /// Opens the file at `path`, and makes it where there is none.
    pub(super) fn open(path: &Path, max_bytes: u64, keep: u32) -> io::Result<Self> {
        let file = open(path, None)?;
        let metadata = file.metadata()?;
        Ok(Self {
            path: path.canonicalize()?,
            file,
            bytes: metadata.len(),
            full: metadata.is_file().then_some(max_bytes),
            max_bytes,
            keep,
            torn: false,
            missing: 0,
            lost: 0,
            complaint: None,
        })
    }

    /// Writes lines, each with its end. What cannot be written is counted, and said on standard error once.
    pub(super) fn write<'a>(&mut self, lines: impl IntoIterator<Item = &'a [u8]>) {
        self.follow();
        for line in lines {
            let bytes = line.len() as u64;
            if self.bytes > 0 && self.full.is_some_and(|full| self.bytes.saturating_add(bytes) > full) {
                self.rotate();
            }
            self.write_line(line);
        }
    }

    /// Says in the file that `count` lines are missing from here on.
    pub(super) fn note_missing(&mut self, count: u64, reason: &str) {
        self.write([format!("warn: {count} lines are missing from this log here: {reason}\n").as_bytes()]);
    }

    /// Lines that could not be written so far.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    fn write_line(&mut self, line: &[u8]) {
        if let Err(error) = self.append(line) {
            self.missing += 1;
            self.lost += 1;
            self.complain(&format!("lines are missing from the log: {error}"));
            return;
        }
        let missing = std::mem::take(&mut self.missing);
        if missing > 0 {
            self.complaint = None;
            let note = format!("warn: {missing} lines are missing from this log before the last\n");
            if self.append(note.as_bytes()).is_err() {
                self.missing = missing; // said with the next line that can be written
            }
        }
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let end = [b"\n", line].concat();
        let mut rest = if self.torn { end.as_slice() } else { line };
        let before = rest.len();
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or_default();
                    self.bytes = self.bytes.saturating_add(count as u64);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.torn |= rest.len() < before;
                    return Err(error);
                }
            }
        }
        self.torn = false;
        Ok(())
    }

    /// Goes on in the file that now has the name, where somebody else has moved or removed the old one; whether that is so.
    fn follow(&mut self) -> bool {
        let Some(own) = self.file.metadata().ok().filter(|_| self.full.is_some()) else { return false };
        self.bytes = own.len(); // others may write to it
        match std::fs::metadata(&self.path) {
            Ok(there) if !there.is_file() || same(&there, &own) => false,
            _ => self.start_anew(own.permissions().mode()),
        }
    }

    /// Gives the file's name to a new one.
    fn rotate(&mut self) {
        if self.follow() {
            return; // another process has done it
        }
        if let Err((path, error)) = self.shift() {
            // Tried again when as much has been written once more.
            self.full = Some(self.bytes.saturating_add(self.max_bytes));
            self.complain(&format!("the log goes on in the file there is: {}: {error}", path.escaped()));
            return;
        }
        (self.full, self.complaint) = (Some(self.max_bytes), None);
        match self.file.metadata() {
            Ok(_) if self.keep == 0 => self.bytes = 0,
            Ok(metadata) => _ = self.start_anew(metadata.permissions().mode()),
            Err(error) => self.complain(&format!("the log goes on in the file there was: {error}")),
        }
    }

    /// Moves each file to the next number and replaces the last. A file that cannot be moved is kept: nothing replaces it.
    fn shift(&self) -> Result<(), (PathBuf, io::Error)> {
        if self.keep == 0 {
            return self.file.set_len(0).map_err(|error| (self.path.clone(), error));
        }
        for number in (1..self.keep).rev() {
            let from = self.numbered(number);
            match std::fs::rename(&from, self.numbered(number + 1)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err((from, error)),
                _ => {}
            }
        }
        std::fs::rename(&self.path, self.numbered(1)).map_err(|error| (self.path.clone(), error))
    }

    /// Opens a file of the name; whether that is possible. Until it is, lines go on into the old one.
    fn start_anew(&mut self, mode: u32) -> bool {
        match open(&self.path, Some(mode)).and_then(|file| Ok((file.metadata()?.len(), file))) {
            Ok((bytes, file)) => {
                (self.file, self.bytes) = (file, bytes);
                self.full = Some(self.max_bytes);
                true
            }
            Err(error) => {
                self.complain(&format!("cannot make a new log: {error}; it goes on in the old one"));
                false
            }
        }
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }

    /// Says what is wrong, on standard error alone, if it has not been said already.
    fn complain(&mut self, complaint: &str) {
        if self.complaint.as_deref() != Some(complaint) {
            // Without standard error there is nobody left to be told.
            let _ = writeln!(io::stderr(), "warn: {}: {complaint}; see [logging] file", self.path.escaped());
            self.complaint = Some(complaint.to_owned());
        }
    }
}

fn open(path: &Path, mode: Option<u32>) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(mode.unwrap_or(0o666) & 0o777).open(path)
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("conductor-log-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a directory");
            Self(path.canonicalize().expect("its path"))
        }
        fn log(&self) -> PathBuf {
            self.0.join("a.log")
        }
        fn read(&self, name: &str) -> String {
            std::fs::read_to_string(self.0.join(name)).unwrap_or_else(|error| format!("{name}: {error}"))
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn write(file: &mut LogFile, lines: &[&str]) {
        file.write(lines.iter().map(|line| line.as_bytes()));
    }

    #[test]
    fn a_full_file_makes_place_and_so_many_old_ones_are_kept() {
        let directory = Directory::new("full");
        let mut file = LogFile::open(&directory.log(), 10, 2).expect("a file");
        write(&mut file, &["one 5\n", "two\n", "three\n", "four\n", "five 0123456789\n", "six\n"]);
        assert_eq!(directory.read("a.log"), "six\n");
        assert_eq!(
            directory.read("a.log.1"),
            "five 0123456789\n",
            "a line longer than the bound has a file of its own"
        );
        assert_eq!(directory.read("a.log.2"), "four\n");
        assert!(!directory.0.join("a.log.3").exists(), "the oldest goes");
    }

    #[test]
    fn every_line_is_in_one_of_the_files_in_order() {
        let directory = Directory::new("order");
        let mut file = LogFile::open(&directory.log(), 100, 100).expect("a file");
        let lines: Vec<String> = (0..200).map(|number| format!("line {number}\n")).collect();
        for some in lines.chunks(7) {
            file.write(some.iter().map(String::as_bytes));
        }
        let old =
            (1..=100).rev().map(|number| format!("a.log.{number}")).filter(|name| directory.0.join(name).exists());
        let all: String = old.chain(["a.log".to_owned()]).map(|name| directory.read(&name)).collect();
        assert_eq!(all, lines.concat());
    }

    #[test]
    fn without_old_files_the_file_begins_anew() {
        let directory = Directory::new("none");
        let mut file = LogFile::open(&directory.log(), 10, 0).expect("a file");
        write(&mut file, &["first\n", "second\n"]);
        assert_eq!(directory.read("a.log"), "second\n");
        assert!(!directory.0.join("a.log.1").exists());
    }

    #[test]
    fn what_is_in_the_file_already_counts() {
        let directory = Directory::new("already");
        std::fs::write(directory.log(), "12345678\n").expect("a file");
        let mut file = LogFile::open(&directory.log(), 10, 1).expect("a file");
        write(&mut file, &["new\n"]);
        assert_eq!((directory.read("a.log.1").as_str(), directory.read("a.log").as_str()), ("12345678\n", "new\n"));
    }

    #[test]
    fn a_file_that_somebody_else_moved_is_made_again() {
        let directory = Directory::new("moved");
        let mut file = LogFile::open(&directory.log(), 1_000, 1).expect("a file");
        write(&mut file, &["before\n"]);
        std::fs::rename(directory.log(), directory.0.join("elsewhere")).expect("moved");
        write(&mut file, &["after\n"]);
        assert_eq!((directory.read("elsewhere").as_str(), directory.read("a.log").as_str()), ("before\n", "after\n"));
    }

    #[test]
    fn where_nothing_can_be_renamed_the_lines_go_on_in_the_file_there_is() {
        let directory = Directory::new("stuck");
        let mut file = LogFile::open(&directory.log(), 10, 1).expect("a file");
        // A directory that is not empty is in the way, for the super-user as well.
        std::fs::create_dir_all(directory.0.join("a.log.1/inside")).expect("a directory");
        write(&mut file, &["one 567\n", "two 567\n", "three 9\n"]);
        assert_eq!(directory.read("a.log"), "one 567\ntwo 567\nthree 9\n");
        assert!(file.complaint.as_ref().is_some_and(|text| text.starts_with("the log goes on in the file there is")));
        std::fs::remove_dir_all(directory.0.join("a.log.1")).expect("out of the way");
        write(&mut file, &["four\n", "five\n"]);
        assert_eq!((directory.read("a.log").as_str(), directory.read("a.log.1").len()), ("four\nfive\n", 24));
    }

    #[test]
    fn what_a_link_leads_to_is_what_makes_place() {
        let directory = Directory::new("link");
        std::fs::create_dir_all(directory.0.join("real")).expect("a directory");
        std::os::unix::fs::symlink("real/a.log", directory.log()).expect("a link");
        let mut file = LogFile::open(&directory.log(), 4, 1).expect("a file");
        write(&mut file, &["one\n", "two\n"]);
        assert_eq!((directory.read("a.log").as_str(), directory.read("real/a.log.1").as_str()), ("two\n", "one\n"));
    }

    #[test]
    fn a_full_disk_is_said_once_and_what_is_missing_when_there_is_room_again() {
        let directory = Directory::new("disk");
        let mut file = LogFile::open(&directory.log(), 1_000, 1).expect("a file");
        let room =
            std::mem::replace(&mut file.file, File::options().append(true).open("/dev/full").expect("it is there"));
        for line in ["lost\n", "lost too\n"] {
            file.write_line(line.as_bytes());
        }
        assert_eq!((file.missing, file.complaint.is_some()), (2, true));
        file.file = room;
        write(&mut file, &["back\n"]);
        assert_eq!(directory.read("a.log"), "back\nwarn: 2 lines are missing from this log before the last\n");
    }

    #[test]
    fn a_device_is_written_to_and_never_renamed() {
        let mut file = LogFile::open(Path::new("/dev/null"), 4, 1).expect("it is there");
        write(&mut file, &["one\n", "two\n"]);
        assert_eq!((file.full, file.missing), (None, 0));
    }
}
