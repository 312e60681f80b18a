//! Data and offsets: `fd_read`, `fd_write`, `fd_pread`, `fd_pwrite`, `fd_seek`, `fd_tell`.

use std::io::IoSlice;

use rustix::fs::SeekFrom;

use crate::Errno;
use crate::abi::Rights;
use crate::abi::memory::{Guest, Span};
use crate::abi::types::{FdFlags, Whence};
use crate::ctx::WasiCtx;
use crate::fuel::{self, MAX_TRANSFER};
use crate::meta::Meta;
use crate::table::{Descriptor, Handle, Kind, Stream};

/// The buffers of a call, and where it says how many bytes were moved.
#[derive(Clone, Copy)]
pub(crate) struct Vector {
    pub(crate) iovs: u32,
    pub(crate) count: u32,
    pub(crate) out: u32,
}

impl Vector {
    /// The buffers, once it is known that the answer can be stored.
    fn load(self, guest: &Guest<'_>) -> Result<Vec<Span>, Errno> {
        guest.bytes(self.out, 4)?;
        guest.spans(self.iovs, self.count, MAX_TRANSFER)
    }

    /// Stores how many bytes were moved, which cost `extra` fuel beside their number.
    fn moved(self, ctx: &WasiCtx, guest: &mut Guest<'_>, done: u32, extra: u64) -> Result<(), Errno> {
        ctx.owe(fuel::moved(done.into()).saturating_add(extra));
        guest.write_u32(self.out, done)
    }
}

pub(crate) fn fd_read(ctx: &mut WasiCtx, guest: &mut Guest<'_>, fd: u32, vector: Vector) -> Result<(), Errno> {
    let descriptor = ctx.table.with(fd, Rights::FD_READ)?;
    let spans = vector.load(guest)?;
    let done = match &descriptor.kind {
        Kind::Stream(Stream::Input) => {
            let stdin = &mut ctx.stdin;
            scatter(guest, &spans, |buf, _| stdin.read(buf).map(|count| count.min(buf.len())))?
        }
        Kind::Stream(Stream::Output | Stream::Error) => return Err(Errno::Badf),
        Kind::File(handle) => scatter(guest, &spans, |buf, _| Ok(retry(|| rustix::io::read(handle.fd(), &mut *buf))?))?,
        Kind::Directory(_) => return Err(Errno::Isdir),
    };
    vector.moved(ctx, guest, done, 0)
}

pub(crate) fn fd_pread(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    vector: Vector,
    offset: u64,
) -> Result<(), Errno> {
    let descriptor = ctx.table.get(fd)?;
    let handle = descriptor.file()?;
    descriptor.require(Rights::FD_READ | Rights::FD_SEEK)?;
    let spans = vector.load(guest)?;
    in_file(offset, 0)?;
    let done = scatter(guest, &spans, |buf, at| {
        let Ok(from) = in_file(offset, at) else {
            return Ok(0);
        };
        Ok(retry(|| rustix::io::pread(handle.fd(), &mut *buf, from))?)
    })?;
    vector.moved(ctx, guest, done, 0)
}

pub(crate) fn fd_write(ctx: &mut WasiCtx, guest: &mut Guest<'_>, fd: u32, vector: Vector) -> Result<(), Errno> {
    let now = ctx.now();
    let descriptor = ctx.table.with(fd, Rights::FD_WRITE)?;
    let spans = vector.load(guest)?;
    let (done, extra) = match &descriptor.kind {
        Kind::Stream(Stream::Output) => (gather(guest, &spans, |bytes| ctx.stdout.write(bytes))?, 0),
        Kind::Stream(Stream::Error) => (gather(guest, &spans, |bytes| ctx.stderr.write(bytes))?, 0),
        Kind::Stream(Stream::Input) => return Err(Errno::Badf),
        Kind::File(handle) => write(descriptor, handle, guest, &spans, None, now)?,
        Kind::Directory(_) => return Err(Errno::Isdir),
    };
    vector.moved(ctx, guest, done, extra)
}

pub(crate) fn fd_pwrite(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    vector: Vector,
    offset: u64,
) -> Result<(), Errno> {
    let now = ctx.now();
    let descriptor = ctx.table.get(fd)?;
    let handle = descriptor.file()?;
    descriptor.require(Rights::FD_WRITE | Rights::FD_SEEK)?;
    let spans = vector.load(guest)?;
    let (done, extra) = write(descriptor, handle, guest, &spans, Some(offset), now)?;
    vector.moved(ctx, guest, done, extra)
}

pub(crate) fn fd_seek(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    offset: i64,
    whence: u32,
    out: u32,
) -> Result<(), Errno> {
    let whence = Whence::parse(whence)?;
    let descriptor = ctx.table.get(fd)?;
    let handle = descriptor.file()?;
    // Asking where one is takes the lesser right.
    let needed = match (whence, offset) {
        (Whence::Current, 0) if !descriptor.base.contains(Rights::FD_SEEK) => Rights::FD_TELL,
        _ => Rights::FD_SEEK,
    };
    descriptor.require(needed)?;
    guest.bytes(out, 8)?;
    let to = match whence {
        Whence::Set => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
        Whence::Current => SeekFrom::Current(offset),
        Whence::End => SeekFrom::End(offset),
    };
    let position = rustix::fs::seek(handle.fd(), to)?;
    guest.write_u64(out, position)
}

pub(crate) fn fd_tell(ctx: &mut WasiCtx, guest: &mut Guest<'_>, fd: u32, out: u32) -> Result<(), Errno> {
    let descriptor = ctx.table.get(fd)?;
    let handle = descriptor.file()?;
    // The right to seek implies the right to tell.
    if !descriptor.base.intersects(Rights::FD_TELL | Rights::FD_SEEK) {
        return Err(Errno::Notcapable);
    }
    guest.bytes(out, 8)?;
    let position = rustix::fs::tell(handle.fd())?;
    guest.write_u64(out, position)
}

/// Whether a call on `fd` that answered `EAGAIN` is to wait for its stream instead.
pub(crate) fn waits(ctx: &WasiCtx, fd: u32) -> bool {
    ctx.table.get(fd).is_ok_and(|descriptor| {
        matches!(descriptor.kind, Kind::Stream(_)) && !descriptor.flags.contains(FdFlags::NONBLOCK)
    })
}

/// The file offset `from + more`, if there can be one.
fn in_file(from: u64, more: u64) -> Result<u64, Errno> {
    from.checked_add(more).filter(|at| i64::try_from(*at).is_ok()).ok_or(Errno::Inval)
}

fn retry<R>(mut call: impl FnMut() -> rustix::io::Result<R>) -> rustix::io::Result<R> {
    rustix::io::retry_on_intr(&mut call)
}

/// Fills `spans` in order until one comes up short. An error after the first byte is left for the next call.
fn scatter(
    guest: &mut Guest<'_>,
    spans: &[Span],
    mut read: impl FnMut(&mut [u8], u64) -> Result<usize, Errno>,
) -> Result<u32, Errno> {
    let mut done = 0_usize;
    for span in spans {
        let buf = guest.at_mut(*span)?;
        match read(buf, done as u64) {
            Ok(count) => {
                done += count;
                if count < buf.len() {
                    break;
                }
            }
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    // At most MAX_TRANSFER.
    Ok(done as u32)
}

/// Hands out `spans` in order until one is not taken whole.
fn gather(
    guest: &Guest<'_>,
    spans: &[Span],
    mut write: impl FnMut(&[u8]) -> Result<usize, Errno>,
) -> Result<u32, Errno> {
    let mut done = 0_usize;
    for span in spans {
        let bytes = guest.at(*span)?;
        match write(bytes) {
            Ok(count) => {
                done += count.min(bytes.len());
                if count < bytes.len() {
                    break;
                }
            }
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done as u32)
}

/// Writes `spans` at `offset` or at the file's own position, within the quota. Answers bytes written and fuel owed.
fn write(
    descriptor: &Descriptor,
    handle: &Handle,
    guest: &Guest<'_>,
    spans: &[Span],
    offset: Option<u64>,
    now: u64,
) -> Result<(u32, u64), Errno> {
    if let Some(offset) = offset {
        in_file(offset, 0)?;
    }
    let mut slices = Vec::with_capacity(spans.len());
    for span in spans {
        slices.push(guest.at(*span)?);
    }
    let root = handle.root();
    let done = match root.volume.open(root.fd())? {
        None => write_host(handle, &slices, offset)?,
        Some(mut ledger) => {
            let before = Meta::of(handle.fd())?;
            let append = descriptor.flags.contains(FdFlags::APPEND);
            let start = match offset {
                _ if append => before.size,
                Some(offset) => offset,
                None => rustix::fs::tell(handle.fd())?,
            };
            let len: u64 = slices.iter().map(|slice| slice.len() as u64).sum();
            if len == 0 {
                return Ok((0, 0));
            }
            let end = in_file(start, len).map_err(|_| Errno::Fbig)?;
            let growth = end.saturating_sub(before.size);
            let reachable = before.size.saturating_add(ledger.room(growth));
            // What fits is written; where nothing does, the quota is the answer.
            let fits = len.min(reachable.saturating_sub(start));
            if fits == 0 {
                return Err(Errno::Dquot);
            }
            clip(&mut slices, fits as usize);
            let done = write_host(handle, &slices, offset)?;
            let after = Meta::of(handle.fd())?;
            ledger.resized(before.key, before.size, after.size, now);
            done
        }
    };
    Ok((done as u32, sync_after(descriptor, handle)?))
}

fn write_host(handle: &Handle, slices: &[&[u8]], offset: Option<u64>) -> Result<usize, Errno> {
    Ok(match (slices, offset) {
        ([one], None) => retry(|| rustix::io::write(handle.fd(), one))?,
        ([one], Some(at)) => retry(|| rustix::io::pwrite(handle.fd(), one, at))?,
        (many, None) => {
            // One call, so that what is appended stays together. At most 1,024 slices, which every host takes.
            let many: Vec<_> = many.iter().map(|slice| IoSlice::new(slice)).collect();
            retry(|| rustix::io::writev(handle.fd(), &many))?
        }
        (many, Some(at)) => {
            let mut done = 0;
            for slice in many {
                let count = match retry(|| rustix::io::pwrite(handle.fd(), slice, at + done as u64)) {
                    Err(error) if done == 0 => return Err(error.into()),
                    count => count.unwrap_or(0),
                };
                done += count;
                if count < slice.len() {
                    break;
                }
            }
            done
        }
    })
}

/// Cuts `slices` down to `len` bytes in total.
fn clip(slices: &mut Vec<&[u8]>, len: usize) {
    let mut left = len;
    slices.retain_mut(|slice| {
        *slice = &slice[..slice.len().min(left)];
        left -= slice.len();
        !slice.is_empty()
    });
}

/// Keeps the promise of the synchronous flags. Answers fuel owed.
fn sync_after(descriptor: &Descriptor, handle: &Handle) -> Result<u64, Errno> {
    if descriptor.flags.contains(FdFlags::SYNC) {
        rustix::fs::fsync(handle.fd())?;
    } else if descriptor.flags.contains(FdFlags::DSYNC) {
        super::file::datasync(handle)?;
    } else {
        return Ok(0);
    }
    Ok(fuel::SYNC)
}
