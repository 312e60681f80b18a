//! Actions over time. Pure: time is an argument, and what is to be done is handed out as [`Step`]s.
//!
//! An action runs depth first, part after part, at once up to its first delay. What follows the delay waits in a queue
//! ordered by time, and among equals by the order in which it got there; nothing ever blocks. A plugin or process that
//! was started is not waited for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::fill;
use super::rest::{owed, steps_left};
use super::step::{Cause, Dropped, Step, Task};
use super::view::View;
use crate::config::{Action, SetValue, ranges};
use crate::effect::{Effect, Stroke};
use crate::gesture::Gesture;
use crate::mapping::{Absent, Given, number_of, text};
use crate::state::{StateKey, StateNumber, StateTable, StateValue};
use crate::time::Micros;

/// Actions that may wait for their delays at once. A player sets off a few a second; a thousand means a pad that floods
/// or a delay that was meant to be milliseconds.
pub const MAX_WAITING: usize = 1024;

/// Nodes of actions visited in one call, before the rest is put off to the next. Bounds how long a call can take
/// (tens of microseconds) and how many steps it can hand out, whatever the configuration repeats.
pub const MAX_VISITS: usize = 512;

/// Turns actions into steps, at the time they are due.
#[derive(Debug, Default)]
pub struct Scheduler {
    waiting: BinaryHeap<Reverse<Waiting>>,
    sequence: u64,
}

/// The rest of an action.
#[derive(Debug)]
struct Waiting {
    due: Micros,
    /// Order of arrival; unique, so that the order among equals in time is the order in which they were put off.
    sequence: u64,
    action: Arc<Action>,
    cause: Cause,
    /// Where it goes on, innermost frame first.
    path: Vec<Frame>,
}

/// What was left undone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Actions that waited for a delay.
    pub actions: u64,
    /// Steps they still had. Where a condition had not been asked, the branch that has more.
    pub steps: u64,
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = |number: u64| if number == 1 { "" } else { "s" };
        let Self { actions, steps } = *self;
        let verb = if steps == 1 { "was" } else { "were" };
        write!(f, "{steps} step{} of {actions} action{} {verb}", plural(steps), plural(actions))
    }
}

/// Where one node of an action tree goes on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Frame {
    /// A sequence, in this part.
    Part(usize),
    /// A repetition, in this round (from 0).
    Round(u32),
    /// A conditional, in the branch it has chosen.
    Branch(bool),
    /// A delay that is over.
    Over,
}

/// Why a walk stopped before the end.
enum Pause {
    /// A delay, in milliseconds.
    Delay(u32),
    /// The visits of this call are used up.
    Visits,
}

impl Scheduler {
    /// A scheduler with nothing waiting.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts `action` at `now`: appends to `out` what is to be done at once, and keeps the rest. Conditions are asked
    /// of `view` when they are reached; a mode change among the steps of this call holds for the conditions after it.
    pub fn start(&mut self, now: Micros, action: &Arc<Action>, cause: Cause, view: View<'_>, out: &mut Vec<Step>) {
        let mut walk = Walk { visits: 0, view, out };
        self.go_on(now, action, cause, Vec::new(), &mut walk);
    }

    /// When [`Scheduler::advance`] has something to do; a time that has passed already means at once.
    #[must_use]
    pub fn next_due(&self) -> Option<Micros> {
        self.waiting.peek().map(|Reverse(first)| first.due)
    }

    /// Appends to `out` what has become due up to `now`, in order of time. Hands out a bounded number of steps: where
    /// more is due, [`Scheduler::next_due`] says so by a time that has passed, and the caller sees to its input first.
    pub fn advance(&mut self, now: Micros, view: View<'_>, out: &mut Vec<Step>) {
        let mut walk = Walk { visits: 0, view, out };
        while walk.visits < MAX_VISITS && self.next_due().is_some_and(|due| due <= now) {
            let Some(Reverse(Waiting { due, action, cause, path, .. })) = self.waiting.pop() else { return };
            self.go_on(due, &action, cause, path, &mut walk);
        }
    }

    /// Whether anything waits that a message has set off.
    #[must_use]
    pub fn has_work_of_input(&self) -> bool {
        self.waiting
            .iter()
            .any(|Reverse(waiting)| !matches!(waiting.cause.event.gesture, Gesture::Timer { .. } | Gesture::Session(_)))
    }

    /// Drops everything that waits, and says how much that was.
    pub fn stop(&mut self, state: &StateTable) -> Left {
        let mut left = Left::default();
        for Reverse(Waiting { action, path, cause, .. }) in self.waiting.drain() {
            left.actions += 1;
            left.steps = left.steps.saturating_add(steps_left(&action, &path, Given { event: &cause.event, state }));
        }
        left
    }

    /// Runs `action` on from `path` at time `at`, and queues the rest when it pauses.
    fn go_on(&mut self, at: Micros, action: &Arc<Action>, cause: Cause, mut path: Vec<Frame>, walk: &mut Walk<'_>) {
        let pause = walk.visit(action, &mut path, at, &cause);
        let due = match pause {
            None => return,
            // Counted from when it was due: a call that comes late does not shift what follows.
            Some(Pause::Delay(ms)) => at.saturating_add(u64::from(ms) * 1000),
            Some(Pause::Visits) => at,
        };
        if self.waiting.len() >= MAX_WAITING {
            let task = Task::Dropped(Dropped::TooManyWaiting { limit: MAX_WAITING });
            // What the rest would have let go is let go now, or it would stay down.
            let owed = owed(action, &path, walk.given(&cause)).map(|out| Task::Effect(Effect::Midi(out)));
            let tasks = std::iter::once(task).chain(owed);
            walk.out.extend(tasks.map(|task| Step { at, cause: cause.clone(), task, held: false }));
            return;
        }
        self.sequence += 1;
        self.waiting.push(Reverse(Waiting { due, sequence: self.sequence, action: Arc::clone(action), cause, path }));
    }
}

/// One call of the scheduler.
struct Walk<'a> {
    visits: usize,
    /// With the mode that steps of this call have gone to.
    view: View<'a>,
    out: &'a mut Vec<Step>,
}

impl Walk<'_> {
    /// Runs the part of `action` that lies after `path` (all of it where `path` is empty). On a pause, `path` is where to
    /// go on: each node on the way out adds its frame, so the outermost is last, and is the first taken on the way in.
    fn visit(&mut self, action: &Action, path: &mut Vec<Frame>, at: Micros, cause: &Cause) -> Option<Pause> {
        let resumed = path.pop();
        if resumed.is_none() {
            if self.visits >= MAX_VISITS {
                return Some(Pause::Visits);
            }
            self.visits += 1;
        }
        let (task, held) = match action {
            Action::Sequence(parts) => {
                let first = if let Some(Frame::Part(part)) = resumed { part } else { 0 };
                for (part, action) in parts.iter().enumerate().skip(first) {
                    if let Some(pause) = self.visit(action, path, at, cause) {
                        path.push(Frame::Part(part));
                        return Some(pause);
                    }
                }
                return None;
            }
            Action::Repeat { action, count, delay_ms } => {
                let first = if let Some(Frame::Round(round)) = resumed { round } else { 0 };
                let numbers = fill::rounds(count, self.given(cause))
                    .and_then(|count| Ok((count, fill::pause(delay_ms, self.given(cause))?)));
                let (count, delay_ms) = match numbers {
                    Ok(numbers) => numbers,
                    Err(absent) => return self.leave_out("Repeat", absent, at, cause),
                };
                for round in first..count {
                    if let Some(pause) = self.visit(action, path, at, cause) {
                        path.push(Frame::Round(round));
                        return Some(pause);
                    }
                    if delay_ms > 0 && round + 1 < count {
                        path.push(Frame::Round(round + 1));
                        return Some(Pause::Delay(delay_ms));
                    }
                }
                return None;
            }
            Action::Conditional { condition, then_action, else_action } => {
                let branch = match resumed {
                    Some(Frame::Branch(branch)) => branch,
                    _ => self.view.holds(condition),
                };
                let action = if branch { Some(then_action) } else { else_action.as_ref() };
                let pause = self.visit(action?, path, at, cause);
                if pause.is_some() {
                    path.push(Frame::Branch(branch));
                }
                return pause;
            }
            Action::Toggle { key, on, off } => {
                let branch = match resumed {
                    Some(Frame::Branch(branch)) => branch,
                    _ => {
                        let branch = self.view.state.get(key) != Some(&StateValue::Flag(true));
                        let task = self.view.set("Toggle", key, StateValue::Flag(branch));
                        self.out.push(Step { at, cause: cause.clone(), task, held: false });
                        branch
                    }
                };
                let action = if branch { on } else { off };
                let pause = self.visit(action.as_ref()?, path, at, cause);
                if pause.is_some() {
                    path.push(Frame::Branch(branch));
                }
                return pause;
            }
            Action::Cycle { key, actions } => {
                let part = match resumed {
                    Some(Frame::Part(part)) => part,
                    _ => {
                        let part = self.view.next_of_cycle(key, actions.len());
                        let number = u32::try_from(part + 1).unwrap_or(u32::MAX); // a list is far shorter
                        let task = self.view.set("Cycle", key, StateValue::number(number));
                        self.out.push(Step { at, cause: cause.clone(), task, held: false });
                        part
                    }
                };
                let pause = self.visit(actions.get(part)?, path, at, cause);
                if pause.is_some() {
                    path.push(Frame::Part(part));
                }
                return pause;
            }
            Action::Set { key, value } => {
                let value = match value {
                    SetValue::Fixed(value) => Ok(value.clone()),
                    SetValue::Of(value) => number_of(value, self.given(cause))
                        .map(|number| StateNumber::new(number).map_or(StateValue::Flag(false), StateValue::Number)),
                };
                match value {
                    Ok(value) => (self.view.set("Set", key, value), false),
                    Err(absent) => return self.leave_out("Set", absent, at, cause),
                }
            }
            Action::Delay(ms) => {
                if resumed.is_some() {
                    return None;
                }
                let ms = match fill::pause(ms, self.given(cause)) {
                    Ok(0) => return None,
                    Ok(ms) => ms,
                    Err(absent) => return self.leave_out("Delay", absent, at, cause),
                };
                path.push(Frame::Over);
                return Some(Pause::Delay(ms));
            }
            Action::ModeChange { to, while_held } => {
                let mode = self.view.mode_of(*to);
                if *while_held && !self.lasts(cause) {
                    return None;
                }
                if mode != self.view.mode {
                    (self.view.last_mode, self.view.mode) = (self.view.mode, mode);
                    if let Some(mode) = self.view.modes.get(mode) {
                        self.view.state.set(&StateKey::Mode, StateValue::text(&mode.name));
                    }
                }
                (Task::Mode(mode), *while_held)
            }
            Action::WasmPlugin { call, values } => {
                let call = fill::call(call, values.as_deref(), self.given(cause)).map(Task::Plugin);
                (call.unwrap_or_else(|absent| left_out("WasmPlugin", absent)), false)
            }
            Action::Keystroke { keystroke, hold } => {
                let mut keystroke = keystroke.clone();
                keystroke.stroke = if *hold { Stroke::Down } else { Stroke::Tap };
                (Task::Effect(Effect::Keystroke(keystroke)), *hold)
            }
            Action::Text(template) => (made("Text", text(template, self.given(cause)).map(Effect::Text)), false),
            Action::Launch(app) => (Task::Effect(Effect::Launch(fill::command(app, self.given(cause)))), false),
            Action::Shell(line) => (Task::Effect(Effect::Shell(fill::command(line, self.given(cause)))), false),
            Action::MouseClick { button, x, y, hold } => {
                let stroke = if *hold { Stroke::Down } else { Stroke::Tap };
                let click = fill::click(*button, (x.as_ref(), y.as_ref()), stroke, self.given(cause));
                (made("MouseClick", click.map(Effect::MouseClick)), *hold)
            }
            Action::VolumeControl { operation, value } => {
                let volume = fill::volume(*operation, value.as_ref(), self.given(cause));
                (made("VolumeControl", volume.map(Effect::Volume)), false)
            }
            Action::Http(http) => (made("Http", fill::http(http, self.given(cause)).map(Effect::Http)), false),
            Action::Osc(osc) => (made("Osc", fill::osc(osc, self.given(cause)).map(Effect::Osc)), false),
            Action::SendMidi { out, filled, hold } => {
                (made("SendMidi", fill::midi(out, filled, self.given(cause)).map(Effect::Midi)), *hold)
            }
            Action::MouseScroll { x, y } => (
                made("MouseScroll", fill::motion([x, y], &ranges::NOTCHES, self.given(cause)).map(Effect::MouseScroll)),
                false,
            ),
            Action::MouseMove { x, y } => (
                made("MouseMove", fill::motion([x, y], &ranges::PIXELS, self.given(cause)).map(Effect::MouseMove)),
                false,
            ),
        };
        // What would be pressed until an end that has come already is not pressed.
        if held && !self.lasts(cause) {
            return None;
        }
        self.out.push(Step { at, cause: cause.clone(), task, held });
        None
    }

    /// Says that a part of an action is left out.
    fn leave_out(&mut self, action: &'static str, absent: Absent, at: Micros, cause: &Cause) -> Option<Pause> {
        self.out.push(Step { at, cause: cause.clone(), task: left_out(action, absent), held: false });
        None
    }

    /// What numbers of an action that `cause` set off can be made of.
    fn given<'b>(&'b self, cause: &'b Cause) -> Given<'b> {
        Given { event: &cause.event, state: self.view.state }
    }

    /// Whether what `cause` began has not ended.
    fn lasts(&self, cause: &Cause) -> bool {
        cause.hold.is_some_and(|hold| self.view.holds.is_alive(hold))
    }
}

/// The task of an `action` whose effect is made, or could not be.
fn made(action: &'static str, effect: Result<Effect, Absent>) -> Task {
    effect.map_or_else(|absent| left_out(action, absent), Task::Effect)
}

fn left_out(action: &'static str, Absent(source): Absent) -> Task {
    Task::Dropped(Dropped::NoNumber { action, source })
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.sequence == other.sequence
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.sequence).cmp(&(other.due, other.sequence))
    }
}
