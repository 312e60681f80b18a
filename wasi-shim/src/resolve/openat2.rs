//! Resolution by the kernel: `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS`.

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Mode, ResolveFlags, openat2};
use rustix::io::Errno as Host;

use super::{Last, Parent, Place, link_target, passing};
use crate::Errno;
use crate::path::{GuestPath, MAX_LINKS, MAX_PATH, split};

/// Attempts while directories are being moved about underneath; the kernel asks to try again then.
const ATTEMPTS: u32 = 16;

/// Whether this kernel, and whatever filters system calls above it, lets `openat2` through.
pub(super) fn works(root: BorrowedFd<'_>) -> bool {
    open(root, b".").is_ok()
}

fn open(base: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS {
        match openat2(base, path, passing(), Mode::empty(), resolve) {
            Err(Host::AGAIN | Host::INTR) => {}
            // The way led out.
            Err(Host::XDEV) => return Err(Errno::Perm),
            opened => return Ok(opened?),
        }
    }
    Err(Errno::Again)
}

pub(super) fn locate<'b>(base: BorrowedFd<'b>, path: GuestPath<'_>, last: Last) -> Result<Place<'b>, Errno> {
    let mut longer: Vec<u8>;
    let mut text = path.text();
    let mut directory = false;
    for _ in 0..=MAX_LINKS {
        let parts = split(text);
        directory |= parts.slash;
        let parent = match parts.head {
            b"" => Parent::Base(base),
            head => Parent::Opened(open(base, head)?),
        };
        let place = Place { parent, name: Box::from(parts.name.unwrap_or(b".")), directory, trail: None };
        let through = last == Last::Follow || (last == Last::Keep && directory);
        if parts.name.is_none() || !through {
            return Ok(place);
        }
        let Some(target) = link_target(place.parent(), &place.name)? else {
            return Ok(place);
        };
        if target.first() == Some(&b'/') {
            return Err(Errno::Perm);
        }
        if parts.head.len() + target.len() > MAX_PATH {
            return Err(Errno::Nametoolong);
        }
        longer = [parts.head, &target].concat();
        text = &longer;
    }
    Err(Errno::Loop)
}
