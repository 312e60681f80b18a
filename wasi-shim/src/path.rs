//! A path as the guest wrote it, checked for form.

use crate::Errno;
use crate::limits::{MAX_DEPTH, MAX_NAME, MAX_PATH, MAX_TARGET};

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
            None => return Err(Errno::Noent),
            Some(b'/') => return Err(Errno::Perm),
            Some(_) => {}
        }
        names_fit(bytes)?;
        Ok(Self { text: bytes })
    }

    /// Reads what is to be the target of a symbolic link.
    pub(crate) fn target(bytes: &'a [u8]) -> Result<Self, Errno> {
        if bytes.len() > MAX_TARGET { Err(Errno::Nametoolong) } else { Self::parse(bytes) }
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

/// Checks that no component of `path` is longer than a name can be.
pub(crate) fn names_fit(path: &[u8]) -> Result<(), Errno> {
    if components(path).any(|name| name.len() > MAX_NAME) { Err(Errno::Nametoolong) } else { Ok(()) }
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
        assert_eq!(GuestPath::parse(&[b'a'; 256]).err(), Some(Errno::Nametoolong));
        assert!(GuestPath::parse(&[b'a'; 255]).is_ok());
        assert!(GuestPath::parse("ünï/ço∂e".as_bytes()).is_ok());
        let target = [&[b'a'; 255][..], b"/"].concat().repeat(4);
        assert_eq!(GuestPath::target(&target).err(), Some(Errno::Nametoolong));
        assert!(GuestPath::target(&target[..1023]).is_ok());
    }
}
