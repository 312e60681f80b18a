//! Takes in what calls set and asked for, and hands out events: at places that a recording has.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{CallEnd, Ends, PermissionChange, Residents};
use crate::action::ConditionSource;
use crate::call::{StartReason, StopReason};
use crate::config::Config;
use crate::journal::{Diverged, Line, StateInput};
use crate::run::dispatch::{Dispatch, Report};
use crate::run::session::{Session, SessionEvent};
use crate::text::Escape as _;
use crate::text::shell::word;
use crate::time::Micros;

/// Events handed out at one time, before a caller sees to its input again.
const MAX_AT_ONCE: u32 = 256;

/// What events that set each other off without end wait for in a session from a file: a millisecond.
const PAUSE: Micros = 1_000;

/// How often it is looked whether plugins may do less than before, which calls look at themselves: a plugin that is only told of what
/// arrives makes none.
const LOOK: Micros = 1_000_000;

/// Takes in the ends of calls, and hands out events.
#[derive(Debug)]
pub(in crate::run) struct Keeper {
    ends: Ends,
    way: Way,
    /// No event is handed out before this time.
    pause: Option<Micros>,
    /// When it is looked what plugins may do, in a live session.
    look: Option<Micros>,
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
        session.plugin_set(t, end.values(), *facts, &mut |happening: SessionEvent<'_>| {
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
        Self { ends, way: Way::Own(residents), pause: None, look: None }
    }

    /// It is looked, from now on, whether plugins may do less than before.
    pub(in crate::run) fn watching(mut self, now: Micros) -> Self {
        let has_some = matches!(&self.way, Way::Own(residents) if !residents.is_empty());
        self.look = has_some.then(|| now.saturating_add(LOOK));
        self
    }

    /// A keeper that is told by a recording.
    pub(in crate::run) fn recorded(ends: Ends) -> Self {
        Self { ends, way: Way::Recorded(VecDeque::new()), pause: None, look: None }
    }

    /// When there is something to do without an input, if ever.
    pub(in crate::run) fn next_due(&self) -> Option<Micros> {
        let Way::Own(residents) = &self.way else { return None };
        self.pause.into_iter().chain(residents.next_due()).chain(self.look).min()
    }

    /// Looks what plugins may do. Those that may do less go at once, and start again where they have what they need.
    fn look(&mut self, now: Micros, hands: &mut Hands<'_>, report: &mut dyn FnMut(Report)) {
        if self.look.is_none_or(|at| now < at) {
            return;
        }
        self.look = Some(now.saturating_add(LOOK));
        let Way::Own(residents) = &mut self.way else { return };
        for (plugin, PermissionChange { may_run, missing, .. }) in residents.look() {
            let name = plugin.escaped();
            if may_run {
                log::warn!("plugin \"{name}\": some of what it may do was revoked; it starts again without");
            } else if let Some(capability) = missing {
                log::warn!(
                    "plugin \"{name}\": {capability} was revoked, which it needs; it is stopped until that is approved again: \
                     conductor plugin grant {}",
                    word(&plugin)
                );
            } // else it is not trusted any more, and that was said
            self.leave_out(&plugin, StopReason::Revoke, now, hands, report);
            if may_run {
                self.take_back(&plugin, StartReason::Grant);
            }
        }
    }

    /// The resident `plugin` goes while the session goes on: it is told so where it may still run, and what it has set is none any more.
    pub(in crate::run) fn leave_out(
        &mut self,
        plugin: &str,
        reason: StopReason,
        now: Micros,
        hands: &mut Hands<'_>,
        report: &mut dyn FnMut(Report),
    ) {
        let Way::Own(residents) = &mut self.way else { return };
        let Some(told) = residents.leave_out(plugin, reason) else { return };
        let t = hands.settle(now, report);
        for event in told {
            hands.dispatch.event(hands.config, plugin, event, t, &mut |said| report(said));
        }
        hands.dispatch.record(Some(Line::Stop { t, plugin: plugin.to_owned(), reason }));
    }

    /// The plugin that was left out starts again, as soon as its last instance is gone.
    pub(in crate::run) fn take_back(&mut self, plugin: &str, reason: StartReason) {
        if let Way::Own(residents) = &mut self.way {
            residents.take_in(plugin, reason);
        }
    }

    /// Whether there is nobody to hand anything to, and nothing has ended.
    pub(in crate::run) fn has_nothing(&self) -> bool {
        matches!(&self.way, Way::Own(residents) if residents.is_empty()) && self.ends.is_empty()
    }

    /// Takes in what has ended, and hands out what waits, at `now`.
    pub(in crate::run) fn tend(&mut self, now: Micros, mut hands: Hands<'_>, report: &mut dyn FnMut(Report)) {
        self.look(now, &mut hands, report);
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
                    hands.dispatch.record(Some(Line::State { t, plugin, tenant, call, values, last: false }));
                    hands.set(t, &end, report);
                }
                if residents.ended(&end, hands.session.state()) {
                    let (t, plugin) = (hands.session.now(), end.owner.plugin);
                    hands.dispatch.record(Some(Line::Stop { t, plugin, reason: StopReason::Revoke }));
                }
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

    /// The session has ended at `t`, and every call: what they have set is there to be shown.
    pub(in crate::run) fn take_in_last(&mut self, t: Micros, session: &mut Session, dispatch: &Dispatch) {
        if let Way::Recorded(_) = self.way {
            return;
        }
        while let Some(end) = self.ends.take() {
            if end.asked.state.is_empty() {
                continue;
            }
            let values = end.asked.state.clone();
            let (plugin, tenant) = (end.owner.plugin.clone(), end.owner.tenant.clone());
            let call = (!end.event).then_some(end.token);
            dispatch.record(Some(Line::State { t, plugin, tenant, call, values, last: true }));
            session.set_last(end.values());
        }
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
        match &end {
            Some(end) if input.last => hands.session.set_last(end.values()),
            Some(end) => hands.set(t, end, report),
            None => {}
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
