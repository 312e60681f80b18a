//! Which functions were running, by name, and where fuel went.

pub(super) mod demangle;
pub(super) mod frames;
pub(super) mod profile;
