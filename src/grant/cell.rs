//! Grants that change while plugins run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use super::{Approval, Capability, Grant, GrantStore, StoreError};
use crate::config::PluginConfig;
use crate::package::Digest;

/// The grant of one plugin, shared by everything that runs it and replaced when it changes.
#[derive(Debug)]
pub struct GrantCell {
    grant: Mutex<Arc<Grant>>,
    /// Counts replacements. A reader that has seen the current one needs no lock.
    generation: AtomicU64,
    settlement: Option<Settlement>,
}

/// What a grant is made of besides the store, to make it anew.
#[derive(Debug)]
struct Settlement {
    live: Arc<LiveGrants>,
    name: String,
    config: PluginConfig,
    requested: BTreeSet<Capability>,
    digest: Digest,
    signers: Vec<[u8; 32]>,
}

impl GrantCell {
    /// A grant that never changes.
    #[must_use]
    pub fn fixed(grant: Grant) -> Arc<Self> {
        Arc::new(Self { grant: Mutex::new(Arc::new(grant)), generation: AtomicU64::new(0), settlement: None })
    }
    /// The grant as it is now: what a call begins with. Looks whether the store was changed.
    pub fn current(&self) -> Arc<Grant> {
        if let Some(settlement) = &self.settlement {
            settlement.live.refresh();
        }
        Arc::clone(&lock(&self.grant))
    }
    /// What the store approved beyond the configuration.
    pub fn approval(&self) -> Option<Approval> {
        let settlement = self.settlement.as_ref()?;
        let state = lock(&settlement.live.state);
        settlement.approval(state.store.as_ref()).cloned()
    }
    /// A reader for a thread's own use.
    #[must_use]
    pub fn view(self: &Arc<Self>) -> GrantView {
        // The generation first: a grant replaced in between is then read once more, never missed.
        let generation = self.generation.load(Ordering::Acquire);
        GrantView { cell: Arc::clone(self), grant: Arc::clone(&lock(&self.grant)), generation }
    }
    fn replace(&self, grant: Grant) {
        let mut held = lock(&self.grant);
        if **held != grant {
            *held = Arc::new(grant);
            self.generation.fetch_add(1, Ordering::Release);
        }
    }
}

impl From<Grant> for Arc<GrantCell> {
    fn from(grant: Grant) -> Self {
        GrantCell::fixed(grant)
    }
}

/// A thread's own look at a [`GrantCell`]: one atomic load a question while nothing changes.
#[derive(Debug, Clone)]
pub struct GrantView {
    cell: Arc<GrantCell>,
    grant: Arc<Grant>,
    generation: u64,
}

impl GrantView {
    /// The grant as it is now. Does not look at the store; [`GrantView::begin_call`] does.
    pub fn get(&mut self) -> &Grant {
        let generation = self.cell.generation.load(Ordering::Acquire);
        if generation != self.generation {
            self.grant = Arc::clone(&lock(&self.cell.grant));
            self.generation = generation;
        }
        &self.grant
    }
    /// Looks whether the store was changed, so that what was revoked before a call is gone in it.
    pub fn begin_call(&self) {
        if let Some(settlement) = &self.cell.settlement {
            settlement.live.refresh();
        }
    }
}

/// The grant store of a running daemon: read again when the file changes.
#[derive(Debug)]
pub struct LiveGrants {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What the file looked like when it was read.
    stamp: Option<Stamp>,
    /// None when it could not be read: then nothing of it is granted.
    store: Option<GrantStore>,
    cells: Vec<Weak<GrantCell>>,
}

/// What tells one version of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        Some(Self {
            modified: meta.modified().ok(),
            len: meta.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&meta),
        })
    }
}

impl LiveGrants {
    /// Reads the store at `path`.
    pub fn open(path: &Path) -> Result<Arc<Self>, StoreError> {
        // The stamp first: a change in between is then seen as one.
        let stamp = Stamp::of(path);
        let store = Some(GrantStore::load(path)?);
        Ok(Arc::new(Self { path: path.into(), state: Mutex::new(State { stamp, store, cells: Vec::new() }) }))
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
        let settlement = Settlement {
            live: Arc::clone(self),
            name: name.into(),
            config: config.clone(),
            requested,
            digest,
            signers,
        };
        let mut state = lock(&self.state);
        let cell = Arc::new(GrantCell {
            grant: Mutex::new(Arc::new(settlement.settle(state.store.as_ref()))),
            generation: AtomicU64::new(0),
            settlement: Some(settlement),
        });
        state.cells.retain(|cell| cell.strong_count() > 0);
        state.cells.push(Arc::downgrade(&cell));
        cell
    }
    /// Reads the store again if its file changed, and settles every grant anew. One `stat` when it did not.
    ///
    /// A store that can no longer be read grants nothing, and says so in the log once per change.
    pub fn refresh(&self) {
        let stamp = Stamp::of(&self.path);
        let mut state = lock(&self.state);
        if stamp == state.stamp {
            return;
        }
        state.stamp = stamp;
        state.store = match GrantStore::load(&self.path) {
            Ok(store) => Some(store),
            Err(error) => {
                log::error!("{error}; until it can be read, plugins have only what the configuration grants");
                None
            }
        };
        state.cells.retain(|cell| cell.strong_count() > 0);
        for cell in state.cells.iter().filter_map(Weak::upgrade) {
            if let Some(settlement) = &cell.settlement {
                cell.replace(settlement.settle(state.store.as_ref()));
            }
        }
    }
}

impl Settlement {
    fn approval<'s>(&self, store: Option<&'s GrantStore>) -> Option<&'s Approval> {
        store.and_then(|store| store.find(&self.name, self.digest, &self.signers))
    }
    fn settle(&self, store: Option<&GrantStore>) -> Grant {
        Grant::settle(&self.config, &self.requested, self.approval(store))
    }
}

/// A lock whose holder panicked still guards a whole value: each is replaced in one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
