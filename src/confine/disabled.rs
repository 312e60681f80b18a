//! A build or a system without the second wall.

use std::path::Path;

use super::Held;

/// What a thread that runs guests may still reach; here, everything.
#[derive(Debug, Clone, Default)]
pub struct Confinement {}

impl Confinement {
    /// No confinement at all.
    #[must_use]
    pub fn none() -> Self {
        Self {}
    }

    /// A confinement to files below `directories`, in a build that has it.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // as in a build that has it
    pub fn to<'a>(directories: impl IntoIterator<Item = &'a Path>) -> Self {
        let _ = directories;
        Self {}
    }

    /// Confines this thread, in a build that can.
    pub fn enter(&self) -> Held {
        Held::default()
    }
}

/// Whether this thread has been confined; here, none is.
#[must_use]
pub fn is_confined() -> bool {
    false
}

/// Does `work` on a thread that is not confined: this one.
pub fn unconfined<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    work()
}
