//! What the host lends to the sandbox.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::call::{InstanceId, Owner};
use crate::effect::EffectHandler;
use crate::effect::Held;
use crate::grant::Approvals;
use crate::sandbox::engine::meter::StopPlace;
use crate::sandbox::engine::total_memory::TotalMemory;
use crate::sandbox::info::log::PluginLog;
use crate::time::Clock;

/// Who notes what resident plugins ask of the session: timers, and named values to watch.
pub trait AskNotes: Send + Sync {
    /// The instance of this plugin and tenant asked for this.
    fn asked(&self, plugin: &str, tenant: &str, what: String);
}

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
    /// Where time stopped the `shutdown` of instances in the session that is replayed; of none in any other.
    pub shutdown_stops: Arc<HashMap<InstanceId, StopPlace>>,
    /// Who is asked which approval counts when a plugin is about to run; without, it is the grant store's.
    pub approvals: Option<Arc<dyn Approvals>>,
    /// Who notes what resident plugins ask of the session, or holds it against a recording; nobody without.
    pub asks: Option<Arc<dyn AskNotes>>,
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
            shutdown_stops: Arc::default(),
            approvals: None,
            asks: None,
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

    /// Where time stops the `shutdown` of an instance.
    pub(in crate::sandbox) fn shutdown_stop(&self, plugin: &str, tenant: &str, generation: u64) -> Option<StopPlace> {
        if self.shutdown_stops.is_empty() {
            return None;
        }
        let id = Owner::new(plugin, tenant).instance(generation);
        self.shutdown_stops.get(&id).copied()
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").field("data_root", &self.data_root).field("live", &self.live).finish_non_exhaustive()
    }
}
