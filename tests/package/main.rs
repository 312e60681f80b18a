//! Nothing but an admitted plugin can be loaded, and what admits it is said.

mod admission;
mod agreement;
mod first_seen;
mod shown;
mod tampering;
#[path = "../support/mod.rs"]
mod support;
