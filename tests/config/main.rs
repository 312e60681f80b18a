//! A configuration is read with all its mistakes at once, each where it stands and with what to write instead.

mod broken;
mod check;
mod declared_state;
mod documented;
mod feedback;
mod fuzz;
mod hosts;
mod network;
mod numbering;
mod profiles;
mod schema;
mod secrets;
mod state;
mod warnings;
#[path = "../support/mod.rs"]
mod support;
