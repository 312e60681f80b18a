//! Prefixes inside a preopened directory, matched by component.

use core::fmt;

use crate::abi::Rights;

/// Which parts of a preopened directory may be read and which written.
///
/// A prefix covers itself and everything below it: `/data` covers `/data/a` but not `/database`. The directories above a
/// prefix can be walked through and looked at, not listed. Matching is done on where a path leads after every symbolic
/// link and `..` has been resolved, never on its text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scope {
    read: Vec<Vec<Box<[u8]>>>,
    write: Vec<Vec<Box<[u8]>>>,
}

/// A prefix with a `..` in it, which could not mean what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeError {
    prefix: String,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path prefix {:?} contains \"..\"; write it from the root of the directory", self.prefix)
    }
}

impl core::error::Error for ScopeError {}

/// What a scope lets be done at one place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Allowed {
    pub(crate) look: bool,
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Allowed {
    pub(crate) const EVERYTHING: Self = Self { look: true, read: true, write: true };

    /// What is left of `rights` on a directory.
    pub(crate) fn directory(self, rights: Rights) -> Rights {
        let read = if self.read { Rights::NONE } else { Rights::FD_READDIR };
        let write = if self.write { Rights::NONE } else { Rights::FD_FILESTAT_SET_TIMES };
        rights & !(read | write)
    }
}

impl Scope {
    /// Nothing may be read or written.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also lets everything under `prefix` be read.
    pub fn read(mut self, prefix: &str) -> Result<Self, ScopeError> {
        self.read.push(components(prefix)?);
        Ok(self)
    }

    /// Also lets everything under `prefix` be written, created and removed.
    pub fn write(mut self, prefix: &str) -> Result<Self, ScopeError> {
        self.write.push(components(prefix)?);
        Ok(self)
    }

    /// Everything may be read and written.
    pub(crate) fn everything() -> Self {
        Self { read: vec![Vec::new()], write: vec![Vec::new()] }
    }

    /// Whether nothing at all is out of reach.
    pub(crate) fn is_everything(&self) -> bool {
        let root = |prefixes: &[Vec<Box<[u8]>>]| prefixes.iter().any(Vec::is_empty);
        root(&self.read) && root(&self.write)
    }

    /// Whether what stands at `from` under this scope can come to stand at `to` under the scope `there` without anything of
    /// it becoming readable that is not. `directory`: what is below it comes along.
    pub(crate) fn keeps_unread(&self, from: &[Box<[u8]>], there: &Self, to: &[Box<[u8]>], directory: bool) -> bool {
        let readable = |place: &[Box<[u8]>]| self.read.iter().any(|prefix| place.starts_with(prefix));
        there.read.iter().all(|prefix| {
            if to.starts_with(prefix) {
                readable(from)
            } else if let (true, Some(below)) = (directory, prefix.strip_prefix(to)) {
                readable(&[from, below].concat())
            } else {
                true
            }
        })
    }

    /// What may be done at `place`, given as its components from the root of the preopened directory.
    pub(crate) fn allowed(&self, place: &[Box<[u8]>]) -> Allowed {
        let covered = |prefixes: &[Vec<Box<[u8]>>]| prefixes.iter().any(|prefix| place.starts_with(prefix));
        let read = covered(&self.read);
        let write = covered(&self.write);
        let above = self.read.iter().chain(&self.write).any(|prefix| prefix.starts_with(place));
        Allowed { look: read || write || above, read, write }
    }
}

fn components(prefix: &str) -> Result<Vec<Box<[u8]>>, ScopeError> {
    prefix
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .map(|part| match part {
            ".." => Err(ScopeError { prefix: prefix.to_owned() }),
            part => Ok(part.as_bytes().into()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Scope, components};

    fn at(scope: &Scope, path: &str) -> Allowed {
        scope.allowed(&components(path).expect("no dots"))
    }

    #[test]
    fn a_prefix_matches_by_component() {
        let scope = Scope::new().read("/data").expect("valid").write("/data/out/").expect("valid");
        assert!(at(&scope, "/data").read);
        assert!(at(&scope, "/data/a/b").read);
        assert!(!at(&scope, "/database").look);
        assert!(!at(&scope, "/data/a").write);
        assert!(at(&scope, "/data/out/x").write);
    }

    #[test]
    fn what_is_above_a_prefix_can_be_looked_at_only() {
        let scope = Scope::new().write("/a/b").expect("valid");
        assert_eq!(at(&scope, "/a"), Allowed { look: true, read: false, write: false });
        assert!(!at(&scope, "/c").look);
    }

    #[test]
    fn the_root_prefix_covers_everything() {
        let scope = Scope::new().read("/").expect("valid");
        assert!(at(&scope, "/any/where").read);
        assert!(!scope.is_everything());
        assert!(scope.write("").expect("valid").is_everything());
    }

    #[test]
    fn what_moves_is_readable_wherever_it_comes_to_be() {
        let place = |path: &str| components(path).expect("no dots");
        let scope = Scope::new().write("/").and_then(|scope| scope.read("/a/open")).and_then(|scope| scope.read("/r"));
        let scope = scope.expect("valid");
        let keeps = |from: &str, to: &str, directory| scope.keeps_unread(&place(from), &scope, &place(to), directory);
        assert!(!keeps("/w/x", "/r/x", false));
        assert!(!keeps("/w", "/r", true));
        assert!(!keeps("/w", "/a", true), "/w/open would become /a/open");
        assert!(keeps("/w", "/a", false), "a file has nothing below it");
        assert!(keeps("/r/x", "/w/x", true));
        assert!(keeps("/a/open/x", "/r/x", true));
        assert!(keeps("/r", "/a", true), "/r/open is readable as well");
        assert!(keeps("/w/x", "/w/y", true));
    }

    #[test]
    fn a_prefix_with_dots_is_refused() {
        assert!(Scope::new().read("/a/../b").is_err());
    }
}
