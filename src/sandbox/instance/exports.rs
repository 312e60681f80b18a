//! The exports of the plugin contract, looked up once per instance, and where requests are put.

use wasmi::{Memory, Store, TypedFunc, WasmParams, WasmResults};

use crate::sandbox::engine::fault::FaultKind;
use crate::sandbox::memory::{GuestSlice, PAGE, until_zero};
use crate::sandbox::module::entry_point::EntryPoint;
use crate::sandbox::module::parse::MAX_METADATA;
use crate::sandbox::store::run::run;
use crate::sandbox::store::state::InstanceState;
use crate::text::json_error;

/// The exports of one instance.
#[derive(Debug)]
pub(in crate::sandbox) struct Exports {
    pub(in crate::sandbox) memory: Memory,
    pub(in crate::sandbox) initialize: Option<TypedFunc<(), ()>>,
    pub(in crate::sandbox) dialect: Dialect,
    pub(in crate::sandbox) alloc: Option<TypedFunc<u32, u32>>,
    pub(in crate::sandbox) dealloc: Option<TypedFunc<(u32, u32), ()>>,
    pub(in crate::sandbox) execute: Option<TypedFunc<(u32, u32), i32>>,
    pub(in crate::sandbox) execute_with_context: Option<TypedFunc<(u32, u32, u32, u32), i32>>,
    pub(in crate::sandbox) on_event: Option<TypedFunc<(u32, u32), i32>>,
    pub(in crate::sandbox) shutdown: Option<TypedFunc<(), ()>>,
    /// C's own function, where the plugin exports it: writes what was printed and has not been written yet.
    pub(in crate::sandbox) fflush: Option<TypedFunc<u32, i32>>,
    capabilities: Option<CapabilitiesExport>,
}

/// Which of the two contracts a plugin was written for; told by the type of its `init`.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) enum Dialect {
    /// `execute` gets the mapping's parameters.
    Plain { init: Option<TypedFunc<(), ()>> },
    /// `init` returns metadata, `execute` gets action, parameters and context.
    Wide { init: TypedFunc<(), u64> },
}

#[derive(Debug, Clone, Copy)]
enum CapabilitiesExport {
    Packed(TypedFunc<(), u64>),
    Terminated(TypedFunc<(), u32>),
}

impl Exports {
    /// Loading has held names and types against the contract, so what is absent here is not exported.
    pub(in crate::sandbox) fn find(store: &Store<InstanceState>, instance: wasmi::Instance) -> Result<Self, FaultKind> {
        fn typed<P: WasmParams, R: WasmResults>(
            store: &Store<InstanceState>,
            instance: wasmi::Instance,
            entry: EntryPoint,
        ) -> Option<TypedFunc<P, R>> {
            instance.get_typed_func(store, entry.name()).ok()
        }
        let memory = instance
            .get_memory(store, "memory")
            .ok_or_else(|| FaultKind::Engine { reason: "the exported memory is gone".into() })?;
        let dialect = match typed(store, instance, EntryPoint::Init) {
            Some(init) => Dialect::Wide { init },
            None => Dialect::Plain { init: typed(store, instance, EntryPoint::Init) },
        };
        let packed = typed(store, instance, EntryPoint::Capabilities).map(CapabilitiesExport::Packed);
        Ok(Self {
            memory,
            initialize: typed(store, instance, EntryPoint::Initialize),
            dialect,
            alloc: typed(store, instance, EntryPoint::Alloc),
            dealloc: typed(store, instance, EntryPoint::Dealloc),
            execute: typed(store, instance, EntryPoint::Execute),
            execute_with_context: typed(store, instance, EntryPoint::ExecuteWithContext),
            on_event: typed(store, instance, EntryPoint::OnEvent),
            shutdown: typed(store, instance, EntryPoint::Shutdown),
            fflush: typed(store, instance, EntryPoint::Flush),
            capabilities: packed
                .or_else(|| typed(store, instance, EntryPoint::Capabilities).map(CapabilitiesExport::Terminated)),
        })
    }

    /// Runs `capabilities` and reads the JSON array it points to.
    pub(in crate::sandbox) fn capabilities(&self, store: &mut Store<InstanceState>) -> Result<Vec<String>, FaultKind> {
        let bytes = match self.capabilities {
            None => return Ok(Vec::new()),
            Some(CapabilitiesExport::Packed(export)) => {
                let packed = run(store, export, ())?;
                GuestSlice::packed(packed).of(self.memory.data(&*store))
            }
            Some(CapabilitiesExport::Terminated(export)) => {
                let ptr = run(store, export, ())?;
                until_zero(self.memory.data(&*store), ptr, MAX_METADATA)
            }
        };
        let bytes = bytes.map_err(FaultKind::Pointer)?;
        if bytes.len() > MAX_METADATA {
            let reason = format!("it is {} bytes long, at most {MAX_METADATA} are read", bytes.len());
            return Err(FaultKind::Metadata { reason });
        }
        serde_json::from_slice(bytes)
            .map_err(|error| FaultKind::Metadata { reason: format!("not an array of names: {}", json_error(&error)) })
    }
}

/// Pages the host added to a guest's memory, for requests.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Region {
    pub(in crate::sandbox) ptr: u32,
    pub(in crate::sandbox) len: usize,
}

impl Region {
    /// Grows `memory` by as many whole pages as hold `len` bytes. The guest never had them, so nothing of it lies there.
    pub(in crate::sandbox) fn grow(
        store: &mut Store<InstanceState>,
        memory: Memory,
        len: usize,
    ) -> Result<Self, FaultKind> {
        let pages = (len as u64).div_ceil(PAGE).max(1);
        let Ok(before) = memory.grow(&mut *store, pages) else {
            let max_pages = memory.ty(&*store).maximum().unwrap_or(PAGE);
            let state = store.data_mut();
            let denied = state.limiter.take_denied().map(|denied| denied.fault(state.plugin.limits()));
            return Err(denied.unwrap_or(FaultKind::NoRoom { max_pages }));
        };
        // A 32-bit memory has at most 65,536 pages, and the grown one has room behind `before`.
        Ok(Self { ptr: (before * PAGE) as u32, len: (pages * PAGE) as usize })
    }
}
