//! Where the effects of a session go.

use std::sync::Arc;

use super::{DryRun, Live, Revocations};
use crate::effect::EffectHandler;

/// The way out of a session: what is asked for is done, or only reported.
#[derive(Debug, Clone)]
pub enum Effects {
    /// They are carried out.
    Live(Arc<Live>),
    /// They are reported, and nothing is done.
    DryRun(Arc<DryRun>),
}

impl Effects {
    /// What carries them out.
    #[must_use]
    pub fn handler(&self) -> Arc<dyn EffectHandler> {
        match self {
            Self::Live(live) => Arc::<Live>::clone(live),
            Self::DryRun(dry_run) => Arc::<DryRun>::clone(dry_run),
        }
    }

    /// What keeps them for the report, where nothing is done.
    #[must_use]
    pub fn dry_run(&self) -> Option<Arc<DryRun>> {
        match self {
            Self::Live(_) => None,
            Self::DryRun(dry_run) => Some(Arc::clone(dry_run)),
        }
    }

    /// Who tells of effects that are dropped while they wait; nobody where none waits.
    #[must_use]
    pub fn revocations(&self) -> Option<Arc<Revocations>> {
        match self {
            Self::Live(live) => Some(Arc::clone(live.revocations())),
            Self::DryRun(_) => None,
        }
    }
}
