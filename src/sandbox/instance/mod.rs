//! A plugin at work for one tenant: its store, its memory, and the calls into it.

pub(super) mod exports;
mod placement;
mod start;

use std::sync::Arc;

use wasmi::Store;

use crate::call::{Params, PluginEvent, StopReason};
use crate::grant::GrantView;
use crate::sandbox::backtrace::frames::Backtrace;
use crate::sandbox::engine::fault::{Fault, FaultKind};
use crate::sandbox::engine::meter::{FuelStop, StopPlace};
use crate::sandbox::engine::stack::{ThreadError, is_guest_thread, on_guest_thread};
use crate::sandbox::info::PluginInfo;
use crate::sandbox::instance::exports::{Dialect, Exports, Region};
use crate::sandbox::memory::GuestSlice;
use crate::sandbox::module::entry_point::EntryPoint;
use crate::sandbox::module::metadata::Metadata;
use crate::sandbox::module::params_schema::Mismatch;
use crate::sandbox::outcome::{Outcome, Rejection, Status};
use crate::sandbox::plugin::Plugin;
use crate::sandbox::store::confinement::confinement;
use crate::sandbox::store::request::{Context, Request, write_context, write_wide};
use crate::sandbox::store::run::run;
use crate::sandbox::store::services::Services;
use crate::sandbox::store::state::{CallState, InstanceState, files_of};
use crate::time::EventTime;

/// A plugin at work for one tenant. Lives across calls, until a fault ends it.
#[derive(Debug)]
pub struct Instance {
    store: Store<InstanceState>,
    exports: Exports,
    /// The request or context in the spec; keeps its room from call to call.
    buffer: Vec<u8>,
    /// Where requests go when the plugin has no `alloc`.
    region: Option<Region>,
    /// Where they go when it has: room it has given and can take back, for the request and for the context.
    kept: Vec<GuestSlice>,
    metadata: Option<Metadata>,
    /// What the next call hands over in the place of its parameters.
    raw: Option<Vec<u8>>,
    init_fuel: u64,
    generation: u64,
    /// Whether the next call is the first.
    fresh: bool,
    ended: bool,
}

/// What an instance is made of ([`Instance::new`]).
#[derive(Clone, Copy)]
pub(super) struct InstanceSpec<'a> {
    pub(super) plugin: &'a Arc<Plugin>,
    pub(super) tenant: &'a str,
    pub(super) services: &'a Arc<Services>,
    pub(super) generation: u64,
    pub(super) at: EventTime,
    /// Where time stops it while it starts, because it did when that was recorded.
    pub(super) stop: Option<StopPlace>,
    /// What the plugin may do, where whoever keeps the instance looks whether that was changed and hands it on
    /// ([`Instance::give`]); else the instance looks itself.
    pub(super) grant: Option<&'a GrantView>,
}

impl Instance {
    /// Instantiates `plugin` for `tenant` and runs `_initialize` and `init` under the limits of a call. `generation` tells
    /// apart the instances one plugin and tenant had in a session; `at` is the time of the event it is made for.
    ///
    /// The error is the outcome of the call it was made for: the fault, and what the plugin logged before.
    pub fn new(
        plugin: &Arc<Plugin>,
        tenant: &str,
        services: &Arc<Services>,
        generation: u64,
        at: EventTime,
    ) -> Result<Self, Box<Outcome>> {
        Self::of(InstanceSpec { plugin, tenant, services, generation, at, stop: None, grant: None })
    }

    /// An instance of what `spec` describes, made on a thread for guests.
    pub(super) fn of(spec: InstanceSpec<'_>) -> Result<Self, Box<Outcome>> {
        let InstanceSpec { plugin, services, .. } = spec;
        let files = || spec.grant.map_or_else(|| plugin.grant_view(), GrantView::clone);
        let confined = || confinement(plugin.limits(), services, files_of(files().get()).is_some());
        on_guest_thread(confined, || Self::start(spec)).unwrap_or_else(|error| {
            let kind = FaultKind::SystemThreads(error);
            let mut outcome = stopped(spec.plugin, EntryPoint::Instantiation, kind);
            outcome.generation = spec.generation;
            Err(Box::new(outcome))
        })
    }

    /// The plugin.
    pub fn plugin(&self) -> &Arc<PluginInfo> {
        &self.store.data().plugin
    }
    /// What the plugin says of itself: in its custom section, or else as `init` returned it.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.plugin().metadata().or(self.metadata.as_ref())
    }
    /// Whether a fault has ended it; then it answers no more.
    pub fn ended(&self) -> bool {
        self.ended
    }
    /// What the plugin may do from here on.
    pub(super) fn give(&mut self, grant: &GrantView) {
        self.store.data_mut().grant.clone_from(grant);
    }
    /// Whether the plugin's grant has changed in a way that only a fresh instance can follow: which files it has.
    pub fn outdated(&mut self) -> bool {
        self.store.data_mut().files_changed()
    }
    /// Which of the instances of its plugin and tenant it is.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }
    /// Fuel it took to make the instance, and `_initialize` and `init` used.
    pub fn init_fuel(&self) -> u64 {
        self.init_fuel
    }
    /// Bytes of linear memory.
    pub fn memory_bytes(&self) -> usize {
        self.exports.memory.data_size(&self.store)
    }

    /// Calls the plugin. The instance lives on unless the outcome is a fault.
    pub fn call(&mut self, request: &Request<'_>) -> Outcome {
        match self.on_its_thread(|this| this.call_here(request)) {
            Ok(outcome) => outcome,
            Err(error) => {
                self.ended = true;
                let mut outcome = stopped(self.plugin(), EntryPoint::Execute, FaultKind::SystemThreads(error));
                outcome.generation = self.generation;
                outcome
            }
        }
    }

    /// Calls the plugin with `bytes` as they are, whatever they are, in the place of parameters or request. Nothing of them is held
    /// against what the plugin says it accepts.
    pub fn call_raw(&mut self, bytes: &[u8], context: &Context, at: EventTime) -> Outcome {
        self.raw = Some(bytes.to_vec());
        let params = Params::default();
        let outcome = self.call(&Request { params: &params, context, at, stop: None });
        self.raw = None;
        outcome
    }

    /// Whether it is handed the parameters of a mapping alone, and not as a part of a request.
    pub(super) fn is_handed_params_alone(&self) -> bool {
        self.exports.execute_with_context.is_some() || matches!(self.exports.dialect, Dialect::Plain { .. })
    }

    /// The bytes that `request` hands over first: parameters, or the request.
    pub(super) fn input(&self, request: &Request<'_>) -> Vec<u8> {
        let mut input = Vec::new();
        if self.is_handed_params_alone() {
            input.extend_from_slice(request.params_json().as_bytes());
        } else {
            write_wide(&mut input, request);
        }
        input
    }

    fn call_here(&mut self, request: &Request<'_>) -> Outcome {
        if self.ended {
            let fault = Fault::new(self.plugin().name(), EntryPoint::Execute, FaultKind::Ended);
            return Outcome::empty(Status::Fault(fault));
        }
        let fitted = self.fitted(request.params);
        let request = &Request { params: fitted.as_ref().unwrap_or(request.params), ..*request };
        if let Some(mismatch) = self.mismatch(request) {
            let rejection = Rejection::Params { plugin: self.plugin().name().to_owned(), mismatch };
            self.plugin().counters().rejected(&rejection);
            return Outcome { generation: self.generation, ..Outcome::rejected(rejection) };
        }
        let state = begin(&mut self.store, request.at, request.stop.and_then(FuelStop::in_call));
        let result = if let Some(event) = &request.context.resident {
            if let PluginEvent::Closed { socket, .. } = event.event {
                state.forget_socket(socket);
            }
            state.left_out =
                matches!(event.event, PluginEvent::Stop { reason: StopReason::Reload | StopReason::Revoke });
            state.call.answer = event.body.as_deref().map(<[u8]>::to_vec).unwrap_or_default();
            self.hear(&event.event, request.at)
        } else {
            self.execute(request)
        };
        let mut outcome = self.finish(result);
        if std::mem::take(&mut self.fresh) {
            outcome.init_fuel = self.init_fuel;
        }
        self.plugin().counters().ran(&outcome);
        outcome
    }

    /// `params` with the numbers that were made for this call held to what the plugin accepts; nothing where they are so already.
    fn fitted(&self, params: &Params) -> Option<Params> {
        let schema = self.metadata()?.params_schema.as_ref().filter(|_| !params.made.is_empty())?;
        params.fitted(|key, number| schema.fit(key, number))
    }

    /// Where the parameters are not what the plugin says it accepts.
    fn mismatch(&self, request: &Request<'_>) -> Option<Mismatch> {
        let is_call = self.raw.is_none() && request.context.resident.is_none();
        let schema = self.metadata()?.params_schema.as_ref().filter(|_| is_call)?;
        schema.check(request.params_json()).err()
    }

    /// Tells the plugin that it goes, and returns what came of it; nothing when it does not want to be told.
    pub fn end(mut self, at: EventTime) -> Option<Outcome> {
        let shutdown = self.exports.shutdown.filter(|_| !self.ended)?;
        let (plugin, generation) = (Arc::clone(self.plugin()), self.generation);
        let ended = self.on_its_thread(|this| {
            this.store.data_mut().leaving = true;
            let state = this.store.data();
            let stop = state.services.shutdown_stop(plugin.name(), &state.tenant, generation);
            begin(&mut this.store, at, stop);
            let result = run(&mut this.store, shutdown, ()).map(|()| 0).map_err(|kind| (EntryPoint::Shutdown, kind));
            let result = result.and_then(|code| this.flush().map(|()| code));
            let outcome = this.finish(result);
            this.plugin().counters().shut_down(&outcome);
            outcome
        });
        Some(ended.unwrap_or_else(|error| {
            let mut outcome = stopped(&plugin, EntryPoint::Shutdown, FaultKind::SystemThreads(error));
            outcome.generation = generation;
            outcome
        }))
    }

    /// What the plugin's export `capabilities` says that it needs, empty when it has none: the names as they are, those included that
    /// name no capability.
    pub(super) fn capability_names(&mut self, at: EventTime) -> Result<Vec<String>, Fault> {
        let read = self.on_its_thread(|this| {
            begin(&mut this.store, at, None);
            let read = this.exports.capabilities(&mut this.store);
            this.store.data().alarm.clear();
            read
        });
        let read = read.unwrap_or_else(|error| Err(FaultKind::SystemThreads(error)));
        read.map_err(|kind| {
            self.ended = true;
            Fault { backtrace: self.backtrace(), ..Fault::new(self.plugin().name(), EntryPoint::Capabilities, kind) }
        })
    }

    /// Runs `f` on a guest's thread.
    fn on_its_thread<T: Send>(&mut self, f: impl FnOnce(&mut Self) -> T + Send) -> Result<T, ThreadError> {
        if is_guest_thread() {
            return Ok(f(self));
        }
        let InstanceState { plugin, services, files, .. } = self.store.data();
        let confined = confinement(plugin.limits(), services, files.is_some());
        on_guest_thread(|| confined, || f(self))
    }

    /// What of the plugin was running when it was stopped.
    fn backtrace(&self) -> Backtrace {
        let InstanceState { plugin, account, .. } = self.store.data();
        account.map_or_else(Backtrace::default, |account| Backtrace::noted(&self.store, account, plugin.names()))
    }

    fn used(&self) -> u64 {
        self.store.data().meter.used(self.store.get_fuel().unwrap_or(0))
    }

    /// Has the plugin write what it has printed into its buffers: what is said in a call belongs to that call.
    fn flush(&mut self) -> Result<(), (EntryPoint, FaultKind)> {
        let Some(fflush) = self.exports.fflush else { return Ok(()) };
        // All streams. What it answers is of no interest: a line that cannot be written is lost.
        run(&mut self.store, fflush, 0).map(drop).map_err(|kind| (EntryPoint::Flush, kind))
    }

    /// Tells the plugin of `event`, if it wants to be told.
    fn hear(&mut self, event: &PluginEvent, at: EventTime) -> Result<i32, (EntryPoint, FaultKind)> {
        let Some(on_event) = self.exports.on_event else { return Ok(0) };
        let mut buffer = std::mem::take(&mut self.buffer);
        event.write(at.millis(), &mut buffer);
        let placed = self.place([&buffer]);
        self.buffer = buffer;
        let [input] = placed?;
        let code =
            run(&mut self.store, on_event, (input.ptr, input.len)).map_err(|kind| (EntryPoint::OnEvent, kind))?;
        self.flush()?;
        Ok(code)
    }

    fn execute(&mut self, request: &Request<'_>) -> Result<i32, (EntryPoint, FaultKind)> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let raw = self.raw.take();
        let result = self.execute_with(request, raw.as_deref(), &mut buffer);
        self.buffer = buffer;
        let code = result?;
        self.flush()?;
        Ok(code)
    }

    fn execute_with(
        &mut self,
        request: &Request<'_>,
        raw: Option<&[u8]>,
        buffer: &mut Vec<u8>,
    ) -> Result<i32, (EntryPoint, FaultKind)> {
        let params = raw.unwrap_or_else(|| request.params_json().as_bytes());
        if let Some(execute) = self.exports.execute_with_context {
            write_context(buffer, request);
            let [params, context] = self.place([params, buffer])?;
            let code = run(&mut self.store, execute, (params.ptr, params.len, context.ptr, context.len))
                .map_err(|kind| (EntryPoint::ExecuteWithContext, kind))?;
            return Ok(code);
        }
        let Some(execute) = self.exports.execute else {
            // Loading has checked that there is one of the two.
            return Err((EntryPoint::Execute, FaultKind::Engine { reason: "no export to call".into() }));
        };
        let bytes = match self.exports.dialect {
            Dialect::Plain { .. } => params,
            Dialect::Wide { .. } if raw.is_some() => params,
            Dialect::Wide { .. } => {
                write_wide(buffer, request);
                buffer
            }
        };
        let [input] = self.place([bytes])?;
        let code = run(&mut self.store, execute, (input.ptr, input.len)).map_err(|kind| (EntryPoint::Execute, kind))?;
        Ok(code)
    }

    fn finish(&mut self, result: Result<i32, (EntryPoint, FaultKind)>) -> Outcome {
        let fuel = self.used();
        let peak_memory = self.memory_bytes();
        self.store.data().alarm.clear();
        let status = match result {
            Ok(0) => Status::Ok,
            Ok(code) => Status::Failed(code),
            Err((function, kind)) => {
                self.ended = true;
                let asked = matches!(kind, FaultKind::Fuel { .. }).then_some(self.store.data().meter.asked);
                let fault = Fault::new(self.plugin().name(), function, kind);
                Status::Fault(Fault { backtrace: self.backtrace(), asked, ..fault })
            }
        };
        let state = self.store.data_mut();
        if !matches!(status, Status::Ok) {
            state.failed();
        }
        let asked = state.take_asked(matches!(status, Status::Fault(_)));
        let denied = std::mem::take(&mut state.denied);
        let CallState { output, last_error, effects, trace, .. } = std::mem::take(&mut state.call);
        let (logs, logs_dropped) = state.lines.take(matches!(status, Status::Fault(_)));
        Outcome {
            status,
            fuel,
            init_fuel: 0,
            peak_memory,
            output,
            logs,
            logs_dropped,
            effects,
            denied,
            released: Vec::new(),
            host_calls: trace.into_calls(),
            last_error,
            generation: self.generation,
            quarantined: None,
            asked,
        }
    }
}

/// The guest begins to run: out of its own fuel and time, of which nothing is in the store yet.
fn begin(store: &mut Store<InstanceState>, at: EventTime, stop: Option<StopPlace>) -> &mut InstanceState {
    let _ = store.set_fuel(0); // fails only where metering is off
    let state = store.data_mut();
    state.begin_call(at, stop);
    state
}

/// The outcome of a call to `plugin` that never began to run. It counts as a fault all the same.
fn stopped(plugin: &PluginInfo, function: EntryPoint, kind: FaultKind) -> Outcome {
    let outcome = Outcome::empty(Status::Fault(Fault::new(plugin.name(), function, kind)));
    plugin.counters().ran(&outcome);
    outcome
}
