//! Data directories: their digest, and copies of them to replay in.
//!
//! Guests make what is in these directories, as deep as they like. So nothing here follows a path: one handle goes down and up,
//! level by level, and neither the stack nor the number of open files nor the longest path of the system is a limit.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};

use self::copying::Copying;
use self::removing::Removing;
use self::summing::Summing;
use crate::digest::Digest;
use crate::text::Escape as _;

mod copying;
mod removing;
mod summing;

/// Entries in one data directory; a plugin's quota keeps it far below.
const MAX_ENTRIES: usize = 1 << 20;

/// Longest path that an error shows, in bytes; of a longer one it shows where it begins.
const MAX_SHOWN: usize = 1024;

/// Why a directory cannot be read or copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeError {
    /// What could not be read or made; if it lies very deep, the beginning of its path.
    pub path: PathBuf,
    /// What the operating system said, or which limit was reached.
    pub reason: String,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.escaped(), self.reason)
    }
}

impl std::error::Error for TreeError {}

/// Digest of the names, kinds and contents below `root`, and of which names are of one file; nothing when there is no such
/// directory. Times, owners and permissions do not count, and neither does the order the system lists entries in.
pub fn tree_digest(root: &Path) -> Result<Option<Digest>, TreeError> {
    if !root.is_dir() {
        return Ok(None);
    }
    let mut summing = Summing::default();
    walk(root, &mut summing)?;
    Ok(Some(summing.digest()))
}

/// Copies what is below `from` to below `to`, which is made. Nothing when there is no such directory. Several names of one
/// file are that in the copy, and what cannot be written cannot be written there.
pub fn copy_tree(from: &Path, to: &Path) -> Result<(), TreeError> {
    if !from.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(to).and_then(|()| Place::open(to));
    let to = made.map_err(|error| TreeError { path: to.into(), reason: error.to_string() })?;
    let began = Place::open(from).and_then(|from| Copying::begin(&from, to));
    let mut copying = began.map_err(|error| TreeError { path: from.into(), reason: error.to_string() })?;
    walk(from, &mut copying)?;
    copying.finish().map_err(|error| TreeError { path: from.into(), reason: error.to_string() })
}

/// Removes `root` and everything below it. Links are removed, never what they point to.
pub fn remove_tree(root: &Path) -> Result<(), TreeError> {
    walk(root, &mut Removing)?;
    std::fs::remove_dir(root).map_err(|error| TreeError { path: root.into(), reason: error.to_string() })
}

/// What is done with what stands in a tree. Each is told the directory it stands in, and its name there.
trait Visit {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()>;
    fn link(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()>;
    /// A socket, pipe or device.
    fn other(&mut self, _at: BorrowedFd<'_>, _name: &CStr) -> io::Result<()> {
        Ok(())
    }
    /// What is in this directory comes next.
    fn enter(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()>;
    /// That was all in this directory.
    fn leave(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()>;
}

/// Opens a file, never what a link points to, and without waiting for whoever would write to a pipe.
fn open(at: BorrowedFd<'_>, name: &CStr) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(openat(at, name, flags, Mode::empty())?.into())
}

/// How a directory is opened that is to be listed.
const LISTED: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The files of several names that were seen, each with the place of the first in the order of names.
///
/// Places are counted over everything that is no directory, so that they are the same in a copy although names outside of the
/// tree are not.
#[derive(Default)]
struct Links {
    places: HashMap<(u64, u64), u64>,
    next: u64,
}

impl Links {
    /// Counts a name of the file `stat`. Where another was seen before, the answer is its place.
    fn see(&mut self, stat: &Stat) -> Option<u64> {
        let place = self.next;
        self.next += 1;
        if stat.st_nlink < 2 {
            return None;
        }
        match self.places.entry(id(stat)) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(vacant) => {
                vacant.insert(place);
                None
            }
        }
    }

    /// The place of the name that was counted last.
    fn last(&self) -> u64 {
        self.next.saturating_sub(1)
    }
}

/// Which file it is.
fn id(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

/// A directory that is stood in, and the way back. One handle, however deep it is.
struct Place {
    at: OwnedFd,
    /// Device and inode of each directory on the way.
    above: Vec<(u64, u64)>,
}

impl Place {
    fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { at: openat(CWD, root, LISTED, Mode::empty())?, above: Vec::new() })
    }

    fn down(&mut self, name: &CStr) -> io::Result<()> {
        let here = self.id()?;
        self.at = openat(&self.at, name, LISTED | OFlags::NOFOLLOW, Mode::empty())?;
        self.above.push(here);
        Ok(())
    }

    fn up(&mut self) -> io::Result<()> {
        self.at = openat(&self.at, c"..", LISTED, Mode::empty())?;
        // Whoever moves the directory that is stood in must not lead the way out of the tree.
        if self.above.pop() == Some(self.id()?) {
            Ok(())
        } else {
            Err(io::Error::other("it was moved while it was looked at"))
        }
    }

    fn id(&self) -> io::Result<(u64, u64)> {
        Ok(id(&fstat(&self.at)?))
    }

    /// What is here: names with their kinds, the last one by name first. At most `most`.
    fn list(&self, most: usize) -> io::Result<Vec<(CString, FileType)>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.at)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if entries.len() >= most {
                return Err(io::Error::other(format!("more than {MAX_ENTRIES} entries")));
            }
            let kind = match entry.file_type() {
                // Not every file system tells with the name.
                FileType::Unknown => {
                    FileType::from_raw_mode(statat(&self.at, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
                }
                known => known,
            };
            entries.push((name.to_owned(), kind));
        }
        entries.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        Ok(entries)
    }
}

/// A directory on the way.
struct Level {
    name: CString,
    /// What is still to be visited in it, next one last.
    left: Vec<(CString, FileType)>,
}

/// Visits everything below `root` in the order of names, each directory with what is in it.
fn walk(root: &Path, visit: &mut dyn Visit) -> Result<(), TreeError> {
    let mut levels = Vec::new();
    steps(root, visit, &mut levels).map_err(|error| {
        let mut path = root.to_owned();
        for level in levels.iter().skip(1) {
            if path.as_os_str().len() >= MAX_SHOWN {
                break;
            }
            path.push(OsStr::from_bytes(level.name.to_bytes()));
        }
        let depth = levels.len().saturating_sub(1);
        let reason = if depth > 64 { format!("{error} ({depth} directories down)") } else { error.to_string() };
        TreeError { path, reason }
    })
}

fn steps(root: &Path, visit: &mut dyn Visit, levels: &mut Vec<Level>) -> io::Result<()> {
    let mut place = Place::open(root)?;
    let mut entries = 0;
    let mut list = |place: &Place| {
        let left = place.list(MAX_ENTRIES - entries)?;
        entries += left.len();
        io::Result::Ok(left)
    };
    levels.push(Level { name: CString::default(), left: list(&place)? });
    while let Some(level) = levels.last_mut() {
        match level.left.pop() {
            Some((name, FileType::Directory)) => {
                visit.enter(place.at.as_fd(), &name)?;
                place.down(&name)?;
                levels.push(Level { name, left: list(&place)? });
            }
            Some((name, FileType::RegularFile)) => visit.file(place.at.as_fd(), &name)?,
            Some((name, FileType::Symlink)) => visit.link(place.at.as_fd(), &name)?,
            Some((name, _)) => visit.other(place.at.as_fd(), &name)?,
            None => {
                let Some(done) = levels.pop() else { break };
                if !levels.is_empty() {
                    place.up()?;
                    visit.leave(place.at.as_fd(), &done.name)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
