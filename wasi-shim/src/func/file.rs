//! Calls on open files: advice, allocation, syncing, size.

use crate::Errno;
use crate::abi::Rights;
use crate::ctx::{Meter, WasiCtx};
use crate::fuel;
use crate::limits;
use crate::meta::Meta;
use crate::table::{Handle, Kind};

pub(crate) fn fd_advise(ctx: &mut WasiCtx, fd: u32, offset: u64, len: u64, advice: u32) -> Result<(), Errno> {
    if advice > 5 {
        return Err(Errno::Inval);
    }
    let descriptor = ctx.table.get(fd)?;
    match &descriptor.kind {
        Kind::Stream(_) => return Err(Errno::Spipe),
        Kind::Directory(_) => return Err(Errno::Badf),
        Kind::File(_) => {}
    }
    descriptor.require(Rights::FD_ADVISE)?;
    // Advice need not be taken, and it is not: it would let a guest make the host read whole files that nobody paid for.
    limits::offset(offset, len).map(drop)
}

pub(crate) fn fd_allocate(ctx: &mut WasiCtx, fd: u32, offset: u64, len: u64) -> Result<(), Errno> {
    let now = ctx.now();
    let descriptor = ctx.table.get(fd)?;
    let handle = descriptor.file()?;
    descriptor.require(Rights::FD_ALLOCATE)?;
    let end = limits::size(offset, len)?;
    if len == 0 {
        return Err(Errno::Inval);
    }
    resize(handle, now, Change::AtLeast { offset, len, end }, ctx.meter())
}

pub(crate) fn fd_filestat_set_size(ctx: &mut WasiCtx, fd: u32, size: u64) -> Result<(), Errno> {
    let now = ctx.now();
    let descriptor = ctx.table.get(fd)?;
    let handle = descriptor.file()?;
    descriptor.require(Rights::FD_FILESTAT_SET_SIZE)?;
    resize(handle, now, Change::Exactly(limits::size(size, 0)?), ctx.meter())
}

pub(crate) fn fd_datasync(ctx: &mut WasiCtx, fd: u32) -> Result<(), Errno> {
    sync(ctx, fd, Rights::FD_DATASYNC, datasync)
}

pub(crate) fn fd_sync(ctx: &mut WasiCtx, fd: u32) -> Result<(), Errno> {
    sync(ctx, fd, Rights::FD_SYNC, |handle| rustix::fs::fsync(handle.fd()))
}

/// Waits until the data of a file is on the disk; with its attributes, where the host knows no less.
pub(crate) fn datasync(handle: &Handle) -> rustix::io::Result<()> {
    #[cfg(target_vendor = "apple")]
    return rustix::fs::fsync(handle.fd());
    #[cfg(not(target_vendor = "apple"))]
    return rustix::fs::fdatasync(handle.fd());
}

fn sync(
    ctx: &mut WasiCtx,
    fd: u32,
    right: Rights,
    call: impl FnOnce(&Handle) -> rustix::io::Result<()>,
) -> Result<(), Errno> {
    let descriptor = ctx.table.with(fd, right)?;
    // A stream has nothing that could be synced.
    let handle = descriptor.handle().ok_or(Errno::Inval)?;
    // How long a disk takes is between microseconds and seconds, and nothing of it shows in a result: where results are
    // settled, the host writes when it likes.
    if handle.root().volume.is_settled() {
        return Ok(());
    }
    ctx.meter().spend(fuel::SYNC)?;
    Ok(call(handle)?)
}

/// A change of a file's size.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    Exactly(u64),
    AtLeast { offset: u64, len: u64, end: u64 },
}

/// Changes the size of a file within its quota.
pub(crate) fn resize(handle: &Handle, now: u64, change: Change, meter: &Meter) -> Result<(), Errno> {
    let root = handle.root();
    let settled = root.volume.is_settled();
    let mut ledger = root.volume.open(root.fd(), meter)?;
    let before = Meta::of(handle.fd())?;
    let target = match change {
        Change::Exactly(size) => size,
        Change::AtLeast { end, .. } => end.max(before.size),
    };
    let growth = target.saturating_sub(before.size);
    if let Some(ledger) = &ledger
        && ledger.room(growth) < growth
    {
        return Err(Errno::Dquot);
    }
    // Paid for once it is known that there is room: whoever asks for more than may be is told so, whatever that would cost.
    meter.spend(match change {
        Change::AtLeast { len, .. } => fuel::moved(len),
        Change::Exactly(_) => fuel::freed(before.size.saturating_sub(target)),
    })?;
    match change {
        // Which blocks of a file there are is the host's affair: in the settled view its size is all there is to it.
        Change::AtLeast { offset, len, end } if !settled => allocate(handle, offset, len, end)?,
        Change::AtLeast { .. } if growth == 0 => {}
        Change::AtLeast { .. } | Change::Exactly(_) => rustix::fs::ftruncate(handle.fd(), target)?,
    }
    if let Some(ledger) = &mut ledger {
        ledger.resized(before.key, before.size, target, now);
    }
    Ok(())
}

fn allocate(handle: &Handle, offset: u64, len: u64, end: u64) -> Result<(), Errno> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    match rustix::fs::fallocate(handle.fd(), rustix::fs::FallocateFlags::empty(), offset, len) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
        done => return Ok(done?),
    }
    let _ = (offset, len);
    // A file system that cannot set space aside: at least the size is as asked for.
    if Meta::of(handle.fd())?.size < end {
        rustix::fs::ftruncate(handle.fd(), end)?;
    }
    Ok(())
}
