//! Conductor: a MIDI controller turned into a safe, scriptable control surface.
//!
//! ```text
//! MIDI bytes → Message → Gesture → (mode, mapping) → Action → plugin call → host function → Effect
//! ```
//!
//! The modules below stand in the order the data flows, and a module imports only modules above it
//! (`tests/architecture.rs` reads the sources and holds that).

pub mod text;
pub mod file;
pub mod digest;
pub mod capability;
pub mod time;
pub mod confine;
pub mod midi;
pub mod effect;
pub mod gesture;
pub mod config;
pub mod mapping;
pub mod action;
pub mod package;
pub mod grant;
pub mod sandbox;
pub mod host;
pub mod os;
pub mod journal;
pub mod device;
pub mod embed;
pub mod plugins;
pub mod run;
pub mod metrics;
pub mod cli;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
