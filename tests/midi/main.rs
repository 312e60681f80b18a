//! From MIDI bytes to actions.

mod actions;
mod cli;
mod devices;
mod feedback;
mod files;
mod gestures;
mod hand;
mod holds;
mod mapping;
mod parser;
mod profiles;
mod recipes;
mod routes;
mod session;
mod values;
#[path = "../support/mod.rs"]
mod support;
mod wire;
