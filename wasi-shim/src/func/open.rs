//! `path_open`.

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno as Host;

use super::file::{Change, resize};
use super::path::{Reach, reach};
use crate::Errno;
use crate::abi::Rights;
use crate::abi::memory::Guest;
use crate::abi::types::{FdFlags, FileType, OpenFlags, follow};
use crate::ctx::{Meter, WasiCtx};
use crate::fuel;
use crate::meta::Meta;
use crate::resolve::Last;
use crate::table::{Descriptor, Directory, Handle, Kind};

/// Rights that take a file opened for writing.
const WRITING: Rights =
    Rights::from_bits(Rights::FD_WRITE.bits() | Rights::FD_ALLOCATE.bits() | Rights::FD_FILESTAT_SET_SIZE.bits());

/// Rights that are lost where a scope does not let be written.
const CHANGING: Rights = Rights::from_bits(WRITING.bits() | Rights::FD_FILESTAT_SET_TIMES.bits());

/// What the guest asked for, read and checked for form.
#[derive(Clone, Copy)]
struct Request {
    oflags: OpenFlags,
    fdflags: FdFlags,
    base: Rights,
    inheriting: Rights,
}

// The specification's own list of parameters.
#[allow(clippy::too_many_arguments)]
pub(crate) fn path_open(
    ctx: &mut WasiCtx,
    guest: &mut Guest<'_>,
    fd: u32,
    lookup: u32,
    (path, len): (u32, u32),
    oflags: u32,
    (base, inheriting): (u64, u64),
    fdflags: u32,
    out: u32,
) -> Result<(), Errno> {
    let follow = follow(lookup)?;
    let oflags = OpenFlags::parse(oflags)?;
    let fdflags = FdFlags::parse(fdflags)?;
    if oflags.contains(OpenFlags::CREAT) && oflags.contains(OpenFlags::DIRECTORY) {
        return Err(Errno::Inval);
    }
    let last = match (oflags.contains(OpenFlags::CREAT), follow) {
        // A link in the place of the file to be created exists, wherever it leads.
        (true, _) if oflags.contains(OpenFlags::EXCL) => Last::Name,
        (true, true) => Last::Create,
        (true, false) => Last::Name,
        (false, true) => Last::Follow,
        (false, false) => Last::Keep,
    };
    guest.bytes(out, 4)?;
    let now = ctx.now();
    let mut needed = Rights::PATH_OPEN;
    if oflags.contains(OpenFlags::CREAT) {
        needed = needed | Rights::PATH_CREATE_FILE;
    }
    if oflags.contains(OpenFlags::TRUNC) {
        needed = needed | Rights::PATH_FILESTAT_SET_SIZE;
    }
    let parent = ctx.table.get(fd)?;
    parent.directory()?;
    parent.require(needed)?;
    let inheritable = parent.inheriting;
    // How many descriptors there are is known before the host is asked for one.
    if !ctx.table.has_room() {
        return Err(Errno::Mfile);
    }
    let (base, inheriting) = (Rights::from_bits(base), Rights::from_bits(inheriting));
    let reach = reach(ctx, guest, fd, needed, (path, len), last)?;
    let allowed = reach.allowed;
    // Reading and writing are what a program notices only when it does them; a program that cannot have them is told
    // now. Every other right that cannot be had is left out.
    if (base & (Rights::FD_READ | Rights::FD_WRITE)).intersects(!inheritable) {
        return Err(Errno::Notcapable);
    }
    let mut request = Request { oflags, fdflags, base: base & inheritable, inheriting: inheriting & inheritable };
    let changes = request.base.contains(Rights::FD_WRITE) || oflags.contains(OpenFlags::TRUNC);
    if !allowed.look || (changes && !allowed.write) {
        return Err(reach.denied(changes));
    }
    if !allowed.write {
        request.base = request.base & !CHANGING;
    }
    let may_create = allowed.write && (allowed.read || !request.base.contains(Rights::FD_READ));
    let (host, meta) = open(&reach, request, may_create, now, ctx.meter())?;
    if !meta.is_dir() && !allowed.read && request.base.contains(Rights::FD_READ) {
        return Err(reach.denied(false));
    }
    let Reach { place, root, .. } = reach;
    let handle = Handle::new(host, root);
    let descriptor = if meta.is_dir() {
        let base = allowed.directory(request.base & Rights::DIRECTORY);
        let directory = Directory { handle, preopen: None, trail: place.trail, listing: None };
        Descriptor { kind: Kind::Directory(Box::new(directory)), base, inheriting: request.inheriting, flags: fdflags }
    } else {
        if oflags.contains(OpenFlags::TRUNC) {
            resize(&handle, now, Change::Exactly(0), ctx.meter())?;
        }
        let base = request.base & Rights::FILE;
        Descriptor { kind: Kind::File(handle), base, inheriting: request.inheriting & Rights::FILE, flags: fdflags }
    };
    let fd = ctx.table.insert(descriptor)?;
    guest.write_u32(out, fd)
}

fn host_flags(request: Request, directory: bool) -> OFlags {
    let reads = request.base.contains(Rights::FD_READ);
    let writes = request.base.intersects(WRITING) || request.oflags.contains(OpenFlags::TRUNC);
    let access = match (reads, writes && !directory) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        (_, false) => OFlags::RDONLY,
    };
    // Not to block on what turns out not to be a file; nor to become the terminal of this process.
    let mut flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    flags.set(OFlags::APPEND, request.fdflags.contains(FdFlags::APPEND));
    flags
}

/// Opens or creates what `reach` leads to. Answers the handle and what it is.
fn open(
    reach: &Reach<'_>,
    request: Request,
    may_create: bool,
    now: u64,
    meter: &Meter,
) -> Result<(OwnedFd, Meta), Errno> {
    let Reach { place, root, .. } = reach;
    let wants_directory = place.directory || request.oflags.contains(OpenFlags::DIRECTORY);
    let creates = request.oflags.contains(OpenFlags::CREAT);
    let exclusive = creates && request.oflags.contains(OpenFlags::EXCL);
    if creates && place.directory && !place.is_dot() {
        // `O_CREAT` makes files, which a slash after the name rules out.
        return Err(Errno::Isdir);
    }
    // Between looking and creating somebody else may create or remove; then it is done over.
    for attempt in 0..8 {
        let found = if attempt == 0 { place.meta() } else { Meta::at(place.parent(), &place.name) };
        match found {
            Ok(_) if exclusive => return Err(Errno::Exist),
            Ok(meta) => {
                check(&meta, request, wants_directory)?;
                let flags = host_flags(request, meta.is_dir());
                match openat(place.parent(), &*place.name, flags, Mode::empty()) {
                    Err(Host::NOENT) if creates => {}
                    // FreeBSD's word for a link that is not to be followed.
                    Err(Host::MLINK) => return Err(Errno::Loop),
                    Err(error) => return Err(error.into()),
                    Ok(fd) => {
                        // What was opened counts, not what was looked at.
                        let meta = Meta::of(&fd)?;
                        check(&meta, request, wants_directory)?;
                        return Ok((fd, meta));
                    }
                }
            }
            Err(Host::NOENT) if creates => {
                if !may_create {
                    return Err(reach.denied(!reach.allowed.write));
                }
                meter.spend(fuel::TREE)?;
                let ledger = root.volume.open(root.fd(), meter)?;
                if let Some(ledger) = &ledger {
                    ledger.admit(0)?;
                }
                match openat(
                    place.parent(),
                    &*place.name,
                    host_flags(request, false) | OFlags::CREATE | OFlags::EXCL,
                    Mode::from_raw_mode(0o666),
                ) {
                    Err(Host::EXIST) if !exclusive => {}
                    Err(error) => return Err(error.into()),
                    Ok(fd) => {
                        let meta = Meta::of(&fd)?;
                        if let Some(mut ledger) = ledger {
                            ledger.born(&meta, Meta::of(place.parent())?.key, now);
                        }
                        return Ok((fd, meta));
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Errno::Again)
}

/// Whether a file of this kind can be opened as asked.
fn check(meta: &Meta, request: Request, wants_directory: bool) -> Result<(), Errno> {
    match meta.filetype {
        FileType::Directory => {
            let writes = request.base.contains(Rights::FD_WRITE)
                || request.oflags.contains(OpenFlags::CREAT)
                || request.oflags.contains(OpenFlags::TRUNC);
            if writes { Err(Errno::Isdir) } else { Ok(()) }
        }
        FileType::SymbolicLink if !wants_directory => Err(Errno::Loop),
        _ if wants_directory => Err(Errno::Notdir),
        FileType::RegularFile => Ok(()),
        // Pipes, sockets and devices: opening one can block, or do things, outside any rights.
        _ => Err(Errno::Acces),
    }
}
