//! The digest of a tree.

use std::ffi::CStr;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, fstat, readlinkat, statat};
use sha2::{Digest as _, Sha256};

use super::{Links, Visit, open};
use crate::digest::Digest;

/// Takes the digest.
#[derive(Default)]
pub(super) struct Summing {
    hash: Sha256,
    links: Links,
}

impl Summing {
    pub(super) fn digest(self) -> Digest {
        Digest::from_bytes(self.hash.finalize().into())
    }

    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.hash.update([kind]);
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
    }
}

impl Visit for Summing {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        let mut file = open(at, name)?;
        self.part(b'n', name.to_bytes());
        if let Some(first) = self.links.see(&fstat(&file)?) {
            self.part(b'h', &first.to_le_bytes());
            return Ok(());
        }
        let mut content = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => content.update(&buffer[..read]),
            }
        }
        self.part(b'f', &content.finalize());
        Ok(())
    }
    fn link(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        self.part(b'n', name.to_bytes());
        if let Some(first) = self.links.see(&statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?) {
            self.part(b'h', &first.to_le_bytes());
            return Ok(());
        }
        let target = readlinkat(at, name, Vec::new())?;
        self.part(b'l', target.to_bytes());
        Ok(())
    }
    fn enter(&mut self, _at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        self.part(b'n', name.to_bytes());
        self.part(b'd', b"");
        Ok(())
    }
    fn leave(&mut self, _at: BorrowedFd<'_>, _name: &CStr) -> io::Result<()> {
        self.part(b'u', b"");
        Ok(())
    }
}
