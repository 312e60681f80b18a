//! Effects of plugins that were accepted and wait, and are dropped when what allows them is revoked meanwhile.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::capability::Capability;
use crate::effect::{Effect, Origin};
use crate::text::Repeats;

/// Whether the plugin of this name has this capability now.
pub type Permits = Arc<dyn Fn(&str, Capability) -> bool + Send + Sync>;

/// An effect that was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedEffect {
    /// The plugin that asked for it.
    pub plugin: String,
    /// In whose name.
    pub tenant: String,
    /// The effect, as reports show it.
    pub what: String,
    /// What the plugin has no more.
    pub capability: Capability,
}

type Listener = Box<dyn Fn(RevokedEffect) + Send>;

/// Tells of effects that are dropped.
#[derive(Default)]
pub struct Revocations {
    listener: Mutex<Option<Listener>>,
    repeats: Repeats,
}

impl Revocations {
    /// Tells `listener` from here on, in place of any other.
    pub fn listen(&self, listener: impl Fn(RevokedEffect) + Send + 'static) {
        *self.listener() = Some(Box::new(listener));
    }

    /// Says how often effects were dropped that were not said each. The session ends.
    pub(super) fn finish(&self) {
        self.repeats.finish();
    }

    /// An effect was dropped.
    pub fn tell(&self, revoked: RevokedEffect) {
        self.repeats.warn(&revoked.tenant, format_args!("{revoked}"));
        if let Some(listener) = &*self.listener() {
            listener(revoked);
        }
    }

    fn listener(&self) -> MutexGuard<'_, Option<Listener>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").field("heard", &self.listener().is_some()).finish()
    }
}

impl fmt::Display for RevokedEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plugin, what, capability, .. } = self;
        write!(f, "plugin \"{plugin}\": {what}: dropped, because {capability} was revoked while it waited")
    }
}

/// What a waiting effect needs to happen all the same.
pub(super) struct Permit {
    permits: Permits,
    revocations: Arc<Revocations>,
    effect: RevokedEffect,
}

impl Permit {
    /// The permit of `effect`; none where nobody can revoke it: the user's own, and what needs no capability.
    pub(super) fn of(
        effect: &Effect,
        origin: Origin<'_>,
        permits: Option<&Permits>,
        revocations: &Arc<Revocations>,
    ) -> Option<Self> {
        let Origin::Plugin { plugin, tenant } = origin else { return None };
        let effect = RevokedEffect {
            plugin: plugin.to_owned(),
            tenant: tenant.to_owned(),
            what: effect.to_string(),
            capability: effect.capability(),
        };
        Some(Self { permits: Arc::clone(permits?), revocations: Arc::clone(revocations), effect })
    }

    /// Whether the plugin still has what it needs.
    pub(super) fn holds(&self) -> bool {
        (self.permits)(&self.effect.plugin, self.effect.capability)
    }

    /// The effect does not happen, or not to its end.
    pub(super) fn drop_effect(self) {
        self.revocations.tell(self.effect);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::super::worker::Worker;
    use super::*;

    #[test]
    fn what_waits_is_dropped_and_told_when_what_allows_it_is_revoked_and_nothing_else_is() {
        let allowed = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&allowed);
        let permits: Permits = Arc::new(move |plugin, capability| {
            assert_eq!(capability, Capability::SystemControl);
            plugin != "typist" || asked.load(Ordering::SeqCst)
        });
        let revocations = Arc::<Revocations>::default();
        let (tell, told) = channel();
        revocations.listen(move |revoked| tell.send(revoked).expect("a listener"));
        let worker = Worker::new("test");
        let (done, typed) = channel();
        let submit = |text: &str, origin: Origin<'_>| {
            let effect = Effect::Text(text.to_owned());
            let permit = Permit::of(&effect, origin, Some(&permits), &revocations);
            let (text, done) = (text.to_owned(), done.clone());
            let job = move || match permit {
                Some(permit) if !permit.holds() => permit.drop_effect(),
                _ => done.send(text).expect("a receiver"),
            };
            worker.submit(job).expect("room");
        };
        let (release, gate) = channel::<()>();
        worker.submit(move || assert!(gate.recv().is_err(), "nothing is sent")).expect("room");
        submit("one", Origin::Plugin { plugin: "typist", tenant: "left" });
        submit("two", Origin::Plugin { plugin: "other", tenant: "default" });
        submit("three", Origin::Mapping);
        submit("four", Origin::Plugin { plugin: "typist", tenant: "right" });
        allowed.store(false, Ordering::SeqCst);
        drop(release);
        assert!(worker.drain(Duration::from_secs(60)));
        assert_eq!(typed.try_iter().collect::<Vec<_>>(), ["two", "three"]);
        let told: Vec<_> = told.try_iter().map(|revoked| (revoked.tenant.clone(), revoked.to_string())).collect();
        assert_eq!(told.iter().map(|(tenant, _)| tenant).collect::<Vec<_>>(), ["left", "right"]);
        assert!(told[0].1.ends_with("dropped, because SystemControl was revoked while it waited"), "{told:?}");
    }
}
