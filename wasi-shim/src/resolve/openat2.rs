//! Resolution by the kernel: `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS`.
//!
//! The kernel resolves what has no symbolic link in it, which is nearly every path, in one call. Where there is a link it
//! is walked by component: what links cost is only known when each is seen, and the cost is charged.

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Mode, ResolveFlags, openat2};
use rustix::io::Errno as Host;

use super::{Last, Parent, Place, manual, passing};
use crate::Errno;
use crate::abi::types::FileType;
use crate::ctx::Meter;
use crate::fuel;
use crate::path::{GuestPath, components};

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
    meter: &Meter,
) -> Result<Place<'b>, Errno> {
    let price = fuel::walked(components(path.text()).count() as u64);
    // Where a link is on the way, the walk by component pays for the whole of it.
    if meter.left() < price {
        meter.spend(price)?;
    }
    match without_links(base, path, last) {
        Ok(None) => manual::locate(base, path, last, None, meter),
        Ok(Some(place)) => {
            meter.spend(price)?;
            Ok(place)
        }
        Err(error) => {
            meter.spend(price)?;
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
    let name = Box::from(parts.name.unwrap_or(b"."));
    let mut place = Place { parent, name, directory: parts.slash, trail: None, seen: None };
    if parts.name.is_some() && last.follows(parts.slash) {
        match place.meta() {
            Ok(meta) if meta.filetype == FileType::SymbolicLink => return Ok(None),
            Ok(meta) => place.seen = Some(meta),
            // What is to come of that is for the call to say.
            Err(Host::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(place))
}

/// A path split before its last component.
struct Split<'a> {
    /// Everything before the last component; empty for a bare name.
    head: &'a [u8],
    /// The last component; `None` when that is `.` or `..`, and the path as a whole leads to a directory.
    name: Option<&'a [u8]>,
    /// A slash follows the last component: it has to be a directory.
    slash: bool,
}

fn split(path: &[u8]) -> Split<'_> {
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |last| last + 1);
    let slash = end < path.len();
    let trimmed = path.get(..end).unwrap_or_default();
    let start = trimmed.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    let (head, name) = trimmed.split_at(start);
    match name {
        b"" | b"." | b".." => Split { head: trimmed, name: None, slash: true },
        name => Split { head, name: Some(name), slash },
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_path_splits_before_its_last_name() {
        let parts = |text: &'static str| {
            let split = split(text.as_bytes());
            (split.head, split.name, split.slash)
        };
        assert_eq!(parts("a"), (&b""[..], Some(&b"a"[..]), false));
        assert_eq!(parts("a/"), (&b""[..], Some(&b"a"[..]), true));
        assert_eq!(parts("a//b///"), (&b"a//"[..], Some(&b"b"[..]), true));
        assert_eq!(parts("a/.."), (&b"a/.."[..], None, true));
        assert_eq!(parts("."), (&b"."[..], None, true));
        assert_eq!(parts("a/./"), (&b"a/."[..], None, true));
    }
}
