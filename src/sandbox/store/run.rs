//! Running a plugin's function: what its slices of fuel are counted for, and what it means that it was stopped.

use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{Store, TypedFunc, WasmParams, WasmResults};

use crate::sandbox::backtrace::profile::PROFILE_SLICE;
use crate::sandbox::engine::fault::{FaultKind, Trap};
use crate::sandbox::engine::fuel::SLICE;
use crate::sandbox::engine::meter::Meter;
use crate::sandbox::engine::run::{Guest, Halt, Typed, run as run_guest};
use crate::sandbox::store::state::InstanceState;

/// Runs `func` to its end, out of the fuel and time of the current call (see [`InstanceState::begin_call`]).
pub(in crate::sandbox) fn run<P: WasmParams + Copy, R: WasmResults>(
    store: &mut Store<InstanceState>,
    func: TypedFunc<P, R>,
    params: P,
) -> Result<R, FaultKind> {
    run_guest(store, Typed(func, params))
}

impl Guest for InstanceState {
    type Stop = FaultKind;

    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn slice(&self) -> u64 {
        if self.plugin.profiler().is_some() { PROFILE_SLICE } else { SLICE }
    }

    /// Puts the fuel of the slice down to the function at work, when the plugin is profiled.
    fn slice_ended(store: &mut Store<Self>) {
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

    fn check_time(store: &mut Store<Self>) -> Result<(), FaultKind> {
        let state = store.data();
        let used = state.meter.used(store.get_fuel().unwrap_or(0));
        if state.is_overdue(used) { Err(state.time_is_up(used)) } else { Ok(()) }
    }

    /// A limit that was hit before a trap is the reason for it.
    fn stop(store: &mut Store<Self>, halt: Halt) -> FaultKind {
        let fuel = store.get_fuel().unwrap_or(0);
        let state = store.data_mut();
        let limits = state.plugin.limits();
        let denied = state.limiter.take_denied().map(|denied| denied.fault(limits));
        match halt {
            Halt::Fuel => FaultKind::Fuel { limit: limits.max_fuel },
            Halt::Deadline | Halt::Wasi(wasi_shim::Trap::Deadline) => state.time_is_up(state.meter.used(fuel)),
            Halt::Stack => FaultKind::Recursion { limit: limits.max_recursion },
            Halt::SystemMemory => FaultKind::SystemMemory,
            Halt::Growth => denied.unwrap_or(FaultKind::SystemMemory),
            Halt::Exit(code) => denied.unwrap_or(FaultKind::Exit { code }),
            Halt::Wasi(wasi_shim::Trap::Signal(number)) => denied.unwrap_or(FaultKind::Signal { number }),
            Halt::Wasi(other) => FaultKind::Engine { reason: other.to_string() },
            Halt::Trap(trap) => match denied {
                None => FaultKind::Trap(trap),
                // Allocators give up by trapping.
                Some(denied) if trap == Trap::Unreachable => denied,
                // Other traps have their own reason, which may be that no memory was had.
                Some(denied) => FaultKind::Starved { trap, denied: Box::new(denied) },
            },
            Halt::Engine(reason) => denied.unwrap_or(FaultKind::Engine { reason }),
        }
    }
}

/// Whether instantiation failed because an element segment does not fit its table.
pub(in crate::sandbox) fn is_element_segment(error: &wasmi::Error) -> bool {
    matches!(error.kind(), ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }))
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
    use crate::time::{EventTime, VirtualClock};

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
        let mut instance =
            Instance::new(&plugin, "default", &Arc::new(services), 0, EventTime::default()).expect("made");
        instance.call(&Request {
            params: &Params::default(),
            context: &Context::default(),
            at: EventTime::default(),
            stop: None,
        })
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
