//! A preopened directory as the embedder describes it, and as open descriptors refer to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags};

use crate::Errno;
use crate::abi::Rights;
use crate::ctx::Meter;
use crate::fuel;
use crate::meta::Meta;
use crate::resolve::{Resolver, passing};
use crate::scope::{Allowed, Scope};
use crate::volume::{Quota, Volume};

/// What may be done in a preopened directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Rights on directories: the preopened one and those below it.
    pub directory: Rights,
    /// Rights on files.
    pub file: Rights,
}

impl Access {
    /// Reading only.
    pub const READ: Self = Self { directory: Rights::DIRECTORY_READ, file: Rights::FILE_READ };

    /// Reading, writing, making, moving and removing: all that the specification has rights for.
    pub const READ_WRITE: Self = Self { directory: Rights::DIRECTORY, file: Rights::FILE };
}

/// A directory of the host that a guest finds open when it starts.
#[derive(Debug)]
pub struct Preopen {
    pub(crate) source: Source,
    pub(crate) guest_name: Vec<u8>,
    pub(crate) access: Access,
    pub(crate) volume: Volume,
    pub(crate) scope: Option<Scope>,
}

#[derive(Debug)]
pub(crate) enum Source {
    Path(PathBuf),
    Handle(OwnedFd),
}

impl Preopen {
    /// The directory at `host`, which the guest knows as `guest_name`; nothing can be done in it until
    /// [`Preopen::access`] says so.
    pub fn new(host: impl AsRef<Path>, guest_name: impl Into<Vec<u8>>) -> Self {
        Self::from_source(Source::Path(host.as_ref().to_owned()), guest_name.into())
    }

    /// The directory open as `handle`.
    pub fn from_handle(handle: impl Into<OwnedFd>, guest_name: impl Into<Vec<u8>>) -> Self {
        Self::from_source(Source::Handle(handle.into()), guest_name.into())
    }

    fn from_source(source: Source, guest_name: Vec<u8>) -> Self {
        let access = Access { directory: Rights::NONE, file: Rights::NONE };
        Self { source, guest_name, access, volume: Volume::new(), scope: None }
    }

    /// Says what may be done.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Limits what the directory may hold.
    #[must_use]
    pub fn quota(mut self, quota: Quota) -> Self {
        self.volume = self.volume.with_quota(quota);
        self
    }

    /// Keeps the books in `volume`, which other contexts may share.
    #[must_use]
    pub fn volume(mut self, volume: Volume) -> Self {
        self.volume = volume;
        self
    }

    /// Confines reading and writing to prefixes.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }
}

impl Source {
    /// Where the directory is looked for, if it is.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Path(path) => Some(path.clone()),
            Self::Handle(_) => None,
        }
    }

    pub(crate) fn open(self) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match self {
            Self::Path(path) => rustix::fs::open(path, flags, Mode::empty()),
            // Opened anew: a listing moves the offset of a handle, which its owner may not expect. It also checks
            // that the handle is of a directory.
            Self::Handle(handle) => rustix::fs::openat(handle, ".", flags, Mode::empty()),
        }
    }
}

/// An open preopened directory. Every descriptor opened below it refers to it.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) fd: OwnedFd,
    pub(crate) resolver: Resolver,
    pub(crate) volume: Volume,
    pub(crate) scope: Option<Scope>,
    /// Its device number in the deterministic view.
    pub(crate) dev: u64,
}

impl Root {
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// What may be done at `trail`, which is `Some` wherever there is a scope.
    pub(crate) fn allowed(&self, trail: Option<&[Box<[u8]>]>) -> Allowed {
        match (&self.scope, trail) {
            (None, _) => Allowed::EVERYTHING,
            (Some(scope), Some(trail)) => scope.allowed(trail),
            (Some(_), None) => Allowed { look: false, read: false, write: false },
        }
    }

    /// Checks that `trail` still leads to the directory open as `fd`: a scope is about where a directory is, and one that is
    /// open may have been moved to where less is allowed.
    pub(crate) fn check_trail(&self, trail: &[Box<[u8]>], fd: BorrowedFd<'_>, meter: &Meter) -> Result<(), Errno> {
        meter.spend(fuel::walked(trail.len() as u64))?;
        let mut at = None;
        for name in trail {
            let from = at.as_ref().map_or(self.fd(), AsFd::as_fd);
            at = Some(rustix::fs::openat(from, &**name, passing() | OFlags::NOFOLLOW, Mode::empty())?);
        }
        let there = at.as_ref().map_or(self.fd(), AsFd::as_fd);
        if Meta::of(there)?.key == Meta::of(fd)?.key { Ok(()) } else { Err(Errno::Acces) }
    }
}

/// Whether what stands at the place `from` can be put to the place `to`, or given that name as well, without any of it
/// becoming readable that is not.
pub(crate) fn keeps_unread(
    (from_root, from): (&Root, Option<&[Box<[u8]>]>),
    (to_root, to): (&Root, Option<&[Box<[u8]>]>),
    directory: bool,
) -> bool {
    let everything = Scope::everything();
    let Some(scope) = &from_root.scope else {
        return true;
    };
    let there = to_root.scope.as_ref().unwrap_or(&everything);
    // Where there is no scope nobody keeps track, nor does it matter: everything there is readable.
    scope.keeps_unread(from.unwrap_or_default(), there, to.unwrap_or_default(), directory)
}

/// Roots are shared between the table's descriptors.
pub(crate) type SharedRoot = Arc<Root>;
