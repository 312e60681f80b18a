//! A loaded plugin: validated, its imports resolved, ready to be instantiated. Nothing of it has run.

pub(super) mod manifest;
pub(super) mod options;
pub(super) mod probed;
pub(super) mod start_cost;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock};

use wasmi::{Engine, FuncType, Linker, Module};

use super::translate;
use crate::call::Limits;
use crate::capability::Capability;
use crate::grant::{Grant, GrantCell};
use crate::sandbox::backtrace::profile::Profile;
use crate::sandbox::engine::new_engine;
use crate::sandbox::info::PluginInfo;
use crate::sandbox::info::counters::Counters;
use crate::sandbox::memory::PAGE;
use crate::sandbox::module::description::MODULE;
use crate::sandbox::module::error::{PluginError, PluginErrorKind};
use crate::sandbox::module::nearest::nearest;
use crate::sandbox::module::parse::{Import, Sizes};
use crate::sandbox::module::signature::Signature;
use crate::sandbox::module::wasi;
use crate::sandbox::plugin::manifest::Manifest;
use crate::sandbox::plugin::options::LoadOptions;
use crate::sandbox::plugin::start_cost::start_fuel;
use crate::sandbox::store::host_function::bridge;
use crate::sandbox::store::state::InstanceState;

/// A loaded plugin. Shared by all its instances; the engine and what it translated go with it.
#[derive(Debug)]
pub struct Plugin {
    info: Arc<PluginInfo>,
    /// Fuel it costs to make an instance, before any of its code runs.
    start_fuel: u64,
    /// Pages its memory grows by after it is made.
    deferred_pages: u64,
    linker: Linker<InstanceState>,
    module: Module,
    engine: Engine,
}

impl Deref for Plugin {
    type Target = PluginInfo;

    fn deref(&self) -> &PluginInfo {
        &self.info
    }
}

impl Plugin {
    /// Validates and links the bytes that were admitted. Only what the grant of `options` covers is linked; an import beyond it is an
    /// error that names the line to write. Every gated call asks the grant again, so what is revoked is gone at the next
    /// call; what is granted later is linked when the plugin is loaded anew.
    pub fn load(manifest: &Arc<Manifest>, options: LoadOptions) -> Result<Arc<Self>, PluginError> {
        let LoadOptions { limits, values, secrets, grant, resident, allowed_state, profiled } = options;
        let admitted = manifest.admitted();
        let refuse = |reason| PluginError { plugin: admitted.name().to_owned(), reason };
        let granted = grant.is_some();
        let grant = grant.unwrap_or_else(|| GrantCell::fixed(Grant::none())).view();
        // Without a grant, this very plugin may be what finds out the rest, by running it.
        let needs = if granted { manifest.needs().clone() } else { manifest.stated_needs() };
        check_size(manifest.sizes(), &limits).map_err(refuse)?;
        let engine = new_engine(limits.max_recursion);
        let (module, deferred_pages) =
            translated(&engine, admitted.bytes(), limits.max_recursion, limits.max_memory_bytes).map_err(refuse)?;
        let linker = link(&engine, manifest, granted.then(|| grant.get())).map_err(refuse)?;
        let info = Arc::new(PluginInfo {
            admitted: admitted.clone(),
            limits,
            values,
            grant: Arc::clone(grant.cell()),
            approval: grant.approval().cloned(),
            secrets,
            description: Arc::clone(manifest.shared_description()),
            needs,
            counters: if granted { Counters::default() } else { Counters::untold() },
            volumes: Mutex::default(),
            resident,
            allowed_state,
            own_keys: Mutex::default(),
            profile: profiled.then(Profile::default),
            names: OnceLock::new(),
        });
        let start_fuel = start_fuel(manifest.sizes());
        Ok(Arc::new(Self { info, start_fuel, deferred_pages, linker, module, engine }))
    }

    /// What its instances know of it.
    pub(in crate::sandbox) fn info(&self) -> &Arc<PluginInfo> {
        &self.info
    }
    /// Fuel it costs to make an instance, before any of its code runs.
    pub(in crate::sandbox) fn start_fuel(&self) -> u64 {
        self.start_fuel
    }
    pub(in crate::sandbox) fn deferred_pages(&self) -> u64 {
        self.deferred_pages
    }
    pub(in crate::sandbox) fn engine(&self) -> &Engine {
        &self.engine
    }
    pub(in crate::sandbox) fn module(&self) -> &Module {
        &self.module
    }
    pub(in crate::sandbox) fn linker(&self) -> &Linker<InstanceState> {
        &self.linker
    }
}

/// The module to run, with an account of its calls, which may be `recursion` deep, and the pages its memory still has to grow by before
/// it does. Nothing of it is translated before it is called; then it may take `most` bytes of memory.
pub(super) fn translated(
    engine: &Engine,
    wasm: &[u8],
    recursion: u32,
    most: u64,
) -> Result<(Module, u64), PluginErrorKind> {
    let prepared = translate::prepare(wasm, recursion, most)?;
    // The engine takes several, because the account is one.
    if prepared.memories > 1 {
        return Err(PluginErrorKind::MultiMemory { count: prepared.memories });
    }
    let module = prepared.module(engine, wasm).map_err(|error| PluginErrorKind::invalid(error.to_string()))?;
    Ok((module, prepared.deferred_pages))
}

fn check_size(sizes: &Sizes, limits: &Limits) -> Result<(), PluginErrorKind> {
    let wanted = sizes.memory_pages.saturating_mul(PAGE);
    if wanted > limits.max_memory_bytes {
        return Err(PluginErrorKind::InitialMemory { wanted, limit: limits.max_memory_bytes });
    }
    if sizes.table_elements > u64::from(limits.max_table_elements) {
        let limit = limits.max_table_elements;
        return Err(PluginErrorKind::InitialTables { wanted: sizes.table_elements, limit });
    }
    Ok(())
}

/// A linker with what the imports ask for and `grant` covers, and nothing else from `conductor`. Without a grant everything
/// is linked: the bridge asks the plugin's grant again at each call.
fn link(engine: &Engine, manifest: &Manifest, grant: Option<&Grant>) -> Result<Linker<InstanceState>, PluginErrorKind> {
    let functions = manifest.functions();
    let mut linker = Linker::new(engine);
    let mut uses_wasi = false;
    let mut linked = BTreeSet::new();
    for Import { module, name, signature } in manifest.imports() {
        let unknown = |nearest| PluginErrorKind::UnknownImport { module: module.clone(), name: name.clone(), nearest };
        let expected = match module.as_str() {
            wasi::MODULE => {
                uses_wasi = true;
                wasi::signature(name).ok_or_else(|| unknown(nearest(name, wasi::names())))?
            }
            // Reading has told every other module.
            _ => {
                let function = functions.iter().find(|function| function.name == name);
                let function = function.ok_or_else(|| unknown(nearest(name, functions.iter().map(|f| f.name))))?;
                Signature::new(function.params, function.results)
            }
        };
        if expected != *signature {
            let (module, name, found) = (module.clone(), name.clone(), signature.clone());
            return Err(PluginErrorKind::WrongImport { module, name, expected, found });
        }
        let Some(function) = functions.iter().find(|function| module == MODULE && function.name == name) else {
            continue;
        };
        let missing = |grant: &&Grant| function.capability.is_some_and(|capability| !grant.has(capability));
        if let (Some(grant), Some(capability)) = (grant.filter(missing), function.capability) {
            let granted = Capability::ALL.into_iter().filter(|capability| grant.has(*capability)).collect();
            return Err(PluginErrorKind::NotGranted { name: name.clone(), capability, granted });
        }
        if linked.insert(function.name) {
            let ty = FuncType::new(
                function.params.iter().filter_map(|ty| ty.engine()).collect::<Vec<_>>(),
                function.results.iter().filter_map(|ty| ty.engine()).collect::<Vec<_>>(),
            );
            linker
                .func_new(MODULE, function.name, ty, move |caller, params, results| {
                    bridge(function, caller, params, results)
                })
                .map_err(|error| PluginErrorKind::Invalid { reason: error.to_string() })?;
        }
    }
    if uses_wasi {
        wasi_shim::add_to_linker(&mut linker)
            .map_err(|error| PluginErrorKind::Invalid { reason: error.to_string() })?;
    }
    Ok(linker)
}
