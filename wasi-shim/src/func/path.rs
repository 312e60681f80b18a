//! Changing the tree: directories, links, renaming, removing. And reaching the places that takes.

use std::sync::Arc;

use rustix::fs::{AtFlags, Mode};

use crate::Errno;
use crate::abi::Rights;
use crate::abi::memory::Guest;
use crate::abi::types::follow;
use crate::ctx::{Meter, WasiCtx};
use crate::denial::Denied;
use crate::fuel;
use crate::limits::{MAX_NAMES, MAX_PATH, MAX_TARGET};
use crate::meta::Meta;
use crate::path::GuestPath;
use crate::resolve::{Last, Place};
use crate::root::{SharedRoot, keeps_unread};
use crate::scope::Allowed;
use crate::volume::Ledger;

/// A place reached through a descriptor, and what may be done there.
pub(crate) struct Reach<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) root: SharedRoot,
    pub(crate) allowed: Allowed,
    denied: &'a Denied,
}

/// Resolves the guest's path from the directory `fd`, which must hold the rights `needed`.
pub(crate) fn reach<'a>(
    ctx: &'a WasiCtx,
    guest: &Guest<'_>,
    fd: u32,
    needed: Rights,
    (path, len): (u32, u32),
    last: Last,
) -> Result<Reach<'a>, Errno> {
    let descriptor = ctx.table.get(fd)?;
    let directory = descriptor.directory()?;
    descriptor.require(needed)?;
    // Longer ones are refused before they are looked at.
    if len as usize > MAX_PATH {
        return Err(Errno::Nametoolong);
    }
    let text = guest.bytes(path, len)?;
    let denied = ctx.denied();
    let path = GuestPath::parse(text).map_err(|error| denied.outside(text, error))?;
    let root = Arc::clone(&directory.handle.root);
    // The directory may have been moved since it was opened: its path must still lead to it.
    directory.allowed(ctx.meter())?;
    let place = root
        .resolver
        .locate(directory.handle.fd(), path, last, directory.trail.as_deref(), ctx.meter())
        .map_err(|error| denied.outside(text, error))?;
    let allowed = root.allowed(place.trail.as_deref());
    Ok(Reach { place, root, allowed, denied })
}

impl Reach<'_> {
    /// A place that is to be changed.
    fn writable(self) -> Result<Self, Errno> {
        if self.allowed.write { Ok(self) } else { Err(self.denied(true)) }
    }

    /// That the scope does not let this be changed, or else read.
    pub(crate) fn denied(&self, write: bool) -> Errno {
        self.denied.scope(self.place.trail.as_ref(), write)
    }

    fn ledger(&self, meter: &Meter) -> Result<Option<Ledger<'_>>, Errno> {
        self.root.volume.open(self.root.fd(), meter)
    }

    /// Checks that what stands here can be put to `new`, or be given that name as well.
    fn movable(&self, new: &Reach<'_>, directory: bool) -> Result<(), Errno> {
        let from = (&*self.root, self.place.trail.as_deref());
        let to = (&*new.root, new.place.trail.as_deref());
        if keeps_unread(from, to, directory) { Ok(()) } else { Err(self.denied(false)) }
    }

    /// Checks that a name can be created here that will not be a directory.
    fn vacant(&self) -> Result<(), Errno> {
        if self.place.is_dot() {
            return Err(Errno::Exist);
        }
        if self.place.directory {
            // A slash after a name that is yet to come into being.
            return Err(match Meta::at(self.place.parent(), &self.place.name) {
                Ok(meta) if meta.is_dir() => Errno::Exist,
                Ok(_) => Errno::Notdir,
                Err(error) => error.into(),
            });
        }
        Ok(())
    }

    fn parent_key(&self) -> Result<crate::meta::NodeKey, Errno> {
        Ok(Meta::of(self.place.parent())?.key)
    }
}

pub(crate) fn path_create_directory(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    path: (u32, u32),
) -> Result<(), Errno> {
    let now = ctx.now();
    let reach = reach(ctx, guest, fd, Rights::PATH_CREATE_DIRECTORY, path, Last::Name)?;
    if reach.place.is_dot() {
        return Err(Errno::Exist);
    }
    let place = &reach.place;
    // What is there already is told first: programs make directories to find out that they exist.
    if reach.allowed.look && Meta::at(place.parent(), &place.name).is_ok() {
        return Err(Errno::Exist);
    }
    let reach = reach.writable()?;
    let place = &reach.place;
    let mut ledger = reach.ledger(ctx.meter())?;
    if let Some(ledger) = &ledger {
        ledger.admit(0)?;
    }
    rustix::fs::mkdirat(place.parent(), &*place.name, Mode::from_raw_mode(0o777))?;
    if let Some(ledger) = &mut ledger {
        ledger.born(&Meta::at(place.parent(), &place.name)?, reach.parent_key()?, now);
    }
    Ok(())
}

pub(crate) fn path_remove_directory(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    path: (u32, u32),
) -> Result<(), Errno> {
    remove(ctx, guest, fd, path, true)
}

pub(crate) fn path_unlink_file(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    path: (u32, u32),
) -> Result<(), Errno> {
    remove(ctx, guest, fd, path, false)
}

/// Removes a directory, or else anything but a directory.
fn remove(ctx: &mut WasiCtx, guest: &Guest<'_>, fd: u32, path: (u32, u32), directory: bool) -> Result<(), Errno> {
    let now = ctx.now();
    let (right, flags) = if directory {
        (Rights::PATH_REMOVE_DIRECTORY, AtFlags::REMOVEDIR)
    } else {
        (Rights::PATH_UNLINK_FILE, AtFlags::empty())
    };
    let reach = reach(ctx, guest, fd, right, path, Last::Name)?.writable()?;
    let place = &reach.place;
    if place.is_dot() {
        return Err(if directory { Errno::Inval } else { Errno::Isdir });
    }
    let ledger = reach.ledger(ctx.meter())?;
    let meta = Meta::at(place.parent(), &place.name)?;
    match (directory, meta.is_dir()) {
        (false, true) => return Err(Errno::Isdir),
        (false, false) if place.directory => return Err(Errno::Notdir),
        _ => {}
    }
    if meta.is_dir() {
        ctx.meter().spend(fuel::LISTING)?;
    } else if meta.nlink <= 1 {
        ctx.meter().spend(fuel::freed(meta.size))?;
    }
    match rustix::fs::unlinkat(place.parent(), &*place.name, flags) {
        // Some systems have the other word for it.
        Err(rustix::io::Errno::EXIST) => return Err(Errno::Notempty),
        done => done?,
    }
    if let Some(mut ledger) = ledger {
        ledger.unlinked(&meta, reach.parent_key()?, now);
    }
    Ok(())
}

pub(crate) fn path_readlink(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    path: (u32, u32),
    (buf, len): (u32, u32),
    out: u32,
) -> Result<(), Errno> {
    guest.bytes(buf, len)?;
    guest.bytes(out, 4)?;
    let reach = reach(ctx, guest, fd, Rights::PATH_READLINK, path, Last::Keep)?;
    // The target is what is in a link: to see it is to read.
    if !reach.allowed.read {
        return Err(reach.denied(false));
    }
    if reach.place.directory && !Meta::at(reach.place.parent(), &reach.place.name)?.is_dir() {
        return Err(Errno::Notdir);
    }
    let target = rustix::fs::readlinkat(reach.place.parent(), &*reach.place.name, Vec::new())?.into_bytes();
    // What does not fit is cut, as everywhere.
    let fits = target.get(..len as usize).unwrap_or(&target);
    guest.write(buf, fits)?;
    guest.write_u32(out, fits.len() as u32)
}

pub(crate) fn path_symlink(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    (target, target_len): (u32, u32),
    fd: u32,
    path: (u32, u32),
) -> Result<(), Errno> {
    let now = ctx.now();
    if target_len as usize > MAX_TARGET {
        return Err(Errno::Nametoolong);
    }
    // Malformed as a path is malformed as a target; an absolute one could only lead out.
    let target = GuestPath::target(guest.bytes(target, target_len)?)?.text().to_vec();
    let reach = reach(ctx, guest, fd, Rights::PATH_SYMLINK, path, Last::Name)?.writable()?;
    reach.vacant()?;
    let place = &reach.place;
    let mut ledger = reach.ledger(ctx.meter())?;
    if let Some(ledger) = &ledger {
        ledger.admit(target.len() as u64)?;
    }
    rustix::fs::symlinkat(&*target, place.parent(), &*place.name)?;
    if let Some(ledger) = &mut ledger {
        ledger.born(&Meta::at(place.parent(), &place.name)?, reach.parent_key()?, now);
    }
    Ok(())
}

pub(crate) fn path_link(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    (old_fd, lookup, old_path): (u32, u32, (u32, u32)),
    (new_fd, new_path): (u32, (u32, u32)),
) -> Result<(), Errno> {
    let now = ctx.now();
    let last = if follow(lookup)? { Last::Follow } else { Last::Keep };
    // A further name in a place that may be written lets the file be written: so it must be writable where it is.
    let old = reach(ctx, guest, old_fd, Rights::PATH_LINK_SOURCE, old_path, last)?.writable()?;
    let meta = Meta::at(old.place.parent(), &old.place.name)?;
    if old.place.directory && !meta.is_dir() {
        return Err(Errno::Notdir);
    }
    let new = reach(ctx, guest, new_fd, Rights::PATH_LINK_TARGET, new_path, Last::Name)?.writable()?;
    new.vacant()?;
    if meta.is_dir() {
        // What is in the way is told first, as everywhere.
        let taken = Meta::at(new.place.parent(), &new.place.name).is_ok();
        return Err(if taken { Errno::Exist } else { Errno::Perm });
    }
    old.movable(&new, false)?;
    if meta.nlink >= MAX_NAMES {
        return Err(Errno::Mlink);
    }
    let mut ledger = same_books(&old, &new, ctx.meter())?;
    if let Some(ledger) = &ledger {
        ledger.admit(0)?;
    }
    rustix::fs::linkat(old.place.parent(), &*old.place.name, new.place.parent(), &*new.place.name, AtFlags::empty())?;
    if let Some(ledger) = &mut ledger {
        ledger.linked(meta.key, new.parent_key()?, now);
    }
    Ok(())
}

pub(crate) fn path_rename(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    (old_fd, old_path): (u32, (u32, u32)),
    (new_fd, new_path): (u32, (u32, u32)),
) -> Result<(), Errno> {
    let now = ctx.now();
    let old = reach(ctx, guest, old_fd, Rights::PATH_RENAME_SOURCE, old_path, Last::Name)?.writable()?;
    let new = reach(ctx, guest, new_fd, Rights::PATH_RENAME_TARGET, new_path, Last::Name)?.writable()?;
    if old.place.is_dot() || new.place.is_dot() {
        return Err(Errno::Busy);
    }
    let mut ledger = same_books(&old, &new, ctx.meter())?;
    let meta = Meta::at(old.place.parent(), &old.place.name)?;
    if !meta.is_dir() && (old.place.directory || new.place.directory) {
        return Err(Errno::Notdir);
    }
    old.movable(&new, meta.is_dir())?;
    let replaced = Meta::at(new.place.parent(), &new.place.name).ok();
    if let Some(replaced) = replaced
        && replaced.is_dir()
    {
        ctx.meter().spend(fuel::LISTING)?;
    } else if let Some(replaced) = replaced
        && replaced.nlink <= 1
    {
        // What takes its place is a file as well, or nothing will.
        let sent = if meta.is_dir() { 0 } else { fuel::TREE.saturating_add(fuel::flushed(meta.size)) };
        ctx.meter().spend(fuel::freed(replaced.size).saturating_add(sent))?;
    }
    match rustix::fs::renameat(old.place.parent(), &*old.place.name, new.place.parent(), &*new.place.name) {
        // Some systems have the other word for it.
        Err(rustix::io::Errno::EXIST) => return Err(Errno::Notempty),
        done => done?,
    }
    if let Some(ledger) = &mut ledger {
        let (from, to) = (old.parent_key()?, new.parent_key()?);
        match replaced {
            // Two names of one file: nothing happens.
            Some(replaced) if replaced.key == meta.key => {}
            Some(replaced) => {
                ledger.unlinked(&replaced, to, now);
                ledger.moved(meta.key, from, to, now);
            }
            None => ledger.moved(meta.key, from, to, now),
        }
    }
    drop(ledger);
    let root = Arc::clone(&old.root);
    if let (true, Some(from), Some(to)) = (meta.is_dir(), old.place.trail, new.place.trail) {
        ctx.table.moved(&root, &from, &to);
    }
    Ok(())
}

/// The books that both places are in. Between two volumes no file can go: neither could account for it.
fn same_books<'a>(old: &'a Reach<'_>, new: &Reach<'_>, meter: &Meter) -> Result<Option<Ledger<'a>>, Errno> {
    if !old.root.volume.is_same(&new.root.volume) {
        return Err(Errno::Xdev);
    }
    old.ledger(meter)
}
