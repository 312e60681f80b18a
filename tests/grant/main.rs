//! What plugins may do, who said so, and for which file it holds.

mod check;
mod cli;
mod scopes;
#[path = "../support/mod.rs"]
mod support;
