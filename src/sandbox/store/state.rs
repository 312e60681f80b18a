//! What the store of one instance holds beside the engine's own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use wasmi::{Caller, Memory};

use crate::capability::{Capability, PathScope};
use crate::effect::{Brokered, EffectHandler, NetworkRequest, Origin, Url};
use crate::grant::{Denied, Grant, GrantView};
use crate::sandbox::engine::fault::FaultKind;
use crate::sandbox::engine::limiter::Limiter;
use crate::sandbox::engine::meter::{Meter, StopPlace, Stopped, TimeLimit, ceiling};
use crate::sandbox::info::PluginInfo;
use crate::sandbox::outcome::guest_log::GuestLog;
use crate::sandbox::outcome::session_requests::{OwnKeys, SessionRequests};
use crate::sandbox::store::services::Services;
use crate::sandbox::store::trace::Trace;
use crate::sandbox::store::wasi::{Deadline, Waited};
use crate::sandbox::translate::Shadow;
use crate::state::StatePrefix;
use crate::time::{Alarm, EventTime};

/// What the store of one instance holds.
pub(in crate::sandbox) struct InstanceState {
    pub(in crate::sandbox) plugin: Arc<PluginInfo>,
    pub(in crate::sandbox) tenant: Arc<str>,
    pub(in crate::sandbox) services: Arc<Services>,
    /// What the plugin may do, as it is at each call.
    pub(in crate::sandbox) grant: GrantView,
    /// Whether whoever keeps the instance looks, before each call, if the grant was changed; else the instance does.
    pub(in crate::sandbox) grant_is_given: bool,
    /// The part of its directory it was given at the start, if any.
    pub(in crate::sandbox) files: Option<PathScope>,
    /// The connections it has opened, and where they lead: their hosts are held against the grant at each use.
    pub(in crate::sandbox) sockets: BTreeMap<u32, Url>,
    /// Those of them whose messages come as events.
    pub(in crate::sandbox) event_sockets: BTreeSet<u32>,
    /// Time it waited for the world in this call; shared with the guest's clock.
    pub(in crate::sandbox) waited: Waited,
    pub(in crate::sandbox) limiter: Limiter,
    pub(in crate::sandbox) wasi: wasi_shim::WasiCtx,
    /// The memory, from instantiation on.
    pub(in crate::sandbox) memory: Option<Memory>,
    pub(in crate::sandbox) meter: Meter,
    /// The account of calls.
    pub(in crate::sandbox) account: Option<Shadow>,
    /// Fuel put down so far, when the plugin is profiled.
    pub(in crate::sandbox) counted: u64,
    pub(in crate::sandbox) lines: GuestLog,
    pub(in crate::sandbox) call: CallState,
    /// Denials since the last call ended.
    pub(in crate::sandbox) denied: u32,
    /// It has looked for a directory of files and has none.
    pub(in crate::sandbox) looked_for_files: bool,
    /// It is the one instance of a resident plugin.
    pub(in crate::sandbox) kept: bool,
    /// It was told that it goes while the session goes on: nothing of what it has set stays.
    pub(in crate::sandbox) left_out: bool,
    /// Its `shutdown` runs: nobody takes in what it asks for any more.
    pub(in crate::sandbox) leaving: bool,
    /// What the plugin has set for this tenant.
    pub(in crate::sandbox) own_keys: OwnKeys,
    /// What it watches.
    pub(in crate::sandbox) watches: Vec<StatePrefix>,
    /// What it asks of the session since the last call ended, `init` of its start included.
    pub(in crate::sandbox) asked: SessionRequests,
    /// Shared with the guest's clock, so that no sleep outlasts the call.
    pub(in crate::sandbox) deadline: Deadline,
    /// Raised when the guest's time is up, so that no charge has to ask a clock.
    pub(in crate::sandbox) alarm: Alarm,
}

/// What one call has given to the host.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct CallState {
    pub(in crate::sandbox) output: Option<String>,
    pub(in crate::sandbox) last_error: Option<String>,
    pub(in crate::sandbox) effects: u32,
    /// The host calls so far, where somebody wants to know.
    pub(in crate::sandbox) trace: Trace,
    /// What the world answered, and how much of it was read.
    pub(in crate::sandbox) answer: Vec<u8>,
    pub(in crate::sandbox) answer_read: usize,
}

impl InstanceState {
    /// The guest begins to run: full fuel, a new deadline, nothing said yet. Time stops it at `stop`, where it did when this was
    /// recorded. The store's fuel has to be set to 0 beside.
    pub(in crate::sandbox) fn begin_call(&mut self, at: EventTime, stop: Option<StopPlace>) {
        self.refresh_grant();
        self.waited.reset();
        let limits = self.plugin.limits();
        let clock = &self.services.clock;
        let deadline = clock.now().saturating_add(u64::from(limits.max_execution_ms).saturating_mul(1_000));
        match stop {
            Some(_) => self.alarm.clear(), // it is known where the call ends, however long it takes until there
            None if self.services.live => clock.alarm_at(deadline, &self.alarm),
            None => clock.alarm_after(ceiling(limits), &self.alarm),
        }
        self.meter = Meter { budget: limits.max_fuel, deadline, stop, ..Meter::default() };
        self.deadline.set(deadline);
        self.counted = 0;
        self.wasi.begin_call(at.nanos());
        self.call = CallState::default();
        // What an earlier call was refused and coped with is no reason for what happens in this one.
        self.limiter.take_denied();
    }

    /// Whether the guest, having used `used`, has run for as long as it may. Asked between slices; what a charge asks is cheaper.
    pub(in crate::sandbox) fn is_overdue(&self, used: u64) -> bool {
        self.is_stopped(used) || self.services.clock.now() >= self.meter.deadline
    }

    /// Whether time stops the call now, for the price of an atomic load.
    fn is_stopped(&self, used: u64) -> bool {
        self.alarm.is_raised() || self.meter.stopped_here(used)
    }

    /// What stopped the guest when its time was up.
    pub(in crate::sandbox) fn time_is_up(&self, used: u64) -> FaultKind {
        let limit = match self.meter.stop {
            Some(stop) => stop.limit,
            None if !self.services.live && self.alarm.is_raised() => TimeLimit::Ceiling,
            None => TimeLimit::Deadline,
        };
        let (limits, host_calls) = (self.plugin.limits(), self.meter.host_calls);
        match limit {
            TimeLimit::Deadline => FaultKind::Deadline { limit_ms: limits.max_execution_ms, fuel: used, host_calls },
            TimeLimit::Ceiling => FaultKind::Ceiling { limit: ceiling(limits), fuel: used, host_calls },
        }
    }

    /// Counts that `function` was denied something, and says so where that is new.
    pub(in crate::sandbox) fn deny(&mut self, function: &'static str, denied: &Denied) {
        self.denied = self.denied.saturating_add(1);
        let (plugin, grant) = (&self.plugin, self.grant.get());
        let text = || format!("{denied}; {}", denied.advice(plugin.name(), grant));
        plugin.counters().denials().deny(plugin.name(), (function, denied.reason()), &denied.target(), text);
    }

    /// A call failed. If the plugin has looked for files and has none, that may be why: a program that finds no directory asks for
    /// none of the files in it. It looks once in its life, and that is said once.
    pub(in crate::sandbox) fn failed(&mut self) {
        let opens = self.plugin.needs().contains(&Capability::Filesystem);
        if std::mem::take(&mut self.looked_for_files) && opens {
            self.deny("files", &self.without_files());
        }
    }

    fn without_files(&self) -> Denied {
        let denied = self.grant.get().check(Capability::Filesystem).err();
        // Granted, but since the instance was made: the next one has them.
        denied.unwrap_or(Denied::Capability { missing: Capability::Filesystem, held: Vec::new() })
    }

    /// The connection of this number is closed.
    pub(in crate::sandbox) fn forget_socket(&mut self, socket: u32) {
        self.sockets.remove(&socket);
        self.event_sockets.remove(&socket);
    }

    /// Notes what a resident plugin asks of the session, where somebody wants to know.
    pub(in crate::sandbox) fn note_ask(&self, what: impl FnOnce() -> String) {
        if let Some(notes) = &self.services.asks {
            notes.asked(self.plugin.name(), &self.tenant, what());
        }
    }

    /// What the call asked for, once it has ended: nothing when that was by a fault, or when the plugin is left out, and then a resident
    /// plugin has nothing set any more.
    pub(in crate::sandbox) fn take_asked(&mut self, faulted: bool) -> SessionRequests {
        let asked = std::mem::take(&mut self.asked);
        if faulted || self.left_out {
            return if self.kept {
                SessionRequests::removal(std::mem::take(&mut self.own_keys))
            } else {
                SessionRequests::default()
            };
        }
        for (key, value) in &asked.state {
            if value.is_some() {
                self.own_keys.insert(key.clone());
            } else {
                self.own_keys.remove(key);
            }
        }
        self.watches.extend(asked.watches.iter().cloned());
        asked
    }

    /// Looks whether the grant was changed, if that is the instance's business.
    fn refresh_grant(&mut self) {
        if !self.grant_is_given {
            self.grant.begin_call();
        }
    }

    /// Whether the plugin's grant gives it other files than it has.
    pub(in crate::sandbox) fn files_changed(&mut self) -> bool {
        self.refresh_grant();
        files_of(self.grant.get()) != self.files.as_ref()
    }

    /// Charges the running call: out of the slice, then out of what it has left beyond.
    pub(in crate::sandbox) fn charge_call(caller: &mut Caller<'_, Self>, fuel: u64) -> Result<(), Stopped> {
        let left = caller.get_fuel().unwrap_or(0); // metering is always on
        let charged = caller.data_mut().meter.charge(left, fuel);
        let _ = caller.set_fuel(charged.unwrap_or(0));
        charged?;
        // A charge of nothing is no place to stop at: it could not be told from the one before, and an effect may lie between.
        if fuel == 0 {
            return Ok(());
        }
        let state = caller.data();
        let used = state.meter.used(caller.get_fuel().unwrap_or(0));
        if state.is_stopped(used) { Err(Stopped::Deadline) } else { Ok(()) }
    }
}

/// The part of its directory that a plugin with this grant has.
pub(in crate::sandbox) fn files_of(grant: &Grant) -> Option<&PathScope> {
    grant.has(Capability::Filesystem).then(|| grant.paths())
}

impl Drop for InstanceState {
    /// What an instance opened goes with it.
    fn drop(&mut self) {
        self.plugin.give_own_keys(&self.tenant, std::mem::take(&mut self.own_keys));
        if !self.sockets.is_empty() {
            let origin = Origin::Plugin { plugin: self.plugin.name(), tenant: &self.tenant };
            // It closes what is there; there is nobody left to be told.
            let outside = Brokered(&self.services.outside);
            let _ = outside.request(&NetworkRequest::SocketCloseAll.into(), origin, Duration::ZERO);
        }
    }
}

impl wasi_shim::WasiView for InstanceState {
    fn wasi(&mut self) -> &mut wasi_shim::WasiCtx {
        &mut self.wasi
    }

    fn memory(&self) -> Option<Memory> {
        self.memory
    }

    fn charge(caller: &mut Caller<'_, Self>, fuel: u64) -> Result<(), wasmi::Error> {
        Self::charge_call(caller, fuel).map_err(wasmi::Error::host)
    }

    fn charge_sleep(caller: &mut Caller<'_, Self>, ns: u64) -> Result<(), wasmi::Error> {
        let asked = &mut caller.data_mut().meter.asked;
        asked.slept = asked.slept.saturating_add(ns);
        Self::charge(caller, ns)
    }

    fn refused(
        caller: &mut Caller<'_, Self>,
        function: &'static str,
        errno: wasi_shim::Errno,
        denial: Option<wasi_shim::Denial>,
    ) {
        let state = caller.data_mut();
        let text = |path: Vec<u8>| String::from_utf8_lossy(&path).into_owned();
        match denial {
            Some(wasi_shim::Denial::Scope { path, write }) => {
                state.deny(function, &Denied::Path { path: text(path), write });
            }
            Some(wasi_shim::Denial::Outside { path }) => state.deny(function, &Denied::Outside { path: text(path) }),
            // Without the grant there is no directory.
            None if errno == wasi_shim::Errno::Badf && state.files.is_none() => {
                state.looked_for_files |= function == "fd_prestat_get";
                if function.starts_with("path_") {
                    state.deny(function, &state.without_files());
                }
            }
            None => {}
        }
    }

    fn fuel_left(caller: &Caller<'_, Self>) -> u64 {
        caller.get_fuel().unwrap_or(0).saturating_add(caller.data().meter.reserve())
    }

    fn fuel_used(caller: &Caller<'_, Self>) -> u64 {
        caller.data().meter.used(caller.get_fuel().unwrap_or(0))
    }
}

impl std::fmt::Debug for InstanceState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InstanceState")
            .field("plugin", &self.plugin.name())
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}
