//! `conductor-sign trust`, one file per subcommand.

mod add;
mod list;
mod remove;
mod revoke;

use std::path::PathBuf;

use argh::FromArgs;

use super::{Exit, Failure, Output, operation};
use crate::config::{Environment, paths};

/// Say whose signatures count.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "trust",
    example = "{command_name} list",
    note = "Exit codes: 0 done; 1 there is no such key, or it is revoked; 2 wrong usage, or the trust store could not be read or\nwritten."
)]
pub(super) struct Trust {
    #[argh(subcommand)]
    command: Command,
}

/// Every subcommand.
#[derive(FromArgs, Debug)]
#[argh(subcommand)]
enum Command {
    Add(add::Add),
    List(list::List),
    Remove(remove::Remove),
    Revoke(revoke::Revoke),
}

impl Trust {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self.command {
            Command::Add(command) => command.run(out),
            Command::List(command) => command.run(out),
            Command::Remove(command) => command.run(out),
            Command::Revoke(command) => command.run(out),
        }
    }
}

/// The trust store's usual place.
pub(super) fn default_store() -> Result<PathBuf, Failure> {
    paths::trusted_keys_file(&Environment::of_process()).map_err(operation)
}

/// An edit that was refused: a negative verdict about the key, or something that could not be done.
fn edit_failure(error: crate::package::signing::TrustEditError) -> Failure {
    use crate::package::signing::TrustEditError as E;
    match &error {
        E::TrustedAlready { .. }
        | E::Revoked { .. }
        | E::NoSuchKey(_)
        | E::Ambiguous { .. }
        | E::OldKeyUnknown(_)
        | E::OldKeyReplaced { .. } => Failure::negative(error.to_string()),
        E::NotAPrefix(_) | E::Text(_) => Failure::usage(error.to_string()),
        E::Store(_) | E::Io { .. } | E::Layout { .. } => operation(error),
    }
}
