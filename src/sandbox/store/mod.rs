//! What the store of one instance holds while a guest runs, and what the guest reaches through it: host functions, WASI, its fuel.

pub(super) mod asking;
pub(super) mod confinement;
pub(super) mod errno;
pub(super) mod host_function;
pub(super) mod request;
pub(super) mod run;
pub(super) mod services;
pub(super) mod state;
pub(super) mod trace;
pub(super) mod wasi;
