//! Error numbers a guest sees.

use core::fmt;

/// What a call answers instead of success. The numbers are the specification's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u16)]
pub enum Errno {
    /// Argument list too long.
    TooBig = 1,
    /// Permission denied.
    Acces = 2,
    /// Address in use.
    Addrinuse = 3,
    /// Address not available.
    Addrnotavail = 4,
    /// Address family not supported.
    Afnosupport = 5,
    /// Resource unavailable, or operation would block.
    Again = 6,
    /// Connection already in progress.
    Already = 7,
    /// Bad file descriptor.
    Badf = 8,
    /// Bad message.
    Badmsg = 9,
    /// Device or resource busy.
    Busy = 10,
    /// Operation cancelled.
    Canceled = 11,
    /// No child processes.
    Child = 12,
    /// Connection aborted.
    Connaborted = 13,
    /// Connection refused.
    Connrefused = 14,
    /// Connection reset.
    Connreset = 15,
    /// Resource deadlock would occur.
    Deadlk = 16,
    /// Destination address required.
    Destaddrreq = 17,
    /// Mathematics argument out of domain of function.
    Dom = 18,
    /// Disk quota exceeded.
    Dquot = 19,
    /// File exists.
    Exist = 20,
    /// Bad address.
    Fault = 21,
    /// File too large.
    Fbig = 22,
    /// Host is unreachable.
    Hostunreach = 23,
    /// Identifier removed.
    Idrm = 24,
    /// Illegal byte sequence.
    Ilseq = 25,
    /// Operation in progress.
    Inprogress = 26,
    /// Interrupted function.
    Intr = 27,
    /// Invalid argument.
    Inval = 28,
    /// I/O error.
    Io = 29,
    /// Socket is connected.
    Isconn = 30,
    /// Is a directory.
    Isdir = 31,
    /// Too many levels of symbolic links.
    Loop = 32,
    /// File descriptor value too large.
    Mfile = 33,
    /// Too many links.
    Mlink = 34,
    /// Message too large.
    Msgsize = 35,
    /// Reserved by the specification, as `multihop`; no call answers with it.
    Multihop = 36,
    /// Filename too long.
    Nametoolong = 37,
    /// Network is down.
    Netdown = 38,
    /// Connection aborted by network.
    Netreset = 39,
    /// Network unreachable.
    Netunreach = 40,
    /// Too many files open in system.
    Nfile = 41,
    /// No buffer space available.
    Nobufs = 42,
    /// No such device.
    Nodev = 43,
    /// No such file or directory.
    Noent = 44,
    /// Executable file format error.
    Noexec = 45,
    /// No locks available.
    Nolck = 46,
    /// Reserved by the specification, as `nolink`; no call answers with it.
    Nolink = 47,
    /// Not enough space.
    Nomem = 48,
    /// No message of the desired type.
    Nomsg = 49,
    /// Protocol not available.
    Noprotoopt = 50,
    /// No space left on device.
    Nospc = 51,
    /// Function not supported.
    Nosys = 52,
    /// The socket is not connected.
    Notconn = 53,
    /// Not a directory or a symbolic link to a directory.
    Notdir = 54,
    /// Directory not empty.
    Notempty = 55,
    /// State not recoverable.
    Notrecoverable = 56,
    /// Not a socket.
    Notsock = 57,
    /// Not supported, or operation not supported on socket.
    Notsup = 58,
    /// Inappropriate I/O control operation.
    Notty = 59,
    /// No such device or address.
    Nxio = 60,
    /// Value too large to be stored in data type.
    Overflow = 61,
    /// Previous owner died.
    Ownerdead = 62,
    /// Operation not permitted.
    Perm = 63,
    /// Broken pipe.
    Pipe = 64,
    /// Protocol error.
    Proto = 65,
    /// Protocol not supported.
    Protonosupport = 66,
    /// Protocol wrong type for socket.
    Prototype = 67,
    /// Result too large.
    Range = 68,
    /// Read-only file system.
    Rofs = 69,
    /// Invalid seek.
    Spipe = 70,
    /// No such process.
    Srch = 71,
    /// Stale file handle, as network file systems answer; the specification reserves it.
    Stale = 72,
    /// Connection timed out.
    Timedout = 73,
    /// Text file busy.
    Txtbsy = 74,
    /// Cross-device link.
    Xdev = 75,
    /// Capabilities insufficient.
    Notcapable = 76,
}

/// Every errno, in the order of their numbers.
const ALL: [Errno; 76] = [
    Errno::TooBig,
    Errno::Acces,
    Errno::Addrinuse,
    Errno::Addrnotavail,
    Errno::Afnosupport,
    Errno::Again,
    Errno::Already,
    Errno::Badf,
    Errno::Badmsg,
    Errno::Busy,
    Errno::Canceled,
    Errno::Child,
    Errno::Connaborted,
    Errno::Connrefused,
    Errno::Connreset,
    Errno::Deadlk,
    Errno::Destaddrreq,
    Errno::Dom,
    Errno::Dquot,
    Errno::Exist,
    Errno::Fault,
    Errno::Fbig,
    Errno::Hostunreach,
    Errno::Idrm,
    Errno::Ilseq,
    Errno::Inprogress,
    Errno::Intr,
    Errno::Inval,
    Errno::Io,
    Errno::Isconn,
    Errno::Isdir,
    Errno::Loop,
    Errno::Mfile,
    Errno::Mlink,
    Errno::Msgsize,
    Errno::Multihop,
    Errno::Nametoolong,
    Errno::Netdown,
    Errno::Netreset,
    Errno::Netunreach,
    Errno::Nfile,
    Errno::Nobufs,
    Errno::Nodev,
    Errno::Noent,
    Errno::Noexec,
    Errno::Nolck,
    Errno::Nolink,
    Errno::Nomem,
    Errno::Nomsg,
    Errno::Noprotoopt,
    Errno::Nospc,
    Errno::Nosys,
    Errno::Notconn,
    Errno::Notdir,
    Errno::Notempty,
    Errno::Notrecoverable,
    Errno::Notsock,
    Errno::Notsup,
    Errno::Notty,
    Errno::Nxio,
    Errno::Overflow,
    Errno::Ownerdead,
    Errno::Perm,
    Errno::Pipe,
    Errno::Proto,
    Errno::Protonosupport,
    Errno::Prototype,
    Errno::Range,
    Errno::Rofs,
    Errno::Spipe,
    Errno::Srch,
    Errno::Stale,
    Errno::Timedout,
    Errno::Txtbsy,
    Errno::Xdev,
    Errno::Notcapable,
];

impl Errno {
    /// The number the guest receives; success is 0 and never an `Errno`.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The errno with this number; `None` for success and for numbers the specification does not give.
    pub fn from_code(code: u16) -> Option<Self> {
        ALL.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// What the function returns to the guest for `result`.
    pub(crate) fn answer(result: Result<(), Self>) -> i32 {
        match result {
            Ok(()) => 0,
            Err(errno) => i32::from(errno.code()),
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} (errno {})", self.code())
    }
}

impl core::error::Error for Errno {}

impl From<rustix::io::Errno> for Errno {
    fn from(host: rustix::io::Errno) -> Self {
        use rustix::io::Errno as Host;
        match host {
            Host::ACCESS => Self::Acces,
            Host::AGAIN => Self::Again,
            Host::BADF => Self::Badf,
            Host::BUSY => Self::Busy,
            Host::DQUOT => Self::Dquot,
            Host::EXIST => Self::Exist,
            Host::FAULT => Self::Fault,
            Host::FBIG => Self::Fbig,
            Host::ILSEQ => Self::Ilseq,
            Host::INTR => Self::Intr,
            Host::INVAL => Self::Inval,
            Host::ISDIR => Self::Isdir,
            Host::LOOP => Self::Loop,
            // Never the guest's own limit, which is checked before the host is asked: see `link::run`.
            Host::MFILE | Host::NFILE => Self::Nfile,
            Host::MLINK => Self::Mlink,
            Host::NAMETOOLONG => Self::Nametoolong,
            Host::NODEV => Self::Nodev,
            Host::NOENT => Self::Noent,
            Host::NOLCK => Self::Nolck,
            Host::NOMEM => Self::Nomem,
            Host::NOSPC => Self::Nospc,
            Host::NOSYS => Self::Nosys,
            Host::NOTDIR => Self::Notdir,
            Host::NOTEMPTY => Self::Notempty,
            Host::NOTSUP => Self::Notsup,
            Host::NXIO => Self::Nxio,
            Host::OVERFLOW => Self::Overflow,
            Host::PERM => Self::Perm,
            Host::PIPE => Self::Pipe,
            Host::ROFS => Self::Rofs,
            Host::SPIPE => Self::Spipe,
            Host::STALE => Self::Stale,
            Host::TXTBSY => Self::Txtbsy,
            Host::XDEV => Self::Xdev,
            // Anything else a file system may answer has no number of its own here.
            _ => Self::Io,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Errno;

    #[test]
    fn numbers_are_the_specifications() {
        for (errno, number) in [
            (Errno::TooBig, 1),
            (Errno::Acces, 2),
            (Errno::Badf, 8),
            (Errno::Dquot, 19),
            (Errno::Exist, 20),
            (Errno::Fault, 21),
            (Errno::Ilseq, 25),
            (Errno::Inval, 28),
            (Errno::Isdir, 31),
            (Errno::Loop, 32),
            (Errno::Mfile, 33),
            (Errno::Nametoolong, 37),
            (Errno::Noent, 44),
            (Errno::Notdir, 54),
            (Errno::Notempty, 55),
            (Errno::Notsock, 57),
            (Errno::Notsup, 58),
            (Errno::Perm, 63),
            (Errno::Spipe, 70),
            (Errno::Notcapable, 76),
        ] {
            assert_eq!(errno.code(), number, "{errno}");
        }
    }

    #[test]
    fn every_number_leads_back_to_its_errno() {
        for code in 1..=76 {
            assert_eq!(Errno::from_code(code).map(Errno::code), Some(code));
        }
        assert_eq!(Errno::from_code(0), None);
        assert_eq!(Errno::from_code(77), None);
    }
}
