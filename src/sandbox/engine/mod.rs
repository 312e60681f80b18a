//! How the engine is set up: one per loaded plugin, because translated code is freed only with its engine.

pub(super) mod fault;
pub(super) mod fuel;
pub(super) mod limiter;
pub(super) mod meter;
pub(super) mod run;
pub(super) mod stack;
pub(super) mod total_memory;

use wasmi::{CompilationMode, Config, Engine};

/// The deepest recursion any guest may have, in frames.
pub(super) const DEEPEST_RECURSION: usize = 100_000;

/// Bytes of the engine's value stack for each frame of the deepest recursion: a hundred values, where frames of compiled code hold
/// ten to thirty. Above it, a stack overflow. The stack lies on the heap and grows as it is used.
const STACK_BYTES_PER_FRAME: usize = 800;

/// Least bytes of the value stack, however shallow the recursion: room for one frame as large as any may be.
const LEAST_STACK_BYTES: usize = 1_000_000;

/// Value stacks kept for the next call. One per plugin is in use at a time but for parallel tenants.
const CACHED_STACKS: usize = 2;

/// A new engine for a plugin whose calls may be `recursion` deep.
pub(super) fn new_engine(recursion: u32) -> Engine {
    let mut config = config(recursion as usize);
    config
        // A start function would run inside instantiation, where nothing slices it.
        .allow_start_fn(false)
        .wasm_wide_arithmetic(false)
        .set_max_cached_stacks(CACHED_STACKS);
    Engine::new(&config)
}

/// A new engine for a program.
pub(super) fn command_engine() -> Engine {
    Engine::new(config(DEEPEST_RECURSION).set_max_cached_stacks(1))
}

/// What holds for plugins and programs alike. How large a module may be is not left to the engine ([`super::translate`]): its own
/// limits know neither branches nor frames, and refuse what compilers make.
fn config(recursion: usize) -> Config {
    let recursion = recursion.min(DEEPEST_RECURSION);
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .fuel_cost(fuel::BULK_COSTS)
        .operator_cost(fuel::OPERATOR_COSTS)
        // Validated at load, translated at the first call of each function: half a millisecond instead of two for a std plugin.
        // Never `Lazy`, which would also put validation off until the call.
        .compilation_mode(CompilationMode::LazyTranslation)
        // Debug info would cost megabytes; the one custom section that matters is read before the engine sees the module.
        .ignore_custom_sections(true)
        // What the account of calls is kept in ([`super::translate`]). A plugin that has several memories of its own, or pages of another
        // size, is refused before the engine sees it.
        .wasm_multi_memory(true)
        .wasm_custom_page_sizes(true)
        .set_max_recursion_depth(recursion)
        .set_max_stack_height((recursion * STACK_BYTES_PER_FRAME).max(LEAST_STACK_BYTES));
    config
}
