//! Effects that plugins asked for in a dry run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::effect::{Answer, Effect, EffectError, Origin, Outside, Reply, Request};
use crate::journal::{What, effect_name};
use crate::os::CannedAnswers;

/// The outside of a dry run: says yes to everything, or what a file of answers says, performs nothing, and keeps what plugins asked
/// for until the account of their call is written. (What mappings ask for is in the account already.)
#[derive(Debug, Default)]
pub struct Told {
    kept: Mutex<Kept>,
    answers: CannedAnswers,
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
    /// The configuration's name for it, or the host function's.
    pub(super) action: &'static str,
    /// As one line.
    pub(super) effect: String,
}

impl PluginEffect {
    /// About how many bytes of memory it holds.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.plugin.len() + self.tenant.len() + self.effect.len()
    }
}

impl From<PluginEffect> for What {
    fn from(PluginEffect { plugin, tenant, action, effect }: PluginEffect) -> Self {
        Self::PluginEffect { plugin, tenant, action, effect }
    }
}

/// Effects kept at once; a call's fuel bounds them far lower.
const MAX_KEPT: usize = 65_536;

/// Bytes of effects kept at once.
const MAX_BYTES: usize = 16 << 20;

impl Told {
    /// A dry run's outside. Every request succeeds.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// One whose requests are answered with `answers`.
    #[must_use]
    pub fn answering(answers: CannedAnswers) -> Arc<Self> {
        Arc::new(Self { kept: Mutex::default(), answers })
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

impl Told {
    /// Keeps what a plugin asks for.
    fn keep(
        &self,
        origin: Origin<'_>,
        action: &'static str,
        effect: &dyn std::fmt::Display,
    ) -> Result<(), EffectError> {
        let Origin::Plugin { plugin, tenant } = origin else { return Ok(()) };
        let effect = PluginEffect { plugin: plugin.into(), tenant: tenant.into(), action, effect: effect.to_string() };
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
        Ok(())
    }
}

impl Outside for Told {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        self.keep(origin, effect_name(effect), effect).map(|()| Reply::Done)
    }

    fn request(&self, request: &Request, origin: Origin<'_>, _limit: Duration) -> Answer {
        if !matches!(request, Request::SocketCloseAll)
            && let Err(busy) = self.keep(origin, request.function(), request)
        {
            return Answer { result: Err(busy), waited: Duration::ZERO };
        }
        self.answers.answer(request, origin)
    }

    fn stays_inside(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_nobody_reads_are_bounded() {
        let (told, origin) = (Told::new(), Origin::Plugin { plugin: "p", tenant: "default" });
        let text = Effect::Text("x".repeat(100));
        let taken = (0..70_000).filter(|_| told.perform(&text, origin).is_ok()).count();
        assert!(taken <= MAX_KEPT && taken * 100 < MAX_BYTES, "{taken}");
        assert_eq!(told.take("p", "default").len(), taken);
        assert!(told.perform(&text, origin).is_ok());
    }
}
