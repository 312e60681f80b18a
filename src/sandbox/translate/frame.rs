//! The price of entering a function whose locals have to be zeroed.
//!
//! The engine asks the same for every function and zeroes its locals: 30,000 of them take two microseconds for two units of fuel.
//! Code that does nothing but cost fuel is put in front of such a function; the engine charges for it and translates it to nothing.

/// Locals that are free: zeroing them takes no longer than the rest of a call.
const FREE: u64 = 64;

/// Locals for one unit of fuel: zeroing them takes no longer than two additions.
const PER_FUEL: u64 = 8;

/// Fuel for entering a function with this many locals beyond its parameters; `None` when that is free.
pub(super) fn price(locals: u64) -> Option<u32> {
    (locals >= FREE).then(|| u32::try_from(locals / PER_FUEL).unwrap_or(u32::MAX))
}

/// Appends code that costs `fuel` and is nothing to the engine's translator: a constant, dropped, for each unit.
pub(super) fn encode(out: &mut Vec<u8>, fuel: u32) {
    for _ in 0..fuel {
        out.extend_from_slice(&[0x41, 0x00, 0x1a]); // i32.const 0, drop
    }
}
