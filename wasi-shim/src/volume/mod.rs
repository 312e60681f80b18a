//! What is known of a preopened directory beyond what the host knows: quota used, deterministic view, open files.

mod quota;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fd::{AsFd, BorrowedFd};

use crate::Errno;
use crate::abi::types::FileStat;
use crate::ctx::Meter;
use crate::meta::{Meta, NodeKey};
use quota::{Measuring, Usage, pauses};
use view::View;

pub use quota::Quota;

/// The books of a directory: how much of its quota is used, and its deterministic view.
///
/// Each preopen keeps its own unless it is given one. Contexts that open the same directory, at the same time or one
/// after the other, should be given clones of one volume: then the quota holds for all of them together.
#[derive(Clone, Debug, Default)]
pub struct Volume {
    books: Option<Arc<Mutex<Books>>>,
}

#[derive(Debug, Default)]
struct Books {
    quota: Option<Quota>,
    usage: Option<Usage>,
    /// The measuring of what is used, as long as it goes on.
    measuring: Option<Measuring>,
    view: Option<View>,
    /// How many descriptors hold a file open; what they hold keeps its space after its last name is gone.
    held: HashMap<NodeKey, u32>,
}

impl Volume {
    /// A volume without limit that shows files as the host does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits what the directory may hold. What it holds already is measured at the first change.
    #[must_use]
    pub fn with_quota(self, quota: Quota) -> Self {
        self.change(|books| books.quota = Some(quota))
    }

    /// Shows files the same on every machine: see the crate documentation, "Determinism".
    #[must_use]
    pub fn deterministic(self) -> Self {
        self.change(|books| {
            books.view.get_or_insert_default();
        })
    }

    /// Bytes and files counted so far; `None` before the first change, and without a quota.
    pub fn used(&self) -> Option<(u64, u64)> {
        self.books.as_ref().and_then(|books| lock(books).usage).map(|usage| (usage.bytes, usage.files))
    }

    /// Measures the directory anew at the next change, for after it was changed from outside.
    pub fn forget_usage(&self) {
        if let Some(books) = &self.books {
            let mut books = lock(books);
            (books.usage, books.measuring) = (None, None);
        }
    }

    /// Whether the two keep the same books; volumes without books all do.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.books, &other.books) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Books)) -> Self {
        change(&mut lock(self.books.get_or_insert_default()));
        self
    }

    /// Opens the books, having measured the directory if that is still to be done.
    ///
    /// `None`: there is nothing to keep books of.
    pub(crate) fn open(&self, root: BorrowedFd<'_>, meter: &Meter) -> Result<Option<Ledger<'_>>, Errno> {
        let Some(books) = &self.books else {
            return Ok(None);
        };
        let mut books = lock(books);
        if books.quota.is_some() && books.usage.is_none() {
            let mut measuring = match books.measuring.take() {
                Some(begun) => begun,
                None => Measuring::start(root)?,
            };
            match measuring.finish(meter) {
                Ok(usage) => books.usage = Some(usage),
                Err(error) => {
                    books.measuring = Some(measuring).filter(|_| pauses(error));
                    return Err(error);
                }
            }
        }
        Ok(Some(Ledger { books }))
    }

    /// The file as the guest is to see it.
    pub(crate) fn stat(&self, meta: &Meta, dev: u64) -> FileStat {
        match self.books.as_ref().map(lock).as_deref_mut().and_then(|books| books.view.as_mut()) {
            Some(view) => view.stat(meta, dev),
            None => meta.plain(),
        }
    }

    /// The inode number the guest is to see for `key`.
    pub(crate) fn inode(&self, key: NodeKey) -> u64 {
        match self.books.as_ref().map(lock).as_deref_mut().and_then(|books| books.view.as_mut()) {
            Some(view) => view.number(key),
            None => key.1,
        }
    }

    /// Whether directories are to be listed in a settled order.
    pub(crate) fn is_settled(&self) -> bool {
        self.books.as_ref().is_some_and(|books| lock(books).view.is_some())
    }

    /// A descriptor has been opened. The answer is what to hand to [`Volume::released`] when it is closed.
    pub(crate) fn held(&self, fd: impl AsFd) -> Option<NodeKey> {
        let books = self.books.as_ref()?;
        let key = Meta::of(fd).ok()?.key;
        *lock(books).held.entry(key).or_default() += 1;
        Some(key)
    }

    /// A descriptor is about to be closed.
    pub(crate) fn released(&self, key: NodeKey, fd: impl AsFd) {
        let Some(books) = &self.books else { return };
        let mut books = lock(books);
        let last = match books.held.get_mut(&key) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            _ => books.held.remove(&key).is_some(),
        };
        // Directories without a name report a link count of 0 or 1, depending on the file system: their number is
        // dropped when the name goes. Only files hold space.
        if last
            && let Ok(meta) = Meta::of(fd)
            && meta.nlink == 0
        {
            books.gone(&meta);
        }
    }
}

fn lock(books: &Arc<Mutex<Books>>) -> MutexGuard<'_, Books> {
    // A thread that panicked between two lines of bookkeeping leaves counts at most one change behind.
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Books {
    fn gone(&mut self, meta: &Meta) {
        if let Some(usage) = &mut self.usage {
            usage.bytes = usage.bytes.saturating_sub(space(meta));
        }
        if let Some(view) = &mut self.view {
            view.gone(meta.key);
        }
    }
}

/// The bytes a file counts for. Directories count as an entry only.
fn space(meta: &Meta) -> u64 {
    if meta.is_dir() { 0 } else { meta.size }
}

/// The books, open for one operation.
pub(crate) struct Ledger<'a> {
    books: MutexGuard<'a, Books>,
}

impl Ledger<'_> {
    /// How many of `wanted` more bytes fit.
    pub(crate) fn room(&self, wanted: u64) -> u64 {
        match (self.books.quota, self.books.usage) {
            (Some(quota), Some(usage)) => wanted.min(quota.bytes.saturating_sub(usage.bytes)),
            _ => wanted,
        }
    }

    /// Whether one more entry of `bytes` fits.
    pub(crate) fn admit(&self, bytes: u64) -> Result<(), Errno> {
        match (self.books.quota, self.books.usage) {
            (Some(quota), Some(usage)) if usage.files >= quota.files => Err(Errno::Dquot),
            _ if self.room(bytes) < bytes => Err(Errno::Dquot),
            _ => Ok(()),
        }
    }

    /// The file's contents were written and its size went from `before` to `after`.
    pub(crate) fn resized(&mut self, key: NodeKey, before: u64, after: u64, now: u64) {
        if let Some(usage) = &mut self.books.usage {
            usage.bytes = usage.bytes.saturating_sub(before).saturating_add(after);
        }
        if let Some(view) = &mut self.books.view {
            view.written(key, now);
        }
    }

    /// A new file, directory or symbolic link stands in `parent`.
    pub(crate) fn born(&mut self, meta: &Meta, parent: NodeKey, now: u64) {
        if let Some(usage) = &mut self.books.usage {
            usage.files = usage.files.saturating_add(1);
            usage.bytes = usage.bytes.saturating_add(space(meta));
        }
        if let Some(view) = &mut self.books.view {
            view.born(meta.key, now);
            view.written(parent, now);
        }
    }

    /// A further name of a file stands in `parent`.
    pub(crate) fn linked(&mut self, key: NodeKey, parent: NodeKey, now: u64) {
        if let Some(usage) = &mut self.books.usage {
            usage.files = usage.files.saturating_add(1);
        }
        if let Some(view) = &mut self.books.view {
            view.changed(key, now);
            view.written(parent, now);
        }
    }

    /// A name of the file that was `meta` has gone from `parent`.
    pub(crate) fn unlinked(&mut self, meta: &Meta, parent: NodeKey, now: u64) {
        let books = &mut *self.books;
        if let Some(usage) = &mut books.usage {
            usage.files = usage.files.saturating_sub(1);
        }
        let last_name = meta.is_dir() || meta.nlink <= 1;
        if last_name && (meta.is_dir() || !books.held.contains_key(&meta.key)) {
            books.gone(meta);
        } else if let Some(view) = &mut books.view {
            view.changed(meta.key, now);
        }
        if let Some(view) = &mut books.view {
            view.written(parent, now);
        }
    }

    /// A file has moved from one directory to another, or to another name.
    pub(crate) fn moved(&mut self, key: NodeKey, from: NodeKey, to: NodeKey, now: u64) {
        if let Some(view) = &mut self.books.view {
            view.changed(key, now);
            view.written(from, now);
            view.written(to, now);
        }
    }

    /// Times of a file were set; `None` keeps.
    pub(crate) fn timed(&mut self, key: NodeKey, atim: Option<u64>, mtim: Option<u64>, now: u64) {
        if let Some(view) = &mut self.books.view {
            view.timed(key, atim, mtim, now);
        }
    }
}
