//! A loaded plugin: validated, its imports resolved, ready to be instantiated. Nothing of it has run.

pub(super) mod manifest;
pub(super) mod probed;
pub(super) mod start_cost;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock};

use wasmi::{Engine, FuncType, Linker, Module};

use super::translate;
use crate::capability::Capability;
use crate::config::{PluginConfig, WasmConfig};
use crate::effect::placeholder;
use crate::grant::{BoundSecrets, Grant, GrantCell, GrantView};
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
use crate::sandbox::plugin::start_cost::start_fuel;
use crate::sandbox::store::host_function::bridge;
use crate::sandbox::store::state::State;

/// A loaded plugin. Shared by all its instances; the engine and what it translated go with it.
#[derive(Debug)]
pub struct Plugin {
    info: Arc<PluginInfo>,
    /// Fuel it costs to make an instance, before any of its code runs.
    start_fuel: u64,
    /// Pages its memory grows by after it is made.
    deferred_pages: u64,
    linker: Linker<State>,
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
    /// Validates and links the bytes that were admitted. Only what `grant` covers is linked; an import beyond it is an
    /// error that names the line to write. Every gated call asks the grant again, so what is revoked is gone at the next
    /// call; what is granted later is linked when the plugin is loaded anew.
    pub fn load(
        manifest: &Arc<Manifest>,
        settings: &PluginConfig,
        grant: impl Into<Arc<GrantCell>>,
    ) -> Result<Arc<Self>, PluginError> {
        let grant = grant.into().view();
        Self::link(manifest, settings, &grant, Some(grant.get()), manifest.needs().clone(), None)
    }

    /// Loads it under an empty grant, with every import there: those that need a capability refuse each call. For finding
    /// out how a plugin behaves before anything is granted to it.
    pub fn load_ungranted(manifest: &Arc<Manifest>, settings: &PluginConfig) -> Result<Arc<Self>, PluginError> {
        // By running it, this very plugin may be what finds out the rest.
        Self::link(manifest, settings, &GrantCell::fixed(Grant::none()).view(), None, manifest.stated_needs(), None)
    }

    /// Loads it like [`Self::load`], made to tell where its fuel goes ([`PluginInfo::profile`]).
    pub fn load_profiled(
        manifest: &Arc<Manifest>,
        settings: &PluginConfig,
        grant: impl Into<Arc<GrantCell>>,
    ) -> Result<Arc<Self>, PluginError> {
        let grant = grant.into().view();
        let profile = Some(Profile::default());
        Self::link(manifest, settings, &grant, Some(grant.get()), manifest.needs().clone(), profile)
    }

    fn link(
        manifest: &Arc<Manifest>,
        settings: &PluginConfig,
        grant: &GrantView,
        linked: Option<&Grant>,
        needs: BTreeSet<Capability>,
        profile: Option<Profile>,
    ) -> Result<Arc<Self>, PluginError> {
        let admitted = manifest.admitted();
        let refuse = |reason| PluginError { plugin: admitted.name().to_owned(), reason };
        check_size(manifest.sizes(), &settings.wasm).map_err(refuse)?;
        let engine = new_engine(settings.wasm.max_recursion);
        let (module, deferred_pages) =
            translated(&engine, admitted.bytes(), settings.wasm.max_recursion, settings.wasm.max_memory_bytes)
                .map_err(refuse)?;
        let linker = link(&engine, manifest, linked).map_err(refuse)?;
        let info = Arc::new(PluginInfo {
            admitted: admitted.clone(),
            settings: settings.wasm.clone(),
            values: values(settings),
            grant: Arc::clone(grant.cell()),
            approval: grant.approval().cloned(),
            secrets: BoundSecrets::of(settings),
            description: Arc::clone(manifest.shared_description()),
            needs,
            counters: if linked.is_some() { Counters::default() } else { Counters::untold() },
            volumes: Mutex::default(),
            profile,
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
    pub(in crate::sandbox) fn linker(&self) -> &Linker<State> {
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

fn check_size(sizes: &Sizes, settings: &WasmConfig) -> Result<(), PluginErrorKind> {
    let wanted = sizes.memory_pages.saturating_mul(PAGE);
    if wanted > settings.max_memory_bytes {
        return Err(PluginErrorKind::InitialMemory { wanted, limit: settings.max_memory_bytes });
    }
    if sizes.table_elements > u64::from(settings.max_table_elements) {
        let limit = settings.max_table_elements;
        return Err(PluginErrorKind::InitialTables { wanted: sizes.table_elements, limit });
    }
    Ok(())
}

/// The values of `config`, and for each of `secrets` the placeholder that stands for it in a request's headers: a plugin never
/// holds a secret.
fn values(settings: &PluginConfig) -> BTreeMap<String, String> {
    let secrets = settings.secrets.keys().map(|name| (name.clone(), placeholder(name)));
    settings.config.clone().into_iter().chain(secrets).collect()
}

/// A linker with what the imports ask for and `grant` covers, and nothing else from `conductor`. Without a grant everything
/// is linked: the bridge asks the plugin's grant again at each call.
fn link(engine: &Engine, manifest: &Manifest, grant: Option<&Grant>) -> Result<Linker<State>, PluginErrorKind> {
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
