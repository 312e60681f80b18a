//! `Action` → steps: sequence, repeat, delay, conditional, mode change, plugin call, and [`Effect`]s. Pure: what leaves
//! the process goes through [`Outside`], which the `effect` module implements.

mod effect;

pub use effect::{Effect, EffectError, Origin, Outside, Reply};
