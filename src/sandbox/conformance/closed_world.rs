//! A world of walls, for finding out how a plugin behaves before anything is granted to it.
//!
//! To the plugin it looks like any session: it has a seed nobody knows, a date, events that follow each other, and the tenant every
//! plugin has. The plugin can only tell that nothing is granted, which is possible in any session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::digest::Digest;
use crate::effect::{Answer, Effect, EffectError, EffectHandler, Origin, Reply, Request};
use crate::sandbox::store::services::Services;
use crate::time::{
    Alarm, Clock, Entropy, EventTime, FILE_EPOCH_US, Micros, SeededEntropy, SystemClock, SystemEntropy, VirtualClock,
};

/// The tenant of a mapping that names none.
pub(in crate::sandbox) const TENANT: &str = "default";

/// Three years in microseconds: how far apart dates of such sessions may lie.
const YEARS: Micros = 3 * 365 * 86_400 * 1_000_000;

/// A session with nothing outside.
pub(in crate::sandbox) struct ClosedWorld {
    pub(in crate::sandbox) services: Arc<Services>,
    refusing: Arc<Refusing>,
    time: Arc<BoundedTime>,
    /// What the times of its events follow from.
    seed: [u8; 32],
}

impl ClosedWorld {
    /// One with a seed and a date that nobody can know: those of this moment. Everything in it takes `limit` of real time at most.
    pub(in crate::sandbox) fn of_this_moment(digest: Digest, limit: Duration) -> Self {
        let clock = SystemClock::start();
        // Without a source of randomness no session can start either; then the seed follows from the file.
        let seed = SystemEntropy::bytes::<32>().unwrap_or_else(|_| drawn(&mut of_digest(digest)));
        Self::new(seed, clock.epoch(), limit)
    }

    /// One whose seed and date follow from the plugin's file, so that it is the same at each time and on every machine.
    pub(in crate::sandbox) fn of_file(digest: Digest, limit: Duration) -> Self {
        let mut entropy = of_digest(digest);
        let seed = drawn(&mut entropy);
        let epoch = FILE_EPOCH_US + YEARS + u64::from_le_bytes(drawn(&mut entropy)) % YEARS;
        Self::new(seed, epoch, limit)
    }

    fn new(seed: [u8; 32], epoch: u64, limit: Duration) -> Self {
        let refusing = Arc::<Refusing>::default();
        let time = Arc::new(BoundedTime { session: VirtualClock::new(epoch), real: SystemClock::start(), limit });
        let services = Services::new(Arc::<BoundedTime>::clone(&time), Arc::<Refusing>::clone(&refusing), seed);
        Self { services: Arc::new(services), refusing, time, seed }
    }

    /// The times of its events, each time from the first.
    pub(in crate::sandbox) fn events(&self) -> Events {
        let entropy = SeededEntropy::for_instance(&self.seed, "", "", 0);
        Events { entropy, at: self.time.epoch() }
    }

    /// How often the outside was asked for something.
    pub(in crate::sandbox) fn asked(&self) -> u32 {
        self.refusing.asked.load(Ordering::Relaxed)
    }

    /// Whether its real time is used up.
    pub(in crate::sandbox) fn is_over(&self) -> bool {
        self.time.left() == Duration::ZERO
    }
}

fn of_digest(digest: Digest) -> SeededEntropy {
    SeededEntropy::for_instance(digest.as_bytes(), "walls", "", 0)
}

fn drawn<const N: usize>(entropy: &mut SeededEntropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// Times of events as somebody who plays sets them off.
pub(in crate::sandbox) struct Events {
    entropy: SeededEntropy,
    /// Since the Unix epoch.
    at: Micros,
}

impl Events {
    /// The time of the next one: up to two seconds later.
    pub(in crate::sandbox) fn next(&mut self) -> EventTime {
        let pause = u64::from(u32::from_le_bytes(drawn(&mut self.entropy)) % 2_000_000);
        self.at = self.at.saturating_add(pause + 1);
        EventTime::from_unix(self.at)
    }
}

/// Session time that stands still, and an end to the real time that passes meanwhile.
struct BoundedTime {
    session: VirtualClock,
    real: SystemClock,
    limit: Duration,
}

impl BoundedTime {
    fn left(&self) -> Duration {
        self.limit.saturating_sub(Duration::from_micros(self.real.now()))
    }
}

impl Clock for BoundedTime {
    fn now(&self) -> Micros {
        self.session.now()
    }
    fn epoch(&self) -> u64 {
        self.session.epoch()
    }
    fn sleep(&self, duration: Duration) {
        self.session.sleep(duration);
    }
    fn alarm_after(&self, duration: Duration, alarm: &Alarm) {
        match self.left().min(duration) {
            Duration::ZERO => alarm.raise(),
            left => alarm.raise_after(left),
        }
    }
}

/// A world that does nothing, and counts who got as far as asking it.
#[derive(Debug, Default)]
struct Refusing {
    asked: AtomicU32,
}

impl Refusing {
    fn refuse(&self) -> EffectError {
        self.asked.fetch_add(1, Ordering::Relaxed);
        EffectError::NotPermitted("nothing is granted".to_owned())
    }
}

impl EffectHandler for Refusing {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        Err(self.refuse())
    }
    fn stays_inside(&self) -> bool {
        true
    }

    fn request(&self, _: &Request, _: Origin<'_>, _: Duration) -> Answer {
        Answer { result: Err(self.refuse()), waited: Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn no_two_moments_and_no_two_files_have_the_same_session_and_none_is_that_of_a_file() {
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        let made = [
            ClosedWorld::of_this_moment(one, LIMIT),
            ClosedWorld::of_this_moment(one, LIMIT),
            ClosedWorld::of_file(two, LIMIT),
        ];
        let again = ClosedWorld::of_file(one, LIMIT);
        for (position, walls) in made.iter().enumerate() {
            assert_ne!(walls.services.seed, [0; 32]);
            assert_ne!(walls.services.clock.epoch(), FILE_EPOCH_US);
            let others = made[position + 1..].iter().chain([&again]);
            assert!(others.into_iter().all(|other| other.services.seed != walls.services.seed));
        }
        assert_eq!(ClosedWorld::of_file(one, LIMIT).services.seed, again.services.seed);
        assert_eq!(ClosedWorld::of_file(one, LIMIT).services.clock.epoch(), again.services.clock.epoch());
    }

    #[test]
    fn events_come_one_after_the_other_and_the_same_each_time() {
        let walls = ClosedWorld::of_this_moment(Digest::of(b"one"), LIMIT);
        let times = || {
            let mut events = walls.events();
            std::iter::repeat_with(move || events.next()).take(50).collect::<Vec<_>>()
        };
        let first = times();
        assert!(first.windows(2).all(|pair| pair[0] < pair[1]), "{first:?}");
        assert!(first[0] > EventTime::from_unix(walls.services.clock.epoch()));
        assert_eq!(times(), first);
    }

    #[test]
    fn what_begins_when_the_time_is_used_up_is_over_at_once() {
        let walls = ClosedWorld::of_this_moment(Digest::of(b"one"), Duration::ZERO);
        let alarm = Alarm::default();
        walls.services.clock.alarm_after(LIMIT, &alarm);
        assert!(walls.is_over() && alarm.is_raised());
    }
}
