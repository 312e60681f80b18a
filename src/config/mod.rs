//! TOML → validated [`Config`], every error with file, line, column and a suggestion.

mod action;
mod condition;
mod environment;
mod expand;
mod feedback;
mod keys;
mod lamp;
mod load;
mod error;
mod model;
mod number;
pub mod paths;
mod problem;
mod read;
mod source;
mod suggest;
mod template;
mod wasm;

pub use action::{Action, MidiField, ModeTarget, ParamValues, Params, PluginCall};
pub use condition::Condition;
pub use environment::Environment;
pub use error::{ConfigError, Invalid};
pub use feedback::{FeedbackConfig, Style, StyleRule, Styles};
pub use keys::{KEYS, key};
pub use lamp::{Feedback, Lamp, Pickup, Shows};
pub use load::Loaded;
pub(crate) use load::MAX_BYTES;
pub use model::{Advanced, Config, DeviceConfig, FirstChannel, Logging, Mapping, MappingId, Mode};
pub use number::{Curve, Number, Scaling, ValueOf, ranges};
pub use problem::{Diagnostic, Problem};
pub use source::{Place, Source};
pub(crate) use suggest::nearest;
pub use template::{Piece, Template};
pub use wasm::{Isolation, PathScope, PluginConfig, Secret, WasmConfig};
