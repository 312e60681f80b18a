//! What carries effects and requests out.

use std::sync::Arc;
use std::time::Duration;

use super::{Answer, Effect, EffectError, Origin, Released, Reply, Request, SentMidi};

/// The one way out of the process: live, dry run, or a recording's answers.
pub trait EffectHandler: Send + Sync {
    /// Performs `effect`, or starts to where it takes long, without blocking for more than a moment.
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError>;
    /// Whether it does all of this inside the process, with what it has: then a confined thread may do it itself.
    fn stays_inside(&self) -> bool {
        false
    }

    /// Lets go what `origin` has pressed and not let go, because it cannot do so any more; what that came to. What lies on a port that
    /// is in `reach` of it stays as it is.
    ///
    /// The provided method is that of an outside which keeps no account of it; `Held` does.
    fn release(&self, origin: Origin<'_>, reach: &dyn Fn(&str) -> bool) -> Vec<Released> {
        let (_, _) = (origin, reach);
        Vec::new()
    }

    /// Whether what takes long can be accepted without filling what waits: whoever can wait does, while there is no room.
    fn has_room(&self) -> bool {
        true
    }

    /// Where it notes what it sends to MIDI ports, if it sends any.
    fn sent_midi(&self) -> Option<Arc<SentMidi>> {
        None
    }

    /// Carries out `request` and waits for its answer, at most `limit`.
    ///
    /// The provided method is the answer of a world without networks and programs.
    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        let (_, _, _) = (request, origin, limit);
        Answer {
            result: Err(EffectError::Unsupported("requests are not possible here".to_owned())),
            waited: Duration::ZERO,
        }
    }
}
