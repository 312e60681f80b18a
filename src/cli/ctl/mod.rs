//! `conductor ctl`, one file per subcommand.

mod devices;
mod feedback;
mod mode;
mod plugins;
mod state;
mod status;
mod stop;
mod watch;

use std::path::PathBuf;

use argh::FromArgs;

use super::{Exit, Failure, Output};
use crate::config::{Environment, paths};
use crate::control::{Client, ClientError, ClientErrorKind, ErrorCode};

/// Ask a Conductor that runs, or tell it something.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "ctl",
    example = "See how it stands, and what happens from here on:\n  {command_name} status\n  {command_name} watch\nChange the mode:\n  {command_name} mode Drums",
    note = "It is reached through a socket that only its own user can open. What changes its session is written to its journal and\nreplays.\n\nExit codes: 0 done; 1 it said no; 2 wrong usage, or nobody is there."
)]
pub(super) struct Ctl {
    /// the socket of the one that is meant; default conductor/control.sock below `$XDG_RUNTIME_DIR`
    #[argh(option, arg_name = "file")]
    socket: Option<PathBuf>,
    #[argh(subcommand)]
    command: Command,
}

#[derive(FromArgs, Debug)]
#[argh(subcommand)]
enum Command {
    Devices(devices::Devices),
    Feedback(feedback::Feedback),
    Mode(mode::Mode),
    Plugins(plugins::Plugins),
    State(state::State),
    Status(status::Status),
    Stop(stop::Stop),
    Watch(watch::Watch),
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error.kind {
            ClientErrorKind::Refused(refusal) if refusal.code == ErrorCode::NotFound => {
                Self::negative(error.to_string())
            }
            _ => Self::operation(error.to_string()),
        }
    }
}

impl Ctl {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let usual = || paths::control_socket(&Environment::of_process());
        let path = self.socket.or_else(usual).ok_or_else(|| {
            Failure::usage("XDG_RUNTIME_DIR is not set: name the socket of the Conductor that is meant with --socket")
        })?;
        let client = Client::connect(&path)?;
        match self.command {
            Command::Devices(command) => command.run(client, out),
            Command::Feedback(command) => command.run(client, out),
            Command::Mode(command) => command.run(client, out),
            Command::Plugins(command) => command.run(client, out),
            Command::State(command) => command.run(client, out),
            Command::Status(command) => command.run(client, out),
            Command::Stop(command) => command.run(client, out),
            Command::Watch(command) => command.run(client, out),
        }
    }
}
