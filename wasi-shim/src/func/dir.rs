//! `fd_readdir`.

use crate::Errno;
use crate::abi::Rights;
use crate::abi::memory::Guest;
use crate::abi::types::dirent;
use crate::ctx::WasiCtx;
use crate::fuel;
use crate::listing::Listing;
use crate::table::Kind;

pub(crate) fn fd_readdir(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    (buf, len): (u32, u32),
    cookie: u64,
    out: u32,
) -> Result<(), Errno> {
    guest.bytes(buf, len)?;
    guest.bytes(out, 4)?;
    let used = list(ctx, guest, fd, (buf, len), cookie)?;
    guest.write_u32(out, used)
}

/// Fills the buffer with entries from `cookie` on and says how many bytes that took.
fn list(ctx: &mut WasiCtx, guest: &mut Guest<'_>, fd: u32, (buf, len): (u32, u32), cookie: u64) -> Result<u32, Errno> {
    let listed = ctx.table.listed_bytes();
    let meter = &ctx.call.meter;
    let descriptor = ctx.table.get_mut(fd)?;
    descriptor.directory()?;
    descriptor.require(Rights::FD_READDIR)?;
    let Kind::Directory(directory) = &mut descriptor.kind else {
        return Err(Errno::Notdir);
    };
    if !directory.allowed(meter)?.read {
        return Err(ctx.call.denied.scope(directory.trail.as_ref(), false));
    }
    if cookie == 0 {
        directory.listing = None;
    }
    let listing = match &mut directory.listing {
        Some(listing) => listing,
        none => {
            let listing = Listing::take(&directory.handle, ctx.listing_bytes.saturating_sub(listed), meter)?;
            none.insert(listing)
        }
    };
    let window = guest.bytes_mut(buf, len)?;
    let mut used = 0;
    for (next, entry) in listing.from(cookie) {
        let head = dirent(next, entry.ino, entry.name.len() as u32, entry.filetype);
        meter.spend(fuel::HANDED.saturating_add(fuel::moved((head.len() + entry.name.len()) as u64)))?;
        // An entry that does not fit is cut; a full buffer tells the program that there is more.
        used += fill(window, used, &head);
        used += fill(window, used, &entry.name);
        if used == window.len() {
            break;
        }
    }
    Ok(used as u32) // at most len
}

/// Copies what fits of `bytes` into `window` at `used`, and says how much that is.
fn fill(window: &mut [u8], used: usize, bytes: &[u8]) -> usize {
    let rest = window.get_mut(used..).unwrap_or_default();
    let count = rest.len().min(bytes.len());
    rest[..count].copy_from_slice(&bytes[..count]);
    count
}
