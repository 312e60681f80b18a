//! What the host lends to the sandbox.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::effect::EffectHandler;
use crate::effect::Held;
use crate::grant::Approvals;
use crate::sandbox::engine::meter::StopPlace;
use crate::sandbox::engine::total_memory::TotalMemory;
use crate::sandbox::info::log::PluginLog;
use crate::time::Clock;

/// What the host lends to every instance.
#[derive(Clone)]
pub struct Services {
    /// Session time: for deadlines, and for sleeps that pass for real.
    pub clock: Arc<dyn Clock>,
    /// The way out of the process.
    pub outside: Arc<dyn EffectHandler>,
    /// The session's seed, from which each instance's randomness derives.
    pub seed: [u8; 32],
    /// Directory of the plugins' directories: each gets `<data_root>/<plugin>/<tenant>/`. `None`: there are none, whatever is granted.
    pub data_root: Option<PathBuf>,
    /// Whether a plugin's sleeps pass for real. Without, they only cost their fuel.
    pub live: bool,
    /// Whether outcomes tell every host call, for transcripts.
    pub trace: bool,
    /// Where time stopped a guest in the session that is replayed; nowhere in any other.
    pub stops: Option<Arc<Stops>>,
    /// Who is asked which approval counts when a plugin is about to run; without, it is the grant store's.
    pub approvals: Option<Arc<dyn Approvals>>,
    /// The memory of all instances together.
    pub memory: Arc<TotalMemory>,
    /// Where plugins' lines go to the log.
    pub log: Arc<PluginLog>,
}

impl Services {
    /// What no instance does without. Nothing more is lent: no directory, no sleep that passes for real, no trace, no recorded
    /// stops or approvals, a memory and a log of its own.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, outside: Arc<dyn EffectHandler>, seed: [u8; 32]) -> Self {
        Self {
            clock,
            outside,
            seed,
            data_root: None,
            live: false,
            trace: false,
            stops: None,
            approvals: None,
            memory: Arc::default(),
            log: Arc::default(),
        }
    }
}

impl Services {
    /// These services with an account of what is pressed outside, which whoever ends the session lets go.
    #[must_use]
    pub fn with_account(&self) -> (Arc<Self>, Arc<Held>) {
        let held = Held::new(Arc::clone(&self.outside));
        (Arc::new(Self { outside: Arc::<Held>::clone(&held), ..self.clone() }), held)
    }
}

/// One instance of a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InstanceId {
    /// The plugin.
    pub plugin: String,
    /// Whose instance.
    pub tenant: String,
    /// Which of those this plugin and tenant had: 0 is the first.
    pub generation: u64,
}

/// Where time has to stop what comes, because it did when the session was recorded.
#[derive(Debug, Default)]
pub struct Stops {
    /// In the coming call: whether that is while its instance starts, and where.
    call: Mutex<Option<(bool, StopPlace)>>,
    /// In the `shutdown` of an instance.
    shutdowns: HashMap<InstanceId, StopPlace>,
}

/// What a guest runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Phase {
    /// Its instance starts: `_initialize`, `init`.
    Start,
    /// A call.
    Call,
    /// Its instance goes: `shutdown`.
    Shutdown,
}

impl Stops {
    /// Stops in the `shutdown` of instances.
    #[must_use]
    pub fn in_shutdowns(shutdowns: HashMap<InstanceId, StopPlace>) -> Self {
        Self { call: Mutex::default(), shutdowns }
    }

    /// The coming call ends there: while its instance starts, if `true`. `None`: it runs its course.
    pub fn set(&self, stop: Option<(bool, StopPlace)>) {
        *self.call.lock().unwrap_or_else(PoisonError::into_inner) = stop;
    }

    /// Where the guest stops that begins to run now.
    pub(in crate::sandbox) fn place(
        &self,
        phase: Phase,
        plugin: &str,
        tenant: &str,
        generation: u64,
    ) -> Option<StopPlace> {
        let starting = match phase {
            Phase::Start => true,
            Phase::Call => false,
            Phase::Shutdown if self.shutdowns.is_empty() => return None,
            Phase::Shutdown => {
                let id = InstanceId { plugin: plugin.to_owned(), tenant: tenant.to_owned(), generation };
                return self.shutdowns.get(&id).copied();
            }
        };
        let stop = *self.call.lock().unwrap_or_else(PoisonError::into_inner);
        stop.filter(|(at_start, _)| *at_start == starting).map(|(_, place)| place)
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").field("data_root", &self.data_root).field("live", &self.live).finish_non_exhaustive()
    }
}
