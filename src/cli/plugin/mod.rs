//! `conductor plugin`, one file per subcommand.

mod conformance;
mod grant;
mod inspect;
mod configured;
mod list;
#[cfg(feature = "http")]
mod login;
#[cfg(feature = "http")]
mod logout;
mod revoke;
mod run;

use argh::FromArgs;

pub(super) use inspect::RECORDS;

use super::{Exit, Failure, Output};

/// Try, inspect and manage plugins.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "plugin",
    example = "Call a plugin once, without a configuration:\n  {command_name} run my_plugin.wasm --params '{{\"action\":\"play\"}}'",
    note = "Exit codes: 0 done; 1 a negative verdict (refused, failed, denied); 2 wrong usage or an operation that could\nnot be carried out."
)]
pub(super) struct Plugin {
    #[argh(subcommand)]
    command: Command,
}

#[derive(FromArgs, Debug)]
#[argh(subcommand)]
enum Command {
    Conformance(conformance::Conformance),
    Grant(grant::Grant),
    Inspect(inspect::Inspect),
    List(list::List),
    #[cfg(feature = "http")]
    Login(login::Login),
    #[cfg(feature = "http")]
    Logout(logout::Logout),
    Revoke(revoke::Revoke),
    Run(Box<run::Run>),
}

impl Plugin {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self.command {
            Command::Conformance(command) => command.run(out),
            Command::Grant(command) => command.run(out),
            Command::Inspect(command) => command.run(out),
            Command::List(command) => command.run(out),
            #[cfg(feature = "http")]
            Command::Login(command) => command.run(out),
            #[cfg(feature = "http")]
            Command::Logout(command) => command.run(out),
            Command::Revoke(command) => command.run(out),
            Command::Run(command) => command.run(out),
        }
    }
}
