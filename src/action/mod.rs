//! `Action` → steps: sequence, repeat, delay, conditional, mode change, plugin call, and [`Effect`]s. Pure: what leaves
//! the process goes through [`Outside`], which the `effect` module implements.

mod effect;
mod facts;
mod scheduler;
mod step;

pub use effect::{Effect, EffectError, Origin, Outside, Reply};
pub use facts::Facts;
pub use scheduler::{MAX_VISITS, MAX_WAITING, Scheduler};
pub use step::{Cause, Dropped, Step, Task};
