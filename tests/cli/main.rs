//! What the command line says, and to whom.

mod doctor;
mod papers;
mod pasted_commands;
mod terminal;
mod terminal_names;
mod version;
#[path = "../support/mod.rs"]
mod support;
