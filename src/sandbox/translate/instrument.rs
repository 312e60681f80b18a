//! What is running when a program is stopped. The engine does not say, so the program keeps an account itself.
//!
//! A function begins by noting its number above those of its callers, and ends by taking the note back. The notes lie in a memory of
//! their own, appended after all others; a global says how many bytes of them count. The body stands in a block, so that whatever
//! leaves it comes past the end; a function that goes on as another takes its note back before.

use wasmi::{AsContext, Global, Instance, Memory};

use super::encode::{leb, leb_signed};
use crate::sandbox::memory::reclaim::release_fresh_pages;

/// Names of the two exports; a module that has them already keeps no account.
pub(super) const DEPTH: &str = "conductor:depth";
pub(super) const NOTES: &str = "conductor:notes";

/// Frames there is room for beyond those that a guest may have: the last is entered before it is found to be too many.
const SPARE: u32 = 16;

/// Numbers of the global and the memory that are appended for the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) depth: u32,
    pub(super) notes: u32,
    /// Bytes of that memory.
    pub(super) bytes: u32,
}

impl Account {
    /// An account of calls up to `frames` deep.
    pub(super) fn new(depth: u32, notes: u32, frames: u32) -> Self {
        // An odd number, which no memory of a plugin's own has: that tells them apart ([`crate::sandbox::limits`]).
        Self { depth, notes, bytes: frames.saturating_add(SPARE).saturating_mul(4) | 1 }
    }

    /// Appends the type of the memory with the notes: as many bytes as there are, never more, in pages of one byte. Pages of the
    /// usual size would be sixteen times what a plugin's calls need, for each instance.
    pub(super) fn memory(self, out: &mut Vec<u8>) {
        out.push(0x09); // with a maximum, and a page size of its own
        leb(out, self.bytes);
        leb(out, self.bytes);
        out.push(0); // log2 of the page size
    }

    /// Appends what comes before a body: the note of `function`. The depth before it is kept in `local`.
    pub(super) fn enter(self, out: &mut Vec<u8>, function: u32, local: u32) {
        out.push(0x23); // global.get
        leb(out, self.depth);
        out.push(0x22); // local.tee
        leb(out, local);
        out.push(0x41); // i32.const
        leb_signed(out, function.cast_signed());
        out.extend_from_slice(&[0x36, 0x42]); // i32.store, aligned to 4, with the number of a memory
        leb(out, self.notes);
        out.push(0); // offset
        out.push(0x20); // local.get
        leb(out, local);
        out.extend_from_slice(&[0x41, 4, 0x6a, 0x24]); // i32.const 4, i32.add, global.set
        leb(out, self.depth);
    }

    /// Appends what takes the note back.
    pub(super) fn leave(self, out: &mut Vec<u8>, local: u32) {
        out.push(0x20); // local.get
        leb(out, local);
        out.push(0x24); // global.set
        leb(out, self.depth);
    }
}

/// The account that a running instance keeps.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Shadow {
    depth: Global,
    notes: Memory,
}

impl Shadow {
    /// That of `instance`, when its module was prepared to keep one.
    pub(in crate::sandbox) fn of(store: impl AsContext, instance: Instance) -> Option<Self> {
        let store = store.as_context();
        Some(Self { depth: instance.get_global(store, DEPTH)?, notes: instance.get_memory(store, NOTES)? })
    }

    /// Gives the memory with the notes back to the system, where nothing has been noted in it yet.
    pub(in crate::sandbox) fn release<T: 'static>(&self, store: &mut wasmi::Store<T>) {
        release_fresh_pages(self.notes.data_mut(store));
    }

    /// How many functions are running.
    pub(in crate::sandbox) fn count(&self, store: impl AsContext) -> usize {
        (self.depth.get(store).i32().unwrap_or(0).cast_unsigned() / 4) as usize
    }

    /// Number of the function that is running, and of those that called it: the innermost first.
    pub(in crate::sandbox) fn running<'a, T: 'a>(
        &self,
        store: impl Into<wasmi::StoreContext<'a, T>>,
    ) -> impl Iterator<Item = u32> + 'a {
        let store = store.into();
        let count = self.count(store);
        let notes = self.notes.data(store);
        (0..count).rev().map_while(move |position| {
            let at = position.checked_mul(4)?;
            let bytes = notes.get(at..at.checked_add(4)?)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        })
    }
}
