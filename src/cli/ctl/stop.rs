//! `conductor ctl stop`.

use argh::FromArgs;

use crate::cli::{Exit, Failure, Output};
use crate::control::{Client, ControlCommand, Request};

/// End it in order, as the first signal does: what is held is let go, calls at work are finished.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "stop",
    example = "{command_name}",
    note = "Exit codes: 0 it is ending; 2 wrong usage, or nobody is there."
)]
pub(super) struct Stop {
    /// print one JSON object
    #[argh(switch)]
    json: bool,
}

impl Stop {
    pub(super) fn run(self, mut client: Client, out: &mut Output) -> Result<Exit, Failure> {
        let ending = client.ask(&Request::new(ControlCommand::Stop))?;
        if self.json {
            out.json(&ending.to_string())?;
        }
        Ok(Exit::Done)
    }
}
