//! Takes in what calls set and asked for, and hands out events: at places that a recording has.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{CallEnd, Ends, Residents};
use crate::action::ConditionSource;
use crate::config::Config;
use crate::journal::{Diverged, Line, StateInput};
use crate::run::dispatch::{Dispatch, Report};
use crate::run::session::{Session, SessionEvent};
use crate::state::StateKey;
use crate::time::Micros;

/// Events handed out at one time, before a caller sees to its input again.
const MAX_AT_ONCE: u32 = 256;

/// What events that set each other off without end wait for in a session from a file: a millisecond.
const PAUSE: Micros = 1_000;

/// Takes in the ends of calls, and hands out events.
#[derive(Debug)]
pub(in crate::run) struct Keeper {
    ends: Ends,
    way: Way,
    /// No event is handed out before this time.
    pause: Option<Micros>,
}

/// Where events, and the places at which ends are taken in, come from.
#[derive(Debug)]
enum Way {
    /// From the session itself.
    Own(Residents),
    /// From a recording. Ends wait for their place in it.
    Recorded(VecDeque<CallEnd>),
}

/// What the keeper works with.
pub(in crate::run) struct Hands<'a> {
    pub(in crate::run) session: &'a mut Session,
    pub(in crate::run) dispatch: &'a mut Dispatch,
    pub(in crate::run) config: &'a Arc<Config>,
    pub(in crate::run) facts: &'a dyn ConditionSource,
}

impl Hands<'_> {
    /// What falls due before `t` happens; that time, or the one that has come already.
    fn settle(&mut self, t: Micros, report: &mut dyn FnMut(Report)) -> Micros {
        let Self { session, dispatch, config, facts } = self;
        session.settle(t, *facts, &mut |happening: SessionEvent<'_>| {
            dispatch.handle(config, happening, &mut |said| report(said));
        })
    }

    /// What `end` set takes effect.
    fn set(&mut self, t: Micros, end: &CallEnd, report: &mut dyn FnMut(Report)) {
        let Self { session, dispatch, config, facts } = self;
        let owner = &end.owner;
        let values = end.asked.state.iter();
        let values = values.map(|(key, value)| (StateKey::set_by(&owner.tenant, &owner.plugin, key), value.clone()));
        session.plugin_set(t, values, *facts, &mut |happening: SessionEvent<'_>| {
            dispatch.handle(config, happening, &mut |said| report(said));
        });
    }
}

impl Keeper {
    /// A keeper of `residents`. `ends` is where the ends of calls come from.
    pub(in crate::run) fn new(residents: Residents, ends: Ends, session: &mut Session) -> Self {
        if !residents.is_empty() {
            session.watch_state();
        }
        Self { ends, way: Way::Own(residents), pause: None }
    }

    /// A keeper that is told by a recording.
    pub(in crate::run) fn recorded(ends: Ends) -> Self {
        Self { ends, way: Way::Recorded(VecDeque::new()), pause: None }
    }

    /// When there is something to do without an input, if ever.
    pub(in crate::run) fn next_due(&self) -> Option<Micros> {
        let Way::Own(residents) = &self.way else { return None };
        self.pause.into_iter().chain(residents.next_due()).min()
    }

    /// Whether there is nobody to hand anything to, and nothing has ended.
    pub(in crate::run) fn has_nothing(&self) -> bool {
        matches!(&self.way, Way::Own(residents) if residents.is_empty()) && self.ends.is_empty()
    }

    /// Takes in what has ended, and hands out what waits, at `now`.
    pub(in crate::run) fn tend(&mut self, now: Micros, mut hands: Hands<'_>, report: &mut dyn FnMut(Report)) {
        let residents = match &mut self.way {
            Way::Recorded(waiting) => {
                waiting.extend(std::iter::from_fn(|| self.ends.take()));
                return;
            }
            Way::Own(residents) => residents,
        };
        let mut left = MAX_AT_ONCE;
        loop {
            while let Some(end) = self.ends.take() {
                if !end.asked.state.is_empty() {
                    let t = hands.settle(now, report);
                    let values = end.asked.state.clone();
                    let (plugin, tenant) = (end.owner.plugin.clone(), end.owner.tenant.clone());
                    let call = (!end.event).then_some(end.token);
                    hands.dispatch.record(Some(Line::State { t, plugin, tenant, call, values }));
                    hands.set(t, &end, report);
                }
                residents.ended(&end, hands.session.state());
            }
            residents.changed(&hands.session.take_changes());
            residents.advance(now);
            if self.pause.is_some_and(|until| now < until) {
                return;
            }
            self.pause = None;
            if left == 0 {
                self.pause = Some(now.saturating_add(PAUSE));
                return;
            }
            match residents.next() {
                Some((plugin, event)) => {
                    left -= 1;
                    let t = hands.settle(now, report);
                    hands.dispatch.event(hands.config, &plugin, event, t, &mut |said| report(said));
                }
                None if self.ends.is_empty() => return,
                None => {}
            }
        }
    }

    /// The session ends: what has ended by now is taken in, and nothing is handed out any more.
    pub(in crate::run) fn take_in(&mut self, now: Micros, hands: Hands<'_>, report: &mut dyn FnMut(Report)) {
        self.pause = Some(Micros::MAX);
        self.tend(now, hands, report);
    }

    /// What resident plugins are told of the session's end.
    pub(in crate::run) fn stop(&mut self) -> Vec<(String, Arc<crate::call::ResidentEvent>)> {
        match &mut self.way {
            Way::Own(residents) => residents.stop(),
            Way::Recorded(_) => Vec::new(),
        }
    }

    /// What the recording says that a call has set takes effect, at `t`: what it has set now. The error says how that differs.
    pub(in crate::run) fn set_as_recorded(
        &mut self,
        t: Micros,
        input: &StateInput,
        mut hands: Hands<'_>,
        report: &mut dyn FnMut(Report),
    ) -> Result<(), Diverged> {
        let Way::Recorded(waiting) = &mut self.way else { return Ok(()) };
        waiting.extend(std::iter::from_fn(|| self.ends.take()));
        let is_it = |end: &CallEnd| {
            end.owner == input.owner && !end.asked.state.is_empty() && input.call == (!end.event).then_some(end.token)
        };
        let found = waiting.iter().position(is_it);
        // Of those before it nothing was taken in.
        let end = found.and_then(|at| waiting.remove(at));
        if let Some(end) = &end {
            hands.set(t, end, report);
        }
        let now = end.map(|end| end.asked.state).unwrap_or_default();
        if now == input.values {
            return Ok(());
        }
        let text = |values| format!("set {}", serde_json::to_string(values).unwrap_or_default());
        let (plugin, tenant) = (&input.owner.plugin, &input.owner.tenant);
        Err(Diverged {
            asker: format!("plugin {plugin} ({tenant})"),
            asked: (!now.is_empty()).then(|| text(&now)),
            recorded: Some(text(&input.values)),
        })
    }
}
