//! What host work costs, in fuel: each function takes an amount of work and returns its price.
//!
//! The engine's own unit is about one operator, or 0.3 to 1 ns of interpreted code; these figures follow it, rounded up, so
//! that no mix of calls buys more time than computing does: `cargo bench -p wasi-shim --bench prices` measures each of them.
//! They are part of recorded runs: a change changes fuel counts.

use crate::limits::{MAX_IOVECS, MAX_PATH, MAX_SUBSCRIPTIONS};

/// A call that only looks at memory or the descriptor table.
pub(crate) const TABLE: u64 = 100;

/// A call with one or two system calls on an open descriptor.
pub(crate) const SYSCALL: u64 = 1_500;

/// A call that writes to a file or changes its size.
pub(crate) const CHANGE: u64 = 3_000;

/// A call that acts on a path, beside the steps to get there.
pub(crate) const PATH: u64 = 3_000;

/// A call that changes the tree, beside the steps to get there. Where a journal is kept, it is written as well: a file system
/// on a disk takes 50 to 350 µs for a new name. What a directory that grew costs when it goes is in the price of what made it grow.
pub(crate) const TREE: u64 = 200_000;

/// A call that waits for the disk.
pub(crate) const SYNC: u64 = 1_000_000;

/// A directory that is read from its beginning, or looked through for whether it is empty. What it held once can make it long
/// although it holds nothing now: one that held 10,000 names takes ext4 about a millisecond.
pub(crate) const LISTING: u64 = 300_000;

/// One entry of a directory that is read.
pub(crate) const ENTRY: u64 = 2_000;

/// One entry of a directory that is measured for its quota.
pub(crate) const MEASURED: u64 = 2_000;

/// One entry that is handed out, beside its bytes.
pub(crate) const HANDED: u64 = 20;

/// One argument or environment variable, beside its bytes.
pub(crate) const STRING: u64 = 20;

/// The buffers of one call: each after the first is a system call of its own.
pub(crate) const fn vectors(count: u32) -> u64 {
    // More are refused without a look at them.
    if count > MAX_IOVECS { 0 } else { (count as u64).saturating_sub(1).saturating_mul(1_000) }
}

/// The subscriptions of one call.
pub(crate) const fn subscriptions(count: u32) -> u64 {
    if count > MAX_SUBSCRIPTIONS { 0 } else { (count as u64).saturating_mul(1_500) }
}

/// Components resolved, those of the symbolic links on the way included: 40 links can make tens of thousands of one path.
///
/// They are counted as written and not as walked, so that fuel does not tell one resolver from the other.
pub(crate) const fn walked(steps: u64) -> u64 {
    steps.saturating_mul(1_000)
}

/// The text of a path, which is checked and hashed.
pub(crate) const fn path(bytes: u32) -> u64 {
    // What is longer than any path is not looked at.
    if bytes as usize > MAX_PATH { 0 } else { bytes as u64 }
}

/// Bytes read or copied for one unit.
pub(crate) const MOVED: u64 = 4;

/// Bytes read or copied, or set aside for a file.
pub(crate) const fn moved(bytes: u64) -> u64 {
    bytes / MOVED
}

/// Bytes written to a file for one unit: the host will write them once more, to its disk.
pub(crate) const WRITTEN: u64 = 2;

/// Bytes written to a file.
pub(crate) const fn written(bytes: u64) -> u64 {
    bytes / WRITTEN
}

/// Bytes of a file that are given back when it shrinks or goes.
pub(crate) const fn freed(bytes: u64) -> u64 {
    bytes / 8
}

/// Fuel for bytes that ext4 sends to the disk now: what a descriptor wrote, when it is closed; the whole size of a file, when it
/// takes the place of another.
pub(crate) const fn flushed(bytes: u64) -> u64 {
    bytes / 16
}

/// Random bytes cost more than copied ones.
pub(crate) const fn random(bytes: u64) -> u64 {
    bytes.saturating_mul(2)
}

/// Bytes moved by one call at most; the rest is for the next call, as everywhere a read or write may be short.
pub(crate) const MAX_TRANSFER: usize = 1 << 20;

/// Bytes that `fuel` pays for, where a unit pays for `each`.
pub(crate) fn affords(fuel: u64, each: u64) -> usize {
    usize::try_from(fuel.saturating_mul(each)).unwrap_or(usize::MAX).min(MAX_TRANSFER)
}
