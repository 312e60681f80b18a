//! Descriptors.

use core::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::Errno;
use crate::abi::Rights;
use crate::abi::types::{FdFlags, FileType};
use crate::ctx::Meter;
use crate::listing::Listing;
use crate::meta::NodeKey;
use crate::resolve::Trail;
use crate::root::{Root, SharedRoot};
use crate::scope::Allowed;

/// One of the standard streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stream {
    Input,
    Output,
    Error,
}

/// An open file of the host, held in its volume's books for as long as it is open.
#[derive(Debug)]
pub(crate) struct Handle {
    fd: OwnedFd,
    pub(crate) root: SharedRoot,
    key: Option<NodeKey>,
    /// Bytes written through it.
    written: Cell<u64>,
}

impl Handle {
    pub(crate) fn new(fd: OwnedFd, root: SharedRoot) -> Self {
        let key = root.volume.held(&fd);
        Self { fd, root, key, written: Cell::new(0) }
    }

    /// Notes that so many bytes were written.
    pub(crate) fn wrote(&self, bytes: u64) {
        self.written.set(self.written.get().saturating_add(bytes));
    }

    /// Bytes that were written so far.
    pub(crate) fn written(&self) -> u64 {
        self.written.get()
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.root.volume.released(key, &self.fd);
        }
    }
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) handle: Handle,
    /// The name under which the guest finds it preopened.
    pub(crate) preopen: Option<Box<[u8]>>,
    /// Where it is, kept only where a scope asks.
    pub(crate) trail: Option<Trail>,
    /// What `fd_readdir` found when it last started over.
    pub(crate) listing: Option<Listing>,
}

impl Directory {
    /// What may be done in it, where it is now.
    pub(crate) fn allowed(&self, meter: &Meter) -> Result<Allowed, Errno> {
        let root = self.handle.root();
        if let Some(trail) = &self.trail {
            root.check_trail(trail, self.handle.fd(), meter)?;
        }
        Ok(root.allowed(self.trail.as_deref()))
    }
}

/// What a descriptor stands for.
#[derive(Debug)]
pub(crate) enum Kind {
    Stream(Stream),
    File(Handle),
    Directory(Box<Directory>),
}

/// An open descriptor.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) kind: Kind,
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
    pub(crate) flags: FdFlags,
}

impl Descriptor {
    /// Whether every right of `needed` is held.
    pub(crate) fn require(&self, needed: Rights) -> Result<(), Errno> {
        if self.base.contains(needed) { Ok(()) } else { Err(Errno::Notcapable) }
    }

    /// What is known of the directory; `ENOTDIR` for a file or a stream.
    pub(crate) fn directory(&self) -> Result<&Directory, Errno> {
        match &self.kind {
            Kind::Directory(directory) => Ok(directory),
            Kind::Stream(_) | Kind::File(_) => Err(Errno::Notdir),
        }
    }

    /// The host's handle, for all but the standard streams.
    pub(crate) fn handle(&self) -> Option<&Handle> {
        match &self.kind {
            Kind::File(handle) => Some(handle),
            Kind::Directory(directory) => Some(&directory.handle),
            Kind::Stream(_) => None,
        }
    }

    /// The regular file this is, for calls that work on nothing else.
    pub(crate) fn file(&self) -> Result<&Handle, Errno> {
        match &self.kind {
            Kind::File(handle) => Ok(handle),
            Kind::Directory(_) => Err(Errno::Isdir),
            Kind::Stream(_) => Err(Errno::Spipe),
        }
    }

    pub(crate) fn filetype(&self, terminal: bool) -> FileType {
        match self.kind {
            Kind::File(_) => FileType::RegularFile,
            Kind::Directory(_) => FileType::Directory,
            Kind::Stream(_) if terminal => FileType::CharacterDevice,
            Kind::Stream(_) => FileType::Unknown,
        }
    }
}

/// The open descriptors, by number.
#[derive(Debug)]
pub(crate) struct Table {
    slots: Vec<Option<Descriptor>>,
    /// Numbers among them that are free: looking for the lowest takes no longer the more there are.
    free: BTreeSet<u32>,
    limit: usize,
}

impl Table {
    /// A table that holds at most `limit` descriptors.
    pub(crate) fn new(limit: u32) -> Self {
        Self { slots: Vec::new(), free: BTreeSet::new(), limit: limit as usize }
    }

    pub(crate) fn get(&self, fd: u32) -> Result<&Descriptor, Errno> {
        self.slots.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.slots.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// The descriptor at `fd`, if it holds every right of `needed`.
    pub(crate) fn with(&self, fd: u32, needed: Rights) -> Result<&Descriptor, Errno> {
        let descriptor = self.get(fd)?;
        descriptor.require(needed)?;
        Ok(descriptor)
    }

    /// Whether another descriptor fits.
    pub(crate) fn has_room(&self) -> bool {
        self.slots.len() < self.limit || !self.free.is_empty()
    }

    /// Gives `descriptor` the lowest free number.
    pub(crate) fn insert(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        let at = match self.free.pop_first() {
            Some(at) => at,
            None if self.slots.len() < self.limit => {
                self.slots.push(None);
                self.slots.len() as u32 - 1 // the limit is a u32
            }
            None => return Err(Errno::Mfile),
        };
        // `at` is in range: it was free or has just been pushed.
        self.slots[at as usize] = Some(descriptor);
        Ok(at)
    }

    /// Closes `fd`.
    pub(crate) fn remove(&mut self, fd: u32) -> Result<Descriptor, Errno> {
        let removed = self.slots.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::Badf)?;
        self.free.insert(fd);
        Ok(removed)
    }

    /// Gives the descriptor at `from` the number `to`, closing what was there.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.get(from)?;
        self.get(to)?;
        if from != to {
            let moved = self.remove(from)?;
            *self.get_mut(to)? = moved;
        }
        Ok(())
    }

    /// A directory of `root` has moved: those that are open in it have as well.
    pub(crate) fn moved(&mut self, root: &SharedRoot, from: &[Box<[u8]>], to: &[Box<[u8]>]) {
        for descriptor in self.slots.iter_mut().flatten() {
            if let Kind::Directory(directory) = &mut descriptor.kind
                && Arc::ptr_eq(&directory.handle.root, root)
                && let Some(trail) = &mut directory.trail
                && let Some(below) = trail.strip_prefix(from)
            {
                *trail = [to, below].concat();
            }
        }
    }

    /// Bytes that the listings of open directories hold.
    pub(crate) fn listed_bytes(&self) -> usize {
        let directories = self.slots.iter().flatten().filter_map(|descriptor| descriptor.directory().ok());
        directories.filter_map(|directory| directory.listing.as_ref()).map(Listing::bytes).sum()
    }
}
