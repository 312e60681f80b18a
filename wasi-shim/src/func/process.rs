//! `proc_raise`; `proc_exit` and `sched_yield` need no state.

use crate::Errno;
use crate::trap::Trap;

/// What raising `signal` does: nothing, or the trap that ends the guest.
pub(crate) fn proc_raise(signal: u32) -> Result<Option<Trap>, Errno> {
    match signal {
        // None, and those whose default action is to be ignored or to go on: CHLD, CONT, URG, WINCH.
        0 | 16 | 17 | 22 | 27 => Ok(None),
        // STOP, TSTP, TTIN, TTOU: there is nobody who could let the guest go on.
        18..=21 => Err(Errno::Notsup),
        1..=30 => Ok(Some(Trap::Signal(signal as u8))),
        _ => Err(Errno::Inval),
    }
}

#[cfg(test)]
mod tests {
    use super::proc_raise;
    use crate::{Errno, Trap};

    #[test]
    fn a_signal_ends_the_guest_only_where_it_ends_a_process() {
        assert_eq!(proc_raise(0), Ok(None));
        assert_eq!(proc_raise(16), Ok(None));
        assert_eq!(proc_raise(6), Ok(Some(Trap::Signal(6))));
        assert_eq!(proc_raise(18), Err(Errno::Notsup));
        assert_eq!(proc_raise(31), Err(Errno::Inval));
    }
}
