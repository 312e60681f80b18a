//! Requests to real servers, and what plugins may ask of them.

mod actions;
mod http;
mod login;
mod official_servers;
mod plugins;
mod spotify;
mod tokens;
#[path = "../support/mod.rs"]
mod support;
