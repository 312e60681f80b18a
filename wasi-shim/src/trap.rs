//! Endings of a guest that are not errno.

use core::fmt;

/// The guest called `proc_exit` with this code.
///
/// It travels as a host error: `error.downcast_ref::<Exit>()`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit(pub i32);

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the program ended with exit code {}", self.0)
    }
}

impl core::error::Error for Exit {}
impl wasmi::errors::HostError for Exit {}

/// The guest cannot go on. It travels as a host error: `error.downcast_ref::<Trap>()`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Trap {
    /// The guest exports no memory, so no call can be answered.
    NoMemory,
    /// A sleep reached the deadline of the call.
    Deadline,
    /// The process has no descriptor left for what the guest may have.
    ///
    /// How many a process has is no business of a guest's, and an errno of it would be another on every host.
    HostDescriptors,
    /// The guest raised a signal whose default action ends a process; the number is preview1's.
    Signal(u8),
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMemory => write!(f, "the module exports no memory named \"memory\"; export one to use WASI"),
            Self::Deadline => write!(f, "the call slept until its deadline"),
            Self::HostDescriptors => write!(
                f,
                "this process has no file descriptors left (`ulimit -n`), although the program may open more; raise the limit \
                 or run fewer programs at a time"
            ),
            Self::Signal(number) => write!(f, "the program raised signal {number}"),
        }
    }
}

impl core::error::Error for Trap {}
impl wasmi::errors::HostError for Trap {}
