//! Recorded sessions come back to the same bytes.

mod ceiling;
mod files;
mod foreign;
mod grants;
mod left_out;
mod live;
mod profiles;
mod replay;
mod resident;
mod revoked;
mod shutdown;
#[path = "../support/mod.rs"]
mod support;
