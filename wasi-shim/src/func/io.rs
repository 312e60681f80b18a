//! Data and offsets: `fd_read`, `fd_write`, `fd_pread`, `fd_pwrite`, `fd_seek`, `fd_tell`.

use std::io::IoSlice;

use rustix::fs::SeekFrom;

use crate::Errno;
use crate::abi::Rights;
use crate::abi::memory::{Guest, Span};
use crate::abi::types::{FdFlags, Whence};
use crate::ctx::{Meter, WasiCtx};
use crate::fuel;
use crate::limits::{self, MAX_FILE};
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
    /// The buffers, once it is known that the answer can be stored; no more bytes than fuel is there for, where a unit pays
    /// for `each`.
    fn load(self, guest: &Guest<'_>, meter: &Meter, each: u64) -> Result<Vec<Span>, Errno> {
        guest.bytes(self.out, 4)?;
        guest.spans(self.iovs, self.count, fuel::affords(meter.left(), each))
    }

    /// Pays for the bytes that were moved, at `price`, and stores how many.
    fn moved(self, meter: &Meter, guest: &mut Guest<'_>, done: u32, price: u64) -> Result<(), Errno> {
        meter.spend(price)?;
        guest.write_u32(self.out, done)
    }
}

pub(crate) fn fd_read(ctx: &mut WasiCtx, guest: &mut Guest<'_>, fd: u32, vector: Vector) -> Result<(), Errno> {
    let descriptor = ctx.table.with(fd, Rights::FD_READ)?;
    let meter = &ctx.call.meter;
    let spans = vector.load(guest, meter, fuel::MOVED)?;
    let done = match &descriptor.kind {
        Kind::Stream(Stream::Input) => {
            let stdin = &mut ctx.stdin;
            scatter(guest, &spans, |buf, _| stdin.read(buf).map(|count| count.min(buf.len())))?
        }
        Kind::Stream(Stream::Output | Stream::Error) => return Err(Errno::Badf),
        Kind::File(handle) => scatter(guest, &spans, |buf, _| Ok(retry(|| rustix::io::read(handle.fd(), &mut *buf))?))?,
        Kind::Directory(_) => return Err(Errno::Isdir),
    };
    vector.moved(meter, guest, done, fuel::moved(done.into()))
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
    let meter = ctx.meter();
    let spans = vector.load(guest, meter, fuel::MOVED)?;
    limits::offset(offset, 0)?;
    let done = scatter(guest, &spans, |buf, at| {
        // Past the longest file there is nothing to be read, and hosts disagree on whether one may try.
        if offset.saturating_add(at) >= MAX_FILE {
            return Ok(0);
        }
        Ok(retry(|| rustix::io::pread(handle.fd(), &mut *buf, offset + at))?)
    })?;
    vector.moved(meter, guest, done, fuel::moved(done.into()))
}

pub(crate) fn fd_write(ctx: &mut WasiCtx, guest: &mut Guest<'_>, fd: u32, vector: Vector) -> Result<(), Errno> {
    let now = ctx.now();
    let descriptor = ctx.table.with(fd, Rights::FD_WRITE)?;
    let meter = &ctx.call.meter;
    let done = match &descriptor.kind {
        Kind::Stream(Stream::Input) => return Err(Errno::Badf),
        Kind::Directory(_) => return Err(Errno::Isdir),
        Kind::Stream(stream) => {
            let spans = vector.load(guest, meter, fuel::MOVED)?;
            let sink = if *stream == Stream::Output { &mut ctx.stdout } else { &mut ctx.stderr };
            let done = gather(guest, &spans, |bytes| sink.write(bytes))?;
            return vector.moved(meter, guest, done, fuel::moved(done.into()));
        }
        Kind::File(handle) => {
            meter.spend(fuel::CHANGE)?;
            write(descriptor, handle, guest, vector, None, now, meter)?
        }
    };
    vector.moved(meter, guest, done, fuel::written(done.into()))
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
    let meter = ctx.meter();
    let done = write(descriptor, handle, guest, vector, Some(offset), now, meter)?;
    vector.moved(meter, guest, done, fuel::written(done.into()))
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
    let from = match whence {
        Whence::Set => 0,
        Whence::Current => rustix::fs::tell(handle.fd())?,
        Whence::End => Meta::of(handle.fd())?.size,
    };
    // Where a file can end is for this crate to say: every host has a limit of its own.
    let position = from.checked_add_signed(offset).filter(|to| *to <= MAX_FILE).ok_or(Errno::Inval)?;
    rustix::fs::seek(handle.fd(), SeekFrom::Start(position))?;
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

/// Writes `vector` at `offset` or at the file's own position, within the quota. Answers how many bytes.
fn write(
    descriptor: &Descriptor,
    handle: &Handle,
    guest: &Guest<'_>,
    vector: Vector,
    offset: Option<u64>,
    now: u64,
    meter: &Meter,
) -> Result<u32, Errno> {
    if let Some(offset) = offset {
        limits::offset(offset, 0)?;
    }
    let root = handle.root();
    let synced = !root.volume.is_settled()
        && (descriptor.flags.contains(FdFlags::SYNC) || descriptor.flags.contains(FdFlags::DSYNC));
    if synced {
        meter.spend(fuel::SYNC)?;
    }
    let mut ledger = root.volume.open(root.fd(), meter)?;
    // Last of what costs, so that the bytes can be paid for.
    let spans = vector.load(guest, meter, fuel::WRITTEN)?;
    let mut slices = Vec::with_capacity(spans.len());
    for span in &spans {
        slices.push(guest.at(*span)?);
    }
    let len: u64 = slices.iter().map(|slice| slice.len() as u64).sum();
    if len == 0 {
        return Ok(0);
    }
    let before = Meta::of(handle.fd())?;
    let start = match offset {
        _ if descriptor.flags.contains(FdFlags::APPEND) => before.size,
        Some(offset) => offset,
        None => rustix::fs::tell(handle.fd())?,
    };
    let mut fits = limits::writable(start, len)?;
    if let Some(ledger) = &ledger {
        let growth = (start + fits).saturating_sub(before.size);
        let reachable = before.size.saturating_add(ledger.room(growth));
        // What fits is written; where nothing does, the quota is the answer.
        fits = fits.min(reachable.saturating_sub(start));
        if fits == 0 {
            return Err(Errno::Dquot);
        }
    }
    clip(&mut slices, fits as usize);
    let done = write_host(handle, &slices, offset)?;
    handle.wrote(done as u64);
    if let Some(ledger) = &mut ledger {
        let after = Meta::of(handle.fd())?;
        ledger.resized(before.key, before.size, after.size, now);
    }
    if synced {
        sync_after(descriptor, handle)?;
    }
    Ok(done as u32)
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

/// Keeps the promise of the synchronous flags.
fn sync_after(descriptor: &Descriptor, handle: &Handle) -> Result<(), Errno> {
    if descriptor.flags.contains(FdFlags::SYNC) {
        Ok(rustix::fs::fsync(handle.fd())?)
    } else {
        Ok(super::file::datasync(handle)?)
    }
}
