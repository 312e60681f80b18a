//! The second wall: what the operating system keeps the threads from that run guests, should the first one, the sandbox, have a hole.
//!
//! A confined thread cannot gain privileges, reach files outside the plugins' data directories (Landlock), or start programs, open
//! sockets, trace, mount and the like (a seccomp filter). What plugins may still cause of these is done by a thread that is not
//! confined: see [`unconfined`].
//!
//! Both restrictions hold for one thread and what it starts, until it ends; the rest of the process is as free as before. The wall
//! stops what guests can make the host's code do. It is no wall against a guest that runs machine code of its own inside the
//! process, for such a guest has the other threads' memory.

#[cfg(all(feature = "second-wall", target_os = "linux"))]
mod broker;
#[cfg(not(all(feature = "second-wall", target_os = "linux")))]
mod disabled;
#[cfg(all(feature = "second-wall", target_os = "linux"))]
mod files;
#[cfg(all(feature = "second-wall", target_os = "linux"))]
mod filter;
#[cfg(all(feature = "second-wall", target_os = "linux"))]
mod install;
mod probe;
#[cfg(all(feature = "second-wall", target_os = "linux"))]
mod syscalls;
#[cfg(all(feature = "second-wall", target_os = "linux"))]
mod thread;

#[cfg(all(feature = "second-wall", target_os = "linux"))]
pub use broker::{is_confined, unconfined};
#[cfg(not(all(feature = "second-wall", target_os = "linux")))]
pub use disabled::{Confinement, is_confined, unconfined};
pub use probe::{NEWEST_LANDLOCK, Probe, probe};
#[cfg(all(feature = "second-wall", target_os = "linux"))]
pub use thread::Confinement;

/// What holds for a thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Files: only those below the directories it was given.
    pub files: bool,
    /// System calls: only those that guests need.
    pub system_calls: bool,
}
