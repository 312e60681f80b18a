//! A loaded plugin: validated, its imports resolved, ready to be instantiated. Nothing of it has run.

pub(super) mod counters;
pub(super) mod denials;
pub(super) mod log;
pub(super) mod start_cost;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use wasmi::{Engine, FuncType, Linker, Module};

use super::translate;
use crate::capability::Capability;
use crate::config::{PluginConfig, WasmConfig};
use crate::digest::Digest;
use crate::effect::placeholder;
use crate::grant::{Approval, BoundSecrets, Grant, GrantCell, GrantView};
use crate::sandbox::backtrace::frames::{Frame, FunctionNames};
use crate::sandbox::backtrace::profile::Profile;
use crate::sandbox::engine::new_engine;
use crate::sandbox::instance::host_function::{MODULE, bridge};
use crate::sandbox::instance::state::State;
use crate::sandbox::instance::wasi;
use crate::sandbox::module::error::{LoadError, LoadReason};
use crate::sandbox::module::manifest::Manifest;
use crate::sandbox::module::metadata::Metadata;
use crate::sandbox::module::nearest::nearest;
use crate::sandbox::module::parse::{Export, Import, PAGE, Sizes};
use crate::sandbox::module::producer::Language;
use crate::sandbox::module::signature::Signature;
use crate::sandbox::plugin::counters::Counters;
use crate::sandbox::plugin::start_cost::start_fuel;

/// A loaded plugin. Shared by all its instances; the engine and what it translated go with it.
#[derive(Debug)]
pub struct Plugin {
    name: String,
    digest: Digest,
    settings: WasmConfig,
    values: BTreeMap<String, String>,
    grant: Arc<GrantCell>,
    /// What was approved when it was loaded.
    approval: Option<Arc<Approval>>,
    secrets: BoundSecrets,
    manifest: Arc<Manifest>,
    needs: BTreeSet<Capability>,
    counters: Counters,
    volumes: Mutex<HashMap<String, wasi_shim::Volume>>,
    /// Fuel it costs to make an instance, before any of its code runs.
    start_fuel: u64,
    /// Where its fuel goes, when it is profiled.
    profile: Option<Profile>,
    /// What it calls its functions.
    names: FunctionNames,
    /// Pages its memory grows by after it is made.
    deferred_pages: u64,
    linker: Linker<State>,
    module: Module,
    engine: Engine,
}

impl Plugin {
    /// Validates and links the bytes that were admitted. Only what `grant` covers is linked; an import beyond it is an
    /// error that names the line to write. Every gated call asks the grant again, so what is revoked is gone at the next
    /// call; what is granted later is linked when the plugin is loaded anew.
    pub fn load(
        manifest: &Arc<Manifest>,
        settings: &PluginConfig,
        grant: impl Into<Arc<GrantCell>>,
    ) -> Result<Arc<Self>, LoadError> {
        let grant = grant.into().view();
        Self::link(manifest, settings, &grant, Some(grant.get()), manifest.needs().clone())
    }

    /// Loads it under an empty grant, with every import there: those that need a capability refuse each call. For finding
    /// out how a plugin behaves before anything is granted to it.
    pub fn load_ungranted(manifest: &Arc<Manifest>, settings: &PluginConfig) -> Result<Arc<Self>, LoadError> {
        // By running it, this very plugin may be what finds out the rest.
        Self::link(manifest, settings, &GrantCell::fixed(Grant::none()).view(), None, manifest.stated_needs())
    }

    /// Loads it like [`Self::load`], made to tell where its fuel goes ([`Self::profile`]).
    pub fn load_profiled(
        manifest: &Arc<Manifest>,
        settings: &PluginConfig,
        grant: impl Into<Arc<GrantCell>>,
    ) -> Result<Arc<Self>, LoadError> {
        let grant = grant.into().view();
        let mut plugin = Self::link(manifest, settings, &grant, Some(grant.get()), manifest.needs().clone())?;
        if let Some(this) = Arc::get_mut(&mut plugin) {
            this.profile = Some(Profile::default());
        }
        Ok(plugin)
    }

    /// Functions of the plugin with the fuel they used so far, most first; nothing when it is not profiled.
    pub fn profile(&self) -> Vec<(Option<Frame>, u64)> {
        self.profile.as_ref().map(|profile| profile.functions(&self.names)).unwrap_or_default()
    }

    pub(super) fn profiler(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }
    pub(super) fn names(&self) -> &FunctionNames {
        &self.names
    }

    fn link(
        manifest: &Arc<Manifest>,
        settings: &PluginConfig,
        grant: &GrantView,
        linked: Option<&Grant>,
        needs: BTreeSet<Capability>,
    ) -> Result<Arc<Self>, LoadError> {
        let admitted = manifest.admitted();
        let refuse = |reason| LoadError { plugin: admitted.name().to_owned(), reason };
        check_size(manifest.sizes(), &settings.wasm).map_err(refuse)?;
        let engine = new_engine(settings.wasm.max_recursion);
        let (module, deferred_pages) =
            translated(&engine, admitted.bytes(), settings.wasm.max_recursion, settings.wasm.max_memory_bytes)
                .map_err(refuse)?;
        let linker = link(&engine, manifest, linked).map_err(refuse)?;
        Ok(Arc::new(Self {
            name: admitted.name().to_owned(),
            digest: admitted.digest(),
            settings: settings.wasm.clone(),
            values: values(settings),
            grant: Arc::clone(grant.cell()),
            approval: grant.approval().cloned(),
            secrets: BoundSecrets::of(settings),
            profile: None,
            names: FunctionNames::of(admitted.bytes()),
            counters: if linked.is_some() { Counters::default() } else { Counters::untold() },
            volumes: Mutex::default(),
            deferred_pages,
            start_fuel: start_fuel(manifest.sizes()),
            manifest: Arc::clone(manifest),
            needs,
            linker,
            module,
            engine,
        }))
    }

    /// The name the configuration gives it.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Digest of its file.
    pub fn digest(&self) -> Digest {
        self.digest
    }
    /// The limits it runs under.
    pub fn settings(&self) -> &WasmConfig {
        &self.settings
    }
    /// What it may do now.
    pub fn grant(&self) -> Arc<Grant> {
        self.grant.current()
    }
    /// What was approved for it beyond the configuration when it was loaded.
    pub fn approval(&self) -> Option<&Approval> {
        self.approval.as_deref()
    }
    /// Its secrets, and where each may go.
    pub fn secrets(&self) -> &BoundSecrets {
        &self.secrets
    }
    /// What was known of it before it was loaded.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }
    /// The functions it imports, in its order.
    pub fn imports(&self) -> &[Import] {
        self.manifest.imports()
    }
    /// What it exports, in its order.
    pub fn exports(&self) -> &[Export] {
        self.manifest.exports()
    }
    /// What it says of itself in its section `conductor.plugin`; reading that ran no code.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.manifest.metadata()
    }
    /// The capabilities it needs: [`Manifest::needs`].
    pub fn needs(&self) -> &BTreeSet<Capability> {
        &self.needs
    }
    /// What it was written in, as far as it tells.
    pub(super) fn language(&self) -> Language {
        self.manifest.language()
    }
    /// What it did so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
    /// What `config_get` returns for `key`.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Fuel it costs to make an instance, before any of its code runs.
    pub(super) fn start_fuel(&self) -> u64 {
        self.start_fuel
    }
    /// Whether there may be something to tell of an instance that goes: it wants to be told itself, or it presses notes, which are
    /// let go then.
    pub(super) fn may_leave_something(&self) -> bool {
        self.exports().iter().any(|export| export.name == "shutdown") || self.needs().contains(&Capability::Midi)
    }
    /// An instance's own look at what the plugin may do.
    pub(super) fn grant_view(&self) -> GrantView {
        self.grant.view()
    }
    pub(super) fn deferred_pages(&self) -> u64 {
        self.deferred_pages
    }
    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }
    pub(super) fn module(&self) -> &Module {
        &self.module
    }
    pub(super) fn linker(&self) -> &Linker<State> {
        &self.linker
    }

    /// The books of a tenant's directory, the same for all its instances, so that the quota holds for them together.
    pub(super) fn volume(&self, tenant: &str, make: impl FnOnce() -> wasi_shim::Volume) -> wasi_shim::Volume {
        let mut volumes = self.volumes.lock().unwrap_or_else(PoisonError::into_inner);
        volumes.entry(tenant.to_owned()).or_insert_with(make).clone()
    }
}

/// The module to run, with an account of its calls, which may be `recursion` deep, and the pages its memory still has to grow by before
/// it does. Nothing of it is translated before it is called; then it may take `most` bytes of memory.
pub(super) fn translated(engine: &Engine, wasm: &[u8], recursion: u32, most: u64) -> Result<(Module, u64), LoadReason> {
    let prepared = translate::prepare(wasm, recursion, most)?;
    // The engine takes several, because the account is one.
    if prepared.memories > 1 {
        return Err(LoadReason::MultiMemory { count: prepared.memories });
    }
    let module = prepared.module(engine, wasm).map_err(|error| LoadReason::invalid(error.to_string()))?;
    Ok((module, prepared.deferred_pages))
}

fn check_size(sizes: &Sizes, settings: &WasmConfig) -> Result<(), LoadReason> {
    let wanted = sizes.memory_pages.saturating_mul(PAGE);
    if wanted > settings.max_memory_bytes {
        return Err(LoadReason::InitialMemory { wanted, limit: settings.max_memory_bytes });
    }
    if sizes.table_elements > u64::from(settings.max_table_elements) {
        let limit = settings.max_table_elements;
        return Err(LoadReason::InitialTables { wanted: sizes.table_elements, limit });
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
fn link(engine: &Engine, manifest: &Manifest, grant: Option<&Grant>) -> Result<Linker<State>, LoadReason> {
    let functions = manifest.functions();
    let mut linker = Linker::new(engine);
    let mut uses_wasi = false;
    let mut linked = BTreeSet::new();
    for Import { module, name, signature } in manifest.imports() {
        let unknown = |nearest| LoadReason::UnknownImport { module: module.clone(), name: name.clone(), nearest };
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
            return Err(LoadReason::WrongImport { module, name, expected, found });
        }
        let Some(function) = functions.iter().find(|function| module == MODULE && function.name == name) else {
            continue;
        };
        let missing = |grant: &&Grant| function.capability.is_some_and(|capability| !grant.has(capability));
        if let (Some(grant), Some(capability)) = (grant.filter(missing), function.capability) {
            let granted = Capability::ALL.into_iter().filter(|capability| grant.has(*capability)).collect();
            return Err(LoadReason::NotGranted { name: name.clone(), capability, granted });
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
                .map_err(|error| LoadReason::Invalid { reason: error.to_string() })?;
        }
    }
    if uses_wasi {
        wasi_shim::add_to_linker(&mut linker).map_err(|error| LoadReason::Invalid { reason: error.to_string() })?;
    }
    Ok(linker)
}
