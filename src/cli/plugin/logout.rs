//! `conductor plugin logout`.

use argh::FromArgs;

use super::super::{Exit, Failure, Output};
use crate::os::{self, TokenStore};
use crate::text::Escape as _;

/// Forget the token of a plugin's login. A running daemon has none from the next request on.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "logout",
    example = "{command_name} spotify",
    note = "The service is not told: its own page of the account takes a login back there.\n\nExit codes: 0 forgotten; 1 nobody was logged in; 2 wrong usage, or the token's file cannot be removed."
)]
pub(super) struct Logout {
    /// the plugin's name in the configuration
    #[argh(positional)]
    plugin: String,
}

impl Logout {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let store = TokenStore::of(&os::Environment::inherited());
        if !store.remove(&self.plugin).map_err(|error| Failure::operation(error.to_string()))? {
            return Err(Failure::negative(format!("nobody was logged in for \"{}\"", self.plugin.escaped())));
        }
        out.line(format_args!("logged out: {}", self.plugin))?;
        Ok(Exit::Done)
    }
}
