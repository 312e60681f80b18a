//! A world of walls, for finding out how a plugin behaves before anything is granted to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::services::Services;
use crate::action::{Answer, Effect, EffectError, Origin, Outside, Reply, Request};
use crate::clock::{FILE_EPOCH_US, VirtualClock};

/// Time of the event every call in it is made for, in nanoseconds since the Unix epoch.
pub(super) const AT_NS: u64 = FILE_EPOCH_US * 1_000;

/// A world that does nothing, and counts who got as far as asking it.
#[derive(Debug, Default)]
pub(super) struct Walls {
    asked: AtomicU32,
}

impl Walls {
    /// Such a world, with a clock that stands still, a fixed seed and no files.
    pub(super) fn around() -> (Arc<Services>, Arc<Self>) {
        let walls = Arc::new(Self::default());
        let services = Services {
            clock: Arc::new(VirtualClock::new(FILE_EPOCH_US)),
            outside: Arc::<Self>::clone(&walls),
            seed: [0; 32],
            data_root: None,
            live: false,
            trace: false,
            stops: None,
            approvals: None,
        };
        (Arc::new(services), walls)
    }
    /// How often it was asked.
    pub(super) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
    fn refuse(&self) -> EffectError {
        self.asked.fetch_add(1, Ordering::Relaxed);
        EffectError::NotPermitted("nothing is granted".to_owned())
    }
}

impl Outside for Walls {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        Err(self.refuse())
    }
    fn request(&self, _: &Request, _: Origin<'_>, _: Duration) -> Answer {
        Answer { result: Err(self.refuse()), waited: Duration::ZERO }
    }
}
