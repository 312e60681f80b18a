//! What the store of one instance holds beside the engine's own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wasmi::{Caller, Memory};

use super::limits::Limits;
use super::lines::Lines;
use super::plugin::Plugin;
use super::services::Services;
use super::slice::Stopped;
use super::trace::Trace;
use super::translate::Shadow;
use super::wasi::{Deadline, Waited};
use crate::action::{Origin, Request, Url};
use crate::clock::Micros;
use crate::config::{Capability, PathScope};
use crate::grant::{Grant, GrantView};

/// What the store of one instance holds.
pub(super) struct State {
    pub(super) plugin: Arc<Plugin>,
    pub(super) tenant: Arc<str>,
    pub(super) services: Arc<Services>,
    /// What the plugin may do, as it is at each call.
    pub(super) grant: GrantView,
    /// Whether whoever keeps the instance looks, before each call, if the grant was changed; else the instance does.
    pub(super) grant_is_given: bool,
    /// The part of its directory it was given at the start, if any.
    pub(super) files: Option<PathScope>,
    /// The connections it has opened, and where they lead: their hosts are held against the grant at each use.
    pub(super) sockets: BTreeMap<u32, Url>,
    /// Time it waited for the world in this call; shared with the guest's clock.
    pub(super) waited: Waited,
    pub(super) limits: Limits,
    pub(super) wasi: wasi_shim::WasiCtx,
    /// The memory, from instantiation on.
    pub(super) memory: Option<Memory>,
    pub(super) meter: Meter,
    /// The account of calls, when the plugin is profiled, and the fuel put down so far.
    pub(super) account: Option<(Shadow, u64)>,
    pub(super) lines: Lines,
    pub(super) call: CallState,
    /// Shared with the guest's clock, so that no sleep outlasts the call.
    pub(super) deadline: Deadline,
}

/// What one call has given to the host.
#[derive(Debug, Default)]
pub(super) struct CallState {
    pub(super) output: Option<String>,
    pub(super) last_error: Option<String>,
    pub(super) effects: u32,
    /// The host calls so far, where somebody wants to know.
    pub(super) trace: Trace,
    /// What the world answered, and how much of it was read.
    pub(super) answer: Vec<u8>,
    pub(super) answer_read: usize,
}

/// Fuel and time of the current call. What is in the store is part of what was given.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Fuel the call may use.
    pub(super) budget: u64,
    /// Fuel it was given so far.
    pub(super) given: u64,
    /// When it has to end.
    pub(super) deadline: Micros,
    /// Fuel at which it has to end because it did when it was recorded.
    pub(super) stop: Option<u64>,
}

impl Meter {
    /// Fuel the call may still be given.
    pub(super) fn reserve(&self) -> u64 {
        self.budget.saturating_sub(self.given)
    }

    /// Takes `fuel` out of the `left` in the store, then out of the reserve; what is left in the store then.
    pub(super) fn charge(&mut self, left: u64, fuel: u64) -> Result<u64, Stopped> {
        if let Some(rest) = left.checked_sub(fuel) {
            return Ok(rest);
        }
        let missing = fuel - left; // left < fuel
        let enough = missing <= self.reserve();
        self.given = self.given.saturating_add(missing.min(self.reserve()));
        if enough { Ok(0) } else { Err(Stopped::Fuel) }
    }

    /// Fuel the call has used, with `left` in the store.
    pub(super) fn used(&self, left: u64) -> u64 {
        self.given.saturating_sub(left)
    }
}

impl State {
    /// A call begins: full fuel, a new deadline, nothing said yet. The store's fuel has to be set to 0 beside.
    pub(super) fn begin_call(&mut self, at_ns: u64, starting: bool) {
        self.refresh_grant();
        self.waited.reset();
        let settings = self.plugin.settings();
        let now = self.services.clock.now();
        let deadline = now.saturating_add(u64::from(settings.max_execution_ms).saturating_mul(1_000));
        let stop = self.services.stops.as_ref().and_then(|stops| stops.fuel(starting));
        self.meter = Meter { budget: settings.max_fuel, given: 0, deadline, stop };
        self.deadline.set(deadline);
        if let Some((_, counted)) = &mut self.account {
            *counted = 0;
        }
        self.wasi.begin_call(at_ns);
        self.call = CallState::default();
        // What an earlier call was refused and coped with is no reason for what happens in this one.
        self.limits.take_denied();
    }

    /// Looks whether the grant was changed, if that is the instance's business.
    fn refresh_grant(&mut self) {
        if !self.grant_is_given {
            self.grant.begin_call();
        }
    }

    /// Whether the plugin's grant gives it other files than it has.
    pub(super) fn files_changed(&mut self) -> bool {
        self.refresh_grant();
        files_of(self.grant.get()) != self.files.as_ref()
    }

    /// Charges the running call: out of the slice, then out of what it has left beyond.
    pub(super) fn charge_call(caller: &mut Caller<'_, Self>, fuel: u64) -> Result<(), Stopped> {
        let left = caller.get_fuel().unwrap_or(0); // metering is always on
        let charged = caller.data_mut().meter.charge(left, fuel);
        let _ = caller.set_fuel(charged.unwrap_or(0));
        charged?;
        let state = caller.data();
        let used = state.meter.used(caller.get_fuel().unwrap_or(0));
        if state.meter.stop.is_some_and(|stop| used >= stop) { Err(Stopped::Deadline) } else { Ok(()) }
    }
}

/// The part of its directory that a plugin with this grant has.
pub(super) fn files_of(grant: &Grant) -> Option<&PathScope> {
    grant.has(Capability::Filesystem).then(|| grant.paths())
}

impl Drop for State {
    /// What an instance opened goes with it.
    fn drop(&mut self) {
        if !self.sockets.is_empty() {
            let origin = Origin::Plugin { plugin: self.plugin.name(), tenant: &self.tenant };
            // It closes what is there; there is nobody left to be told.
            let _ = self.services.outside.request(&Request::SocketCloseAll, origin, Duration::ZERO);
        }
    }
}

impl wasi_shim::WasiView for State {
    fn wasi(&mut self) -> &mut wasi_shim::WasiCtx {
        &mut self.wasi
    }

    fn memory(&self) -> Option<Memory> {
        self.memory
    }

    fn charge(caller: &mut Caller<'_, Self>, fuel: u64) -> Result<(), wasmi::Error> {
        Self::charge_call(caller, fuel).map_err(wasmi::Error::host)
    }

    fn fuel_left(caller: &Caller<'_, Self>) -> u64 {
        caller.get_fuel().unwrap_or(0).saturating_add(caller.data().meter.reserve())
    }

    fn fuel_used(caller: &Caller<'_, Self>) -> u64 {
        caller.data().meter.used(caller.get_fuel().unwrap_or(0))
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("plugin", &self.plugin.name())
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}
