//! `clock_*`.

use crate::Errno;
use crate::abi::memory::Guest;
use crate::clock::ClockId;
use crate::ctx::WasiCtx;

pub(crate) fn clock_res_get(ctx: &mut WasiCtx, guest: &mut Guest<'_>, id: u32, out: u32) -> Result<(), Errno> {
    let resolution = ctx.clock.resolution(ClockId::parse(id)?);
    guest.write_u64(out, resolution)
}

pub(crate) fn clock_time_get(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    id: u32,
    _precision: u64,
    out: u32,
) -> Result<(), Errno> {
    let now = ctx.time(ClockId::parse(id)?);
    guest.write_u64(out, now)
}
