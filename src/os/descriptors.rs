//! File descriptors: how many this process may have open, and what of that is kept back from plugins.
//!
//! Children inherit the limit, and programs that wait with `select` break beyond 1,024; so each gets back the one this process had.

use std::process::Child;
use std::sync::OnceLock;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// Descriptors that are asked for, where the system allows more.
const MOST: u64 = 65_536;

/// Descriptors kept back at most: for devices, connections, the programs that mappings and plugins run, journal and log.
const RESERVE: u64 = 1_024;

/// The limit before it was raised.
static INHERITED: OnceLock<Rlimit> = OnceLock::new();

/// Descriptors this process may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// Limit in force.
    pub limit: u64,
    /// Limit the system would let it be raised to; `u64::MAX` when there is none. [`Descriptors::raise`] asks for 65,536 at most.
    pub hard_limit: u64,
}

impl Descriptors {
    /// Raises the limit as far as it goes, to 65,536 at most, and says what it is then. Where it cannot be raised it stays as it was.
    #[must_use]
    pub fn raise() -> Self {
        let now = getrlimit(Resource::Nofile);
        INHERITED.get_or_init(|| now);
        let most = now.maximum.unwrap_or(MOST).min(MOST);
        if now.current.is_some_and(|current| current < most) {
            // What is in force is looked at below.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: now.maximum });
        }
        Self::now()
    }

    /// The limits as they are.
    #[must_use]
    pub fn now() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        Self { limit: current.unwrap_or(u64::MAX), hard_limit: maximum.unwrap_or(u64::MAX) }
    }

    /// Those that plugins cannot have: a quarter, at most 1,024.
    #[must_use]
    pub fn reserve(self) -> u64 {
        (self.limit / 4).min(RESERVE)
    }

    /// Those that plugins can have.
    #[must_use]
    pub fn for_plugins(self) -> u64 {
        self.limit - self.reserve() // a quarter of it at most
    }

    /// Those that are open; `None` where the system does not tell.
    #[must_use]
    pub fn open() -> Option<usize> {
        std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1)) // but the directory's own
    }
}

/// Gives `child` the limit this process had when it was started. The child has hardly begun by then: it is still being loaded.
pub(super) fn restore(child: &Child) {
    if let (Some(inherited), Some(pid)) = (INHERITED.get(), Pid::from_raw(child.id().cast_signed())) {
        // It fails for a program that runs as another user, which then has the larger limit, and for one that has ended.
        let _ = prlimit(Some(pid), Resource::Nofile, *inherited);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_kept_back_up_to_a_bound() {
        let reserve = |limit| Descriptors { limit, hard_limit: limit }.reserve();
        assert_eq!([0, 1_024, 4_096, 65_536, u64::MAX].map(reserve), [0, 256, 1_024, 1_024, 1_024]);
        assert_eq!(Descriptors { limit: 1_024, hard_limit: 1_024 }.for_plugins(), 768);
    }
}
