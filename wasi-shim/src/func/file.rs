//! Calls on open files: advice, allocation, syncing, size.

use crate::Errno;
use crate::abi::Rights;
use crate::ctx::WasiCtx;
use crate::meta::Meta;
use crate::table::{Handle, Kind};

pub(crate) fn fd_advise(ctx: &mut WasiCtx, fd: u32, offset: u64, len: u64, advice: u32) -> Result<(), Errno> {
    if advice > 5 {
        return Err(Errno::Inval);
    }
    let descriptor = ctx.table.get(fd)?;
    let handle = match &descriptor.kind {
        Kind::Stream(_) => return Err(Errno::Spipe),
        Kind::Directory(_) => return Err(Errno::Badf),
        Kind::File(handle) => handle,
    };
    descriptor.require(Rights::FD_ADVISE)?;
    range(offset, len)?;
    advise(handle, offset, len, advice)
}

/// Hands the advice on where the host takes any.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn advise(handle: &Handle, offset: u64, len: u64, advice: u32) -> Result<(), Errno> {
    use rustix::fs::Advice;
    let advice = match advice {
        1 => Advice::Sequential,
        2 => Advice::Random,
        3 => Advice::WillNeed,
        4 => Advice::DontNeed,
        5 => Advice::NoReuse,
        _ => Advice::Normal,
    };
    Ok(rustix::fs::fadvise(handle.fd(), offset, core::num::NonZeroU64::new(len), advice)?)
}

/// Advice need not be taken.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn advise(_handle: &Handle, _offset: u64, _len: u64, _advice: u32) -> Result<(), Errno> {
    Ok(())
}

pub(crate) fn fd_allocate(ctx: &mut WasiCtx, fd: u32, offset: u64, len: u64) -> Result<(), Errno> {
    let now = ctx.now();
    let descriptor = ctx.table.get(fd)?;
    let handle = descriptor.file()?;
    descriptor.require(Rights::FD_ALLOCATE)?;
    let end = range(offset, len)?;
    if len == 0 {
        return Err(Errno::Inval);
    }
    resize(handle, now, Change::AtLeast { offset, len, end })
}

pub(crate) fn fd_filestat_set_size(ctx: &mut WasiCtx, fd: u32, size: u64) -> Result<(), Errno> {
    let now = ctx.now();
    let descriptor = ctx.table.get(fd)?;
    let handle = descriptor.file()?;
    descriptor.require(Rights::FD_FILESTAT_SET_SIZE)?;
    range(size, 0)?;
    resize(handle, now, Change::Exactly(size))
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
    Ok(call(handle)?)
}

/// The end of a range that a file can have.
fn range(offset: u64, len: u64) -> Result<u64, Errno> {
    let end = offset.checked_add(len).ok_or(Errno::Inval)?;
    i64::try_from(end).map_err(|_| Errno::Inval)?;
    Ok(end)
}

/// A change of a file's size.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    Exactly(u64),
    AtLeast { offset: u64, len: u64, end: u64 },
}

/// Changes the size of a file within its quota.
pub(crate) fn resize(handle: &Handle, now: u64, change: Change) -> Result<(), Errno> {
    let root = handle.root();
    let Some(mut ledger) = root.volume.open(root.fd())? else {
        return apply(handle, change);
    };
    let before = Meta::of(handle.fd())?;
    let target = match change {
        Change::Exactly(size) => size,
        Change::AtLeast { end, .. } => end.max(before.size),
    };
    let growth = target.saturating_sub(before.size);
    if ledger.room(growth) < growth {
        return Err(Errno::Dquot);
    }
    apply(handle, change)?;
    ledger.resized(before.key, before.size, target, now);
    Ok(())
}

fn apply(handle: &Handle, change: Change) -> Result<(), Errno> {
    match change {
        Change::Exactly(size) => Ok(rustix::fs::ftruncate(handle.fd(), size)?),
        Change::AtLeast { offset, len, end } => allocate(handle, offset, len, end),
    }
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
