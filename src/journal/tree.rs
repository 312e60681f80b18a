//! Data directories: their digest, and copies of them to replay in.
//!
//! Guests make what is in these directories, as deep as they like. So nothing here follows a path: one handle goes down and up,
//! level by level, and neither the stack nor the number of open files nor the longest path of the system is a limit.

use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, mkdirat, openat, readlinkat, statat, symlinkat, unlinkat,
};
use sha2::{Digest as _, Sha256};

use crate::package::Digest;
use crate::text::Escape as _;

/// Entries in one data directory; a plugin's quota keeps it far below.
const MAX_ENTRIES: usize = 1 << 20;

/// Longest path that an error shows, in bytes; of a longer one it shows where it begins.
const MAX_SHOWN: usize = 1024;

/// Why a directory cannot be read or copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeError {
    /// What could not be read or made; if it lies very deep, the beginning of its path.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.escaped(), self.reason)
    }
}

impl std::error::Error for TreeError {}

/// Digest of the names, kinds and contents below `root`; nothing when there is no such directory. Times, owners and
/// permissions do not count, and neither does the order the system lists entries in.
pub fn tree_digest(root: &Path) -> Result<Option<Digest>, TreeError> {
    if !root.is_dir() {
        return Ok(None);
    }
    let mut summing = Summing(Sha256::new());
    walk(root, &mut summing)?;
    Ok(Some(Digest::from_bytes(summing.0.finalize().into())))
}

/// Copies what is below `from` to below `to`, which is made. Nothing when there is no such directory.
pub fn copy_tree(from: &Path, to: &Path) -> Result<(), TreeError> {
    if !from.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(to).and_then(|()| Place::open(to));
    let to = made.map_err(|error| TreeError { path: to.into(), reason: error.to_string() })?;
    walk(from, &mut Copying(to))
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
    fn enter(&mut self, name: &CStr) -> io::Result<()>;
    /// That was all in this directory.
    fn leave(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()>;
}

/// Takes the digest.
struct Summing(Sha256);

impl Summing {
    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.0.update([kind]);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

impl Visit for Summing {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        let mut content = Sha256::new();
        let mut file = open(at, name)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => content.update(&buffer[..read]),
            }
        }
        self.part(b'n', name.to_bytes());
        self.part(b'f', &content.finalize());
        Ok(())
    }
    fn link(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        let target = readlinkat(at, name, Vec::new())?;
        self.part(b'n', name.to_bytes());
        self.part(b'l', target.to_bytes());
        Ok(())
    }
    fn enter(&mut self, name: &CStr) -> io::Result<()> {
        self.part(b'n', name.to_bytes());
        self.part(b'd', b"");
        Ok(())
    }
    fn leave(&mut self, _at: BorrowedFd<'_>, _name: &CStr) -> io::Result<()> {
        self.part(b'u', b"");
        Ok(())
    }
}

/// Makes the same in another place.
struct Copying(Place);

impl Visit for Copying {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let copy = openat(&self.0.at, name, flags, Mode::RUSR | Mode::WUSR)?;
        io::copy(&mut open(at, name)?, &mut File::from(copy)).map(|_| ())
    }
    fn link(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        Ok(symlinkat(&readlinkat(at, name, Vec::new())?, &self.0.at, name)?)
    }
    fn enter(&mut self, name: &CStr) -> io::Result<()> {
        mkdirat(&self.0.at, name, Mode::RWXU)?;
        self.0.down(name)
    }
    fn leave(&mut self, _at: BorrowedFd<'_>, _name: &CStr) -> io::Result<()> {
        self.0.up()
    }
}

/// Removes everything.
struct Removing;

impl Visit for Removing {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        Ok(unlinkat(at, name, AtFlags::empty())?)
    }
    fn link(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        self.file(at, name)
    }
    fn other(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        self.file(at, name)
    }
    fn enter(&mut self, _name: &CStr) -> io::Result<()> {
        Ok(())
    }
    fn leave(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        Ok(unlinkat(at, name, AtFlags::REMOVEDIR)?)
    }
}

/// Opens a file, never what a link points to, and without waiting for whoever would write to a pipe.
fn open(at: BorrowedFd<'_>, name: &CStr) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(openat(at, name, flags, Mode::empty())?.into())
}

/// How a directory is opened that is to be listed.
const LISTED: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

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
        let stat = fstat(&self.at)?;
        Ok((stat.st_dev, stat.st_ino))
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
                visit.enter(&name)?;
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
mod tests {
    use super::*;

    /// Far beyond what recursion, one handle a level or a path would reach.
    const DEEP: usize = 2_000;
    /// With [`DEEP`] of them a path is a hundred times longer than the system takes.
    const NAME: &CStr = c"a name so long that a path of many such names is longer than any system call takes, as a guest may make it, \
        one directory at a time, without ever writing down the whole of it: nothing keeps it from that but its quota of files";

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("conductor-tree-{name}-{}", std::process::id()));
            std::fs::create_dir(&path).expect("a directory");
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            remove_tree(&self.0).expect("the directory goes");
        }
    }

    fn dig(root: &Path, depth: usize) -> Place {
        let mut place = Place::open(root).expect("a directory");
        for _ in 0..depth {
            mkdirat(&place.at, NAME, Mode::RWXU).expect("a directory");
            place.down(NAME).expect("a directory");
        }
        place
    }

    fn write(place: &Place, name: &CStr, text: &str) {
        let flags = OFlags::WRONLY | OFlags::CREATE;
        let file = openat(&place.at, name, flags, Mode::RUSR | Mode::WUSR).expect("a file");
        io::Write::write_all(&mut File::from(file), text.as_bytes()).expect("written");
    }

    #[test]
    fn a_directory_as_deep_as_a_guest_likes_is_summed_copied_and_removed() {
        let scratch = Scratch::new("deep");
        let (deep, copy) = (scratch.0.join("deep"), scratch.0.join("copy"));
        std::fs::create_dir(&deep).expect("a directory");
        let bottom = dig(&deep, DEEP);
        write(&bottom, c"file", "at the bottom");
        let digest = tree_digest(&deep).expect("a digest");
        copy_tree(&deep, &copy).expect("a copy");
        assert_eq!(tree_digest(&copy).expect("a digest"), digest);
        write(&bottom, c"file", "at THE bottom");
        assert_ne!(tree_digest(&deep).expect("a digest"), digest, "what lies deep counts as well");
        remove_tree(&copy).expect("it goes");
        assert!(!copy.exists());
    }

    #[test]
    fn where_something_stands_counts() {
        let scratch = Scratch::new("place");
        let make = |name: &str, paths: &[&str]| {
            for path in paths {
                let path = scratch.0.join(name).join(path);
                std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
                if path.as_os_str().as_bytes().ends_with(b"d") {
                    std::fs::create_dir(path).expect("a directory");
                } else {
                    std::fs::write(path, "").expect("a file");
                }
            }
            tree_digest(&scratch.0.join(name)).expect("a digest").expect("it is there")
        };
        let digests = [
            make("1", &["d/a", "d/b"]),
            make("2", &["d/a", "b"]),
            make("3", &["d/a", "d/d/b"]),
            make("4", &["d/d/a", "d/b"]),
            make("5", &["d/a", "d/b", "d/d"]),
            make("6", &["d/a/b", "d/bd"]),
        ];
        for (number, digest) in digests.iter().enumerate() {
            assert_eq!(digests.iter().position(|other| other == digest), Some(number), "{number}");
        }
        assert_eq!(make("7", &["d/b", "d/a"]), digests[0], "the order they were made in does not");
    }

    #[test]
    fn links_are_copied_and_removed_and_never_followed() {
        let scratch = Scratch::new("links");
        let (outside, tree, copy) = (scratch.0.join("outside"), scratch.0.join("tree"), scratch.0.join("copy"));
        std::fs::create_dir(&outside).expect("a directory");
        std::fs::write(outside.join("kept"), "kept").expect("a file");
        std::fs::create_dir(&tree).expect("a directory");
        std::os::unix::fs::symlink(&outside, tree.join("link")).expect("a link");
        rustix::fs::mknodat(CWD, tree.join("pipe"), FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
        copy_tree(&tree, &copy).expect("a copy");
        assert_eq!(std::fs::read_link(copy.join("link")).expect("a link"), outside);
        assert!(!copy.join("pipe").exists(), "pipes are no data");
        assert_eq!(tree_digest(&copy), tree_digest(&tree));
        remove_tree(&tree).expect("it goes");
        assert_eq!(std::fs::read_to_string(outside.join("kept")).expect("a file"), "kept");
    }

    #[test]
    fn a_directory_that_is_moved_away_does_not_lead_out_of_the_tree() {
        let scratch = Scratch::new("moved");
        let tree = scratch.0.join("tree");
        std::fs::create_dir_all(tree.join("one")).expect("directories");
        let mut place = Place::open(&tree).expect("a directory");
        place.down(c"one").expect("a directory");
        std::fs::rename(tree.join("one"), scratch.0.join("one")).expect("moved");
        assert!(place.up().is_err());
    }

    /// Goes no further than to `closed`.
    struct Refusing;
    impl Visit for Refusing {
        fn file(&mut self, _: BorrowedFd<'_>, _: &CStr) -> io::Result<()> {
            Ok(())
        }
        fn link(&mut self, _: BorrowedFd<'_>, _: &CStr) -> io::Result<()> {
            Ok(())
        }
        fn enter(&mut self, name: &CStr) -> io::Result<()> {
            if name == c"closed" { Err(io::Error::other("closed")) } else { Ok(()) }
        }
        fn leave(&mut self, _: BorrowedFd<'_>, _: &CStr) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_error_says_where_without_writing_out_a_path_without_end() {
        let scratch = Scratch::new("shown");
        let bottom = dig(&scratch.0, DEEP);
        mkdirat(&bottom.at, c"closed", Mode::RWXU).expect("a directory");
        let error = walk(&scratch.0, &mut Refusing).expect_err("it refuses");
        assert_eq!(error.reason, format!("closed ({DEEP} directories down)"));
        assert!(error.path.starts_with(&scratch.0) && error.path.as_os_str().len() < 2 * MAX_SHOWN);
    }
}
