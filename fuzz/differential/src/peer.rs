//! The peer: wasmtime, asked the same.

use wasmtime::{Caller, Config, Engine, Linker, Module, Store, StoreLimits, StoreLimitsBuilder};

use crate::verdict::{End, Report, Trap, Verdict, answer};

/// Fuel of a run; the peer counts otherwise than ours does, so this only stops what would not end.
const FUEL: u64 = 30_000_000;

struct State {
    reports: Vec<Report>,
    limits: StoreLimits,
}

/// The peer's engine.
pub struct Peer(Engine);

impl Peer {
    /// The peer, with the features this project admits and canonical NaNs.
    pub fn new() -> Self {
        let mut config = Config::new();
        config
            .cranelift_nan_canonicalization(true)
            .consume_fuel(true)
            .wasm_tail_call(true)
            .wasm_multi_value(true)
            .wasm_bulk_memory(true)
            .wasm_reference_types(true)
            .wasm_extended_const(true)
            .wasm_simd(false)
            .wasm_relaxed_simd(false)
            .wasm_multi_memory(false)
            .wasm_memory64(false);
        Self(Engine::new(&config).expect("a configuration that holds"))
    }

    /// Runs the module `wasm` that was made a plugin: `alloc`, then `execute`.
    pub fn run(&self, wasm: &[u8]) -> Verdict {
        let mut verdict = Verdict { reports: Vec::new(), end: End::Finished };
        let module = match Module::new(&self.0, wasm) {
            Ok(module) => module,
            Err(error) => {
                verdict.end = End::Refused(one_line(&error));
                return verdict;
            }
        };
        let limits = StoreLimitsBuilder::new().memory_size(128 << 20).table_elements(10_000).build();
        let mut store = Store::new(&self.0, State { reports: Vec::new(), limits });
        store.limiter(|state| &mut state.limits);
        store.set_fuel(FUEL).expect("fuel is on");
        let mut linker = Linker::new(&self.0);
        linker
            .func_wrap("conductor", "report", |mut caller: Caller<'_, State>, low: u32, high: u32| -> u32 {
                caller.data_mut().reports.push((low, high));
                answer(low, high)
            })
            .expect("one function");
        let ran = linker.instantiate(&mut store, &module).map_err(|error| match trap(&error) {
            End::Trap(_) => End::Segment, // no code runs at instantiation
            other => other,
        });
        verdict.end = match ran {
            Err(end) => end,
            Ok(instance) => {
                let alloc = instance.get_typed_func::<u32, u32>(&mut store, "alloc").expect("the wrapper's");
                let execute = instance.get_typed_func::<(u32, u32), u32>(&mut store, "execute").expect("the wrapper's");
                let ran = alloc.call(&mut store, 2).and_then(|at| execute.call(&mut store, (at, 2)));
                ran.map_or_else(|error| trap(&error), |_| End::Finished)
            }
        };
        verdict.reports = std::mem::take(&mut store.data_mut().reports);
        verdict
    }
}

fn trap(error: &wasmtime::Error) -> End {
    use wasmtime::Trap as T;
    let Some(trap) = error.downcast_ref::<T>() else {
        return End::Refused(one_line(error));
    };
    End::Trap(match trap {
        T::UnreachableCodeReached => Trap::Unreachable,
        T::MemoryOutOfBounds => Trap::MemoryAccess,
        T::TableOutOfBounds => Trap::TableAccess,
        T::IndirectCallToNull => Trap::CallToNull,
        T::BadSignature => Trap::CallToWrongType,
        T::IntegerDivisionByZero => Trap::DivisionByZero,
        T::IntegerOverflow => Trap::IntegerOverflow,
        T::BadConversionToInteger => Trap::BadConversion,
        other => return End::Exhausted(other.to_string()),
    })
}

fn one_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").lines().collect::<Vec<_>>().join(" ")
}
