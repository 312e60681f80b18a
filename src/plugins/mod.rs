//! The plugins of a configuration: which may run, and why the others may not.

mod options;
mod places;
mod set;
mod status;

pub use places::Places;
pub use set::PluginSet;
pub(crate) use status::other_approval;
pub use status::{Outlook, PluginStatus, Unusable};
