//! TOML → validated [`Config`], every error with file, line, column and a suggestion.

mod action;
mod condition;
mod environment;
mod expand;
mod keys;
mod load;
mod error;
mod model;
mod network_action;
mod number;
pub mod paths;
mod problem;
mod read;
mod route;
mod source;
mod suggest;
mod template;
mod wasm;

pub use action::{Action, MidiField, ModeTarget, ParamValues, Params, PluginCall, SetValue};
pub use condition::Condition;
pub use environment::Environment;
pub use error::{ConfigError, Invalid};
pub use keys::{KEYS, key};
pub use load::Loaded;
pub(crate) use load::MAX_BYTES;
pub use model::{Advanced, Config, DeviceConfig, FirstChannel, Logging, Mapping, MappingId, Mode};
pub use network_action::{HttpAction, OscAction, OscArgument};
pub use number::{Curve, Number, Source as NumberSource, ValueOf, ranges};
pub use problem::{Diagnostic, Problem};
pub use route::{Route, RouteId, RouteKind, RouteKinds, RoutePass};
pub use source::{Place, Source};
pub(crate) use suggest::nearest;
pub use template::{Piece, Template};
pub use wasm::{Isolation, PathScope, PluginConfig, Secret, WasmConfig};
