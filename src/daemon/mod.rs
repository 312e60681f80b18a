//! Wiring: the run loops, workers, signals.
//!
//! ```text
//! devices ─┐                      ┌─ effects (Outside) ──┐
//! file ────┼→ Session → Steps → Dispatch                  ├→ Entry → the account
//! signals ─┘                      └─ plugins (pool) ─────┘
//! ```

mod context;
mod dispatch;
mod live;
mod play;
mod plugins;
mod session;
mod signals;
mod told;

pub use dispatch::Replayed;
pub use live::{Feed, LiveError, LiveRun, Ordered, run_live};
pub use play::{Playing, play};
pub use plugins::{Places, PluginSet};
pub(crate) use plugins::{needs, other_approval};
pub use session::{Happening, Session};
pub use told::Told;
