//! The witx side: numbers, flags and layouts exactly as `wasi_snapshot_preview1` fixes them.

pub(crate) mod memory;
pub(crate) mod types;

mod errno;
mod rights;

pub use errno::Errno;
pub use rights::Rights;
