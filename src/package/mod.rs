//! File → digest → signatures → trust → [`AdmittedPlugin`], the only value from which a sandbox can be built.
//!
//! [`admit()`] reads a plugin once, and everything after works on those bytes. Formats are specified in `docs/signing.md`.

mod admit;
mod history;
mod json;
mod key;
mod policy;
mod admission_error;
mod signature;
mod statement;
mod trust;
mod verdict;

#[cfg(feature = "plugin-signing")]
pub mod signing;

pub use admission_error::{AdmissionError, AdmissionErrorKind, RequiredBy};
pub use admit::{AdmittedPlugin, TrustLevel, Unadmitted, admit, examine, first_seen, reconsider, verdict};
pub use history::FirstSeen;
pub use key::{KeyError, PublicKey};
pub use policy::Policy;
pub use signature::{Flaw, Malformed, signature_path};
pub use statement::{Signer, Statement};
pub use trust::{KeyStanding, RevokedKey, TrustError, TrustErrorKind, TrustStore, TrustedKey};
pub use verdict::{SignerVerdict, Verdict};

/// What `fuzz` tests from the inside.
#[cfg(any(test, fuzzing))]
pub(crate) mod inside {
    pub(crate) use super::signature::{Cosignature, MAX_COSIGNATURES, SignatureFile, Signed, fits};
    pub(crate) use super::statement::{cosigner_message, message};
}
