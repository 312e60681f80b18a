//! How modules are prepared and compiled, apart from what they are then linked with: for tests that hold both ways against modules
//! that are neither plugins nor commands.

use wasmi::{Engine, Module};

use crate::call::Limits;
use crate::sandbox::command;
use crate::sandbox::engine;
use crate::sandbox::module::lengths;
use crate::sandbox::plugin;

/// A way in for modules: its engine, and what happens to a module on it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loader {
    /// As a plugin is loaded.
    Plugin,
    /// As a program is loaded.
    Command,
}

impl Loader {
    /// A new engine, for calls `recursion` deep; a program's are as deep as any may be.
    #[must_use]
    pub fn engine(self, recursion: u32) -> Engine {
        match self {
            Self::Plugin => engine::new_engine(recursion),
            Self::Command => engine::command_engine(),
        }
    }

    /// `wasm` as a module of `engine`, and the pages its memory has to grow by before anything runs; or why it is none.
    pub fn load(self, engine: &Engine, wasm: &[u8]) -> Result<(Module, u64), String> {
        match self {
            Self::Plugin => {
                lengths::check(wasm).map_err(|too_long| format!("unexpected end at {}", too_long.offset))?;
                let Limits { max_memory_bytes, max_recursion, .. } = Limits::default();
                plugin::translated(engine, wasm, max_recursion, max_memory_bytes).map_err(|reason| reason.to_string())
            }
            Self::Command => command::load(engine, wasm).map_err(|error| error.to_string()),
        }
    }
}
