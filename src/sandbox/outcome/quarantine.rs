//! A plugin that faults again and again rests, longer each time. Counted in calls and in event time, so that a replay rests as well.
//!
//! A plugin and tenant rests when three of its last eight calls faulted, whatever the others came to: a plugin that faults at two of
//! three calls does no more good than one that faults at all of them. After the rest it may try again; each further fault while three
//! of the last eight are faults begins a rest twice as long, up to five minutes. Faults are forgiven as calls without one come after them, and all at
//! once, with the length of the rests, ten minutes after the last one or the end of its rest.

use std::fmt;

use crate::time::Micros;

/// Faults among the last calls with which a plugin rests.
const FAULTS: u32 = 3;

/// How many calls are looked back on.
const CALLS: u32 = u8::BITS;

/// First rest, in microseconds.
const FIRST_REST: Micros = 1_000_000;

/// Longest rest: five minutes.
const LONGEST_REST: Micros = 300_000_000;

/// Time without a fault, from the last one or the end of the rest it began, after which all is forgiven: twice the longest rest.
const FORGIVEN_AFTER: Micros = 2 * LONGEST_REST;

/// The record of one plugin and tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::sandbox) struct Record {
    /// The last calls, the latest in the lowest bit: 1 is a fault.
    calls: u8,
    /// Rests since all was forgiven.
    rests: u32,
    /// When the last fault was, or the rest ends that it began.
    until: Micros,
    /// Whether that is the end of a rest.
    rests_until: bool,
}

/// A plugin that rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarantined {
    /// Faults among its last calls.
    pub faults: u32,
    /// When it may try again, in session time.
    pub until: Micros,
    /// How long that is from the call that was rejected or faulted, in microseconds.
    pub wait: Micros,
}

impl Record {
    /// Whether a call at `now` has to be rejected.
    pub(in crate::sandbox) fn blocks(&self, now: Micros) -> Option<Quarantined> {
        (self.rests_until && now < self.until).then(|| self.state(now))
    }

    /// The call at `now` went without a fault.
    pub(in crate::sandbox) fn succeeded(&mut self, now: Micros) {
        self.forgive(now);
        self.calls <<= 1;
    }

    /// The call at `now`, in session time, faulted by the plugin's own doing: the rest that begins, if one does.
    pub(in crate::sandbox) fn faulted(&mut self, now: Micros) -> Option<Quarantined> {
        self.forgive(now);
        self.calls = self.calls << 1 | 1;
        self.rests_until = self.calls.count_ones() >= FAULTS;
        self.until = now;
        if !self.rests_until {
            return None;
        }
        let rest = FIRST_REST.checked_shl(self.rests.min(20)).unwrap_or(LONGEST_REST).min(LONGEST_REST);
        self.rests = self.rests.saturating_add(1);
        self.until = now.saturating_add(rest);
        Some(self.state(now))
    }

    fn forgive(&mut self, now: Micros) {
        if now >= self.until.saturating_add(FORGIVEN_AFTER) {
            *self = Self::default();
        }
    }

    fn state(&self, now: Micros) -> Quarantined {
        Quarantined { faults: self.calls.count_ones(), until: self.until, wait: self.until.saturating_sub(now) }
    }
}

impl fmt::Display for Quarantined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { faults, wait, .. } = self;
        let tenths = wait.div_ceil(100_000);
        write!(
            f,
            "quarantined after {faults} faults in its last {CALLS} calls; it may try again in {}.{} s",
            tenths / 10,
            tenths % 10
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;

    /// Plays `calls`, `f` for a fault, a second apart, and says which began a rest, and for how many seconds.
    fn rests(record: &mut Record, from: Micros, calls: &str) -> Vec<(usize, Micros)> {
        let mut rests = Vec::new();
        for (position, call) in calls.chars().enumerate() {
            let now = from + position as Micros * SECOND;
            match call {
                'f' => rests.extend(record.faulted(now).map(|rest| (position, rest.wait / SECOND))),
                _ => record.succeeded(now),
            }
        }
        rests
    }

    #[test]
    fn the_third_fault_rests_and_each_further_one_rests_twice_as_long() {
        let mut record = Record::default();
        assert_eq!(record.faulted(0), None);
        assert_eq!(record.faulted(10), None);
        let rest = record.faulted(20).expect("third in a row");
        assert_eq!(
            (rest.until, rest.to_string()),
            (1_000_020, "quarantined after 3 faults in its last 8 calls; it may try again in 1.0 s".into())
        );
        assert!(record.blocks(1_000_019).is_some());
        assert_eq!(record.blocks(1_000_020), None);
        assert_eq!(record.faulted(1_000_020).map(|rest| rest.wait), Some(2_000_000));
        for _ in 0..100 {
            record.faulted(0);
        }
        assert_eq!(record.faulted(0).map(|rest| rest.wait), Some(LONGEST_REST));
    }

    #[test]
    fn a_success_between_faults_forgives_none_of_them() {
        assert_eq!(rests(&mut Record::default(), 0, "ffoffoffo"), [(3, 1), (4, 2), (6, 4), (7, 8)]);
        assert_eq!(rests(&mut Record::default(), 0, "fofof"), [(4, 1)]);
        // One in four is what a plugin may have.
        assert_eq!(rests(&mut Record::default(), 0, "fooofooofooofooo"), []);
    }

    #[test]
    fn faults_are_forgiven_by_calls_without_one_but_rests_get_longer_until_a_long_time_has_passed() {
        let mut record = Record::default();
        assert_eq!(rests(&mut record, 0, "fff"), [(2, 1)]);
        assert_eq!(rests(&mut record, 10 * SECOND, "oooooofff"), [(8, 2)]);
        let later = 20 * SECOND + FORGIVEN_AFTER; // the last fault was at 18 s, its rest was over at 20
        assert_eq!(rests(&mut record, later - SECOND, "f"), [(0, 4)], "a moment too early");
        let later = later + 3 * SECOND + FORGIVEN_AFTER;
        assert_eq!(rests(&mut record, later, "fff"), [(2, 1)]);
    }
}
