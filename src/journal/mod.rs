//! The record of a session: one line per event, JSON with its keys in a fixed order.

mod entry;
mod event;

pub use entry::{Entry, What};
pub use event::{EventLine, Status, output_value, text_value};
