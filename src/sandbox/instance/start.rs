//! How an instance comes to be: its store, what runs before the first call, and the metadata that `init` returns.

use super::{Instance, InstanceSpec, begin};
use crate::call::Isolation;
use crate::sandbox::engine::fault::{Fault, FaultKind, Trap};
use crate::sandbox::engine::limiter::Limiter;
use crate::sandbox::engine::meter::Meter;
use crate::sandbox::engine::run::{Guest, Halt};
use crate::sandbox::engine::total_memory::MemoryShare;
use crate::sandbox::instance::exports::{Dialect, Exports};
use crate::sandbox::memory::GuestSlice;
use crate::sandbox::memory::reclaim::release_zero_pages;
use crate::sandbox::module::entry_point::EntryPoint;
use crate::sandbox::module::metadata::Metadata;
use crate::sandbox::module::parse::MAX_METADATA;
use crate::sandbox::outcome::session_requests::SessionRequests;
use crate::sandbox::outcome::{Outcome, Status};
use crate::sandbox::store::run::{is_element_segment, run};
use crate::sandbox::store::state::{CallState, InstanceState, files_of};
use crate::sandbox::store::wasi::{Shared, context};
use crate::sandbox::translate::{Shadow, grow_deferred};
use crate::time::Alarm;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wasmi::{CallHook, Store};

impl Instance {
    /// Instantiates what `spec` describes and runs `_initialize` and `init`, on this thread.
    pub(super) fn start(spec: InstanceSpec<'_>) -> Result<Self, Box<Outcome>> {
        let InstanceSpec { plugin, tenant, services, generation, at, stop, grant: given } = spec;
        plugin.counters().instance_made();
        let before = |init_fuel, kind| {
            let mut outcome = Outcome::empty(Status::Fault(Fault::new(plugin.name(), EntryPoint::Instantiation, kind)));
            (outcome.generation, outcome.init_fuel) = (generation, init_fuel);
            plugin.counters().ran(&outcome);
            Box::new(outcome)
        };
        let shared = Shared::default();
        let grant = given.cloned().unwrap_or_else(|| plugin.grant_view());
        let files = files_of(grant.get()).cloned();
        let wasi =
            context(plugin, tenant, generation, services, files.as_ref(), &shared).map_err(|kind| before(0, kind))?;
        let limits = plugin.limits();
        let Shared { lines, deadline, waited } = shared;
        let state = InstanceState {
            plugin: Arc::clone(plugin.info()),
            tenant: tenant.into(),
            services: Arc::clone(services),
            grant,
            grant_is_given: given.is_some(),
            files,
            sockets: BTreeMap::new(),
            event_sockets: BTreeSet::new(),
            waited,
            limiter: Limiter::new(
                limits.max_memory_bytes,
                limits.max_table_elements,
                MemoryShare::new(&services.memory, plugin.name(), tenant, generation),
            ),
            wasi,
            memory: None,
            meter: Meter::default(),
            account: None,
            counted: 0,
            lines,
            call: CallState::default(),
            denied: 0,
            looked_for_files: false,
            kept: plugin.is_kept_for(tenant),
            left_out: false,
            leaving: false,
            own_keys: plugin.take_own_keys(tenant),
            watches: Vec::new(),
            asked: SessionRequests::default(),
            deadline,
            alarm: Alarm::default(),
        };
        let mut store = Store::new(plugin.engine(), state);
        store.limiter(|state| &mut state.limiter);
        store.call_hook(|state, hook| {
            if let CallHook::ReturningFromHost = hook {
                state.meter.host_calls += 1; // fuel ends a call long before 2⁶⁴ of them
            }
            Ok(())
        });
        let start_fuel = begin(&mut store, at, stop).meter.charge(0, plugin.start_fuel());
        let used = store.data().meter.used(0);
        if start_fuel.is_err() {
            let (limit, wanted) = (limits.max_fuel, plugin.start_fuel());
            return Err(before(used, FaultKind::StartFuel { limit, wanted }));
        }
        let instance = match plugin.linker().instantiate_and_start(&mut store, plugin.module()) {
            Ok(instance) => instance,
            Err(error) => {
                let kind = match InstanceState::stop(&mut store, Halt::of(&error)) {
                    // No code has run: what looks like a trap is a segment that does not fit.
                    FaultKind::Trap(Trap::MemoryAccess) => FaultKind::Segment { kind: "data" },
                    FaultKind::Engine { .. } if is_element_segment(&error) => FaultKind::Segment { kind: "element" },
                    limit => limit,
                };
                return Err(before(used, kind));
            }
        };
        let exports = match Exports::find(&store, instance) {
            Ok(exports) => exports,
            Err(kind) => return Err(before(used, kind)),
        };
        if !grow_deferred(&mut store, exports.memory, plugin.deferred_pages()) {
            let denied = store.data_mut().limiter.take_denied().map(|denied| denied.fault(plugin.limits()));
            return Err(before(used, denied.unwrap_or(FaultKind::SystemMemory)));
        }
        store.data_mut().memory = Some(exports.memory);
        let account = Shadow::of(&store, instance);
        if let Some(account) = account {
            account.release(&mut store);
        }
        (store.data_mut().account, store.data_mut().counted) = (account, used);
        let mut this = Self {
            store,
            exports,
            buffer: Vec::new(),
            region: None,
            kept: Vec::new(),
            metadata: None,
            raw: None,
            init_fuel: 0,
            generation,
            fresh: true,
            ended: false,
        };
        let initialized = this.initialize();
        this.init_fuel = this.used();
        if let Err((function, kind)) = initialized {
            let mut outcome = this.finish(Err((function, kind)));
            (outcome.init_fuel, outcome.fuel) = (outcome.fuel, 0);
            plugin.counters().ran(&outcome);
            return Err(Box::new(outcome));
        }
        this.store.data().alarm.clear();
        this.store.data().lines.end();
        if this.plugin().limits().isolation == Isolation::Tenant {
            release_zero_pages(this.exports.memory.data_mut(&mut this.store));
        }
        Ok(this)
    }

    fn initialize(&mut self) -> Result<(), (EntryPoint, FaultKind)> {
        if let Some(initialize) = self.exports.initialize {
            run(&mut self.store, initialize, ()).map_err(|kind| (EntryPoint::Initialize, kind))?;
        }
        match self.exports.dialect {
            Dialect::Plain { init: None } => {}
            Dialect::Plain { init: Some(init) } => {
                run(&mut self.store, init, ()).map_err(|kind| (EntryPoint::Init, kind))?;
            }
            Dialect::Wide { init } => {
                let packed = run(&mut self.store, init, ()).map_err(|kind| (EntryPoint::Init, kind))?;
                self.metadata = self.read_metadata(packed).map_err(|kind| (EntryPoint::Init, kind))?;
            }
        }
        self.flush()
    }

    /// The metadata at `ptr << 32 | len`; 0 is none.
    fn read_metadata(&self, packed: u64) -> Result<Option<Metadata>, FaultKind> {
        if packed == 0 {
            return Ok(None);
        }
        let bytes = GuestSlice::packed(packed).of(self.exports.memory.data(&self.store)).map_err(FaultKind::Pointer)?;
        if bytes.len() > MAX_METADATA {
            let reason = format!("it is {} bytes long, at most {MAX_METADATA} are read", bytes.len());
            return Err(FaultKind::Metadata { reason });
        }
        Metadata::parse(bytes).map(Some).map_err(|reason| FaultKind::Metadata { reason })
    }
}
