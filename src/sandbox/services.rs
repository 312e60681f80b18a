//! What the host lends to the sandbox.

use std::path::PathBuf;
use std::sync::Arc;

use crate::action::Outside;
use crate::clock::Clock;

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
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").field("data_root", &self.data_root).field("live", &self.live).finish_non_exhaustive()
    }
}
