//! Wiring: the run loops, workers, signals.
//!
//! ```text
//! devices ─┐                      ┌─ effects (Outside) ──┐
//! file ────┼→ Session → Steps → Dispatch                  ├→ Entry → the account
//! signals ─┘                      └─ plugins (pool) ─────┘
//! ```

mod context;
mod dispatch;
mod echo;
mod live;
mod order;
mod play;
mod plugin_status;
mod plugins;
mod report_queue;
mod report_writer;
mod resources;
mod room;
mod session;
mod signals;
mod told;

pub use dispatch::Replayed;
pub use live::{Feed, LiveEnd, LiveError, LiveRun, run_live};
pub use order::Ordered;
pub use play::{Playing, play};
pub(crate) use plugin_status::other_approval;
pub use plugin_status::{Outlook, PluginStatus, Unusable};
pub use plugins::{Places, PluginSet};
pub use report_queue::LostLines;
pub use resources::{ResourceFigures, Resources};
pub use session::{Happening, Session};
pub use told::Told;
