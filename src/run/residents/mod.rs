//! Resident plugins: what each is told of, in which order, and when its instance starts again.
//!
//! Nothing here runs a plugin. Of each plugin one event is at work at a time; the others wait here, so that they can be merged.

mod ends;
mod keeper;
mod permission;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) use ends::{CallEnd, Ends, Fate};
pub(super) use keeper::{Hands, Keeper};
use permission::{Permission, PermissionChange};
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
    /// Events that were handed out and have not ended: one, and beside it that it goes.
    at_work: u8,
    /// What it may do, where somebody looks whether that changes.
    permission: Option<Permission>,
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
    /// There is none, or it goes: the plugin is left out, until it is taken in again for this reason.
    Out(Option<StartReason>),
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
                let resident = Resident::new(plugin.name(), plugin.hears_events());
                (position, Resident { permission: Some(Permission::of(plugin)), ..resident })
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
                // Whatever belonged to the instance that goes is over when all that it was handed has ended.
                Life::Out(Some(reason)) if resident.at_work == 0 => {
                    resident.life = Life::Running;
                    resident.waiting.push(PluginEvent::Start { reason });
                }
                Life::Rests(_) | Life::Out(_) | Life::Gone => {}
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

    /// Looks what each may do now. Gives those that may do less than before.
    fn look(&mut self) -> Vec<(String, PermissionChange)> {
        let mut less = Vec::new();
        for resident in &mut self.list {
            let Some(standing) = resident.permission.as_mut().map(Permission::look) else { continue };
            if standing.narrowed {
                less.push((resident.owner.plugin.clone(), standing));
            } else if standing.may_run && resident.life == Life::Out(None) {
                resident.life = Life::Out(Some(StartReason::Grant));
            }
        }
        less
    }

    /// The plugin is left out: nothing that waits for it comes any more. Gives what it is told, where it has an instance; nothing at all
    /// where it is not resident, or was left out before.
    pub(super) fn leave_out(&mut self, plugin: &str, reason: StopReason) -> Option<Vec<Arc<ResidentEvent>>> {
        let resident = self.list.iter_mut().find(|resident| resident.owner.plugin == plugin)?;
        let has_instance = match resident.life {
            // One whose start still waits has none.
            Life::Running => !resident.waiting.has_start(),
            Life::Rests(_) => false,
            Life::Out(_) => {
                resident.life = Life::Out(None);
                return None;
            }
            Life::Gone => return None,
        };
        resident.reset(Life::Out(None));
        resident.at_work += u8::from(has_instance);
        let owner = resident.owner.clone();
        self.forget(&owner);
        Some(has_instance.then(|| Arc::new(PluginEvent::Stop { reason }.into())).into_iter().collect())
    }

    /// The plugin that was left out is taken in again.
    pub(super) fn take_in(&mut self, plugin: &str, reason: StartReason) {
        if let Some(resident) = self.list.iter_mut().find(|resident| resident.owner.plugin == plugin)
            && let Life::Out(again) = &mut resident.life
        {
            *again = Some(reason);
        }
    }

    /// A call or an event of a plugin has ended. Says whether the plugin was left out with that.
    pub(super) fn ended(&mut self, end: &CallEnd, table: &StateTable) -> bool {
        let Some(resident) = self.list.iter_mut().find(|resident| resident.owner == end.owner) else { return false };
        resident.at_work = resident.at_work.saturating_sub(u8::from(end.event));
        if let Life::Out(_) = resident.life {
            self.forget(&end.owner); // what its instance has opened before it went
            return false;
        }
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
            Fate::Distrusted => {
                resident.reset(Life::Out(None));
                self.forget(&end.owner);
                return true;
            }
            Fate::Gone => {
                resident.reset(Life::Gone);
                self.forget(&end.owner);
            }
            Fate::NotRun => {}
        }
        false
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
            at_work: 0,
            permission: None,
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
            Life::Out(Some(_)) if self.at_work == 0 => Some(0),
            Life::Out(_) | Life::Gone => None,
        }
    }

    /// The next event, if none is at work. What has arrived and what waits here take turns.
    fn next(&mut self, sockets: Option<&SocketEvents>) -> Option<ResidentEvent> {
        if self.at_work > 0 || self.life != Life::Running {
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
        self.at_work = 1;
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
