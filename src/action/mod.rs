//! `Action` → steps: sequence, repeat, delay, conditional, toggle, cycle, mode change, plugin call, and [`Effect`](crate::effect::Effect)s.
//! Pure: what leaves the process goes through [`EffectHandler`](crate::effect::EffectHandler).

mod hold;
mod rest;
mod scheduler;
mod step;

pub use crate::mapping::{ConditionSource, Surroundings};
pub use hold::{Hold, HoldId, Holds, Undo};
pub use scheduler::{Left, MAX_VISITS, MAX_WAITING, Scheduler, View};
pub use step::{Cause, Dropped, StateChange, Step, Task};
