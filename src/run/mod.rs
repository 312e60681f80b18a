//! Wiring: the run loops, workers, signals.
//!
//! ```text
//! devices ─┐                      ┌─ effects ────────────┐
//! file ────┼→ Session → Steps → Dispatch                  ├→ Entry → the report
//! signals ─┘                      └─ plugins (pool) ─────┘
//! ```

mod app_watch;
mod context;
mod desk;
mod dispatch;
mod echo;
mod fate;
mod live;
mod play;
mod report;
mod residents;
mod resources;
mod room;
mod session;
mod signals;

pub use desk::{Answer, AskError, Desk, DeviceStatus, Question, SessionStatus};
pub use dispatch::Replayed;
pub use live::{Feed, LiveEnd, LiveError, LiveRun, run_live};
pub use play::{Playing, play};
pub use report::order::Ordered;
pub use report::queue::LostLines;
pub use resources::{ResourceFigures, Resources};
pub use session::{AppAnswers, AppQuestion, Session, SessionEvent};
