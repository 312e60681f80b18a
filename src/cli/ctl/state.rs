//! `conductor ctl state`.

use argh::FromArgs;

use crate::cli::{Exit, Failure, Output};
use crate::control::{Client, ControlCommand, Request};
use crate::text::clean;

/// Show named values: all, or those that begin with these parts.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "state",
    example = "{command_name}\n{command_name} plugin.obs\n{command_name} --json | jq '.\"toggle.mic\"'",
    note = "What nobody asks for is not kept: of a device there is what conditions, values and feedback name.\n\nExit codes: 0 shown; 1 nothing has such a name; 2 wrong usage, or nobody is there."
)]
pub(super) struct State {
    /// a name, or its first parts
    #[argh(positional)]
    key: Option<String>,
    /// print one JSON object
    #[argh(switch)]
    json: bool,
}

impl State {
    pub(super) fn run(self, mut client: Client, out: &mut Output) -> Result<Exit, Failure> {
        let wanted = self.key.is_some();
        let mut request = Request::new(ControlCommand::State);
        request.args.key = self.key;
        let values = client.ask(&request)?;
        let none = values.as_object().is_none_or(serde_json::Map::is_empty);
        if self.json {
            out.json(&values.to_string())?;
        } else {
            for (name, value) in values.as_object().into_iter().flatten() {
                out.line(format_args!("{} = {}", clean(name, 500), clean(&value.to_string(), 500)))?;
            }
        }
        Ok(if wanted && none { Exit::Negative } else { Exit::Done })
    }
}
