//! `conductor ctl mode`.

use argh::FromArgs;

use crate::cli::{Exit, Failure, Output};
use crate::control::{Client, ControlCommand, Request};
use crate::text::clean;

/// Change the mode, as a `ModeChange` of a mapping does.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "mode",
    example = "{command_name} Drums",
    note = "Exit codes: 0 changed; 1 there is no such mode; 2 wrong usage, or nobody is there."
)]
pub(super) struct Mode {
    /// name of the mode
    #[argh(positional)]
    name: String,
    /// print one JSON object
    #[argh(switch)]
    json: bool,
}

impl Mode {
    pub(super) fn run(self, mut client: Client, out: &mut Output) -> Result<Exit, Failure> {
        let mut request = Request::new(ControlCommand::Mode);
        request.args.name = Some(self.name);
        let changed = client.ask(&request)?;
        if self.json {
            out.json(&changed.to_string())?;
        } else {
            let text = |key: &str| clean(changed[key].as_str().unwrap_or_default(), 500);
            out.line(format_args!("mode {}, before it {}", text("mode"), text("before")))?;
        }
        Ok(Exit::Done)
    }
}
