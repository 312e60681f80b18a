//! Limits of this crate's own.
//!
//! File systems differ in how long a file, a name or the target of a link may be, how many names a file may have and which
//! times they keep; a kernel differs with its word size. A program must not find out which it runs on, so each limit here is
//! no higher than what ext4 with any block size, xfs, btrfs, f2fs, tmpfs and overlayfs have in common, and it is checked
//! before the host is asked.

use crate::Errno;

/// Longest file, and the largest offset in one, in bytes: 1.5 TiB. ext4 ends between 2 TiB and 16 TiB, a 32-bit kernel at
/// 16 TiB.
pub(crate) const MAX_FILE: u64 = 3 << 39;

/// Longest path taken, in bytes: `PATH_MAX` less its NUL.
pub(crate) const MAX_PATH: usize = 4095;

/// Longest name of one file or directory, in bytes.
pub(crate) const MAX_NAME: usize = 255;

/// Longest target of a symbolic link that can be made, in bytes. xfs ends here, and ext4 with blocks of 1 KiB.
pub(crate) const MAX_TARGET: usize = 1023;

/// Symbolic links followed in one resolution.
pub(crate) const MAX_FOLLOWED: u32 = 40;

/// Directories on the way to a place. Each holds a descriptor of the host while a path is walked by component, and hosts
/// commonly have a thousand for everything.
pub(crate) const MAX_DEPTH: usize = 128;

/// Names that one file can be given. ext2 ends here, ext4 at 65,000.
pub(crate) const MAX_NAMES: u64 = 32_000;

/// Scatter and gather elements taken in one call: `IOV_MAX` of the systems programs are written for.
pub(crate) const MAX_IOVECS: u32 = 1024;

/// Subscriptions taken in one call; far beyond what a program without sockets can use.
pub(crate) const MAX_SUBSCRIPTIONS: u32 = 4096;

/// The last moment a file can be dated, in nanoseconds since 1970: ext4's, in the year 2446.
pub(crate) const MAX_TIME: u64 = 15_032_385_535 * 1_000_000_000 + 999_999_999;

/// The offset `more` bytes after `from`; `EINVAL` where it is none that preview1 can tell.
pub(crate) fn offset(from: u64, more: u64) -> Result<u64, Errno> {
    from.checked_add(more).filter(|at| i64::try_from(*at).is_ok()).ok_or(Errno::Inval)
}

/// The size `offset + len`, if a file can be that long.
pub(crate) fn size(from: u64, len: u64) -> Result<u64, Errno> {
    let end = offset(from, len)?;
    if end > MAX_FILE { Err(Errno::Fbig) } else { Ok(end) }
}

/// How many of `len` bytes can be written from offset `start` on; `EFBIG` where there are bytes and none of them can.
pub(crate) fn writable(start: u64, len: u64) -> Result<u64, Errno> {
    match MAX_FILE.saturating_sub(start) {
        0 if len > 0 => Err(Errno::Fbig),
        left => Ok(len.min(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, MAX_FILE, offset, size, writable};

    #[test]
    fn a_file_ends_at_its_limit_and_an_offset_at_the_end_of_its_type() {
        assert_eq!(size(MAX_FILE - 1, 1), Ok(MAX_FILE));
        assert_eq!(size(MAX_FILE, 1), Err(Errno::Fbig));
        assert_eq!(size(1 << 62, 1 << 62), Err(Errno::Inval));
        assert_eq!(offset(u64::MAX, 1), Err(Errno::Inval));
        assert_eq!(writable(MAX_FILE - 2, 5), Ok(2));
        assert_eq!(writable(MAX_FILE, 5), Err(Errno::Fbig));
        assert_eq!(writable(MAX_FILE, 0), Ok(0));
    }
}
