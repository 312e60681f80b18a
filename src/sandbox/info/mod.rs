//! What every instance of a loaded plugin shares: its name, limits, grant and counters. What was linked and translated is not here.

pub(super) mod counters;
pub(super) mod denials;
pub(super) mod log;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::call::{DEFAULT_TENANT, Limits};
use crate::capability::Capability;
use crate::digest::Digest;
use crate::grant::{Approval, BoundSecrets, Grant, GrantCell, GrantView};
use crate::package::AdmittedPlugin;
use crate::sandbox::backtrace::frames::{Frame, FunctionNames};
use crate::sandbox::backtrace::profile::Profile;
use crate::sandbox::info::counters::Counters;
use crate::sandbox::module::description::Description;
use crate::sandbox::module::metadata::Metadata;
use crate::sandbox::module::parse::{Export, Import};
use crate::sandbox::module::producer::Language;
use crate::sandbox::outcome::session_requests::OwnKeys;
use crate::state::StatePrefix;

/// What is known of a loaded plugin and what it may do, shared by all its instances.
#[derive(Debug)]
pub struct PluginInfo {
    pub(in crate::sandbox) admitted: AdmittedPlugin,
    pub(in crate::sandbox) limits: Limits,
    pub(in crate::sandbox) values: BTreeMap<String, String>,
    pub(in crate::sandbox) grant: Arc<GrantCell>,
    /// What was approved when it was loaded.
    pub(in crate::sandbox) approval: Option<Arc<Approval>>,
    pub(in crate::sandbox) secrets: BoundSecrets,
    pub(in crate::sandbox) description: Arc<Description>,
    pub(in crate::sandbox) needs: BTreeSet<Capability>,
    pub(in crate::sandbox) counters: Counters,
    /// Whether it is started with the session and kept, for `default`.
    pub(in crate::sandbox) resident: bool,
    /// Named values of others that it may watch.
    pub(in crate::sandbox) allowed_state: Vec<StatePrefix>,
    /// By tenant: the named values it has set, while no instance keeps them.
    pub(in crate::sandbox) own_keys: Mutex<HashMap<String, OwnKeys>>,
    pub(in crate::sandbox) volumes: Mutex<HashMap<String, wasi_shim::Volume>>,
    /// Where its fuel goes, when it is profiled.
    pub(in crate::sandbox) profile: Option<Profile>,
    /// What it calls its functions, read when somebody asks: most plugins never fault.
    pub(in crate::sandbox) names: OnceLock<FunctionNames>,
}

impl PluginInfo {
    /// Functions of the plugin with the fuel they used so far, most first; nothing when it is not profiled.
    pub fn profile(&self) -> Vec<(Option<Frame>, u64)> {
        self.profile.as_ref().map(|profile| profile.functions(self.names())).unwrap_or_default()
    }

    pub(in crate::sandbox) fn profiler(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }
    pub(in crate::sandbox) fn names(&self) -> &FunctionNames {
        self.names.get_or_init(|| FunctionNames::of(self.admitted.bytes()))
    }

    /// The name the configuration gives it.
    pub fn name(&self) -> &str {
        self.admitted.name()
    }
    /// Digest of its file.
    pub fn digest(&self) -> Digest {
        self.admitted.digest()
    }
    /// The limits it runs under.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
    /// What it may do now; looks whether the grant store was changed. A call in progress keeps the grant it began with.
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
    /// The functions it imports, in its order.
    pub fn imports(&self) -> &[Import] {
        &self.description.imports
    }
    /// What it exports, in its order.
    pub fn exports(&self) -> &[Export] {
        &self.description.exports
    }
    /// What it says of itself in its section `conductor.plugin`; reading that ran no code.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.description.metadata.as_ref()
    }
    /// The capabilities it needs: what it declares, what its imports imply, and what its signer states.
    pub fn needs(&self) -> &BTreeSet<Capability> {
        &self.needs
    }
    /// What it was written in, as far as it tells.
    pub(in crate::sandbox) fn language(&self) -> Language {
        self.description.language
    }
    /// What it did so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
    /// Whether it is started with the session and kept, for the tenant `default`.
    pub fn is_resident(&self) -> bool {
        self.resident
    }
    /// Whether the one instance for `tenant` is kept.
    pub(in crate::sandbox) fn is_kept_for(&self, tenant: &str) -> bool {
        self.resident && tenant == DEFAULT_TENANT
    }
    /// Whether it wants to be told of events.
    pub fn hears_events(&self) -> bool {
        self.exports().iter().any(|export| export.name == "on_event")
    }
    /// Named values of others that it may watch, by what their keys begin with.
    pub fn allowed_state(&self) -> &[StatePrefix] {
        &self.allowed_state
    }
    /// Takes what it has set for `tenant`, for an instance that keeps it while it lives.
    pub(in crate::sandbox) fn take_own_keys(&self, tenant: &str) -> OwnKeys {
        self.own_keys.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant).unwrap_or_default()
    }
    /// Gives back what [`PluginInfo::take_own_keys`] took.
    pub(in crate::sandbox) fn give_own_keys(&self, tenant: &str, keys: OwnKeys) {
        if !keys.is_empty() {
            self.own_keys.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.to_owned(), keys);
        }
    }
    /// What `config_get` returns for `key`.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Whether there may be something to tell of an instance that goes: it wants to be told itself, or it presses notes, which are
    /// let go then.
    pub(in crate::sandbox) fn may_leave_something(&self) -> bool {
        self.exports().iter().any(|export| export.name == "shutdown") || self.needs().contains(&Capability::Midi)
    }
    /// What it may do now; nothing where it would no longer be admitted. Looks whether either was changed.
    pub fn permitted(&self) -> Option<Arc<Grant>> {
        let view = self.grant.view();
        (!view.is_distrusted()).then(|| self.grant())
    }
    /// An instance's own look at what the plugin may do.
    pub(in crate::sandbox) fn grant_view(&self) -> GrantView {
        self.grant.view()
    }
    /// The books of a tenant's directory, the same for all its instances, so that the quota holds for them together.
    pub(in crate::sandbox) fn volume(
        &self,
        tenant: &str,
        make: impl FnOnce() -> wasi_shim::Volume,
    ) -> wasi_shim::Volume {
        let mut volumes = self.volumes.lock().unwrap_or_else(PoisonError::into_inner);
        volumes.entry(tenant.to_owned()).or_insert_with(make).clone()
    }
}
