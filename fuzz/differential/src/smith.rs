//! Modules from wasm-smith, within the features this project admits.

use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

use crate::random::Random;

/// Loop iterations and function entries a call has; below the depth of recursion a plugin has.
pub const STEPS: u32 = 400;

/// A module, and the number of the global that counts its steps down.
pub fn module(random: &mut Random) -> Option<(Vec<u8>, u32)> {
    let report = wat::parse_str(r#"(module (import "conductor" "report" (func (param i32 i32) (result i32))))"#);
    let config = Config {
        available_imports: Some(report.expect("a module")),
        allow_start_export: false,
        allow_floats: !random.one_in(4),
        bulk_memory_enabled: true,
        canonicalize_nans: false, // both engines do that themselves
        compact_imports_enabled: false,
        exceptions_enabled: false,
        export_everything: false,
        extended_const_enabled: true,
        gc_enabled: false,
        max_funcs: 8,
        min_funcs: 1,
        max_globals: 6,
        max_instructions: *random.pick(&[&60, &150, &400]),
        max_memories: 1,
        min_memories: 1,
        max_memory32_bytes: 4 << 16,
        max_nesting_depth: 12,
        max_table_elements: 100,
        max_tables: 3,
        max_types: 12,
        max_values: 5,
        memory64_enabled: false,
        multi_value_enabled: true,
        reference_types_enabled: true,
        relaxed_simd_enabled: false,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        simd_enabled: false,
        tail_call_enabled: !random.one_in(3),
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        // Traps are worth a look, but most modules end at the first: three of four have none by construction.
        disallow_traps: !random.one_in(4),
        ..Config::default()
    };
    let bytes = random.bytes(8_000);
    let mut module = Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    let steps = module.ensure_termination(STEPS).ok()?;
    Some((module.to_bytes(), steps))
}
