//! How much memory a module begins with.
//!
//! The engine fills a memory with zeros when it is made, which makes all of it resident at once: 4 GiB for a module that only declares
//! them. A large memory therefore begins with what its data segments need and grows, before anything runs, piece by piece to what was
//! declared; the pages of each piece are given back while they hold nothing.

use wasmi::{AsContextMut, Memory};

use super::shape::Shape;
use crate::sandbox::memory::PAGE;
use crate::sandbox::memory::reclaim::release_fresh_pages;

/// Pages that are made at once: 16 MiB.
const PIECE: u64 = 256;

/// Pages a memory may have.
const MOST: u64 = 65_536;

/// Pages to begin with, where that are fewer than the module declares.
pub(super) fn reduced(shape: &Shape<'_>) -> Option<u64> {
    let memory = shape.memory.filter(|memory| shape.memories == 1 && !memory.memory64 && !memory.shared)?;
    if shape.memory_is_used || memory.page_size_log2.is_some() || memory.initial <= PIECE {
        return None;
    }
    // What no memory may be the engine has to see as it is.
    if memory.initial > MOST || memory.maximum.is_some_and(|maximum| maximum < memory.initial) {
        return None;
    }
    let needed = shape.data_end.div_ceil(PAGE).max(1);
    (needed < memory.initial).then_some(needed)
}

/// Grows `memory` by `pages`; whether there was room for them.
pub(in crate::sandbox) fn grow_deferred(mut store: impl AsContextMut, memory: Memory, pages: u64) -> bool {
    let mut left = pages;
    while left > 0 {
        let piece = left.min(PIECE);
        let before = memory.data_size(&store);
        if memory.grow(&mut store, piece).is_err() {
            return false;
        }
        if let Some(fresh) = memory.data_mut(&mut store).get_mut(before..) {
            release_fresh_pages(fresh);
        }
        left -= piece;
    }
    true
}
