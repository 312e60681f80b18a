//! The entries of a directory, read once and then handed out by cookie.
//!
//! `fd_readdir` with cookie 0 takes a new listing; every other cookie is a position in it. So cookies stay valid, and an
//! entry is neither lost nor seen twice, whatever is created or removed meanwhile.

use rustix::fs::{Dir, Mode, OFlags};

use crate::Errno;
use crate::abi::types::FileType;
use crate::ctx::Meter;
use crate::fuel;
use crate::meta::Meta;
use crate::root::Root;
use crate::table::Handle;

/// What an entry counts for beside its name: no less than it takes, and the same whatever the width of a pointer, so that
/// what a guest can list does not depend on the machine.
const ENTRY_BYTES: usize = 64;
const _: () = assert!(core::mem::size_of::<Entry>() <= ENTRY_BYTES);

/// One entry of a directory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Box<[u8]>,
    pub(crate) ino: u64,
    pub(crate) filetype: FileType,
}

/// All entries of a directory at one time.
#[derive(Debug)]
pub(crate) struct Listing {
    entries: Vec<Entry>,
    bytes: usize,
}

impl Listing {
    /// Reads the directory, holding no more than `budget` bytes and paying for each entry. Where they are too many to be
    /// held it pays for the most that could be, because how far one gets depends on the host's order.
    pub(crate) fn take(handle: &Handle, budget: usize, meter: &Meter) -> Result<Self, Errno> {
        let root = handle.root();
        let here = Meta::of(handle.fd())?;
        let top = Meta::of(root.fd())?.key == here.key;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        meter.spend(fuel::LISTING)?;
        let mut paid = 0;
        let mut dir = Dir::new(rustix::fs::openat(handle.fd(), ".", flags, Mode::empty())?)?;
        let settled = root.volume.is_settled();
        let mut listing = Self { entries: Vec::new(), bytes: 0 };
        let mut above = here.key;
        while let Some(entry) = dir.read() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            match name {
                // What is above the preopened directory is not the guest's to know: it is its own parent, like `/`.
                b".." if !top => above = (here.key.0, entry.ino()),
                b"." | b".." => {}
                name => {
                    meter.spend(fuel::ENTRY)?;
                    paid += 1;
                    let host_type = match entry.file_type() {
                        // Some file systems do not say.
                        rustix::fs::FileType::Unknown => {
                            Meta::at(handle.fd(), name).map_or(FileType::Unknown, |meta| meta.filetype)
                        }
                        known => known.into(),
                    };
                    if let Err(full) = listing.push(name, entry.ino(), host_type, budget) {
                        let most = (budget / ENTRY_BYTES) as u64 + 1;
                        meter.spend(fuel::ENTRY.saturating_mul(most.saturating_sub(paid)))?;
                        return Err(full);
                    }
                }
            }
        }
        // In what order a file system keeps its entries is its own affair.
        listing.entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let dots = [(&b"."[..], here.key.1), (b"..", above.1)];
        for (at, (name, ino)) in dots.into_iter().enumerate() {
            listing.entries.insert(at, Entry { name: name.into(), ino, filetype: FileType::Directory });
        }
        if settled {
            listing.number(handle, root, above)?;
        }
        Ok(listing)
    }

    fn push(&mut self, name: &[u8], ino: u64, filetype: FileType, budget: usize) -> Result<(), Errno> {
        self.bytes += ENTRY_BYTES + name.len();
        if self.bytes > budget {
            return Err(Errno::Nomem);
        }
        self.entries.push(Entry { name: name.into(), ino, filetype });
        Ok(())
    }

    /// Replaces the host's inode numbers by the view's, in the order of the listing.
    fn number(&mut self, handle: &Handle, root: &Root, above: (u64, u64)) -> Result<(), Errno> {
        let here = Meta::of(handle.fd())?.key;
        for entry in &mut self.entries {
            let key = match &*entry.name {
                b"." => here,
                b".." => above,
                // Asked again: a mount point's entry carries the inode of what it covers.
                name => match Meta::at(handle.fd(), name) {
                    Ok(meta) => meta.key,
                    Err(_) => (here.0, entry.ino),
                },
            };
            entry.ino = root.volume.inode(key);
        }
        Ok(())
    }

    /// The entries from `cookie` on, each with the cookie of the one after it.
    pub(crate) fn from(&self, cookie: u64) -> impl Iterator<Item = (u64, &Entry)> {
        let start = usize::try_from(cookie).unwrap_or(usize::MAX).min(self.entries.len());
        let rest = self.entries.get(start..).unwrap_or_default();
        (start as u64 + 1..).zip(rest)
    }

    /// Memory held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}
