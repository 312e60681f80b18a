//! How far one key is: watched, tried, or known to go round.

use std::collections::VecDeque;

use crate::gesture::DeviceId;
use crate::midi::Message;
use crate::time::Micros;

/// What one that came later takes away from the count: on a busy machine a turn may be late.
const LATE: u32 = 4;

/// How many messages, equal to ones just sent, make a key suspect.
const ECHOES: u32 = 16;

/// How many messages, different from those just sent, make a key suspect: what comes back may be changed on its way.
const OTHERS: u32 = 64;

/// For how long nothing may come before each of the three messages that are let through. Nobody plays to all three of them.
pub(super) const SILENCES: [Micros; 3] = [25_000, 50_000, 125_000];

/// How long an answer may take.
const ANSWER: Micros = 60_000;

/// How long an acquitted key is left alone, at first and at most: twice as long each time.
const ACQUITTED: (Micros, Micros) = (250_000, 4_000_000);

#[derive(Debug)]
pub(super) struct KeyWatch {
    pub(super) phase: Phase,
    /// Whether its note is down, as far as the session knows; unknown counts as down.
    pub(super) down: bool,
    /// The last message came then.
    pub(super) last: Micros,
    /// How often it was acquitted in a row.
    pub(super) acquitted: u32,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// Counts what may be echoes.
    Watched { presses: Count, releases: Count, until: Micros },
    /// What was under way arrives.
    Settling { until: Micros, trial: Trial },
    /// Nothing may come.
    Silent { until: Micros, trial: Trial },
    /// A message was let through; its echo is to come.
    Asked { until: Micros, trial: Trial },
    /// It is a loop; something of it was left out at this time.
    Cut { last: Micros },
}

/// Messages that came soon after something was sent, and after each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    /// Those equal to what was sent.
    pub(super) echoes: u32,
    pub(super) all: u32,
}

impl Count {
    pub(super) const NONE: Self = Self { echoes: 0, all: 0 };

    pub(super) fn late(&mut self) {
        self.echoes = self.echoes.saturating_sub(LATE);
        self.all = self.all.saturating_sub(LATE);
    }

    pub(super) const fn is_suspect(self) -> bool {
        self.echoes >= ECHOES || self.all >= OTHERS
    }
}

#[derive(Debug)]
pub(super) struct Trial {
    /// Whether it is releases that are tried, and not presses: the others are held back too, so that the order stays, but are no
    /// evidence. A player lets go of what set a loop off.
    pub(super) releases: bool,
    pub(super) held: VecDeque<Message>,
    /// Messages that were let through and answered.
    pub(super) answers: usize,
}

impl Phase {
    pub(super) const WATCHED: Self = Self::watched(0);

    /// Counting begins; nothing is tried before `until`.
    pub(super) const fn watched(until: Micros) -> Self {
        Self::Watched { presses: Count::NONE, releases: Count::NONE, until }
    }

    pub(super) fn due(&self) -> Option<Micros> {
        match self {
            Self::Settling { until, .. } | Self::Silent { until, .. } | Self::Asked { until, .. } => Some(*until),
            Self::Watched { .. } | Self::Cut { .. } => None,
        }
    }
}

impl KeyWatch {
    /// `message` goes to the session.
    pub(super) fn passed(&mut self, message: &Message) {
        match message {
            Message::NoteOn { velocity: 1.., .. } => self.down = true,
            Message::NoteOn { .. } | Message::NoteOff { .. } => self.down = false,
            _ => {}
        }
    }

    /// Gives what is held to the session, and goes back to watching.
    pub(super) fn release(&mut self, device: DeviceId, ready: &mut VecDeque<(DeviceId, Message)>) {
        match std::mem::replace(&mut self.phase, Phase::WATCHED) {
            Phase::Settling { trial, .. } | Phase::Silent { trial, .. } | Phase::Asked { trial, .. } => {
                for message in trial.held {
                    self.passed(&message);
                    ready.push_back((device, message));
                }
            }
            other => self.phase = other,
        }
    }

    /// Somebody plays it: what is held goes on, and for a while it is not tried again.
    pub(super) fn acquit(&mut self, t: Micros, device: DeviceId, ready: &mut VecDeque<(DeviceId, Message)>) {
        self.release(device, ready);
        let (first, most) = ACQUITTED;
        let pause = first.saturating_mul(1 << self.acquitted.min(8)).min(most);
        self.acquitted += 1;
        self.phase = Phase::watched(t.saturating_add(pause));
    }

    /// Its time is up.
    pub(super) fn go_on(&mut self, now: Micros, device: DeviceId, ready: &mut VecDeque<(DeviceId, Message)>) {
        match std::mem::replace(&mut self.phase, Phase::WATCHED) {
            Phase::Settling { until, trial } => {
                let silence = SILENCES.get(trial.answers).copied().unwrap_or_default();
                self.phase = Phase::Silent { until: until.saturating_add(silence), trial };
            }
            Phase::Silent { mut trial, .. } => {
                // Up to the first that is evidence; others before it keep their place.
                while let Some(message) = trial.held.pop_front() {
                    let evidence = message.is_release() == trial.releases;
                    self.passed(&message);
                    ready.push_back((device, message));
                    if evidence {
                        self.phase = Phase::Asked { until: now.saturating_add(ANSWER), trial };
                        return;
                    }
                }
            }
            // No answer: whoever played it has ended just then.
            Phase::Asked { trial, .. } => {
                self.phase = Phase::Asked { until: now, trial };
                self.acquit(now, device, ready);
            }
            other => self.phase = other,
        }
    }
}
