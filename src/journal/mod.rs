//! The record of a session: one line per event, JSON with its keys in a fixed order.

mod event;

pub use event::{EventLine, Status, output_value, text_value};
