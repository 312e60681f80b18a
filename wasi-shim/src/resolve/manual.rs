//! Resolution component by component, for kernels without `openat2` and for places that must be known by name.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno as Host;

use super::{Last, Parent, Place, Trail, link_target, passing};
use crate::Errno;
use crate::ctx::Meter;
use crate::fuel;
use crate::limits::{MAX_DEPTH, MAX_FOLLOWED, MAX_PATH};
use crate::path::{GuestPath, components, names_fit};

/// The walk so far: one handle for each component below the base.
struct Walk<'b> {
    base: BorrowedFd<'b>,
    below: Vec<OwnedFd>,
    trail: Option<Trail>,
}

impl Walk<'_> {
    fn here(&self) -> BorrowedFd<'_> {
        self.below.last().map_or(self.base, AsFd::as_fd)
    }

    fn up(&mut self) -> Result<(), Errno> {
        // The handles opened on the way down lead back up: `..` itself is never asked of the host, where it could have
        // come to mean something else.
        self.below.pop().ok_or(Errno::Perm)?;
        if let Some(trail) = &mut self.trail {
            trail.pop();
        }
        Ok(())
    }
}

pub(super) fn locate<'b>(
    base: BorrowedFd<'b>,
    path: GuestPath<'_>,
    last: Last,
    trail: Option<&[Box<[u8]>]>,
    meter: &Meter,
) -> Result<Place<'b>, Errno> {
    let mut walk = Walk { base, below: Vec::new(), trail: trail.map(<[_]>::to_vec) };
    let mut ahead = Ahead::default();
    meter.spend(fuel::walked(ahead.push(path.text())?))?;
    let mut links = 0;
    while let Some((component, is_last)) = ahead.next() {
        match &*component {
            b"." => {}
            b".." => walk.up()?,
            name => {
                if is_last && !last.follows(ahead.directory) {
                    return Ok(finish(walk, component, ahead.directory));
                }
                if !is_last {
                    if walk.below.len() >= MAX_DEPTH {
                        return Err(Errno::Nametoolong);
                    }
                    match openat(walk.here(), name, passing() | OFlags::NOFOLLOW, Mode::empty()) {
                        Ok(fd) => {
                            walk.below.push(fd);
                            if let Some(trail) = &mut walk.trail {
                                trail.push(component);
                            }
                            continue;
                        }
                        // Not a directory, perhaps a link to one. Which errno says so differs between systems.
                        Err(Host::NOTDIR | Host::LOOP | Host::MLINK) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                match link_target(walk.here(), name)? {
                    Some(target) => {
                        links += 1;
                        if links > MAX_FOLLOWED {
                            return Err(Errno::Loop);
                        }
                        if target.first() == Some(&b'/') {
                            return Err(Errno::Perm);
                        }
                        meter.spend(fuel::walked(ahead.push(&target)?))?;
                    }
                    None if is_last => return Ok(finish(walk, component, ahead.directory)),
                    None => return Err(Errno::Notdir),
                }
            }
        }
    }
    Ok(finish(walk, Box::from(*b"."), true))
}

fn finish(mut walk: Walk<'_>, name: Box<[u8]>, directory: bool) -> Place<'_> {
    if let (Some(trail), true) = (&mut walk.trail, *name != *b".") {
        trail.push(name.clone());
    }
    let parent = match walk.below.pop() {
        Some(fd) => Parent::Opened(fd),
        None => Parent::Base(walk.base),
    };
    Place { parent, name, directory, trail: walk.trail, seen: None }
}

/// Components still to be walked, the next one last.
#[derive(Default)]
struct Ahead {
    components: Vec<Box<[u8]>>,
    bytes: usize,
    /// Whatever the last component is, it has to be a directory.
    directory: bool,
}

impl Ahead {
    /// Puts `path` before everything else that is ahead, and says how many components that are.
    fn push(&mut self, path: &[u8]) -> Result<u64, Errno> {
        // Links that multiply what is ahead end here instead of in memory.
        self.bytes += path.len();
        if self.bytes > MAX_PATH {
            return Err(Errno::Nametoolong);
        }
        names_fit(path)?;
        let at_end = self.components.is_empty();
        let before = self.components.len();
        self.components.extend(components(path).rev().map(Box::from));
        if at_end && path.last() == Some(&b'/') {
            self.directory = true;
        }
        Ok((self.components.len() - before) as u64)
    }

    fn next(&mut self) -> Option<(Box<[u8]>, bool)> {
        let component = self.components.pop()?;
        self.bytes = self.bytes.saturating_sub(component.len());
        Some((component, self.components.is_empty()))
    }
}
