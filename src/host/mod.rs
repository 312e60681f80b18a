//! One file per host-function family, and one table that names them all.
//!
//! The table is the single source for name, type, capability and documentation: the linker, `plugin inspect`, the SDK's
//! bindings test and the reference page read it.

mod config;
mod error;
mod log;
mod midi;
mod output;

use crate::sandbox::HostFunction;

/// Every function a plugin can import from the module `conductor`.
pub const TABLE: &[HostFunction] =
    &[log::LOG, output::OUTPUT_SET, config::CONFIG_GET, error::LAST_ERROR, midi::MIDI_SEND];
