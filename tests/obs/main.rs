//! OBS Studio Control with the real OBS, without a screen: `.ci/run obs`.
//!
//! Each test starts an OBS of its own, with a screen in memory, and looks at it through a client of its own.
#![cfg(all(feature = "http", feature = "websocket"))]

mod actions;
mod client;
mod lamp;
mod measure;
mod studio;
#[path = "../support/mod.rs"]
mod support;
