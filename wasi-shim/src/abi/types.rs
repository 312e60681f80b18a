//! Enumerations, flags and structure layouts.

use super::{Errno, Rights, memory::Guest};

/// What a descriptor or a directory entry refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum FileType {
    Unknown = 0,
    BlockDevice = 1,
    CharacterDevice = 2,
    Directory = 3,
    RegularFile = 4,
    SocketStream = 6,
    SymbolicLink = 7,
}

impl From<rustix::fs::FileType> for FileType {
    fn from(host: rustix::fs::FileType) -> Self {
        use rustix::fs::FileType as Host;
        match host {
            Host::RegularFile => Self::RegularFile,
            Host::Directory => Self::Directory,
            Host::Symlink => Self::SymbolicLink,
            Host::CharacterDevice => Self::CharacterDevice,
            Host::BlockDevice => Self::BlockDevice,
            Host::Socket => Self::SocketStream,
            Host::Fifo | Host::Unknown => Self::Unknown,
        }
    }
}

/// The specification's `fdflags`: how an open descriptor reads and writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct FdFlags(u16);

impl FdFlags {
    pub(crate) const APPEND: Self = Self(1);
    pub(crate) const DSYNC: Self = Self(1 << 1);
    pub(crate) const NONBLOCK: Self = Self(1 << 2);
    pub(crate) const SYNC: Self = Self(1 << 4);

    pub(crate) fn parse(raw: u32) -> Result<Self, Errno> {
        flags16(raw, 0b1_1111).map(Self)
    }

    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    pub(crate) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The specification's `oflags`: what to make or demand when a path is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OpenFlags(u16);

impl OpenFlags {
    pub(crate) const CREAT: Self = Self(1);
    pub(crate) const DIRECTORY: Self = Self(1 << 1);
    pub(crate) const EXCL: Self = Self(1 << 2);
    pub(crate) const TRUNC: Self = Self(1 << 3);

    pub(crate) fn parse(raw: u32) -> Result<Self, Errno> {
        flags16(raw, 0b1111).map(Self)
    }

    pub(crate) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// `lookupflags`: whether the last component is followed when it is a symbolic link.
pub(crate) fn follow(raw: u32) -> Result<bool, Errno> {
    if raw > 1 { Err(Errno::Inval) } else { Ok(raw == 1) }
}

fn flags16(raw: u32, known: u16) -> Result<u16, Errno> {
    let bits = u16::try_from(raw).map_err(|_| Errno::Inval)?;
    if bits & !known == 0 { Ok(bits) } else { Err(Errno::Inval) }
}

/// What becomes of one timestamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NewTime {
    Keep,
    Now,
    /// Nanoseconds since the epoch.
    At(u64),
}

/// `fstflags` with their values: access time, then modification time.
pub(crate) fn new_times(atim: u64, mtim: u64, raw: u32) -> Result<(NewTime, NewTime), Errno> {
    let bits = flags16(raw, 0b1111)?;
    let one = |set: bool, now: bool, value| match (set, now) {
        (true, true) => Err(Errno::Inval),
        (true, false) => Ok(NewTime::At(value)),
        (false, true) => Ok(NewTime::Now),
        (false, false) => Ok(NewTime::Keep),
    };
    Ok((one(bits & 1 != 0, bits & 2 != 0, atim)?, one(bits & 4 != 0, bits & 8 != 0, mtim)?))
}

/// The specification's `whence`: what an offset is counted from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whence {
    Set,
    Current,
    End,
}

impl Whence {
    pub(crate) fn parse(raw: u32) -> Result<Self, Errno> {
        match raw {
            0 => Ok(Self::Set),
            1 => Ok(Self::Current),
            2 => Ok(Self::End),
            _ => Err(Errno::Inval),
        }
    }
}

/// `fdstat`, 24 bytes.
pub(crate) struct FdStat {
    pub(crate) filetype: FileType,
    pub(crate) flags: FdFlags,
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
}

impl FdStat {
    pub(crate) fn store(&self, guest: &mut Guest<'_>, ptr: u32) -> Result<(), Errno> {
        let mut out = [0; 24];
        out[0] = self.filetype as u8;
        out[2..4].copy_from_slice(&self.flags.bits().to_le_bytes());
        out[8..16].copy_from_slice(&self.base.bits().to_le_bytes());
        out[16..24].copy_from_slice(&self.inheriting.bits().to_le_bytes());
        guest.write(ptr, &out)
    }
}

/// `filestat`, 64 bytes. Times are nanoseconds since the epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FileStat {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) filetype: FileType,
    pub(crate) nlink: u64,
    pub(crate) size: u64,
    pub(crate) atim: u64,
    pub(crate) mtim: u64,
    pub(crate) ctim: u64,
}

impl FileStat {
    pub(crate) fn store(&self, guest: &mut Guest<'_>, ptr: u32) -> Result<(), Errno> {
        let mut out = [0; 64];
        out[16] = self.filetype as u8;
        for (at, value) in [
            (0, self.dev),
            (8, self.ino),
            (24, self.nlink),
            (32, self.size),
            (40, self.atim),
            (48, self.mtim),
            (56, self.ctim),
        ] {
            out[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        guest.write(ptr, &out)
    }
}

/// `dirent`, 24 bytes, followed in the buffer by the name.
pub(crate) fn dirent(next: u64, ino: u64, name_len: u32, filetype: FileType) -> [u8; 24] {
    let mut out = [0; 24];
    out[0..8].copy_from_slice(&next.to_le_bytes());
    out[8..16].copy_from_slice(&ino.to_le_bytes());
    out[16..20].copy_from_slice(&name_len.to_le_bytes());
    out[20] = filetype as u8;
    out
}

/// What a `subscription` waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    Clock { id: u32, timeout: u64, absolute: bool },
    Read(u32),
    Write(u32),
}

/// `subscription`, 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Subscription {
    pub(crate) userdata: u64,
    pub(crate) subject: Subject,
}

impl Subscription {
    pub(crate) const SIZE: u32 = 48;

    /// Reads the subscription at `ptr`; the inner error is one that belongs into its event.
    pub(crate) fn load(guest: &Guest<'_>, ptr: u32) -> Result<Self, Errno> {
        // In range before the offsets below are added to the pointer.
        guest.bytes(ptr, Self::SIZE)?;
        let userdata = guest.u64(ptr)?;
        let tag = guest.bytes(ptr + 8, 1)?.first().copied().unwrap_or(u8::MAX);
        let subject = match tag {
            0 => {
                let flags = guest.u16(ptr + 40)?;
                if flags > 1 {
                    return Err(Errno::Inval);
                }
                Subject::Clock { id: guest.u32(ptr + 16)?, timeout: guest.u64(ptr + 24)?, absolute: flags == 1 }
            }
            1 => Subject::Read(guest.u32(ptr + 16)?),
            2 => Subject::Write(guest.u32(ptr + 16)?),
            _ => return Err(Errno::Inval),
        };
        Ok(Self { userdata, subject })
    }

    /// The specification's `eventtype`: 0 for a clock, 1 for reading, 2 for writing.
    pub(crate) fn event_type(&self) -> u8 {
        match self.subject {
            Subject::Clock { .. } => 0,
            Subject::Read(_) => 1,
            Subject::Write(_) => 2,
        }
    }
}

/// `event`, 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    pub(crate) userdata: u64,
    pub(crate) error: Option<Errno>,
    pub(crate) kind: u8,
    pub(crate) nbytes: u64,
    pub(crate) hangup: bool,
}

impl Event {
    pub(crate) const SIZE: u32 = 32;

    pub(crate) fn bytes(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out[0..8].copy_from_slice(&self.userdata.to_le_bytes());
        out[8..10].copy_from_slice(&self.error.map_or(0, Errno::code).to_le_bytes());
        out[10] = self.kind;
        out[16..24].copy_from_slice(&self.nbytes.to_le_bytes());
        out[24] = u8::from(self.hangup);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, FdFlags, NewTime, OpenFlags, dirent, follow, new_times};
    use crate::abi::types::FileType;

    #[test]
    fn unknown_flag_bits_are_invalid() {
        assert_eq!(FdFlags::parse(32), Err(Errno::Inval));
        assert_eq!(FdFlags::parse(1 << 16), Err(Errno::Inval));
        assert_eq!(OpenFlags::parse(16), Err(Errno::Inval));
        assert_eq!(follow(2), Err(Errno::Inval));
        assert_eq!(new_times(0, 0, 16).err(), Some(Errno::Inval));
    }

    #[test]
    fn a_time_cannot_be_both_given_and_now() {
        assert_eq!(new_times(1, 2, 0b0011).err(), Some(Errno::Inval));
        assert_eq!(new_times(1, 2, 0b1100).err(), Some(Errno::Inval));
        assert_eq!(new_times(1, 2, 0b1001), Ok((NewTime::At(1), NewTime::Now)));
        assert_eq!(new_times(1, 2, 0b0110), Ok((NewTime::Now, NewTime::At(2))));
    }

    #[test]
    fn a_dirent_has_its_padding_zeroed() {
        let bytes = dirent(u64::MAX, u64::MAX, u32::MAX, FileType::Directory);
        assert_eq!(bytes[20..], [3, 0, 0, 0]);
    }
}
