//! What a plugin declared when it ran, before anything was granted to it.

use std::collections::BTreeSet;

use crate::capability::Capability;
use crate::sandbox::module::metadata::Metadata;

/// What a plugin declared when it ran.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probed {
    /// The metadata that `init` returned.
    pub metadata: Option<Metadata>,
    /// The capabilities in that metadata, and those that `capabilities` returned.
    pub capabilities: BTreeSet<Capability>,
    /// What is odd about it.
    pub remarks: Vec<String>,
    /// Why it did not get to the end: what it declares is then not known.
    pub failure: Option<String>,
}

impl Probed {
    /// Nothing, for this reason.
    pub(in crate::sandbox) fn failed(failure: String) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}
