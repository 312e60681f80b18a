//! Running a guest function in slices of fuel: between two of them somebody looks at the clock.

use wasmi::errors::{ErrorKind, InstantiationError, MemoryError};
use wasmi::{AsContextMut, Store, TrapCode, TypedFunc, TypedResumableCall, WasmParams, WasmResults};

use crate::sandbox::backtrace::profile::PROFILE_SLICE;
use crate::sandbox::engine::fault::{FaultKind, Trap};
use crate::sandbox::engine::fuel::SLICE;
use crate::sandbox::engine::meter::Stopped;
use crate::sandbox::store::state::State;

/// Runs `func` to its end, out of the fuel and time of the current call (see [`State::begin_call`]).
pub(in crate::sandbox) fn run<P: WasmParams, R: WasmResults>(
    store: &mut Store<State>,
    func: TypedFunc<P, R>,
    params: P,
) -> Result<R, FaultKind> {
    refill(store, 0)?;
    let mut call = func.call_resumable(&mut *store, params).map_err(|error| explain(&mut *store, &error))?;
    loop {
        match call {
            TypedResumableCall::Finished(results) => {
                put_down(store);
                return Ok(results);
            }
            TypedResumableCall::HostTrap(trap) => return Err(explain(&mut *store, trap.host_error())),
            TypedResumableCall::OutOfFuel(pause) => {
                put_down(store);
                // However much it is: the code of a function is bounded, and so is the memory that one operator works on.
                refill(store, pause.required_fuel())?;
                check_deadline(store)?;
                call = pause.resume(&mut *store).map_err(|error| explain(&mut *store, &error))?;
            }
        }
    }
}

/// Gives the store the fuel of the next slice, `needed` at least, out of what the call has left.
fn refill(store: &mut Store<State>, needed: u64) -> Result<(), FaultKind> {
    let left = store.get_fuel().unwrap_or(0); // metering is always on
    let slice = if store.data().plugin.profiler().is_some() { PROFILE_SLICE } else { SLICE };
    let meter = &mut store.data_mut().meter;
    meter.asked.fuel = meter.used(left).saturating_add(needed);
    let wanted = needed.max(slice).saturating_sub(left);
    let granted = wanted.min(meter.reserve());
    let next = left.saturating_add(granted);
    meter.given = meter.given.saturating_add(granted);
    let limit = meter.budget;
    // set_fuel fails only where metering is off
    let _ = store.set_fuel(next);
    if next < needed { Err(FaultKind::Fuel { limit }) } else { Ok(()) }
}

/// Puts the fuel of the slice that ends down to the function at work, when the plugin is profiled.
fn put_down(store: &mut Store<State>) {
    let state = store.data();
    let (Some(_), Some(account)) = (state.plugin.profiler(), state.account) else { return };
    let used = state.meter.used(store.get_fuel().unwrap_or(0));
    let function = account.running(&*store).next();
    let state = store.data_mut();
    if let Some(profile) = state.plugin.profiler() {
        profile.add(function, used.saturating_sub(state.counted));
    }
    state.counted = used;
}

fn check_deadline(store: &Store<State>) -> Result<(), FaultKind> {
    let state = store.data();
    let used = state.meter.used(store.get_fuel().unwrap_or(0));
    if state.is_overdue(used) { Err(state.time_is_up(used)) } else { Ok(()) }
}

/// Whether instantiation failed because an element segment does not fit its table.
pub(in crate::sandbox) fn is_element_segment(error: &wasmi::Error) -> bool {
    matches!(error.kind(), ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }))
}

/// What `error` means: a limit that was hit before a trap is the reason for it.
pub(in crate::sandbox) fn explain(mut store: impl AsContextMut<Data = State>, error: &wasmi::Error) -> FaultKind {
    let mut store = store.as_context_mut();
    let fuel = store.get_fuel().unwrap_or(0);
    let state = store.data_mut();
    let limits = state.plugin.limits();
    let out_of_fuel = FaultKind::Fuel { limit: limits.max_fuel };
    let deadline = state.time_is_up(state.meter.used(fuel));
    let denied = state.limiter.take_denied().map(|denied| denied.fault(limits));
    match error.downcast_ref::<Stopped>() {
        Some(Stopped::Fuel) => return out_of_fuel,
        Some(Stopped::Deadline) => return deadline,
        None => {}
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
            TrapCode::StackOverflow => return FaultKind::Recursion { limit: limits.max_recursion },
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
        return match denied {
            None => FaultKind::Trap(trap),
            // Allocators give up by trapping.
            Some(denied) if trap == Trap::Unreachable => denied,
            // Other traps have their own reason, which may be that no memory was had.
            Some(denied) => FaultKind::Starved { trap, denied: Box::new(denied) },
        };
    }
    match error.kind() {
        ErrorKind::Memory(MemoryError::OutOfSystemMemory)
        | ErrorKind::Instantiation(InstantiationError::FailedToInstantiateMemory(MemoryError::OutOfSystemMemory)) => {
            FaultKind::SystemMemory
        }
        _ => denied.unwrap_or_else(|| FaultKind::Engine { reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::call::Params;
    use crate::effect::{Effect, EffectError, EffectHandler, Origin, Reply};
    use crate::grant::Grant;
    use crate::package::{Policy, admit};
    use crate::sandbox::engine::stack::on_small_stack;
    use crate::sandbox::{Context, Instance, LoadOptions, Manifest, Outcome, Plugin, Request, Services};
    use crate::time::VirtualClock;

    struct Nowhere;

    impl EffectHandler for Nowhere {
        fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
            Ok(Reply::Done)
        }
    }

    /// Calls a plugin with this `execute` once.
    fn run_once(memory: &str, body: &str) -> Outcome {
        let text = format!(
            "(module (memory (export \"memory\") {memory}) (table $t 1 funcref)
               (func (export \"alloc\") (param i32) (result i32) (i32.const 8))
               (func (export \"execute\") (param i32 i32) (result i32) {body}))"
        );
        let path = std::env::temp_dir().join(format!("conductor-slice-{}-{}.wasm", std::process::id(), text.len()));
        std::fs::write(&path, wat::parse_str(&text).expect("text")).expect("a file");
        let admitted = admit(&path, &Policy { name: "grower".into(), ..Policy::default() }).expect("admitted");
        std::fs::remove_file(path).expect("removed");
        let manifest = Manifest::read(&admitted, &[]).expect("read");
        let plugin = Plugin::load(&manifest, LoadOptions::default().grant(Grant::none())).expect("loaded");
        let services = Services::new(Arc::new(VirtualClock::new(0)), Arc::new(Nowhere), [0; 32]);
        let mut instance = Instance::new(&plugin, "default", &Arc::new(services), 0, 0).expect("made");
        instance.call(&Request { params: &Params::default(), context: &Context::default(), at_ns: 0 })
    }

    #[test]
    fn failing_growth_does_not_eat_the_native_stack() {
        // Some 390,000 failures, each of which leaves about 190 bytes until its slice ends: 74 MB without slices.
        for (memory, grow) in [
            ("1", "(drop (memory.grow (i32.const 65000)))"),
            ("1 2", "(drop (memory.grow (i32.const 2)))"),
            ("1", "(drop (table.grow $t (ref.null func) (i32.const 100000)))"),
        ] {
            let body = format!("(loop $l {} (br $l)) unreachable", grow.repeat(16));
            let outcome = on_small_stack(2 << 20, move || run_once(memory, &body));
            assert!(
                outcome.error().is_some_and(|error| error.contains("fuel limit 100_000_000 reached")),
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn the_longest_block_of_failing_growth_fits_a_small_stack() {
        // As many as a function may have (tests/sandbox/module_bounds.rs).
        let body = format!("{} (i32.const 7)", "(drop (memory.grow (i32.const 65000)))".repeat(1_024));
        let outcome = on_small_stack(1 << 20, move || run_once("1", &body));
        assert!(outcome.error().is_some_and(|error| error.contains("the plugin returned 7")), "{outcome:?}");
    }
}
