//! Grants that change while plugins run.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::stamp::Stamp;
use super::trust_watch::TrustWatch;
use super::{Approval, Capability, Grant, GrantStore, Identity, StoreError};
use crate::config::PluginConfig;
use crate::confine::unconfined;
use crate::digest::Digest;

/// The grant of one plugin, shared by everything that runs it and replaced when it changes.
#[derive(Debug)]
pub struct GrantCell {
    held: Mutex<Held>,
    /// Counts replacements. A reader that has seen the current one needs no lock.
    generation: AtomicU64,
    settlement: Option<Settlement>,
    /// Whether the plugin would still be admitted.
    trust: OnceLock<TrustWatch>,
}

/// A grant, and what was approved when it was settled.
#[derive(Debug, Clone)]
struct Held {
    grant: Arc<Grant>,
    approval: Option<Arc<Approval>>,
}

/// What a grant is made of besides what was approved, to make it anew.
#[derive(Debug)]
struct Settlement {
    config: PluginConfig,
    requested: BTreeSet<Capability>,
    /// Where approvals are looked up; nowhere when they come from a recording.
    store: Option<Bound>,
}

/// Whose approvals count.
#[derive(Debug)]
struct Bound {
    live: Arc<LiveGrants>,
    name: String,
    digest: Digest,
    signers: Vec<[u8; 32]>,
}

impl GrantCell {
    /// A grant that never changes.
    #[must_use]
    pub fn fixed(grant: Grant) -> Arc<Self> {
        Self::new(Held { grant: Arc::new(grant), approval: None }, None)
    }
    /// The grant of a plugin that asks for `requested` and was approved `approval`. It changes only when a view is told of
    /// another approval ([`GrantView::allow`]), as in a replay.
    #[must_use]
    pub fn approved(config: &PluginConfig, requested: BTreeSet<Capability>, approval: Option<Approval>) -> Arc<Self> {
        let settlement = Settlement { config: config.clone(), requested, store: None };
        Self::new(settlement.held(approval.map(Arc::new)), Some(settlement))
    }
    fn new(held: Held, settlement: Option<Settlement>) -> Arc<Self> {
        Arc::new(Self { held: Mutex::new(held), generation: AtomicU64::new(0), settlement, trust: OnceLock::new() })
    }
    /// The grant as it is now. Looks whether the store was changed.
    pub fn current(&self) -> Arc<Grant> {
        self.refresh();
        Arc::clone(&lock(&self.held).grant)
    }
    /// A reader for a thread's own use. Looks whether the store was changed.
    #[must_use]
    pub fn view(self: &Arc<Self>) -> GrantView {
        self.refresh();
        // The generation first: a grant replaced in between is then read once more, never missed.
        let generation = self.generation.load(Ordering::Acquire);
        GrantView { cell: Arc::clone(self), held: lock(&self.held).clone(), generation }
    }
    /// From now on looks before each call whether the trust store at `store` was changed, and asks `reconsider` then why the
    /// plugin would no longer be admitted. Only the first watch counts.
    pub fn watch_trust(&self, store: &Path, reconsider: impl Fn() -> Option<String> + Send + Sync + 'static) {
        // A second watch would be of the same plugin under the same policy.
        let _ = self.trust.set(TrustWatch::new(store, Arc::new(reconsider)));
    }
    fn refresh(&self) {
        if let Some(Settlement { store: Some(bound), .. }) = &self.settlement {
            bound.live.refresh();
        }
    }
    fn replace(&self, new: Held) {
        let mut held = lock(&self.held);
        if held.grant != new.grant {
            *held = new;
            self.generation.fetch_add(1, Ordering::Release);
        }
    }
}

impl From<Grant> for Arc<GrantCell> {
    fn from(grant: Grant) -> Self {
        GrantCell::fixed(grant)
    }
}

/// A thread's own look at a [`GrantCell`]: the same from the beginning of a call to its end, so that what a call may do does not
/// depend on what other threads do beside it.
#[derive(Debug, Clone)]
pub struct GrantView {
    cell: Arc<GrantCell>,
    held: Held,
    generation: u64,
}

impl GrantView {
    /// Whose view it is.
    #[must_use]
    pub fn cell(&self) -> &Arc<GrantCell> {
        &self.cell
    }
    /// The grant as it was when the call began.
    #[must_use]
    pub fn get(&self) -> &Grant {
        &self.held.grant
    }
    /// What the store approved beyond the configuration, when the call began.
    #[must_use]
    pub fn approval(&self) -> Option<&Arc<Approval>> {
        self.held.approval.as_ref()
    }
    /// Whether the plugin would no longer be admitted, because the trust store has changed since: it must not run.
    #[must_use]
    pub fn is_distrusted(&self) -> bool {
        self.cell.trust.get().is_some_and(TrustWatch::look)
    }
    /// Looks whether the store was changed, so that what was revoked before a call is gone in it.
    pub fn begin_call(&mut self) {
        self.cell.refresh();
        let generation = self.cell.generation.load(Ordering::Acquire);
        if generation != self.generation {
            self.held = lock(&self.cell.held).clone();
            self.generation = generation;
        }
    }
    /// Settles the grant anew where something else is approved than was: until the store changes, `approval` counts.
    pub fn allow(&mut self, approval: Option<Arc<Approval>>) {
        let same = match (&approval, &self.held.approval) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
            (one, other) => one.is_none() && other.is_none(),
        };
        if let (false, Some(settlement)) = (same, &self.cell.settlement) {
            self.held = settlement.held(approval);
        }
    }
}

/// Is asked, each time a plugin is about to run, with which approval.
///
/// A recording writes down what has changed since the plugin ran last; a replay answers with what was written down.
pub trait Approvals: fmt::Debug + Send + Sync {
    /// `plugin` is about to run for `tenant`: a call, or being told that it goes. `now` is what is approved for it beyond the
    /// configuration. Returns the approval it is to run with.
    fn begins(&self, plugin: &str, tenant: &str, now: Option<&Arc<Approval>>) -> Option<Arc<Approval>>;
}

/// The grant store of a running daemon: read again when the file changes.
#[derive(Debug)]
pub struct LiveGrants {
    path: PathBuf,
    loaded: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    /// What the file looked like when it was read.
    stamp: Option<Stamp>,
    /// None when it could not be read: then nothing of it is granted.
    store: Option<GrantStore>,
    cells: Vec<Weak<GrantCell>>,
}

impl LiveGrants {
    /// Reads the store at `path`.
    pub fn open(path: &Path) -> Result<Arc<Self>, StoreError> {
        // The stamp first: a change in between is then seen as one.
        let stamp = Stamp::of(path);
        let store = Some(GrantStore::load(path)?);
        Ok(Arc::new(Self { path: path.into(), loaded: Mutex::new(Loaded { stamp, store, cells: Vec::new() }) }))
    }
    /// The grant of the plugin called `name`, which asks for `requested`, has `digest` and was signed by `signers`.
    #[must_use]
    pub fn cell(
        self: &Arc<Self>,
        name: &str,
        config: &PluginConfig,
        requested: BTreeSet<Capability>,
        digest: Digest,
        signers: Vec<[u8; 32]>,
    ) -> Arc<GrantCell> {
        let bound = Bound { live: Arc::clone(self), name: name.into(), digest, signers };
        let mut loaded = lock(&self.loaded);
        let approval = bound.approval(loaded.store.as_ref());
        let settlement = Settlement { config: config.clone(), requested, store: Some(bound) };
        let cell = GrantCell::new(settlement.held(approval), Some(settlement));
        loaded.cells.retain(|cell| cell.strong_count() > 0);
        loaded.cells.push(Arc::downgrade(&cell));
        cell
    }
    /// Whose approval there is under the name of a plugin that has none itself.
    pub fn other(&self, name: &str, digest: Digest, signers: &[[u8; 32]]) -> Option<Identity> {
        lock(&self.loaded).store.as_ref()?.other(name, digest, signers)
    }
    /// Reads the store again if its file changed, and settles every grant anew. One `stat` when it did not.
    ///
    /// A store that can no longer be read grants nothing, and says so in the log once per change.
    pub fn refresh(&self) {
        let stamp = Stamp::of(&self.path);
        let mut loaded = lock(&self.loaded);
        if stamp == loaded.stamp {
            return;
        }
        loaded.stamp = stamp;
        let path = self.path.clone();
        loaded.store = match unconfined(move || GrantStore::load(&path)) {
            Ok(store) => Some(store),
            Err(error) => {
                log::error!("{error}; until it can be read, plugins have only what the configuration grants");
                None
            }
        };
        loaded.cells.retain(|cell| cell.strong_count() > 0);
        for cell in loaded.cells.iter().filter_map(Weak::upgrade) {
            if let Some(settlement @ Settlement { store: Some(bound), .. }) = &cell.settlement {
                cell.replace(settlement.held(bound.approval(loaded.store.as_ref())));
            }
        }
    }
}

impl Bound {
    fn approval(&self, store: Option<&GrantStore>) -> Option<Arc<Approval>> {
        store.and_then(|store| store.find(&self.name, self.digest, &self.signers)).cloned().map(Arc::new)
    }
}

impl Settlement {
    fn held(&self, approval: Option<Arc<Approval>>) -> Held {
        Held { grant: Arc::new(Grant::settle(&self.config, &self.requested, approval.as_deref())), approval }
    }
}

/// A lock whose holder panicked still guards a whole value: each is replaced in one assignment.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
