//! Requests to real servers, and what plugins may ask of them.

mod actions;
mod http;
mod mqtt;
mod plugins;
#[path = "../support/mod.rs"]
mod support;
