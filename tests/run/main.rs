//! Whole runs of the program, and what leaves it.

mod effects;
mod full_disk;
mod guests;
mod log;
mod plugin_run;
mod session;
mod slow_reader;
mod system;
mod wasi_command;
#[path = "../support/mod.rs"]
mod support;
