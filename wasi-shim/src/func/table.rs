//! Descriptors as such: `fd_close`, `fd_renumber`, `fd_fdstat_*`, `fd_prestat_*`.

use rustix::fs::OFlags;

use crate::Errno;
use crate::abi::Rights;
use crate::abi::memory::Guest;
use crate::abi::types::{FdFlags, FdStat};
use crate::ctx::WasiCtx;
use crate::fuel;
use crate::meta::Meta;
use crate::table::{Kind, Stream};

pub(crate) fn fd_close(ctx: &mut WasiCtx, fd: u32) -> Result<(), Errno> {
    close(ctx, fd)?;
    ctx.table.remove(fd).map(drop)
}

/// Pays for what the host has to do when `fd` is closed: what was written may go to the disk then, and the space of a file
/// without a name is given back.
fn close(ctx: &WasiCtx, fd: u32) -> Result<(), Errno> {
    if let Kind::File(handle) = &ctx.table.get(fd)?.kind {
        let meta = Meta::of(handle.fd())?;
        let freed = if meta.nlink == 0 { fuel::freed(meta.size) } else { 0 };
        ctx.meter().spend(fuel::flushed(handle.written()).saturating_add(freed))?;
    }
    Ok(())
}

pub(crate) fn fd_renumber(ctx: &mut WasiCtx, from: u32, to: u32) -> Result<(), Errno> {
    ctx.table.get(from)?;
    if from != to {
        close(ctx, to)?;
    }
    ctx.table.renumber(from, to)
}

pub(crate) fn fd_fdstat_get(ctx: &mut WasiCtx, guest: &mut Guest<'_>, fd: u32, out: u32) -> Result<(), Errno> {
    let descriptor = ctx.table.get(fd)?;
    let terminal = match descriptor.kind {
        Kind::Stream(Stream::Input) => ctx.stdin.is_terminal(),
        Kind::Stream(Stream::Output) => ctx.stdout.is_terminal(),
        Kind::Stream(Stream::Error) => ctx.stderr.is_terminal(),
        Kind::File(_) | Kind::Directory(_) => false,
    };
    let stat = FdStat {
        filetype: descriptor.filetype(terminal),
        flags: descriptor.flags,
        base: descriptor.base,
        inheriting: descriptor.inheriting,
    };
    stat.store(guest, out)
}

pub(crate) fn fd_fdstat_set_flags(ctx: &mut WasiCtx, fd: u32, flags: u32) -> Result<(), Errno> {
    let flags = FdFlags::parse(flags)?;
    let descriptor = ctx.table.get_mut(fd)?;
    descriptor.require(Rights::FD_FDSTAT_SET_FLAGS)?;
    if let Kind::File(handle) = &descriptor.kind {
        // Appending is the kernel's to do, so that two writers never overwrite each other. The synchronous flags
        // cannot be changed on an open file of the host: `fd_write` syncs instead.
        let mut host = rustix::fs::fcntl_getfl(handle.fd())?;
        host.set(OFlags::APPEND, flags.contains(FdFlags::APPEND));
        rustix::fs::fcntl_setfl(handle.fd(), host)?;
    }
    descriptor.flags = flags;
    Ok(())
}

pub(crate) fn fd_fdstat_set_rights(ctx: &mut WasiCtx, fd: u32, base: u64, inheriting: u64) -> Result<(), Errno> {
    let descriptor = ctx.table.get_mut(fd)?;
    let kept = |held: Rights, wanted: u64| {
        let known = Rights::from_bits(wanted);
        if known.bits() == wanted && held.contains(known) { Ok(known) } else { Err(Errno::Notcapable) }
    };
    let base = kept(descriptor.base, base)?;
    descriptor.inheriting = kept(descriptor.inheriting, inheriting)?;
    descriptor.base = base;
    Ok(())
}

pub(crate) fn fd_prestat_get(ctx: &mut WasiCtx, guest: &mut Guest<'_>, fd: u32, out: u32) -> Result<(), Errno> {
    // `prestat`: tag 0 (directory) with its padding, then the length of the name.
    let len = preopen_name(ctx, fd)?.len() as u32;
    guest.write_u64(out, u64::from(len) << 32)
}

pub(crate) fn fd_prestat_dir_name(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    path: u32,
    len: u32,
) -> Result<(), Errno> {
    let name = preopen_name(ctx, fd)?;
    if (len as usize) < name.len() {
        return Err(Errno::Nametoolong);
    }
    guest.write(path, name)
}

fn preopen_name(ctx: &WasiCtx, fd: u32) -> Result<&[u8], Errno> {
    match &ctx.table.get(fd)?.kind {
        Kind::Directory(directory) => directory.preopen.as_deref().ok_or(Errno::Badf),
        Kind::Stream(_) | Kind::File(_) => Err(Errno::Badf),
    }
}
