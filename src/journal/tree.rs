//! Data directories: their digest, and copies of them to replay in.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::package::Digest;

/// Entries in one data directory; a plugin's quota keeps it far below.
const MAX_ENTRIES: usize = 1 << 20;
/// Directories within directories.
const MAX_DEPTH: usize = 256;

/// Why a directory cannot be read or copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeError {
    /// What could not be read or made.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for TreeError {}

/// What stands at a path.
enum Node {
    Directory,
    File,
    Link(PathBuf),
}

/// Digest of the names, kinds and contents below `root`; nothing when there is no such directory. Times, owners and
/// permissions do not count, and neither does the order the system lists entries in.
pub fn tree_digest(root: &Path) -> Result<Option<Digest>, TreeError> {
    if !root.is_dir() {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    walk(root, &mut |path, below, node| {
        let mut part = |kind: u8, bytes: &[u8]| {
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(b'p', below.as_os_str().as_encoded_bytes());
        match node {
            Node::Directory => part(b'd', b""),
            Node::Link(target) => part(b'l', target.as_os_str().as_encoded_bytes()),
            Node::File => {
                let mut content = Sha256::new();
                let mut file = open(path)?;
                let mut buffer = vec![0; 64 << 10];
                loop {
                    match file.read(&mut buffer)? {
                        0 => break,
                        read => content.update(&buffer[..read]),
                    }
                }
                part(b'f', &content.finalize());
            }
        }
        Ok(())
    })?;
    Ok(Some(Digest::from_bytes(hash.finalize().into())))
}

/// Copies what is below `from` to below `to`, which is made. Nothing when there is no such directory.
pub fn copy_tree(from: &Path, to: &Path) -> Result<(), TreeError> {
    if !from.is_dir() {
        return Ok(());
    }
    let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
    make(to).map_err(|error| TreeError { path: to.into(), reason: error.to_string() })?;
    walk(from, &mut |path, below, node| {
        let copy = to.join(below);
        match node {
            Node::Directory => make(&copy),
            Node::Link(target) => symlink(target, copy),
            Node::File => {
                let mut new = OpenOptions::new().write(true).create_new(true).open(copy)?;
                io::copy(&mut open(path)?, &mut new).map(|_| ())
            }
        }
    })
}

/// Opens a file, never what a link points to, and without waiting for whoever would write to a pipe: guests make what is in
/// these directories.
fn open(path: &Path) -> io::Result<fs::File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Visits everything below `root` in the order of names, directories before what is in them; sockets and devices are passed over.
fn walk(root: &Path, visit: &mut dyn FnMut(&Path, &Path, Node) -> io::Result<()>) -> Result<(), TreeError> {
    let mut waiting = vec![(PathBuf::new(), 0)];
    let mut entries = 0;
    while let Some((below, depth)) = waiting.pop() {
        let directory = root.join(&below);
        let fail = |reason: String| TreeError { path: directory.clone(), reason };
        if depth > MAX_DEPTH {
            return Err(fail(format!("more than {MAX_DEPTH} directories within each other")));
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&directory).map_err(|error| fail(error.to_string()))? {
            names.push(entry.map_err(|error| fail(error.to_string()))?.file_name());
            entries += 1;
            if entries > MAX_ENTRIES {
                return Err(fail(format!("more than {MAX_ENTRIES} entries")));
            }
        }
        names.sort_unstable();
        // The last one pushed is visited next, so the first name has to come last.
        let mut directories = Vec::new();
        for name in names {
            let (below, path) = (below.join(&name), directory.join(&name));
            let visited = fs::symlink_metadata(&path).and_then(|metadata| {
                let kind = metadata.file_type();
                if kind.is_dir() {
                    directories.push((below.clone(), depth + 1));
                    visit(&path, &below, Node::Directory)
                } else if kind.is_symlink() {
                    visit(&path, &below, Node::Link(fs::read_link(&path)?))
                } else if kind.is_file() {
                    visit(&path, &below, Node::File)
                } else {
                    Ok(())
                }
            });
            visited.map_err(|error| TreeError { path, reason: error.to_string() })?;
        }
        waiting.extend(directories.into_iter().rev());
    }
    Ok(())
}
