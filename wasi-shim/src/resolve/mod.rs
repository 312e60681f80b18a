//! From a path to a directory handle and one name in it.
//!
//! Both resolvers end at the same thing, a [`Place`]: an open directory and a single component that is not followed any
//! further. Every system call that acts on the result takes that handle and that one name without following links, so a
//! directory swapped for a symbolic link after it was resolved changes nothing.

mod manual;
#[cfg(target_os = "linux")]
mod openat2;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::Errno;
use crate::ctx::Meter;
use crate::fuel;
use crate::meta::Meta;
use crate::path::{GuestPath, components};

/// Components from the root of the preopened directory.
pub(crate) type Trail = Vec<Box<[u8]>>;

/// Which resolver a preopened directory uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resolver {
    /// The kernel resolves, confined below the handle (`openat2`).
    #[cfg(target_os = "linux")]
    Kernel,
    /// Component by component.
    Manual,
}

/// What becomes of a symbolic link in the last component.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Last {
    /// It is followed.
    Follow,
    /// It is followed, unless a slash after it, or after it in a link that led there, rules out what is to be created.
    Create,
    /// It is what is meant, unless a slash after it asks for the directory it leads to.
    Keep,
    /// It is what is meant, also with a slash after it.
    Name,
}

impl Last {
    /// Whether a symbolic link is followed; `slash` says that only a directory will do.
    fn follows(self, slash: bool) -> bool {
        match self {
            Self::Follow => true,
            Self::Create => !slash,
            Self::Keep => slash,
            Self::Name => false,
        }
    }
}

/// Where a path leads.
pub(crate) struct Place<'b> {
    parent: Parent<'b>,
    /// One component; `.` when the path leads to `parent` itself.
    pub(crate) name: Box<[u8]>,
    /// The path ended in a slash or a dot: only a directory will do.
    pub(crate) directory: bool,
    /// Where the place is, when the resolver was asked to keep track.
    pub(crate) trail: Option<Trail>,
    /// What stood there when the resolver had to look.
    seen: Option<Meta>,
}

enum Parent<'b> {
    Base(BorrowedFd<'b>),
    Opened(OwnedFd),
}

impl Place<'_> {
    pub(crate) fn parent(&self) -> BorrowedFd<'_> {
        match &self.parent {
            Parent::Base(fd) => *fd,
            Parent::Opened(fd) => fd.as_fd(),
        }
    }

    /// What stands there: as the resolver saw it, or as it is now.
    pub(crate) fn meta(&self) -> rustix::io::Result<Meta> {
        self.seen.map_or_else(|| Meta::at(self.parent(), &self.name), Ok)
    }

    /// Whether the path leads to a directory by `.` or `..` instead of by a name in its parent.
    pub(crate) fn is_dot(&self) -> bool {
        *self.name == *b"."
    }
}

impl Resolver {
    /// The best resolver for `root` on this host.
    pub(crate) fn detect(root: BorrowedFd<'_>) -> Self {
        #[cfg(target_os = "linux")]
        if openat2::works(root) {
            return Self::Kernel;
        }
        let _ = root;
        Self::Manual
    }

    /// Resolves `path` from `base`, never leaving it.
    ///
    /// `trail` is where `base` is; with it the answer knows its own, and is always found component by component.
    /// Pays for the components of the path, and of every symbolic link that is followed.
    pub(crate) fn locate<'b>(
        self,
        base: BorrowedFd<'b>,
        path: GuestPath<'_>,
        last: Last,
        trail: Option<&[Box<[u8]>]>,
        meter: &Meter,
    ) -> Result<Place<'b>, Errno> {
        // The kernel could go deeper. What a guest can reach must not depend on who resolves.
        if path.is_too_deep() {
            meter.spend(fuel::walked(components(path.text()).count() as u64))?;
            return Err(Errno::Nametoolong);
        }
        match self {
            #[cfg(target_os = "linux")]
            Self::Kernel if trail.is_none() => openat2::locate(base, path, last, meter),
            _ => manual::locate(base, path, last, trail, meter),
        }
    }
}

/// How directories on the way are opened: enough to go on from, no more.
pub(crate) fn passing() -> rustix::fs::OFlags {
    use rustix::fs::OFlags;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let access = OFlags::PATH;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let access = OFlags::RDONLY;
    access | OFlags::DIRECTORY | OFlags::CLOEXEC
}

/// The target of the symbolic link `name` in `dir`, or `None` when it is something else or nothing.
fn link_target(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    match rustix::fs::readlinkat(dir, name, Vec::new()) {
        Ok(target) => Ok(Some(target.into_bytes())),
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
