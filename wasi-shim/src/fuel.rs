//! What host work costs.
//!
//! The engine's own unit is about one operator, or 0.6 to 1 ns of interpreted code; these figures follow it, rounded up, so
//! that no mix of calls buys more time than computing does. They are part of recorded runs: a change changes fuel counts.

/// A call that only looks at memory or the descriptor table.
pub(crate) const TABLE: u64 = 100;

/// A call with one or two system calls on an open descriptor.
pub(crate) const SYSCALL: u64 = 600;

/// A call that acts on a path, beside the steps to get there.
pub(crate) const PATH: u64 = 2_000;

/// A call that changes the tree, beside the steps to get there.
pub(crate) const TREE: u64 = 5_000;

/// A call that waits for the disk.
pub(crate) const SYNC: u64 = 100_000;

/// One entry of a directory that is read.
pub(crate) const ENTRY: u64 = 400;

/// One subscription of `poll_oneoff`.
pub(crate) const SUBSCRIPTION: u64 = 100;

/// Components resolved, those of the symbolic links on the way included: 40 links can make tens of thousands of one path.
///
/// They are counted as written and not as walked, so that fuel does not tell one resolver from the other.
pub(crate) const fn walked(steps: u64) -> u64 {
    steps.saturating_mul(500)
}

/// Bytes read or written: a unit for every four.
pub(crate) const fn moved(bytes: u64) -> u64 {
    bytes / 4
}

/// Space set aside for a file, which is refused for nothing where no file can be that long.
pub(crate) const fn allocated(offset: u64, bytes: u64) -> u64 {
    match offset.checked_add(bytes) {
        Some(end) if end <= i64::MAX as u64 => moved(bytes),
        _ => 0,
    }
}

/// Random bytes cost more than copied ones.
pub(crate) const fn random(bytes: u64) -> u64 {
    bytes.saturating_mul(2)
}

/// Bytes moved by one call at most; the rest is for the next call, as everywhere a read or write may be short.
///
/// It bounds how long a call can go on after the fuel it had has run out (1 MiB is about 0.3 ms).
pub(crate) const MAX_TRANSFER: usize = 1 << 20;
