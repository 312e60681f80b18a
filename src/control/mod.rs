//! The control socket: what a program of the same user may ask of a Conductor that runs, or tell it.
//!
//! One JSON object a line, both ways, over a Unix stream socket that nobody else can reach:
//!
//! ```text
//! → {"id": 1, "command": "STATUS"}
//! ← {"id": 1, "status": "success", "data": {…}}
//! ← {"id": 1, "status": "error", "error": {"code": "not_found", "message": "…"}}
//! ```
//!
//! The words and what they answer are in `docs/control.md`. A request is read up to [`Request::MAX`] and no further. Every client has a
//! thread of its own, so that a slow one delays nobody; the session answers between two messages.

mod client;
mod request;
mod response;
mod server;
mod session_info;
mod watchers;

pub use client::{Client, ClientError, ClientErrorKind};
pub use request::{ControlCommand, Request};
pub use response::{ErrorCode, Reply, Response};
pub use server::{ControlServer, ServerError};
pub use session_info::{PluginReport, SessionInfo};
pub use watchers::Watchers;
