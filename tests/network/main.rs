//! Requests to real servers, and what plugins may ask of them.

mod acknowledged;
mod actions;
mod http;
mod obs;
mod plugins;
#[path = "../support/mod.rs"]
mod support;
