//! Output that grows as a session goes on. The first write that fails ends it, and not the session.

use std::io;

use crate::cli::Failure;

/// Something that grows. Where it cannot, that is said at once, and it ends there: the session goes on without it.
#[derive(Debug)]
pub(super) struct Growing {
    /// Fit for a terminal.
    name: String,
    failed: Option<io::Error>,
}

impl Growing {
    /// What people are told of it begins with `name`, which is shown as it is: the caller has escaped it.
    pub(super) fn new(name: String) -> Self {
        Self { name, failed: None }
    }

    /// Has it grow by `write`, unless it has ended.
    pub(super) fn write(&mut self, write: impl FnOnce() -> io::Result<()>) {
        if self.failed.is_none()
            && let Err(error) = write()
        {
            log::warn!("{} ends here, because it cannot be written: {error}; the session goes on", self.name);
            self.failed = Some(error);
        }
    }

    /// Whether it is complete.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        match &self.failed {
            None => Ok(()),
            Some(error) => Err(Failure::operation(format!("{} is not complete: {error}", self.name))),
        }
    }
}
