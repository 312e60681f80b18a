//! `args_*` and `environ_*`.

use crate::Errno;
use crate::abi::memory::Guest;
use crate::ctx::{Strings, WasiCtx};
use crate::fuel;

pub(crate) fn args_get(ctx: &mut WasiCtx, guest: &mut Guest<'_>, argv: u32, buf: u32) -> Result<(), Errno> {
    ctx.meter().spend(price(&ctx.args))?;
    get(&ctx.args, guest, argv, buf)
}

pub(crate) fn args_sizes_get(ctx: &mut WasiCtx, guest: &mut Guest<'_>, count: u32, size: u32) -> Result<(), Errno> {
    sizes(&ctx.args, guest, count, size)
}

pub(crate) fn environ_get(ctx: &mut WasiCtx, guest: &mut Guest<'_>, environ: u32, buf: u32) -> Result<(), Errno> {
    ctx.meter().spend(price(&ctx.env))?;
    get(&ctx.env, guest, environ, buf)
}

pub(crate) fn environ_sizes_get(ctx: &mut WasiCtx, guest: &mut Guest<'_>, count: u32, size: u32) -> Result<(), Errno> {
    sizes(&ctx.env, guest, count, size)
}

fn price(strings: &Strings) -> u64 {
    fuel::moved(strings.bytes.len() as u64).saturating_add(fuel::STRING.saturating_mul(strings.starts.len() as u64))
}

fn get(strings: &Strings, guest: &mut Guest<'_>, pointers: u32, buf: u32) -> Result<(), Errno> {
    // Both in range before either is written: the builder's limit keeps lengths far below 4 GiB.
    let len = strings.bytes.len() as u32;
    guest.bytes(pointers, strings.starts.len() as u32 * 4)?;
    guest.bytes(buf, len)?;
    guest.write(buf, &strings.bytes)?;
    for (at, start) in (pointers..).step_by(4).zip(&strings.starts) {
        guest.write_u32(at, buf + start)?;
    }
    Ok(())
}

fn sizes(strings: &Strings, guest: &mut Guest<'_>, count: u32, size: u32) -> Result<(), Errno> {
    guest.bytes(size, 4)?;
    guest.write_u32(count, strings.starts.len() as u32)?;
    guest.write_u32(size, strings.bytes.len() as u32)
}
