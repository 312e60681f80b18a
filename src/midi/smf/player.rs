//! Ticks → times.

use super::error::SmfError;
use super::track::Event;
use crate::midi::Message;
use crate::time::Micros;

/// How long a tick takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// Microseconds, as a fraction: numerator (the tempo, where ticks belong to beats) …
    numerator: u128,
    /// … and denominator.
    denominator: u128,
    /// Whether tempo events count: ticks belong to beats, not to film frames.
    metrical: bool,
}

impl Timing {
    /// What the header's `division` means.
    pub(super) fn new(division: [u8; 2]) -> Result<Self, SmfError> {
        let [high, low] = division;
        let (numerator, denominator, metrical) = if high < 0x80 {
            (DEFAULT_TEMPO, u128::from(u16::from_be_bytes(division)), true)
        } else {
            // The byte is a negative frame rate.
            match high.wrapping_neg() {
                // It stands for 29.97, which is 30000/1001.
                29 => (1_001_000_000, 30_000 * u128::from(low), false),
                rate @ (24 | 25 | 30) => (1_000_000, u128::from(rate) * u128::from(low), false),
                rate => return Err(SmfError::FrameRate(rate)),
            }
        };
        if denominator == 0 { Err(SmfError::NoTicks) } else { Ok(Self { numerator, denominator, metrical }) }
    }
}

/// Turns ticks into microseconds. Sums are exact: a fraction is cut off only when a time is read.
pub(super) struct Player {
    timing: Timing,
    /// Time since the beginning, times the denominator.
    elapsed: u128,
    length: Micros,
    messages: Vec<(Micros, Message)>,
}

/// Microseconds per beat before any tempo event: 120 beats a minute.
const DEFAULT_TEMPO: u128 = 500_000;

impl Player {
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, elapsed: 0, length: 0, messages: Vec::new() }
    }

    /// How many messages were played.
    pub(super) fn messages(&self) -> usize {
        self.messages.len()
    }

    /// All that was played, and its length.
    pub(super) fn finish(self) -> (Vec<(Micros, Message)>, Micros) {
        (self.messages, self.length)
    }

    /// Plays `events` after everything played before, and empties them.
    pub(super) fn play(&mut self, events: &mut Vec<(u64, Event)>) {
        events.sort_by_key(|(ticks, _)| *ticks); // stable: tracks, then the file's order
        if self.timing.metrical {
            self.timing.numerator = DEFAULT_TEMPO;
        }
        let mut last = 0;
        for (ticks, event) in events.drain(..) {
            self.elapsed += u128::from(ticks - last) * self.timing.numerator; // sorted, so never negative
            last = ticks;
            let now = Micros::try_from(self.elapsed / self.timing.denominator).unwrap_or(Micros::MAX);
            self.length = now;
            match event {
                Event::Message(message) => self.messages.push((now, message)),
                Event::Tempo(tempo) if self.timing.metrical => self.timing.numerator = u128::from(tempo),
                Event::Tempo(_) | Event::End => {}
            }
        }
    }
}
