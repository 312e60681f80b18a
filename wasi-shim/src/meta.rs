//! The host's file attributes in one shape on every host.

use rustix::fd::AsFd;
use rustix::fs::{AtFlags, Stat};

use crate::abi::types::{FileStat, FileType};

/// Which file this is on the host: device and inode.
pub(crate) type NodeKey = (u64, u64);

/// The attributes of a host file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meta {
    pub(crate) key: NodeKey,
    pub(crate) filetype: FileType,
    pub(crate) nlink: u64,
    pub(crate) size: u64,
    atim: u64,
    mtim: u64,
    ctim: u64,
}

impl Meta {
    pub(crate) fn of(fd: impl AsFd) -> rustix::io::Result<Self> {
        rustix::fs::fstat(fd).map(|stat| Self::from_host(&stat))
    }

    /// The file called `name` in `dir` itself, also when it is a symbolic link.
    pub(crate) fn at(dir: impl AsFd, name: &[u8]) -> rustix::io::Result<Self> {
        rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| Self::from_host(&stat))
    }

    // Field widths differ between architectures; each cast below widens or is of a value that is never negative.
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless, clippy::cast_sign_loss, clippy::useless_conversion)]
    fn from_host(stat: &Stat) -> Self {
        let time = |seconds: i64, ns: u64| {
            u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(ns)
        };
        Self {
            key: (stat.st_dev as u64, stat.st_ino as u64),
            filetype: rustix::fs::FileType::from_raw_mode(stat.st_mode as rustix::fs::RawMode).into(),
            nlink: stat.st_nlink as u64,
            size: stat.st_size as u64,
            atim: time(stat.st_atime as i64, stat.st_atime_nsec as u64),
            mtim: time(stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            ctim: time(stat.st_ctime as i64, stat.st_ctime_nsec as u64),
        }
    }

    pub(crate) fn is_dir(&self) -> bool {
        self.filetype == FileType::Directory
    }

    /// As the guest sees it where nothing is to be settled.
    pub(crate) fn plain(&self) -> FileStat {
        FileStat {
            dev: self.key.0,
            ino: self.key.1,
            filetype: self.filetype,
            nlink: self.nlink,
            size: self.size,
            atim: self.atim,
            mtim: self.mtim,
            ctim: self.ctim,
        }
    }
}
