//! `Action` → steps: sequence, repeat, delay, conditional, toggle, cycle, mode change, plugin call, and [`Effect`](crate::effect::Effect)s.
//! Pure: what leaves the process goes through [`EffectHandler`](crate::effect::EffectHandler).

mod fill;
mod hold;
mod rest;
mod scheduler;
mod step;
mod view;

pub use crate::mapping::{ConditionSource, Surroundings};
pub use hold::{Hold, HoldId, Holds, Undo};
pub use scheduler::{Left, MAX_VISITS, MAX_WAITING, Scheduler};
pub use step::{Cause, Dropped, StateChange, Step, Task};
pub use view::View;
