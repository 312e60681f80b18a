//! Confining a thread.

use std::path::Path;
use std::sync::Arc;

use super::{Held, broker, files::Files, install};

/// What a thread that runs guests may still reach. Made once, entered by every thread it is for.
#[derive(Debug, Clone, Default)]
pub struct Confinement(Option<Arc<Files>>);

impl Confinement {
    /// No confinement at all.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// No programs, no sockets, no files but those below `directories`. One that is not there stays out of reach, even if it is made
    /// later.
    #[must_use]
    pub fn to<'a>(directories: impl IntoIterator<Item = &'a Path>) -> Self {
        Self(Some(Arc::new(Files::below(directories))))
    }

    /// Confines this thread and all it will start, until they end, as far as the kernel can; what holds.
    ///
    /// A thread that is confined already stays as it is.
    pub fn enter(&self) -> Held {
        let Some(files) = &self.0 else { return Held::default() };
        if broker::is_confined() {
            return Held::default();
        }
        if let Err(error) = broker::start() {
            log::error!("no thread for the effects of plugins ({error}); those that need one will fail");
        }
        // Reads a file of the process when it is first asked for, and is needed for giving memory back.
        let _ = rustix::param::page_size();
        // Without this neither of the two may be asked for by a process without privileges.
        let privileges = install::no_new_privileges();
        let files = privileges && files.restrict();
        let system_calls = privileges && install::system_calls();
        if files || system_calls {
            broker::confined();
        }
        if !(files && system_calls) {
            log::debug!(
                "the second wall around a guest's thread is incomplete: files {files}, system calls {system_calls}"
            );
        }
        Held { files, system_calls }
    }
}
