//! How the engine is set up: one per loaded plugin, because translated code is freed only with its engine.

use wasmi::{CompilationMode, Config, EnforcedLimits, Engine};

use super::fuel;

/// Wasm frames on top of each other; the engine's own default. A deeper recursion traps as a stack overflow.
const MAX_RECURSION: usize = 1_000;

/// Bytes of the engine's value stack; the engine's own default. Above it, a stack overflow.
const MAX_STACK_BYTES: usize = 1_000_000;

/// Value stacks kept for the next call. One per plugin is in use at a time but for parallel tenants.
const CACHED_STACKS: usize = 2;

/// A new engine.
pub(super) fn new_engine() -> Engine {
    Engine::new(&config())
}

/// A new engine for a plugin that is profiled: its account of calls is a memory of its own, and its functions are twice as
/// many. The plugin itself has been held against the strict limits before.
pub(super) fn profiling_engine() -> Engine {
    Engine::new(config().wasm_multi_memory(true).enforced_limits(EnforcedLimits::default()))
}

fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .fuel_cost(fuel::BULK_COSTS)
        .operator_cost(fuel::OPERATOR_COSTS)
        // Validated at load, translated at the first call of each function: half a millisecond instead of two for a std plugin.
        // Never `Lazy`, which would also put validation off until the call.
        .compilation_mode(CompilationMode::LazyTranslation)
        .enforced_limits(EnforcedLimits::strict())
        // A start function would run inside instantiation, where nothing slices it.
        .allow_start_fn(false)
        // Debug info would cost megabytes; the one custom section that matters is read before the engine sees the module.
        .ignore_custom_sections(true)
        .wasm_multi_memory(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .set_max_recursion_depth(MAX_RECURSION)
        .set_max_stack_height(MAX_STACK_BYTES)
        .set_max_cached_stacks(CACHED_STACKS);
    config
}
