//! `Action` → steps: sequence, repeat, delay, conditional, mode change, plugin call, and [`Effect`](crate::effect::Effect)s.
//! Pure: what leaves the process goes through [`EffectHandler`](crate::effect::EffectHandler).

mod fill;
mod hold;
mod rest;
mod scheduler;
mod step;

pub use crate::mapping::ConditionSource;
pub use hold::{Hold, HoldId, Holds, Undo};
pub use scheduler::{Left, MAX_VISITS, MAX_WAITING, Scheduler, View};
pub use step::{Cause, Dropped, Step, Task};
