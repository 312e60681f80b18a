//! Resolution by the kernel: `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS`.
//!
//! The kernel resolves what has no symbolic link in it, which is nearly every path, in one call. Where there is a link it
//! is walked by component: what links cost is only known when each is seen, and the cost is charged.

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Mode, ResolveFlags, openat2};
use rustix::io::Errno as Host;

use super::{Last, Parent, Place, link_target, manual, passing};
use crate::Errno;
use crate::path::{GuestPath, components, split};

/// Attempts while directories are being moved about underneath; the kernel asks to try again then.
const ATTEMPTS: u32 = 16;

/// Whether this kernel, and whatever filters system calls above it, lets `openat2` through.
pub(super) fn works(root: BorrowedFd<'_>) -> bool {
    matches!(open(root, b"."), Ok(Some(_)))
}

/// Opens the directory at `path`; `None` when a symbolic link is on the way.
fn open(base: BorrowedFd<'_>, path: &[u8]) -> Result<Option<OwnedFd>, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
    for _ in 0..ATTEMPTS {
        match openat2(base, path, passing(), Mode::empty(), resolve) {
            Err(Host::AGAIN | Host::INTR) => {}
            Err(Host::LOOP) => return Ok(None),
            // The way led out.
            Err(Host::XDEV) => return Err(Errno::Perm),
            opened => return Ok(Some(opened?)),
        }
    }
    Err(Errno::Again)
}

pub(super) fn locate<'b>(
    base: BorrowedFd<'b>,
    path: GuestPath<'_>,
    last: Last,
    steps: &mut u64,
) -> Result<Place<'b>, Errno> {
    match without_links(base, path, last) {
        Ok(None) => manual::locate(base, path, last, None, steps),
        Ok(Some(place)) => {
            *steps += components(path.text()).count() as u64;
            Ok(place)
        }
        Err(error) => {
            *steps += components(path.text()).count() as u64;
            Err(error)
        }
    }
}

/// Where `path` leads when no symbolic link is on the way; `None` when one is.
fn without_links<'b>(base: BorrowedFd<'b>, path: GuestPath<'_>, last: Last) -> Result<Option<Place<'b>>, Errno> {
    let parts = split(path.text());
    let parent = match parts.head {
        b"" => Parent::Base(base),
        head => match open(base, head)? {
            Some(fd) => Parent::Opened(fd),
            None => return Ok(None),
        },
    };
    let place = Place { parent, name: Box::from(parts.name.unwrap_or(b".")), directory: parts.slash, trail: None };
    let through = last == Last::Follow || (last == Last::Keep && parts.slash);
    if parts.name.is_some() && through && link_target(place.parent(), &place.name)?.is_some() {
        return Ok(None);
    }
    Ok(Some(place))
}
