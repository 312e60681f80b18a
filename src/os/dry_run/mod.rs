//! Effects and requests that are told instead of done.

mod answers;

use std::fmt::Display;
use std::time::Duration;

use crate::effect::{Answer, Effect, EffectError, Origin, Outside, Reply, Request};

pub use answers::{AnswersError, CannedAnswers};

/// Hands every effect and request to a function, as one line, and does nothing else. Requests are answered from a file, or as a
/// success.
pub struct DryRun<F> {
    tell: F,
    answers: CannedAnswers,
}

impl<F: Fn(&dyn Display, Origin<'_>) + Send + Sync> DryRun<F> {
    /// Tells effects and requests to `tell`, on the thread that wants them.
    pub const fn new(answers: CannedAnswers, tell: F) -> Self {
        Self { tell, answers }
    }
}

impl<F: Fn(&dyn Display, Origin<'_>) + Send + Sync> Outside for DryRun<F> {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        (self.tell)(effect, origin);
        Ok(Reply::Done)
    }

    fn request(&self, request: &Request, origin: Origin<'_>, _limit: Duration) -> Answer {
        if !matches!(request, Request::SocketCloseAll) {
            (self.tell)(request, origin);
        }
        self.answers.answer(request, origin)
    }

    fn stays_inside(&self) -> bool {
        true
    }
}

impl<F> std::fmt::Debug for DryRun<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DryRun").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Escape as _;
    use std::sync::Mutex;

    #[test]
    fn effects_are_told_with_their_origin_and_not_done() {
        let told = Mutex::new(Vec::new());
        let outside = DryRun::new(CannedAnswers::default(), |effect: &dyn Display, origin: Origin<'_>| {
            told.lock().expect("no panic holds it").push(format!("{origin:?} {effect}"));
        });
        let file = std::env::temp_dir().join(format!("conductor-dry-{}", std::process::id()));
        let effect = Effect::Shell(format!("touch {}", file.escaped()));
        let plugin = Origin::Plugin { plugin: "p", tenant: "t" };
        assert_eq!(outside.perform(&effect, Origin::Mapping), Ok(Reply::Done));
        assert_eq!(outside.perform(&Effect::Text("a".into()), plugin), Ok(Reply::Done));
        assert!(!file.exists());
        let told = told.into_inner().expect("no panic held it");
        let first = format!("Mapping shell: touch {}", file.escaped());
        assert_eq!(told, [first.as_str(), "Plugin { plugin: \"p\", tenant: \"t\" } type: a"]);
    }
}
