//! `Action` → steps: sequence, repeat, delay, conditional, mode change, plugin call, and [`Effect`](crate::effect::Effect)s.
//! Pure: what leaves the process goes through [`Outside`](crate::effect::Outside).

mod rest;
mod scheduler;
mod step;

pub use crate::mapping::Facts;
pub use scheduler::{Left, MAX_VISITS, MAX_WAITING, Scheduler};
pub use step::{Cause, Dropped, Step, Task};
