//! Rights: what a descriptor may be used for.

use core::ops::{BitAnd, BitOr, Not};

/// A set of the specification's `rights`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Rights(u64);

impl Rights {
    /// `fd_datasync`: wait until a file's bytes are on the disk.
    pub const FD_DATASYNC: Self = Self(1 << 0);
    /// `fd_read`: read bytes; with `FD_SEEK`, at an offset as well.
    pub const FD_READ: Self = Self(1 << 1);
    /// `fd_seek`: move a file's offset, and tell it.
    pub const FD_SEEK: Self = Self(1 << 2);
    /// `fd_fdstat_set_flags`: change a descriptor's flags.
    pub const FD_FDSTAT_SET_FLAGS: Self = Self(1 << 3);
    /// `fd_sync`: wait until a file's bytes and attributes are on the disk.
    pub const FD_SYNC: Self = Self(1 << 4);
    /// `fd_tell`: tell a file's offset without moving it.
    pub const FD_TELL: Self = Self(1 << 5);
    /// `fd_write`: write bytes; with `FD_SEEK`, at an offset as well.
    pub const FD_WRITE: Self = Self(1 << 6);
    /// `fd_advise`: say how a file is going to be read.
    pub const FD_ADVISE: Self = Self(1 << 7);
    /// `fd_allocate`: set space aside for a file.
    pub const FD_ALLOCATE: Self = Self(1 << 8);
    /// `path_create_directory`: make a directory below this one.
    pub const PATH_CREATE_DIRECTORY: Self = Self(1 << 9);
    /// `path_create_file`: make a file below this directory, by opening it.
    pub const PATH_CREATE_FILE: Self = Self(1 << 10);
    /// `path_link_source`: give a file below this directory another name.
    pub const PATH_LINK_SOURCE: Self = Self(1 << 11);
    /// `path_link_target`: put the new name of a linked file below this directory.
    pub const PATH_LINK_TARGET: Self = Self(1 << 12);
    /// `path_open`: open what is below this directory.
    pub const PATH_OPEN: Self = Self(1 << 13);
    /// `fd_readdir`: list a directory.
    pub const FD_READDIR: Self = Self(1 << 14);
    /// `path_readlink`: read where a symbolic link leads.
    pub const PATH_READLINK: Self = Self(1 << 15);
    /// `path_rename_source`: move what is below this directory away.
    pub const PATH_RENAME_SOURCE: Self = Self(1 << 16);
    /// `path_rename_target`: move something to below this directory.
    pub const PATH_RENAME_TARGET: Self = Self(1 << 17);
    /// `path_filestat_get`: look at the attributes of what is below this directory.
    pub const PATH_FILESTAT_GET: Self = Self(1 << 18);
    /// `path_filestat_set_size`: cut a file below this directory to nothing, by opening it.
    pub const PATH_FILESTAT_SET_SIZE: Self = Self(1 << 19);
    /// `path_filestat_set_times`: set the times of what is below this directory.
    pub const PATH_FILESTAT_SET_TIMES: Self = Self(1 << 20);
    /// `fd_filestat_get`: look at the attributes of what is open.
    pub const FD_FILESTAT_GET: Self = Self(1 << 21);
    /// `fd_filestat_set_size`: change the length of an open file.
    pub const FD_FILESTAT_SET_SIZE: Self = Self(1 << 22);
    /// `fd_filestat_set_times`: set the times of what is open.
    pub const FD_FILESTAT_SET_TIMES: Self = Self(1 << 23);
    /// `path_symlink`: make a symbolic link below this directory.
    pub const PATH_SYMLINK: Self = Self(1 << 24);
    /// `path_remove_directory`: remove an empty directory below this one.
    pub const PATH_REMOVE_DIRECTORY: Self = Self(1 << 25);
    /// `path_unlink_file`: remove a file or link below this directory.
    pub const PATH_UNLINK_FILE: Self = Self(1 << 26);
    /// `poll_fd_readwrite`: wait until there is something to read, or room to write.
    pub const POLL_FD_READWRITE: Self = Self(1 << 27);
    /// `sock_shutdown`: end a connection in one direction; nothing here is a socket.
    pub const SOCK_SHUTDOWN: Self = Self(1 << 28);
    /// `sock_accept`: accept a connection; nothing here is a socket.
    pub const SOCK_ACCEPT: Self = Self(1 << 29);

    /// No right.
    pub const NONE: Self = Self(0);

    /// Every right the specification names.
    pub const ALL: Self = Self((1 << 30) - 1);

    /// What can be meaningful on a regular file.
    pub const FILE: Self = Self(
        Self::FD_DATASYNC.0
            | Self::FD_READ.0
            | Self::FD_SEEK.0
            | Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_SYNC.0
            | Self::FD_TELL.0
            | Self::FD_WRITE.0
            | Self::FD_ADVISE.0
            | Self::FD_ALLOCATE.0
            | Self::FD_FILESTAT_GET.0
            | Self::FD_FILESTAT_SET_SIZE.0
            | Self::FD_FILESTAT_SET_TIMES.0
            | Self::POLL_FD_READWRITE.0,
    );

    /// What can be meaningful on a directory. Data is not read or written through one, nor can it be sought.
    pub const DIRECTORY: Self = Self(
        Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_SYNC.0
            | Self::FD_ADVISE.0
            | Self::PATH_CREATE_DIRECTORY.0
            | Self::PATH_CREATE_FILE.0
            | Self::PATH_LINK_SOURCE.0
            | Self::PATH_LINK_TARGET.0
            | Self::PATH_OPEN.0
            | Self::FD_READDIR.0
            | Self::PATH_READLINK.0
            | Self::PATH_RENAME_SOURCE.0
            | Self::PATH_RENAME_TARGET.0
            | Self::PATH_FILESTAT_GET.0
            | Self::PATH_FILESTAT_SET_SIZE.0
            | Self::PATH_FILESTAT_SET_TIMES.0
            | Self::FD_FILESTAT_GET.0
            | Self::FD_FILESTAT_SET_TIMES.0
            | Self::PATH_SYMLINK.0
            | Self::PATH_REMOVE_DIRECTORY.0
            | Self::PATH_UNLINK_FILE.0
            | Self::POLL_FD_READWRITE.0,
    );

    /// The part of [`Rights::DIRECTORY`] that changes nothing.
    pub const DIRECTORY_READ: Self = Self(
        Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_ADVISE.0
            | Self::PATH_OPEN.0
            | Self::FD_READDIR.0
            | Self::PATH_READLINK.0
            | Self::PATH_FILESTAT_GET.0
            | Self::FD_FILESTAT_GET.0
            | Self::POLL_FD_READWRITE.0,
    );

    /// The part of [`Rights::FILE`] that changes nothing.
    pub const FILE_READ: Self = Self(
        Self::FD_READ.0
            | Self::FD_SEEK.0
            | Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_TELL.0
            | Self::FD_ADVISE.0
            | Self::FD_FILESTAT_GET.0
            | Self::POLL_FD_READWRITE.0,
    );

    /// The rights whose bits are set; unknown bits are dropped.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// As the specification encodes them.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether every right of `other` is here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any right of `other` is here.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Rights {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Rights {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Rights {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0 & Self::ALL.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Rights;

    #[test]
    fn bits_are_the_specifications() {
        assert_eq!(Rights::FD_DATASYNC.bits(), 1);
        assert_eq!(Rights::FD_WRITE.bits(), 64);
        assert_eq!(Rights::PATH_OPEN.bits(), 1 << 13);
        assert_eq!(Rights::FD_READDIR.bits(), 1 << 14);
        assert_eq!(Rights::POLL_FD_READWRITE.bits(), 1 << 27);
        assert_eq!(Rights::SOCK_ACCEPT.bits(), 1 << 29);
    }

    #[test]
    fn a_directory_has_no_right_to_data() {
        assert!(!Rights::DIRECTORY.intersects(Rights::FD_READ | Rights::FD_WRITE | Rights::FD_SEEK));
        assert!(!Rights::DIRECTORY.contains(Rights::FD_FILESTAT_SET_SIZE));
    }
}
