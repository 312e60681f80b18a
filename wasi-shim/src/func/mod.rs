//! The functions, by what they are about. Each takes the context, the guest's memory and the raw arguments, and
//! answers an errno; charging, traps and waiting are [`crate::link`]'s.

pub(crate) mod args;
pub(crate) mod clock;
pub(crate) mod dir;
pub(crate) mod file;
pub(crate) mod io;
pub(crate) mod open;
pub(crate) mod path;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod sock;
pub(crate) mod stat;
pub(crate) mod table;
