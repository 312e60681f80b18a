//! Open inputs: whatever bytes a module consists of and whatever numbers a guest hands over, nothing panics, nothing hangs,
//! and nothing is allocated for a length that is a lie.

use std::sync::{Arc, LazyLock};

use crate::support::repository;
use crate::support::sandbox::{call, load, services, settings};
use conductor::internals::capability::Capability;
use conductor::internals::config::PluginConfig;
use conductor::internals::sandbox::{Instance, Outcome, Status};
use conductor::internals::time::EventTime;
use proptest::prelude::*;

fn tight() -> PluginConfig {
    let mut tight = PluginConfig {
        granted_capabilities: vec![Capability::Midi],
        allowed_ports: vec![String::new(), "out".into()],
        ..settings()
    };
    tight.wasm.max_fuel = 500_000; // enough to have a page of JSON read
    tight.wasm.max_memory_bytes = 1 << 20;
    tight.config.insert("key".into(), "value".into());
    tight
}

/// Loads and calls `wasm` twice, as far as it gets.
fn attempt(wasm: &[u8]) -> Option<Outcome> {
    let plugin = load("fuzz", wasm, &tight()).ok()?;
    match Instance::new(&plugin, "default", &Arc::new(services()), 0, EventTime::default()) {
        Ok(mut instance) => {
            call(&mut instance);
            Some(call(&mut instance))
        }
        Err(outcome) => Some(*outcome),
    }
}

/// Modules to begin with: all the hostile ones.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut paths: Vec<_> = std::fs::read_dir(repository("fixtures/hostile"))
        .expect("fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .collect();
    paths.sort();
    paths.iter().map(|path| wat::parse_file(path).expect("a module")).collect()
});

/// A number as a guest might lie with it: small, near the ends of its memory, near the ends of the type, or any.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0..200_u32, 65_500..65_600_u32, 131_000..131_100_u32, (u32::MAX - 100)..=u32::MAX, any::<u32>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn mutated_modules_are_refused_or_run_within_their_limits(
        seed in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut wasm = seed.get(&SEEDS).clone();
        for (at, byte) in changes {
            // The first eight bytes only ever lead to the same few refusals.
            let at = 8 + at.index(wasm.len() - 8);
            wasm[at] = byte;
        }
        if let Some(cut) = cut.filter(|_| seed.index(4) == 0) {
            wasm.truncate(cut.index(wasm.len()));
        }
        if let Some(outcome) = attempt(&wasm) {
            prop_assert!(outcome.fuel <= 500_000);
            prop_assert!(outcome.peak_memory <= 1 << 20);
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(load("fuzz", &bytes, &tight()).is_err());
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        wasm.extend(&bytes);
        attempt(&wasm);
    }

    #[test]
    fn host_functions_survive_any_arguments(function in 0..5_usize, a in number(), b in number(), c in number(), d in number()) {
        let (name, params) = [("log", 3), ("output_set", 2), ("config_get", 4), ("last_error", 2), ("midi_send", 4)][function];
        let result = if name == "log" { "" } else { "(result i32)" };
        let drop = if name == "log" { "" } else { "drop" };
        let numbers: Vec<_> = [a, b, c, d][..params].iter().map(|number| format!("(i32.const {number})")).collect();
        let arguments = numbers.concat();
        let text = format!(
            r#"(module
              (import "conductor" "{name}" (func $f (param {}) {result}))
              (memory (export "memory") 1)
              (data (i32.const 0) "key\00out\90\3c\64[1,2]")
              (func (export "execute") (param i32 i32) (result i32) (call $f {arguments}) {drop} (i32.const 0)))"#,
            "i32 ".repeat(params)
        );
        let outcome = attempt(&wat::parse_str(&text).expect("text")).expect("loaded");
        // A lie is answered, or costs the call its fuel; it is never a trap.
        let stopped = matches!(&outcome.status, Status::Fault(fault) if fault.kind.name() == "fuel");
        prop_assert!(outcome.status == Status::Ok || stopped, "{outcome:?}");
    }

    #[test]
    fn pointers_a_plugin_returns_are_inside_or_refused(init in any::<u64>(), near in any::<bool>(), alloc in number(), list in number()) {
        let init = if near { (((init >> 32) % 66_000) << 32) | ((init & 0xffff_ffff) % 300) } else { init };
        let text = format!(
            r#"(module
              (memory (export "memory") 1)
              (data (i32.const 0) "{{}} [] \22x\22")
              (func (export "init") (result i64) (i64.const {init}))
              (func (export "alloc") (param i32) (result i32) (i32.const {alloc}))
              (func (export "capabilities") (result i32) (i32.const {list}))
              (func (export "execute") (param i32 i32) (result i32) (drop (i32.load8_u (local.get 0))) (i32.const 0)))"#,
        );
        let outcome = attempt(&wat::parse_str(&text).expect("text")).expect("loaded");
        if let Status::Fault(fault) = &outcome.status {
            let known = ["pointer", "metadata", "ended"].contains(&fault.kind.name());
            prop_assert!(known, "{outcome:?}");
        }
    }
}
