//! Capabilities, risks, scopes, and what a plugin was granted.

mod rules;

pub use crate::config::Capability;
pub use rules::Grant;
