//! What a module is before it is loaded: its sections, what it says of itself, and why it is refused.

pub(super) mod description;
pub(super) mod entry_point;
pub(super) mod error;
pub(super) mod header;
pub(super) mod known_host;
pub(super) mod lengths;
pub(super) mod metadata;
pub(super) mod nearest;
pub(super) mod params_schema;
pub(super) mod parse;
pub(super) mod producer;
pub(super) mod signature;
pub(super) mod wasi;
