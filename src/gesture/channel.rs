//! The state of one channel of one device.

use super::control::Control;
use super::encoder::{Encoder, Turn};
use super::event::Gesture;
use super::parameter::Parameters;
use super::plan::{ChannelPlan, ChordPlan, NotePlan, micros};
use super::range::RangeWatch;
use crate::time::Micros;

/// Notes of a channel.
const NOTES: usize = 128;

/// One note. Plain numbers: every note of a channel in use has one.
#[derive(Debug, Clone, Copy, Default)]
struct Note {
    held: bool,
    velocity: u8,
    pressed_at: Micros,
}

/// A note something is asked of.
#[derive(Debug)]
struct Watched {
    plan: NotePlan,
    /// The first tap of a pair, while the second may come.
    tapped_at: Option<Micros>,
    /// How many of the plan's durations the current hold has reached.
    reached: usize,
}

/// A chord and whether it has fired since it was armed.
#[derive(Debug)]
struct Chord {
    plan: ChordPlan,
    fired: bool,
}

/// One channel of one device: its held notes and what the configuration asks of them. Its size is fixed by the
/// configuration; no message makes it grow.
#[derive(Debug)]
pub(super) struct ChannelState {
    notes: [Note; NOTES],
    /// Position in `watched` by note number, from 1; 0 when nothing is asked of the note.
    watched_at: [u8; NOTES],
    watched: Vec<Watched>,
    chords: Vec<Chord>,
    encoders: Vec<Encoder>,
    ranges: Vec<RangeWatch>,
    parameters: Parameters,
}

impl ChannelState {
    pub(super) fn new(plan: ChannelPlan) -> Self {
        let mut watched_at = [0; NOTES];
        let mut watched = Vec::with_capacity(plan.notes.len());
        for (note, plan) in plan.notes {
            // Each note is in the plan once, so there are at most 128.
            watched.push(Watched { plan, tapped_at: None, reached: 0 });
            if let Some(position) = watched_at.get_mut(usize::from(note)) {
                *position = watched.len() as u8;
            }
        }
        Self {
            notes: [Note::default(); NOTES],
            watched_at,
            watched,
            chords: plan.chords.into_iter().map(|plan| Chord { plan, fired: false }).collect(),
            ranges: plan.ranges.into_iter().map(|(controls, range)| RangeWatch::new(controls, range)).collect(),
            parameters: Parameters::new(plan.pairs, plan.parameters),
            encoders: plan.encoders.into_iter().map(|(cc, mode)| Encoder::new(cc, mode)).collect(),
        }
    }

    fn watched(&mut self, note: u8) -> Option<&mut Watched> {
        let position = *self.watched_at.get(usize::from(note))?;
        self.watched.get_mut(usize::from(position).checked_sub(1)?)
    }

    /// A press: reports what it completes. The caller has cancelled the timer of an earlier press.
    pub(super) fn press(&mut self, now: Micros, note: u8, velocity: u8, emit: &mut impl FnMut(Gesture)) {
        let Some(state) = self.notes.get_mut(usize::from(note)) else { return };
        *state = Note { held: true, velocity, pressed_at: now };
        emit(Gesture::Press { note, velocity });
        let Some(position) = usize::from(self.watched_at[usize::from(note)]).checked_sub(1) else { return };
        let watched = &mut self.watched[position]; // positions are those of pushed elements
        watched.reached = 0;
        if let Some(timeout) = watched.plan.double_tap {
            match watched.tapped_at.take().map(|first| now.saturating_sub(first)) {
                Some(distance) if distance <= timeout => emit(Gesture::DoubleTap { note, velocity, distance }),
                _ => watched.tapped_at = Some(now),
            }
        }
        for &number in &watched.plan.chords {
            let chord = &mut self.chords[number]; // numbers are positions in the same plan's chords
            if chord.fired {
                continue;
            }
            let mut first = now;
            let all_held = chord.plan.notes.iter().all(|note| {
                let note = self.notes.get(usize::from(*note)).copied().unwrap_or_default();
                first = first.min(note.pressed_at);
                note.held
            });
            let distance = now - first; // first is at most now
            if all_held && distance <= chord.plan.timeout {
                chord.fired = true;
                emit(Gesture::Chord { notes: chord.plan.notes.clone(), velocity, distance });
            }
        }
    }

    /// A release, which is reported. The caller has cancelled the note's timer.
    pub(super) fn release(&mut self, note: u8, velocity: u8, emit: &mut impl FnMut(Gesture)) {
        emit(Gesture::Release { note, velocity });
        self.let_go(note);
    }

    fn let_go(&mut self, note: u8) {
        let Some(state) = self.notes.get_mut(usize::from(note)) else { return };
        if !state.held {
            return;
        }
        state.held = false;
        let Some(position) = usize::from(self.watched_at[usize::from(note)]).checked_sub(1) else { return };
        for &number in &self.watched[position].plan.chords {
            self.chords[number].fired = false; // as above
        }
    }

    /// When the held note's next long press is due.
    pub(super) fn next_hold(&mut self, note: u8) -> Option<Micros> {
        let state = *self.notes.get(usize::from(note))?;
        let watched = self.watched(note)?;
        let duration = watched.plan.durations.get(watched.reached)?;
        state.held.then(|| state.pressed_at.saturating_add(micros(*duration)))
    }

    /// The note's next long press was reached.
    pub(super) fn hold_reached(&mut self, note: u8) -> Option<Gesture> {
        let velocity = self.notes.get(usize::from(note))?.velocity;
        let watched = self.watched(note)?;
        let duration_ms = *watched.plan.durations.get(watched.reached)?;
        watched.reached += 1;
        Some(Gesture::LongPress { note, velocity, duration_ms })
    }

    /// A control change: reports it, the turn it is, and the value of 14 bits it completes.
    pub(super) fn control_change(&mut self, now: Micros, cc: u8, value: u8, emit: &mut impl FnMut(Gesture)) {
        self.control(Control::Cc(cc), value.into(), emit);
        let encoder = self.encoders.iter_mut().find(|encoder| encoder.cc == cc);
        if let Some(Turn { direction, steps, since }) = encoder.and_then(|encoder| encoder.turn(now, value)) {
            emit(Gesture::Encoder { cc, direction, steps, value, since });
        }
        if let Some((control, value)) = self.parameters.pair(cc, value) {
            self.control(control, value, emit);
        }
        if let Some((control, value)) = self.parameters.parameter(cc, value) {
            self.control(control, value, emit);
        }
    }

    /// A control moved: reports it, and the ranges it came into or left.
    pub(super) fn control(&mut self, control: Control, value: u16, emit: &mut impl FnMut(Gesture)) {
        emit(Gesture::Control { control, value });
        for range in &mut self.ranges {
            if let Some(crossing) = range.take(control, value) {
                emit(crossing);
            }
        }
    }

    /// Lets every note go, each of which is reported, and forgets taps: what comes next begins anew. The caller cancels timers.
    pub(super) fn release_all(&mut self, emit: &mut impl FnMut(Gesture)) {
        for note in 0..=127 {
            if self.notes[usize::from(note)].held {
                emit(Gesture::Release { note, velocity: 0 });
                self.let_go(note);
            }
        }
        for watched in &mut self.watched {
            watched.tapped_at = None;
        }
        for chord in &mut self.chords {
            chord.fired = false;
        }
    }

    /// Forgets where controls are.
    pub(super) fn forget_controls(&mut self) {
        self.encoders.iter_mut().for_each(Encoder::forget);
        self.ranges.iter_mut().for_each(RangeWatch::forget);
        self.parameters.forget();
    }
}
