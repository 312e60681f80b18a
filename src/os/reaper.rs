//! Programs that are started and left running. One thread waits for all of them, so that none stays a zombie.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};

use super::process::{cannot_start, descriptor, poll_for, spawn};
use crate::effect::EffectError;
use crate::text::Repeats;

/// Programs that may run at once. A mapping that starts one at each press of a pad would fill the machine otherwise.
pub(super) const MAX_CHILDREN: usize = 64;

/// How often children are looked at where the kernel has no process descriptors (before Linux 5.3).
const LOOK: Duration = Duration::from_millis(500);

/// Starts programs and sees to their end.
#[derive(Debug)]
pub(super) struct Reaper {
    shared: Mutex<Option<Arc<Shared>>>,
    /// Where failures are said.
    repeats: Arc<Repeats>,
}

#[derive(Debug)]
struct Shared {
    /// Started, and not yet known to the thread.
    new: Mutex<Vec<Running>>,
    /// Written to when something is in `new`, or when it is time to leave.
    wake: OwnedFd,
    running: AtomicUsize,
    leave: AtomicBool,
}

#[derive(Debug)]
struct Running {
    child: Child,
    descriptor: Option<OwnedFd>,
    /// What diagnostics call it.
    label: String,
}

impl Reaper {
    /// Programs that fail are told to `repeats`.
    pub(super) fn new(repeats: Arc<Repeats>) -> Self {
        Self { shared: Mutex::default(), repeats }
    }

    /// Starts `command`, which diagnostics call `label`.
    pub(super) fn start(&self, mut command: Command, program: &Path, label: String) -> Result<(), EffectError> {
        let shared = self.shared()?;
        if shared.running.fetch_add(1, Ordering::Relaxed) >= MAX_CHILDREN {
            shared.running.fetch_sub(1, Ordering::Relaxed);
            return Err(EffectError::Busy(format!(
                "{MAX_CHILDREN} programs started by mappings are still running; {label} was not started"
            )));
        }
        let child = spawn(&mut command).map_err(|error| {
            shared.running.fetch_sub(1, Ordering::Relaxed);
            cannot_start(program, &error)
        })?;
        let descriptor = descriptor(&child);
        lock(&shared.new).push(Running { child, descriptor, label });
        shared.notify();
        Ok(())
    }

    /// How many of the programs that were started still run.
    #[cfg(any(test, feature = "internals"))]
    pub(super) fn running(&self) -> usize {
        lock(&self.shared).as_ref().map_or(0, |shared| shared.running.load(Ordering::Relaxed))
    }

    /// The thread, started when it is first needed.
    fn shared(&self) -> Result<Arc<Shared>, EffectError> {
        let mut slot = lock(&self.shared);
        if let Some(shared) = &*slot {
            return Ok(Arc::clone(shared));
        }
        let failed = |error: std::io::Error| EffectError::Failed(format!("cannot watch over programs: {error}"));
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(|error| failed(error.into()))?;
        let shared = Arc::new(Shared {
            new: Mutex::default(),
            wake,
            running: AtomicUsize::new(0),
            leave: AtomicBool::new(false),
        });
        let (of_thread, repeats) = (Arc::clone(&shared), Arc::clone(&self.repeats));
        std::thread::Builder::new()
            .name("reaper".into())
            .stack_size(128 << 10)
            .spawn(move || watch(&of_thread, &repeats))
            .map_err(failed)?;
        *slot = Some(Arc::clone(&shared));
        Ok(shared)
    }
}

impl Drop for Reaper {
    /// Lets the thread go when the last program has ended. They run on: they were started to.
    fn drop(&mut self) {
        if let Some(shared) = lock(&self.shared).take() {
            shared.leave.store(true, Ordering::Relaxed);
            shared.notify();
        }
    }
}

impl Shared {
    fn notify(&self) {
        // It fails only when the counter is full, and then the thread is awake already.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

fn watch(shared: &Shared, repeats: &Repeats) {
    let mut running: Vec<Running> = Vec::new();
    // A program that was started is here or in `new` before anybody asks to leave.
    while !(shared.leave.load(Ordering::Relaxed) && running.is_empty() && lock(&shared.new).is_empty()) {
        let blind = running.iter().any(|child| child.descriptor.is_none());
        let mut fds: Vec<BorrowedFd<'_>> = vec![shared.wake.as_fd()];
        fds.extend(running.iter().filter_map(|child| child.descriptor.as_ref()).map(AsFd::as_fd));
        if let Err(error) = poll_for(&fds, blind.then_some(LOOK)) {
            log::error!("cannot watch over programs: {error}; those that end stay zombies until Conductor ends");
            return;
        }
        let mut counter = [0; 8];
        // Empty when it was a child that woke us.
        let _ = rustix::io::read(&shared.wake, &mut counter);
        running.append(&mut lock(&shared.new));
        running.retain_mut(|child| match child.child.try_wait() {
            Ok(None) => true,
            ended => {
                shared.running.fetch_sub(1, Ordering::Relaxed);
                match ended {
                    Ok(Some(status)) if !status.success() => {
                        repeats.warn(&child.label, format_args!("{} ended with {status}", child.label));
                    }
                    Ok(_) => log::debug!("{} ended", child.label),
                    Err(error) => {
                        repeats.warn(&child.label, format_args!("cannot wait for {}: {error}", child.label));
                    }
                }
                false
            }
        });
    }
}

/// A poisoned lock holds whole values here: nothing panics between two changes that belong together.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
