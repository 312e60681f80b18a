//! What a module says of itself and what it would need, without translating or running any of it.

use std::collections::BTreeSet;

use super::function::HostFunction;
use super::load_error::LoadReason;
use super::metadata::Metadata;
use super::module::{Export, Facts, Import};
use super::wasi;
use crate::config::Capability;

/// What a module says of itself and what it would need. Claims: whether it can be loaded, only loading it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// What stands in its section `conductor.plugin`.
    pub metadata: Option<Metadata>,
    /// The functions it imports, in its order.
    pub imports: Vec<Import>,
    /// What it exports, in its order.
    pub exports: Vec<Export>,
    /// The capabilities it needs: what it declares, united with what its imports imply.
    pub needs: BTreeSet<Capability>,
}

impl Description {
    /// Reads the sections of `wasm` and holds its exports against the contract; `functions` are those it can import.
    pub fn read(wasm: &[u8], functions: &[HostFunction]) -> Result<Self, LoadReason> {
        let facts = Facts::read(wasm)?;
        facts.check_exports()?;
        Self::of(facts, functions)
    }

    pub(super) fn of(facts: Facts, functions: &[HostFunction]) -> Result<Self, LoadReason> {
        let metadata = facts
            .metadata
            .as_deref()
            .map(Metadata::parse)
            .transpose()
            .map_err(|reason| LoadReason::Metadata { reason })?;
        let implied = facts.imports.iter().filter_map(|import| match import.module.as_str() {
            wasi::MODULE => wasi::implies(&import.name),
            _ => functions.iter().find(|function| function.name == import.name)?.capability,
        });
        let declared = metadata.iter().flat_map(Metadata::capabilities);
        let needs = implied.chain(declared).collect();
        Ok(Self { metadata, imports: facts.imports, exports: facts.exports, needs })
    }
}
