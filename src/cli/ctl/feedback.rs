//! `conductor ctl feedback`.

use argh::FromArgs;

use crate::cli::{Exit, Failure, Output};
use crate::control::{Client, ControlCommand, Request};

/// What devices show.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "feedback",
    example = "{command_name} refresh",
    note = "Exit codes: 0 done; 2 wrong usage, or nobody is there."
)]
pub(super) struct Feedback {
    #[argh(subcommand)]
    command: FeedbackCommand,
}

#[derive(FromArgs, Debug)]
#[argh(subcommand)]
enum FeedbackCommand {
    Refresh(Refresh),
}

/// Tell every device anew what to show, as after it was switched off and on.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "refresh",
    example = "{command_name}",
    note = "Exit codes: 0 done; 2 wrong usage, or nobody is there."
)]
struct Refresh {
    /// print one JSON object
    #[argh(switch)]
    json: bool,
}

impl Feedback {
    pub(super) fn run(self, mut client: Client, out: &mut Output) -> Result<Exit, Failure> {
        let FeedbackCommand::Refresh(Refresh { json }) = self.command;
        let told = client.ask(&Request::new(ControlCommand::FeedbackRefresh))?;
        if json {
            out.json(&told.to_string())?;
        } else {
            out.line(format_args!("devices told: {}", told["devices"]))?;
        }
        Ok(Exit::Done)
    }
}
