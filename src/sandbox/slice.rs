//! Running a guest function in slices of fuel: between two of them somebody looks at the clock.

use wasmi::errors::{ErrorKind, HostError, InstantiationError, MemoryError};
use wasmi::{AsContextMut, Store, TrapCode, TypedFunc, TypedResumableCall, WasmParams, WasmResults};

use super::fault::{FaultKind, Trap};
use super::fuel::{MAX_BLOCK, SLICE};
use super::limits::Denied;
use super::state::State;

/// Why a host function ended the call. Travels through the engine as a host error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The call's fuel is used up.
    Fuel,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fuel => f.write_str("the call's fuel is used up"),
        }
    }
}

impl HostError for Stopped {}

/// Runs `func` to its end, out of the fuel and time of the current call (see [`State::begin_call`]).
pub(super) fn run<P: WasmParams, R: WasmResults>(
    store: &mut Store<State>,
    func: TypedFunc<P, R>,
    params: P,
) -> Result<R, FaultKind> {
    refill(store, 0)?;
    let mut call = func.call_resumable(&mut *store, params).map_err(|error| explain(&mut *store, &error))?;
    loop {
        match call {
            TypedResumableCall::Finished(results) => return Ok(results),
            TypedResumableCall::HostTrap(trap) => return Err(explain(&mut *store, trap.host_error())),
            TypedResumableCall::OutOfFuel(pause) => {
                let needed = pause.required_fuel();
                if needed > MAX_BLOCK {
                    return Err(FaultKind::Block { wanted: needed, limit: MAX_BLOCK });
                }
                refill(store, needed)?;
                check_deadline(store)?;
                call = pause.resume(&mut *store).map_err(|error| explain(&mut *store, &error))?;
            }
        }
    }
}

/// Gives the store the fuel of the next slice, `needed` at least, out of what the call has left.
fn refill(store: &mut Store<State>, needed: u64) -> Result<(), FaultKind> {
    let left = store.get_fuel().unwrap_or(0); // metering is always on
    let meter = &mut store.data_mut().meter;
    let wanted = needed.max(SLICE).saturating_sub(left);
    let granted = wanted.min(meter.reserve());
    let next = left.saturating_add(granted);
    meter.given = meter.given.saturating_add(granted);
    let limit = meter.budget;
    // set_fuel fails only where metering is off
    let _ = store.set_fuel(next);
    if next < needed { Err(FaultKind::Fuel { limit }) } else { Ok(()) }
}

fn check_deadline(store: &Store<State>) -> Result<(), FaultKind> {
    let state = store.data();
    if state.services.clock.now() < state.meter.deadline {
        return Ok(());
    }
    Err(FaultKind::Deadline {
        limit_ms: state.plugin.settings().max_execution_ms,
        fuel: state.meter.used(store.get_fuel().unwrap_or(0)),
    })
}

/// Whether instantiation failed because an element segment does not fit its table.
pub(super) fn is_element_segment(error: &wasmi::Error) -> bool {
    matches!(error.kind(), ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }))
}

/// What `error` means: a limit that was hit before a trap is the reason for it.
pub(super) fn explain(mut store: impl AsContextMut<Data = State>, error: &wasmi::Error) -> FaultKind {
    let mut store = store.as_context_mut();
    let fuel = store.get_fuel().unwrap_or(0);
    let state = store.data_mut();
    let settings = state.plugin.settings();
    let out_of_fuel = FaultKind::Fuel { limit: settings.max_fuel };
    let deadline = FaultKind::Deadline { limit_ms: settings.max_execution_ms, fuel: state.meter.used(fuel) };
    let (max_memory, max_elements) = (settings.max_memory_bytes, settings.max_table_elements);
    let denied = state.limits.take_denied().map(|denied| match denied {
        Denied::Memory(wanted) => FaultKind::Memory { limit: max_memory, wanted: wanted as u64 },
        Denied::Tables(wanted) => FaultKind::Tables { limit: max_elements, wanted: wanted as u64 },
    });
    if let Some(Stopped::Fuel) = error.downcast_ref::<Stopped>() {
        return out_of_fuel;
    }
    if let Some(wasi_shim::Exit(code)) = error.downcast_ref::<wasi_shim::Exit>() {
        return denied.unwrap_or(FaultKind::Exit { code: *code });
    }
    if let Some(trap) = error.downcast_ref::<wasi_shim::Trap>() {
        return match trap {
            wasi_shim::Trap::Deadline => deadline,
            wasi_shim::Trap::Signal(number) => denied.unwrap_or(FaultKind::Signal { number: *number }),
            other => FaultKind::Engine { reason: other.to_string() },
        };
    }
    if let Some(code) = error.as_trap_code() {
        let trap = match code {
            TrapCode::OutOfFuel => return out_of_fuel,
            TrapCode::StackOverflow => return FaultKind::Recursion,
            TrapCode::OutOfSystemMemory => return FaultKind::SystemMemory,
            TrapCode::GrowthOperationLimited => return denied.unwrap_or(FaultKind::SystemMemory),
            TrapCode::UnreachableCodeReached => Trap::Unreachable,
            TrapCode::MemoryOutOfBounds => Trap::MemoryAccess,
            TrapCode::TableOutOfBounds => Trap::TableAccess,
            TrapCode::IndirectCallToNull => Trap::CallToNull,
            TrapCode::BadSignature => Trap::CallToWrongType,
            TrapCode::IntegerDivisionByZero => Trap::DivisionByZero,
            TrapCode::IntegerOverflow => Trap::IntegerOverflow,
            TrapCode::BadConversionToInteger => Trap::BadConversion,
        };
        return denied.unwrap_or(FaultKind::Trap(trap));
    }
    match error.kind() {
        ErrorKind::Memory(MemoryError::OutOfSystemMemory)
        | ErrorKind::Instantiation(InstantiationError::FailedToInstantiateMemory(MemoryError::OutOfSystemMemory)) => {
            FaultKind::SystemMemory
        }
        _ => denied.unwrap_or_else(|| FaultKind::Engine { reason: error.to_string() }),
    }
}
