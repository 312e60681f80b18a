//! What lies in memory as the specification lays it out, and its numbers.

use wasi_shim::Access;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FdStat {
    pub filetype: u8,
    pub flags: u16,
    pub base: u64,
    pub inheriting: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    pub dev: u64,
    pub ino: u64,
    pub filetype: u8,
    pub nlink: u64,
    pub size: u64,
    pub atim: u64,
    pub mtim: u64,
    pub ctim: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirent {
    pub next: u64,
    pub ino: u64,
    pub filetype: u8,
    pub name: String,
}

/// The whole entries in `raw`.
pub fn dirents(mut raw: &[u8]) -> Vec<Dirent> {
    let mut entries = Vec::new();
    while raw.len() >= 24 {
        let len = u32::from_le_bytes(raw[16..20].try_into().expect("four")) as usize;
        let Some(name) = raw.get(24..24 + len) else {
            break;
        };
        entries.push(Dirent {
            next: u64::from_le_bytes(raw[0..8].try_into().expect("eight")),
            ino: u64::from_le_bytes(raw[8..16].try_into().expect("eight")),
            filetype: raw[20],
            name: String::from_utf8(name.to_vec()).expect("text"),
        });
        raw = &raw[24 + len..];
    }
    entries
}

/// How a path is opened.
#[derive(Clone, Copy)]
pub struct Open {
    pub follow: bool,
    pub oflags: u32,
    pub base: u64,
    pub inheriting: u64,
    pub fdflags: u32,
}

pub const CREAT: u32 = 1;
pub const DIRECTORY: u32 = 2;
pub const EXCL: u32 = 4;
pub const TRUNC: u32 = 8;

pub const APPEND: u32 = 1;
pub const DSYNC: u32 = 2;
pub const NONBLOCK: u32 = 4;
pub const RSYNC: u32 = 8;
pub const SYNC: u32 = 16;

impl Open {
    /// No rights, no flags, nothing followed.
    pub fn none() -> Self {
        Self { follow: false, oflags: 0, base: 0, inheriting: 0, fdflags: 0 }
    }

    /// A file with every right.
    pub fn rw() -> Self {
        Self { base: Access::READ_WRITE.file.bits(), ..Self::none() }
    }

    /// A file to read.
    pub fn read() -> Self {
        Self { base: Access::READ.file.bits(), ..Self::none() }
    }

    /// A directory with every right.
    pub fn dir() -> Self {
        let Access { directory, file } = Access::READ_WRITE;
        Self { oflags: DIRECTORY, base: directory.bits(), inheriting: (directory | file).bits(), ..Self::none() }
    }

    pub fn follow(self) -> Self {
        Self { follow: true, ..self }
    }

    pub fn oflags(self, oflags: u32) -> Self {
        Self { oflags, ..self }
    }

    pub fn fdflags(self, fdflags: u32) -> Self {
        Self { fdflags, ..self }
    }

    pub fn base(self, base: u64) -> Self {
        Self { base, ..self }
    }

    pub fn inheriting(self, inheriting: u64) -> Self {
        Self { inheriting, ..self }
    }
}

pub const TYPE_UNKNOWN: u8 = 0;
pub const TYPE_CHARACTER: u8 = 2;
pub const TYPE_DIRECTORY: u8 = 3;
pub const TYPE_FILE: u8 = 4;
pub const TYPE_LINK: u8 = 7;
