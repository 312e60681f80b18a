//! What lies after the place where an action waits: how much it is, and what of it lets go something.

use std::collections::BTreeSet;

use super::fill;
use super::scheduler::Frame;
use crate::config::{Action, Number};
use crate::effect::{MidiOut, Pressing};
use crate::mapping::Given;

/// Steps of `action` after `path`, innermost frame first. Pauses are none. Where a condition has not been asked, the branch that
/// has more counts.
pub(super) fn steps_left(action: &Action, path: &[Frame], given: Given<'_>) -> u64 {
    let Some((frame, inner)) = path.split_last() else { return steps(action, given) };
    let steps = |action: &Action| steps(action, given);
    match (action, frame) {
        (Action::Sequence(parts), Frame::Part(part)) => {
            let now = parts.get(*part).map_or(0, |action| steps_left(action, inner, given));
            parts.iter().skip(part.saturating_add(1)).map(steps).fold(now, u64::saturating_add)
        }
        (Action::Repeat { action, count, .. }, Frame::Round(round)) => {
            let further = u64::from(rounds(count, given).saturating_sub(*round).saturating_sub(1));
            steps_left(action, inner, given).saturating_add(steps(action).saturating_mul(further))
        }
        (Action::Conditional { then_action, else_action, .. }, Frame::Branch(branch)) => {
            let action = if *branch { Some(then_action) } else { else_action.as_ref() };
            action.map_or(0, |action| steps_left(action, inner, given))
        }
        (Action::Toggle { on, off, .. }, Frame::Branch(branch)) => {
            let action = if *branch { on } else { off };
            action.as_ref().map_or(0, |action| steps_left(action, inner, given))
        }
        (Action::Cycle { actions, .. }, Frame::Part(part)) => {
            actions.get(*part).map_or(0, |action| steps_left(action, inner, given))
        }
        _ => 0, // a delay that is over
    }
}

/// Rounds of a repeat; one without a number has none.
fn rounds(count: &Number, given: Given<'_>) -> u32 {
    fill::rounds(count, given).unwrap_or(0)
}

fn steps(action: &Action, given: Given<'_>) -> u64 {
    let steps = |action: &Action| steps(action, given);
    match action {
        Action::Sequence(parts) => parts.iter().map(steps).fold(0, u64::saturating_add),
        Action::Repeat { action, count, .. } => steps(action).saturating_mul(rounds(count, given).into()),
        Action::Conditional { then_action, else_action, .. } => {
            steps(then_action).max(else_action.as_deref().map_or(0, steps))
        }
        Action::Toggle { on, off, .. } => {
            let of = |action: &Option<Box<Action>>| action.as_deref().map_or(0, steps);
            of(on).max(of(off)).saturating_add(1)
        }
        Action::Cycle { actions, .. } => actions.iter().map(steps).max().unwrap_or(0).saturating_add(1),
        Action::Delay(_) => 0,
        _ => 1,
    }
}

/// Messages after `path` that let go what was pressed before it, each once.
pub(super) fn owed(action: &Action, path: &[Frame], given: Given<'_>) -> impl Iterator<Item = MidiOut> + use<> {
    let mut rest = Vec::new();
    collect(action, path, given, &mut rest);
    let mut seen = BTreeSet::new();
    rest.into_iter().filter(move |out| {
        let Some(Pressing { channel, press, down }) = Pressing::of(&out.message) else { return false };
        // Whatever comes first says how it was before: what goes down first was up.
        seen.insert((out.port.clone(), channel, press)) && !down
    })
}

/// The messages of `action` after `path`, in order; of further rounds of a repeat those of one, since they are alike.
fn collect(action: &Action, path: &[Frame], given: Given<'_>, out: &mut Vec<MidiOut>) {
    let (frame, inner) = path.split_last().map_or((None, path), |(frame, inner)| (Some(frame), inner));
    match (action, frame) {
        (Action::Sequence(parts), frame) => {
            let first = if let Some(Frame::Part(part)) = frame { *part } else { 0 };
            for (number, action) in parts.iter().enumerate().skip(first) {
                collect(action, if number == first { inner } else { &[] }, given, out);
            }
        }
        (Action::Repeat { action, count, .. }, frame) => {
            let round = if let Some(Frame::Round(round)) = frame { *round } else { 0 };
            collect(action, inner, given, out);
            if frame.is_some() && round.saturating_add(1) < rounds(count, given) {
                collect(action, &[], given, out);
            }
        }
        (Action::Conditional { then_action, else_action, .. }, frame) => {
            let asked = if let Some(Frame::Branch(branch)) = frame { Some(*branch) } else { None };
            if asked != Some(false) {
                collect(then_action, inner, given, out);
            }
            if let (None | Some(false), Some(action)) = (asked, else_action) {
                collect(action, inner, given, out);
            }
        }
        (Action::Toggle { on, off, .. }, frame) => {
            let chosen = if let Some(Frame::Branch(branch)) = frame { Some(*branch) } else { None };
            for (branch, action) in [(true, on), (false, off)] {
                if let Some(action) = action.as_deref().filter(|_| chosen.is_none_or(|chosen| chosen == branch)) {
                    collect(action, inner, given, out);
                }
            }
        }
        (Action::Cycle { actions, .. }, frame) => {
            let chosen = if let Some(Frame::Part(part)) = frame { Some(*part) } else { None };
            for (_, action) in
                actions.iter().enumerate().filter(|(part, _)| chosen.is_none_or(|chosen| chosen == *part))
            {
                collect(action, inner, given, out);
            }
        }
        (Action::SendMidi { out: midi, filled, .. }, None) => out.extend(fill::midi(midi, filled, given)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gesture::{Gesture, GestureEvent};
    use crate::midi::{Channel, Message};
    use crate::state::StateTable;

    fn event() -> GestureEvent {
        GestureEvent::of_session(0, Gesture::Press { note: 60, velocity: 1 })
    }

    fn note(note: u8, velocity: u8) -> Action {
        let message = Message::NoteOn { channel: Channel::from_status(0), note, velocity };
        Action::SendMidi {
            out: MidiOut { port: "a".into(), message: message.into() },
            filled: Box::default(),
            hold: false,
        }
    }

    fn repeat(action: Action, count: i64) -> Action {
        Action::Repeat { action: Box::new(action), count: count.into(), delay_ms: 1.into() }
    }

    /// What the actions of these tests can be made of: nothing.
    fn left(action: &Action, path: &[Frame]) -> u64 {
        steps_left(action, path, Given { event: &event(), state: &StateTable::default() })
    }

    fn notes(action: &Action, path: &[Frame]) -> Vec<u8> {
        let number = |out: MidiOut| match out.message.single() {
            Some(Message::NoteOn { note, .. }) => *note,
            other => panic!("{other:?}"),
        };
        owed(action, path, Given { event: &event(), state: &StateTable::default() }).map(number).collect()
    }

    #[test]
    fn steps_after_a_pause_are_counted_with_their_rounds() {
        let pair = || Action::Sequence(vec![note(60, 1), Action::Delay(5.into()), note(60, 0)]);
        assert_eq!(left(&pair(), &[Frame::Over, Frame::Part(1)]), 1);
        let three = repeat(pair(), 3);
        assert_eq!(left(&three, &[]), 6);
        assert_eq!(left(&three, &[Frame::Over, Frame::Part(1), Frame::Round(0)]), 5);
        assert_eq!(left(&three, &[Frame::Round(2)]), 2, "a pause between rounds");
        let nested = repeat(repeat(note(1, 1), 1_000), 1_000);
        assert_eq!(left(&nested, &[Frame::Round(1), Frame::Round(0)]), 999 + 999 * 1_000);
    }

    #[test]
    fn what_the_rest_lets_go_is_what_was_pressed_before_it() {
        let action = Action::Sequence(vec![
            note(60, 1),
            Action::Delay(5.into()),
            note(61, 1),
            note(60, 0),
            note(61, 0),
            note(60, 0),
            repeat(Action::Sequence(vec![note(62, 0), note(62, 1)]), 2),
        ]);
        assert_eq!(notes(&action, &[Frame::Over, Frame::Part(1)]), [60, 62]);
        let round = repeat(Action::Sequence(vec![note(62, 0), note(62, 1)]), 2);
        assert_eq!(notes(&round, &[Frame::Round(1)]), [62], "let go by the next round");
    }
}
