//! Text from elsewhere, made fit to be shown.

mod json;
mod repeats;
mod sanitize;
mod suggest;
pub(crate) mod base64;
pub(crate) mod hex;
pub(crate) mod literal;
pub(crate) mod number;
pub(crate) mod shell;
mod toml;

pub use self::json::{check_json, json_error};
pub use self::toml::toml_error;
pub use hex::HexError;
pub use repeats::{Repeats, Tally, Total};
pub use sanitize::{Escape, Escaped, clean, clean_bytes, clean_name, escape_json, escape_lines, excerpt, is_unsafe};
pub(crate) use suggest::nearest;
