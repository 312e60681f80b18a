//! How much a directory may hold.

use std::collections::HashSet;

use rustix::fd::BorrowedFd;
use rustix::fs::{Dir, Mode, OFlags};

use crate::Errno;
use crate::meta::Meta;
use crate::path::MAX_DEPTH;

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

/// Adds up what stands below `root`, following no link.
pub(crate) fn measure(root: BorrowedFd<'_>) -> Result<Usage, Errno> {
    let mut usage = Usage::default();
    let mut counted = HashSet::new();
    let mut open = vec![list(root, b".")?];
    while let Some(dir) = open.last_mut() {
        let Some(entry) = dir.read() else {
            open.pop();
            continue;
        };
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let meta = match Meta::at(dir.fd()?, name) {
            Err(rustix::io::Errno::NOENT) => continue,
            meta => meta?,
        };
        usage.files = usage.files.saturating_add(1);
        if meta.is_dir() {
            let next = list(dir.fd()?, name)?;
            if open.len() >= MAX_DEPTH {
                return Err(Errno::Nametoolong);
            }
            open.push(next);
        } else if meta.nlink <= 1 || counted.insert(meta.key) {
            usage.bytes = usage.bytes.saturating_add(meta.size);
        }
    }
    Ok(usage)
}

fn list(parent: BorrowedFd<'_>, name: &[u8]) -> Result<Dir, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(Dir::new(rustix::fs::openat(parent, name, flags, Mode::empty())?)?)
}
