//! Whole runs of the program, and what leaves it.

mod backtraces;
mod control;
mod effects;
mod feedback;
mod full_disk;
mod guests;
mod log;
mod official;
mod plugin_run;
mod pressed;
mod repeating_warnings;
mod residents;
mod routes;
mod session;
mod slow_reader;
mod state;

mod system;
mod wasi_command;
mod wasi_given;
#[path = "../support/mod.rs"]
mod support;
