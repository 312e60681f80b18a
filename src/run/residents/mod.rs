//! Resident plugins: what each is told of, in which order, and when its instance starts again.
//!
//! Nothing here runs a plugin. Of each plugin one event is at work at a time; the others wait here, so that they can be merged.

mod ends;
mod keeper;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) use ends::{CallEnd, Ends, Fate};
pub(super) use keeper::{Hands, Keeper};
use waiting::Waiting;

use crate::call::{DEFAULT_TENANT, FrameKind, Owner, PluginEvent, ResidentEvent, StartReason, StopReason};
use crate::config::Config;
use crate::effect::{Message, SocketEvent, SocketEvents};
use crate::sandbox::Plugin;
use crate::state::{StateKey, StatePrefix, StateTable, StateValue};
use crate::time::Micros;

/// First rest after a fault, in microseconds.
const FIRST_REST: Micros = 1_000_000;

/// Longest rest: a minute.
const LONGEST_REST: Micros = 60_000_000;

/// Time without a fault after which the next rest is the first again: an hour.
const FORGIVEN_AFTER: Micros = 3_600_000_000;

/// All resident plugins of a session, in the order of the file.
#[derive(Debug)]
pub(super) struct Residents {
    list: Vec<Resident>,
    /// Where the next event is looked for first.
    turn: usize,
    sockets: Option<Arc<SocketEvents>>,
}

/// A resident plugin.
#[derive(Debug)]
struct Resident {
    owner: Owner,
    /// Whether it exports `on_event`; else it is only started and stopped.
    hears: bool,
    life: Life,
    /// An event was handed out and has not ended.
    at_work: bool,
    waiting: Waiting,
    /// The last event was one that waited here, and none of a connection.
    ours_was_last: bool,
    timers: BTreeMap<u8, Micros>,
    watches: Vec<StatePrefix>,
    /// Rests since an hour went without a fault.
    rests: u32,
    last_fault: Option<Micros>,
}

/// Whether there is an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// There is, or its start waits.
    Running,
    /// There is none until this time.
    Rests(Micros),
    /// There will be none any more.
    Gone,
}

impl Residents {
    /// Those of `plugins` that `config` says are. Each waits for its start.
    pub(super) fn of(config: &Config, plugins: &[Arc<Plugin>], sockets: Option<Arc<SocketEvents>>) -> Self {
        let mut list: Vec<(usize, Resident)> = plugins
            .iter()
            .filter(|plugin| plugin.is_resident())
            .map(|plugin| {
                let position = config.plugins.get(plugin.name()).map_or(0, |settings| settings.position);
                (position, Resident::new(plugin.name(), plugin.hears_events()))
            })
            .collect();
        list.sort_by_key(|(position, _)| *position);
        Self { list: list.into_iter().map(|(_, resident)| resident).collect(), turn: 0, sockets }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// When a timer falls due, or an instance starts again.
    pub(super) fn next_due(&self) -> Option<Micros> {
        self.list.iter().filter_map(Resident::next_due).min()
    }

    /// Time comes to `now`: what falls due waits to be handed out, in order of time, of plugins and of numbers.
    pub(super) fn advance(&mut self, now: Micros) {
        let mut due: Vec<(Micros, usize, u8)> = Vec::new();
        for (place, resident) in self.list.iter_mut().enumerate() {
            match resident.life {
                Life::Rests(until) if until <= now => {
                    resident.life = Life::Running;
                    resident.waiting.push(PluginEvent::Start { reason: StartReason::Fault });
                }
                Life::Running => {
                    due.extend(resident.timers.iter().filter(|(_, at)| **at <= now).map(|(id, at)| (*at, place, *id)));
                }
                Life::Rests(_) | Life::Gone => {}
            }
        }
        due.sort_unstable();
        for (_, place, id) in due {
            if let Some(resident) = self.list.get_mut(place) {
                resident.timers.remove(&id);
                resident.waiting.timer(id);
            }
        }
    }

    /// These named values have changed, in this order.
    pub(super) fn changed(&mut self, changes: &[(StateKey, Option<StateValue>)]) {
        for (key, value) in changes {
            let mut text = None;
            for resident in &mut self.list {
                if resident.watches.is_empty() {
                    continue;
                }
                let text: &String = text.get_or_insert_with(|| key.to_string());
                if resident.watches.iter().any(|prefix| prefix.begins(text)) {
                    resident.waiting.state(text, value.clone());
                }
            }
        }
    }

    /// The next event to hand out, and to whom.
    pub(super) fn next(&mut self) -> Option<(String, Arc<ResidentEvent>)> {
        for _ in 0..self.list.len() {
            let place = self.turn % self.list.len();
            self.turn = place + 1;
            let sockets = self.sockets.as_deref();
            if let Some(resident) = self.list.get_mut(place)
                && let Some(event) = resident.next(sockets)
            {
                return Some((resident.owner.plugin.clone(), Arc::new(event)));
            }
        }
        self.turn = 0;
        None
    }

    /// A call or an event of a plugin has ended.
    pub(super) fn ended(&mut self, end: &CallEnd, table: &StateTable) {
        let Some(resident) = self.list.iter_mut().find(|resident| resident.owner == end.owner) else { return };
        resident.at_work &= !end.event;
        match end.fate {
            Fate::Done => {
                for (id, ms) in &end.asked.timers {
                    match ms {
                        0 => drop(resident.timers.remove(id)),
                        ms => drop(resident.timers.insert(*id, end.at.saturating_add(u64::from(*ms) * 1_000))),
                    }
                    if *ms == 0 {
                        resident.waiting.forget_timer(*id);
                    }
                }
                resident.watch(&end.asked.watches, table);
            }
            Fate::Faulted => {
                let until = resident.rest(end.at);
                resident.reset(Life::Rests(until));
                self.forget(&end.owner);
            }
            Fate::Gone => {
                resident.reset(Life::Gone);
                self.forget(&end.owner);
            }
            Fate::NotRun => {}
        }
    }

    /// What each that runs is told at the end of the session.
    pub(super) fn stop(&mut self) -> Vec<(String, Arc<ResidentEvent>)> {
        let stop = || Arc::new(PluginEvent::Stop { reason: StopReason::Stop }.into());
        let running = self.list.iter_mut().filter(|resident| resident.life == Life::Running);
        // One whose start still waits has no instance.
        running
            .filter(|resident| !resident.waiting.has_start())
            .map(|resident| (resident.owner.plugin.clone(), stop()))
            .collect()
    }

    fn forget(&self, owner: &Owner) {
        if let Some(sockets) = &self.sockets {
            sockets.forget(&(owner.plugin.clone(), owner.tenant.clone()));
        }
    }
}

impl Resident {
    fn new(plugin: &str, hears: bool) -> Self {
        let mut waiting = Waiting::default();
        waiting.push(PluginEvent::Start { reason: StartReason::Start });
        Self {
            owner: Owner::new(plugin, DEFAULT_TENANT),
            hears,
            life: Life::Running,
            at_work: false,
            waiting,
            ours_was_last: false,
            timers: BTreeMap::new(),
            watches: Vec::new(),
            rests: 0,
            last_fault: None,
        }
    }

    fn next_due(&self) -> Option<Micros> {
        match self.life {
            Life::Running => self.timers.values().min().copied(),
            Life::Rests(until) => Some(until),
            Life::Gone => None,
        }
    }

    /// The next event, if none is at work. What has arrived and what waits here take turns.
    fn next(&mut self, sockets: Option<&SocketEvents>) -> Option<ResidentEvent> {
        if self.at_work || self.life != Life::Running {
            return None;
        }
        let arrived = |owner: &Owner| {
            let (socket, event) = sockets?.take(&(owner.plugin.clone(), owner.tenant.clone()))?;
            Some(arrived(socket, event))
        };
        let first = if self.ours_was_last && !self.waiting.has_start() { arrived(&self.owner) } else { None };
        let event = match first {
            Some(event) => {
                self.ours_was_last = false;
                event
            }
            None => match self.waiting.pop() {
                Some(event) => {
                    self.ours_was_last = true;
                    event.into()
                }
                None => arrived(&self.owner)?,
            },
        };
        if !self.hears && !matches!(event.event, PluginEvent::Start { .. }) {
            return None; // nobody to tell
        }
        self.at_work = true;
        Some(event)
    }

    /// It is told of what `prefixes` name from now on, and of what is set there.
    fn watch(&mut self, prefixes: &[StatePrefix], table: &StateTable) {
        if prefixes.is_empty() {
            return;
        }
        for (key, value) in table.iter() {
            let key = key.to_string();
            if prefixes.iter().any(|prefix| prefix.begins(&key)) {
                self.waiting.state(&key, Some(value.clone()));
            }
        }
        self.watches.extend(prefixes.iter().cloned());
    }

    /// Until when it rests after a fault at `at`.
    fn rest(&mut self, at: Micros) -> Micros {
        let forgiven = self.last_fault.is_some_and(|last| at.saturating_sub(last) >= FORGIVEN_AFTER);
        if forgiven {
            self.rests = 0;
        }
        let rest = FIRST_REST.checked_shl(self.rests.min(20)).unwrap_or(LONGEST_REST).min(LONGEST_REST);
        self.rests = self.rests.saturating_add(1);
        self.last_fault = Some(at);
        at.saturating_add(rest)
    }

    /// Its instance is gone, and with it all that it asked for.
    fn reset(&mut self, life: Life) {
        self.life = life;
        self.timers.clear();
        self.watches.clear();
        self.waiting = Waiting::default();
    }
}

/// The event that `event` on the connection `socket` is.
fn arrived(socket: u32, event: SocketEvent) -> ResidentEvent {
    let message = |kind, bytes: Vec<u8>| ResidentEvent {
        event: PluginEvent::Message { socket, kind, length: bytes.len() },
        body: Some(bytes.into()),
    };
    match event {
        SocketEvent::Open { protocol } => PluginEvent::Open { socket, protocol }.into(),
        SocketEvent::Message(Message::Text(text)) => message(FrameKind::Text, text.into_bytes()),
        SocketEvent::Message(Message::Binary(bytes)) => message(FrameKind::Binary, bytes),
        SocketEvent::Closed { code, reason } => PluginEvent::Closed { socket, code, reason }.into(),
    }
}

#[cfg(test)]
mod tests;
