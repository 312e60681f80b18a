//! What benchmarks compare with: the engine alone, running the same export of the same module.

#![allow(dead_code)] // each benchmark is a crate of its own and uses a part of this

use std::path::{Path, PathBuf};

use wasmi::{Config, CustomFuelCosts, Engine, Linker, Memory, Module, Store, TypedFunc};

/// 112 bytes, as a mapping's parameters.
pub(crate) const JSON: &str = r#"{"action":"play_note","context":{"velocity":100,"note":60,"timestamp":1234567890,"metadata":{"mode":"default"}}}"#;

/// A std Rust plugin that parses it.
pub(crate) fn probe() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins/json_probe.wasm")
}

/// The engine alone with the same module, its request in guest memory.
pub(crate) struct Bare {
    store: Store<()>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    dealloc: TypedFunc<(u32, u32), ()>,
    execute: TypedFunc<(u32, u32), i32>,
    at: u32,
    fuel: bool,
}

impl Bare {
    pub(crate) fn new(fuel: bool) -> Self {
        Self::of(&std::fs::read(probe()).expect("a committed guest"), fuel)
    }

    /// The same with the module's bytes given.
    pub(crate) fn of(wasm: &[u8], fuel: bool) -> Self {
        let mut config = Config::default();
        config.consume_fuel(fuel);
        config.fuel_cost(CustomFuelCosts {
            bytes_copied_per_fuel: 8, // as src/sandbox/engine/fuel.rs
            fuel_per_bytes_translated: 0,
            fuel_per_bytes_validated: 0,
        });
        let engine = Engine::new(&config);
        let module = Module::new(&engine, wasm).expect("a module");
        let mut store = Store::new(&engine, ());
        if fuel {
            store.set_fuel(u64::MAX).expect("metered");
        }
        let mut linker = Linker::new(&engine);
        for import in module.imports() {
            let ty = import.ty().func().expect("functions only").clone();
            linker
                .func_new(import.module(), import.name(), ty, |_, _, _| Err(wasmi::Error::new("not called")))
                .expect("linked once");
        }
        let instance = linker.instantiate_and_start(&mut store, &module).expect("instantiated");
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&store, "_initialize") {
            initialize.call(&mut store, ()).expect("initialised");
        }
        let memory = instance.get_memory(&store, "memory").expect("a memory");
        let alloc = instance.get_typed_func(&store, "alloc").expect("alloc");
        let dealloc = instance.get_typed_func(&store, "dealloc").expect("dealloc");
        let execute = instance.get_typed_func(&store, "execute").expect("execute");
        let mut bare = Self { store, memory, alloc, dealloc, execute, at: 0, fuel };
        bare.at = bare.place();
        bare
    }

    fn place(&mut self) -> u32 {
        let at = self.alloc.call(&mut self.store, JSON.len() as u32).expect("room");
        self.memory.write(&mut self.store, at as usize, JSON.as_bytes()).expect("inside");
        at
    }

    pub(crate) fn call(&mut self) -> i32 {
        if self.fuel {
            self.store.set_fuel(100_000_000).expect("metered");
        }
        self.execute.call(&mut self.store, (self.at, JSON.len() as u32)).expect("returns")
    }

    /// The request copied in and freed again: what any embedder of this plugin has to do.
    pub(crate) fn call_with_request(&mut self) -> i32 {
        if self.fuel {
            self.store.set_fuel(100_000_000).expect("metered");
        }
        let at = self.place();
        let code = self.execute.call(&mut self.store, (at, JSON.len() as u32)).expect("returns");
        self.dealloc.call(&mut self.store, (at, JSON.len() as u32)).expect("returns");
        code
    }
}
