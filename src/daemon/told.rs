//! Effects that plugins asked for in a dry run.

use std::sync::{Arc, Mutex, PoisonError};

use crate::action::{Effect, EffectError, Origin, Outside, Reply};
use crate::journal::What;

/// The outside of a dry run: says yes to everything, performs nothing, and keeps what plugins asked for until the account
/// of their call is written. (What mappings ask for is in the account already.)
#[derive(Debug, Default)]
pub struct Told {
    effects: Mutex<Vec<PluginEffect>>,
}

/// An effect a plugin asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PluginEffect {
    pub(super) plugin: String,
    pub(super) tenant: String,
    pub(super) effect: Effect,
}

impl From<PluginEffect> for What {
    fn from(PluginEffect { plugin, tenant, effect }: PluginEffect) -> Self {
        Self::PluginEffect { plugin, tenant, effect }
    }
}

/// Effects kept at once; a call's fuel bounds them far lower.
const MAX_KEPT: usize = 65_536;

impl Told {
    /// A dry run's outside.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Takes what `plugin` asked for in the name of `tenant`, in order.
    pub(super) fn take(&self, plugin: &str, tenant: &str) -> Vec<PluginEffect> {
        let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        effects.extract_if(.., |effect| effect.plugin == plugin && effect.tenant == tenant).collect()
    }
}

impl Outside for Told {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        if let Origin::Plugin { plugin, tenant } = origin {
            let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
            if effects.len() >= MAX_KEPT {
                return Err(EffectError::Busy(format!("{MAX_KEPT} effects are told already, and nobody reads them")));
            }
            effects.push(PluginEffect { plugin: plugin.into(), tenant: tenant.into(), effect: effect.clone() });
        }
        Ok(Reply::Done)
    }
}
