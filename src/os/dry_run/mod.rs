//! Dry runs: effects and requests that are told instead of done.

mod answers;
mod connections;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::effect::{Answer, Effect, EffectError, EffectHandler, NetworkRequest, Origin, Reply, Request, SocketEvents};

pub use answers::{AnswersError, CannedAnswers};

/// Performs nothing, answers everything with success or with what a file of answers has, and keeps what plugins asked for until
/// the report of their call is written. (What mappings ask for is in the report already.)
#[derive(Debug, Default)]
pub struct DryRun {
    kept: Mutex<Kept>,
    answers: CannedAnswers,
    /// Told at once of what would be kept.
    tell: Option<fn(&dyn std::fmt::Display)>,
}

#[derive(Debug, Default)]
struct Kept {
    effects: Vec<PluginEffect>,
    bytes: usize,
}

/// What a plugin asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginEffect {
    /// Name of the plugin that asked.
    pub plugin: String,
    /// In whose name.
    pub tenant: String,
    /// The configuration's name for it, or the host function's.
    pub action: &'static str,
    /// As one line.
    pub effect: String,
}

impl PluginEffect {
    /// About how many bytes of memory it holds.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.plugin.len() + self.tenant.len() + self.effect.len()
    }
}

/// Effects kept at once; a call's fuel bounds them far lower.
const MAX_KEPT: usize = 65_536;

/// Bytes of effects kept at once.
const MAX_BYTES: usize = 16 << 20;

impl DryRun {
    /// One whose requests are answered with `answers`.
    #[must_use]
    pub fn answering(answers: CannedAnswers) -> Arc<Self> {
        Arc::new(Self { kept: Mutex::default(), answers, tell: None })
    }

    /// One that keeps nothing and tells `tell`, on the thread that asks.
    #[must_use]
    pub fn telling(answers: CannedAnswers, tell: fn(&dyn std::fmt::Display)) -> Arc<Self> {
        Arc::new(Self { kept: Mutex::default(), answers, tell: Some(tell) })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what `plugin` asked for in the name of `tenant`, in order.
    pub fn take(&self, plugin: &str, tenant: &str) -> Vec<PluginEffect> {
        let mut kept = self.kept();
        let taken: Vec<_> =
            kept.effects.extract_if(.., |effect| effect.plugin == plugin && effect.tenant == tenant).collect();
        kept.bytes = kept.bytes.saturating_sub(taken.iter().map(PluginEffect::bytes).sum());
        taken
    }
}

impl DryRun {
    /// Keeps what a plugin asks for.
    fn keep(
        &self,
        origin: Origin<'_>,
        action: &'static str,
        effect: &dyn std::fmt::Display,
    ) -> Result<(), EffectError> {
        let Origin::Plugin { plugin, tenant } = origin else { return Ok(()) };
        if let Some(tell) = self.tell {
            tell(effect);
            return Ok(());
        }
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

impl EffectHandler for DryRun {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        self.keep(origin, effect.action(), effect).map(|()| Reply::Done)
    }

    fn request(&self, request: &Request, origin: Origin<'_>, _limit: Duration) -> Answer {
        if !matches!(request, Request::Network(NetworkRequest::SocketCloseAll))
            && let Err(busy) = self.keep(origin, request.function(), request)
        {
            return Answer { result: Err(busy), waited: Duration::ZERO };
        }
        self.answers.answer(request, origin)
    }

    fn socket_events(&self) -> Option<Arc<SocketEvents>> {
        Some(self.answers.socket_events())
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
        let (told, origin) = (DryRun::default(), Origin::Plugin { plugin: "p", tenant: "default" });
        let text = Effect::Text("x".repeat(100));
        let taken = (0..70_000).filter(|_| told.perform(&text, origin).is_ok()).count();
        assert!(taken <= MAX_KEPT && taken * 100 < MAX_BYTES, "{taken}");
        assert_eq!(told.take("p", "default").len(), taken);
        assert!(told.perform(&text, origin).is_ok());
    }
}
