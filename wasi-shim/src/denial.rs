//! What a guest was refused in its files, for an embedder that wants to tell somebody.

use core::cell::RefCell;

use crate::Errno;
use crate::resolve::Trail;

/// Why something in the files of a guest was refused to it, beside the errno that it sees.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Denial {
    /// The scope of the preopened directory does not cover it.
    Scope {
        /// Where it is, from the root of that directory: `/a/b`.
        path: Vec<u8>,
        /// To change it; else to read it, or to look at it.
        write: bool,
    },
    /// The path leads out of the preopened directory.
    Outside {
        /// As the guest wrote it.
        path: Vec<u8>,
    },
}

/// The denial of the current host call, if there was one.
#[derive(Debug, Default)]
pub(crate) struct Denied(RefCell<Option<Denial>>);

impl Denied {
    /// The scope does not cover the place at `trail`.
    pub(crate) fn scope(&self, trail: Option<&Trail>, write: bool) -> Errno {
        let mut path = Vec::new();
        for name in trail.into_iter().flatten() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        self.0.replace(Some(Denial::Scope { path, write }));
        Errno::Acces
    }

    /// `path` could not be resolved; where it led out, that is a denial.
    pub(crate) fn outside(&self, path: &[u8], error: Errno) -> Errno {
        if error == Errno::Perm {
            self.0.replace(Some(Denial::Outside { path: path.to_vec() }));
        }
        error
    }

    /// What was denied.
    pub(crate) fn take(&self) -> Option<Denial> {
        self.0.take()
    }
}
