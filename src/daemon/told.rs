//! Effects that plugins asked for in a dry run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::action::{Effect, EffectError, Origin, Outside, Reply};
use crate::journal::What;

/// The outside of a dry run: says yes to everything, performs nothing, and keeps what plugins asked for until the account
/// of their call is written. (What mappings ask for is in the account already.)
#[derive(Debug, Default)]
pub struct Told {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    effects: Vec<PluginEffect>,
    bytes: usize,
}

/// An effect a plugin asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PluginEffect {
    pub(super) plugin: String,
    pub(super) tenant: String,
    pub(super) effect: Effect,
}

impl PluginEffect {
    /// About how many bytes of memory it holds.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.plugin.len() + self.tenant.len() + self.effect.held_bytes()
    }
}

impl From<PluginEffect> for What {
    fn from(PluginEffect { plugin, tenant, effect }: PluginEffect) -> Self {
        Self::PluginEffect { plugin, tenant, effect }
    }
}

/// Effects kept at once; a call's fuel bounds them far lower.
const MAX_KEPT: usize = 65_536;

/// Bytes of effects kept at once.
const MAX_BYTES: usize = 16 << 20;

impl Told {
    /// A dry run's outside.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what `plugin` asked for in the name of `tenant`, in order.
    pub(super) fn take(&self, plugin: &str, tenant: &str) -> Vec<PluginEffect> {
        let mut kept = self.kept();
        let taken: Vec<_> =
            kept.effects.extract_if(.., |effect| effect.plugin == plugin && effect.tenant == tenant).collect();
        kept.bytes = kept.bytes.saturating_sub(taken.iter().map(PluginEffect::bytes).sum());
        taken
    }
}

impl Outside for Told {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        if let Origin::Plugin { plugin, tenant } = origin {
            let effect = PluginEffect { plugin: plugin.into(), tenant: tenant.into(), effect: effect.clone() };
            let mut kept = self.kept();
            let bytes = kept.bytes.saturating_add(effect.bytes());
            if kept.effects.len() >= MAX_KEPT || bytes > MAX_BYTES {
                let (count, bytes) = (kept.effects.len(), kept.bytes);
                return Err(EffectError::Busy(format!(
                    "{count} effects ({bytes} bytes) are told already, and nobody reads them"
                )));
            }
            kept.bytes = bytes;
            kept.effects.push(effect);
        }
        Ok(Reply::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_nobody_reads_are_bounded_in_bytes() {
        let (told, origin) = (Told::new(), Origin::Plugin { plugin: "p", tenant: "default" });
        let text = Effect::Text("x".repeat(1 << 20));
        let taken = (0..20).filter(|_| told.perform(&text, origin).is_ok()).count();
        assert_eq!(taken, 15, "16 MiB have room for fifteen of a little more than 1 MiB");
        assert_eq!(told.take("p", "default").len(), 15);
        assert!(told.perform(&text, origin).is_ok());
    }
}
