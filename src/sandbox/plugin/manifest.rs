//! All that is known of an admitted plugin before it is loaded: read once, and the one source for everybody who decides about it or
//! shows it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use crate::capability::Capability;
use crate::package::AdmittedPlugin;
use crate::sandbox::module::description::Description;
use crate::sandbox::module::error::PluginError;
use crate::sandbox::module::metadata::Metadata;
use crate::sandbox::module::parse::{Import, Sizes};
use crate::sandbox::plugin::probed::Probed;
use crate::sandbox::store::host_function::HostFunction;

/// All that is known of an admitted plugin before it is loaded: what it imports and exports, what it says of itself, what it needs.
#[derive(Debug)]
pub struct Manifest {
    admitted: AdmittedPlugin,
    description: Arc<Description>,
    /// Runs it for what it declares only by running; `conformance` hands this in, where [`Manifest::read`] is.
    probe: fn(&Arc<Self>) -> Probed,
    functions: &'static [HostFunction],
    probed: OnceLock<Option<Probed>>,
    needs: OnceLock<BTreeSet<Capability>>,
}

impl Manifest {
    /// Reads the sections of the bytes that were admitted, and holds imports and exports against the contract; `functions` are those
    /// that can be imported. Nothing of the plugin runs; should it be the only way to know what it needs, `probe` runs it, once.
    pub(in crate::sandbox) fn read_with(
        admitted: &AdmittedPlugin,
        functions: &'static [HostFunction],
        probe: fn(&Arc<Self>) -> Probed,
    ) -> Result<Arc<Self>, PluginError> {
        let refuse = |reason| PluginError { plugin: admitted.name().to_owned(), reason };
        let description = Description::read(admitted.bytes(), functions).map_err(refuse)?;
        Ok(Arc::new(Self {
            admitted: admitted.clone(),
            description: Arc::new(description),
            probe,
            functions,
            probed: OnceLock::new(),
            needs: OnceLock::new(),
        }))
    }

    /// The plugin it is of.
    pub fn admitted(&self) -> &AdmittedPlugin {
        &self.admitted
    }
    /// The functions it imports, in its order.
    pub fn imports(&self) -> &[Import] {
        &self.description.imports
    }
    /// What its sections say.
    pub fn description(&self) -> &Description {
        &self.description
    }
    /// What it declared when it was asked by running, once: `init` and `capabilities` under an empty grant. None of a plugin whose
    /// sections say it, or that has nothing to say: of that nothing runs.
    pub fn probed(self: &Arc<Self>) -> Option<&Probed> {
        self.probed.get_or_init(|| self.description.declares_by_running().then(|| (self.probe)(self))).as_ref()
    }
    /// The capabilities it asks for itself, whatever its signer states: what it declares, in its section or else by running, and what
    /// its imports imply.
    pub fn declared(self: &Arc<Self>) -> BTreeSet<Capability> {
        let mut declared = self.description.needs.clone();
        declared.extend(self.probed().iter().flat_map(|probed| &probed.capabilities));
        declared
    }
    /// The capabilities it needs: what it declares, in its section or else by running, what its imports imply, and what its signer
    /// states.
    pub fn needs(self: &Arc<Self>) -> &BTreeSet<Capability> {
        self.needs.get_or_init(|| {
            let mut needs = self.stated_needs();
            needs.extend(self.declared());
            needs
        })
    }
    /// Those that are known without running it.
    pub(in crate::sandbox) fn stated_needs(&self) -> BTreeSet<Capability> {
        let mut stated = self.description.needs.clone();
        stated.extend(self.admitted.statement().iter().flat_map(|statement| &statement.capabilities));
        stated
    }
    /// What is odd about it, and no reason to refuse it.
    pub fn remarks(self: &Arc<Self>) -> Vec<String> {
        let probed = self.probed();
        let unknown = probed.and_then(|probed| probed.failure.as_ref()).map(|failure| {
            format!("says only by running what it needs, and did not get so far, so that is not known: {failure}")
        });
        let remarks = self.description.remarks.iter().chain(probed.iter().flat_map(|probed| &probed.remarks));
        remarks.cloned().chain(unknown).collect()
    }

    /// What it says of itself: in its section, or else by running.
    pub fn metadata(self: &Arc<Self>) -> Option<&Metadata> {
        self.description.metadata.as_ref().or_else(|| self.probed()?.metadata.as_ref())
    }

    pub(in crate::sandbox) fn shared_description(&self) -> &Arc<Description> {
        &self.description
    }
    pub(in crate::sandbox) fn functions(&self) -> &'static [HostFunction] {
        self.functions
    }
    pub(in crate::sandbox) fn sizes(&self) -> &Sizes {
        &self.description.sizes
    }
}
