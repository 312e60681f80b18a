//! What the host lends to the sandbox.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::action::Outside;
use crate::clock::Clock;
use crate::grant::Approvals;

/// What the host lends to every instance.
#[derive(Clone)]
pub struct Services {
    /// Session time: for deadlines, and for sleeps that pass for real.
    pub clock: Arc<dyn Clock>,
    /// The way out of the process.
    pub outside: Arc<dyn Outside>,
    /// The session's seed, from which each instance's randomness derives.
    pub seed: [u8; 32],
    /// Directory of the plugins' directories: each gets `<data_root>/<plugin>/<tenant>/`. `None`: there are none, whatever is granted.
    pub data_root: Option<PathBuf>,
    /// Whether a plugin's sleeps pass for real. Without, they only cost their fuel.
    pub live: bool,
    /// Whether outcomes tell every host call, for transcripts.
    pub trace: bool,
    /// Where the wall clock stopped a call in the session that is replayed; nowhere in any other.
    pub stops: Option<Arc<Stops>>,
    /// Who is asked which approval counts when a plugin is about to run; without, it is the grant store's.
    pub approvals: Option<Arc<dyn Approvals>>,
}

/// Where the wall clock has to stop the coming call, because it did when the session was recorded.
#[derive(Debug, Default)]
pub struct Stops(Mutex<Option<(bool, u64)>>);

impl Stops {
    /// The coming call ends once it has used `fuel`: while its instance starts, if `starting`. `None`: it runs its course.
    pub fn set(&self, stop: Option<(bool, u64)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stop;
    }

    /// The same, until it is set again; what it was.
    pub(super) fn take(&self) -> Option<(bool, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Fuel at which the call ends that begins now.
    pub(super) fn fuel(&self, starting: bool) -> Option<u64> {
        let stop = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stop.filter(|(at_start, _)| *at_start == starting).map(|(_, fuel)| fuel)
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").field("data_root", &self.data_root).field("live", &self.live).finish_non_exhaustive()
    }
}
