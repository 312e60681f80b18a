//! Threads guests run on: their stack is large and its size is known, whatever the caller's is.
//!
//! Under the engine's dispatch by tail calls a failing `memory.grow` or `table.grow` leaves some 190 bytes on the native stack
//! until the slice ends. Slices and the cost table bound that to about 2 MB; a large stack is the second wall.

use std::cell::Cell;
use std::fmt;
use std::thread::{Builder, JoinHandle};

/// Stack of a guest thread in bytes; virtual, only what is used becomes resident. Less where addresses are scarce.
const STACK_BYTES: usize = if cfg!(target_pointer_width = "64") { 64 << 20 } else { 16 << 20 };

thread_local! {
    static GUEST_STACK: Cell<bool> = const { Cell::new(false) };
}

/// The system has no room for another thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadError {
    /// Processes and threads the user may have, where that is limited.
    pub limit: Option<u64>,
    /// The operating system's word for it.
    pub reason: String,
}

impl ThreadError {
    /// What `error` of starting a thread means.
    #[must_use]
    pub fn new(error: &std::io::Error) -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nproc).current;
        Self { limit, reason: error.to_string() }
    }
}

impl fmt::Display for ThreadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the system has no room for another thread: {}", self.reason)?;
        if let Some(limit) = self.limit {
            write!(f, " (limit of this user: {limit})")?;
        }
        write!(
            f,
            "; end other programs, or raise the limits of threads and memory (ulimit -u, ulimit -v, systemd's TasksMax)"
        )
    }
}

impl std::error::Error for ThreadError {}

/// Runs `f` on a thread with a guest's stack: this one, if it is one, else a new one that ends with `f`. The error: there is no
/// room for a new one, and `f` has not run.
///
/// Every call into a guest goes through here, so nobody has to know. Who makes many calls (a replay, a benchmark)
/// wraps the whole of them in one `on_guest_stack` and saves a thread per call.
///
/// # Panics
///
/// If `f` panics.
pub fn on_guest_stack<T: Send>(f: impl FnOnce() -> T + Send) -> Result<T, ThreadError> {
    if GUEST_STACK.get() {
        return Ok(f());
    }
    std::thread::scope(|scope| {
        let thread = Builder::new().name("guest".into()).stack_size(STACK_BYTES).spawn_scoped(scope, move || {
            GUEST_STACK.set(true);
            f()
        });
        let thread = thread.map_err(|error| ThreadError::new(&error))?;
        Ok(thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)))
    })
}

/// Makes the process's first thread one that guests can run on, where it is asked on that thread and the system lets its stack grow
/// as large as a guest's; whether it did. A program that runs one short session saves a thread and the two times the machine has
/// to wake one.
///
/// The limit that is raised for this is one that programs started later inherit, so it is for sessions that start none.
#[cfg(target_os = "linux")]
pub fn guests_on_first_thread() -> bool {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if !is_first_thread() {
        return false;
    }
    // The stack of the first thread is mapped as it grows, down to the limit at that time; the kernel keeps the 128 MiB below its
    // top free of other mappings.
    let Rlimit { current, maximum } = getrlimit(Resource::Stack);
    let wanted = STACK_BYTES as u64;
    let enough = current.is_none_or(|current| current >= wanted)
        || setrlimit(Resource::Stack, Rlimit { current: Some(wanted), maximum }).is_ok();
    GUEST_STACK.set(enough);
    enough
}

/// Elsewhere nothing is known of the first thread's stack.
#[cfg(not(target_os = "linux"))]
pub fn guests_on_first_thread() -> bool {
    false
}

/// Whether this is the thread the process began with: the one whose number is the process's.
#[cfg(target_os = "linux")]
fn is_first_thread() -> bool {
    let own = std::fs::read_link("/proc/thread-self");
    let number = own.as_deref().ok().and_then(std::path::Path::file_name).and_then(std::ffi::OsStr::to_str);
    number.and_then(|number| number.parse().ok()) == Some(std::process::id())
}

/// Runs `f` on a stack of `bytes` as if that were a guest's, to show what a call needs.
#[cfg(test)]
pub(super) fn on_small_stack<T: Send + 'static>(bytes: usize, f: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = Builder::new().stack_size(bytes).spawn(move || {
        GUEST_STACK.set(true);
        f()
    });
    thread.expect("a thread").join().expect("it returned")
}

/// Starts a worker that may run guests until it ends.
pub(super) fn spawn_worker(name: String, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    Builder::new().name(name).stack_size(STACK_BYTES).spawn(move || {
        GUEST_STACK.set(true);
        work();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_thread_is_taken_for_one_whose_stack_can_grow() {
        let elsewhere = std::thread::spawn(|| (guests_on_first_thread(), GUEST_STACK.get()));
        assert_eq!(elsewhere.join().expect("it returned"), (false, false));
    }
}
