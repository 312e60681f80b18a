//! Finding out what the second wall holds on this machine, by running against it.

use std::path::Path;

use rustix::process::{getpid, test_kill_process};

use super::{Confinement, Held};

/// The newest version of Landlock that is made use of.
pub const NEWEST_LANDLOCK: u32 = 6;

/// What a confined thread found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Probe {
    /// The kernel took the restrictions.
    pub entered: Held,
    /// The thread cannot gain privileges.
    pub no_new_privileges: bool,
    /// It could read a directory outside before, and could not afterwards.
    pub files: bool,
    /// It could open a socket and signal a process before, and could not afterwards. The filter that refuses these is one and
    /// whole: what refuses them refuses the rest.
    pub system_calls: bool,
    /// The newest version of Landlock that the kernel and this program know.
    pub landlock: Option<u32>,
}

/// Confines a thread of its own and tries what it must not do. Without a thread nothing holds.
#[must_use]
pub fn probe() -> Probe {
    let thread = std::thread::Builder::new().name("probe".into()).spawn(|| {
        let before = Escapes::tried();
        let entered = Confinement::to([]).enter();
        let after = Escapes::tried();
        Probe {
            entered,
            no_new_privileges: no_new_privileges(),
            files: before.directory && !after.directory,
            system_calls: before.socket && !after.socket && before.signal && !after.signal,
            landlock: landlock(),
        }
    });
    thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_default()
}

/// What a thread could do.
#[derive(Debug, Clone, Copy)]
struct Escapes {
    directory: bool,
    socket: bool,
    signal: bool,
}

impl Escapes {
    fn tried() -> Self {
        Self {
            directory: std::fs::read_dir(Path::new("/")).is_ok(),
            socket: std::os::unix::net::UnixDatagram::unbound().is_ok(),
            // Sends nothing, and asks whether it could.
            signal: test_kill_process(getpid()).is_ok(),
        }
    }
}

#[cfg(all(feature = "second-wall", target_os = "linux"))]
fn no_new_privileges() -> bool {
    rustix::thread::no_new_privs().is_ok_and(|set| set)
}

#[cfg(all(feature = "second-wall", target_os = "linux"))]
fn landlock() -> Option<u32> {
    // Asked on a thread that is not confined, for a confined one may not ask.
    super::unconfined(super::files::version)
}

#[cfg(not(all(feature = "second-wall", target_os = "linux")))]
fn no_new_privileges() -> bool {
    false
}

#[cfg(not(all(feature = "second-wall", target_os = "linux")))]
fn landlock() -> Option<u32> {
    None
}
