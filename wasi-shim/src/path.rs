//! A path as the guest wrote it, checked for form.

use crate::Errno;

/// Longest path taken, in bytes: `PATH_MAX` less its NUL.
pub(crate) const MAX_PATH: usize = 4095;

/// Symbolic links followed in one resolution.
pub(crate) const MAX_LINKS: u32 = 40;

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
}

/// A path split before its last component.
pub(crate) struct Split<'a> {
    /// Everything before the last component; empty for a bare name.
    pub(crate) head: &'a [u8],
    /// The last component; `None` when that is `.` or `..`, and the path as a whole leads to a directory.
    pub(crate) name: Option<&'a [u8]>,
    /// A slash follows the last component: it has to be a directory.
    pub(crate) slash: bool,
}

pub(crate) fn split(path: &[u8]) -> Split<'_> {
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |last| last + 1);
    let slash = end < path.len();
    let trimmed = path.get(..end).unwrap_or_default();
    let start = trimmed.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    let (head, name) = trimmed.split_at(start);
    match name {
        b"" | b"." | b".." => Split { head: trimmed, name: None, slash: true },
        name => Split { head, name: Some(name), slash },
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, GuestPath, split};

    #[test]
    fn a_malformed_path_says_what_is_wrong_with_it() {
        assert_eq!(GuestPath::parse(b"").err(), Some(Errno::Noent));
        assert_eq!(GuestPath::parse(b"/etc/passwd").err(), Some(Errno::Perm));
        assert_eq!(GuestPath::parse(b"a\0b").err(), Some(Errno::Inval));
        assert_eq!(GuestPath::parse(b"a\xff").err(), Some(Errno::Ilseq));
        assert_eq!(GuestPath::parse(&[b'a'; 4096]).err(), Some(Errno::Nametoolong));
        assert!(GuestPath::parse("ünï/ço∂e".as_bytes()).is_ok());
    }

    #[test]
    fn a_path_splits_before_its_last_name() {
        let parts = |text: &'static str| {
            let split = split(text.as_bytes());
            (split.head, split.name, split.slash)
        };
        assert_eq!(parts("a"), (&b""[..], Some(&b"a"[..]), false));
        assert_eq!(parts("a/"), (&b""[..], Some(&b"a"[..]), true));
        assert_eq!(parts("a//b///"), (&b"a//"[..], Some(&b"b"[..]), true));
        assert_eq!(parts("a/.."), (&b"a/.."[..], None, true));
        assert_eq!(parts("."), (&b"."[..], None, true));
        assert_eq!(parts("a/./"), (&b"a/."[..], None, true));
    }
}
