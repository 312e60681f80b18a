//! Threads guests run on: their stack is large and its size is known, whatever the caller's is.
//!
//! Under the engine's dispatch by tail calls a failing `memory.grow` or `table.grow` leaves some 190 bytes on the native stack
//! until the slice ends. Slices, the cost table and the bound on growths in one function keep that below 300 KB, which a large stack holds
//! many times.
//!
//! They are confined as well ([`crate::confine`]), but for those whose owner has not asked for it.

use std::cell::Cell;
use std::fmt;
use std::thread::{Builder, JoinHandle};

use crate::confine::{Confinement, unconfined};

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

/// Whether guests may run on this thread.
pub(in crate::sandbox) fn is_guest_thread() -> bool {
    GUEST_STACK.get()
}

/// Runs `f` on a thread with a guest's stack and without confinement: this one, if it has such a stack, else a new one that ends with
/// `f`. The error: there is no room for a new one, and `f` has not run.
///
/// This is for tests and benchmarks, which keep one thread for many calls; sessions use [`on_guest_thread`].
///
/// # Panics
///
/// If `f` panics.
#[cfg(any(test, feature = "internals"))]
pub fn on_guest_stack<T: Send>(f: impl FnOnce() -> T + Send) -> Result<T, ThreadError> {
    on_guest_thread(Confinement::none, f)
}

/// Runs `f` on a guest's thread: this one, if it is one, else a new one that is confined as `confinement` says and ends with `f`. The
/// error: there is no room for a new one, and `f` has not run.
///
/// Every call into a guest goes through here, so nobody has to know. Who makes many calls (a replay, a benchmark)
/// wraps the whole of them in one `on_guest_thread` and saves a thread per call.
///
/// # Panics
///
/// If `f` panics.
pub fn on_guest_thread<T: Send>(
    confinement: impl FnOnce() -> Confinement,
    f: impl FnOnce() -> T + Send,
) -> Result<T, ThreadError> {
    if GUEST_STACK.get() {
        return Ok(f());
    }
    let confinement = confinement();
    std::thread::scope(|scope| {
        let thread = Builder::new().name("guest".into()).stack_size(STACK_BYTES).spawn_scoped(scope, move || {
            GUEST_STACK.set(true);
            confinement.enter();
            f()
        });
        let thread = thread.map_err(|error| ThreadError::new(&error))?;
        Ok(thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)))
    })
}

/// Makes the process's first thread one that guests can run on, where it is asked on that thread and the system lets its stack grow
/// as large as a guest's; whether it did. A program that runs one short session saves a thread and the two times the machine has
/// to wake one. The thread is confined from then on, and with it what is left of the program: what has to be opened is open by then.
///
/// The limit that is raised for this is one that programs started later inherit, so it is for sessions that start none.
#[cfg(target_os = "linux")]
pub fn guests_on_first_thread(confinement: impl FnOnce() -> Confinement) -> bool {
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
    if enough {
        confinement().enter();
    }
    enough
}

/// Elsewhere nothing is known of the first thread's stack.
#[cfg(not(target_os = "linux"))]
pub fn guests_on_first_thread(_: impl FnOnce() -> Confinement) -> bool {
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
pub(in crate::sandbox) fn on_small_stack<T: Send + 'static>(bytes: usize, f: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = Builder::new().stack_size(bytes).spawn(move || {
        GUEST_STACK.set(true);
        f()
    });
    thread.expect("a thread").join().expect("it returned")
}

/// Starts a worker that may run guests until it ends, confined as `confinement` says.
pub(in crate::sandbox) fn spawn_worker(
    name: String,
    confinement: Confinement,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    // A thread that is confined starts only threads that are confined as it is.
    unconfined(move || {
        Builder::new().name(name).stack_size(STACK_BYTES).spawn(move || {
            GUEST_STACK.set(true);
            confinement.enter();
            work();
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_thread_is_taken_for_one_whose_stack_can_grow() {
        let elsewhere = std::thread::spawn(|| (guests_on_first_thread(Confinement::none), GUEST_STACK.get()));
        assert_eq!(elsewhere.join().expect("it returned"), (false, false));
    }
}
