//! What a call of a plugin is, as values: which plugin, for whom, with which parameters, and how far it may go.

mod event;
mod limits;
mod owner;
mod params;

pub use event::{FrameKind, PluginEvent, ResidentEvent, StartReason, StopReason};
pub use limits::{Isolation, Limits, PLUGIN_LOG_BYTES_PER_MINUTE};
pub use owner::{DEFAULT_TENANT, InstanceId, Owner};
pub use params::{MadeNumber, Params, PluginCall};
