//! Attributes: `fd_filestat_get`, `path_filestat_get` and setting times.

use rustix::fs::{AtFlags, Timespec, Timestamps};

use super::path::{Reach, reach};
use crate::Errno;
use crate::abi::Rights;
use crate::abi::memory::Guest;
use crate::abi::types::{FileStat, NewTime, follow, new_times};
use crate::ctx::WasiCtx;
use crate::limits::MAX_TIME;
use crate::meta::Meta;
use crate::resolve::Last;
use crate::table::{Kind, Stream};

pub(crate) fn fd_filestat_get(ctx: &mut WasiCtx, guest: &mut Guest<'_>, fd: u32, out: u32) -> Result<(), Errno> {
    let descriptor = ctx.table.with(fd, Rights::FD_FILESTAT_GET)?;
    let stat = if let Some(handle) = descriptor.handle() {
        handle.root().volume.stat(&Meta::of(handle.fd())?, handle.root().dev)
    } else {
        let terminal = match descriptor.kind {
            Kind::Stream(Stream::Input) => ctx.stdin.is_terminal(),
            Kind::Stream(Stream::Output) => ctx.stdout.is_terminal(),
            _ => ctx.stderr.is_terminal(),
        };
        // What the host has behind a stream is none of the guest's business.
        FileStat {
            dev: 0,
            ino: u64::from(fd),
            filetype: descriptor.filetype(terminal),
            nlink: 1,
            size: 0,
            atim: 0,
            mtim: 0,
            ctim: 0,
        }
    };
    stat.store(guest, out)
}

pub(crate) fn path_filestat_get(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    flags: u32,
    (path, len): (u32, u32),
    out: u32,
) -> Result<(), Errno> {
    let last = if follow(flags)? { Last::Follow } else { Last::Keep };
    guest.bytes(out, 64)?;
    let reach = reach(ctx, guest, fd, Rights::PATH_FILESTAT_GET, (path, len), last)?;
    if !reach.allowed.look {
        return Err(reach.denied(false));
    }
    let Reach { place, root, .. } = reach;
    let meta = place.meta()?;
    if place.directory && !meta.is_dir() {
        return Err(Errno::Notdir);
    }
    let stat = root.volume.stat(&meta, root.dev);
    stat.store(guest, out)
}

pub(crate) fn fd_filestat_set_times(ctx: &mut WasiCtx, fd: u32, atim: u64, mtim: u64, flags: u32) -> Result<(), Errno> {
    let times = new_times(atim, mtim, flags)?;
    let settled = Times::settle(ctx, times)?;
    let descriptor = ctx.table.with(fd, Rights::FD_FILESTAT_SET_TIMES)?;
    let handle = descriptor.handle().ok_or(Errno::Badf)?;
    let root = handle.root();
    if let Kind::Directory(directory) = &descriptor.kind
        && !directory.allowed(ctx.meter())?.write
    {
        return Err(ctx.denied().scope(directory.trail.as_ref(), true));
    }
    let shown = root.volume.is_settled();
    let ledger = root.volume.open(root.fd(), ctx.meter())?;
    // In the settled view times are kept in the ledger alone; the host's are not changed.
    if !shown {
        rustix::fs::futimens(handle.fd(), &settled.host)?;
    }
    if let Some(mut ledger) = ledger {
        ledger.timed(Meta::of(handle.fd())?.key, settled.atim, settled.mtim, settled.now);
    }
    Ok(())
}

pub(crate) fn path_filestat_set_times(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    lookup: u32,
    (path, len): (u32, u32),
    (atim, mtim): (u64, u64),
    flags: u32,
) -> Result<(), Errno> {
    let last = if follow(lookup)? { Last::Follow } else { Last::Keep };
    let times = new_times(atim, mtim, flags)?;
    let settled = Times::settle(ctx, times)?;
    let reach = reach(ctx, guest, fd, Rights::PATH_FILESTAT_SET_TIMES, (path, len), last)?;
    if !reach.allowed.write {
        return Err(reach.denied(true));
    }
    let Reach { place, root, .. } = reach;
    let meta = place.meta()?;
    if place.directory && !meta.is_dir() {
        return Err(Errno::Notdir);
    }
    let shown = root.volume.is_settled();
    let ledger = root.volume.open(root.fd(), ctx.meter())?;
    if !shown {
        rustix::fs::utimensat(place.parent(), &*place.name, &settled.host, AtFlags::SYMLINK_NOFOLLOW)?;
    }
    if let Some(mut ledger) = ledger {
        ledger.timed(meta.key, settled.atim, settled.mtim, settled.now);
    }
    Ok(())
}

/// Times to set, once for the host and once for the books.
struct Times {
    host: Timestamps,
    atim: Option<u64>,
    mtim: Option<u64>,
    now: u64,
}

impl Times {
    /// "Now" is what the guest's clock says, not the host's.
    fn settle(ctx: &mut WasiCtx, (atim, mtim): (NewTime, NewTime)) -> Result<Self, Errno> {
        let now = ctx.now();
        let settle = |time| match time {
            NewTime::Keep => Ok(None),
            NewTime::Now => Ok(Some(now.min(MAX_TIME))),
            NewTime::At(ns) if ns > MAX_TIME => Err(Errno::Inval),
            NewTime::At(ns) => Ok(Some(ns)),
        };
        let (atim, mtim) = (settle(atim)?, settle(mtim)?);
        let host = Timestamps { last_access: timespec(atim), last_modification: timespec(mtim) };
        Ok(Self { host, atim, mtim, now })
    }
}

// The field is 32 or 64 bits wide, signed or not; the value is below 10⁹.
#[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast)]
fn timespec(time: Option<u64>) -> Timespec {
    match time {
        None => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        Some(ns) => Timespec { tv_sec: (ns / 1_000_000_000).cast_signed(), tv_nsec: (ns % 1_000_000_000) as _ },
    }
}
