//! Three faults in a row and a plugin rests, longer each time. Counted in event time, so that a replay rests as well.

use std::fmt;

use crate::clock::Micros;

/// Faults in a row after which a plugin rests.
const FAULTS: u32 = 3;

/// First rest, in microseconds.
const FIRST_REST: Micros = 1_000_000;

/// Longest rest: five minutes.
const LONGEST_REST: Micros = 300_000_000;

/// The record of one plugin and tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Record {
    faults: u32,
    until: Micros,
}

/// A plugin that rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarantined {
    /// Faults in a row.
    pub faults: u32,
    /// When it may try again, in session time.
    pub until: Micros,
    /// How long that is from the call that was rejected or faulted, in microseconds.
    pub wait: Micros,
}

impl Record {
    /// Whether a call at `now` has to be rejected.
    pub(super) fn blocks(&self, now: Micros) -> Option<Quarantined> {
        (self.faults >= FAULTS && now < self.until).then(|| self.state(now))
    }

    /// The call went well.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The call at `now` faulted; says so when the plugin rests from now on.
    pub(super) fn faulted(&mut self, now: Micros) -> Option<Quarantined> {
        self.faults = self.faults.saturating_add(1);
        let beyond = self.faults.checked_sub(FAULTS)?;
        let rest = FIRST_REST.checked_shl(beyond.min(20)).unwrap_or(LONGEST_REST).min(LONGEST_REST);
        self.until = now.saturating_add(rest);
        Some(self.state(now))
    }

    fn state(&self, now: Micros) -> Quarantined {
        Quarantined { faults: self.faults, until: self.until, wait: self.until.saturating_sub(now) }
    }
}

impl fmt::Display for Quarantined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { faults, wait, .. } = self;
        let tenths = wait.div_ceil(100_000);
        write!(f, "quarantined after {faults} faults in a row; it may try again in {}.{} s", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_fault_rests_and_each_further_one_rests_twice_as_long() {
        let mut record = Record::default();
        assert_eq!(record.faulted(0), None);
        assert_eq!(record.faulted(10), None);
        let rest = record.faulted(20).expect("third in a row");
        assert_eq!(
            (rest.until, rest.to_string()),
            (1_000_020, "quarantined after 3 faults in a row; it may try again in 1.0 s".into())
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
    fn one_success_forgives_everything() {
        let mut record = Record::default();
        for _ in 0..5 {
            record.faulted(0);
        }
        record.succeeded();
        assert_eq!(record.blocks(0), None);
        assert_eq!(record.faulted(0), None);
    }
}
