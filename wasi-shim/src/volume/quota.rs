//! How much a directory may hold.

use std::collections::HashSet;
use std::ffi::CString;

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Dir, Mode, OFlags};

use crate::Errno;
use crate::ctx::Meter;
use crate::fuel;
use crate::meta::{Meta, NodeKey};

/// Directories that may wait to be measured, and files of several names that may be remembered: more than any quota of files
/// a plugin is given, and some ten megabytes.
const MAX_WAITING: usize = 1 << 17;

/// A limit on a directory and everything below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// Sum of the sizes of all files, counting holes and counting a file with several names once, in bytes.
    pub bytes: u64,
    /// Number of names: files, directories, links.
    pub files: u64,
}

/// What is used of a quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) bytes: u64,
    pub(crate) files: u64,
}

/// The adding up of what stands below a directory, following no link.
///
/// A guest makes directories as deep as it likes, one in the other: one handle goes down and up, and neither the depth nor the
/// longest path of the system is a limit. What each entry costs is paid before it is looked at; where the fuel ends, the next
/// call goes on from there, since nothing can be changed before all is measured.
#[derive(Debug)]
pub(crate) struct Measuring {
    usage: Usage,
    /// Files of several names that have been counted.
    counted: HashSet<NodeKey>,
    at: OwnedFd,
    /// What is being listed; nothing on the way back up.
    listing: Option<Dir>,
    /// The directories from the root down to where the handle is.
    levels: Vec<Level>,
    waiting: usize,
    /// The next entry is paid for.
    paid: bool,
}

/// A directory on the way.
#[derive(Debug)]
struct Level {
    key: NodeKey,
    /// The directories in it that are still to be measured.
    left: Vec<CString>,
}

impl Measuring {
    pub(crate) fn start(root: BorrowedFd<'_>) -> Result<Self, Errno> {
        let at = rustix::fs::openat(root, ".", LISTED, Mode::empty())?;
        let top = Level { key: Meta::of(&at)?.key, left: Vec::new() };
        let listing = Some(Dir::read_from(&at)?);
        Ok(Self {
            usage: Usage::default(),
            counted: HashSet::new(),
            at,
            listing,
            levels: vec![top],
            waiting: 0,
            paid: false,
        })
    }

    /// Goes on to the end, or until the fuel is used up.
    pub(crate) fn finish(&mut self, meter: &Meter) -> Result<Usage, Errno> {
        loop {
            if self.listing.is_some() {
                self.list(meter)?;
            }
            let Some(level) = self.levels.last_mut() else {
                return Ok(self.usage);
            };
            match level.left.pop() {
                Some(name) => {
                    self.waiting -= 1;
                    self.down(&name)?;
                }
                None => {
                    self.levels.pop();
                    self.up()?;
                }
            }
        }
    }

    /// Counts what is in the directory the handle is at.
    fn list(&mut self, meter: &Meter) -> Result<(), Errno> {
        let (Some(listing), Some(level)) = (&mut self.listing, self.levels.last_mut()) else {
            return Ok(());
        };
        loop {
            if !self.paid {
                meter.spend(fuel::MEASURED)?;
                self.paid = true;
            }
            let Some(entry) = listing.read() else {
                self.listing = None;
                self.paid = false;
                return Ok(());
            };
            let entry = entry?;
            let name = entry.file_name();
            // Not every file system tells of the dots, so they cost nothing.
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            self.paid = false;
            let meta = match Meta::at(&self.at, name.to_bytes()) {
                Err(rustix::io::Errno::NOENT) => continue,
                meta => meta?,
            };
            self.usage.files = self.usage.files.saturating_add(1);
            if meta.is_dir() {
                self.waiting += 1;
                level.left.push(name.to_owned());
            } else if meta.nlink <= 1 || self.counted.insert(meta.key) {
                self.usage.bytes = self.usage.bytes.saturating_add(meta.size);
            }
            if self.waiting.max(self.counted.len()) > MAX_WAITING {
                return Err(Errno::Nomem);
            }
        }
    }

    fn down(&mut self, name: &CString) -> Result<(), Errno> {
        let next = match rustix::fs::openat(&self.at, name, LISTED | OFlags::NOFOLLOW, Mode::empty()) {
            // Somebody else has removed or replaced it meanwhile.
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => return Ok(()),
            next => next?,
        };
        self.levels.push(Level { key: Meta::of(&next)?.key, left: Vec::new() });
        self.listing = Some(Dir::read_from(&next)?);
        self.at = next;
        Ok(())
    }

    /// Goes back to the last level, which must still be what is above the handle.
    fn up(&mut self) -> Result<(), Errno> {
        let Some(level) = self.levels.last() else {
            return Ok(());
        };
        let above = rustix::fs::openat(&self.at, "..", LISTED, Mode::empty())?;
        // Whoever moves the directory that is being measured must not lead the way out of the tree.
        if Meta::of(&above)?.key != level.key {
            return Err(Errno::Busy);
        }
        self.at = above;
        Ok(())
    }
}

/// How a directory is opened that is to be listed.
const LISTED: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Whether an error is of this attempt only: the fuel is used up, and the next call goes on.
pub(crate) fn pauses(error: Errno) -> bool {
    error == Errno::Canceled
}

#[cfg(test)]
mod tests {
    use rustix::fd::AsFd;

    use super::*;

    fn root(dir: &tempfile::TempDir) -> OwnedFd {
        rustix::fs::open(dir.path(), LISTED, Mode::empty()).expect("a directory")
    }

    #[test]
    fn what_was_measured_is_not_measured_again_when_fuel_ends_on_the_way() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["a/b/c", "a/d", "e"] {
            std::fs::create_dir_all(dir.path().join(name)).expect("a directory");
            std::fs::write(dir.path().join(name).join("file"), name).expect("a file");
        }
        let mut measuring = Measuring::start(root(&dir).as_fd()).expect("a directory");
        let mut calls = 0;
        let usage = loop {
            calls += 1;
            let meter = Meter::new(fuel::MEASURED * 2);
            match measuring.finish(&meter) {
                Err(error) => assert!(pauses(error), "{error}"),
                Ok(usage) => break usage,
            }
        };
        assert_eq!(usage, Usage { bytes: 5 + 3 + 1, files: 8 });
        assert_eq!(calls, 7, "eight entries and the ends of six directories, two at a time");
    }
}
