//! Changes of volume that wait for the mixer. A hand on a fader is faster than any mixer program: what has not begun when the next
//! change comes becomes one with it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::effect::Volume;

/// The step of Up and Down, in per cent, where the configuration gives none.
pub(super) const STEP: u8 = 5;

/// A change that waits, together with those that became one with it.
#[derive(Debug, Default)]
pub(super) struct WaitingVolume(Mutex<Option<Change>>);

/// Levels and steps that came together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    /// The level that was set, with the steps after it; none where there were only steps.
    level: Option<u8>,
    /// The steps, more than 0 up.
    steps: i16,
}

impl WaitingVolume {
    /// A change that waits; nothing where it can be one with no other.
    pub(super) fn of(volume: &Volume) -> Option<Arc<Self>> {
        Change::of(volume).map(|change| Arc::new(Self(Mutex::new(Some(change)))))
    }

    /// Makes `volume` one with it. Whether it could: it has not begun, and `volume` is a level or a step.
    pub(super) fn join(&self, volume: &Volume) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *waiting, Change::of(volume)) {
            (Some(change), Some(next)) => {
                *change = change.then(next);
                true
            }
            _ => false,
        }
    }

    /// What is to be done, now that it begins; nothing where the steps came to nothing. From here on it takes no more.
    pub(super) fn begin(&self) -> Option<Volume> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?.volume()
    }
}

impl Change {
    fn of(volume: &Volume) -> Option<Self> {
        let step = |step: &Option<u8>| i16::from(step.unwrap_or(STEP).min(100));
        match volume {
            Volume::Set(level) => Some(Self { level: Some((*level).min(100)), steps: 0 }),
            Volume::Up(by) => Some(Self { level: None, steps: step(by) }),
            Volume::Down(by) => Some(Self { level: None, steps: -step(by) }),
            Volume::Mute | Volume::Unmute | Volume::Toggle => None,
        }
    }

    /// This one, and then `next`.
    fn then(self, next: Self) -> Self {
        match (self.level, next.level) {
            (_, Some(_)) => next,
            (Some(level), None) => {
                let level = (i16::from(level) + next.steps).clamp(0, 100);
                Self { level: u8::try_from(level).ok(), steps: 0 }
            }
            (None, None) => Self { level: None, steps: (self.steps + next.steps).clamp(-100, 100) },
        }
    }

    fn volume(self) -> Option<Volume> {
        let step = u8::try_from(self.steps.unsigned_abs()).ok();
        match (self.level, self.steps) {
            (Some(level), _) => Some(Volume::Set(level)),
            (None, 0) => None,
            (None, 1..) => Some(Volume::Up(step)),
            (None, _) => Some(Volume::Down(step)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::VolumeOperation::{self, Down, Mute, Set, Unmute, Up};

    fn volume(operation: VolumeOperation, value: Option<u8>) -> Volume {
        Volume::new(operation, value).expect("a change")
    }

    #[test]
    fn levels_replace_and_steps_add_up() {
        for (changes, wanted) in [
            (vec![(Set, Some(10)), (Set, Some(70))], Some(volume(Set, Some(70)))),
            (vec![(Up, None), (Up, None), (Down, Some(3))], Some(volume(Up, Some(7)))),
            (vec![(Up, None), (Down, None), (Down, None)], Some(volume(Down, Some(5)))),
            (vec![(Up, None), (Down, None)], None),
            (vec![(Set, Some(90)), (Up, Some(20)), (Down, Some(5))], Some(volume(Set, Some(95)))),
            (vec![(Set, Some(3)), (Down, None)], Some(volume(Set, Some(0)))),
            (vec![(Up, Some(90)), (Up, Some(90))], Some(volume(Up, Some(100)))),
            (vec![(Up, None), (Set, Some(40))], Some(volume(Set, Some(40)))),
        ] {
            let [first, others @ ..] = changes.as_slice() else { panic!("a change") };
            let waiting = WaitingVolume::of(&volume(first.0, first.1)).expect("a level or a step");
            assert!(others.iter().all(|(operation, value)| waiting.join(&volume(*operation, *value))));
            assert_eq!(waiting.begin(), wanted, "{changes:?}");
        }
    }

    #[test]
    fn what_has_begun_takes_no_more_and_mute_stays_alone() {
        let waiting = WaitingVolume::of(&volume(Set, Some(1))).expect("a level");
        assert!(!waiting.join(&volume(Mute, None)) && !waiting.join(&volume(Unmute, None)));
        assert!(WaitingVolume::of(&volume(Mute, None)).is_none());
        assert_eq!(waiting.begin(), Some(volume(Set, Some(1))));
        assert!(!waiting.join(&volume(Set, Some(2))));
        assert_eq!(waiting.begin(), None);
    }

    /// The hand turns every 10 ms, the mixer takes 30 ms for a call, in simulated time.
    #[test]
    fn a_slow_mixer_is_behind_the_hand_by_two_calls_at_most() {
        const MIXER_MS: u32 = 30;
        let (mut calls, mut waiting, mut busy_until) = (Vec::new(), None::<Arc<WaitingVolume>>, 0);
        for turn in 0..61 + 20 {
            let now = turn * 10;
            if let Ok(level @ 0..61) = u8::try_from(turn) {
                let turned = volume(Set, Some(level));
                if !waiting.as_ref().is_some_and(|waiting| waiting.join(&turned)) {
                    waiting = WaitingVolume::of(&turned);
                }
            }
            if now >= busy_until
                && let Some(change) = waiting.take().and_then(|waiting| waiting.begin())
            {
                busy_until = now + MIXER_MS;
                let Volume::Set(level) = change else { panic!("{change:?}") };
                calls.push((now, level));
            }
        }
        let last_turn = 60 * 10;
        assert_eq!(calls.last().map(|(_, level)| *level), Some(60), "{calls:?}");
        assert!(busy_until <= last_turn + 2 * MIXER_MS, "{calls:?}");
        assert!(calls.iter().all(|(now, level)| now / 10 < u32::from(*level) + 3), "{calls:?}");
    }
}
