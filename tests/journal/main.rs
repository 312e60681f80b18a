//! Recorded sessions come back to the same bytes.

mod ceiling;
mod files;
mod foreign;
mod grants;
mod live;
mod profiles;
mod replay;
mod revoked;
mod shutdown;
#[path = "../support/mod.rs"]
mod support;
