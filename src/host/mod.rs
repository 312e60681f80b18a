//! One file per host-function family, and one table that names them all.
//!
//! The table is the single source for name, type, capability and documentation: the linker, `plugin inspect`, the SDK's
//! bindings test and the reference page read it.

mod answer;
mod audio;
mod config;
mod error;
mod exec;
mod http;
mod keys;
mod log;
mod midi;
mod output;
mod state;
mod system;
mod websocket;

use crate::capability::Capability;
use crate::sandbox::{HostFunction, Import};

/// Every function a plugin can import from the module `conductor`.
pub const TABLE: &[HostFunction] = &[
    log::LOG,
    output::OUTPUT_SET,
    config::CONFIG_GET,
    error::LAST_ERROR,
    answer::RESPONSE_READ,
    midi::MIDI_SEND,
    http::HTTP_REQUEST,
    websocket::WS_OPEN,
    websocket::WS_SEND,
    websocket::WS_RECV,
    websocket::WS_CLOSE,
    audio::AUDIO_CONTROL,
    exec::EXEC,
    system::SYSTEM_CONTROL,
    keys::KEYS_SEND,
    state::STATE_SET,
    state::STATE_WATCH,
    state::TIMER_SET,
];

/// The function that an import names.
pub fn function(import: &Import) -> Option<&'static HostFunction> {
    TABLE.iter().find(|function| import.module == "conductor" && function.name == import.name)
}

/// The capability without which an import is not linked.
pub fn capability(import: &Import) -> Option<Capability> {
    function(import)?.capability
}
