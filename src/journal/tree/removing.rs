//! The removing of a tree.

use std::ffi::CStr;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Mode, OFlags, fchmod, fstat, openat, unlinkat};

use super::{LISTED, Visit};

/// Removes everything.
pub(super) struct Removing;

impl Visit for Removing {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        Ok(unlinkat(at, name, AtFlags::empty())?)
    }
    fn link(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        self.file(at, name)
    }
    fn other(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        self.file(at, name)
    }
    fn enter(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        // Nothing can be taken out of a directory that cannot be written.
        let directory = openat(at, name, LISTED | OFlags::NOFOLLOW, Mode::empty())?;
        if !Mode::from_raw_mode(fstat(&directory)?.st_mode).contains(Mode::WUSR) {
            fchmod(&directory, Mode::RWXU)?;
        }
        Ok(())
    }
    fn leave(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        Ok(unlinkat(at, name, AtFlags::REMOVEDIR)?)
    }
}
