//! `random_get`.

use crate::Errno;
use crate::abi::memory::Guest;
use crate::ctx::WasiCtx;
use crate::fuel;

pub(crate) fn random_get(ctx: &mut WasiCtx, guest: &mut Guest<'_>, buf: u32, len: u32) -> Result<(), Errno> {
    // In place: however much is asked for, nothing is allocated.
    let bytes = guest.bytes_mut(buf, len)?;
    ctx.call.meter.spend(fuel::random(len.into()))?;
    let entropy = ctx.entropy.as_mut().ok_or(Errno::Nosys)?;
    entropy.fill(bytes);
    Ok(())
}
