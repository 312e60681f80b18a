//! The copying of a tree.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Mode, OFlags, Stat, fchmod, fstat, linkat, mkdirat, openat, readlinkat, statat, symlinkat, unlinkat,
};

use rustix::io::Errno;

use super::{LISTED, Links, Place, Visit, open};

/// Makes the same in another place.
pub(super) struct Copying {
    /// The roots of both.
    from: OwnedFd,
    to: OwnedFd,
    place: Place,
    /// Whether each directory on the way can be written.
    writable: Vec<bool>,
    links: Links,
    shelf: Option<Shelf>,
}

/// Where each file of several names that was copied has one more, by which it is found for the next: the first may be
/// deeper than any path goes.
struct Shelf {
    root: OwnedFd,
    name: CString,
    at: OwnedFd,
    held: Vec<CString>,
}

impl Copying {
    pub(super) fn begin(from: &Place, place: Place) -> io::Result<Self> {
        let (from, to) = (from.at.try_clone()?, place.at.try_clone()?);
        Ok(Self { from, to, place, writable: Vec::new(), links: Links::default(), shelf: None })
    }

    /// Takes down what was needed on the way.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.shelf.take().map_or(Ok(()), |mut shelf| shelf.clear())
    }

    /// Gives the file at the place `first` this name as well.
    fn link_again(&mut self, first: u64, name: &CStr) -> io::Result<()> {
        let shelf = self.shelf.as_ref().ok_or_else(|| io::Error::other("its first name was not copied"))?;
        Ok(linkat(&shelf.at, place(first)?, &self.place.at, name, AtFlags::empty())?)
    }

    /// Remembers what was just copied as `name`, if it has other names.
    fn remember(&mut self, stat: &Stat, name: &CStr) -> io::Result<()> {
        if stat.st_nlink < 2 {
            return Ok(());
        }
        let shelf = match &mut self.shelf {
            Some(shelf) => shelf,
            none => none.insert(Shelf::new(&self.from, &self.to)?),
        };
        let held = place(self.links.last())?;
        linkat(&self.place.at, name, &shelf.at, &held, AtFlags::empty())?;
        shelf.held.push(held);
        Ok(())
    }
}

fn place(number: u64) -> io::Result<CString> {
    Ok(CString::new(number.to_string())?)
}

impl Shelf {
    /// A directory in the root of the copy, by a name that nothing will need there.
    fn new(from: &OwnedFd, to: &OwnedFd) -> io::Result<Self> {
        let mut number = 0_u64;
        let name = loop {
            let name = CString::new(format!(".names-{number}"))?;
            match statat(from, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => break name,
                Err(error) => return Err(error.into()),
                Ok(_) => number += 1,
            }
        };
        mkdirat(to, &name, Mode::RWXU)?;
        let at = openat(to, &name, LISTED | OFlags::NOFOLLOW, Mode::empty())?;
        Ok(Self { root: to.try_clone()?, name, at, held: Vec::new() })
    }

    fn clear(&mut self) -> io::Result<()> {
        for name in self.held.drain(..) {
            unlinkat(&self.at, name, AtFlags::empty())?;
        }
        Ok(unlinkat(&self.root, &self.name, AtFlags::REMOVEDIR)?)
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        if let Some(shelf) = &mut self.shelf {
            // The copy has failed already; what is left of it is for whoever made its directory to remove.
            let _ = shelf.clear();
        }
    }
}

fn is_writable(stat: &Stat) -> bool {
    Mode::from_raw_mode(stat.st_mode).contains(Mode::WUSR)
}

impl Visit for Copying {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        let mut file = open(at, name)?;
        let stat = fstat(&file)?;
        if let Some(first) = self.links.see(&stat) {
            return self.link_again(first, name);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut copy = File::from(openat(&self.place.at, name, flags, Mode::RUSR | Mode::WUSR)?);
        io::copy(&mut file, &mut copy)?;
        if !is_writable(&stat) {
            fchmod(&copy, Mode::RUSR)?;
        }
        self.remember(&stat, name)
    }
    fn link(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        let stat = statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if let Some(first) = self.links.see(&stat) {
            return self.link_again(first, name);
        }
        symlinkat(&readlinkat(at, name, Vec::new())?, &self.place.at, name)?;
        self.remember(&stat, name)
    }
    fn enter(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        self.writable.push(is_writable(&statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?));
        mkdirat(&self.place.at, name, Mode::RWXU)?;
        self.place.down(name)
    }
    fn leave(&mut self, _at: BorrowedFd<'_>, _name: &CStr) -> io::Result<()> {
        if self.writable.pop() == Some(false) {
            fchmod(self.place.at.as_fd(), Mode::RUSR | Mode::XUSR)?;
        }
        self.place.up()
    }
}
