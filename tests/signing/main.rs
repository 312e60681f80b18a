//! Signatures and whom they are trusted of.

mod at_run;
mod cli;
mod fuzz;
mod hardware;
mod interop;
mod known_answers;
mod trust_store;
mod while_running;
#[path = "../support/mod.rs"]
mod support;
