//! File → digest → signatures → trust → [`AdmittedPlugin`], the only value from which a sandbox can be built.

mod admit;
mod digest;

pub use admit::{AdmittedPlugin, Policy, Refusal, TrustLevel, admit};
pub use digest::Digest;
