//! TOML → validated [`Config`], every error with file, line, column and a suggestion.

mod action;
mod capability;
mod condition;
mod model;
mod wasm;

pub use action::{
    Action, KeyModifier, Keystroke, MidiOut, MouseButton, MouseClick, Params, PluginCall, Volume, VolumeOperation,
};
pub use capability::Capability;
pub use condition::Condition;
pub use model::{Advanced, Config, DeviceConfig, Logging, Mapping, Mode};
pub use wasm::{Isolation, PathScope, PluginConfig, WasmConfig};
