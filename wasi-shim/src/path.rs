//! A path as the guest wrote it, checked for form.

use crate::Errno;

/// Longest path taken, in bytes: `PATH_MAX` less its NUL.
pub(crate) const MAX_PATH: usize = 4095;

/// Symbolic links followed in one resolution.
pub(crate) const MAX_LINKS: u32 = 40;

/// Directories on the way to a place. Each holds a descriptor of the host while a path is walked by component, and hosts
/// commonly have a thousand for everything.
pub(crate) const MAX_DEPTH: usize = 128;

/// A relative, non-empty path without NUL bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct GuestPath<'a> {
    text: &'a [u8],
}

impl<'a> GuestPath<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Errno> {
        if bytes.len() > MAX_PATH {
            return Err(Errno::Nametoolong);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| Errno::Ilseq)?;
        if text.contains('\0') {
            return Err(Errno::Inval);
        }
        match text.as_bytes().first() {
            None => Err(Errno::Noent),
            Some(b'/') => Err(Errno::Perm),
            Some(_) => Ok(Self { text: bytes }),
        }
    }

    pub(crate) fn text(self) -> &'a [u8] {
        self.text
    }

    /// Whether it goes down further than [`MAX_DEPTH`], as it is written.
    pub(crate) fn is_too_deep(self) -> bool {
        let mut depth = 0_usize;
        components(self.text).any(|part| {
            match part {
                b"." => {}
                b".." => depth = depth.saturating_sub(1),
                _ => depth += 1,
            }
            depth > MAX_DEPTH
        })
    }
}

/// The components of a path, dots included.
pub(crate) fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Errno, GuestPath};

    #[test]
    fn a_malformed_path_says_what_is_wrong_with_it() {
        assert_eq!(GuestPath::parse(b"").err(), Some(Errno::Noent));
        assert_eq!(GuestPath::parse(b"/etc/passwd").err(), Some(Errno::Perm));
        assert_eq!(GuestPath::parse(b"a\0b").err(), Some(Errno::Inval));
        assert_eq!(GuestPath::parse(b"a\xff").err(), Some(Errno::Ilseq));
        assert_eq!(GuestPath::parse(&[b'a'; 4096]).err(), Some(Errno::Nametoolong));
        assert!(GuestPath::parse("ünï/ço∂e".as_bytes()).is_ok());
    }
}
