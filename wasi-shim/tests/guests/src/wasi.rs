//! The system calls as the host sees them: numbers in, an errno or a value out.

#![allow(dead_code)] // the whole interface, whether a case needs it or not

use std::fmt;

pub type Fd = u32;
pub type Rights = u64;

macro_rules! errno {
    ($($name:ident = $number:literal),* $(,)?) => {
        /// Why a call failed.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct Errno(pub u16);
        $(pub const $name: Errno = Errno($number);)*
        impl fmt::Debug for Errno {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($number => f.write_str(stringify!($name)),)*
                    other => write!(f, "errno {other}"),
                }
            }
        }
    };
}
errno! {
    SUCCESS = 0, TOO_BIG = 1, ACCES = 2, AGAIN = 6, BADF = 8, DQUOT = 19, EXIST = 20, FAULT = 21, FBIG = 22, ILSEQ = 25, INVAL = 28, IO = 29,
    ISDIR = 31, LOOP = 32, MFILE = 33, NAMETOOLONG = 37, NOENT = 44, NOSYS = 52, NOTDIR = 54, NOTEMPTY = 55, NOTSOCK = 57,
    NOTSUP = 58, OVERFLOW = 61, PERM = 63, SPIPE = 70, XDEV = 75, NOTCAPABLE = 76,
}

pub type Result<T> = core::result::Result<T, Errno>;

macro_rules! flags {
    ($ty:ty: $($name:ident = $value:expr),* $(,)?) => { $(pub const $name: $ty = $value;)* };
}
flags! { u16: CREAT = 1, DIRECTORY = 2, EXCL = 4, TRUNC = 8 }
flags! { u16: APPEND = 1, DSYNC = 2, NONBLOCK = 4, RSYNC = 8, SYNC = 16 }
flags! { u16: ATIM = 1, ATIM_NOW = 2, MTIM = 4, MTIM_NOW = 8 }
flags! { u32: FOLLOW = 1 }
flags! { u8: SET = 0, CUR = 1, END = 2 }
flags! { u8: CHARACTER_DEVICE = 2, DIR = 3, REGULAR = 4, SYMLINK = 7 }
flags! { u32: REALTIME = 0, MONOTONIC = 1 }
flags! { Rights:
    FD_DATASYNC = 1 << 0, FD_READ = 1 << 1, FD_SEEK = 1 << 2, FD_FDSTAT_SET_FLAGS = 1 << 3, FD_SYNC = 1 << 4, FD_TELL = 1 << 5,
    FD_WRITE = 1 << 6, FD_ADVISE = 1 << 7, FD_ALLOCATE = 1 << 8, PATH_CREATE_DIRECTORY = 1 << 9, PATH_CREATE_FILE = 1 << 10,
    PATH_LINK_SOURCE = 1 << 11, PATH_LINK_TARGET = 1 << 12, PATH_OPEN = 1 << 13, FD_READDIR = 1 << 14, PATH_READLINK = 1 << 15,
    PATH_RENAME_SOURCE = 1 << 16, PATH_RENAME_TARGET = 1 << 17, PATH_FILESTAT_GET = 1 << 18, PATH_FILESTAT_SET_SIZE = 1 << 19,
    PATH_FILESTAT_SET_TIMES = 1 << 20, FD_FILESTAT_GET = 1 << 21, FD_FILESTAT_SET_SIZE = 1 << 22,
    FD_FILESTAT_SET_TIMES = 1 << 23, PATH_SYMLINK = 1 << 24, PATH_REMOVE_DIRECTORY = 1 << 25, PATH_UNLINK_FILE = 1 << 26,
    POLL_FD_READWRITE = 1 << 27,
}
/// Read, write, and everything else that applies to a file.
pub const FILE_RIGHTS: Rights = FD_DATASYNC
    | FD_READ
    | FD_SEEK
    | FD_FDSTAT_SET_FLAGS
    | FD_SYNC
    | FD_TELL
    | FD_WRITE
    | FD_ADVISE
    | FD_ALLOCATE
    | FD_FILESTAT_GET
    | FD_FILESTAT_SET_SIZE
    | FD_FILESTAT_SET_TIMES
    | POLL_FD_READWRITE;
/// What applies to a directory.
pub const DIR_RIGHTS: Rights = PATH_CREATE_DIRECTORY
    | PATH_CREATE_FILE
    | PATH_LINK_SOURCE
    | PATH_LINK_TARGET
    | PATH_OPEN
    | FD_READDIR
    | PATH_READLINK
    | PATH_RENAME_SOURCE
    | PATH_RENAME_TARGET
    | PATH_FILESTAT_GET
    | PATH_FILESTAT_SET_SIZE
    | PATH_FILESTAT_SET_TIMES
    | FD_FILESTAT_GET
    | FD_FILESTAT_SET_TIMES
    | PATH_SYMLINK
    | PATH_REMOVE_DIRECTORY
    | PATH_UNLINK_FILE;

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filestat {
    pub dev: u64,
    pub ino: u64,
    pub filetype: u8,
    pub nlink: u64,
    pub size: u64,
    pub atim: u64,
    pub mtim: u64,
    pub ctim: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fdstat {
    pub filetype: u8,
    pub flags: u16,
    pub base: Rights,
    pub inheriting: Rights,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Prestat {
    pub tag: u8,
    pub name_len: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Iovec {
    pub buf: *const u8,
    pub len: usize,
}

/// One entry of `fd_readdir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub next: u64,
    pub ino: u64,
    pub filetype: u8,
    pub name: String,
}

/// What `poll_oneoff` is asked to wait for.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub struct Subscription(pub [u8; 48]);

/// What happened.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub struct RawEvent(pub [u8; 32]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub userdata: u64,
    pub error: Errno,
    pub kind: u8,
    pub nbytes: u64,
    pub flags: u16,
}
flags! { u8: ON_CLOCK = 0, ON_READ = 1, ON_WRITE = 2 }

impl Subscription {
    fn new(userdata: u64, kind: u8) -> Self {
        let mut bytes = [0; 48];
        bytes[..8].copy_from_slice(&userdata.to_le_bytes());
        bytes[8] = kind;
        Self(bytes)
    }
    pub fn clock(userdata: u64, id: u32, timeout: u64, absolute: bool) -> Self {
        let mut new = Self::new(userdata, ON_CLOCK);
        new.0[16..20].copy_from_slice(&id.to_le_bytes());
        new.0[24..32].copy_from_slice(&timeout.to_le_bytes());
        new.0[40] = absolute.into();
        new
    }
    pub fn fd(userdata: u64, kind: u8, fd: Fd) -> Self {
        let mut new = Self::new(userdata, kind);
        new.0[16..20].copy_from_slice(&fd.to_le_bytes());
        new
    }
}

/// The calls, with nothing in between.
pub mod raw {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        pub fn args_get(argv: *mut *mut u8, buf: *mut u8) -> i32;
        pub fn args_sizes_get(count: *mut usize, size: *mut usize) -> i32;
        pub fn environ_get(environ: *mut *mut u8, buf: *mut u8) -> i32;
        pub fn environ_sizes_get(count: *mut usize, size: *mut usize) -> i32;
        pub fn clock_res_get(id: u32, resolution: *mut u64) -> i32;
        pub fn clock_time_get(id: u32, precision: u64, time: *mut u64) -> i32;
        pub fn fd_advise(fd: u32, offset: u64, len: u64, advice: i32) -> i32;
        pub fn fd_allocate(fd: u32, offset: u64, len: u64) -> i32;
        pub fn fd_close(fd: u32) -> i32;
        pub fn fd_datasync(fd: u32) -> i32;
        pub fn fd_fdstat_get(fd: u32, stat: *mut super::Fdstat) -> i32;
        pub fn fd_fdstat_set_flags(fd: u32, flags: i32) -> i32;
        pub fn fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64) -> i32;
        pub fn fd_filestat_get(fd: u32, stat: *mut super::Filestat) -> i32;
        pub fn fd_filestat_set_size(fd: u32, size: u64) -> i32;
        pub fn fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, flags: i32) -> i32;
        pub fn fd_pread(fd: u32, iovs: *const super::Iovec, count: usize, offset: u64, done: *mut usize) -> i32;
        pub fn fd_prestat_get(fd: u32, stat: *mut super::Prestat) -> i32;
        pub fn fd_prestat_dir_name(fd: u32, buf: *mut u8, len: usize) -> i32;
        pub fn fd_pwrite(fd: u32, iovs: *const super::Iovec, count: usize, offset: u64, done: *mut usize) -> i32;
        pub fn fd_read(fd: u32, iovs: *const super::Iovec, count: usize, done: *mut usize) -> i32;
        pub fn fd_readdir(fd: u32, buf: *mut u8, len: usize, cookie: u64, used: *mut usize) -> i32;
        pub fn fd_renumber(from: u32, to: u32) -> i32;
        pub fn fd_seek(fd: u32, offset: i64, whence: i32, position: *mut u64) -> i32;
        pub fn fd_sync(fd: u32) -> i32;
        pub fn fd_tell(fd: u32, position: *mut u64) -> i32;
        pub fn fd_write(fd: u32, iovs: *const super::Iovec, count: usize, done: *mut usize) -> i32;
        pub fn path_create_directory(fd: u32, path: *const u8, len: usize) -> i32;
        pub fn path_filestat_get(fd: u32, flags: u32, path: *const u8, len: usize, stat: *mut super::Filestat) -> i32;
        pub fn path_filestat_set_times(
            fd: u32,
            flags: u32,
            path: *const u8,
            len: usize,
            atim: u64,
            mtim: u64,
            fst_flags: i32,
        ) -> i32;
        pub fn path_link(
            old_fd: u32,
            flags: u32,
            old: *const u8,
            old_len: usize,
            new_fd: u32,
            new: *const u8,
            new_len: usize,
        ) -> i32;
        pub fn path_open(
            fd: u32,
            flags: u32,
            path: *const u8,
            len: usize,
            oflags: i32,
            base: u64,
            inheriting: u64,
            fdflags: i32,
            opened: *mut u32,
        ) -> i32;
        pub fn path_readlink(
            fd: u32,
            path: *const u8,
            len: usize,
            buf: *mut u8,
            buf_len: usize,
            used: *mut usize,
        ) -> i32;
        pub fn path_remove_directory(fd: u32, path: *const u8, len: usize) -> i32;
        pub fn path_rename(
            old_fd: u32,
            old: *const u8,
            old_len: usize,
            new_fd: u32,
            new: *const u8,
            new_len: usize,
        ) -> i32;
        pub fn path_symlink(target: *const u8, target_len: usize, fd: u32, path: *const u8, len: usize) -> i32;
        pub fn path_unlink_file(fd: u32, path: *const u8, len: usize) -> i32;
        pub fn poll_oneoff(
            subscriptions: *const super::Subscription,
            events: *mut super::RawEvent,
            count: usize,
            happened: *mut usize,
        ) -> i32;
        pub fn proc_exit(code: i32) -> !;
        pub fn random_get(buf: *mut u8, len: usize) -> i32;
        pub fn sched_yield() -> i32;
        pub fn sock_accept(fd: u32, flags: i32, opened: *mut u32) -> i32;
        pub fn sock_recv(
            fd: u32,
            iovs: *const super::Iovec,
            count: usize,
            flags: i32,
            done: *mut usize,
            out_flags: *mut u16,
        ) -> i32;
        pub fn sock_send(fd: u32, iovs: *const super::Iovec, count: usize, flags: i32, done: *mut usize) -> i32;
        pub fn sock_shutdown(fd: u32, how: i32) -> i32;
    }
}

pub fn check(errno: i32) -> Result<()> {
    if errno == 0 { Ok(()) } else { Err(Errno(errno as u16)) }
}

/// Fills in a value by a call that says whether it did. The pointer is valid for the call; it came from a reference.
fn out<T: Default>(call: impl FnOnce(*mut T) -> i32) -> Result<T> {
    let mut value = T::default();
    check(call(&mut value))?;
    Ok(value)
}

// Every pointer below comes from a slice or reference that outlives the call.
pub fn advise(fd: Fd, offset: u64, len: u64, advice: i32) -> Result<()> {
    check(unsafe { raw::fd_advise(fd, offset, len, advice) })
}
pub fn allocate(fd: Fd, offset: u64, len: u64) -> Result<()> {
    check(unsafe { raw::fd_allocate(fd, offset, len) })
}
pub fn close(fd: Fd) -> Result<()> {
    check(unsafe { raw::fd_close(fd) })
}
pub fn datasync(fd: Fd) -> Result<()> {
    check(unsafe { raw::fd_datasync(fd) })
}
pub fn sync(fd: Fd) -> Result<()> {
    check(unsafe { raw::fd_sync(fd) })
}
pub fn fdstat(fd: Fd) -> Result<Fdstat> {
    out(|stat| unsafe { raw::fd_fdstat_get(fd, stat) })
}
pub fn set_flags(fd: Fd, flags: u16) -> Result<()> {
    check(unsafe { raw::fd_fdstat_set_flags(fd, flags.into()) })
}
pub fn set_rights(fd: Fd, base: Rights, inheriting: Rights) -> Result<()> {
    check(unsafe { raw::fd_fdstat_set_rights(fd, base, inheriting) })
}
pub fn filestat(fd: Fd) -> Result<Filestat> {
    out(|stat| unsafe { raw::fd_filestat_get(fd, stat) })
}
pub fn set_size(fd: Fd, size: u64) -> Result<()> {
    check(unsafe { raw::fd_filestat_set_size(fd, size) })
}
pub fn set_times(fd: Fd, atim: u64, mtim: u64, flags: u16) -> Result<()> {
    check(unsafe { raw::fd_filestat_set_times(fd, atim, mtim, flags.into()) })
}
pub fn prestat(fd: Fd) -> Result<Prestat> {
    out(|stat| unsafe { raw::fd_prestat_get(fd, stat) })
}
pub fn prestat_dir_name(fd: Fd, buf: &mut [u8]) -> Result<()> {
    check(unsafe { raw::fd_prestat_dir_name(fd, buf.as_mut_ptr(), buf.len()) })
}
pub fn readv(fd: Fd, bufs: &mut [&mut [u8]]) -> Result<usize> {
    let iovs: Vec<Iovec> = bufs.iter_mut().map(|buf| Iovec { buf: buf.as_mut_ptr(), len: buf.len() }).collect();
    out(|done| unsafe { raw::fd_read(fd, iovs.as_ptr(), iovs.len(), done) })
}
pub fn read(fd: Fd, buf: &mut [u8]) -> Result<usize> {
    readv(fd, &mut [buf])
}
pub fn pread(fd: Fd, bufs: &mut [&mut [u8]], offset: u64) -> Result<usize> {
    let iovs: Vec<Iovec> = bufs.iter_mut().map(|buf| Iovec { buf: buf.as_mut_ptr(), len: buf.len() }).collect();
    out(|done| unsafe { raw::fd_pread(fd, iovs.as_ptr(), iovs.len(), offset, done) })
}
pub fn writev(fd: Fd, bufs: &[&[u8]]) -> Result<usize> {
    let iovs: Vec<Iovec> = bufs.iter().map(|buf| Iovec { buf: buf.as_ptr(), len: buf.len() }).collect();
    out(|done| unsafe { raw::fd_write(fd, iovs.as_ptr(), iovs.len(), done) })
}
pub fn write(fd: Fd, buf: &[u8]) -> Result<usize> {
    writev(fd, &[buf])
}
pub fn pwrite(fd: Fd, bufs: &[&[u8]], offset: u64) -> Result<usize> {
    let iovs: Vec<Iovec> = bufs.iter().map(|buf| Iovec { buf: buf.as_ptr(), len: buf.len() }).collect();
    out(|done| unsafe { raw::fd_pwrite(fd, iovs.as_ptr(), iovs.len(), offset, done) })
}
pub fn seek(fd: Fd, offset: i64, whence: u8) -> Result<u64> {
    out(|position| unsafe { raw::fd_seek(fd, offset, whence.into(), position) })
}
pub fn tell(fd: Fd) -> Result<u64> {
    out(|position| unsafe { raw::fd_tell(fd, position) })
}
pub fn renumber(from: Fd, to: Fd) -> Result<()> {
    check(unsafe { raw::fd_renumber(from, to) })
}
pub fn readdir_raw(fd: Fd, buf: &mut [u8], cookie: u64) -> Result<usize> {
    out(|used| unsafe { raw::fd_readdir(fd, buf.as_mut_ptr(), buf.len(), cookie, used) })
}
/// The whole entries in a buffer of `fd_readdir`.
pub fn entries(mut bytes: &[u8]) -> Vec<Entry> {
    let mut list = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(24) {
        let word = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes"));
        let len = u32::from_le_bytes(head[16..20].try_into().expect("four bytes")) as usize;
        let Some((name, rest)) = rest.split_at_checked(len) else { break };
        let name = String::from_utf8(name.to_vec()).expect("a name in UTF-8");
        list.push(Entry { next: word(0), ino: word(8), filetype: head[20], name });
        bytes = rest;
    }
    list
}
/// Every entry, read with a buffer of `len` bytes.
pub fn list(fd: Fd, len: usize) -> Result<Vec<Entry>> {
    let (mut all, mut cookie, mut buf) = (Vec::new(), 0, vec![0; len]);
    loop {
        let used = readdir_raw(fd, &mut buf, cookie)?;
        let part = entries(&buf[..used]);
        let Some(last) = part.last() else { return Ok(all) };
        cookie = last.next;
        all.extend(part);
        if used < len {
            return Ok(all);
        }
    }
}
pub fn create_directory(dir: Fd, path: &str) -> Result<()> {
    check(unsafe { raw::path_create_directory(dir, path.as_ptr(), path.len()) })
}
pub fn path_filestat(dir: Fd, flags: u32, path: &str) -> Result<Filestat> {
    out(|stat| unsafe { raw::path_filestat_get(dir, flags, path.as_ptr(), path.len(), stat) })
}
pub fn path_set_times(dir: Fd, flags: u32, path: &str, atim: u64, mtim: u64, fst_flags: u16) -> Result<()> {
    check(unsafe { raw::path_filestat_set_times(dir, flags, path.as_ptr(), path.len(), atim, mtim, fst_flags.into()) })
}
pub fn link(old_dir: Fd, flags: u32, old: &str, new_dir: Fd, new: &str) -> Result<()> {
    check(unsafe { raw::path_link(old_dir, flags, old.as_ptr(), old.len(), new_dir, new.as_ptr(), new.len()) })
}
pub fn open(
    dir: Fd,
    flags: u32,
    path: &str,
    oflags: u16,
    base: Rights,
    inheriting: Rights,
    fdflags: u16,
) -> Result<Fd> {
    out(|fd| unsafe {
        let (oflags, fdflags) = (oflags.into(), fdflags.into());
        raw::path_open(dir, flags, path.as_ptr(), path.len(), oflags, base, inheriting, fdflags, fd)
    })
}
pub fn readlink(dir: Fd, path: &str, buf: &mut [u8]) -> Result<usize> {
    out(|used| unsafe { raw::path_readlink(dir, path.as_ptr(), path.len(), buf.as_mut_ptr(), buf.len(), used) })
}
pub fn remove_directory(dir: Fd, path: &str) -> Result<()> {
    check(unsafe { raw::path_remove_directory(dir, path.as_ptr(), path.len()) })
}
pub fn rename(old_dir: Fd, old: &str, new_dir: Fd, new: &str) -> Result<()> {
    check(unsafe { raw::path_rename(old_dir, old.as_ptr(), old.len(), new_dir, new.as_ptr(), new.len()) })
}
pub fn symlink(target: &str, dir: Fd, path: &str) -> Result<()> {
    check(unsafe { raw::path_symlink(target.as_ptr(), target.len(), dir, path.as_ptr(), path.len()) })
}
pub fn unlink(dir: Fd, path: &str) -> Result<()> {
    check(unsafe { raw::path_unlink_file(dir, path.as_ptr(), path.len()) })
}
pub fn poll(subscriptions: &[Subscription]) -> Result<Vec<Event>> {
    let mut events = vec![RawEvent([0xaa; 32]); subscriptions.len()];
    let count = out(|happened| unsafe {
        raw::poll_oneoff(subscriptions.as_ptr(), events.as_mut_ptr(), subscriptions.len(), happened)
    })?;
    let event = |RawEvent(bytes): &RawEvent| Event {
        userdata: u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")),
        error: Errno(u16::from_le_bytes([bytes[8], bytes[9]])),
        kind: bytes[10],
        nbytes: u64::from_le_bytes(bytes[16..24].try_into().expect("eight bytes")),
        flags: u16::from_le_bytes([bytes[24], bytes[25]]),
    };
    Ok(events[..count].iter().map(event).collect())
}
pub fn time(id: u32, precision: u64) -> Result<u64> {
    out(|time| unsafe { raw::clock_time_get(id, precision, time) })
}
pub fn resolution(id: u32) -> Result<u64> {
    out(|resolution| unsafe { raw::clock_res_get(id, resolution) })
}
pub fn random(buf: &mut [u8]) -> Result<()> {
    check(unsafe { raw::random_get(buf.as_mut_ptr(), buf.len()) })
}

// What cases are made of.

/// The descriptor of the directory preopened at `/`.
pub fn root() -> Fd {
    let named_root = |&fd: &Fd| {
        let mut name = [0];
        prestat(fd).is_ok_and(|stat| stat.tag == 0 && stat.name_len == 1)
            && prestat_dir_name(fd, &mut name).is_ok()
            && name == *b"/"
    };
    (3..16).find(named_root).expect("a directory preopened at /")
}

/// A new descriptor of a file, with every right that applies; the file is made when it is not there.
pub fn file(dir: Fd, name: &str) -> Fd {
    open(dir, 0, name, CREAT, FILE_RIGHTS, 0, 0).unwrap_or_else(|error| panic!("{name} cannot be opened: {error:?}"))
}

/// Makes an empty file.
pub fn touch(dir: Fd, name: &str) {
    close(file(dir, name)).expect("closed");
}

/// Makes a file with this content.
pub fn put(dir: Fd, name: &str, content: &[u8]) {
    let fd = open(dir, 0, name, CREAT | TRUNC, FD_WRITE, 0, 0).expect("a new file");
    assert_eq!(write(fd, content), Ok(content.len()), "written to {name}");
    close(fd).expect("closed");
}

/// The content of a file.
pub fn get(dir: Fd, name: &str) -> Vec<u8> {
    let fd =
        open(dir, FOLLOW, name, 0, FD_READ, 0, 0).unwrap_or_else(|error| panic!("{name} cannot be opened: {error:?}"));
    let (mut content, mut buf) = (Vec::new(), [0; 512]);
    loop {
        match read(fd, &mut buf).expect("read") {
            0 => break,
            len => content.extend(&buf[..len]),
        }
    }
    close(fd).expect("closed");
    content
}

/// Makes a directory and opens it with every right.
pub fn directory(dir: Fd, name: &str) -> Fd {
    create_directory(dir, name).unwrap_or_else(|error| panic!("{name} cannot be made: {error:?}"));
    open(dir, 0, name, DIRECTORY, DIR_RIGHTS, DIR_RIGHTS | FILE_RIGHTS, 0).expect("a new directory")
}

/// Holds that a call fails, in one of the ways that the interface leaves open.
#[track_caller]
pub fn fails<T: fmt::Debug>(result: Result<T>, with: &[Errno]) {
    match result {
        Err(error) if with.contains(&error) => {}
        other => panic!("expected one of {with:?}, got {other:?}"),
    }
}
