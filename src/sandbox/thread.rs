//! Threads guests run on: their stack is large and its size is known, whatever the caller's is.
//!
//! Under the engine's dispatch by tail calls a failing `memory.grow` or `table.grow` leaves some 190 bytes on the native stack
//! until the slice ends. Slices and the cost table bound that to about 2 MB; a large stack is the second wall.

use std::cell::Cell;
use std::thread::{Builder, JoinHandle};

/// Stack of a guest thread in bytes; virtual, only what is used becomes resident. Less where addresses are scarce.
const STACK_BYTES: usize = if cfg!(target_pointer_width = "64") { 64 << 20 } else { 16 << 20 };

thread_local! {
    static GUEST_STACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` on a thread with a guest's stack: this one, if it is one, else a new one that ends with `f`.
///
/// Every call into a guest goes through here, so nobody has to know. Who makes many calls (a replay, a benchmark)
/// wraps the whole of them in one `on_guest_stack` and saves a thread per call.
///
/// # Panics
///
/// If `f` panics, or the system has no room for another thread.
pub fn on_guest_stack<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    if GUEST_STACK.get() {
        return f();
    }
    std::thread::scope(|scope| {
        let thread = Builder::new().name("guest".into()).stack_size(STACK_BYTES).spawn_scoped(scope, move || {
            GUEST_STACK.set(true);
            f()
        });
        // Without a thread there is nowhere safe to run; the process is out of memory or of threads.
        let thread = thread.unwrap_or_else(|error| panic!("cannot start a thread for a plugin: {error}"));
        thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    })
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
