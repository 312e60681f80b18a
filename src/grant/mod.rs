//! Capabilities, risks, scopes, and what a plugin was granted.
//!
//! What a plugin holds is settled before any of its code runs ([`Grant::settle`]), kept in a [`GrantCell`] that every
//! call looks at when it begins, and settled anew when the grant store changes, so that a revoked grant is gone at the next
//! call.

mod address;
mod cell;
mod denied;
mod host;
mod risk;
mod rules;
mod secret;
mod stamp;
mod store;
mod trust_watch;

pub use crate::capability::Capability;
pub use address::AddressClass;
#[cfg(any(feature = "http", feature = "websocket"))]
pub use address::permits;
pub use cell::{Approvals, GrantCell, GrantView, LiveGrants};
pub use denied::Denied;
pub use host::{HostRule, RuleFault};
pub use risk::{Risk, consequence};
pub use rules::{Grant, Source};
pub use secret::BoundSecrets;
pub use store::{Approval, GrantStore, Identity, StoreError, StoreErrorKind};
