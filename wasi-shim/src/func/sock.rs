//! `sock_*`, as in a program that has no socket: a descriptor is either closed or something else.

use crate::Errno;
use crate::ctx::WasiCtx;

/// The answer of every socket call on `fd`.
pub(crate) fn no_socket(ctx: &mut WasiCtx, fd: u32) -> Result<(), Errno> {
    ctx.table.get(fd)?;
    Err(Errno::Notsock)
}
