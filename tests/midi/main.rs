//! From MIDI bytes to actions.

mod actions;
mod cli;
mod devices;
mod files;
mod gestures;
mod mapping;
mod parser;
#[path = "../support/mod.rs"]
mod support;
